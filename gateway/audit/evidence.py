"""One entry with its private part, as a file for whoever has the log's tree and not the log.

The file holds the leaf, which must have the hash that the tree has at its place; the private part; and the salt, with
which the leaf binds it. So it shows what the entry says, and proves it where the tree is at hand. Private parts are for
auditors, and so are these files.

Pure: bytes in, values out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from gateway.audit import canonical, merkle
from gateway.audit.canonical import PlainJson
from gateway.audit.entry import SALT_BYTES
from gateway.audit.errors import DraftRefused, LogAltered, ProofRefused
from gateway.audit.leaf import Leaf, parse_leaf, private_digest
from gateway.audit.stored import RawEntry, check_summary

LIMIT = 1 << 24
"""Most bytes that one file has: entries that are shown so are orders, of a few thousand lines at most."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is in the file; ``leaf`` and ``private`` are the very bytes, as text; ``salt`` is hex."""

    leaf: str
    private: str
    salt: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry that a file shows. ``hash`` is its leaf's, which the tree must have at its place."""

    hash: bytes
    leaf: Leaf
    private: Mapping[str, PlainJson]


def write(raw: RawEntry) -> bytes:
    """The file that shows an entry. Raises :class:`LogAltered` when the entry is not as it was logged."""
    check_summary(raw)
    salt, private = raw.salt or b"", raw.private or b""
    data = msgspec.json.encode(_File(raw.leaf.decode(), private.decode(), salt.hex()))
    if len(data) > LIMIT:
        raise LogAltered(raw.where, f"has {len(data)} bytes, which no order has")
    return data


def parse(data: bytes) -> Shown:
    """The entry that a file shows, if the tree has its hash. Raises :class:`ProofRefused`."""
    try:
        said = msgspec.json.decode(data, type=_File)
        salt, leaf = bytes.fromhex(said.salt), said.leaf.encode()
        private = said.private.encode()
    except (ValueError, RecursionError) as error:  # also what msgspec and text that is no UTF-8 raise
        raise ProofRefused(f"does not show an entry: {error}") from error
    fields = parse_leaf(leaf)
    if len(salt) != SALT_BYTES or private_digest(salt, private).hex() != fields.private:
        raise ProofRefused("has another private part than its leaf binds")
    try:
        return Shown(merkle.leaf_hash(leaf), fields, canonical.decode(private, "private"))
    except DraftRefused as error:
        raise ProofRefused(str(error)) from error
