"""The worked set with element sets under a fictional security policy (AURORA), and records that carry its labels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from gateway.markings import SecurityCategory, SecurityLabel, write_label
from tests.markings.policies import text_of
from tests.support.cases import elset

MADE = datetime(2025, 6, 1, 12, tzinfo=UTC)
ELSET, PARTNER, POLICY = "policies/datasets/elset.toml", "policies/partners/{}.toml", "policies/spif/aurora.xml"
LEVELS = "".join(
    f'\n[[level]]\nsystem = "spif:AURORA"\nlevel = "{level}"\nus = "{us}"\nsource = "fictional annex D"\n'
    for level, us in (("OPEN", "UNCLASSIFIED"), ("GUARDED", "CONFIDENTIAL"), ("SEALED", "SECRET"))
)
CLEARED = """
[[system.cleared]]
profile = "spif:AURORA"
levels = [{levels}]

[[system.cleared.category]]
tag = "Release"
type = "PERMISSIVE"
values = ["XAA", "XCC"]

[[system.cleared.category]]
tag = "Compartment"
type = "RESTRICTIVE"
values = ["GREEN"]
"""
HELD = {"GBR": '"OPEN", "GUARDED", "SEALED", "LOCKED"', "JPN": '"OPEN"', "ORBITWATCH": '"OPEN", "GUARDED"'}
"""What each partner's first system is cleared for; every other system, and every other partner, for nothing."""


def under_policy(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of the worked set, changed."""
    changed = dict(files) | {POLICY: text_of("aurora").encode()}
    changed[ELSET] = replaced(
        changed[ELSET],
        ('profile = "udl"', 'profile = "spif:AURORA"'),
        ('unmarked_default = ["government", "company"]', "unmarked_default = []"),
        ('markings = ["U", "U//PR-EXOSCAN-ELSET", "C//REL TO USA, FVEY", "S//NF"]', "markings = []"),
        (
            '\ndate = "createdAt"',
            '\ndate = "createdAt"\noriginator = "source"\noriginators = { "SENSOR-7" = "USA", "SENSOR-8" = "FRA" }',
        ),
    )
    for partner, levels in HELD.items():
        path = PARTNER.format(partner)
        lines = changed[path].decode().splitlines(keepends=True)
        place = next(n for n, line in enumerate(lines) if line.startswith("clearance = "))
        lines.insert(place + 1, CLEARED.format(levels=levels))
        changed[path] = ("".join(lines) + LEVELS).encode()
    return changed


def replaced(content: bytes, *pairs: tuple[str, str]) -> bytes:
    """The content with passages replaced; each must be there."""
    text = content.decode()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text.encode()


def marking(level: str, *categories: SecurityCategory, made: datetime = MADE, **more: object) -> str:
    """A record's marking field: a label of AURORA as text."""
    return write_label(SecurityLabel("AURORA", level, made, categories, **more)).decode()  # type: ignore[arg-type]


def record(identifier: str, text: object, **members: object) -> bytes:
    """An element set with this marking."""
    return elset(identifier, text, **members)
