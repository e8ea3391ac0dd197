"""After a spill: every release that carried a record, in whatever form; nothing that was altered is passed on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, event

from gateway.audit import spill_report
from gateway.audit.entry import Draft, Event, RecordRow
from gateway.audit.errors import LogAltered
from gateway.audit.leaf import IdentifierKey, keyed
from gateway.audit.log import AuditLog
from gateway.audit.orders import Part, Remove
from gateway.audit.search import criteria
from gateway.audit.spill import Match, Sought
from gateway.audit.spill_report import Cover

Drafts = Callable[..., Draft]


def row(name: str, form: str = "whole", effect: str = "release", **detail: object) -> RecordRow:
    digest = hashlib.sha256(f"{name} {form}".encode()).digest() if effect == "release" else None
    said = {"marking": "S//REL TO USA, JPN", "redacted": [], "rounded": [], "grants": ["g"], **detail}
    return RecordRow(name, effect, digest, said)  # type: ignore[arg-type]


@pytest.fixture
def spilt(log: AuditLog, draft: Drafts, at: datetime) -> AuditLog:
    """Record a went whole to JPN, cut to GBR, and was withheld from FRA; b went everywhere."""
    caller = {"caller": {"system": "tokyo"}, "dataset": "elset"}
    log.append_now([draft("r0", records=(row("b"), row("a")), private=caller)])
    log.append_now([draft("r1", partner="GBR", records=(row("a", "cut", redacted=["cov"]), row("b")), time=at)])
    log.append_now([draft("r2", partner="FRA", records=(row("b"), row("a", effect="withhold")))])
    log.append_now([draft("r3", records=(row("b"),), time=at + timedelta(days=1))])
    return log


def digest_of(name: str, form: str = "whole") -> Sought:
    return Sought(digests=frozenset([hashlib.sha256(f"{name} {form}".encode()).digest()]))


def named(log: AuditLog, name: str) -> Sought:
    return Sought(identifiers=frozenset([log.keyed(name)]))


def test_an_identifier_finds_every_release_of_the_record_and_counts_what_was_withheld(spilt: AuditLog):
    spill = spilt.who_got(named(spilt, "a"))
    assert [(each.leaf.partner, each.leaf.release, each.matched) for each in spill.carried] == [
        ("JPN", "r0", Match.IDENTIFIER),
        ("GBR", "r1", Match.IDENTIFIER),
    ]
    assert (spill.withheld, spill.removed) == (1, 0)
    first, second = spill.carried
    assert (first.system, first.said("dataset"), first.marking) == ("tokyo", "elset", "S//REL TO USA, JPN")
    assert second.obligations["redacted"] == ["cov"]


def test_a_digest_finds_the_same_bytes_and_then_the_same_record_in_another_form(spilt: AuditLog):
    spill = spilt.who_got(digest_of("a", "cut"))
    assert [(each.leaf.release, each.matched) for each in spill.carried] == [
        ("r0", Match.IDENTIFIER),
        ("r1", Match.DIGEST),
    ]
    assert len(spilt.who_got(digest_of("b")).carried) == 4


def test_another_spelling_of_the_identifier_is_found_and_said_to_be_one(spilt: AuditLog):
    sought = Sought(identifiers=frozenset([spilt.keyed("A")]), spellings=frozenset([spilt.keyed("a")]))
    spill = spilt.who_got(sought)
    assert [(each.leaf.release, each.matched) for each in spill.carried] == [
        ("r0", Match.SPELLING),
        ("r1", Match.SPELLING),
    ]
    cover = Cover(sought, spill, "now", "me", "log", "checkpoint", {})
    assert "2 found by another spelling of it" in spill_report.summary(cover)
    assert any("may be another record" in each for each in spill_report.caveats(cover))
    exact = Sought(identifiers=frozenset([spilt.keyed("a")]), spellings=frozenset([spilt.keyed("a"), spilt.keyed("b")]))
    matched = [each.matched for each in spilt.who_got(exact).carried if each.leaf.release == "r0"]
    assert sorted(matched) == [Match.SPELLING, Match.IDENTIFIER]


def test_a_release_says_every_obligation_that_was_carried_out_on_the_record(log: AuditLog, draft: Drafts):
    imposed = {"because": ["w"], "watermark": {"note": "JPN"}, "only": ["a"], "delay_seconds": 60, "drop": []}
    log.append_now([draft("r0", records=(row("a", redacted=["cov"], rounded=["miss"], obligations=imposed),))])
    (carried,) = log.who_got(named(log, "a")).carried
    assert carried.obligations == {
        "because": ["w"], "redacted": ["cov"], "rounded": ["miss"], "grants": ["g"],
        "watermark": {"note": "JPN"}, "only": ["a"], "delay_seconds": 60,
    }  # fmt: skip
    assert spill_report.obligations(carried) == "redacted cov; rounded miss; delayed; watermarked"


def test_what_was_never_released_is_found_nowhere(spilt: AuditLog):
    for sought in (digest_of("a", "other"), named(spilt, "c"), Sought()):
        assert spilt.who_got(sought).carried == ()


def test_identifiers_of_every_key_version_are_asked_for_together(place, draft: Drafts):
    place.open().append_now([draft("old", records=(row("a"),))])
    old, place.identifiers = place.identifiers, IdentifierKey(2, bytes(32))
    log = place.open()
    log.append_now([draft("new", records=(row("a", "other"),))])
    both = frozenset(keyed("a", key) for key in (old, place.identifiers))
    assert [each.leaf.release for each in log.who_got(Sought(identifiers=both)).carried] == ["old", "new"]
    assert [each.leaf.release for each in log.who_got(named(log, "a")).carried] == ["new"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record_rows SET body = CAST('{}' AS BLOB) WHERE position = 0 AND number = 2",
        "DELETE FROM record_rows WHERE position = 0 AND number = 1",
        "UPDATE private_parts SET body = CAST('{}' AS BLOB) WHERE position = 0",
        "DELETE FROM private_parts WHERE position = 0",
        "DELETE FROM entries WHERE position = 0",
        "UPDATE entries SET partner = 'GBR' WHERE position = 0",
    ],
)
def test_a_release_that_is_not_as_it_was_signed_is_refused_and_not_reported(spilt: AuditLog, place, statement: str):
    place.change(statement)
    with pytest.raises(LogAltered, match="entry 0"):
        spilt.who_got(named(spilt, "a"))


@pytest.mark.sqlite_alone("PostgreSQL keeps bytes in bytes: these alterations it refuses itself")
@pytest.mark.parametrize("altered", ["replace(CAST(body AS TEXT), 'JPN', 'GBR')", "CAST(body AS TEXT)"])
def test_a_record_row_of_another_type_is_refused_and_not_reported(spilt: AuditLog, place, altered: str):
    place.change(f"UPDATE record_rows SET body = {altered} WHERE position = 0")  # noqa: S608 - our own table
    with pytest.raises(LogAltered, match="entry 0"):
        spilt.who_got(named(spilt, "a"))


def test_an_answer_says_of_how_many_entries_it_cannot_speak_any_more(spilt: AuditLog, at: datetime):
    spilt.remove(Remove(Part.ROWS, 0, 1, "A. Archivist", "a year is over", at))
    spill = spilt.who_got(named(spilt, "a"))
    assert (spill.carried, spill.withheld, spill.removed) == ((), 1, 2)


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(st.lists(st.lists(st.sampled_from("abcd"), unique=True, max_size=4), max_size=12))
def test_who_got_agrees_with_reading_every_release_from_first_to_last(tmp_path_factory, releases: list[list[str]]):
    file = tmp_path_factory.mktemp("spill") / "audit.db"
    key, identifiers = Ed25519PrivateKey.generate(), IdentifierKey(1, bytes(32))
    log = AuditLog.open(f"sqlite:///{file}", origin="gateway.example/log", key=key, identifier_key=identifiers)
    moment = datetime.fromisoformat("2026-03-01T12:00Z")
    for number, names in enumerate(releases):
        rows = tuple(row(name) for name in names)
        log.append_now([Draft(Event.RELEASE, moment, "released", "JPN", release=f"r{number}", records=rows)])
    for name in "abcd":
        wanted = [number for number, names in enumerate(releases) if name in names]
        assert [each.entry.index for each in log.who_got(named(log, name)).carried] == wanted
    log.close()


def told(log: AuditLog, *answers: tuple[str, str, bool]) -> dict[str, object]:
    """The private part of an entry of evaluations: record, partner, decision each."""
    said = [
        {
            "record": log.keyed(name),
            "partner": partner,
            "subject_id": f"{partner}-system",
            "dataset": "elset",
            "decision": decision,
            "reasons": [] if decision else ["grant:no_grant"],
            "shown": {"marking": "U//REL TO USA, JPN"},
        }
        for name, partner, decision in answers
    ]
    return {"by": "portal", "what": f"{len(said)} evaluations", "evaluations": said}


def asking(log: AuditLog, draft: Drafts, *answers: tuple[str, str, bool]) -> None:
    private = told(log, *answers)
    log.append_now([draft("", event=Event.EVALUATED, outcome="evaluated", partner="", records=(), private=private)])


def test_a_permit_that_another_enforcement_point_was_given_is_listed_apart_from_the_releases(spilt, draft: Drafts):
    asking(spilt, draft, ("b", "JPN", True), ("a", "GBR", True), ("a", "FRA", False), ("a", "JPN", True))
    asking(spilt, draft, ("a", "JPN", False), ("z", "JPN", True))
    spill = spilt.who_got(named(spilt, "a"))
    assert [each.leaf.release for each in spill.carried] == ["r0", "r1"]
    found = [(each.entry.index, each.number, each.by, each.text("partner")) for each in spill.permitted]
    assert found == [(4, 1, "portal", "GBR"), (4, 3, "portal", "JPN")]
    assert spill.permitted[0].marking == "U//REL TO USA, JPN"
    assert len(spilt.who_got(digest_of("a", "cut")).permitted) == 2, "by digest, the record's other names are known"
    (only,) = spilt.who_got(named(spilt, "z")).permitted
    assert (only.entry.index, only.number) == (5, 1)


def test_the_report_says_which_enforcement_points_were_told_yes_and_that_this_gateway_sent_nothing(
    spilt: AuditLog, draft: Drafts
):
    asking(spilt, draft, ("z", "JPN", True))
    sought = named(spilt, "z")
    cover = Cover(sought, spilt.who_got(sought), "2026-03-02T00:00:00Z", "A. Auditor", "log", "checkpoint\n", {})
    said_yes = "no release in this log carried the record; 1 other enforcement point(s) were told yes, 1 time(s)"
    assert spill_report.summary(cover) == said_yes
    page = spill_report.markdown(cover)
    assert "## Permitted through another enforcement point" in page
    assert "| portal | JPN | JPN-system | elset | U//REL TO USA, JPN |" in page
    (said,) = spill_report.as_json(cover)["permitted_elsewhere"]  # type: ignore[misc]
    assert (said["entry"], said["enforcement_point"], said["partner"]) == (4, "portal", "JPN")  # type: ignore[index,call-overload]


def test_an_entry_of_evaluations_is_found_by_the_partners_and_datasets_asked_about(spilt: AuditLog, draft: Drafts):
    asking(spilt, draft, ("a", "JPN", True), ("a", "FRA", False))
    for said in ({"partner": "FRA", "event": "evaluated"}, {"reason": "no_grant", "dataset": "elset"}):
        assert [each.index for each in spilt.search(criteria(said)).found] == [4]
    assert 4 in [each.index for each in spilt.search(criteria({"asked": spilt.keyed("a")})).found]
    assert spilt.search(criteria({"partner": "FRA", "event": "evaluated"}), leaves_only=True).found == ()


def test_a_permit_that_is_not_as_it_was_signed_is_refused_and_not_reported(spilt: AuditLog, draft: Drafts, place):
    asking(spilt, draft, ("z", "JPN", True))
    place.change("UPDATE private_parts SET body = CAST('{}' AS BLOB) WHERE position = 4")
    with pytest.raises(LogAltered, match="entry 4"):
        spilt.who_got(named(spilt, "z"))


@pytest.mark.sqlite_alone("the plan's words are SQLite's")
def test_rows_are_found_by_their_indexes_and_not_by_reading_all_of_them(spilt: AuditLog, place):
    engine = create_engine(place.url)
    asked: list[str] = []

    def note(*given: object) -> None:
        asked.append(str(given[2]))

    event.listen(Engine, "before_cursor_execute", note)
    spilt.who_got(digest_of("a"))
    event.remove(Engine, "before_cursor_execute", note)
    plans = []
    with engine.connect() as connection:
        for statement in asked:
            if "FROM record_rows" in statement and "substr" in statement:
                said = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", ("x",)).all()
                plans += [row[3] for row in said]
    engine.dispose()
    assert [plan.split(" (")[0] for plan in plans] == [
        "SEARCH record_rows USING INDEX record_rows_by_digest",
        "SEARCH record_rows USING INDEX record_rows_by_identifier",
    ]
