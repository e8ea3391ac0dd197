"""Log lines: one pipe, an allow-list, and nothing in them that must not be there."""

import asyncio
import io
import json
import logging
import re

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gateway.logs import FIELDS, REDACTED, configure, get_logger, only_known, request_context, tell_request
from gateway.settings import LogFormat, LogLevel

SECRETS = (
    "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJqcG4ifQ.c2lnbmF0dXJl",
    "SECRET//REL TO USA, JPN",
    "U//PR-EXAMPLE",
    "-----BEGIN PRIVATE KEY-----",
    '{"id": "rec-1", "line1": "1 25544U"}',
    "line\nbreak",
    "\x1b[31mred",
)


@pytest.fixture
def pipe():
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    configure(LogLevel.DEBUG, LogFormat.JSON, stream)
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_utc_time_level_event_and_its_fields(pipe):
    get_logger("gateway.http").info("request-answered", status=200, duration_ms=1.23456, partner="JPN")
    (line,) = lines(pipe)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("time"))
    assert line == {
        "level": "info",
        "event": "request-answered",
        "status": 200,
        "duration_ms": 1.235,
        "partner": "JPN",
    }


def test_request_and_trace_ids_stand_in_every_line_of_the_block_and_no_other(pipe):
    log = get_logger("x")
    with request_context("01J-abc", trace="4bf92f3577b34da6a3ce929d0e0e4736"):
        log.info("inside")
        logging.getLogger("library").warning("said %s", "hidden")
    log.info("outside")
    inside, foreign, outside = lines(pipe)
    assert inside["request"] == foreign["request"] == "01J-abc"
    assert inside["trace"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert "request" not in outside


async def test_two_requests_at_once_never_lend_each_other_their_ids(pipe):
    async def one(name: str) -> None:
        with request_context(name):
            await asyncio.sleep(0)
            get_logger("x").info("answered", code=name)

    await asyncio.gather(*(one(f"r{number}") for number in range(20)))
    answered = [line for line in lines(pipe) if line["event"] == "answered"]
    assert len(answered) == 20
    assert all(line["request"] == line["code"] for line in answered)


@pytest.mark.parametrize("field", ["marking", "token", "body", "authorization", "key", "content", "withheld"])
def test_a_field_that_is_not_listed_is_left_out_and_only_named(pipe, field):
    get_logger("x").info("leaking", **{field: SECRETS[0]})
    (line,) = lines(pipe)
    assert line["dropped"] == [field]
    assert SECRETS[0] not in pipe.getvalue()


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("field", sorted(FIELDS))
def test_a_listed_field_holding_something_else_is_replaced(pipe, field, secret):
    get_logger("x").info("leaking", **{field: secret})
    assert lines(pipe)[0][field] == REDACTED


@given(st.text(max_size=200), st.sampled_from(sorted(FIELDS)))
def test_whatever_text_is_logged_the_value_matches_its_pattern_or_is_replaced(text, field):
    line = only_known(None, "info", {"time": "t", "level": "info", "event": text, field: text})
    kind = FIELDS[field]
    assert line[field] == REDACTED or (isinstance(kind, re.Pattern) and kind.fullmatch(str(line[field])))
    assert re.fullmatch(r"[a-z-]+", str(line["event"]))


def test_an_event_with_data_in_its_name_is_not_written(pipe):
    get_logger("x").info(f"released {SECRETS[1]}")
    assert lines(pipe)[0]["event"] == "unnamed-event"
    assert "JPN" not in pipe.getvalue()


def test_an_exception_leaves_classes_and_places_but_no_message(pipe):
    try:
        try:
            raise KeyError(SECRETS[1])
        except KeyError as error:
            raise ValueError(SECRETS[0]) from error
    except ValueError:
        get_logger("x").exception("request-failed")
    (line,) = lines(pipe)
    assert (line["error"], line["causes"]) == ("ValueError", ["KeyError"])
    assert re.fullmatch(r".*tests/test_logs.py:\d+ test_an_exception_leaves.*", line["stack"][-1])
    assert "JPN" not in pipe.getvalue()
    assert "eyJ" not in pipe.getvalue()


def test_a_library_line_keeps_its_template_and_never_its_arguments(pipe):
    logging.getLogger("aiohttp.client").warning("cannot reach %s", "http://user:hunter2@source")
    (line,) = lines(pipe)
    assert (line["event"], line["logger"], line["message"]) == (
        "library",
        "aiohttp.client",
        "cannot reach %s",
    )
    assert "hunter2" not in pipe.getvalue()


def test_a_library_line_formatted_beforehand_keeps_only_its_place(pipe):
    logging.getLogger("asyncio").error(f"Task exception was never retrieved: {SECRETS[1]}")
    (line,) = lines(pipe)
    assert "message" not in line
    assert re.search(r"test_logs\.py:\d+", line["at"])
    assert "JPN" not in pipe.getvalue()


def test_a_library_exception_says_its_class_and_not_its_message(pipe):
    try:
        raise RuntimeError(SECRETS[4])
    except RuntimeError:
        logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=True)
    (line,) = lines(pipe)
    assert line["error"] == "RuntimeError"
    assert "rec-1" not in pipe.getvalue()


