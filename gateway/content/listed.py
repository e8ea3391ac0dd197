"""Leave out of a record whatever its dataset does not list: the part of the cutter that knows no partner.

The rules: a member that is not listed, and one whose value is not of the listed kind, is left out whole and named in
the report; a record of which nothing is left out keeps its bytes exactly; a marking is listed wherever a record may
stand (the policy set does not load otherwise), so none is ever left out.

A list is made ready once, as a msgspec struct that refuses members it does not have: a record that decodes into it
holds nothing else, and most do. Any other is looked at member by member.

The record must have passed the strict reading before: which of two members of one name is meant is not asked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import UnionType
from typing import NamedTuple

import msgspec

from gateway.policy.shape import FieldKind, FieldList

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_TYPES: Mapping[FieldKind, UnionType | type] = {
    FieldKind.TEXT: str | None,
    FieldKind.NUMBER: int | float | None,
    FieldKind.BOOLEAN: bool | None,
    FieldKind.TEXTS: list[str | None] | None,
    FieldKind.NUMBERS: list[int | float | None] | None,
    FieldKind.FREE: msgspec.Raw,
}
_DECODERS = {kind: msgspec.json.Decoder(type_) for kind, type_ in _TYPES.items()}


class Kept(NamedTuple):
    """What is left of a record, and the dotted paths of what was left out, sorted."""

    raw: bytes
    left_out: tuple[str, ...] = ()


@lru_cache(maxsize=256)
def listing(fields: FieldList) -> Listing:
    """Make a list ready, once."""
    return Listing(fields)


class Listing:
    """One dataset's list of fields, ready to hold records against."""

    __slots__ = ("_decoder", "_inside", "_kinds")

    def __init__(self, fields: FieldList) -> None:
        self._kinds = dict(fields.kinds)
        self._inside = {name: Listing(inner) for name, inner in fields.inside}
        self._decoder = msgspec.json.Decoder(_struct(fields))

    def keep(self, raw: bytes) -> Kept:
        """Keep of a record what is listed. Raises nothing that the strict reading would not have found."""
        if self.holds(raw):
            return Kept(raw)
        left_out: set[str] = set()
        return Kept(self._cut(raw, "", left_out), tuple(sorted(left_out)))

    def holds(self, raw: bytes) -> bool:
        """Whether a record has nothing but what is listed. May be asked of a record that was not read strictly."""
        try:
            self._decoder.decode(raw)
        except _UNREADABLE:
            return False
        return True

    def _cut(self, raw: bytes, at: str, left_out: set[str]) -> bytes:
        """Cut an object; the same bytes come back when nothing is left out."""
        kept: dict[str, msgspec.Raw] = {}
        touched = False
        for name, member in _OBJECT.decode(raw).items():
            inner, before = self._inside.get(name), bytes(member)
            left = self._left(name, before) if inner is None else inner._cut_inside(before, f"{at}{name}", left_out)
            touched = touched or left != before
            if left is None:
                left_out.add(f"{at}{name}")
            else:
                kept[name] = msgspec.Raw(left)
        return msgspec.json.encode(kept) if touched else raw

    def _left(self, name: str, member: bytes) -> bytes | None:
        """What is left of a member that holds a value: all of it or, as ``None``, nothing."""
        kind = self._kinds.get(name)
        if kind is None:
            return None
        try:
            _DECODERS[kind].decode(member)
        except _UNREADABLE:
            return None
        return member

    def _cut_inside(self, member: bytes, path: str, left_out: set[str]) -> bytes | None:
        """Cut a record inside the record, or each of a list of them; ``None`` when something else stands there."""
        if member == b"null":
            return member
        if member.startswith(b"{"):
            return self._cut(member, f"{path}.", left_out)
        if not member.startswith(b"["):
            return None
        items = [bytes(item) for item in _LIST.decode(member)]
        if not all(item.startswith(b"{") for item in items):
            return None
        left = [self._cut(item, f"{path}.", left_out) for item in items]
        return member if left == items else b"[" + b",".join(left) + b"]"


def _struct(fields: FieldList) -> type[msgspec.Struct]:
    """A struct of the listed members and no others, none of them needed."""
    types: dict[str, object] = {name: _TYPES[kind] for name, kind in fields.kinds}
    for name, inner in fields.inside:
        record = _struct(inner)
        types[name] = record | list[record] | None  # type: ignore[valid-type]
    return msgspec.defstruct(
        "Listed",
        [(f"m{place}", type_ | msgspec.UnsetType, msgspec.UNSET) for place, type_ in enumerate(types.values())],
        rename={f"m{place}": name for place, name in enumerate(types)},
        forbid_unknown_fields=True,
        gc=False,
    )
