"""A month of the log as a file of its own, for cold storage: it proves itself, and answers as the log does.

A partition is a run of entries: from the first whose time is in the month, or later, up to the one before the first
of the next month. Entries that came late stand where the log has them. The file is a SQLite database with the log's
own tables (entries, private parts, record rows, postings) and, in ``archive``, the log's name, a signed checkpoint and
the hashes to the left and right that lead from its entries to that checkpoint's root (:mod:`gateway.audit.ranges`). So
it is checked with the log's verifier key alone: no gateway, no log, no network.

Reading it: all that the log's private parts say. Writing it: nothing, since each entry is checked against its leaf and
all leaves against the signed root.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from sqlalchemy import Column, Connection, LargeBinary, MetaData, String, Table, create_engine, insert, select
from sqlalchemy.exc import SQLAlchemyError

from gateway.audit import (
    artifacts_check,
    catalogue,
    form_sqlite,
    merkle,
    ranges,
    retention,
    search,
    spill,
    store,
    stored,
    tables,
)
from gateway.audit.backup import sync
from gateway.audit.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from gateway.audit.database import Database, looking
from gateway.audit.errors import AuditError, LogAltered, ProofRefused
from gateway.audit.orders import Part
from gateway.audit.search import Criteria, Cursor, Page
from gateway.audit.spill import Sought, Spill
from gateway.audit.stored import RawEntry, Summary
from gateway.audit.sums import Sums

PAGE = 500
FORM = b"2"
"""Which form the file has: those of before carried no artifacts."""
_COPIED = (
    tables.entries, tables.private_parts, tables.record_rows, tables.postings, tables.removals, tables.artifacts,
)  # fmt: skip
_about = Table("archive", MetaData(), Column("name", String, primary_key=True), Column("value", LargeBinary))


class ArchiveRefused(AuditError):
    """A partition cannot be written, or a file is no archive that proves itself."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A month's entries, ``first`` to ``last``; ``month`` as ``2026-03``."""

    month: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Archived:
    """What an archive proved: its partition, the checkpoint it leads to, and how many entries lack a body in it."""

    partition: Partition
    checkpoint: Checkpoint
    entries: int
    bodiless: int


def months(month: str) -> tuple[datetime, datetime]:
    """A month's first moment, and the next month's. Raises :class:`ArchiveRefused`."""
    try:
        begin = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        end = begin.replace(year=begin.year + 1, month=1) if begin.month == 12 else begin.replace(month=begin.month + 1)
    except ValueError:
        raise ArchiveRefused(f"{month!r} is no month", hint="Write 2026-03.") from None
    return begin, end


def partition(connection: Connection, month: str, at: datetime) -> Partition:
    """Which entries a month has. Raises :class:`ArchiveRefused` for one that is not over, or has none."""
    begin, end = months(month)
    if at < end:
        raise ArchiveRefused(f"{month} is not over yet")
    first, last = retention.begun_before(connection, begin), retention.begun_before(connection, end) - 1
    if last < first:
        hint = (
            "Entries whose leaves were removed have no month any more." if retention.bodies_removed(connection) else ""
        )
        raise ArchiveRefused(f"the log has no entries of {month}", hint=hint)
    return Partition(month, first, last)


def write(database: Database, month: str, at: datetime, file: Path) -> Partition:
    """Write a month's archive to a new file, mode 0600, synced. Raises :class:`ArchiveRefused`, LogAltered."""
    if file.exists():
        raise ArchiveRefused(f"{file} is there already", hint="Name a new file, or move it aside.")
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(file.name + ".partial")
    aside.unlink(missing_ok=True)
    os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    engine = create_engine(f"sqlite:///{aside}")
    try:
        with database.reading() as log, engine.begin() as into:
            wanted = partition(log, month, at)
            tables.metadata.create_all(into, tables=list(_COPIED))
            _about.create(into)
            into.execute(insert(_about), _proof(log, wanted))
            overlap = (tables.removals.c.first <= wanted.last) & (tables.removals.c.last >= wanted.first)
            for removal in log.execute(select(tables.removals).where(overlap)).mappings():
                into.execute(insert(tables.removals).values(dict(removal)))
            removed = retention.removals(into)
            said = Sums()
            for raw in _entries(log, wanted):
                for entry in _copy(into, raw, removed):
                    said.add(entry.index, entry.leaf, entry.private or {})
            _copy_artifacts(log, into, artifacts_check.all_named(said))
        engine.dispose()
        sync(aside)
        aside.rename(file)
        sync(file.parent)
    finally:
        engine.dispose()
        aside.unlink(missing_ok=True)
    return wanted


