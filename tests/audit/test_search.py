"""Searching: by every kind of term, by time, by page; nothing unchecked is shown; the catalogue can be compared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from gateway.audit import catalogue
from gateway.audit.catalogue import Cell
from gateway.audit.entry import Draft, Event, RecordRow
from gateway.audit.errors import LogAltered
from gateway.audit.leaf import Leaf
from gateway.audit.log import AuditLog
from gateway.audit.orders import Order, SetStop, StopKind
from gateway.audit.search import Criteria, Cursor, SearchRefused, criteria, moment, span
from gateway.audit.terms import Kind, Term, terms, words_of

Drafts = Callable[..., Draft]
LABELS = [
    {
        "label": "S//REL TO USA, JPN",
        "level": "S",
        "communities": [],
        "released": 2,
        "withheld": 0,
        "redacted": 1,
    },
    {
        "label": "C//REL TO USA, FVEY",
        "level": "C",
        "communities": ["FVEY"],
        "released": 0,
        "withheld": 3,
        "redacted": 0,
    },
]
PRIVATE = {
    "dataset": "conjunction",
    "policy": "ab" * 32,
    "label": "SECRET//REL TO USA, JPN",
    "level": "S",
    "by_label": LABELS,
    "by_grant": {"jpn-conjunctions": 2},
    "why_withheld": {"releasability:nation_not_listed": 3},
    "caller": {"system": "jpn-space-operations"},
    "peer": {"address": "2001:db8::7", "port": 50412},
    "account": {"uid": 1042, "user": "alice", "host": "gw1.example", "login_uid": 1043},
    "path": "/udl/conjunction",
    "query": [["satNo1", "25544"], ["tca", ">now-5 days"]],
}


@pytest.fixture
def searched(log: AuditLog, draft: Drafts, at: datetime) -> AuditLog:
    """Twelve releases to two partners over four days, a refusal, and a stop."""
    for number in range(12):
        partner = ("JPN", "GBR")[number % 2]
        private = PRIVATE if number == 6 else {"dataset": "elset", "path": "/udl/elset"}
        when = at + timedelta(hours=8 * number)
        log.append_now([draft(f"r{number}", partner=partner, time=when, private=private)])
    log.append_now([draft("no", outcome="stopped", released=0, time=at + timedelta(days=5), private={})])
    order: Order = SetStop(StopKind.PARTNER, "JPN", "A. Officer", "spill of object", at)
    log.append_now([draft("", event=Event.STOP_SET, outcome="done", partner="", records=())], [order])
    return log


def found(log: AuditLog, asked: Criteria) -> list[int]:
    return [each.index for each in log.search(asked).found]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dataset", "conjunction"),
        ("policy", "ab" * 32),
        ("label", "S//REL TO USA, JPN"),
        ("label", "SECRET//REL TO USA, JPN"),
        ("level", "C"),
        ("community", "FVEY"),
        ("reason", "releasability:nation_not_listed"),
        ("reason", "nation_not_listed"),
        ("rule", "jpn-conjunctions"),
        ("system", "jpn-space-operations"),
        ("address", "2001:db8::7"),
        ("address", "2001:0DB8:0:0::7"),
        ("account", "alice"),
        ("account", "1042"),
        ("account", "1043"),
        ("host", "gw1.example"),
        ("text", "25544"),
        ("text", "Conjunction 25544"),
        ("request", "request-r6"),
    ],
)
def test_an_entry_is_found_by_everything_that_it_says(searched: AuditLog, name: str, value: str):
    assert found(searched, criteria({name: value})) == [6]


def test_an_entry_is_found_by_the_root_over_its_records_and_by_the_officer_of_its_order(searched: AuditLog):
    entry = searched.entry(3)
    assert entry is not None
    assert found(searched, criteria({"root": entry.leaf.records})) == [3]
    assert found(searched, criteria({"officer": "A. Officer"})) == [13]
    assert found(searched, criteria({"text": "spill"})) == [13]
    assert found(searched, criteria({"outcome": "stopped"})) == [12]
    assert found(searched, criteria({"event": "stop-set", "partner": "JPN"})) == [13]


def test_an_order_about_a_partner_is_found_by_that_partner_and_by_its_words(log: AuditLog, draft: Drafts):
    revoked = {"by": "A. Officer", "partner": "JPN", "jti": "token77", "reason": "lost"}
    refused = {"by": "A. Officer", "reason": "", "why": "partners/JPN.toml line 3"}
    for event, private in ((Event.TOKEN_REVOKED, revoked), (Event.POLICY_REFUSED, refused)):
        log.append_now([draft("", event=event, outcome="done", partner="", records=(), private=private)])
    assert found(log, criteria({"partner": "JPN"})) == [0]
    assert found(log, criteria({"text": "token77"})) == [0]
    assert found(log, criteria({"text": "toml"})) == [1]


def test_a_private_part_of_the_first_version_gives_the_terms_that_it_was_catalogued_by():
    leaf = Leaf(1, "log", "2026-01-01T00:00:00Z", "token-revoked", "", "", "", 0, True, "revoked", *[""] * 3, 0, "", "")
    first = {"by": "A", "partner": "JPN", "jti": "token77", "reason": "lost"}
    assert not {Term(Kind.PARTNER, "JPN"), Term(Kind.TEXT, "token77")} & terms(leaf, first)
    assert {Term(Kind.PARTNER, "JPN"), Term(Kind.TEXT, "token77")} <= terms(leaf, {**first, "version": 2})


def test_all_that_is_asked_for_must_be_there_together(searched: AuditLog):
    assert found(searched, criteria({"partner": "JPN", "dataset": "elset"})) == [10, 8, 4, 2, 0]
    assert found(searched, criteria({"partner": "GBR", "dataset": "conjunction"})) == []
    assert found(searched, criteria({"level": ["S", "C"]})) == [6]
    assert found(searched, criteria({"partner": "nobody"})) == []
    assert len(found(searched, Criteria())) == 14


def test_time_is_asked_for_to_the_microsecond_from_and_without_the_end(searched: AuditLog, at: datetime):
    third = at + timedelta(hours=24)
    assert found(searched, Criteria(since=third, until=third + timedelta(hours=8))) == [3]
    assert found(searched, Criteria(since=third + timedelta(microseconds=1), until=third + timedelta(hours=9))) == [4]
    day = datetime(2026, 3, 2, tzinfo=UTC)
    asked = criteria({"partner": "JPN", "event": "release"}, since=day, until=day + timedelta(days=1))
    assert found(searched, asked) == [4, 2]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 14, 15])
def test_pages_of_any_size_give_each_entry_once_while_the_log_grows(searched: AuditLog, draft: Drafts, size: int):
    seen: list[int] = []
    cursor: Cursor | None = None
    for number in range(20):
        page = searched.search(Criteria(), after=cursor, limit=size)
        seen += [each.index for each in page.found]
        searched.append_now([draft(f"meanwhile{number}", time=datetime(2026, 4, 1, tzinfo=UTC))])
        if page.cursor is None:
            break
        cursor = Cursor.parse(str(page.cursor))
    assert seen == [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 13, 1, 0]


@pytest.mark.parametrize(
    ("said", "wrong"),
    [({"colour": "red"}, "colour"), ({"partner": ""}, "nothing to search"), ({"text": "- !"}, "nothing to search")],
)
def test_a_search_for_nothing_is_refused_and_not_answered_with_everything(said: dict[str, str], wrong: str):
    with pytest.raises(SearchRefused, match=wrong):
        criteria(said)
    with pytest.raises(SearchRefused):
        criteria({"any": ""})


@pytest.mark.parametrize("text_", ["", "1", "1.", ".1", "1.1.1", "a.b", "1.-1", "99999999.1", "1.1\n"])
def test_what_is_no_cursor_is_refused(text_: str):
    with pytest.raises(SearchRefused):
        Cursor.parse(text_)


def test_lengths_of_time_and_moments_are_read_or_refused():
    assert (span("30 min"), span("12h"), span("7 days")) == (
        timedelta(minutes=30),
        timedelta(hours=12),
        timedelta(days=7),
    )
    assert moment("2026-07-01") == moment("2026-07-01T00:00Z") == datetime(2026, 7, 1, tzinfo=UTC)
    for wrong in ("0 days", "7", "days", "7 years"):
        with pytest.raises(SearchRefused):
            span(wrong)
    for wrong in ("yesterday", "2026-07-01T12:00", "0001-01-01", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59Z"):
        with pytest.raises(SearchRefused):
            moment(wrong)


@pytest.mark.sqlite_alone("PostgreSQL keeps bytes in bytes: these alterations it refuses itself")
@pytest.mark.parametrize("altered", ["replace(body, 'elset', 'other')", "CAST('{}' AS BLOB)", "zeroblob(0)", "17"])
def test_an_altered_entry_is_not_shown_as_if_it_were_sound(searched: AuditLog, place, altered: str):
    place.change(f"UPDATE private_parts SET body = {altered} WHERE position = 2")  # noqa: S608 - our own table
    with pytest.raises(LogAltered, match="entry 2"):
        searched.search(criteria({"partner": "JPN"}))


def test_words_that_were_planted_find_nothing_and_words_taken_away_are_noticed(searched: AuditLog, place):
    word = Term(Kind.DATASET, "conjunction").word
    place.change(f"INSERT INTO postings VALUES ({word}, 20513, 1)")  # noqa: S608 - our own number
    assert found(searched, criteria({"dataset": "conjunction"})) == [6]
    assert "belong to no entry" in "\n".join(compared(searched, place))
    place.change(f"DELETE FROM postings WHERE word = {word}")  # noqa: S608 - our own number
    assert "entry 6: 1 of its" in "\n".join(compared(searched, place))


def test_the_catalogue_of_a_log_is_what_its_entries_give(searched: AuditLog, place):
    assert compared(searched, place) == []


def test_totals_count_answers_refusals_and_records_by_day_partner_and_level(searched: AuditLog):
    day = (datetime(2026, 3, 3, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    totals = searched.totals(day, day + 1)
    assert +totals[Cell(day, "JPN", "S")] == {"answers": 1, "released": 2, "redacted": 1}
    assert +totals[Cell(day, "JPN", "C")] == {"withheld": 3}
    assert sum(counts["answers"] for counts in searched.totals().values()) == 12
    assert sum(counts["refusals"] for counts in searched.totals().values()) == 1


def test_totals_that_were_changed_differ_from_the_entries(searched: AuditLog, place):
    def recounted() -> catalogue.Totals:
        totals: catalogue.Totals = {}
        for entry in searched.entries(limit=1000):
            catalogue.count_in(totals, entry.leaf, entry.private)
        return totals

    assert catalogue.compare_totals(searched.totals(), recounted()) == []
    place.change("UPDATE totals SET released = released - 1 WHERE level = 'S'")
    assert len(catalogue.compare_totals(searched.totals(), recounted())) == 1


@given(st.text(max_size=60))
def test_words_of_a_text_are_short_lower_case_and_each_once(said: str):
    words = words_of(said)
    assert len(set(words)) == len(words)
    assert all(2 <= len(word) <= 40 for word in words)


def compared(log: AuditLog, place) -> list[str]:
    entries = iter([(entry.index, entry.leaf, entry.private) for entry in log.entries(limit=1000)])
    engine = create_engine(place.url)
    with engine.connect() as connection:
        said = catalogue.compare(connection, entries)
    engine.dispose()
    return said


def test_an_answer_of_which_everything_was_withheld_is_found_by_its_record_root_too(log: AuditLog, draft: Drafts):
    rows = (RecordRow("a", "withhold", None, {"marking": "S//NF"}),)
    log.append_now([draft("r0", records=rows, released=0)])
    entry = log.entry(0)
    assert entry is not None
    assert entry.leaf.released == 0
    assert found(log, criteria({"root": entry.leaf.records})) == [0]
