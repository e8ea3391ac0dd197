"""The table of object owners (``policies/tables/object-owners.csv``): whose satellite a number is, since
when.

Columns: ``satNo`` (catalogue number), ``owner`` (the catalogue's owner code), ``nation`` (ISO 3166-1 alpha-3
where the owner is one nation, else empty), ``type`` (PAY, R/B, DEB), ``since`` (the first day on which the
row holds). Lines that begin with ``#`` are remarks; the table says there where its facts come from. A
satellite that changed hands has a row for each owner: the latest ``since`` that is not after the day asked
about counts. What is not in the table is not known, and an unknown owner is granted nothing.
"""

from __future__ import annotations

import bisect
import csv
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

COLUMNS = ("satNo", "owner", "nation", "type", "since")
_NATION = re.compile(r"[A-Z]{3}")
_OWNER = re.compile(r"[A-Z0-9]{1,8}")
_TYPES = frozenset({"PAY", "R/B", "DEB", "UNK"})


class OwnerTableError(ValueError):
    """A line of the table is refused; ``line`` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """One row: from ``since`` on, the object belongs to ``owner``; ``nation`` is empty where that is not one
    nation.
    """

    since: date
    owner: str
    nation: str

    @property
    def who(self) -> str:
        """What conditions compare: the nation's code, else the owner's."""
        return self.nation or self.owner


@dataclass(frozen=True, slots=True)
class OwnerTable:
    """The whole table. ``digest`` is the SHA-256 of the file's bytes, in hexadecimal."""

    digest: str
    rows: Mapping[int, tuple[OwnerRow, ...]]

    def owner(self, satellite: int, on: date) -> str | None:
        """Who owned the satellite on that day, or ``None`` when the table does not say."""
        rows = self.rows.get(satellite, ())
        place = bisect.bisect_right(rows, on, key=lambda row: row.since)
        return rows[place - 1].who if place else None

    @property
    def codes(self) -> frozenset[str]:
        """Every owner the table can answer with."""
        return frozenset(row.who for rows in self.rows.values() for row in rows)


EMPTY = OwnerTable("", {})


def parse_owners(data: bytes, nations: frozenset[str]) -> OwnerTable:
    """Read the table; raises :class:`OwnerTableError`. ``nations`` are the country codes that are known.

    An owner code without a nation must not look like a nation's code: it would be granted what is the
    nation's.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise OwnerTableError(1, "not UTF-8") from error
    rows: dict[int, dict[date, OwnerRow]] = {}
    header = False
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        cells = next(csv.reader([line], strict=True))
        if not header:
            if tuple(cells) != COLUMNS:
                raise OwnerTableError(number, f"the columns are {','.join(COLUMNS)}")
            header = True
            continue
        satellite, row = _parse_row(number, cells, nations)
        if row.since in rows.setdefault(satellite, {}):
            raise OwnerTableError(number, f"satellite {satellite} has two rows since {row.since}")
        rows[satellite][row.since] = row
    sorted_rows = {number: tuple(held[day] for day in sorted(held)) for number, held in rows.items()}
    return OwnerTable(hashlib.sha256(data).hexdigest(), sorted_rows)


def _parse_row(number: int, cells: list[str], nations: frozenset[str]) -> tuple[int, OwnerRow]:
    if len(cells) != len(COLUMNS):
        raise OwnerTableError(number, f"{len(COLUMNS)} cells were expected, {len(cells)} stand there")
    satellite, owner, nation, kind, since = cells
    if not satellite.isascii() or not satellite.isdigit() or not 0 < int(satellite) < 10**9:
        raise OwnerTableError(number, "satNo is a positive whole number")
    if not _OWNER.fullmatch(owner):
        raise OwnerTableError(number, "owner is a catalogue owner code")
    if nation and (not _NATION.fullmatch(nation) or nation not in nations):
        raise OwnerTableError(number, f"nation {nation!r} is not a country code that is known")
    if not nation and owner in nations:
        raise OwnerTableError(number, f"owner {owner} without a nation would be read as the nation {owner}")
    if kind not in _TYPES:
        raise OwnerTableError(number, f"type is one of {', '.join(sorted(_TYPES))}")
    try:
        return int(satellite), OwnerRow(date.fromisoformat(since), owner, nation)
    except ValueError as error:
        raise OwnerTableError(number, "since is a date, YYYY-MM-DD") from error
