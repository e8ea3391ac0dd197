"""The small values that policy files are written in, read strictly: names, dates, durations, steps, levels.

A date in a policy file is the first instant of that day, UTC. ``until`` is exclusive: an agreement until
2028-01-01 is in force on 2027-12-31 and not a moment later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal, localcontext
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from gateway.policy.errors import Unreadable


class Strict(BaseModel):
    """A table of a policy file: no unknown keys, no coercion, no change once read."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _moment(raw: object) -> object:
    """A TOML date or offset date-time as an aware UTC instant; a local date-time says no zone and is
    refused.
    """
    if isinstance(raw, datetime):
        if raw.tzinfo is None:
            raise Unreadable("a date-time must say its zone, for example 2026-01-01T06:00:00Z")
        return raw.astimezone(UTC)
    if isinstance(raw, date):
        return datetime.combine(raw, time(0), UTC)
    raise Unreadable("a date (2026-01-01) or a date-time with zone (2026-01-01T06:00:00Z) was expected, unquoted")


def _day(raw: object) -> object:
    """A TOML date; memberships change at midnight UTC and not in between."""
    if isinstance(raw, datetime) or not isinstance(raw, date):
        raise Unreadable("a date (2026-01-01) was expected, unquoted and without a time")
    return raw


_DURATION = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,5})s)?")


def _duration(raw: object) -> object:
    """``"1d"``, ``"6h"``, ``"1h30m"``, ``"45s"`` as a time span."""
    match = _DURATION.fullmatch(raw) if isinstance(raw, str) and raw else None
    if match is None:
        raise Unreadable('a duration such as "1h", "90m" or "1d12h" was expected')
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _span(raw: object) -> object:
    """A duration longer than nothing."""
    if _duration(raw) == timedelta(0):
        raise Unreadable('a span of time is longer than nothing, for example "1h"')
    return _duration(raw)


def _coarse(raw: object) -> object:
    """What a quantity is coarsened to: a number for a measurement, a span of time (``"1h"``) for an instant."""
    return _span(raw) if isinstance(raw, str) else _step(raw)


def _step(raw: object) -> object:
    """A rounding step: a positive, finite number, kept in decimal."""
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        raise Unreadable('a step is a number, or for an instant a span of time such as "1h"')
    step = Decimal(raw)
    if not step.is_finite() or step <= 0:
        raise Unreadable("a step is greater than zero")
    return step.normalize()


LEVELS: Mapping[str, int] = {
    "UNCLASSIFIED": 0,
    "CONFIDENTIAL": 2,
    "SECRET": 3,
    "TOP SECRET": 4,
}
"""US levels a ceiling or a clearance may name, as :class:`gateway.markings.Level` counts them. RESTRICTED (1)
is no US level (CAPCO-2016 A.6), so it cannot be a ceiling; a foreign RESTRICTED label lies above
UNCLASSIFIED.
"""


def _level(raw: object) -> object:
    if not isinstance(raw, str) or raw not in LEVELS:
        raise Unreadable(f"a level is one of {', '.join(LEVELS)}, spelled out")
    return raw


FOREIGN_LEVELS: Mapping[str, int] = {"UNCLASSIFIED": 0, "RESTRICTED": 1, **LEVELS}
"""Levels that a US marking of foreign material may state (CAPCO-2016 H.2), RESTRICTED among them."""


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""A name in lower case, digits and hyphens: datasets, systems, purposes, grants."""

PolicyName = Annotated[str, StringConstraints(pattern=r"^spif:[!-~]( ?[!-~]){0,127}$")]
"""A security policy as a profile: ``spif:`` and the policy's own name, as its file states it."""

ProfileName = Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9.-]{0,62}|spif:[!-~]( ?[!-~]){0,127})$")]
"""A marking profile that is shipped, or a security policy of the set."""

Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{1,30}$")]
"""A code in capitals: partners, nations, communities, originators."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
FieldPath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}(\.[A-Za-z_][A-Za-z0-9_]{0,63}){0,3}$")
]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Day = Annotated[date, BeforeValidator(_day)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
Span = Annotated[timedelta, BeforeValidator(_span)]
Step = Annotated[Decimal, BeforeValidator(_step)]
Coarse = Annotated[Decimal | timedelta, BeforeValidator(_coarse)]
LevelName = Annotated[str, BeforeValidator(_level)]
Category = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}$")]
Some = Field(min_length=1)


UNITS: Mapping[str, tuple[str, Decimal]] = {
    "m": ("length", Decimal(1)),
    "km": ("length", Decimal(1000)),
    "m/s": ("speed", Decimal(1)),
    "km/s": ("speed", Decimal(1000)),
    "m/s2": ("acceleration", Decimal(1)),
    "km/s2": ("acceleration", Decimal(1000)),
    "deg": ("angle", Decimal(1)),
    "s": ("time", Decimal(1)),
    "min": ("time", Decimal(60)),
    "rev/day": ("mean motion", Decimal(1)),
    "1": ("ratio", Decimal(1)),
    "instant": ("instant", Decimal(1)),
}
"""Units that steps are stated in: the dimension, and the unit's size in that dimension's base unit. An ``instant`` is
a date-time; its step is a span of time, and counts in seconds.
"""

INSTANT = "instant"
DAY = timedelta(days=1)


def fits_unit(step: Decimal | timedelta, unit: str) -> bool:
    """Whether a step is of the kind that a unit asks for."""
    return isinstance(step, timedelta) is (unit == INSTANT)


def even_span(span: timedelta) -> bool:
    """Whether a span divides days evenly, so that its multiples fall on the same times every day, UTC."""
    whole = span.microseconds == 0
    return whole and (DAY % span == timedelta(0) if span < DAY else span % DAY == timedelta(0))


def dimension(unit: str) -> str:
    """What a unit measures: ``length``, ``angle`` and so on. Raises ``KeyError`` for a unit not known."""
    return UNITS[unit][0]


def to_base(step: Decimal | timedelta, unit: str) -> Decimal:
    """``step``, stated in ``unit``, in the base unit of its dimension. Exact."""
    if isinstance(step, timedelta):
        return Decimal(step // timedelta(seconds=1))
    return step * UNITS[unit][1]


def from_base(step: Decimal, unit: str) -> Decimal:
    """A step in the base unit, stated in ``unit``; where decimals do not suffice it is rounded up, never
    finer.
    """
    with localcontext() as context:
        context.rounding = ROUND_CEILING
        return (step / UNITS[unit][1]).normalize()


def _unit(raw: object) -> object:
    if not isinstance(raw, str) or raw not in UNITS:
        raise Unreadable(f"a unit is one of {', '.join(UNITS)}")
    return raw


UnitName = Annotated[str, BeforeValidator(_unit)]
