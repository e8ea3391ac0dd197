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

from gateway.audit.entry import Draft, Event, RecordRow
from gateway.audit.errors import LogAltered
from gateway.audit.leaf import IdentifierKey, keyed
from gateway.audit.log import AuditLog
from gateway.audit.orders import Part, Remove
from gateway.audit.spill import Match, Sought

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


def test_an_answer_says_of_how_many_entries_it_cannot_speak_any_more(spilt: AuditLog, draft: Drafts, at: datetime):
    removal = Remove(Part.ROWS, 0, 1, "A. Archivist", "a year is over", at)
    spilt.append_now([draft("", event=Event.BODIES_REMOVED, outcome="done", partner="", records=())], [removal])
    spill = spilt.who_got(named(spilt, "a"))
    assert (spill.carried, spill.withheld, spill.removed) == ((), 1, 2)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
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
