"""Log lines for operators: JSON by line, readable on a terminal, and nothing in them that must not be there.

Log lines are not the audit log: they say how the service fares, not who got what. The rule of this file is an
allow-list. A line is an event's name and the fields of ``FIELDS``, each of which must look as said there. A
field that is not listed is left out (and its name, never its value, is put into ``dropped``); a value that
does not look as it should is replaced. So content, tokens, keys and markings cannot get in by a careless
call, by an exception's message or by what a library chose to write: of exceptions only classes and places are
kept, of foreign lines only the constant text they were written with, never the arguments.

Not promised: a caller who spells a secret as a lower-case event name with hyphens will see it logged.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import structlog
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from gateway.settings.model import LogFormat, LogLevel

EVENT = re.compile(r"[a-z]+(?:-[a-z]+)*")
UNNAMED = "unnamed-event"
REDACTED = "[redacted]"
LOST = "log-line-lost"
QUIET = ("casbin",)
"""Libraries that tell at length what they do when all is well; they are heard from ``warning`` on."""

FRAMES = 12
"""Most places of a traceback that are kept, innermost last."""

_CODE = re.compile(r"[a-z][a-z0-9_.:-]{0,63}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_HEX = re.compile(r"[0-9a-f]{8,64}")
_ROUTE = re.compile(r"/[A-Za-z0-9/_{}.:-]{0,127}")
_CLASS = re.compile(r"(?:[a-z_][a-z0-9_]{0,31}\.){0,6}[A-Za-z_][A-Za-z0-9_]{0,47}")
_FILE = re.compile(r"/?(?:[A-Za-z0-9_.-]{1,64}/){0,12}[A-Za-z0-9_-]{1,64}(?:\.jwks)?\.(?:toml|json|csv|conf|pem)")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,255}(?:/[A-Za-z0-9_./-]{0,127})?")
_PLACE = re.compile(r"[A-Za-z0-9_./-]{1,255}:[0-9]+(?: [A-Za-z0-9_<>.]+)?")
_ORIGIN = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}(?::[0-9]{1,5})?(?:/[a-z0-9._-]{1,64}){1,6}")
_MODULE = re.compile(r"[a-z_][a-z0-9_]{0,31}(?:\.[a-z_][a-z0-9_]{0,31}){0,6}")

Kind = re.Pattern[str] | type[int] | type[float] | type[bool]

FIELDS: Mapping[str, Kind] = {
    "request": _IDENTIFIER,  # our id of the request, in every line it caused
    "trace": _HEX,  # W3C trace id
    "span": _HEX,  # W3C parent id
    "release": _IDENTIFIER,  # the release the request became
    "partner": _NAME,  # only ever from a verified credential
    "system": _NAME,
    "dataset": _NAME,
    "source": _NAME,  # a source system's name in the settings
    "method": _NAME,
    "route": _ROUTE,  # the route's template, never the path: a path may hold a record's identifier
    "status": int,
    "code": _CODE,  # stable code of a problem answer
    "reason": _CODE,
    "outcome": _CODE,
    "duration_ms": float,
    "bytes": int,  # bytes of the answer
    "released": int,  # records in the answer; what was withheld is for the audit log alone
    "chunk": int,
    "index": int,  # place in the audit log
    "tree_size": int,
    "witness": _NAME,  # a witness's name in the settings
    "origin": _ORIGIN,  # a log's name in its checkpoints, which are public
    "seen": int,  # entries that a witness has seen
    "policy": _HEX,  # digest of a policy set
    "file": _FILE,  # a policy or settings file, relative
    "line": int,
    "column": int,
    "field": _CODE,
    "problems": int,  # how many problems a refused set has
    "missing": int,  # how many officers' signatures a policy set lacks
    "mode": _CODE,
    "version": re.compile(r"[0-9][0-9A-Za-z.+-]{0,31}"),
    "url": _ADDRESS,  # the gateway's own address
    "signal": _CLASS,
    "attempt": int,
    "seconds": float,
    "ready": bool,
    "component": _CODE,
    "error": _CLASS,  # an exception's class
    "causes": _CLASS,  # classes of what it came from
    "stack": _PLACE,  # where, as file:line function
    "logger": _MODULE,
    "at": _PLACE,  # where a library wrote its line
}
"""Each field a line may have, and what its value must be: a whole match of the pattern, or a value of the
type.
"""

_ORDER = {field: place for place, field in enumerate(FIELDS)}
_ALWAYS = ("time", "level", "event")


def configure(
    level: LogLevel = LogLevel.INFO, log_format: LogFormat = LogFormat.AUTO, stream: TextIO | None = None
) -> None:
    """Send every log line of this process, libraries' included, through one pipe to ``stream`` (standard
    error).

    Uvicorn must be started with ``log_config=None`` and ``access_log=False``: the gateway writes its own line
    for each request, and uvicorn's would hold the path and query.
    """
    target = sys.stderr if stream is None else stream
    readable = log_format is LogFormat.CONSOLE or (log_format is LogFormat.AUTO and target.isatty())
    handler = _Handler(target)
    handler.setFormatter(_formatter(_renderer(target) if readable else structlog.processors.JSONRenderer()))
    handler.for_people = readable
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.setLevel(logging.NOTSET)
        library.propagate = name != "uvicorn.access"
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            *_COMMON,
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> BoundLogger:
    """The logger of one module; ``name`` is its ``__name__``. Call it as ``log.info("policy-activated",
    policy=hex)``.
    """
    logger: BoundLogger = structlog.stdlib.get_logger(name)
    return logger


_REQUESTS = logging.getLogger("gateway.http")
_THEIRS = logging.makeLogRecord({"name": _REQUESTS.name})


def tell_request(**said: object) -> None:
    """The line about a request that is over. The same as ``get_logger("gateway.http").info("request", ...)``, by a way
    that costs a fifth: there is one for every request.
    """
    handlers = logging.getLogger().handlers
    handler = handlers[0] if len(handlers) == 1 else None
    if not isinstance(handler, _Handler) or handler.for_people:
        get_logger(_REQUESTS.name).info("request", **said)
    elif _REQUESTS.isEnabledFor(logging.INFO):
        time = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        known = structlog.contextvars.get_contextvars()
        line = only_known(None, "info", {"time": time, "level": "info", "event": "request", **known, **said})
        handler.write(json.dumps(line), _THEIRS)


def request_context(
    request: str, trace: str | None = None, span: str | None = None
) -> contextlib.AbstractContextManager[None]:
    """Put the request's id, and its W3C trace and parent ids, into every line written inside the block."""
    known = {"request": request, "trace": trace, "span": span}
    return structlog.contextvars.bound_contextvars(**{key: value for key, value in known.items() if value})


