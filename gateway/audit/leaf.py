"""From a draft to the bytes that are kept: the leaf, the salted private part, the record rows and their root.

Rules. A leaf has the same fields for every answer and holds only what its own partner may know. ``private``
is SHA-256 over a 32-byte random salt and the private part, so the digest cannot be tried against guesses.
``records`` is a Merkle root (RFC 9162) over the record rows, each behind a salt of its own made from the
entry's salt, after one blind row: so the root of nothing withheld looks like any other, and one row can be
shown without the rest. A record's identifier is kept only as HMAC-SHA256 under a versioned key that the
database does not hold.

Pure: the salt is an argument.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from gateway.audit import canonical, merkle, order_json
from gateway.audit.canonical import PlainJson
from gateway.audit.entry import LEAF_LIMIT, SALT_BYTES, Cosigned, Draft, RecordRow
from gateway.audit.errors import DraftRefused, ProofRefused
from gateway.audit.orders import Order, stamp

VERSION = 1
"""The version of the leaf's form."""

PRIVATE_VERSION = 2
"""The version of the private part's form. One that does not say its version is of the first, which had no ``peer`` and
no ``account``.
"""

OF_LOG = frozenset(("version", "orders", "takes", "instance", "cosigned"))
"""What the log itself writes into private parts: their version, orders, what is taken of volumes, which instance
wrote it (and has the release open that goes on), and what witnesses had signed by then (:mod:`gateway.audit.cosigned`).
"""

_LEAF = msgspec.json.Encoder(order="sorted")


class Leaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A leaf's fields.

    Digests are lower-case hex, ``""`` where there is none; ``time`` is RFC 3339 in UTC.
    """

    version: int
    origin: str
    time: str
    event: str
    partner: str
    request: str
    release: str
    chunk: int
    last: bool
    outcome: str
    content: str
    sealed: str
    key: str
    released: int
    records: str
    private: str


@dataclass(frozen=True, slots=True)
class IdentifierKey:
    """The key that record identifiers are stored under, and its version (1 or more).

    At least 32 secret bytes.
    """

    version: int
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < 32 or self.version < 1:
            raise DraftRefused("identifier key", "needs a version from 1 on and at least 32 secret bytes")


@dataclass(frozen=True, slots=True)
class PreparedRow:
    """One record row as it is stored: its number in the entry (from 1), what it is found by, its canonical
    bytes.
    """

    number: int
    identifier: str | None
    digest: bytes | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """An entry ready to be given a place: everything that will be stored of it. ``fields`` are the leaf's. ``cosigned``
    are the cosignatures that its private part speaks of.
    """

    draft: Draft
    fields: Leaf
    leaf: bytes
    salt: bytes
    private: bytes
    rows: tuple[PreparedRow, ...]
    hash: bytes
    """The leaf's hash in the log's tree."""
    cosigned: tuple[Cosigned, ...] = ()


def prepare(
    draft: Draft,
    origin: str,
    key: IdentifierKey,
    salt: bytes,
    orders: Sequence[Order] = (),
    *,
    instance: str = "",
    cosigned: tuple[Cosigned, ...] = (),
) -> Prepared:
    """Work out all that will be stored for a draft. The private part says also which ``instance`` writes it, which
    has a release open that goes on after it, and which cosignatures are kept by now that no entry speaks of yet.

    Raises :class:`DraftRefused` when it cannot be an entry.
    """
    if len(salt) != SALT_BYTES:
        raise DraftRefused("salt", f"has {len(salt)} bytes, not {SALT_BYTES}")
    _check(draft)
    own = _of_log(draft, key, orders, instance, cosigned)
    private = canonical.encode({**draft.private, **own}, "private")
    rows = tuple(_row(number, row, key) for number, row in enumerate(draft.records, start=1))
    fields = Leaf(
        version=VERSION,
        origin=origin,
        time=stamp(draft.time),
        event=draft.event.value,
        partner=draft.partner,
        request=draft.request,
        release=draft.release,
        chunk=draft.chunk,
        last=draft.last,
        outcome=draft.outcome,
        content=_hex(draft.content, "content"),
        sealed=_hex(draft.sealed, "sealed"),
        key=draft.key,
        released=draft.released,
        records=record_root(salt, [row.body for row in rows]).hex(),
        private=private_digest(salt, private).hex(),
    )
    leaf = _LEAF.encode(fields)
    if len(leaf) > LEAF_LIMIT:
        raise DraftRefused("leaf", f"has {len(leaf)} bytes, more than {LEAF_LIMIT}", hint="Shorten its names.")
    return Prepared(draft, fields, leaf, salt, private, rows, merkle.leaf_hash(leaf), cosigned)


def _of_log(
    draft: Draft, key: IdentifierKey, orders: Sequence[Order], instance: str, cosigned: tuple[Cosigned, ...]
) -> dict[str, PlainJson]:
    """What the log writes into the private part itself: see :data:`OF_LOG`."""
    own: dict[str, PlainJson] = {"version": PRIVATE_VERSION}
    if orders:
        own["orders"] = [order_json.write(order, lambda identifier: keyed(identifier, key)) for order in orders]
    if draft.takes:
        own["takes"] = [[each.counter, stamp(each.since), each.amount] for each in draft.takes]
    if instance:
        own["instance"] = instance
    if cosigned:
        own["cosigned"] = [{"size": each.size, "by": list(each.by)} for each in cosigned]
    return own


def parse_leaf(data: bytes) -> Leaf:
    """The fields of a leaf.

    Raises :class:`ProofRefused` unless the bytes are exactly a leaf of this version.
    """
    try:
        leaf = msgspec.json.decode(data, type=Leaf)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProofRefused(f"these bytes are not a leaf: {error}") from error
    if leaf.version != VERSION or _LEAF.encode(leaf) != data:
        raise ProofRefused(f"these bytes are not a leaf of version {VERSION} in canonical form")
    return leaf


def private_digest(salt: bytes, private: bytes) -> bytes:
    """What a leaf says of its private part: SHA-256(salt || canonical bytes)."""
    return hashlib.sha256(salt + private).digest()


def record_root(salt: bytes, bodies: Sequence[bytes]) -> bytes:
    """The Merkle root over an entry's record rows.

    Row 0 is blind, so that no rows and some rows look alike.
    """
    blind = merkle.leaf_hash(row_salt(salt, 0))
    if not bodies:
        return blind  # a tree of one leaf
    leaves = [blind]
    leaves += [merkle.leaf_hash(row_salt(salt, number) + body) for number, body in enumerate(bodies, start=1)]
    return merkle.root(leaves)


def row_salt(salt: bytes, number: int) -> bytes:
    """The salt of one row: it tells nothing of the entry's salt, nor of other rows'."""
    return hmac.digest(salt, b"relgate record row\n" + number.to_bytes(8, "big"), "sha256")


def keyed(identifier: str, key: IdentifierKey) -> str:
    """An identifier as it is stored: ``<key version>:<hex of HMAC-SHA256>``."""
    plain = identifier.encode(errors="surrogatepass")  # JSON can name lone surrogates
    return f"{key.version}:{hmac.digest(key.secret, plain, 'sha256').hex()}"


def _check(draft: Draft) -> None:
    """What the types cannot say: zones, ranges, and names that are reserved."""
    if draft.time.tzinfo is None:
        raise DraftRefused("time", "has no zone")
    for name, number in (("chunk", draft.chunk), ("released", draft.released)):
        if not 0 <= number <= canonical.MAX_INTEGER:
            raise DraftRefused(name, f"is {number}")
    if not draft.release and (draft.chunk or not draft.last):
        raise DraftRefused("release", "is empty, but the entry is a chunk of one")
    for name in OF_LOG & draft.private.keys():
        raise DraftRefused("private", f"has the key `{name}`, which the log writes itself")
    for name in (draft.outcome, draft.partner, draft.request, draft.release, draft.key):
        if not name.isprintable():
            raise DraftRefused("leaf", f"holds {name[:80]!r}, which is not printable text")


def _row(number: int, row: RecordRow, key: IdentifierKey) -> PreparedRow:
    identifier = None if row.identifier is None else keyed(row.identifier, key)
    said: Mapping[str, object] = {
        "detail": row.detail,
        "digest": _hex(row.digest, "record digest"),
        "effect": row.effect,
        "identifier": identifier or "",
    }
    return PreparedRow(number, identifier, row.digest, canonical.encode(said, f"record {number}"))


def _hex(value: bytes | None, name: str) -> str:
    if value is None:
        return ""
    if len(value) != merkle.HASH_BYTES:
        raise DraftRefused(name, f"has {len(value)} bytes, not the 32 of a SHA-256 digest")
    return value.hex()
