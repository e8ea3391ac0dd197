"""The tables of the log's store (SQLAlchemy Core), the same for every database.

An entry's ``position`` is its index in the tree and is given by the one who appends: never a serial column,
whose numbers are taken at insert and seen at commit, so that readers would skip rows. Every table but
``head``, ``stops``, ``emergencies``, ``usage``, ``approvals``, ``cosigned``, ``open_releases`` and ``totals`` only ever
grows, until a removal that the log itself records takes bodies away (:mod:`gateway.audit.retention`).

Every column of every table is checked when the log is (:mod:`gateway.audit.verification`); ``tests/audit/mutations.py``
holds the two together.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    func,
    literal_column,
)

SCHEMA_VERSION = 4

metadata = MetaData()


def _position() -> Column[int]:
    # SQLite: INTEGER makes the position the row's own number, where BIGINT would keep an index beside the table.
    return Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False)


head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1: there is one head
    Column("schema_version", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),  # counts commits; compared and swapped with the size
    Column("checkpoint", Text, nullable=False),  # the signed note of this size
    Column("standing", Text, nullable=False),  # the signed statement of what stands
)

entries = Table(
    "entries",
    metadata,
    _position(),
    Column("hash", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    # The rest repeats fields of the leaf, to search by. The leaf is what counts; verification compares them.
    Column("time", String, nullable=False),
    Column("event", String, nullable=False),
    Column("partner", String, nullable=False),
    Column("release", String, nullable=False),
    Column("chunk", BigInteger, nullable=False),
    Column("last", Boolean, nullable=False),
)
Index(
    "one_entry_per_chunk",
    entries.c.release,
    entries.c.chunk,
    unique=True,
    sqlite_where=entries.c.release != "",
    postgresql_where=entries.c.release != "",
)
Index("entries_by_partner", entries.c.partner, entries.c.position)

private_parts = Table(
    "private_parts",
    metadata,
    _position(),
    Column("salt", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

record_rows = Table(
    "record_rows",
    metadata,
    Column("position", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),  # from 1, in the order of the answer
    Column("identifier", String),  # keyed
    Column("digest", LargeBinary),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("position", "number"),
    sqlite_with_rowid=False,
)
# A beginning is enough to find a row by, and keeps the indexes a third of the size: every row goes to a random place.
# The numbers are written out in statements: an expression with parameters in it is none that an index has.
_FIRST: ColumnElement[int] = literal_column("1")
_TWENTY: ColumnElement[int] = literal_column("20")
_EIGHT: ColumnElement[int] = literal_column("8")
IDENTIFIER_START = func.substr(record_rows.c.identifier, _FIRST, _TWENTY)
DIGEST_START = func.substr(record_rows.c.digest, _FIRST, _EIGHT)
Index("record_rows_by_identifier", IDENTIFIER_START)
Index("record_rows_by_digest", DIGEST_START)

postings = Table(
    "postings",
    metadata,
    Column("word", BigInteger, nullable=False),  # see gateway.audit.terms
    Column("day", Integer, nullable=False),  # of the entry's time, from 1970-01-01
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("word", "day", "position"),
    sqlite_with_rowid=False,
)

totals = Table(
    "totals",
    metadata,
    Column("day", Integer, nullable=False),
    Column("partner", String, nullable=False),
    Column("level", String, nullable=False),
    Column("answers", BigInteger, nullable=False),
    Column("refusals", BigInteger, nullable=False),
    Column("released", BigInteger, nullable=False),
    Column("withheld", BigInteger, nullable=False),
    Column("redacted", BigInteger, nullable=False),
    PrimaryKeyConstraint("day", "partner", "level"),
    sqlite_with_rowid=False,
)

removals = Table(
    "removals",
    metadata,
    _position(),
    Column("what", String, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),  # of entries that this removal took something from
)

nodes = Table(
    "nodes",
    metadata,
    Column("level", Integer, nullable=False),  # from 1; level 0 is entries.hash
    Column("place", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("level", "place"),
    sqlite_with_rowid=False,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)

cosigned = Table(
    "cosigned",
    metadata,
    Column("size", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("witnesses", Integer, nullable=False),  # how many different ones
    Column("lines", Text, nullable=False),  # signature lines, each ended by a newline
)

open_releases = Table(
    "open_releases",
    metadata,
    Column("release", String, primary_key=True),
    Column("chunk", BigInteger, nullable=False),  # the latest that is in the log
    Column("partner", String, nullable=False),
    Column("request", String, nullable=False),
    Column("instance", String, nullable=False),  # which gateway has it open
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("digest", String, primary_key=True),  # lower-case hex SHA-256 of the body
    Column("body", LargeBinary, nullable=False),
)

stops = Table(
    "stops",
    metadata,
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", String, nullable=False),
    PrimaryKeyConstraint("kind", "subject"),
)

emergencies = Table(
    "emergencies",
    metadata,
    Column("partner", String, nullable=False),
    Column("name", String, nullable=False),
    Column("by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", String, nullable=False),
    PrimaryKeyConstraint("partner", "name"),
)

usage = Table(
    "usage",
    metadata,
    Column("partner", String, nullable=False),
    Column("counter", String, nullable=False),  # a volume's or a compilation's id
    Column("since", String, nullable=False),  # the beginning of the span that is counted
    Column("used", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "counter", "since"),
)

activations = Table(
    "activations",
    metadata,
    _position(),
    Column("digest", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", String, nullable=False),
)

activation_approvals = Table(
    "activation_approvals",
    metadata,
    _position(),  # of the activation
    Column("digest", String, nullable=False),  # of the artifact that holds the signatures
)

announcements = Table(
    "announcements",
    metadata,
    _position(),
    Column("digest", String, nullable=False),
)

officers = Table(
    "officers",
    metadata,
    _position(),
    Column("digest", String, nullable=False),
)

approvals = Table(
    "approvals",
    metadata,
    Column("item", String, nullable=False),
    Column("by", String, nullable=False),
    Column("partner", String, nullable=False),
    Column("dataset", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("content", String, nullable=False),
    Column("marking", String, nullable=False),
    Column("policy", String, nullable=False),
    Column("officers", String, nullable=False),
    Column("persons", Integer, nullable=False),
    Column("until", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", String, nullable=False),
    PrimaryKeyConstraint("item", "by"),
)

refusals = Table(
    "refusals",
    metadata,
    _position(),
    Column("reason", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", String, nullable=False),
)

revocations = Table(
    "revocations",
    metadata,
    Column("partner", String, nullable=False),
    Column("jti", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", String, nullable=False),
    PrimaryKeyConstraint("partner", "jti"),
)