def only_known(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Keep what ``FIELDS`` lists and looks as it should; the door that every line goes through last."""
    event = line.get("event")
    named = isinstance(event, str) and len(event) <= 64 and EVENT.fullmatch(event)
    kept: EventDict = {"time": line["time"], "level": line["level"], "event": event if named else UNNAMED}
    for field in sorted(line.keys() & FIELDS.keys(), key=_ORDER.__getitem__):
        if line[field] is not None:
            kept[field] = _seemly(line[field], FIELDS[field])
    if "message" in line and isinstance(line["message"], _Constant):
        kept["message"] = str(line["message"])
    dropped = sorted(str(name) for name in line if name not in FIELDS and name not in (*_ALWAYS, "message"))
    if dropped:
        kept["dropped"] = [name if _CLASS.fullmatch(name) else REDACTED for name in dropped]
    return kept


class _Handler(logging.StreamHandler[TextIO]):
    """A stream handler whose own failure says nothing of the line: the standard one prints its arguments."""

    for_people = True

    def write(self, line: str, record: logging.LogRecord) -> None:
        """Write a line that is made already, as :meth:`emit` would; ``record`` says whose it is if it is lost."""
        with self.lock or contextlib.nullcontext():
            try:
                self.stream.write(line + self.terminator)
                self.flush()
            except (OSError, ValueError):
                self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Write that a line was lost, and which logger's; a stream that is gone is given up."""
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(f'{{"event": "{LOST}", "level": "error", "logger": "{record.name}"}}\n')


class _Constant(str):
    """Text that was written into a program's source, so that it cannot hold anybody's data."""

    __slots__ = ()


def _seemly(value: object, kind: Kind) -> object:
    if isinstance(value, list | tuple):
        return [_seemly(item, kind) for item in value]
    if isinstance(kind, re.Pattern):
        return str(value) if isinstance(value, str) and kind.fullmatch(value) else REDACTED
    if kind is float and type(value) in (int, float):
        return round(float(str(value)), 3)
    return value if type(value) is kind else REDACTED


def _bare_exception(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Replace a traceback by classes and places: an exception's message, and its locals, may hold content."""
    error = _raised(line.pop("exc_info", None))
    if error is None:
        return line
    line["error"] = _class_name(error)
    line["stack"] = [_place(frame) for frame in traceback.extract_tb(error.__traceback__)[-FRAMES:]]
    causes: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(causes) < FRAMES:
        causes.append(_class_name(cause))
        cause = cause.__cause__ or cause.__context__
    if causes:
        line["causes"] = causes
    return line


def _raised(given: object) -> BaseException | None:
    """The exception that ``exc_info`` stands for, in each of the three ways it may be said."""
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exception() if given else None


def _class_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _place(frame: traceback.FrameSummary) -> str:
    return f"{_short(frame.filename)}:{frame.lineno} {frame.name}"


def _short(filename: str) -> str:
    """The last three parts of a path: enough to find it, without where it is installed."""
    return "/".join(Path(filename).parts[-3:]).lstrip("/")


def _library_line(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """A line that a library wrote: whose, where, and the constant part of its text.

    With arguments the text is a template, so it is constant. Without, a library may have formatted it
    beforehand (asyncio puts an exception's repr there), and only uvicorn's lines, which hold no request data
    at this level, are known not to have.
    """
    record: logging.LogRecord = line["_record"]
    arguments = line.pop("positional_args", None)
    line["event"], line["logger"] = "library", record.name
    line["at"] = f"{_short(record.pathname)}:{record.lineno}"
    constant = bool(arguments) or (record.name == "uvicorn.error" and record.levelno <= logging.INFO)
    if constant and isinstance(record.msg, str):
        line["message"] = _Constant(" ".join(record.msg.split()))
    line["exc_info"] = record.exc_info
    return line


def _drop_meta(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Take out what structlog put in for itself."""
    for name in ("_record", "_from_structlog"):
        line.pop(name, None)
    return line


_COMMON: tuple[Processor, ...] = (
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
)


def _formatter(renderer: Processor) -> ProcessorFormatter:
    return ProcessorFormatter(
        foreign_pre_chain=[structlog.contextvars.merge_contextvars, *_COMMON, _library_line],
        processors=[_bare_exception, _drop_meta, only_known, renderer],
        pass_foreign_args=True,
        use_get_message=False,
    )


def _renderer(stream: TextIO) -> Processor:
    """Lines for people; colour only on a terminal that did not say NO_COLOR (https://no-color.org)."""
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty() and not os.environ.get("NO_COLOR"), timestamp_key="time", sort_keys=False
    )
