"""Appending: durable before the answer, in order, whole or not at all, and what stands."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine, event, select, text

from gateway.audit import proving, receipt, store
from gateway.audit.checkpoint import open_note, parse_checkpoint
from gateway.audit.database import looking
from gateway.audit.entry import Draft, Event
from gateway.audit.errors import DraftRefused, LogAltered, LogUnavailable
from gateway.audit.leaf import PRIVATE_VERSION, parse_leaf
from gateway.audit.log import AuditLog
from gateway.audit.orders import Activate, Announce, LiftStop, Order, Refuse, Revoke, SetStop, Standing, StopKind
from gateway.audit.tables import entries

Drafts = Callable[..., Draft]


def names(log: AuditLog) -> list[str]:
    return [entry.leaf.release for entry in log.entries(limit=100_000)]


async def test_an_appended_entry_is_covered_by_a_signed_checkpoint_when_the_caller_is_answered(place, draft: Drafts):
    log = place.open()
    recorded = await log.append(draft("first"))
    again = place.open()
    head = parse_checkpoint(open_note(again.checkpoint(), [log.verifier]).text)
    assert (recorded.index, recorded.tree_size, head.size) == (0, 1, 1)
    issued = again.receipt("first")
    assert issued is not None
    assert receipt.verify(issued.receipt, recorded.leaf, [log.verifier]).index == 0


def test_of_another_partners_release_no_more_is_read_than_of_one_that_is_not_there(
    log: AuditLog, draft: Drafts, monkeypatch: pytest.MonkeyPatch
):
    log.append_now([draft("first")])
    glance, read = log._reading.glance, []
    monkeypatch.setattr(log._reading, "glance", lambda *asked: read.append(asked) or glance(*asked))
    assert log.receipt("first", owner="NOBODY") is None
    assert log.receipt("unknown", owner="NOBODY") is None
    assert len(read) == 2
    owner = log.entry(0).leaf.partner
    assert log.receipt("first", owner=owner).index == 0


async def test_callers_that_wait_together_share_commits_and_keep_their_order(log: AuditLog, draft: Drafts):
    recorded = await asyncio.gather(*(log.append(draft(f"r{number}")) for number in range(200)))
    assert [entry.index for entry in recorded] == list(range(200))
    assert names(log) == [f"r{number}" for number in range(200)]
    assert [parse_leaf(entry.leaf).release for entry in recorded] == names(log)
    assert len({entry.tree_size for entry in recorded}) < 100
    assert all(entry.tree_size > entry.index for entry in recorded)
    assert log.verify().sound


async def test_a_caller_that_gave_up_before_its_turn_leaves_no_entry(log: AuditLog, draft: Drafts):
    with log._turn:  # the sequencer waits here, so that what is queued is still to be taken
        first = asyncio.create_task(log.append(draft("first")))
        second = asyncio.create_task(log.append(draft("given-up")))
        await asyncio.sleep(0.05)
        third = asyncio.create_task(log.append(draft("third")))
        await asyncio.sleep(0)
        third.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(first, second)
    await log.append(draft("fourth"))
    assert "third" not in names(log)
    assert {"first", "fourth"} <= set(names(log))


async def test_one_refused_entry_takes_no_other_of_its_batch_with_it(log: AuditLog, draft: Drafts):
    await log.append(draft("taken"))
    answers = await asyncio.gather(
        *(log.append(draft(name)) for name in ("a", "taken", "b", "b", "c")), return_exceptions=True
    )
    refused = [isinstance(answer, DraftRefused) for answer in answers]
    assert refused == [False, True, False, True, False]
    assert names(log) == ["taken", "a", "b", "c"]
    assert log.verify().sound


def test_several_entries_written_at_once_are_all_there_or_none(log: AuditLog, draft: Drafts):
    with pytest.raises(DraftRefused):
        log.append_now([draft("x"), draft("y"), draft("x")])
    assert log.size() == 0
    recorded = log.append_now([draft("x"), draft("y"), draft("z")])
    assert [entry.index for entry in recorded] == [0, 1, 2]
    with pytest.raises(DraftRefused, match="none"):
        log.append_now([])


def test_chunks_follow_one_another_and_nothing_follows_the_last(log: AuditLog, draft: Drafts):
    log.append_now([draft("s", last=False), draft("s", chunk=1, last=False)])
    for wrong in (
        draft("s"),
        draft("s", chunk=1),
        draft("s", chunk=3),
        draft("new", chunk=1),
        draft("s", chunk=2, partner="GBR"),
    ):
        with pytest.raises(DraftRefused):
            log.append_now([wrong])
    log.append_now([draft("s", chunk=2)])
    for wrong in (draft("s", chunk=3), draft("s", chunk=2), draft("s")):
        with pytest.raises(DraftRefused):
            log.append_now([wrong])
    assert [entry.leaf.chunk for entry in log.find("s")] == [0, 1, 2]
    assert log.verify().sound


def test_a_start_closes_every_release_that_the_last_run_left_open_once(place, draft: Drafts, at: datetime):
    before = place.open()
    before.append_now([draft("done"), draft("cut", last=False), draft("cut", chunk=1, last=False)])
    before.append_now([draft("other", last=False)])
    before.close()
    log = place.open()
    closed = log.recover(at + timedelta(hours=1))
    assert [parse_leaf(entry.leaf).release for entry in closed] == ["cut", "other"]
    last = log.find("cut")[-1].leaf
    assert (last.event, last.chunk, last.last, last.partner) == ("interrupted", 2, True, "JPN")
    assert log.recover(at) == place.open().recover(at) == ()
    with pytest.raises(DraftRefused):
        log.append_now([draft("cut", chunk=2)])
    assert log.verify().sound


def test_a_start_leaves_alone_what_another_gateway_has_open(place, draft: Drafts, at: datetime):
    east, west = place.open(instance="east"), place.open(instance="west")
    east.append_now([draft("e", last=False)])
    west.append_now([draft("w", last=False)])
    assert [parse_leaf(entry.leaf).release for entry in place.open(instance="west").recover(at)] == ["w"]
    east.append_now([draft("e", chunk=1)])
    assert west.verify().sound


def test_two_processes_worth_of_logs_append_to_one_store_in_turn(place, draft: Drafts):
    logs = [place.open() for _ in range(3)]
    for number in range(30):
        (recorded,) = logs[number % 3].append_now([draft(f"r{number}")])
        assert recorded.index == number
    assert names(logs[0]) == [f"r{number}" for number in range(30)]
    assert logs[2].verify().sound


def test_what_was_read_of_an_entry_is_what_was_written(log: AuditLog, draft: Drafts):
    log.append_now([draft("a"), draft("b", private={"gates": ["label", "grant"], "n": 3})])
    entry = log.entry(1)
    assert entry is not None
    assert entry.private == {"gates": ["label", "grant"], "n": 3, "version": PRIVATE_VERSION, "instance": "gateway"}
    (row,) = entry.rows
    assert (row.identifier, row.effect, row.digest) == (log.keyed("id-b"), "release", "03" * 32)
    assert row.detail == {"marking": "U//REL TO USA, JPN"}
    assert log.entry(2) is None
    assert log.entry(-1) is None
    assert [found.index for found in log.entries(after=0)] == [1]


def test_a_receipt_names_the_partner_that_owns_it_and_there_is_none_for_what_is_not_there(log: AuditLog, draft: Drafts):
    log.append_now([draft("a", partner="GBR", last=False), draft("a", partner="GBR", chunk=1), draft("")])
    latest, first = log.receipt("a"), log.receipt("a", 0)
    assert latest is not None
    assert first is not None
    assert (latest.partner, latest.index, first.index) == ("GBR", 1, 0)
    assert parse_leaf(receipt.leaf_of(latest.receipt)).chunk == 1
    assert log.receipt("b") is log.receipt("a", 2) is log.receipt("") is log.receipt_at(3) is None
    at_two = log.receipt_at(2)
    assert at_two is not None
    assert at_two.index == 2


def order_entry(log: AuditLog, draft: Drafts, *orders: Order) -> Standing:
    log.append_now([draft("", event=Event.STOP_SET, outcome="done", records=())], orders)
    return log.standing()


def test_a_stop_is_in_force_for_every_process_until_it_is_lifted(place, draft: Drafts, at: datetime):
    log, other = place.open(), place.open()
    assert other.standing() == Standing()
    order_entry(log, draft, SetStop(StopKind.PARTNER, "JPN", "officer", "key lost", at))
    stands = order_entry(log, draft, SetStop(StopKind.RECORD, "sat-1", "officer", "spill", at))
    assert other.standing() == stands
    assert stands.stopping("JPN", "elset") == ("partner:JPN",)
    assert stands.stopping("GBR", "elset") == ()
    assert stands.stops_records
    assert stands.stopping("GBR", "elset", log.keyed("sat-1")) == (f"record:{log.keyed('sat-1')}",)
    assert stands.stopping("GBR", "elset", log.keyed("sat-2")) == ()
    stands = order_entry(log, draft, LiftStop(StopKind.PARTNER, "JPN", "officer", "new key", at))
    assert other.standing().stopping("JPN", "elset") == ()
    assert place.open().standing() == stands
    assert log.verify().sound


def test_lifting_a_stop_that_is_not_in_force_is_refused_and_writes_nothing(log: AuditLog, draft: Drafts, at: datetime):
    with pytest.raises(DraftRefused, match="no such stop"):
        order_entry(log, draft, LiftStop(StopKind.DATASET, "elset", "officer", "", at))
    assert log.size() == 0


def test_setting_a_stop_again_replaces_who_and_why(log: AuditLog, draft: Drafts, at: datetime):
    order_entry(log, draft, SetStop(StopKind.DATASET, "elset", "one", "first", at))
    stands = order_entry(log, draft, SetStop(StopKind.DATASET, "elset", "two", "second", at))
    assert [(stop.by, stop.reason) for stop in stands.stops] == [("two", "second")]
    assert log.verify().sound


async def test_of_two_that_lift_one_stop_in_one_commit_only_the_first_does(log: AuditLog, draft: Drafts, at: datetime):
    order_entry(log, draft, SetStop(StopKind.DATASET, "elset", "one", "first", at))
    lift = LiftStop(StopKind.DATASET, "elset", "two", "", at)
    drafts = [draft("", event=Event.STOP_LIFTED, outcome="done", records=()) for _ in range(2)]
    first, second = await asyncio.gather(*(log.append(one, (lift,)) for one in drafts), return_exceptions=True)
    assert not isinstance(first, BaseException)
    assert isinstance(second, DraftRefused)
    assert log.verify().sound


def test_an_activation_stores_what_it_activates_and_ends_a_refusal(place, draft: Drafts, at: datetime):
    log = place.open()
    manifest, table = b"manifest", b"table"
    digest = hashlib.sha256(manifest).hexdigest()
    files = {"files": {"table": hashlib.sha256(table).hexdigest()}}
    log.append_now(
        [draft("", event=Event.POLICY_ACTIVATED, outcome="done", records=(), private=files)],
        [Activate(digest, "officer", at, (manifest, table))],
    )
    stands = log.standing()
    assert (stands.active, stands.activated_at, stands.refused_since) == (digest, at, None)
    later = at + timedelta(minutes=5)
    order_entry(log, draft, Refuse("line 3", "officer", later))
    stands = order_entry(log, draft, Refuse("line 4", "officer", later + timedelta(minutes=5)))
    assert (stands.active, stands.refused_since) == (digest, later)
    again = place.open()
    assert again.standing() == stands
    assert again.artifact(hashlib.sha256(table).hexdigest()) == table
    assert again.artifact("0" * 64) is None
    stands = order_entry(again, draft, Activate(digest, "officer", later))
    assert (stands.active, stands.refused_since) == (digest, None)
    assert again.verify().sound


def test_an_activation_of_a_manifest_that_is_nowhere_is_refused(log: AuditLog, draft: Drafts, at: datetime):
    with pytest.raises(DraftRefused, match="SHA-256 of nothing"):
        order_entry(log, draft, Activate("0" * 64, "officer", at, (b"other",)))
    assert log.standing().active is None


def test_a_revoked_token_stays_revoked_and_revoking_twice_is_no_error(place, draft: Drafts, at: datetime):
    log = place.open()
    order_entry(log, draft, Revoke("JPN", "token-1", "officer", at))
    stands = order_entry(log, draft, Revoke("JPN", "token-1", "officer", at), Revoke("GBR", "token-1", "officer", at))
    assert stands.revoked == {("JPN", "token-1"), ("GBR", "token-1")}
    assert place.open().standing() == stands
    assert log.verify().sound


def test_orders_that_name_nothing_or_too_much_at_once_are_refused(log: AuditLog, draft: Drafts, at: datetime):
    refuse = Refuse("r", "officer", at)
    manifest = b"manifest"
    digest = hashlib.sha256(manifest).hexdigest()
    activate, announce = (kind(digest, "officer", at, (manifest,)) for kind in (Activate, Announce))
    for orders in [
        (refuse, refuse),
        (refuse, activate),  # which of them came last, the entry's place cannot tell
        (activate, announce),
        (SetStop(StopKind.PARTNER, "", "officer", "", at),),
        (Revoke("JPN", "", "officer", at),),
    ]:
        with pytest.raises(DraftRefused):
            order_entry(log, draft, *orders)
    assert log.size() == 0


def test_what_stands_is_refused_when_the_database_was_edited_around_the_signature(place, draft: Drafts, at: datetime):
    log = place.open()
    order_entry(log, draft, SetStop(StopKind.PARTNER, "JPN", "officer", "spill", at))
    with create_engine(place.url).begin() as connection:
        connection.execute(text("DELETE FROM stops"))
    fresh = place.open_reader()
    with pytest.raises(LogAltered, match="not those that were signed"):
        fresh.standing()
    with pytest.raises(LogAltered):
        place.open()


def test_an_older_statement_of_what_stands_is_not_taken_back(place, draft: Drafts, at: datetime):
    log = place.open()
    order_entry(log, draft, SetStop(StopKind.PARTNER, "GBR", "officer", "", at))
    with create_engine(place.url).begin() as connection:
        old = connection.execute(text("SELECT standing FROM head")).scalar_one()
    order_entry(log, draft, SetStop(StopKind.PARTNER, "JPN", "officer", "spill", at))
    assert len(log.standing().stops) == 2
    with create_engine(place.url).begin() as connection:
        connection.execute(text("DELETE FROM stops WHERE subject = 'JPN'"))
        connection.execute(text("UPDATE head SET standing = :old"), {"old": old})
    with pytest.raises(LogAltered, match="was not signed for the log of 2 entries"):
        log.standing()
    with pytest.raises(LogAltered, match="was not signed for the log of 2 entries"):
        place.open()  # a restart, or another gateway, has seen no newer one
    with pytest.raises(LogAltered, match="was not signed for the log of 2 entries"):
        place.open_reader().standing()
    assert "standing orders" in [finding.where for finding in place.open_reader().verify().findings]


def test_what_stands_is_signed_anew_with_each_commit_and_stays_the_same_until_an_order(
    place, draft: Drafts, at: datetime
):
    log, other = place.open(), place.open()
    order_entry(log, draft, SetStop(StopKind.PARTNER, "GBR", "officer", "", at))
    stands = log.standing()
    statements = set()
    for number in range(3):
        (log, other)[number % 2].append_now([draft(f"r{number}")])
        assert log.standing() is stands
        with create_engine(place.url).begin() as connection:
            statements.add(connection.execute(text("SELECT standing FROM head")).scalar_one())
    assert len(statements) == 3
    order_entry(other, draft, LiftStop(StopKind.PARTNER, "GBR", "officer", "", at))
    assert (log.standing().stops, log.standing().number) == ((), stands.number + 1)
    assert log.verify().sound


def test_opening_twice_changes_nothing_and_needs_the_same_key_and_origin(place, draft: Drafts):
    place.open().append_now([draft("a")])
    before = place.open().checkpoint()
    assert place.open().checkpoint() == before
    with pytest.raises(LogAltered, match="not signed by this log's key"):
        place.open(key=Ed25519PrivateKey.generate())
    with pytest.raises(LogAltered):
        place.open(origin="other.example/log")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://u@h/d", "no url at all"])
def test_a_store_that_cannot_keep_a_log_is_refused_at_once(place, url: str):
    place.url = url
    with pytest.raises(LogUnavailable) as refused:
        place.open()
    assert refused.value.hint


@pytest.mark.sqlite_alone("a server keeps its own files")
def test_a_new_log_is_readable_by_its_owner_alone(place):
    place.open()
    for file in Path(place.file).parent.glob("audit.db*"):
        assert file.stat().st_mode & 0o077 == 0


@pytest.mark.sqlite_alone("the plan's words are SQLite's")
def test_a_search_by_release_reads_an_index_and_never_the_whole_log(place, draft: Drafts):
    log = place.open()
    log.append_now([draft("only")])
    asked: list[str] = []
    engine = create_engine(place.url)

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def explain(_connection, _cursor, statement, parameters, *_rest):
        asked.append(statement)
        return f"EXPLAIN QUERY PLAN {statement}", parameters

    with engine.connect() as connection:
        wanted = select(entries.c.position).where(store.IS_RELEASE, entries.c.release.in_(["only", "other"]))
        plan = " ".join(str(row) for row in connection.execute(wanted))
    engine.dispose()
    assert "USING INDEX one_entry_per_chunk" in plan.replace("COVERING ", ""), (asked, plan)


@pytest.mark.sqlite_alone("the plan's words are SQLite's")
def test_a_proof_looks_its_hashes_up_and_never_reads_all_hashes(place, draft: Drafts):
    """A proof then costs the same in a log of any size."""
    log = place.open()
    log.append_now([draft(f"r{number}") for number in range(9)])
    plans: list[str] = []
    engine = create_engine(place.url)

    @event.listens_for(engine, "before_cursor_execute")
    def explain(_connection, cursor, statement, parameters, *_rest):
        plans.extend(str(row) for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall())

    with engine.connect() as connection:
        assert len(store.read_nodes(looking(connection), [(0, 8), (1, 1), (2, 1), (3, 0)])) == 4
    engine.dispose()
    assert any("SEARCH nodes USING PRIMARY KEY" in plan for plan in plans), plans
    assert not any("SCAN nodes" in plan or "SCAN entries" in plan for plan in plans), plans


@pytest.mark.sqlite_alone("the plan's words are SQLite's")
def test_a_receipts_entry_is_found_by_an_index_whatever_it_is_asked_by(place, draft: Drafts):
    log = place.open()
    log.append_now([draft(f"r{number}") for number in range(9)])
    engine = create_engine(place.url)
    said = {"release": "r3", "chunk": 0, "position": 3}
    with engine.connect() as connection:
        for statement in proving.STATEMENTS:
            (found,) = looking(connection)(statement, said)
            assert found[0] == 3
            plan = " ".join(str(row) for row in looking(connection)(f"EXPLAIN QUERY PLAN {statement}", said))
            assert "SEARCH entries" in plan and "SCAN entries" not in plan, plan
    engine.dispose()


async def test_callers_in_two_event_loops_are_each_answered_in_their_own(log: AuditLog, draft: Drafts):
    there = await asyncio.gather(
        asyncio.to_thread(lambda: asyncio.run(log.append(draft("there")))),
        log.append(draft("here")),
    )
    assert sorted(recorded.index for recorded in there) == [0, 1]
    assert sorted(names(log)) == ["here", "there"]


def test_what_stands_is_read_anew_after_each_entry_of_another_process(place, draft: Drafts, at: datetime):
    log, other = place.open(), place.open()
    before = log.standing()
    assert log.standing() is before
    other.append_now([draft("beside")])
    assert log.standing() is before
    other.append_now([draft("stop")], [SetStop(StopKind.PARTNER, "JPN", "officer", "why", at)])
    assert [stop.subject for stop in log.standing().stops] == ["JPN"]
