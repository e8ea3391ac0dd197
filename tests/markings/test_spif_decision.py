"""Access and dominance: what a policy decides, and the ways of failing open that are closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.markings import MarkingError
from gateway.markings.stanag import SecurityCategory, SecurityClearance, SecurityLabel, Succession
from gateway.markings.stanagxml import write_clearance
from tests.markings.policies import (
    ASKED,
    INFORMS,
    MADE,
    PERMITS,
    RESTRICTS,
    aurora,
    cat,
    clearance,
    label,
)

XAA, XBB = cat(PERMITS, "Release", "XAA"), cat(PERMITS, "Release", "XBB")
RED = cat(RESTRICTS, "Compartment", "RED")
EVERYTHING = clearance(
    "OPEN",
    "GUARDED",
    "SEALED",
    "LOCKED",
    cat(PERMITS, "Release", "XAA", "XBB", "XCC"),
    cat(RESTRICTS, "Compartment", "RED", "BLUE", "GREEN", "GREY", "WHITE"),
    cat(PERMITS, "Setting", "AURORA", "COMET"),
)

CASES: list[tuple[SecurityLabel, SecurityClearance, tuple[str, ...]]] = [
    (label("OPEN"), clearance("OPEN"), ()),
    (label("SEALED", XAA, RED), EVERYTHING, ()),
    (label("OPEN"), clearance("GUARDED", "SEALED", "LOCKED"), ("classification_not_held",)),
    (label("GUARDED", XAA), clearance("GUARDED", XAA), ()),
    (label("GUARDED", cat(PERMITS, "Release", "XAA", "XBB")), clearance("GUARDED", XBB), ()),
    (label("GUARDED", XAA), clearance("GUARDED", XBB), ("permissive_not_held:Release",)),
    (label("GUARDED", XAA), clearance("GUARDED"), ("permissive_not_held:Release",)),
    (label("GUARDED", RED), clearance("GUARDED"), ("restrictive_not_held:Compartment",)),
    (
        label("GUARDED", cat(RESTRICTS, "Compartment", "RED", "GREY")),
        clearance("GUARDED", RED),
        ("restrictive_not_held:Compartment",),
    ),
    (label("OPEN", cat(INFORMS, "Office", "STAFF")), clearance("OPEN"), ()),
    (label("SEALED"), EVERYTHING, ("label_invalid:SPIF-REQUIRED-CATEGORY",)),
    (label("SECRET"), EVERYTHING, ("label_invalid:SPIF-CLASSIFICATION",)),
    (label("OPEN", cat(INFORMS, "Release", "XCC")), EVERYTHING, ("label_invalid:SPIF-TYPE",)),
    (label("BURIED"), clearance("BURIED"), ("label_invalid:SPIF-OBSOLETE", "clearance_invalid:SPIF-OBSOLETE")),
    (label("OPEN", SecurityCategory(PERMITS, "Release", ())), EVERYTHING, ("label_invalid:SPIF-EMPTY-CATEGORY",)),
    (label("OPEN"), clearance("OPEN", "SECRET"), ("clearance_invalid:SPIF-CLASSIFICATION",)),
    (label("OPEN"), clearance(), ("clearance_invalid:SPIF-CLEARANCE",)),
    (label("OPEN"), replace(clearance("OPEN"), policy="MERIDIAN"), ("clearance_invalid:SPIF-POLICY",)),
    (label("OPEN"), clearance("OPEN", cat(RESTRICTS, "Release", "XAA")), ("clearance_invalid:SPIF-TYPE",)),
    (label("OPEN"), clearance("OPEN", cat(PERMITS, "Release", "OLD GROUP")), ("clearance_invalid:SPIF-OBSOLETE",)),
    (replace(label("OPEN"), policy="MERIDIAN"), EVERYTHING, ("label_invalid:SPIF-POLICY",)),
]


@pytest.mark.parametrize(("asked", "held", "reasons"), CASES, ids=[str(n) for n in range(len(CASES))])
def test_a_decision_judges_label_and_clearance_first_and_names_every_reason(
    asked: SecurityLabel, held: SecurityClearance, reasons: tuple[str, ...]
) -> None:
    access = aurora().decide(asked, held, at=ASKED)
    assert access.reasons == reasons
    assert access.permitted is (not reasons)


def test_a_clearance_read_from_xml_decides_as_the_same_one_made_by_hand() -> None:
    read = aurora().parse_clearance(write_clearance(EVERYTHING))
    assert aurora().decide(label("SEALED", XAA, RED), read, at=ASKED).permitted
    with pytest.raises(MarkingError):
        aurora().parse_clearance(write_clearance(clearance("SECRET")))


def test_a_label_whose_successor_is_due_is_judged_as_both() -> None:
    later = MADE + timedelta(days=30)
    both = label("OPEN", succession=Succession(later, replace(label("GUARDED", XAA), created=MADE)))
    low, high = clearance("OPEN"), clearance("OPEN", "GUARDED", XAA)
    assert aurora().decide(both, low, at=later - timedelta(seconds=1)).permitted
    assert not aurora().decide(both, low, at=later).permitted
    assert aurora().decide(both, high, at=later).permitted
    lowered = replace(both, classification="LOCKED")
    assert not aurora().decide(lowered, high, at=later).permitted


def test_the_dominant_label_has_the_highest_level_and_only_the_releases_common_to_all() -> None:
    rolled = aurora().dominant(
        [
            label("GUARDED", cat(PERMITS, "Release", "XAA", "XBB"), RED, cat(INFORMS, "Office", "STAFF")),
            replace(label("SEALED", cat(PERMITS, "Release", "XBB", "XCC")), created=MADE + timedelta(days=1)),
            label("OPEN", cat(PERMITS, "Release", "XBB"), cat(RESTRICTS, "Compartment", "GREY")),
        ]
    )
    assert rolled.classification == "SEALED"
    assert rolled.created == MADE + timedelta(days=1)
    assert [(each.tag, each.values) for each in rolled.categories] == [
        ("Release", ("XBB",)),
        ("Compartment", ("RED", "GREY")),
        ("Office", ("STAFF",)),
    ]


def test_a_release_lost_in_a_dominance_releases_to_nobody_whatever_the_standard_drops() -> None:
    """R5 and R6 of ADatP-4774.1 section 4.4 drop the category, which would limit nobody; here both deny."""
    for parts in ([label("GUARDED", XAA), label("GUARDED", XBB)], [label("GUARDED", XAA), label("GUARDED")]):
        rolled = aurora().dominant(parts)
        assert rolled.categories[0].values == ()
        assert not aurora().decide(rolled, EVERYTHING, at=ASKED).permitted
        again = aurora().dominant([rolled, label("GUARDED", XAA)])
        assert not aurora().decide(again, EVERYTHING, at=ASKED).permitted


def test_labels_with_no_one_dominant_label_are_refused() -> None:
    follows = label("OPEN", succession=Succession(MADE, label("OPEN")))
    refused = [[], [label("OPEN", privacy_mark="HANDLE WITH CARE"), label("OPEN")], [follows], [label("SECRET")]]
    for parts in refused:
        with pytest.raises(MarkingError):
            aurora().dominant(parts)


_values = {
    "Release": (PERMITS, ("XAA", "XBB", "XCC", "COMET GROUP")),
    "Compartment": (RESTRICTS, ("RED", "BLUE", "GREY", "WHITE")),
    "Office": (INFORMS, ("STAFF", "MEDICAL", "LEGAL")),
}


@st.composite
def _labels(draw: st.DrawFn) -> SecurityLabel:
    level = draw(st.sampled_from(("OPEN", "GUARDED", "SEALED", "LOCKED")))
    categories = []
    for tag in draw(st.permutations(sorted(_values))):
        kind, names = _values[tag]
        chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=3))
        if chosen:
            categories.append(cat(kind, tag, *chosen))
    created = datetime(2025, draw(st.integers(1, 6)), 1, tzinfo=UTC)
    return replace(label(level, *categories), created=created)


@st.composite
def _clearances(draw: st.DrawFn) -> SecurityClearance:
    levels = draw(st.lists(st.sampled_from(("OPEN", "GUARDED", "SEALED", "LOCKED")), unique=True, min_size=1))
    drawn = {tag: draw(st.lists(st.sampled_from(names), unique=True)) for tag, (_, names) in _values.items()}
    categories = [cat(_values[tag][0], tag, *chosen) for tag, chosen in drawn.items() if chosen]
    return clearance(*levels, *categories)


@given(st.lists(_labels(), min_size=1, max_size=3))
def test_dominance_is_commutative_associative_and_idempotent(labels: list[SecurityLabel]) -> None:
    whole = aurora().dominant(labels)
    assert all(aurora().dominant(list(order)) == whole for order in permutations(labels))
    assert aurora().dominant([aurora().dominant(labels[:1]), *labels[1:]]) == whole
    assert aurora().dominant([whole, *labels]) == whole


@given(st.lists(_labels(), min_size=1, max_size=3), _clearances())
def test_who_may_not_have_a_part_for_its_categories_may_not_have_the_whole(
    labels: list[SecurityLabel], held: SecurityClearance
) -> None:
    whole = aurora().decide(aurora().dominant(labels), held, at=ASKED)
    for part in labels:
        reasons = aurora().decide(part, held, at=ASKED).reasons
        about_categories = [reason for reason in reasons if "not_held:" in reason]
        assert not (whole.permitted and about_categories)
