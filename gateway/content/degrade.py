"""The cutter: carry out a decision's obligations on one record's bytes.

The rules: a member that no obligation touches keeps its value's bytes exactly; nothing is ever added but a
watermark, in the one field that is meant for it; a marking is never touched; and where an obligation cannot be
carried out to the letter (a value at a rounded path that is no number, a path that leads through something that is no
object) the member is left out and the report says so.

Paths are dotted member names. They lead into nested objects and into every object of a list. At a rounded
path stand a number, null (which stays), or a list of those, nested or not; at a coarsened one likewise an instant.
Dropping wins over rounding. Where only some members may go, whatever else stands in the record is left out.

A record with doubts has more than one reading, so cutting it could leave the reading that was to be cut: such
a record is refused here whatever the caller did before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TypeAlias

import msgspec

from gateway.content.coarsening import coarsen_instant
from gateway.content.errors import ObligationRefused, RecordDoubtful
from gateway.content.rounding import round_number
from gateway.content.strict import strict_doubts
from gateway.policy.decision import Obligations

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Drop:
    """Leave the member out."""


@dataclass(frozen=True, slots=True)
class Round:
    """Replace each number by the nearest multiple of ``step``."""

    step: Decimal


@dataclass(frozen=True, slots=True)
class Coarsen:
    """Replace each instant by the multiple of ``span`` at or before it."""

    span: timedelta


Leaf: TypeAlias = Drop | Round | Coarsen
Cut: TypeAlias = "Leaf | Mapping[str, Cut]"


@dataclass(frozen=True, slots=True)
class CutPlan:
    """Obligations made ready for a dataset's records: a tree of member names with what to do at its leaves.

    Made once for a decision and used for each record it covers. ``drop`` and ``round`` are the dotted paths that the
    tree comes to, for the checker: what was to be rounded and cut inside is among the dropped. ``only`` are the
    members that may go at all, ``None`` for every one; ``watermark`` maps a member to its text.
    """

    tree: Mapping[str, Cut]
    marking: str
    drop: frozenset[str]
    round: Mapping[str, Decimal]
    only: frozenset[str] | None = None
    watermark: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.tree and self.only is None and not self.watermark


@dataclass(frozen=True, slots=True)
class Degraded:
    """A record after its obligations: its bytes, and which dotted paths were touched, sorted.

    ``redacted`` are the paths left out; ``unroundable`` those of them that were to be rounded and could not
    be. ``rounded`` are the paths whose numbers or instants were replaced, also where the value was such a multiple
    already. ``unlisted`` are the paths left out before, because the dataset does not list them for anybody
    (:mod:`gateway.content.listed`).
    """

    raw: bytes
    redacted: tuple[str, ...] = ()
    rounded: tuple[str, ...] = ()
    unroundable: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()


def plan_cuts(obligations: Obligations, marking: str, identifier: str | None = None) -> CutPlan:
    """Make obligations ready; ``marking`` is the name of the marking field, in a record and in records inside
    it; ``identifier`` that of the field which names a record, and which goes even where only some members do.

    Raises :class:`ObligationRefused` for a path that names a marking or has an empty part, and for a step
    that is not a finite number above zero.
    """
    tree: dict[str, Cut] = {}
    for path, step in sorted(obligations.round.items()):
        if not step.is_finite() or step <= 0:
            raise ObligationRefused(path, f"the step is {step} and must be above zero")
        _plant(tree, path, Round(step), marking)
    for path, span in sorted(obligations.coarsen.items()):
        if span < timedelta(seconds=1) or span.microseconds:
            raise ObligationRefused(path, f"the span is {span} and must be whole seconds above zero")
        _plant(tree, path, Coarsen(span), marking)
    for path in sorted(obligations.drop):
        _plant(tree, path, Drop(), marking)
    if marking in obligations.watermark or identifier in obligations.watermark:
        raise ObligationRefused(marking, "a watermark never replaces a marking or an identifier")
    only = obligations.only
    if only is not None:
        only = only | {marking, *obligations.watermark} | ({identifier} if identifier is not None else set())
    leaves = dict(_leaves(tree))
    return CutPlan(
        tree,
        marking,
        frozenset(path for path, cut in leaves.items() if isinstance(cut, Drop)),
        {path: cut.step for path, cut in leaves.items() if isinstance(cut, Round)},
        only,
        obligations.watermark,
    )


def degrade(raw: bytes, plan: CutPlan) -> Degraded:
    """Carry out a plan on one record's bytes; where nothing is touched, the very same bytes come back.

    Raises :class:`RecordDoubtful` for a record that the strict reading does not accept, if there is anything
    to cut.
    """
    if plan.is_empty:
        return Degraded(raw)
    doubts = strict_doubts(raw, plan.marking)
    if doubts:
        raise RecordDoubtful(doubts)
    work = _Work()
    cut = work.cut_object(raw, plan.tree, "")
    left = raw if cut is None else cut
    return Degraded(
        work.finish(left, plan) if plan.only is not None or plan.watermark else left,
        tuple(sorted(work.redacted)),
        tuple(sorted(work.rounded - work.redacted)),
        tuple(sorted(work.unroundable)),
    )


def _plant(tree: dict[str, Cut], path: str, cut: Leaf, marking: str) -> None:
    """Put one path into the tree.

    A drop stands over everything at and below it. A member that is to be rounded and has something cut inside it
    cannot be both, so it is dropped.
    """
    names = path.split(".")
    if not all(names):
        raise ObligationRefused(path, "a part of the path is empty")
    if marking in names:
        raise ObligationRefused(path, "a marking is never degraded")
    for name in names[:-1]:
        branch = tree.setdefault(name, {})
        if not isinstance(branch, dict):
            tree[name] = Drop()
            return
        tree = branch
    tree[names[-1]] = cut


def _leaves(tree: Mapping[str, Cut], at: str = "") -> Iterator[tuple[str, Leaf]]:
    for name, cut in tree.items():
        if isinstance(cut, Leaf):
            yield at + name, cut
        else:
            yield from _leaves(cut, f"{at}{name}.")


class _Work:
    """One record's cutting: what was left out and what was rounded so far."""

    __slots__ = ("redacted", "rounded", "unroundable")

    def __init__(self) -> None:
        self.redacted: set[str] = set()
        self.rounded: set[str] = set()
        self.unroundable: set[str] = set()

    def cut_object(self, raw: bytes, tree: Mapping[str, Cut], at: str) -> bytes | None:
        """Cut an object's members; ``None`` means that it stays as it is."""
        members = _OBJECT.decode(raw)
        touched = False
        for name, cut in tree.items():
            member = members.get(name)
            if member is None:
                continue
            path = f"{at}.{name}" if at else name
            before = bytes(member)
            after = self._cut_member(before, cut, path)
            if after == before:
                continue
            touched = True
            if after is None:
                del members[name]
                self.redacted.add(path)
            else:
                members[name] = msgspec.Raw(after)
        return msgspec.json.encode(members) if touched else None

    def finish(self, raw: bytes, plan: CutPlan) -> bytes:
        """Leave out what is not among the members that may go, and write the watermark."""
        members = _OBJECT.decode(raw)
        if plan.only is not None:
            self.redacted |= members.keys() - plan.only
            members = {name: value for name, value in members.items() if name in plan.only}
        for name, text in plan.watermark.items():
            members[name] = msgspec.Raw(msgspec.json.encode(text))
        return msgspec.json.encode(members)

    def _cut_member(self, member: bytes, cut: Cut, path: str) -> bytes | None:
        """What is left of one member: the same bytes, other bytes, or ``None`` for nothing."""
        if isinstance(cut, Drop):
            return None
        if isinstance(cut, Round | Coarsen):
            rounded = _round_value(member, cut)
            if rounded is None:
                self.unroundable.add(path)
            elif member != b"null":
                self.rounded.add(path)
            return rounded
        return self._cut_inside(member, cut, path)

    def _cut_inside(self, member: bytes, tree: Mapping[str, Cut], path: str) -> bytes | None:
        """Cut inside an object or each object of a list; anything else in the path's way is left out
        whole.
        """
        if member == b"null":
            return member
        if member.startswith(b"{"):
            cut = self.cut_object(member, tree, path)
            return member if cut is None else cut
        if not member.startswith(b"["):
            self.unroundable.add(path)
            return None
        items = [bytes(item) for item in _LIST.decode(member)]
        left = [self._cut_inside(item, tree, path) for item in items]
        if any(item is None for item in left):
            return None
        if left == items:
            return member
        return b"[" + b",".join(item for item in left if item is not None) + b"]"


def _round_value(value: bytes, cut: Round | Coarsen) -> bytes | None:
    """Round a number or coarsen an instant, or every one of a list; ``None`` when anything else stands there."""
    if value == b"null":
        return value
    if not value.startswith(b"["):
        if isinstance(cut, Coarsen):
            return coarsen_instant(value, cut.span) if value.startswith(b'"') else None
        return round_number(value, cut.step) if value[:1] in b"-0123456789" else None
    items = [_round_value(bytes(item), cut) for item in _LIST.decode(value)]
    if any(item is None for item in items):
        return None
    return b"[" + b",".join(item for item in items if item is not None) + b"]"
