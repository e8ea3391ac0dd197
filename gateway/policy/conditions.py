"""Conditions over facts: what a grant's or a deny's ``where`` says, and whether it holds.

Rules of this file:

1. A condition is true, false or unknown (Kleene's strong logic). Unknown comes from a fact that is there but
   that no table knows, such as the owner of an uncatalogued object.
2. A grant needs true. A deny fires unless false. So an unknown fact grants nothing and escapes no deny.
3. Nothing means no: an empty list of tests is unknown, never true. To speak of every record of a dataset a
   policy says so: ``where = "everything"``.

The predicates are few, so that an officer can read them aloud:

    owners   = { contains = "JPN" }           at least one of the objects is JPN's
    owners   = { within = ["JPN", "GBR"] }    every object belongs to one of these
    owners   = { beyond = ["JPN"] }           at least one object belongs to somebody else
    dataMode = "REAL"                         equal
    owners   = { contains = "JPN", beyond = ["JPN"] }    both
    regime   = ["GEO", "HEO"]                 one of
    altitude = { at_least = 100, below = 2000 }
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from gateway.policy.decision import UNKNOWN, FactValue, Unknown
from gateway.policy.errors import Unreadable


class Truth(enum.Enum):
    """True, false, or not known."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


class FactKind(enum.StrEnum):
    """What a fact's value is; each kind has its own predicates."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    SET = "set"


class FactMisread(Exception):
    """A predicate met a value of a type it does not read. The gate that asked denies."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """The fact equals one of ``values`` (one value: plain equality). Types must agree: ``1`` is not
    ``true``.
    """

    values: tuple[str | int | bool, ...]
    _typed: frozenset[tuple[type, str | int | bool]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_typed", frozenset((type(value), value) for value in self.values))

    def holds(self, value: FactValue) -> bool:
        """Whether ``value`` is one of these."""
        return (value.__class__, value) in self._typed


@dataclass(frozen=True, slots=True)
class Contains:
    """The set fact has ``member`` in it."""

    member: str

    def holds(self, value: FactValue) -> bool:
        """Whether ``value`` has the member; raises :class:`FactMisread` on anything but a set."""
        return self.member in _members(value)


@dataclass(frozen=True, slots=True)
class Within:
    """Every member of the set fact is one of ``members``. An empty set is within nothing."""

    members: frozenset[str]

    def holds(self, value: FactValue) -> bool:
        """Whether ``value`` is non-empty and within; raises :class:`FactMisread` on anything but a set."""
        found = _members(value)
        return bool(found) and found <= self.members


@dataclass(frozen=True, slots=True)
class Beyond:
    """At least one member of the set fact is none of ``members``."""

    members: frozenset[str]

    def holds(self, value: FactValue) -> bool:
        """Whether ``value`` goes beyond; raises :class:`FactMisread` on anything but a set."""
        return bool(_members(value) - self.members)


@dataclass(frozen=True, slots=True)
class Between:
    """The number fact is ``at_least`` (inclusive) and ``below`` (exclusive); either bound may be absent, not
    both.
    """

    at_least: Decimal | None
    below: Decimal | None

    def holds(self, value: FactValue) -> bool:
        """Whether ``value`` is between; raises :class:`FactMisread` on anything but a number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise FactMisread(f"a number was expected, not {type(value).__name__}")
        if not math.isfinite(value):
            raise FactMisread("a finite number was expected")
        number = Decimal(value)  # exact: a float is a binary fraction
        if self.at_least is None and self.below is None:
            return False
        return (self.at_least is None or number >= self.at_least) and (self.below is None or number < self.below)


Predicate = OneOf | Contains | Within | Beyond | Between


