"""A process of its own that appends to a log, and says on standard output what was acknowledged and nothing else.

    python appender.py URL KEY_HEX NAME [COUNT]

One line for each acknowledged entry: its index and the SHA-256 of its leaf. Without a count it goes on until killed, or
until an entry is refused because the store cannot be written: then it ends with exit code 3.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from datetime import UTC, datetime
from multiprocessing.connection import Connection

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.entry import Draft, Event, RecordRow
from gateway.audit.errors import LogUnavailable
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog

REFUSED = 3
AT = datetime(2026, 3, 1, tzinfo=UTC)


async def append(url: str, key: bytes, name: str, count: int, to: int = 1) -> None:
    """Append from eight tasks at once, and say on the descriptor ``to`` what was acknowledged."""
    log = AuditLog.open(
        url,
        origin="gateway.example/log",
        key=Ed25519PrivateKey.from_private_bytes(key),
        identifier_key=IdentifierKey(1, bytes(32)),
        instance=name,
        busy_timeout=60,
    )
    done = 0

    async def one(number: int) -> None:
        nonlocal done
        draft = Draft(
            event=Event.RELEASE,
            time=AT,
            outcome="released",
            partner="JPN",
            release=f"{name}-{os.getpid()}-{number // 2}",
            chunk=number % 2,
            last=number % 2 == 1,
            records=(RecordRow(f"sat-{number}", "release", bytes(32), {"n": number}),),
            private={"number": number},
        )
        recorded = await log.append(draft)
        os.write(to, f"{recorded.index} {hashlib.sha256(recorded.leaf).hexdigest()}\n".encode())
        done += 1

    async def lane(first: int) -> None:
        number = first * 1_000_000
        while not count or done < count:
            await one(number)
            number += 1

    await asyncio.gather(*(lane(first) for first in range(8)))
    log.close()


def main(url: str, key: bytes, name: str, count: int, to: Connection) -> None:
    """The same in a process that was forked for it, which says it to a pipe."""
    try:
        asyncio.run(append(url, key, name, count, to.fileno()))
    except LogUnavailable:
        sys.exit(REFUSED)


if __name__ == "__main__":
    _, url_, key_, name_, *count_ = sys.argv
    asyncio.run(append(url_, bytes.fromhex(key_), name_, int(count_[0]) if count_ else 0))
