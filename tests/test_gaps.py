"""Gaps are every denial of the log that still stands, each once, with changes that were really judged."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from gateway.audit.entry import Event
from gateway.audit.orders import Standing as Orders
from gateway.audit.orders import Stop, StopKind
from gateway.audit.reading import LogReader
from gateway.audit.stored import StoredEntry, StoredRow
from gateway.gaps import Gathering
from gateway.policy import Claims
from gateway.policy.decision import Credential
from gateway.policy.gaps import Gap, Standing
from gateway.policy.remedies import Whose
from gateway.policy.replay import facts_to_json, subject_to_json
from tests.policy.worked import GBR_OBJECT, NOW, SYSTEM, ask, changed, edited, policy

AWARE = "space-situational-awareness"
GEO = {"satNo": GBR_OBJECT, "meanMotion": 1.0, "eccentricity": 0.001, "dataMode": "REAL"}
NO_LOG = cast("LogReader", None)


def entry(
    number: int, markings: tuple[str, ...], *, partner: str = "KOR", outcome: str = "released",
    values: dict[str, object] | None = None, stops: tuple[str, ...] = (), day: int = 0,
) -> StoredEntry:  # fmt: skip
    """What the log holds of one answer about element sets: every record as the worked set decided it."""
    at = NOW + timedelta(days=day)
    compiled, shown = policy(), {**GEO, **(values or {})}
    key = compiled.recipient(partner, at)
    subject = compiled.subject(partner, SYSTEM[partner], Claims(), Credential.BEARER, key)
    facts = facts_to_json(compiled.facts("elset", {**shown, "createdAt": f"{at.date()}T00:00:00Z"}, at, stops))
    rows = []
    for marking in markings:
        made = ask(partner, "elset", marking, shown, purpose=AWARE, at=at, stops=stops)
        detail = {"marking": marking, "day": at.date().isoformat(), "nested": [], "doubts": [], "facts": facts,
                  "reasons": list(made.reasons)}  # fmt: skip
        rows.append(StoredRow("", made.effect.value, "", detail))
    private = {"policy": compiled.digest, "dataset": "elset", "purpose": AWARE, "at": at.isoformat(),
               "subject": subject_to_json(subject), "stops": list(stops)}  # fmt: skip
    leaf = SimpleNamespace(event=Event.RELEASE, outcome=outcome, partner=partner, time=at.isoformat())
    return StoredEntry(number, leaf, b"", private, tuple(rows))  # type: ignore[arg-type]


def gathered(*entries: StoredEntry, standing: Orders | None = None) -> Gathering:
    gathering = Gathering(policy(), standing or Orders())
    for each in entries:
        gathering.gather(each, NO_LOG)
    return gathering


def test_every_denial_is_counted_once_by_label_and_by_all_its_reasons() -> None:
    found = gathered(entry(0, ("U", "S//NF", "S//NF", "C//REL TO USA, GBR")), entry(1, ("S//NF",), day=3)).gaps
    counted = Counter({(gap.marking, gap.gates): asked.count for gap, asked in found.gaps.items()})
    assert found.decisions == 5
    assert counted == {
        ("S//NF", ("originator", "releasability", "clearance")): 3,
        ("C//REL TO USA, GBR", ("releasability",)): 1,
    }
    nofo = next(gap for gap in found.gaps if gap.marking == "S//NF")
    assert (found.gaps[nofo].first, found.gaps[nofo].last) == (NOW, NOW + timedelta(days=3))


def test_what_no_policy_may_release_gets_no_change_at_all() -> None:
    gathering = gathered(entry(0, ("S//NF",)))
    (gap,) = gathering.gaps.gaps
    weighed = gathering.weigh(gap)
    assert weighed.standing is Standing.NEVER
    assert weighed.changes == ()


def test_a_new_marking_is_judged_and_changes_no_policy() -> None:
    gathering = gathered(entry(0, ("C//REL TO USA, GBR", "C//REL TO USA, GBR")))
    (gap,) = gathering.gaps.gaps
    weighed = gathering.weigh(gap)
    (change,) = weighed.changes
    assert weighed.standing is Standing.OTHERS
    assert change.releases == 2
    assert change.besides is None
    assert [step.whose for step in change.steps] == [Whose.ORIGINATOR]


def test_a_raised_ceiling_is_weighed_by_what_else_it_lets_go() -> None:
    gathering = gathered(
        entry(0, ("S//REL TO USA, KOR",)), entry(1, ("S//REL TO USA, KOR, FVEY",), day=1), entry(2, ("S//NF",))
    )
    gap = next(gap for gap in gathering.gaps.gaps if gap.marking == "S//REL TO USA, KOR")
    weighed = gathering.weigh(gap)
    (change,) = weighed.changes
    assert weighed.standing is Standing.POLICY
    assert change.releases == 1
    assert change.besides is not None
    assert change.besides.log == 1
    assert change.besides.grid > 0
    assert any("S//REL TO USA, KOR, FVEY" in example for example in change.besides.examples)


def test_a_denial_that_goes_by_now_is_closed_and_no_gap() -> None:
    wider = changed(
        {"policies/partners/KOR.toml": edited("policies/partners/KOR.toml", '8 = "CONFIDENTIAL"', '8 = "SECRET"')}
    )
    gathering = Gathering(wider, Orders())
    gathering._then[policy().digest] = policy().policy_set
    gathering.gather(entry(0, ("S//REL TO USA, KOR", "S//NF")), NO_LOG)
    assert gathering.gaps.closed == 1
    assert [gap.marking for gap in gathering.gaps.gaps] == ["S//NF"]


@pytest.mark.parametrize(("still", "gaps", "closed"), [(True, 1, 0), (False, 0, 1)])
def test_a_stop_counts_only_while_it_still_stands(still: bool, gaps: int, closed: int) -> None:
    stop = Stop(StopKind.PARTNER, "KOR", "officer", "looking", NOW)
    standing = Orders(stops=(stop,)) if still else Orders()
    found = gathered(entry(0, ("U",), stops=(str(stop),)), standing=standing).gaps
    assert (len(found.gaps), found.closed) == (gaps, closed)


def test_a_refused_request_is_a_gap_of_the_request_itself() -> None:
    lapsed = gathered(entry(0, (), outcome="agreement_expired", day=2000)).gaps
    (gap,) = lapsed.gaps
    assert gap == Gap("KOR", "elset", "", gap.reasons)
    assert "agreement:agreement_expired" in gap.reasons


def test_records_withheld_because_their_whole_chunk_failed_are_no_gap() -> None:
    made = entry(0, ("U",))
    row = StoredRow("", "withhold", "", made.rows[0].detail)
    failed = StoredEntry(0, made.leaf, b"", made.private, (row,))
    found = gathered(failed).gaps
    assert (found.decisions, len(found.gaps), found.closed) == (1, 0, 0)