def test_uvicorn_says_its_start_through_the_same_pipe_and_its_access_log_is_off(pipe):
    logging.getLogger("uvicorn.error").info("Application startup complete.")
    logging.getLogger("uvicorn.access").info('%s - "%s"', "203.0.113.9", "GET /udl/elset/secret-id")
    (line,) = lines(pipe)
    assert line["message"] == "Application startup complete."


def test_a_template_that_does_not_fit_its_arguments_loses_no_secret(pipe, capsys):
    root = logging.getLogger()
    root.handlers[:] = root.handlers[:1]  # pytest's own handler cannot format such a line
    logging.getLogger("library").warning("%d %d", SECRETS[1])  # noqa: PLE1206
    assert lines(pipe)[0]["message"] == "%d %d"
    assert SECRETS[1] not in capsys.readouterr().err


def test_a_line_that_cannot_be_written_says_so_without_its_fields(capsys):
    class Broken(io.StringIO):
        failed = False

        def write(self, text: str) -> int:
            if not self.failed:
                self.failed = True
                raise TypeError("stream is broken")
            return super().write(text)

    root = logging.getLogger()
    before = root.handlers[:]
    stream = Broken()
    try:
        configure(LogLevel.INFO, LogFormat.JSON, stream)
        get_logger("gateway.x").info("request-answered", partner="JPN")
    finally:
        root.handlers[:] = before
        structlog.reset_defaults()
    assert json.loads(stream.getvalue()) == {
        "event": "log-line-lost",
        "level": "error",
        "logger": "gateway.x",
    }
    assert "JPN" not in capsys.readouterr().err


def test_a_terminal_gets_readable_lines_and_a_pipe_gets_json():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    root = logging.getLogger()
    before = root.handlers[:]
    terminal, pipe = Terminal(), io.StringIO()
    try:
        configure(LogLevel.INFO, LogFormat.AUTO, terminal)
        get_logger("x").info("serving", port=8080)
        configure(LogLevel.INFO, LogFormat.AUTO, pipe)
        get_logger("x").info("serving", port=8080)
    finally:
        root.handlers[:] = before
        structlog.reset_defaults()
    assert "serving" in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")
    assert json.loads(pipe.getvalue())["event"] == "serving"


def test_no_color_is_obeyed_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("NO_COLOR", "1")
    root = logging.getLogger()
    before = root.handlers[:]
    terminal = Terminal()
    try:
        configure(LogLevel.INFO, LogFormat.AUTO, terminal)
        get_logger("x").info("serving", port=8080)
    finally:
        root.handlers[:] = before
        structlog.reset_defaults()
    assert "\x1b" not in terminal.getvalue()


def test_a_talkative_library_is_heard_only_when_something_is_wrong(pipe):
    logging.getLogger("casbin.anything").info("Policy:")
    logging.getLogger("casbin.anything").warning("something is wrong")
    assert [line["level"] for line in lines(pipe)] == ["warning"]


def test_lines_below_the_level_are_not_written():
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    try:
        configure(LogLevel.WARNING, LogFormat.JSON, stream)
        get_logger("x").info("quiet")
        get_logger("x").warning("loud")
    finally:
        root.handlers[:], root.level = before
        structlog.reset_defaults()
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]


@pytest.mark.parametrize("secret", [None, *SECRETS])
def test_the_short_way_of_a_request_line_writes_what_the_long_way_writes(pipe, secret):
    said = {"method": "GET", "route": "/{source}/{dataset}", "status": 200, "duration_ms": 1.2345, "partner": secret}
    with request_context("01J-abc", trace="4bf92f3577b34da6a3ce929d0e0e4736"):
        tell_request(**said, unlisted=secret)
        get_logger("gateway.http").info("request", **said, unlisted=secret)
    short, long = lines(pipe)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", short.pop("time"))
    assert len(long.pop("time")) == 27
    assert list(short.items()) == list(long.items())
    assert secret is None or secret not in pipe.getvalue()


def test_a_request_line_is_left_out_where_the_level_asks_for_less(pipe):
    logging.getLogger().setLevel(logging.WARNING)
    tell_request(status=200)
    assert pipe.getvalue() == ""


def test_a_request_line_that_cannot_be_written_says_only_that_it_was_lost(pipe, monkeypatch):
    written = []
    monkeypatch.setattr(pipe, "write", lambda text: written.append(text) or (_ for _ in ()).throw(OSError("full")))
    tell_request(status=200)
    assert "log-line-lost" in written[-1]
    assert "200" not in written[-1]