def _members(value: FactValue) -> frozenset[str]:
    if not isinstance(value, frozenset):
        raise FactMisread(f"a set was expected, not {type(value).__name__}")
    return value


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of a record's facts. ``everything`` speaks of every record and reads no fact.

    ``tests`` pairs a fact's name with a predicate; all must hold, and one fact may be tested more than once.
    """

    everything: bool
    tests: tuple[tuple[str, Predicate], ...] = ()

    @property
    def reads(self) -> frozenset[str]:
        """The names of the facts this condition reads."""
        return frozenset(name for name, _ in self.tests)

    def truth(self, values: Mapping[str, FactValue | Unknown]) -> Truth:
        """Whether the condition holds of ``values``; a fact that is absent there is unknown."""
        if self.everything:
            return Truth.TRUE
        if not self.tests:
            return Truth.UNKNOWN
        failed = unknown = False
        for name, predicate in self.tests:  # each is asked, so that a misread is never hidden behind another's no
            value = values.get(name, UNKNOWN)
            if value is UNKNOWN:
                unknown = True
            elif not predicate.holds(value):
                failed = True
        if failed:
            return Truth.FALSE
        return Truth.UNKNOWN if unknown else Truth.TRUE


FITS: Mapping[FactKind, tuple[type, ...]] = {
    FactKind.STRING: (OneOf,),
    FactKind.INTEGER: (OneOf, Between),
    FactKind.NUMBER: (Between,),
    FactKind.BOOLEAN: (OneOf,),
    FactKind.SET: (Contains, Within, Beyond),
}
"""Which predicates read which kind of fact. A number is never compared for equality: it is a measurement."""

_VALUE_TYPES: Mapping[FactKind, type] = {
    FactKind.STRING: str,
    FactKind.INTEGER: int,
    FactKind.BOOLEAN: bool,
}


def misfit(kind: FactKind, predicate: Predicate) -> str | None:
    """Why ``predicate`` cannot read a fact of this kind, or ``None`` when it can."""
    if not isinstance(predicate, FITS[kind]):
        return f"a {kind} fact cannot be tested by {type(predicate).__name__.lower()}"
    if isinstance(predicate, OneOf):
        expected = _VALUE_TYPES[kind]
        if any(type(value) is not expected for value in predicate.values):
            return f"a {kind} fact is compared with values of that type only"
    return None


def parse_condition(raw: object) -> Condition:
    """Read a ``where`` as TOML gives it; raises :class:`Unreadable` saying what was expected."""
    if raw == "everything":
        return Condition(everything=True)
    if not isinstance(raw, Mapping):
        raise Unreadable('a condition is a table of facts, or the word "everything"')
    if not raw:
        raise Unreadable('an empty condition means nothing; to speak of every record write where = "everything"')
    tests = [(str(name), predicate) for name in sorted(raw) for predicate in parse_predicates(raw[name])]
    return Condition(False, tuple(tests))


def parse_predicates(raw: object) -> tuple[Predicate, ...]:
    """Read one fact's tests as TOML gives them; raises :class:`Unreadable` saying what was expected."""
    if isinstance(raw, str | int):
        return (OneOf((raw,)),)
    if isinstance(raw, list | tuple):
        return (OneOf(_scalars(raw)),)
    if isinstance(raw, Mapping):
        return _parse_table(raw)
    raise Unreadable("a fact is compared with a value, a list of values, or a table such as { contains = .. }")


def _parse_table(raw: Mapping[str, object]) -> tuple[Predicate, ...]:
    keys = set(raw)
    if keys and keys <= {"at_least", "below"}:
        return (Between(_bound(raw.get("at_least")), _bound(raw.get("below"))),)
    if not keys or not keys <= {"contains", "within", "beyond"}:
        raise Unreadable(
            "a test is { contains = .. }, { within = [..] }, { beyond = [..] } or { at_least = .., below = .. }"
        )
    return tuple(_parse_set(key, raw[key]) for key in sorted(keys))


def _parse_set(key: str, value: object) -> Predicate:
    if key == "within":
        return Within(_names(value))
    if key == "beyond":
        return Beyond(_names(value))
    if not isinstance(value, str) or not value:
        raise Unreadable("contains takes one name")
    return Contains(value)


def _scalars(raw: list[object] | tuple[object, ...]) -> tuple[str | int | bool, ...]:
    values = tuple(value for value in raw if isinstance(value, str | int))
    if not values or len(values) != len(raw):
        raise Unreadable("a one-of list holds at least one string, integer or boolean, and nothing else")
    return values


def _names(raw: object) -> frozenset[str]:
    if not isinstance(raw, list | tuple) or not raw or not all(isinstance(name, str) and name for name in raw):
        raise Unreadable("within and beyond take a list of at least one name")
    return frozenset(raw)


def _bound(raw: object) -> Decimal | None:
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        raise Unreadable("at_least and below take a number")
    bound = Decimal(raw)
    if not bound.is_finite():
        raise Unreadable("at_least and below take a finite number")
    return bound
