"""Append while one sync to disk is made to fail from outside, and say as JSON what the log did.

strace -f -e inject=fdatasync:error=EIO:when=12 python unsynced.py URL
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.entry import Draft, Event
from gateway.audit.errors import LogUnavailable
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog

AT = datetime(2026, 3, 1, tzinfo=UTC)


def opened(url: str) -> AuditLog:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    return AuditLog.open(url, origin="gateway.example/log", key=key, identifier_key=IdentifierKey(1, bytes(32)))


def run(url: str) -> dict[str, object]:
    log = opened(url)
    acknowledged, after, failures = 0, 0, []
    for number in range(20):
        try:
            log.append_now([Draft(Event.RELEASE, AT, "released", "JPN", release=f"r{number}")])
            acknowledged += 1
            after += bool(failures)
        except LogUnavailable as error:
            failures.append(str(error))
    log.close()
    again = opened(url)
    report = again.verify()
    again.close()
    return {
        "acknowledged": acknowledged,
        "acknowledged_after_the_failure": after,
        "failures": failures,
        "findings": [str(finding) for finding in report.findings],
        "size_after_restart": report.size,
    }


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1])))
