"""Fill the small disk a log stands on, make room again, and say as JSON what the log did.

python filler.py FOLDER        (a file system of about a megabyte)
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.entry import Draft, Event
from gateway.audit.errors import LogUnavailable
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog

AT = datetime(2026, 3, 1, tzinfo=UTC)


def fill(folder: Path) -> dict[str, object]:
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(400_000))
    log = AuditLog.open(
        f"sqlite:///{folder}/audit.db",
        origin="gateway.example/log",
        key=Ed25519PrivateKey.from_private_bytes(bytes(32)),
        identifier_key=IdentifierKey(1, bytes(32)),
    )
    acknowledged, failures = 0, []
    while len(failures) < 3:
        draft = Draft(Event.RELEASE, AT, "released", "JPN", release=f"r{acknowledged}-{len(failures)}")
        try:
            log.append_now([draft, Draft(Event.AUDIT_READ, AT, "read", private={"much": "x" * 20_000})])
            acknowledged += 2
        except LogUnavailable as error:
            failures.append([error.failed, str(error), error.hint])
    size_when_full = log.size()
    ballast.unlink()
    log.append_now([Draft(Event.RELEASE, AT, "released", "JPN", release="after")])
    report = log.verify()
    log.close()
    return {
        "acknowledged": acknowledged,
        "failures": failures,
        "size_when_full": size_when_full,
        "size_after": report.size,
        "findings": [str(finding) for finding in report.findings],
    }


if __name__ == "__main__":
    print(json.dumps(fill(Path(sys.argv[1]))))
