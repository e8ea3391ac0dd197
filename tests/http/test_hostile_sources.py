"""A source that misbehaves in every way: the partner gets one problem and learns nothing, the auditor learns what."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from demo.stage import Stage
from gateway.settings.model import UpstreamSettings
from sample_source.faults import (
    Answers,
    CutShort,
    Fault,
    HugeBody,
    Ignores,
    Malformed,
    Slow,
    WrongContentType,
    redirect,
)
from tests.support.loopback import ELSETS, Answer, Holds, Loopback, loopback
from tests.support.rawsource import RawSource, raw_source
from tests.support.running import POLICIES, RunningGateway, running_gateway
from tests.support.streaming import BULK
from tests.support.waiting import until

SECRET = b"TOP SECRET//SI//NOFORN the position of object 99999"
RECORD = json.dumps(
    {
        "idElset": "sound",
        "classificationMarking": "U//REL TO USA, GBR",
        "createdAt": "2026-01-01T00:00:00.000000Z",
        "epoch": "2026-01-01T00:00:00.000000Z",
        "satNo": 41384,
        "meanMotion": 15.0,
        "eccentricity": 0.001,
        "dataMode": "REAL",
        "source": "test",
    },
    separators=(",", ":"),
).encode()
QUOTED = json.dumps(SECRET.decode()).encode()

FAULTS: tuple[tuple[str, Fault, str], ...] = (
    ("redirect", redirect("http://elsewhere.example/secret"), "upstream_redirected"),
    ("redirect-to-the-gateway-itself", redirect("/udl/elset", 307), "upstream_redirected"),
    ("unauthorised", Answers(401, SECRET), "upstream_refused"),
    ("forbidden", Answers(403, SECRET), "upstream_refused"),
    ("too-many", Answers(429, SECRET, headers=(("retry-after", "3600"),)), "upstream_refused"),
    ("broken", Answers(500, SECRET, "text/html"), "upstream_refused"),
    ("accepted", Answers(202, b"[" + RECORD + b"]"), "upstream_refused"),
    ("no-content", Answers(204), "upstream_refused"),
    ("collection-not-found", Answers(404, SECRET), "upstream_malformed"),
    ("wrong-type", WrongContentType("text/html"), "upstream_malformed"),
    ("type-with-bytes", WrongContentType("application/json\xff" + SECRET.decode()), "upstream_malformed"),
    ("gzip", Answers(200, b"\x1f\x8b" + SECRET, headers=(("content-encoding", "gzip"),)), "upstream_malformed"),
    ("trailing-garbage", Answers(200, b"[" + RECORD + b"]" + SECRET), "upstream_malformed"),
    ("second-array", Answers(200, b"[" + RECORD + b"][" + QUOTED + b"]"), "upstream_malformed"),
    ("two-arrays-by-line", Answers(200, b"[" + RECORD + b"]\n[]"), "upstream_malformed"),
    ("an-object", Answers(200, b'{"records":[' + RECORD + b"]}"), "upstream_malformed"),
    ("a-text", Answers(200, QUOTED), "upstream_malformed"),
    ("a-null", Answers(200, b"null"), "upstream_malformed"),
    ("nothing", Answers(200, b""), "upstream_malformed"),
    ("byte-order-mark", Answers(200, b"\xef\xbb\xbf[]"), "upstream_malformed"),
    ("other-encoding", Answers(200, "[]".encode("utf-16")), "upstream_malformed"),
    ("unbalanced", Answers(200, b"[" + RECORD + b"}"), "upstream_malformed"),
    ("open-text", Answers(200, b"[" + RECORD + b',"' + SECRET), "upstream_malformed"),
    ("no-end", Malformed(), "upstream_malformed"),
    ("more-than-asked-for", Ignores(frozenset({"maxResults"})), "upstream_malformed"),
    ("cut-short", CutShort(), "upstream_unreachable"),
    ("no-end-of-bytes", HugeBody(200 * 1024 * 1024), "upstream_too_large"),
)


LIST, COUNT = ELSETS + "&maxResults=3", "/udl/elset/count" + ELSETS.removeprefix("/udl/elset")
ASKED = [
    pytest.param(path, fault, detail, id=f"{path.split('?')[0]}-{name}")
    for name, fault, detail in FAULTS
    for path in (LIST, COUNT)
    if (name, path) != ("more-than-asked-for", COUNT)  # a count asks for more than this source has
]


@pytest.mark.parametrize(("path", "fault", "detail"), ASKED)
def test_a_source_that_does_not_answer_properly_gives_one_problem_and_one_entry_that_says_why(
    here: Loopback, log_lines: io.StringIO, path: str, fault: Fault, detail: str
):
    here.source.fault = fault
    begun = log_lines.tell()
    answer = here.get(path)
    assert (answer.status, answer.code) == (502, "upstream_failed")
    assert answer.headers["retry-after"] == "5"
    assert_nothing_of_the_source_shows(here, answer, log_lines.getvalue()[begun:])
    entry = here.entry(answer)
    assert (entry.leaf.outcome, entry.leaf.released) == ("upstream_failed", 0)
    assert str(entry.private["detail"]).startswith(f"{detail}: source 'udl': ")
    assert here.ready() == (200, [])


def assert_nothing_of_the_source_shows(here: Loopback, answer: Answer, said: str) -> None:
    shown = answer.body + repr(sorted(answer.headers.items())).encode() + said.encode()
    for secret in (SECRET, b"elsewhere.example", b"sound", b"41384", here.source.token.encode(), b"127.0.0.1", b"udl:"):
        assert secret not in shown
    assert b"Traceback" not in shown


def test_all_failures_of_a_source_look_alike_to_the_partner(here: Loopback):
    looks = set()
    for _, fault, _ in FAULTS:
        here.source.fault = fault
        answer = here.get(ELSETS + "&maxResults=3")
        looks.add((answer.status, answer.bare, tuple(sorted(answer.headers.keys()))))
    assert len(looks) == 1


ODD = RECORD.replace(b'"sound"', b'"odd"')
ODD_RECORDS = (
    ODD.replace(b"41384", b"9" * 5000),
    ODD.replace(b"15.0", b"-1e400"),
    ODD.replace(b"15.0", b"0x0F"),
    ODD.replace(b'"odd"', b'"odd\x00"'),
    ODD[:-1] + b"," + b",".join(b'"k%d":0' % number for number in range(2000)) + b',"k0":1}',
    ODD[:-1] + b',"' + b"k" * 100_000 + b'":1,"' + b"k" * 100_000 + b'":1}',
    ODD[:-1] + b',"x":' + b'{"a":' * 3000 + b"1" + b"}" * 3000 + b"}",
    b"5",
    b"null",
    b"[" + ODD + b"]",
    QUOTED,
    b"[" * 5000 + b"]" * 5000,
    ODD.replace(b'"U//REL', b'"U","classificationMarking":"U//REL'),
    ODD.replace(b'"odd"', b'"\\ud800"'),
    ODD.replace(b"15.0", b"1e999"),
    ODD.replace(b"15.0", b"NaN"),
    ODD.replace(b'"odd"', b'"o\xffd"'),
    ODD.replace(b'"REAL"', b"5"),
    ODD[:-1] + b',"onOrbit":{"classificationMarking":"S//NF"}}',
    ODD[:-1] + b',"note":{"x":[{"classificationMarking":"S//NF"}]}}',
)


@pytest.mark.parametrize("odd", ODD_RECORDS, ids=lambda value: repr(value)[:50])
def test_an_array_whose_type_changes_midway_gives_its_sound_records_and_withholds_the_others(
    here: Loopback, odd: bytes
):
    other = RECORD.replace(b'"sound"', b'"second"')
    here.source.fault = Holds((RECORD, odd, other))
    answer = here.get(ELSETS)
    assert answer.status == 200
    assert [record["idElset"] for record in json.loads(answer.body)] == ["sound", "second"]
    entry = here.entry(answer)
    assert (entry.private["released"], entry.private["withheld"]) == (2, 1)
    assert here.get(COUNT).body == b"2"


def test_an_answer_by_identifier_that_is_not_that_record_is_not_found_like_one_that_never_was(here: Loopback):
    never = here.get("/udl/elset/sound")
    assert never.code == "not_found"
    for body, detail in (
        (RECORD.replace(b'"sound"', b'"another"'), "another record"),
        (b"[" + RECORD + b"]", "not_an_object"),
        (b"[" + RECORD + b"," + RECORD + b"]", "not_an_object"),
        (RECORD + RECORD, "trailing_bytes"),
        (RECORD + SECRET, "trailing_bytes"),
        (RECORD.replace(b'"U//REL', b'"U","classificationMarking":"U//REL'), "withheld"),
        (QUOTED, "not_an_object"),
        (b"", "not_an_object"),
    ):
        here.source.fault = Answers(200, body)
        answer = here.get("/udl/elset/sound")
        assert (answer.status, answer.bare) == (404, never.bare)
        assert detail in str(here.entry(answer).private["detail"])
    here.source.fault = Answers(200, RECORD)
    assert here.get("/udl/elset/sound").body == RECORD


def test_a_source_that_takes_no_notice_of_offsets_is_refused_before_a_record_comes_twice(here: Loopback):
    here.source.fault = Ignores(frozenset({"firstResult"}))
    for path in (ELSETS, COUNT):
        answer = here.get(path)
        assert (answer.status, answer.code) == (502, "upstream_failed")
        assert "the order changed" in str(here.entry(answer).private["detail"])


def test_a_source_that_is_slow_or_trickles_gives_a_timeout_and_is_asked_again_the_next_time(tmp_path: Path, keys: Path):
    limits = UpstreamSettings(connect_timeout_seconds=0.2, read_timeout_seconds=0.2)
    with loopback(tmp_path / "var", keys, upstream=limits) as here:
        for fault in (Slow(5), Slow(0.15, 40)):
            here.source.fault = fault
            answer = here.get(ELSETS)
            assert (answer.status, answer.code) == (504, "upstream_timeout")
            assert str(here.entry(answer).private["detail"]).startswith("upstream_timeout: source 'udl': ")
        here.source.fault = None
        # A slow machine may take longer than these limits for a sound answer too, though not each time.
        until(lambda: here.get(ELSETS).status == 200, "the source is not asked again")


def test_a_source_that_is_down_gives_a_failure_that_does_not_say_where_it_is(
    tmp_path: Path, keys: Path, log_lines: io.StringIO
):
    stage = Stage(tmp_path / "var", keys, POLICIES)
    with running_gateway(stage, "http://127.0.0.1:1") as gateway:
        answer = gateway.ask("GBR", ELSETS, purpose="collision-avoidance")
        assert (answer.status_code, answer.json()["code"]) == (502, "upstream_failed")
        assert "127.0.0.1" not in answer.text
        assert "127.0.0.1" not in log_lines.getvalue()
        (entry,) = gateway.service.log.entries(gateway.service.log.size() - 2, 1)
        assert str(entry.private["detail"]).startswith("upstream_unreachable: source 'udl': ")


SOUND = b"[" + RECORD + b"]"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(SOUND)


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in parts) + b"0\r\n\r\n"


FRAMES: tuple[tuple[str, bytes], ...] = (
    ("length-too-long", HEAD + b"Content-Length: 100000\r\n\r\n" + SOUND),
    ("length-too-short", HEAD + b"Content-Length: 20\r\n\r\n" + SOUND),
    ("length-zero-and-a-body", HEAD + b"Content-Length: 0\r\n\r\n" + SOUND),
    ("two-lengths", HEAD + LENGTH + b"Content-Length: 20\r\n\r\n" + SOUND),
    ("length-negative", HEAD + b"Content-Length: -1\r\n\r\n" + SOUND),
    ("length-enormous", HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n" + SOUND),
    ("length-and-chunked", HEAD + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(SOUND + SECRET)),
    ("chunk-size-no-number", HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + SOUND + b"\r\n0\r\n\r\n"),
    ("chunk-longer-than-it-says", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + SOUND + b"\r\n0\r\n\r\n"),
    ("chunks-without-end", HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(SOUND), SOUND)),
    ("chunk-size-enormous", HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n" + SOUND),
    ("second-array-in-another-chunk", HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(SOUND, SOUND)),
    ("garbage-in-another-chunk", HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(SOUND, SECRET)),
    ("head-without-end", HEAD + b"X: " + b"a" * 200_000),
    ("headers-without-end", HEAD + b"X: a\r\n" * 50_000),
    ("header-with-nul", HEAD + LENGTH + b"X: a\x00b\r\n\r\n" + SOUND),
    ("no-status-line", SOUND),
    ("another-protocol", b"SSH-2.0-OpenSSH_9.0\r\n\r\n"),
    ("status-no-number", b"HTTP/1.1 abc OK\r\n" + LENGTH + b"\r\n" + SOUND),
    ("switching-protocols", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + SOUND),
    ("coding-in-another-form", HEAD + LENGTH + b"Content-Encoding: Identity, gzip\r\n\r\n" + SOUND),
    ("coding-unknown", HEAD + b"Transfer-Encoding: gzip\r\n\r\n" + SOUND),
    ("coding-twice", HEAD + LENGTH + b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n\r\n" + SOUND),
    ("bomb-of-brotli", HEAD + LENGTH + b"Content-Encoding: br\r\n\r\n" + SOUND),
    ("nothing", b""),
)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Iterator[tuple[RunningGateway, RawSource]]:
    """A gateway before a source that sends bytes as they are told, and that loses patience soon."""
    limits = UpstreamSettings(connect_timeout_seconds=0.5, read_timeout_seconds=0.5, max_body_bytes=100_000)
    stage = Stage(tmp_path_factory.mktemp("raw") / "var", keys, POLICIES)
    with raw_source() as source, running_gateway(stage, source.url, upstream=limits) as gateway:
        yield gateway, source


@pytest.mark.parametrize(
    ("path", "closes"), [(LIST, True), (LIST, False), (BULK, True)], ids=["and-closes", "and-waits", "in-bulk"]
)
@pytest.mark.parametrize("says", [each[1] for each in FRAMES], ids=[each[0] for each in FRAMES])
def test_an_answer_whose_frame_lies_gives_no_content_and_no_word_of_it(
    raw: tuple[RunningGateway, RawSource], log_lines: io.StringIO, says: bytes, path: str, closes: bool
):
    gateway, source = raw
    source.says, source.closes = says, closes
    begun = log_lines.tell()
    answer = gateway.ask("GBR", path, purpose="collision-avoidance")
    assert (answer.status_code, answer.json()["code"]) in ((502, "upstream_failed"), (504, "upstream_timeout"))
    shown = answer.text + repr(answer.headers) + log_lines.getvalue()[begun:]
    assert not [each for each in (SECRET.decode(), "sound", "41384", "OpenSSH", source.url) if each in shown]
    (entry,) = gateway.service.log.entries(gateway.service.log.size() - 2, 1)
    assert (entry.leaf.outcome, entry.leaf.released) == (answer.json()["code"], 0)


def in_time(gateway: RunningGateway) -> httpx.Response | None:
    """An answer to which the source was not too slow for this gateway, as a machine with much else to do makes it."""
    answer = gateway.ask("GBR", LIST, purpose="collision-avoidance")
    return None if answer.status_code == 504 else answer


def test_the_same_record_in_a_true_frame_is_released_so_the_frames_failed_for_what_they_are(
    raw: tuple[RunningGateway, RawSource],
):
    gateway, source = raw
    for says in (
        HEAD + LENGTH + b"\r\n" + SOUND,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(*(SOUND[at : at + 7] for at in range(0, len(SOUND), 7))),
    ):
        source.says, source.closes = says, True
        answer = until(lambda: in_time(gateway), "no answer in time")
        assert (answer.status_code, answer.content) == (200, SOUND)


def test_a_second_answer_sent_ahead_is_never_the_answer_to_another_partners_request(
    raw: tuple[RunningGateway, RawSource],
):
    gateway, source = raw
    smuggled = SOUND.replace(b'"sound"', b'"smuggled"')
    source.closes = False
    source.says = HEAD + LENGTH + b"\r\n" + SOUND + HEAD + b"Content-Length: %d\r\n\r\n" % len(smuggled) + smuggled
    for _ in range(6):
        answer = until(lambda: in_time(gateway), "no answer in time")
        assert b"smuggled" not in answer.content
        assert answer.status_code in (200, 502)