def _proof(log: Connection, wanted: Partition) -> list[dict[str, str | bytes]]:
    head = store.read_head(log)
    if head is None:
        raise LogAltered("head", "the store has no head")
    left, right = ranges.left_of(wanted.first), ranges.right_of(wanted.last + 1, head.size)
    nodes = store.read_nodes(looking(log), [*left, *right])
    said = {
        "form": FORM,
        "month": wanted.month.encode(),
        "first": str(wanted.first).encode(),
        "last": str(wanted.last).encode(),
        "checkpoint": head.checkpoint.encode(),
        "left": b"".join(nodes[node] for node in left),
        "right": b"".join(nodes[node] for node in right),
    }
    return [{"name": name, "value": value} for name, value in said.items()]


def _entries(log: Connection, wanted: Partition) -> Iterator[RawEntry]:
    after = wanted.first - 1
    while page := stored.read_raw(log, after, PAGE, before=wanted.last + 1):
        yield from page
        after = page[-1].index


def _copy(into: Connection, raw: RawEntry, removed: list[retention.Span]) -> list[Summary]:
    """Copy one entry after checking it; what a removal took is not there to copy. What it says, if it says anything."""
    names = ("time", "event", "partner", "release", "chunk", "last")
    filed = dict(zip(names, raw.filed, strict=True))
    into.execute(insert(tables.entries).values(position=raw.index, hash=raw.hash, leaf=raw.leaf, **filed))
    entries = retention.checked([raw], removed)
    for summary in entries:
        catalogue.add_postings(into, catalogue.postings(raw.index, summary.leaf, summary.private))
    if raw.private is not None:
        into.execute(insert(tables.private_parts).values(position=raw.index, salt=raw.salt, body=raw.private))
    rows = [
        {
            "position": raw.index,
            "number": row.number,
            "identifier": row.identifier,
            "digest": row.digest,
            "body": row.body,
        }
        for row in raw.rows
    ]
    if rows:
        into.execute(insert(tables.record_rows), rows)
    return entries


def _copy_artifacts(log: Connection, into: Connection, named: Mapping[str, int]) -> None:
    for digest, index in named.items():
        body = store.read_artifact(log, digest)
        if body is None:
            raise LogAltered(f"entry {index}", f"names {digest}, which is not stored")
        into.execute(insert(tables.artifacts).values(digest=digest, body=body))


