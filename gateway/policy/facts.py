"""From a record's fields to the facts that policy reads: types checked, owners looked up, regimes derived.

Whatever cannot be read becomes a problem, and any problem with a fact that the rules read denies. An owner
that the table does not know is not a problem but unknown: conditions are then neither true nor false.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

from gateway.policy.conditions import FactKind
from gateway.policy.dataset import DatasetFile, FactTable
from gateway.policy.decision import UNKNOWN, Around, Facts, FactValue, Unknown
from gateway.policy.owners import OwnerTable

NOTHING_AROUND = Around()
MISSING = "missing"
INVALID = "invalid"

_EARTH_MU = 398_600.4418  # km3/s2, WGS 84 (as SGP4's wgs84 constants)
_EARTH_RADIUS = 6_378.137  # km, WGS 84
_SECONDS_A_DAY = 86_400.0
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,30}")


class _Problem(Exception):
    """A fact that cannot be read; says ``missing`` or ``invalid``."""


def read_facts(
    dataset: DatasetFile,
    reads: frozenset[str],
    values: Mapping[str, object],
    owners: OwnerTable,
    at: datetime,
    stops: Iterable[str] = (),
    around: Around = NOTHING_AROUND,
) -> Facts:
    """The facts named in ``reads``, from the record's top-level ``values``.

    Owners are looked up as of ``at``. ``delay_from`` and the originator are read where the dataset says they
    stand. A field that a compilation asks about is present unless it is null or not there.
    """
    found: dict[str, FactValue | Unknown] = {}
    problems: dict[str, str] = {}
    for name in sorted(reads):
        try:
            found[name] = _read(dataset.facts[name], values, owners, at.date())
        except _Problem as problem:
            problems[name] = str(problem)
    record = dataset.record
    return Facts(
        values=found,
        problems=problems,
        delay_from=instant(values.get(record.delay_from)) if record.delay_from else None,
        originator=_originator(dataset, values.get(record.originator)) if record.originator else None,
        stops=tuple(sorted(stops)),
        tear_line=around.tear_line,
        present=_present(dataset, values, whole=around.whole),
        usage=around.usage,
        emergencies=around.emergencies,
    )


def _present(dataset: DatasetFile, values: Mapping[str, object], *, whole: bool) -> frozenset[str] | None:
    """Which of the fields that compilations ask about are there, or may be where the record is not shown whole; nobody
    looks where none asks.
    """
    asked = dataset.compiled_fields
    missing = None if whole else True
    return frozenset(name for name in asked if values.get(name, missing) is not None) if asked else None


def _read(fact: FactTable, values: Mapping[str, object], owners: OwnerTable, on: date) -> FactValue | Unknown:
    raw = [values.get(field) for field in fact.from_]
    if any(value is None for value in raw):
        raise _Problem(MISSING)
    if fact.table is not None:
        return _owners_of(raw, owners, on)
    if fact.derive is not None:
        return orbit_regime(_number(raw[0]), _number(raw[1]))
    return _typed(fact.kind, raw[0])


def _owners_of(raw: list[object], owners: OwnerTable, on: date) -> frozenset[str] | Unknown:
    """Whose the objects are; unknown as soon as one of them is."""
    if any(isinstance(number, bool) or not isinstance(number, int) for number in raw):
        raise _Problem(INVALID)
    found = [owners.owner(number, on) for number in raw if isinstance(number, int)]
    known = frozenset(who for who in found if who is not None)
    return known if len(found) == len(raw) and None not in found else UNKNOWN


def _typed(kind: FactKind, raw: object) -> FactValue:
    if kind is FactKind.NUMBER:
        return _number(raw)
    if kind is FactKind.STRING and isinstance(raw, str) and raw:
        return raw
    if kind is FactKind.BOOLEAN and isinstance(raw, bool):
        return raw
    if kind is FactKind.INTEGER and isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    raise _Problem(INVALID)


def _number(raw: object) -> int | float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise _Problem(INVALID)
    if abs(raw) >= 2**63 or math.isnan(raw):
        raise _Problem(INVALID)
    return raw


def orbit_regime(mean_motion: float, eccentricity: float) -> str:
    """LEO, MEO, GEO or HEO from mean motion (revolutions a day) and eccentricity.

    HEO: eccentricity of 0.25 or more. GEO: 0.99 to 1.01 revolutions a day, inclined ones too. LEO: apogee
    below 2,000 km. MEO: what lies between. These are the definitions of the sample catalogue the tables were
    made from.
    """
    if mean_motion <= 0 or not 0 <= eccentricity < 1:
        raise _Problem(INVALID)
    if eccentricity >= 0.25:
        return "HEO"
    if 0.99 <= mean_motion <= 1.01:
        return "GEO"
    motion = mean_motion * 2 * math.pi / _SECONDS_A_DAY
    axis = math.cbrt(_EARTH_MU / motion**2)
    apogee = axis * (1 + eccentricity) - _EARTH_RADIUS
    return "LEO" if apogee < 2_000 else "MEO"


def instant(raw: object) -> datetime | None:
    """An RFC 3339 date-time with zone as an aware UTC instant; anything else is ``None``."""
    if not isinstance(raw, str) or not _INSTANT.fullmatch(raw):
        return None
    try:
        return datetime.fromisoformat(raw).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _originator(dataset: DatasetFile, raw: object) -> str | None:
    """The nation or organisation the record says it comes from, by the dataset's own list of names."""
    if not isinstance(raw, str):
        return None
    mapped = dataset.record.originators
    return mapped.get(raw) if mapped else (raw if _CODE.fullmatch(raw) else None)
