"""Point this at policy files: does each load, what was tolerated, and does it mark and decide as the standard says?

    python -m tests.markings.check_spif FILE...

Every file is loaded and asked about every classification it has. For the two policies that ADatP-4774 and ADatP-4774.1
work examples for (NATO and ACME), the examples are run too, with the phrases of the NATO file's version 91 (an earlier
one wrote PFP where it writes Partnership for Peace); what another edition says otherwise is shown. The exit status is
1 when a file does not load or an example comes out otherwise.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from gateway.markings import MarkingError
from gateway.markings.spif import SpifPolicy, load_spif
from gateway.markings.stanag import CategoryType, SecurityCategory, SecurityClearance, SecurityLabel
from gateway.markings.stanagxml import write_clearance, write_label

MADE = datetime(2024, 6, 1, tzinfo=UTC)
ASKED = date(2024, 7, 1)
P, R, T = CategoryType.PERMISSIVE, CategoryType.RESTRICTIVE, CategoryType.INFORMATIVE

Said = tuple[CategoryType, str, tuple[str, ...]]


@dataclass(frozen=True)
class Example:
    """A label, the marking that the standard gives it, and whether it is sound."""

    classification: str
    categories: tuple[Said, ...] = ()
    marking: str = ""
    language: str = "en"
    sound: bool = True
    held: tuple[Said, ...] = field(default=())
    permitted: bool = True


_NATO: Said = (P, "Context", ("NATO",))
_BOTH: Said = (P, "Releasable To", ("MOCK", "PHONY"))
EXAMPLES = {
    "1.3.26.1.3.1": [
        Example("UNCLASSIFIED", (_NATO,), "NATO UNCLASSIFIED", held=(_NATO,)),
        Example("TOP SECRET", (_NATO,), "COSMIC TOP SECRET", held=(_NATO,)),
        Example("top secret", (_NATO,), "COSMIC TRES SECRET", "fr", held=(_NATO,)),
        Example("CONFIDENTIAL", (_NATO, (T, "Administrative", ("STAFF",))), "NATO CONFIDENTIAL STAFF", held=(_NATO,)),
        Example(
            "RESTRICTED",
            (_NATO, (P, "Releasable To", ("JPN", "AUS", "PFP"))),
            "NATO RESTRICTED Releasable To Japan, Australia, Partnership for Peace",
            held=(_NATO, (P, "Releasable To", ("JPN",))),
        ),
        Example(
            "SECRET",
            (_NATO, (P, "Only", ("NOR", "USA")), (P, "Releasable To", ("SWE",))),
            "NATO SECRET Norway, United States of America Only Releasable To Sweden",
            held=(_NATO, (P, "Only", ("USA",)), (P, "Releasable To", ("SWE",))),
        ),
        Example("CONFIDENTIAL", ((P, "Context", ("KFOR",)),), "NATO/KFOR CONFIDENTIAL", permitted=False),
        Example(
            "CONFIDENTIAL",
            ((P, "Context", ("EAPC", "Releasable")), (P, "Releasable To", ("RESOLUTE SUPPORT",))),
            "NATO/EAPC CONFIDENTIAL Releasable To RESOLUTE SUPPORT",
            permitted=False,
        ),
        Example(
            "SECRET", (_NATO, (R, "Special Category Designators", ("ATOMAL",))), "NATO SECRET ATOMAL", permitted=False
        ),
        Example("SECRET", (), "NATO SECRET", sound=False, permitted=False),
    ],
    "1.3.6.1.4.1.31778.110.1": [
        Example("PUBLIC", (), "ACME PUBLIC"),
        Example(
            "CONFIDENTIAL", (_BOTH,), "ACME CONFIDENTIAL REL TO MOCK,PHONY", held=((P, "Releasable To", ("MOCK",)),)
        ),
        Example("CONFIDENTIAL", (_BOTH,), "ACME CONFIDENTIEL REL TO MOQUER,FAUX", "fr", held=(_BOTH,)),
        Example("CONFIDENTIAL", (_BOTH,), "ACME CONFIDENTIAL REL TO MOCK,PHONY", permitted=False),
        Example("CONFIDENTIAL", (), "ACME CONFIDENTIAL", sound=False, permitted=False),
        Example("PUBLIC", (_BOTH,), "ACME PUBLIC REL TO MOCK,PHONY", sound=False, held=(_BOTH,), permitted=False),
        Example("INTERNAL", ((T, "Administrative", ("STAFF", "SALES")),), "ACME INTERNAL STAFF SALES"),
        Example(
            "INTERNAL",
            ((R, "Sensitive", ("RED",)),),
            "ACME INTERNE ROUGE",
            "fr",
            held=((R, "Sensitive", ("RED", "BLUE")),),
        ),
        Example("INTERNAL", ((R, "Sensitive", ("RED",)),), "ACME INTERNAL RED", permitted=False),
    ],
}


def main(paths: list[str]) -> int:
    """Check each file; the number of what was wrong, at most 1."""
    wrong = 0
    for path in paths:
        try:
            policy = load_spif(Path(path).read_bytes())
        except MarkingError as error:
            print(f"{path}: REFUSED: {error}")
            wrong += 1
            continue
        print(f"{path}: {policy.profile.name} version {policy.profile.version}, SHA-256 {policy.profile.digest[:16]}")
        for each in policy.tolerated:
            print(f"  tolerated {each.code}: {each.message}" + (f" (line {each.line})" if each.line else ""))
        for line in words_of(policy):
            print(f"  {line}")
        failures = list(failures_of(policy))
        print(f"  examples of the standard: {len(EXAMPLES.get(policy.id, []))}, of which otherwise: {len(failures)}")
        for line in failures:
            print(f"  OTHERWISE {line}")
        wrong += len(failures)
    return min(wrong, 1)


def words_of(policy: SpifPolicy) -> Iterator[str]:
    """How many words the policy has, and how each classification is marked alone."""
    values = [value for tag_set in policy.file.tag_sets for tag in tag_set.tags for value in tag.values]
    kinds = {
        kind: sum(len(tag.values) for s in policy.file.tag_sets for tag in s.of_type(kind)) for kind in CategoryType
    }
    levels, sets = policy.file.classifications, policy.file.tag_sets
    yield f"{len(levels)} classifications, {len(sets)} tag sets, {len(values)} values"
    yield ", ".join(f"{count} {kind.value.lower()}" for kind, count in kinds.items())
    for level in levels:
        label = SecurityLabel(policy.name, level.name, MADE)
        marks = [policy.marking(label), policy.marking(label, "fr"), policy.marking(label, position="portionMarking")]
        yield f"{level.name}: {' | '.join(marks)}; alone: {[f.rule for f in policy.validate(label)] or 'sound'}"


def failures_of(policy: SpifPolicy) -> Iterator[str]:
    """Each example that comes out otherwise than the standard says, written to XML and read on its way."""
    for number, example in enumerate(EXAMPLES.get(policy.id, [])):
        made = SecurityLabel(policy.name, example.classification, MADE, _categories(example.categories))
        holder = SecurityClearance(policy.name, (example.classification,), _categories(example.held))
        try:
            label = policy.parse_label(write_label(made))
            held = policy.parse_clearance(write_clearance(holder))
        except MarkingError as error:
            yield f"{number}: {error}"
            continue
        got = policy.marking(label, example.language), not policy.validate(label)
        if got != (example.marking, example.sound):
            yield f"{number}: {got} where {(example.marking, example.sound)} is said"
        access = policy.decide(label, held, at=ASKED)
        if access.permitted is not example.permitted:
            yield f"{number}: permitted {access.permitted}, {access.reasons}"


def _categories(said: tuple[Said, ...]) -> tuple[SecurityCategory, ...]:
    return tuple(SecurityCategory(kind, tag, values) for kind, tag, values in said)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
