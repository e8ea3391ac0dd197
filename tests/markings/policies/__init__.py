"""The two fictional policies of these tests, loaded, and labels of theirs to be changed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from gateway.markings.spif import SpifPolicy, load_spif
from gateway.markings.stanag import CategoryType, SecurityCategory, SecurityClearance, SecurityLabel

HERE = Path(__file__).parent
MADE = datetime(2025, 6, 1, 12, tzinfo=UTC)
ASKED = date(2025, 7, 1)
RESTRICTS, PERMITS, INFORMS = CategoryType.RESTRICTIVE, CategoryType.PERMISSIVE, CategoryType.INFORMATIVE


def text_of(name: str) -> str:
    """A policy file's text, to be changed and loaded again."""
    return (HERE / f"{name}.xml").read_text(encoding="utf-8")


@cache
def aurora() -> SpifPolicy:
    return load_spif(text_of("aurora").encode())


@cache
def meridian() -> SpifPolicy:
    return load_spif(text_of("meridian").encode())


def cat(kind: CategoryType, tag: str, *values: str) -> SecurityCategory:
    return SecurityCategory(kind, tag, values)


def label(level: str, *categories: SecurityCategory, **more: object) -> SecurityLabel:
    """A label of AURORA, made on a day on which everything in it may be used."""
    return SecurityLabel("AURORA", level, MADE, categories, **more)  # type: ignore[arg-type]


def clearance(*parts: str | SecurityCategory) -> SecurityClearance:
    """A clearance of AURORA: its levels, then its categories."""
    levels = tuple(part for part in parts if isinstance(part, str))
    return SecurityClearance("AURORA", levels, tuple(part for part in parts if not isinstance(part, str)))


def rules_of(findings: object) -> list[str]:
    """The rules of some findings, or of an error's."""
    found = getattr(findings, "findings", findings)
    return [finding.rule for finding in found]
