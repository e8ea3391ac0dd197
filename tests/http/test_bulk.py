"""Everything a query finds in one answer: what goes, what a source may not do, who holds back whom, what ends it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from shutil import copytree

import pytest

from gateway.activation import orders
from gateway.activation.approval import UNSIGNED
from gateway.activation.orders import Order
from gateway.audit.entry import Event
from gateway.audit.orders import StopKind
from gateway.audit.stored import StoredEntry
from gateway.client.answer import open_answer, recipient
from gateway.settings.model import UpstreamSettings
from sample_source.faults import Answers, CutShort, Fault, redirect
from tests.content.malformed import MALFORMED
from tests.support.loopback import ELSETS, Answer, Loopback, loopback
from tests.support.running import POLICIES
from tests.support.streaming import BULK, LINES, Receiver, Sends, whole
from tests.support.waiting import happens, until
from tests.system.acting import stored_files
from tests.system.jsontext import items

ARRAY = "application/json"
SMALLEST_CHUNK = 4096
OURS, THEIRS = "U//REL TO USA, GBR", "S//NF"


@pytest.fixture(scope="module")
def open_here(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Iterator[Loopback]:
    root = tmp_path_factory.mktemp("bulk")
    with loopback(root / "var", keys, records=60, chunk_bytes=SMALLEST_CHUNK) as here:
        yield here


@pytest.fixture
def here(open_here: Loopback) -> Iterator[Loopback]:
    """The gateway before a sound source, and at rest again after each test: no release of it is still open, so that
    nothing of one test's is taken for another's.
    """
    log = open_here.gateway.service.log
    before = log.size()
    yield open_here
    open_here.source.fault = None
    until(lambda: not open_releases(log.entries(before - 1, 10_000)), "a release was never closed")


def open_releases(entries: Sequence[StoredEntry]) -> set[str]:
    """Those of which no last chunk is recorded."""
    begun = {entry.leaf.release for entry in entries if entry.leaf.release}
    return begun - {entry.leaf.release for entry in entries if entry.leaf.last}


def record(identifier: str, marking: str = OURS, **more: object) -> bytes:
    said = {
        "idElset": identifier,
        "classificationMarking": marking,
        "createdAt": "2026-01-01T00:00:00.000000Z",
        "epoch": "2026-01-01T00:00:00.000000Z",
        "satNo": 41384,
        "meanMotion": 15.0,
        "eccentricity": 0.001,
        "dataMode": "REAL",
        "source": "test",
    }
    return json.dumps(said | more, separators=(",", ":")).encode()


def name(number: int) -> str:
    return f"r-{number:06d}"


def lines(records: Iterable[bytes]) -> bytes:
    return b"".join(each + b"\n" for each in records)


def array(records: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(records) + b"]"


def bulk(here: Loopback, accept: str = LINES, path: str = BULK) -> Answer:
    return here.get(path, Accept=accept)


def names(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [json.loads(line)["idElset"] for line in answer.body.splitlines()]


def entries(here: Loopback, answer: Answer) -> list[StoredEntry]:
    """All entries of an answer, however many."""
    request = answer.headers["x-request-id"]
    return [entry for entry in here.log(2000) if entry.leaf.request == request]


def test_a_bulk_answer_holds_what_the_pages_hold_in_the_order_of_identifiers(here: Loopback):
    paged = sorted(items(here.get(ELSETS).body), key=lambda raw: str(json.loads(raw)["idElset"]))
    assert bulk(here, ARRAY).body == array(paged)
    answer = bulk(here)
    assert answer.headers["content-type"] == LINES
    assert answer.body.splitlines() == paged
    found = entries(here, answer)
    assert [entry.leaf.chunk for entry in found] == list(range(len(found)))
    assert len(found) > 5
    assert [entry.leaf.last for entry in found] == [False] * (len(found) - 1) + [True]
    assert sum(entry.leaf.released for entry in found) == len(answer.body.splitlines())


def test_a_page_may_be_had_as_lines_too_and_a_single_record_never(here: Loopback):
    page = here.get(ELSETS, Accept=LINES)
    assert page.headers["content-type"] == LINES
    assert b"[" + b",".join(page.body.splitlines()) + b"]" == here.get(ELSETS).body
    one = here.get(f"/udl/elset/{names(page)[0]}", Accept=LINES)
    assert (one.status, one.headers["content-type"]) == (200, ARRAY)


def test_sealed_lines_are_one_jwe_a_chunk_and_open_to_the_very_lines(here: Loopback):
    stage = here.gateway.stage
    keys = stage.gateway_keys()
    holder = recipient(stage.private_jwks("GBR"), keys.public_jwks, keys.log_verifier_key, partner="GBR")
    opened = open_answer(bulk(here, f"application/jose, {LINES}").body, holder)
    assert opened.media_type == LINES
    assert opened.content == bulk(here).body
    assert len(opened.parts) > 5
    assert open_answer(bulk(here, "application/jose").body, holder).content == bulk(here, ARRAY).body


def test_lines_in_clear_are_only_for_partners_that_may_have_clear_answers(here: Loopback):
    token = {"Authorization": f"Bearer {here.token('JPN')}", "Accept": LINES}
    answer = here.client.get(BULK, headers=token)
    assert (answer.status_code, answer.json()["code"]) == (406, "sealed_required")


def test_a_bulk_answer_has_no_pages_and_a_dataset_without_one_has_no_such_path(here: Loopback):
    for parameter in ("firstResult=1", "maxResults=1", "sort=epoch"):
        answer = bulk(here, path=f"{BULK}&{parameter}")
        assert (answer.status, answer.code) == (400, "parameter_unknown")
    assert bulk(here, path="/udl/elset/bulk").code == "parameter_required"
    never = here.get("/udl/elset/no-such-record")
    assert here.get("/udl/notification/bulk?createdAt=%3E2000-01-01").bare == never.bare


@pytest.mark.parametrize("kind", [LINES, ARRAY])
def test_every_malformed_record_is_withheld_and_the_others_go_wherever_the_chunks_end(here: Loopback, kind: str):
    sound = [record(name(number), descriptor="x" * 300) for number in range(2 * len(MALFORMED))]
    hostile = [raw.replace(b"\n", b" ") for raw, _ in MALFORMED.values()]
    hostile = [
        raw.replace(b'"id":"a"', b'"idElset":"%b"' % name(2 * at).encode() + REST, 1) for at, raw in enumerate(hostile)
    ]
    mixed = [each for pair in zip(hostile, sound[1::2], strict=True) for each in pair]
    here.source.fault = whole((lines if kind == LINES else array)(mixed), kind)
    among = bulk(here)
    assert names(among) == [name(number) for number in range(1, 2 * len(MALFORMED), 2)]
    assert sum(entry.private["withheld"] for entry in entries(here, among)) == len(MALFORMED)
    here.source.fault = whole(lines(sound[1::2]))
    alone = bulk(here)
    assert alone.body == among.body
    assert [entry.leaf.content for entry in entries(here, alone)] == [
        entry.leaf.content for entry in entries(here, among)
    ]


REST = (
    b',"epoch":"2026-01-01T00:00:00.000000Z","satNo":41384,"meanMotion":15.0,"eccentricity":0.001,"dataMode":"REAL",'
    b'"source":"test"'
)


def test_records_that_share_an_identifier_are_all_withheld_across_pieces_and_chunks(here: Loopback):
    wide = {"descriptor": "x" * SMALLEST_CHUNK}
    records = [record(name(number), **wide) for number in (1, 2, 2, 3, 4, 4, 4, 5)]
    here.source.fault = whole(lines(records), size=SMALLEST_CHUNK + 600)
    assert names(bulk(here)) == [name(1), name(3), name(5)]


def test_a_record_past_the_limit_is_withheld_and_the_others_go(tmp_path: Path, keys: Path):
    with loopback(tmp_path, keys, records=1, upstream=UpstreamSettings(max_record_bytes=2000)) as here:
        records = [record("a"), record("b", descriptor="x" * 300_000), record("c")]
        for body, kind in ((lines(records), LINES), (array(records), ARRAY)):
            here.source.fault = whole(body, kind)
            answer = bulk(here)
            assert names(answer) == ["a", "c"]
            assert entries(here, answer)[-1].private["withheld"] == 1


def test_a_line_break_between_members_becomes_a_space_on_a_line_and_stays_in_an_array(here: Loopback):
    broken = record("a").replace(b',"satNo"', b'\r\n,\n"satNo"')
    in_text = record("b", descriptor="x").replace(b'"x"', b'"a\nb"')
    here.source.fault = whole(array([broken, in_text, record("c")]), ARRAY)
    assert bulk(here).body.splitlines() == [broken.replace(b"\r", b" ").replace(b"\n", b" "), record("c")]
    assert bulk(here, ARRAY).body == array([broken, record("c")])


SOME = [record(name(number)) for number in range(3)]
MANY = [record(name(number)) for number in range(60)]
FAULTS: dict[str, tuple[Fault, str]] = {
    "trailing garbage": (whole(array(SOME) + b"x", ARRAY), "trailing_bytes"),
    "a second array": (whole(array(SOME) + array(SOME), ARRAY), "trailing_bytes"),
    "lines after an array": (whole(array(SOME) + b"\n" + lines(SOME), ARRAY), "trailing_bytes"),
    "an array that does not end": (whole(array(SOME)[:-1], ARRAY), "truncated"),
    "an object": (whole(b'{"records":' + array(SOME) + b"}", ARRAY), "not_an_array"),
    "lines said to be an array": (whole(lines(SOME), ARRAY), "not_an_array"),
    "a byte order mark": (whole(b"\xef\xbb\xbf" + lines(SOME)), "byte_order_mark"),
    "another media type": (whole(lines(SOME), "text/html"), "media type"),
    "identifiers out of order": (whole(lines([SOME[1], SOME[0], SOME[2]])), "order"),
    "a length that is too long": (Answers(200, lines(SOME), LINES, (("content-length", "9999"),)), "upstream_"),
    "a redirect": (redirect("http://elsewhere.example/"), "upstream_redirected"),
    "nothing there": (Answers(404), "not found"),
    "a failure": (Answers(500), "upstream_refused"),
    "another coding": (Answers(200, b"x", LINES, (("content-encoding", "gzip"),)), "content coding"),
}


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_bulk_body_that_is_not_what_it_should_be_gives_one_problem_and_one_entry(here: Loopback, fault: str):
    here.source.fault, why = FAULTS[fault]
    if isinstance(here.source.fault, Sends):
        here.source.fault.sent = 0
    answer = bulk(here)
    assert (answer.status, answer.code) == (502, "upstream_failed")
    (entry,) = entries(here, answer)
    assert why in str(entry.private["detail"])


def test_a_dataset_that_says_its_form_takes_no_other(here: Loopback):
    here.source.fault = whole(array(SOME), ARRAY)
    assert bulk(here, path=BULK.replace("elset", "statevector")).code == "upstream_failed"


LONG = [record(name(number), descriptor="x" * 4000) for number in range(100)]  # more than the gateway gathers
LATE: tuple[Fault, ...] = (
    whole(lines([*LONG, LONG[0]])),
    whole(lines(LONG) + b"\xff" * 100 + b"\n" + LONG[0] + b"\n"),
    whole(array(LONG)[:-1], ARRAY),
    whole(array(LONG) + b"[", ARRAY),
    CutShort(),
)


@pytest.mark.parametrize("fault", LATE)
def test_a_fault_that_comes_late_cuts_the_answer_and_is_recorded(here: Loopback, fault: Fault):
    here.source.fault = fault
    receiver = Receiver(here)
    receiver.read(10_000_000)
    assert receiver.received.startswith(b"HTTP/1.1 200 ")
    assert not receiver.received.endswith(b"0\r\n\r\n")
    last = here.log(1)[0]
    assert (last.leaf.outcome, last.leaf.released) == ("upstream_failed", 0)
    assert last.leaf.chunk > 0
    assert last.leaf.last


def test_where_chunks_end_depends_on_what_is_released_alone(here: Loopback):
    ours = [record(name(number), descriptor="x" * (number % 700)) for number in range(0, 400, 2)]
    theirs = [record(name(number), THEIRS, descriptor="x" * (number % 900)) for number in range(1, 400, 2)]
    here.source.fault = whole(lines(sorted(ours + theirs, key=lambda raw: json.loads(raw)["idElset"])), size=777)
    among = entries(here, bulk(here))
    here.source.fault = whole(lines(ours), size=5000)
    alone = entries(here, bulk(here))
    assert [(one.leaf.released, one.leaf.content) for one in among] == [
        (one.leaf.released, one.leaf.content) for one in alone
    ]
    assert len(alone) > 10


def until_longer(here: Loopback, before: int) -> None:
    """Wait until the first chunk is recorded: the log had so many entries before."""
    until(lambda: here.gateway.service.log.size() > before, "no chunk was recorded")


def test_a_stop_in_the_middle_ends_the_answer_before_the_next_chunk(here: Loopback):
    log, order = here.gateway.service.log, Order("officer", "spill", here.gateway.service.clock())

    before = log.size()

    def stop(number: int) -> None:
        if number == 30:
            until_longer(here, before)
            orders.stop(log, StopKind.PARTNER, "GBR", order)

    here.source.fault = Sends(lambda: [each + b"\n" for each in MANY], before=stop)
    receiver = Receiver(here)
    receiver.read(10_000_000)
    orders.lift(log, StopKind.PARTNER, "GBR", order, UNSIGNED)
    release = receiver.received.split(b"</releases/")[1].split(b"/")[0].decode()
    found = log.find(release)
    assert [entry.leaf.outcome for entry in found][-1] == "stopped"
    assert {entry.leaf.outcome for entry in found[:-1]} == {"released"}
    assert sum(entry.leaf.released for entry in found) <= 30


def test_a_policy_activated_in_the_middle_judges_the_rest_and_no_record_is_lost_or_comes_twice(here: Loopback):
    log, order = here.gateway.service.log, Order("officer", "a remark", here.gateway.service.clock())
    files = dict(stored_files(here.gateway))
    files["policies/policy.toml"] += b"\n# another remark\n"
    activated = threading.Event()
    before = log.size()

    def activate(number: int) -> None:
        if number == 30 and not activated.is_set():
            activated.set()
            until_longer(here, before)
            orders.activate(log, files, order, UNSIGNED)

    source = here.source.fault = Sends(lambda: [each + b"\n" for each in MANY], before=activate)
    answer = bulk(here)
    assert names(answer) == [name(number) for number in range(60)]
    found = entries(here, answer)
    assert len({str(entry.private["policy"]) for entry in found}) == 2
    assert sum(entry.leaf.released for entry in found) == 60
    assert source.asked == 2


def closed(here: Loopback, before: int) -> StoredEntry:
    """The entry that closes a release, once it is there; the log had so many entries before."""
    log = here.gateway.service.log

    def interrupted() -> list[StoredEntry]:
        return [entry for entry in log.entries(before - 1, 10_000) if entry.leaf.event == Event.INTERRUPTED]

    (found,) = until(interrupted, "no release was closed")
    return found


def endless(marking: str = OURS) -> Iterable[bytes]:
    wide = "x" * 2000
    return (record(name(number), marking, descriptor=wide) + b"\n" for number in range(900_000))


def test_a_receiver_that_leaves_in_the_middle_ends_the_fetch(here: Loopback):
    before = here.gateway.service.log.size()
    source = here.source.fault = Sends(endless)
    receiver = Receiver(here)
    receiver.read(200_000)
    receiver.leave()
    happens(source.ended, "the source is still read")
    assert closed(here, before).leaf.chunk > 0


def test_a_receiver_that_leaves_before_the_first_chunk_ends_the_fetch_and_has_its_entry(here: Loopback):
    before = here.gateway.service.log.size()
    source = here.source.fault = Sends(lambda: endless(THEIRS))
    receiver = Receiver(here)
    until(lambda: source.sent >= 1_000_000, "the source is not read")
    receiver.leave()
    happens(source.ended, "the source is still read")
    entry = closed(here, before)
    assert (entry.leaf.chunk, entry.leaf.released, entry.leaf.last) == (0, 0, True)


def test_a_slow_reader_holds_back_its_own_source_and_nobody_else(here: Loopback):
    source = here.source.fault = Sends(endless)
    slow = Receiver(here)
    slow.read(1000)
    taken = still = 0
    while still < 3:  # until the source has not got rid of a byte for a while
        time.sleep(0.3)
        still = still + 1 if taken == source.sent else 0
        taken = source.sent
    here.source.fault = None
    assert here.get(ELSETS).status == 200
    assert len(names(bulk(here))) > 10
    assert source.sent < 32_000_000, "what sockets and one chunk hold, of two gigabytes"
    slow.leave()
    happens(source.ended, "the source is still read")


def test_a_partner_has_a_few_bulk_answers_at_a_time_and_others_have_theirs(here: Loopback):
    source = here.source.fault = Sends(endless)
    slow = [Receiver(here) for _ in range(here.gateway.settings.bulk_each)]
    for each in slow:
        each.read(1000)
    assert (bulk(here).status, bulk(here).code) == (503, "overloaded")
    here.source.fault = None
    theirs = here.get(BULK, partner="AUS", Accept="application/jose")
    assert theirs.status == 200
    for each in slow:
        each.leave()
    happens(source.ended, "the source is still read")
    until(lambda: bulk(here).status == 200, "the place of an answer that has ended is not free again")


def test_of_long_withheld_records_fewer_are_listed(here: Loopback, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.batch.LISTED_BYTES", 50_000)
    here.source.fault = whole(lines(record(name(number), "X" * 20_000) for number in range(10)))
    (entry,) = entries(here, bulk(here))
    assert (entry.private["withheld"], entry.private["summed"], len(entry.rows)) == (10, 7, 3)


def test_what_is_withheld_beyond_so_many_is_counted_and_not_listed(here: Loopback, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.batch.LISTED", 10)
    here.source.fault = whole(lines(record(name(number), THEIRS) for number in range(50)))
    answer = bulk(here)
    assert answer.body == b""
    (entry,) = entries(here, answer)
    assert (entry.private["withheld"], entry.private["summed"], len(entry.rows)) == (50, 40, 10)
    assert [each["withheld"] for each in entry.private["by_label"]] == [50]
    assert set(entry.private["why_withheld"].values()) == {50}


def test_the_last_request_that_a_volume_allows_gets_its_answer_whole_and_the_next_one_nothing(
    tmp_path: Path, keys: Path
):
    policies = Path(copytree(POLICIES, tmp_path / "policies"))
    with (policies / "partners" / "GBR.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[procedures.volume]]\nid = "gbr-once"\nrequests = 1\nper = "1d"\n')
    with loopback(tmp_path / "var", keys, policies=policies, records=30, chunk_bytes=SMALLEST_CHUNK) as here:
        answer = bulk(here)
        found = entries(here, answer)
        assert len(found) > 2
        assert (found[-1].leaf.outcome, found[-1].leaf.last) == ("released", True)
        assert len(names(answer)) == sum(entry.leaf.released for entry in found)
        assert bulk(here).code == "volume_exhausted"
