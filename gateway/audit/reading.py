"""Reading the log: receipts, entries, what stands, artifacts. Needs the log's public key only.

What is read is checked against what was signed as far as one reading can: a receipt is verified before it is
handed out, an entry's private part and rows against its leaf, an artifact against its digest, what stands
against its signed statement. The whole log is checked by :mod:`gateway.audit.verification`.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from sqlalchemy import Connection, select

from gateway.audit import edge, receipt, store, stored, tables, verification
from gateway.audit import standing as orders_in_force
from gateway.audit.checkpoint import Checkpoint, VerifierKey
from gateway.audit.database import Database
from gateway.audit.errors import LogAltered, ProofRefused
from gateway.audit.leaf import parse_leaf
from gateway.audit.orders import Standing
from gateway.audit.stored import StoredEntry
from gateway.audit.verification import Progress, Report

_STANDING = "SELECT schema_version, standing FROM head"


@dataclass(frozen=True, slots=True)
class IssuedReceipt:
    """A receipt, the entry it is for, and the partner who owns it: a door hands it to no other."""

    partner: str
    index: int
    receipt: bytes


class LogReader:
    """A log open for reading. Safe to use from several threads."""

    def __init__(self, database: Database, origin: str, verifier: VerifierKey) -> None:
        self._reading = database
        self._origin = origin
        self._verifier = verifier
        self._last_standing: tuple[str, Standing] | None = None
        self._standing_lock = Lock()

    @classmethod
    def open_to_read(cls, url: str, *, origin: str, verifier: VerifierKey, busy_timeout: float = 5.0) -> LogReader:
        """Open an existing log with its public key only.

        Raises :class:`LogUnavailable` when it cannot be read.
        """
        reader = LogReader(Database(url, busy_timeout=busy_timeout), origin, verifier)
        reader.size()
        return reader

    @property
    def origin(self) -> str:
        """The log's name in its checkpoints."""
        return self._origin

    @property
    def verifier(self) -> VerifierKey:
        """The log's public key; ``str()`` of it is the text form that partners and auditors keep."""
        return self._verifier

    def size(self) -> int:
        """How many entries the log has."""
        with self._reading.reading() as connection:
            return _head(connection).size

    def checkpoint(self) -> str:
        """The latest signed checkpoint."""
        with self._reading.reading() as connection:
            return _head(connection).checkpoint

    def receipt(self, release: str, chunk: int | None = None) -> IssuedReceipt | None:
        """The receipt of one chunk of a release; without ``chunk``, of its latest. ``None``: no such entry.

        Proves against the latest checkpoint. Raises :class:`LogAltered` when the stored hashes do not prove
        it.
        """
        table = tables.entries.c
        with self._reading.reading() as connection:
            wanted = select(table.position, table.leaf, table.partner)
            wanted = wanted.where(store.IS_RELEASE, table.release == release)
            if chunk is not None:
                wanted = wanted.where(table.chunk == chunk)
            latest = wanted.order_by(table.chunk.desc()).limit(1)
            row = connection.execute(latest).one_or_none() if release else None
            return None if row is None else self._prove(connection, row.position, row.leaf, row.partner)

    def receipt_at(self, index: int) -> IssuedReceipt | None:
        """The receipt of the entry at ``index``, whatever it records. ``None``: the log is not that long."""
        table = tables.entries.c
        with self._reading.reading() as connection:
            wanted = select(table.position, table.leaf, table.partner).where(table.position == index)
            row = connection.execute(wanted).one_or_none()
            return None if row is None else self._prove(connection, row.position, row.leaf, row.partner)

    def entry(self, index: int) -> StoredEntry | None:
        """The entry at ``index`` with its private part and rows, checked against its leaf.

        ``None``: not there.
        """
        found = self.entries(index - 1, 1) if index >= 0 else ()
        return found[0] if found and found[0].index == index else None

    def entries(self, after: int = -1, limit: int = 100) -> tuple[StoredEntry, ...]:
        """Up to ``limit`` entries that follow index ``after``, in order, each checked against its leaf."""
        with self._reading.reading() as connection:
            return tuple(stored.check(raw) for raw in stored.read_raw(connection, after, limit))

    def find(self, release: str) -> tuple[StoredEntry, ...]:
        """Every entry of a release, by chunk."""
        table = tables.entries.c
        with self._reading.reading() as connection:
            wanted = select(table.position).where(store.IS_RELEASE, table.release == release).order_by(table.chunk)
            places = connection.execute(wanted).scalars().all() if release else ()
            return tuple(stored.check(raw) for place in places for raw in stored.read_raw(connection, place - 1, 1))

    def standing(self) -> Standing:
        """What is in force at this moment; cheap enough for every request, since only a change is read in
        full.

        Raises :class:`LogUnavailable` when it cannot be read and :class:`LogAltered` when it is not what was
        signed or older than what was seen before: nothing may then be released.
        """
        with self._standing_lock:
            last = self._last_standing
            if last is not None and self._reading.glance(_STANDING) == (tables.SCHEMA_VERSION, last[0]):
                return last[1]  # the very statement whose signature and tables were checked
            return self._read_standing(last)

    def _read_standing(self, last: tuple[str, Standing] | None) -> Standing:
        with self._reading.reading() as connection:
            head = _head(connection)
            if last is not None and last[0] == head.standing:
                return last[1]
            stands = orders_in_force.read(connection, head, self._origin, self._verifier)
            if last is not None and stands.number <= last[1].number:
                raise LogAltered("standing orders", f"went back from {last[1].number} to {stands.number}")
            self._last_standing = (head.standing, stands)
            return stands

    def artifact(self, digest: str) -> bytes | None:
        """The policy file, table or manifest stored under its SHA-256 in lower-case hex, or ``None``."""
        with self._reading.reading() as connection:
            return store.read_artifact(connection, digest)

    def verify(self, *, held: Checkpoint | None = None, whole: bool = True, progress: Progress | None = None) -> Report:
        """Check the whole log: see :func:`gateway.audit.verification.verify`."""
        return verification.verify(
            self._reading, self._origin, self._verifier, held=held, whole=whole, progress=progress
        )

    def close(self) -> None:
        """Let go of the store."""
        self._reading.close()

    def _prove(self, connection: Connection, position: int, leaf: bytes, partner: str) -> IssuedReceipt:
        head = _head(connection)
        plan = edge.inclusion_plan(position, head.size)
        nodes = store.read_nodes(connection, {node for step in plan for node in step})
        issued = receipt.write(position, edge.carry_out(plan, nodes), head.checkpoint, leaf)
        try:
            receipt.verify(issued, leaf, [self._verifier], self._origin)
            owner = parse_leaf(leaf).partner
        except ProofRefused as error:
            raise LogAltered(f"entry {position}", f"cannot be proved from the stored hashes: {error}") from error
        if owner != partner:
            raise LogAltered(f"entry {position}", "is filed under another partner than its leaf names")
        return IssuedReceipt(owner, position, issued)


def _head(connection: Connection) -> store.Head:
    head = store.read_head(connection)
    if head is None:
        raise LogAltered("head", "the store has no head")
    return head