def digest(file: Path) -> str:
    """SHA-256 of a file, in hex: what the entry of a removal says of the archive."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


class Archive:
    """An archive file, open for reading; the file is not changed, nor is anything written beside it."""

    def __init__(self, file: Path, origin: str, verifier: VerifierKey) -> None:
        if not file.is_file():
            raise ArchiveRefused(f"{file} is not there")
        self.file = file
        self._origin = origin
        self._verifier = verifier
        self._engine = create_engine(f"sqlite:///file:{file.resolve()}?mode=ro&immutable=1&uri=true")

    def who_got(self, sought: Sought) -> Spill:
        """As the log answers it: every release in this archive that may have carried a record."""
        with self._reading() as connection:
            return spill.who_got(connection, sought)

    def search(self, asked: Criteria, *, after: Cursor | None = None, limit: int = search.PAGE) -> Page:
        """As the log answers it."""
        with self._reading() as connection:
            return search.search(connection, asked, after=after, limit=limit)

    def verify(self) -> Archived:
        """Check the file's form, every entry against its leaf, what entries are found by, and all leaves against the
        signed root. How many entries lack a body is said: that a removal took it, the log alone shows.

        Raises :class:`LogAltered` naming the first entry that is not as it was signed, :class:`ArchiveRefused` when
        the file is no archive of this log.
        """
        with self._reading() as connection:
            rows = connection.execute(select(_about))
            about: dict[str, bytes] = {row.name: row.value for row in rows if isinstance(row.value, bytes)}
            if (form := about.get("form", b"1")) != FORM:
                hint = "Check it with the gateway's version that wrote it."
                said_form = f"has form {form.decode(errors='replace')[:20]}, and this gateway knows {FORM.decode()}"
                raise ArchiveRefused(f"{self.file} {said_form}", hint=hint)
            try:
                wanted = Partition(about["month"].decode(), int(about["first"]), int(about["last"]))
                head = open_checkpoint(about["checkpoint"], [self._verifier])
                left, right = _hashes(about["left"]), _hashes(about["right"])
            except (KeyError, ValueError, ProofRefused) as error:
                raise ArchiveRefused(f"{self.file} does not say what it is an archive of: {error}") from error
            if head.origin != self._origin:
                raise ArchiveRefused(f"{self.file} is of the log {head.origin}, not of {self._origin}")
            self._check_form(connection)
            hashes, bodiless, said = _check_entries(connection, wanted)
            for wrong in artifacts_check.differences(connection, artifacts_check.all_named(said)):
                raise LogAltered(wrong.where, f"{wrong.what} in {self.file}")
            self._check_root(wanted, head, hashes, left, right)
        return Archived(wanted, head, len(hashes), bodiless)

    def _check_form(self, connection: Connection) -> None:
        """What is defined otherwise, or is not whole, may answer otherwise than it was checked."""
        asked = form_sqlite.contents(_COPIED)
        looked = chain(
            form_sqlite.definitions(connection, (*_COPIED, _about)),
            *(question(connection, *given) for question, given in asked),
        )
        for where, what in looked:
            raise LogAltered(where, f"{what} in {self.file}")

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def _check_root(
        self, wanted: Partition, head: Checkpoint, hashes: list[bytes], left: list[bytes], right: list[bytes]
    ) -> None:
        try:
            found = ranges.root(wanted.first, hashes, head.size, left, right)
        except ProofRefused as error:
            raise LogAltered(f"{self.file}", str(error)) from error
        if found != head.root:
            where = f"entries {wanted.first} to {wanted.last}"
            raise LogAltered(where, f"of {self.file} do not lead to the root signed for them")

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            why = getattr(error, "orig", None) or error
            raise ArchiveRefused(
                f"{self.file} cannot be read as an archive: {why}", hint="`relgate audit archive` writes one."
            ) from error


def _check_entries(connection: Connection, wanted: Partition) -> tuple[list[bytes], int, Sums]:
    """Check every entry of the partition; their leaf hashes, how many of them lack a body, and what they say."""
    hashes: list[bytes] = []
    said = Sums()
    bodiless = 0
    words = _Words()
    for raw in _entries(connection, wanted):
        index = wanted.first + len(hashes)
        if raw.index != index:
            raise LogAltered(f"entry {index}", "is missing")
        if not retention.without_leaf(raw):
            entry = stored.check(raw, removed=Part.PRIVATE)
            bodiless += entry.lacks is not None
            private = None if entry.lacks is Part.PRIVATE else entry.private
            words.add(catalogue.postings(index, entry.leaf, private))
            try:
                said.add(index, entry.leaf, entry.private)
            except ValueError as error:
                raise LogAltered(raw.where, str(error)) from error
        else:
            bodiless += 1
        hashes.append(raw.hash)
    if len(hashes) != wanted.last - wanted.first + 1:
        raise LogAltered(f"entry {wanted.first + len(hashes)}", "is missing")
    there = _Words(words.salt)
    for rows in connection.execute(select(tables.postings)).partitions(PAGE):
        there.add((row.word, row.day, row.position) for row in rows)
    if there.total != words.total:
        raise LogAltered(f"entries {wanted.first} to {wanted.last}", "are not found by what they say")
    return hashes, bodiless, said


@dataclass
class _Words:
    """The words that entries are found by, as a sum that nobody can have prepared another set for."""

    salt: int = field(default_factory=lambda: secrets.randbits(62))
    total: int = 0

    def add(self, postings: Iterable[tuple[int, int, int]]) -> None:
        self.total += sum(hash((self.salt, *posting)) for posting in postings)


def _hashes(joined: bytes) -> list[bytes]:
    if len(joined) % merkle.HASH_BYTES:
        raise ValueError("hashes cut short")
    return [joined[at : at + merkle.HASH_BYTES] for at in range(0, len(joined), merkle.HASH_BYTES)]
