"""Whether a record's marking is bound to it, where its dataset demands a signed binding.

The binding is a JWS in a field of the record (:mod:`gateway.sealing.labelbinding`), by a key that the policy set holds
for the dataset's source. It speaks of the record by its identifier, of the marking by the digest of its text, of the
content by that of its canonical JSON without both fields (:mod:`gateway.content.bound`). What does not hold is a doubt
about the record, so its label is not read, the record is withheld and the doubt is in the audit entry.

The doubt is found once and kept as evidence, so that a replay needs no key.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache

from gateway.content.bound import NotBindable, bound_content
from gateway.content.records import RecordView
from gateway.content.strict import strict_doubts
from gateway.keys.jwks import PublicJwk, parse_jwk
from gateway.markings.binding import BindingDoubt, BindingRefused, check_binding
from gateway.policy.partnerkeys import PartnerKey
from gateway.policy.shape import RecordShape
from gateway.sealing.labelbinding import binding_verifier


def binding_doubts(view: RecordView, shape: RecordShape, keys: tuple[PartnerKey, ...], at: datetime) -> tuple[str, ...]:
    """Why the marking is not to be believed; empty when it is bound to the record, or none is demanded."""
    if shape.binding is None:
        return ()
    found = strict_doubts(view.raw, shape.marking)
    if found:
        return tuple(map(str, found))
    usable = tuple(_public(key) for key in keys if key.usable(at))
    try:
        check_binding(
            None if view.binding is None else view.binding.encode("utf-8", "replace"),
            binding_verifier(usable, at),
            about=view.identifier or "",
            label=(view.marking or "").encode(),
            content=bound_content(view.raw, shape.marking, shape.binding),
            at=at,
        )
    except BindingRefused as refused:
        return (str(refused.doubt),)
    except NotBindable:
        return (str(BindingDoubt.UNREADABLE),)
    return ()


@lru_cache(maxsize=256)
def _public(key: PartnerKey) -> PublicJwk:
    return parse_jwk(json.loads(key.jwk), "labeller")
