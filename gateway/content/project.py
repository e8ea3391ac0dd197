"""Keep only the chosen columns of a record, in the source's order, their values' bytes untouched.

For answers to ``/tuple`` and other abridged lists, and for fields that were fetched for the decision only.
The marking field always comes along: a record never leaves without its label.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from gateway.content.errors import RecordDoubtful
from gateway.content.strict import strict_doubts

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def project(raw: bytes, columns: Collection[str], marking: str, always: Collection[str] = ()) -> bytes:
    """Keep the members that ``columns`` names, the one that ``marking`` names, and those that ``always`` come along (a
    watermark); a column not there adds nothing.

    The same bytes come back when nothing is left out. Raises :class:`RecordDoubtful` for a record that the
    strict reading does not accept.
    """
    doubts = strict_doubts(raw, marking)
    if doubts:
        raise RecordDoubtful(doubts)
    members = _OBJECT.decode(raw)
    kept = {name: value for name, value in members.items() if name == marking or name in columns or name in always}
    return raw if len(kept) == len(members) else msgspec.json.encode(kept)
