"""``python -m sample_source``: run the sample source system until Ctrl-C.

Exit codes: 0 after Ctrl-C, 2 for arguments that cannot be used (a busy port and a missing token among them).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sample_source.app import Seen, build_app
from sample_source.bulk import Endless
from sample_source.catalogue import DATA_EPOCH
from sample_source.flaws import Flaws
from sample_source.serve import PortBusyError, bind, server
from sample_source.tables import build_tables

TOKEN_VARIABLE = "SAMPLE_SOURCE_TOKEN"  # noqa: S105 - the name of a variable, not a token
EXAMPLES = """\
examples:
  echo development-only > /tmp/token
  python -m sample_source --token-file /tmp/token
  curl -H "Authorization: Bearer development-only" \\
       "http://127.0.0.1:8901/udl/conjunction?tca=>now-7%20days&maxResults=1"

All markings, sources and notices are fictional. Orbits: US Space Force public catalogue via CelesTrak.
"""


class UsageError(ValueError):
    """An argument that cannot be used; the message says how to put it right."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service; returns an exit code."""
    given = _parser().parse_args(arguments)
    try:
        token = read_token(given.token_file)
        now = read_clock(given.now)
        listener = bind(given.host, given.port)
    except PortBusyError as error:
        return _refuse(f"{error.strerror}", "stop that program, or choose another port with --port")
    except (UsageError, OSError) as error:
        return _refuse(str(error), "see python -m sample_source --help")
    started = time.perf_counter()
    tables = build_tables(given.records, given.seed, Flaws(given.flaws))
    seen = None if given.quiet else _print
    endless = Endless(given.bulk_bytes, given.bulk_wider) if given.bulk_bytes else None
    app = build_app(tables, token, now=now, show_seen=given.seen, on_request=seen, endless=endless)
    host, port = listener.getsockname()[:2]
    took = time.perf_counter() - started
    print(f"sample source: {given.records} records of each type in {took:.1f} s, seed {given.seed}")
    print(f"sample source: http://{host}:{port}/udl/elset and so on; Ctrl-C stops it", flush=True)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn stops in order, then raises it again
        server(app).run(sockets=[listener])
    return 0


def read_token(path: Path | None) -> str:
    """The token from a file, else from the environment; raises :class:`UsageError` when there is none."""
    if path is not None:
        try:
            token = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UsageError(f"--token-file {path}: {error.strerror}") from error
    else:
        token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not token:
        raise UsageError(f"no token: give --token-file with a file that is not empty, or set {TOKEN_VARIABLE}")
    return token


def read_clock(text: str | None) -> Callable[[], datetime]:
    """What ``now`` means in a query: the moment of the data, another moment, or the real time."""
    if text == "real":
        return lambda: datetime.now(UTC)
    try:
        at = DATA_EPOCH if text is None else datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--now {text}: expected a time such as 2026-06-18T00:00:00Z, or real") from error
    if at.tzinfo is None:
        raise UsageError(f"--now {text}: expected a time with its zone, such as 2026-06-18T00:00:00Z")
    return lambda: at


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sample_source",
        description="A sample source system shaped like the Unified Data Library. A development aid.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8901, help="port to listen on; 0 takes a free one (%(default)s)")
    parser.add_argument("--token-file", type=Path, help=f"file with the bearer token; else {TOKEN_VARIABLE} is read")
    parser.add_argument("--records", type=int, default=300, help="records of each data type (default %(default)s)")
    parser.add_argument(
        "--bulk-bytes", type=int, default=0, help="make up bulk answers of this many bytes (0: only what is found)"
    )
    parser.add_argument("--bulk-wider", type=int, default=0, help="bytes more in each record that is made up (0)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same records (%(default)s)")
    parser.add_argument(
        "--flaws",
        choices=[flaws.value for flaws in Flaws],
        default=Flaws.READABLE.value,
        help="records that are wrong on purpose; all adds bytes that some readers refuse (%(default)s)",
    )
    parser.add_argument("--now", help=f"what now means in a query: a time, or real (default {DATA_EPOCH:%Y-%m-%d})")
    parser.add_argument("--seen", action="store_true", help="show at /_seen what was asked, headers and all")
    parser.add_argument("--quiet", action="store_true", help="print no line for each request")
    return parser


def _print(seen: Seen) -> None:
    """One line a request: never a header, for the credential is among them."""
    query = f"?{seen.query}" if seen.query else ""
    print(f"{seen.status} {seen.method} {seen.path}{query}", flush=True)


def _refuse(message: str, hint: str) -> int:
    print(f"sample source: {message}\nhint: {hint}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
