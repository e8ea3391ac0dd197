"""Reading the log: receipts, entries, what stands, artifacts. Needs the log's public key only.

What is read is checked against what was signed as far as one reading can: a receipt is verified before it is
handed out, an entry's private part and rows against its leaf, an artifact against its digest, what stands
against its signed statement. The whole log is checked by :mod:`gateway.audit.verification`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from threading import Lock

from sqlalchemy import Connection, select

from gateway.audit import (
    catalogue,
    cosigned,
    proving,
    published,
    retention,
    search,
    spill,
    store,
    stored,
    tables,
    usage,
    verification,
)
from gateway.audit import standing as orders_in_force
from gateway.audit.catalogue import Totals
from gateway.audit.checkpoint import Checkpoint, VerifierKey
from gateway.audit.database import Database
from gateway.audit.errors import LogAltered
from gateway.audit.orders import Part, Standing, what_stands
from gateway.audit.proving import IssuedReceipt, IsWanted, LogFace
from gateway.audit.published import LeavesRemoved
from gateway.audit.reckoned import Reckoned
from gateway.audit.search import Criteria, Cursor, Page
from gateway.audit.spill import Sought, Spill
from gateway.audit.stored import RawEntry, StoredEntry, Summary
from gateway.audit.verification import Progress, Report

_STANDING = "SELECT schema_version, standing FROM head"


class LogReader:
    """A log open for reading. Safe to use from several threads."""

    def __init__(self, database: Database, origin: str, verifier: VerifierKey) -> None:
        self._reading = database
        self._origin = origin
        self._verifier = verifier
        self.verifiers: tuple[VerifierKey, ...] = (verifier,)
        """Every key that is known to sign this log's checkpoints: none of them is a witness's."""
        self.face = LogFace(origin, verifier)
        self._last_standing: tuple[tuple[str, ...], Standing] | None = None
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
        """The latest signed checkpoint, with the cosignatures that witnesses have given it."""
        with self._reading.reading() as connection:
            head = _head(connection)
            return head.checkpoint + cosigned.lines_at(connection, head.size)

    def head_note(self) -> str:
        """The latest checkpoint as the log signed it, without cosignatures: what is submitted to witnesses."""
        with self._reading.reading() as connection:
            return _head(connection).checkpoint

    def consistency(self, size1: int, size2: int) -> list[bytes]:
        """The proof that the log of ``size2`` extends that of ``size1`` (RFC 9162 2.1.4.1)."""
        with self._reading.reading() as connection:
            return proving.consistency(connection, size1, size2)

    def tile(self, level: int, index: int, width: int, size: int | None = None) -> bytes | None:
        """A tile or, for level :data:`~gateway.audit.tiles.ENTRIES`, a bundle of entries, of the log at ``size``
        (by default as it is now). ``None``: it has none such.
        """
        with self._reading.reading() as connection:
            of = _head(connection).size if size is None else size
            return published.read(connection, of, level, index, width)

    def bundle_left(self, index: int, width: int) -> bytes | None:
        """What is left of a bundle of entries that lost leaves (:mod:`gateway.audit.removed`); ``None``: it lost
        none.
        """
        with self._reading.reading() as connection:
            return published.read_left(connection, index, width)

    def evidence(self, position: int) -> bytes:
        """The file that shows, without the log, the entry at ``position`` (:mod:`gateway.audit.evidence`)."""
        with self._reading.reading() as connection:
            return published.read_evidence(connection, position)

    def naming(self, size: int) -> tuple[int, ...]:
        """The entries among the first ``size`` that say what is stored by digest (:mod:`gateway.audit.naming`)."""
        with self._reading.reading() as connection:
            return published.read_naming(connection, size)

    def leaves_removed(self) -> tuple[LeavesRemoved, ...]:
        """Every removal of leaves so far, in order."""
        with self._reading.reading() as connection:
            return published.leaves_removed(connection)

    def prove_records(self, position: int, is_wanted: IsWanted) -> tuple[bytes, ...]:
        """A record proof for each wanted row of an entry: see :mod:`gateway.audit.record_proof`."""
        return proving.record(self._reading, self.face, position, is_wanted)

    def receipt(self, release: str, chunk: int | None = None, owner: str | None = None) -> IssuedReceipt | None:
        """The receipt of one chunk of a release; without ``chunk``, of its latest. ``None``: no such entry, or none of
        the partner ``owner``, where that is given.

        Proves against the latest checkpoint. Raises :class:`LogAltered` when the stored hashes do not prove
        it.
        """
        return proving.of_release(self._reading, self.face, release, chunk, owner)

    def receipt_at(self, index: int) -> IssuedReceipt | None:
        """The receipt of the entry at ``index``, whatever it records. ``None``: there is no such entry, or its leaf was
        removed.
        """
        return proving.of_entry(self._reading, self.face, index)

    def entry(self, index: int) -> StoredEntry | None:
        """The entry at ``index`` with its private part and rows, checked against its leaf.

        ``None``: not there.
        """
        found = self.entries(index - 1, 1) if index >= 0 else ()
        return found[0] if found and found[0].index == index else None

    def entries(self, after: int = -1, limit: int = 100) -> tuple[StoredEntry, ...]:
        """Up to ``limit`` entries that follow index ``after``, in order, each checked against its leaf.

        Those whose leaves were removed are passed over: an empty answer means that no more follow.
        """
        with self._reading.reading() as connection:
            while found := stored.read_raw(connection, after, limit):
                checked = _checked(connection, found)
                if checked:
                    return checked
                after = found[-1].index
        return ()

    def summaries(self, after: int = -1, limit: int = 100) -> tuple[Summary, ...]:
        """As :meth:`entries`, without their record rows."""
        with self._reading.reading() as connection:
            while found := stored.read_raw(connection, after, limit, rows=False):
                if checked := retention.summaries(connection, found):
                    return tuple(checked)
                after = found[-1].index
        return ()

    def leaf_hash(self, index: int) -> bytes | None:
        """The hash of the entry at ``index`` in the tree, also of one whose leaf was removed. ``None``: none such."""
        with self._reading.reading() as connection:
            wanted = select(tables.entries.c.hash).where(tables.entries.c.position == index)
            found: bytes | None = connection.execute(wanted).scalar_one_or_none()
            return found

    def find(self, release: str) -> tuple[StoredEntry, ...]:
        """Every entry of a release, by chunk."""
        table = tables.entries.c
        with self._reading.reading() as connection:
            wanted = select(table.position).where(store.IS_RELEASE, table.release == release).order_by(table.chunk)
            places = connection.execute(wanted).scalars().all() if release else ()
            return _checked(connection, [raw for at in places for raw in stored.read_raw(connection, at - 1, 1)])

    def search(
        self, asked: Criteria, *, after: Cursor | None = None, limit: int = 100, leaves_only: bool = False
    ) -> Page:
        """One page of the entries that are asked for, newest first, each checked: see :mod:`gateway.audit.search`."""
        with self._reading.reading() as connection:
            return search.search(connection, asked, after=after, limit=limit, leaves_only=leaves_only)

    def who_got(self, sought: Sought) -> Spill:
        """Every release that may have carried a record: see :mod:`gateway.audit.spill`."""
        with self._reading.reading() as connection:
            return spill.who_got(connection, sought)

    def bodies_removed(self) -> int:
        """How often an entry has lost its rows, its private part or its leaf to a removal."""
        with self._reading.reading() as connection:
            return retention.bodies_removed(connection)

    def totals(self, since: int | None = None, until: int | None = None) -> Totals:
        """What left, by day (from 1970-01-01), partner and level."""
        with self._reading.reading() as connection:
            return catalogue.read_totals(connection, since, until)

    def standing(self) -> Standing:
        """What is in force at this moment; cheap enough for every request, since only a change is read in
        full.

        Raises :class:`LogUnavailable` when it cannot be read and :class:`LogAltered` when it is not what was
        signed or older than what was seen before: nothing may then be released.
        """
        with self._standing_lock:
            last = self._last_standing
            if last is not None:
                match self._reading.glance(_STANDING, {}):
                    # Every commit is stated anew; what the statement says was checked, signature and tables.
                    case [(tables.SCHEMA_VERSION, str(statement))] if what_stands(statement) == last[0]:
                        return last[1]
            return self._read_standing(last)

    def _read_standing(self, last: tuple[tuple[str, ...], Standing] | None) -> Standing:
        with self._reading.reading() as connection:
            head = _head(connection)
            if last is not None and what_stands(head.standing) == last[0]:
                return last[1]
            stands = orders_in_force.read(connection, head, self._origin, self._verifier)
            if last is not None and stands.number <= last[1].number:
                raise LogAltered("standing orders", f"went back from {last[1].number} to {stands.number}")
            self._last_standing = (what_stands(head.standing), stands)
            return stands

    def usage(self, partner: str, counters: Mapping[str, datetime]) -> dict[str, int]:
        """How much of each counter a partner has had in the span that begins at the given instant.

        Raises :class:`LogUnavailable`: then nothing that is counted may be released.
        """
        with self._reading.reading() as connection:
            return usage.read(connection, partner, counters)

    def artifact(self, digest: str) -> bytes | None:
        """The policy file, table or manifest stored under its SHA-256 in lower-case hex, or ``None``."""
        with self._reading.reading() as connection:
            return store.read_artifact(connection, digest)

    def activations(self) -> tuple[store.Activation, ...]:
        """Every activation of a policy set so far, oldest first."""
        with self._reading.reading() as connection:
            return store.read_activations(connection)

    def verify(
        self,
        *,
        held: Checkpoint | None = None,
        whole: bool = True,
        progress: Progress | None = None,
        witnesses: Iterable[VerifierKey] = (),
        processes: int = 1,
        before: Reckoned | None = None,
    ) -> Report:
        """Check the whole log: see :func:`gateway.audit.verification.verify`."""
        return verification.verify(
            self._reading,
            self._origin,
            self._verifier,
            held=held,
            whole=whole,
            progress=progress,
            witnesses=witnesses,
            processes=processes,
            before=before,
        )

    def close(self) -> None:
        """Let go of the store."""
        self._reading.close()


def _checked(connection: Connection, found: Sequence[RawEntry]) -> tuple[StoredEntry, ...]:
    """Entries checked against their leaves; one whose leaf was removed is left out, since nothing of it is known."""
    removals = retention.removals(connection)
    checked: list[StoredEntry] = []
    for raw in found:
        removed = retention.part_removed(removals, raw.index)
        if removed is not Part.LEAF or not retention.without_leaf(raw):
            checked.append(stored.check(raw, removed=removed))
    return tuple(checked)


def _head(connection: Connection) -> store.Head:
    head = store.read_head(connection)
    if head is None:
        raise LogAltered("head", "the store has no head")
    return head
