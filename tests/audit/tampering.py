"""The log that is tampered with, and the table of tamperings: for the tests and for the drill."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from sqlalchemy import create_engine, text

from gateway.audit.checkpoint import SigningKey, sign
from gateway.audit.entry import Draft, Event, RecordRow
from gateway.audit.log import AuditLog
from gateway.audit.orders import Activate, LiftStop, Order, Refuse, Revoke, SetStop, StopKind, restated

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
MANIFEST = b"manifest"
TABLE = b"table"
DIGEST = hashlib.sha256(MANIFEST).hexdigest()
TAMPERINGS = tomllib.loads((Path(__file__).parent / "tamperings.toml").read_text())
TRUNCATED = "the last three entries taken away"

Drafts = Callable[..., Draft]


def make_draft(release: str = "r0", **said: object) -> Draft:
    """The draft of a release; anything about it can be said otherwise."""
    told = {
        "event": Event.RELEASE,
        "time": AT,
        "outcome": "released",
        "partner": "JPN",
        "request": f"request-{release}",
        "release": release,
        "content": b"\x01" * 32,
        "sealed": b"\x02" * 32,
        "key": "thumbprint",
        "released": 1,
        "records": (RecordRow(f"id-{release}", "release", b"\x03" * 32, {"marking": "U//REL TO USA, JPN"}),),
        "private": {"policy": DIGEST, "withheld": 2},
    } | said
    if DIGEST in told["private"].values():  # type: ignore[attr-defined]
        told["artifacts"] = (MANIFEST,)
    return Draft(**told)  # type: ignore[arg-type]


def write_log(log: AuditLog, draft: Drafts = make_draft, at: datetime = AT) -> None:
    """Fill an empty log: 21 entries in several commits, with everything in it that a log can hold."""

    def order(*orders: Order) -> None:
        log.append_now([draft("", event=Event.STOP_SET, outcome="done", records=())], orders)

    files = {"files": {"table": hashlib.sha256(TABLE).hexdigest()}}
    activated = draft("", event=Event.POLICY_ACTIVATED, outcome="done", records=(), private=files)
    log.append_now([activated], [Activate(DIGEST, "officer", at, (MANIFEST, TABLE))])  # 0
    for number in range(10):  # 1 to 10
        rows = tuple(RecordRow(f"sat-{n}", "release", bytes([n]) * 32) for n in range(number % 4))
        log.append_now([draft(f"r{number}", records=rows)])
    log.append_now([draft("s", last=False), draft("s", chunk=1, last=False), draft("s", chunk=2)])  # 11 to 13
    order(SetStop(StopKind.PARTNER, "JPN", "officer", "spill", at))  # 14
    order(SetStop(StopKind.RECORD, "sat-1", "officer", "spill", at))  # 15
    order(LiftStop(StopKind.RECORD, "sat-1", "officer", "", at))  # 16
    order(Revoke("JPN", "token-1", "officer", at), Refuse("line 3", "officer", at))  # 17
    log.append_now([draft("open", last=False), draft("t0"), draft("t1")])  # 18 to 20
    assert log.size() == 21


def statements(name: str) -> list[str]:
    """The SQL of one tampering."""
    return Template(TAMPERINGS[name]["sql"]).substitute(DIGEST=DIGEST).split(";")


def change(url: str, *sql: str) -> None:
    """Run SQL on the log's database as somebody would who may do everything there."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in sql:
            connection.execute(text(statement))
    engine.dispose()


def truncate(url: str, key: SigningKey) -> None:
    """Take the last three entries away without a trace: with the statement of what stands that was signed before them,
    which somebody has who kept an older copy of it. (The key makes the very same one again.)
    """
    change(url, *statements(TRUNCATED))
    engine = create_engine(url)
    with engine.begin() as connection:
        size, standing = connection.execute(text("SELECT size, standing FROM head")).one()
        older = sign(restated(standing.partition("\n\n")[0], size), key)
        connection.execute(text("UPDATE head SET standing = :older"), {"older": older})
    engine.dispose()
