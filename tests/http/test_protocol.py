"""The gateway's socket before whoever speaks HTTP badly, slowly or ambiguously: raw bytes in, what comes back."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import msgspec
import pytest

from gateway.audit import canonical
from gateway.audit.entry import Event
from gateway.audit.schemas import PRIVATE
from gateway.audit.stored import StoredEntry
from gateway.http import protocol, strangers
from gateway.http.protocol import head_of, is_plainly_written
from gateway.settings.model import HttpSettings
from tests.support.loopback import ELSETS, Loopback, loopback
from tests.support.waiting import until

SMUGGLED = b"GET /udl/smuggled HTTP/1.1\r\nHost: gateway\r\n\r\n"
"""A request that must never be one, because it stands where only a body could."""

EVERY = 0.3
"""Seconds between two entries that count what was no request."""
EAGER = HttpSettings(header_seconds=0.4, body_seconds=0.4, stall_seconds=0.4, max_connections=6)


@pytest.fixture(scope="module")
def eager(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Iterator[Loopback]:
    """A gateway that loses patience soon, and writes down what it turned away soon after."""
    points = tmp_path_factory.mktemp("points") / "points.toml"
    digest = hashlib.sha256(b"portal-token").hexdigest()
    points.write_text(f'[[enforcement_point]]\nname = "portal"\ntoken = "{digest}"\npartners = ["GBR"]\n')
    patch = pytest.MonkeyPatch()
    patch.setattr(strangers, "EVERY_SECONDS", EVERY)
    patch.setattr(protocol, "LINGER_SECONDS", 0.2)
    with (
        patch.context(),
        loopback(tmp_path_factory.mktemp("eager") / "var", keys, http=EAGER, enforcement_points=points) as running,
    ):
        yield running
    patch.undo()


@contextmanager
def connection(here: Loopback) -> Iterator[socket.socket]:
    where = httpx.URL(here.gateway.url)
    with socket.create_connection((where.host, where.port or 80), timeout=60) as opened:
        yield opened


def rest(opened: socket.socket) -> bytes:
    """Everything until the gateway closes, by a reset too: what had come before it is there to be read."""
    received = b""
    with suppress(ConnectionResetError):
        while part := opened.recv(65536):
            received += part
    return received


def answers(here: Loopback, sent: bytes, *, then_end: bool = True) -> list[tuple[int, str]]:
    """Status and problem code of every answer on one connection over which ``sent`` went."""
    with connection(here) as opened:
        opened.sendall(sent)
        if then_end:
            opened.settimeout(60)
        received = rest(opened)
    found = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").lower().split("\r\n")
        length = int(next(line.split(":")[1] for line in lines if line.startswith("content-length:")))
        body, received = received[:length], received[length:]
        problem = any("application/problem+json" in line for line in lines)
        found.append((int(lines[0].split()[1]), str(json.loads(body)["code"]) if problem else ""))
    return found


def head(here: Loopback, *lines: str, target: str = ELSETS) -> bytes:
    said = (f"GET {target} HTTP/1.1", "Host: gateway", "Accept: application/json", *lines)
    return "\r\n".join((*said, f"Authorization: Bearer {here.token()}")).encode() + b"\r\n\r\n"


def outcomes(here: Loopback, before: int) -> list[str]:
    """What became of each request since the log had so many entries. What was no request is counted now and then, in
    an entry that may be about an earlier test.
    """
    since = here.gateway.service.log.entries(before - 1, 100)
    return [entry.leaf.outcome for entry in since if entry.leaf.event != Event.NO_REQUEST]


FRAMINGS: tuple[tuple[str, tuple[str, ...], bytes], ...] = (
    ("cl-te", ("Content-Length: 6", "Transfer-Encoding: chunked"), b"0\r\n\r\n"),
    ("te-cl", ("Transfer-Encoding: chunked", "Content-Length: 4"), b"0\r\n\r\n"),
    ("cl-zero-and-te", ("Content-Length: 0", "Transfer-Encoding: chunked"), b"0\r\n\r\n"),
    ("cl-body-is-a-request", (f"Content-Length: {len(SMUGGLED)}",), b""),
    ("cl-shorter-than-what-comes", ("Content-Length: 1",), b"x"),
    ("cl-with-leading-zeros", ("Content-Length: 0005",), b"abcde"),
    ("cl-said-twice-alike", ("Content-Length: 5", "Content-Length: 5"), b"abcde"),
    ("te-in-capitals", ("Transfer-Encoding: CHUNKED",), b"0\r\n\r\n"),
    ("chunk-extension", ("Transfer-Encoding: chunked",), b"0;a=b\r\n\r\n"),
    ("chunk-size-with-zeros", ("Transfer-Encoding: chunked",), b"0000000\r\n\r\n"),
    ("chunk-size-no-number", ("Transfer-Encoding: chunked",), b"zz\r\n"),
    ("chunk-size-enormous", ("Transfer-Encoding: chunked",), b"f" * 40 + b"\r\n"),
    ("chunk-longer-than-it-says", ("Transfer-Encoding: chunked",), b"3\r\nabcd\r\n0\r\n\r\n"),
    ("chunk-ends-with-a-line-feed", ("Transfer-Encoding: chunked",), b"3\nabc\n0\n\n"),
    ("trailer-that-is-a-header", ("Transfer-Encoding: chunked",), b"0\r\nContent-Length: 5\r\n\r\n"),
    ("expect-and-no-body-yet", ("Expect: 100-continue", "Content-Length: 6"), b""),
)


@pytest.mark.parametrize(("lines", "body"), [each[1:] for each in FRAMINGS], ids=[each[0] for each in FRAMINGS])
def test_what_follows_a_request_with_a_body_is_never_taken_for_another_request(
    here: Loopback, lines: tuple[str, ...], body: bytes
):
    before = here.gateway.service.log.size()
    assert answers(here, head(here, *lines) + body + SMUGGLED) == [(400, "request_malformed")]
    assert outcomes(here, before) == ["request_malformed"]
    assert not here.source.seen


CANNOT_BE_FRAMED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("two-lengths", ("Content-Length: 5", "Content-Length: 6")),
    ("two-lengths-in-one", ("Content-Length: 5, 6",)),
    ("length-with-a-sign", ("Content-Length: +5",)),
    ("length-in-hex", ("Content-Length: 0x5",)),
    ("length-negative", ("Content-Length: -1",)),
    ("length-too-long", ("Content-Length: " + "9" * 40,)),
    ("length-with-a-space", ("Content-Length: 1 0",)),
    ("space-before-the-colon", ("Content-Length : 5",)),
    ("te-not-last", ("Transfer-Encoding: chunked, identity",)),
    ("te-twice", ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")),
    ("te-unknown", ("Transfer-Encoding: xchunked",)),
    ("te-with-a-tab-inside", ("Transfer-Encoding: chun\tked",)),
    ("te-with-a-vertical-tab", ("Transfer-Encoding:\x0bchunked",)),
    ("name-with-a-control-byte", ("X\x01: a",)),
    ("name-not-ascii", ("X\xe9: a",)),
    ("value-with-nul", ("X: a\x00b",)),
    ("no-colon", ("X",)),
    ("two-hosts", ("Host: b",)),
)


@pytest.mark.parametrize("lines", [each[1] for each in CANNOT_BE_FRAMED], ids=[each[0] for each in CANNOT_BE_FRAMED])
def test_a_head_that_two_readers_could_frame_differently_ends_the_connection(here: Loopback, lines: tuple[str, ...]):
    request = head(here).removesuffix(b"\r\n") + "\r\n".join((*lines, "", "")).encode("latin-1")
    ((status, code),) = answers(here, request + SMUGGLED)
    assert (status, code) == (400, "request_malformed")
    assert not here.source.seen


ENDINGS = (
    b"GET /udl/nothing HTTP/1.1\nHost: gateway\r\n\r\n",
    b"GET /udl/nothing HTTP/1.1\r\nHost: gateway\n\r\n",
    b"GET /udl/nothing HTTP/1.1\r\nHost: gateway\r\n\n",
    b"GET /udl/nothing HTTP/1.1\nHost: gateway\n\n",
    b"GET /udl/nothing HTTP/1.1\r\nHost: gateway\r\nX: a\r\n folded: b\r\n\r\n",
    b"GET /udl/nothing HTTP/1.1\r\nHost: gateway\r\nX: a\r\n\tContent-Length: 5\r\n\r\n",
    b"GET /udl/nothing HTTP/1.1\r\nHost: gateway\r\nX: a\rContent-Length: 5\r\n\r\n",
    b"GET /udl/nothing HTTP/1.1\r\nHost: gateway\r\nX: a\r\r\n\r\n",
    b"GET /udl/nothing HTTP/1.1\r\nHost: gateway\r\nX: a\n\nGET /udl/smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
)


@pytest.mark.parametrize("request_bytes", ENDINGS, ids=lambda value: repr(value)[40:])
def test_a_bare_line_feed_a_bare_return_and_a_folded_line_are_no_http_here(here: Loopback, request_bytes: bytes):
    assert answers(here, request_bytes + SMUGGLED) == [(400, "request_malformed")]
    assert not here.source.seen


@pytest.mark.parametrize("piece", [1, 2, 7])
def test_the_same_is_refused_however_the_bytes_are_cut_into_packets(here: Loopback, piece: int):
    with connection(here) as opened:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(ENDINGS[4]), piece):
            try:
                opened.sendall(ENDINGS[4][start : start + piece])
            except OSError:
                break
            time.sleep(0.001)
        assert b"request_malformed" in rest(opened)


def test_requests_sent_ahead_of_their_turn_are_answered_in_order_and_each_is_recorded(here: Loopback):
    before = here.gateway.service.log.size()
    sent = head(here) + head(here, target="/udl/nothing") + head(here, "Connection: close")
    assert answers(here, sent) == [(200, ""), (404, "not_found"), (200, "")]
    assert outcomes(here, before) == ["released", "not_found", "released"]


def test_a_request_sent_ahead_in_a_bad_form_is_refused_and_the_good_one_before_it_is_not(here: Loopback):
    assert answers(here, head(here) + ENDINGS[4]) == [(200, ""), (400, "request_malformed")]


OTHER_PROTOCOLS = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00" * 9,
    b"GET /udl/elset HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
    b"GET /udl/elset HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: A\r\n\r\n",
    b"CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n",
)


@pytest.mark.parametrize("sent", OTHER_PROTOCOLS, ids=lambda value: repr(value)[:30])
def test_no_other_protocol_is_spoken_or_switched_to(here: Loopback, sent: bytes):
    with connection(here) as opened:
        opened.sendall(sent)
        assert opened.recv(12) in (b"HTTP/1.1 400", b"HTTP/1.1 401")
    assert not here.source.seen


def test_a_large_body_that_nobody_reads_still_gets_its_answer(here: Loopback):
    with connection(here) as opened:
        opened.sendall(head(here, "Content-Length: 5000000000"))
        opened.sendall(b"x" * 500_000)
        assert b"request_malformed" in rest(opened)
    with connection(here) as opened, pytest.raises(OSError, match=r"reset|pipe|abort"):
        opened.sendall(head(here, "Content-Length: 5000000000"))
        while True:
            opened.sendall(b"x" * 1_000_000)


TOO_LARGE = (
    (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 20_000 + b"\r\n", 400),
    (b"A" * 100_000 + b" / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"A" * 300_000, 400),
)


@pytest.mark.parametrize(("sent", "status"), TOO_LARGE, ids=lambda value: repr(value)[:40])
def test_a_head_of_any_size_is_refused_with_bounded_memory_and_in_words(here: Loopback, sent: bytes, status: int):
    with connection(here) as opened:
        try:
            opened.sendall(sent)
        finally:
            received = rest(opened)
    assert received.startswith(b"HTTP/1.1 %d" % status)
    assert b"request_malformed" in received


# --- time


def attempted(attempt: Callable[[], bytes], said: bytes) -> bytes:
    """What came of an attempt in which the gateway said this: on a slow machine it may lose its patience before an
    attempt has begun, and then another one is made.
    """

    def answered() -> bytes:
        with suppress(ConnectionError):
            received = attempt()
            return received if said in received else b""
        return b""

    return until(answered, f"it never says {said!r}")


def drip(opened: socket.socket, data: bytes, pause: float = 0.05) -> bytes:
    """Send one byte at a time until the gateway closes; give what it said."""
    opened.settimeout(pause)
    received = b""
    for place in range(len(data)):
        try:
            opened.sendall(data[place : place + 1])
            part = opened.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            break
        received += part
        if not part:
            break
    return received


def counting(here: Loopback, before: int) -> list[StoredEntry]:
    """The entries that count what was no request, since the log had so many entries."""
    since = here.gateway.service.log.entries(before - 1, 1000)
    return [entry for entry in since if entry.leaf.event == Event.NO_REQUEST]


def counted(entries: list[StoredEntry], kind: str) -> int:
    """How many faults of this kind they count."""
    return sum(entry.private["counted"].get(kind, 0) for entry in entries)  # type: ignore[union-attr,misc]


def recorded(here: Loopback, kind: str, before: int) -> StoredEntry:
    """The entry that counts this kind of fault, once it is there; the log had so many entries before."""
    found = until(
        lambda: [entry for entry in counting(here, before) if counted([entry], kind)], f"no entry counts {kind}"
    )
    return found[-1]


def goes_on(here: Loopback) -> None:
    """Others are served, as soon as the connections of a test are no longer held."""

    def served() -> bool:
        with suppress(ConnectionError):
            return here.send(ELSETS, "Accept: application/json").status == 200
        return False

    until(served, "nobody else is served")


def test_a_head_that_never_ends_is_given_up_though_bytes_keep_coming(eager: Loopback):
    before = eager.gateway.service.log.size()

    def slowly() -> bytes:
        with connection(eager) as opened:
            return drip(opened, b"GET /udl/elset HTTP/1.1\r\nX: " + b"a" * 10_000)

    received = attempted(slowly, b"HTTP/1.1 408")
    assert b'"code": "request_too_slow"' in received
    assert recorded(eager, "slow_head", before).leaf.partner == ""


def test_a_connection_on_which_nothing_comes_is_closed_without_a_word(eager: Loopback):
    with connection(eager) as opened:
        assert rest(opened) == b""


def test_a_caller_that_keeps_its_side_open_after_a_refusal_is_let_go(eager: Loopback):
    def let_go() -> bytes:
        with connection(eager) as opened:
            opened.sendall(b"GARBAGE\r\n\r\n")
            received = rest(opened)
            until(lambda: is_closed(opened), "the connection is still held")
            return received

    attempted(let_go, b"request_malformed")


def is_closed(opened: socket.socket) -> bool:
    """A closed connection answers with a reset; one that is only half closed takes everything."""
    try:
        opened.sendall(b"x")
    except OSError:
        return True
    return False


def test_a_second_head_on_a_connection_has_no_more_time_than_the_first(eager: Loopback):
    def a_second() -> bytes:
        with connection(eager) as opened:
            opened.sendall(head(eager))
            first = opened.recv(65536)
            received = drip(opened, b"GET /udl/elset HTTP/1.1\r\nX: " + b"a" * 10_000)
            return received if b"200 OK" in first else b""

    attempted(a_second, b"request_too_slow")


def test_a_body_that_trickles_does_not_hold_the_connection_after_its_answer(eager: Loopback):
    def trickling() -> bytes:
        with connection(eager) as opened:
            opened.sendall(head(eager, "Content-Length: 100000"))
            return drip(opened, b"x" * 10_000)

    assert attempted(trickling, b"request_malformed").count(b"HTTP/1.1 ") == 1


ASKING = (
    b"POST /access/v1/evaluation HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer portal-token\r\n"
    b"Content-Type: application/json\r\n"
)


@pytest.mark.parametrize(
    ("framing", "kind"),
    [
        (b'Content-Length: 9000\r\n\r\n{"subject"', "slow_body"),
        (b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n", "malformed"),
    ],
    ids=["slow", "broken-chunk"],
)
def test_a_body_that_is_waited_for_ends_in_time_or_the_connection_does_without_a_decision(
    eager: Loopback, framing: bytes, kind: str
):
    before = eager.gateway.service.log.size()

    def asked() -> bool:
        with suppress(ConnectionError), connection(eager) as opened:
            opened.sendall(ASKING + framing)
            assert b"decision" not in rest(opened)
        return counted(counting(eager, before), kind) > 0

    until(asked, f"no entry counts {kind}")
    assert recorded(eager, kind, before).leaf.outcome == "refused"
    events = {entry.leaf.event for entry in eager.gateway.service.log.entries(before - 1, 1000)}
    assert "evaluated" not in events


def test_an_answer_that_nobody_takes_is_cut_off_and_holds_nobody_else(eager: Loopback):
    before = eager.gateway.service.log.size()
    with socket.socket() as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.connect((eager.client.base_url.host, eager.client.base_url.port))
        opened.sendall(b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: a\r\n\r\n" * 8)
        assert recorded(eager, "stalled", before).leaf.outcome == "refused"
        goes_on(eager)
        assert rest(opened).count(b"HTTP/1.1 200 OK") < 8


def test_more_connections_than_allowed_are_told_so_and_the_others_go_on(eager: Loopback):
    before = eager.gateway.service.log.size()

    def crowded() -> bytes:
        with ExitStack() as held:
            return rest([held.enter_context(connection(eager)) for _ in range(8)][-1])

    received = attempted(crowded, b"HTTP/1.1 503")
    assert b'"code": "overloaded"' in received
    assert b"retry-after: 5" in received.lower()
    assert recorded(eager, "crowded", before).leaf.outcome == "refused"
    goes_on(eager)


def test_what_is_no_http_is_recorded_by_count_and_not_one_by_one(eager: Loopback):
    before = written_down(eager)
    begun = time.monotonic()
    told = [answers(eager, b"\x16\x03\x01\r\n\r\n") for _ in range(40)]
    sent = told.count([(400, "request_malformed")])
    assert sent > 20  # on a slow machine the gateway may not have waited for all of them
    written_down(eager)
    entries = counting(eager, before)
    assert counted(entries, "malformed") == sent
    assert len(entries) <= (time.monotonic() - begun) / EVERY + 1
    msgspec.json.decode(canonical.encode(entries[0].private, "private"), type=PRIVATE[Event.NO_REQUEST])


def written_down(here: Loopback) -> int:
    """Have whatever was counted so far written down: it comes no later than one more fault, of a kind that no other
    test here makes. Gives the log's size then.
    """
    before = here.gateway.service.log.size()
    attempted(lambda: exchanged(here, b"GET / HTTP/1.1\nHost: a\n\n"), b"request_malformed")
    return recorded(here, "head_form", before).index + 1


def exchanged(here: Loopback, sent: bytes) -> bytes:
    with connection(here) as opened:
        opened.sendall(sent)
        return rest(opened)


@pytest.mark.parametrize(
    ("received", "plain"),
    [
        (b"", True),
        (b"GET / HTTP/1.1", True),
        (b"GET / HTTP/1.1\r", True),
        (b"GET / HTTP/1.1\r\n", True),
        (b"GET / HTTP/1.1\r\nA: b\r\n\r\n\n\n folded", True),
        (b"GET / HTTP/1.1\n", False),
        (b"GET / HTTP/1.1\r\n A: b", False),
        (b"GET / HTTP/1.1\r\r\n", False),
        (b"\n", False),
    ],
)
def test_a_head_is_judged_by_its_ended_lines_and_never_by_what_follows_it(received: bytes, plain: bool):
    assert is_plainly_written(head_of(received)) is plain
