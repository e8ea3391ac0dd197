"""Proofs from the store: receipts of entries, record proofs, consistency of two sizes.

Each is checked with the log's own key before it is handed out: a store that was altered gives no proofs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Connection

from gateway.audit import cosigned, edge, merkle, receipt, record_proof, store, stored
from gateway.audit.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from gateway.audit.database import Database, looking
from gateway.audit.demands import FIELD, Demands, from_json
from gateway.audit.errors import LogAltered, ProofRefused
from gateway.audit.leaf import parse_leaf
from gateway.audit.stored import RawRow

_FOUND = (
    "SELECT entries.position, entries.leaf, entries.partner, head.checkpoint,"
    " EXISTS (SELECT 1 FROM cosigned WHERE cosigned.size > entries.position)"
    " FROM head CROSS JOIN entries WHERE "
)
_PLACE = f"{_FOUND} entries.position = :position"
# `release != ''` stands here as in store.IS_RELEASE: without it the search by release reads the whole table.
_LATEST = f"{_FOUND} entries.release != '' AND entries.release = :release ORDER BY entries.chunk DESC LIMIT 1"
_CHUNK = f"{_FOUND} entries.release != '' AND entries.release = :release AND entries.chunk = :chunk"
STATEMENTS = (_PLACE, _LATEST, _CHUNK)
"""What an entry is found by for its receipt."""

IsWanted = Callable[[RawRow], bool]
"""Which of an entry's record rows are to be proved."""


@dataclass(frozen=True, slots=True)
class IssuedReceipt:
    """A receipt, the entry it is for, and the partner who owns it: a door hands it to no other."""

    partner: str
    index: int
    receipt: bytes


@dataclass(frozen=True, slots=True)
class LogFace:
    """What proofs of one log are checked with, and how many witnesses its receipts should carry."""

    origin: str
    verifier: VerifierKey
    quorum: int = 1


def of_release(
    database: Database, face: LogFace, release: str, chunk: int | None = None, owner: str | None = None
) -> IssuedReceipt | None:
    """The receipt of one chunk of a release; without ``chunk``, of its latest. ``None``: no such entry, or none of the
    partner ``owner``, where that is given: nothing is then proved, so that both answers take as long.
    """
    if not release:
        return None
    if chunk is None:
        found = database.glance(_LATEST, {"release": release})
    else:
        found = database.glance(_CHUNK, {"release": release, "chunk": chunk})
    return _receipt(database, face, *found[0]) if found and owner in (None, found[0][2]) else None


def of_entry(database: Database, face: LogFace, position: int) -> IssuedReceipt | None:
    """The receipt of the entry at ``position``. ``None``: there is none, or its leaf was removed."""
    found = database.glance(_PLACE, {"position": position})
    return _receipt(database, face, *found[0]) if found and found[0][1] else None


def _receipt(
    database: Database, face: LogFace, position: int, leaf: bytes, partner: str, checkpoint: str, is_cosigned: int
) -> IssuedReceipt:
    """The receipt of an entry: with the witnesses that it demands, or with what any have cosigned, else under the head.

    The hashes are read after the entry, and at another moment: once stored they never change. Raises
    :class:`LogAltered` when they do not prove the entry.
    """
    try:
        head, note = _opened(checkpoint, face.verifier, face.origin), checkpoint
        if is_cosigned:
            with database.reading() as connection:
                witnessed = cosigned.over(connection, position, _demands(connection, position), face.quorum)
            if witnessed is not None:  # of a larger size than the head's, where the log has grown since that was read
                note = witnessed
                head = _opened(note, face.verifier, face.origin)
        plan = edge.inclusion_plan(position, head.size)
        proof = edge.carry_out(plan, store.read_nodes(database.glance, {node for step in plan for node in step}))
        merkle.verify_inclusion(position, head.size, merkle.leaf_hash(leaf), proof, head.root)
        owner = parse_leaf(leaf).partner
    except ProofRefused as error:
        raise LogAltered(f"entry {position}", f"cannot be proved from the stored hashes: {error}") from error
    if owner != partner:
        raise LogAltered(f"entry {position}", "is filed under another partner than its leaf names")
    return IssuedReceipt(owner, position, receipt.write(position, proof, note, leaf))


def _demands(connection: Connection, position: int) -> Demands:
    """What the entry demands of witnesses, by its private part; nothing is known of one that was removed."""
    found = stored.read_some(connection, (position,)).get(position)
    if found is None or found.private is None:
        return frozenset()
    private = stored.check_summary(found).private
    return from_json(private[FIELD]) if private is not None and FIELD in private else frozenset()


@lru_cache(maxsize=64)
def _opened(note: str, verifier: VerifierKey, origin: str) -> Checkpoint:
    """The checkpoint of a note that the log's key has signed. What its very text once proved, it proves again: a
    checkpoint serves the receipts of many entries.
    """
    checkpoint = open_checkpoint(note, [verifier])
    if checkpoint.origin != origin:
        raise ProofRefused(f"the checkpoint is of the log {checkpoint.origin!r}, not of {origin!r}")
    return checkpoint


def record(database: Database, face: LogFace, position: int, is_wanted: IsWanted) -> tuple[bytes, ...]:
    """A record proof for each wanted row of the entry at ``position``, in the rows' order."""
    with database.reading() as connection:
        found = stored.read_raw(connection, position - 1, 1)
    if not found or found[0].index != position:
        return ()
    raw = found[0]
    stored.check(raw)
    if raw.salt is None:
        raise LogAltered(raw.where, "has no private part")
    issued = of_entry(database, face, position)
    if issued is None:
        raise LogAltered(raw.where, "has no leaf")
    bodies = [row.body for row in raw.rows]
    numbers = [number for number, row in enumerate(raw.rows, start=1) if is_wanted(row)]
    return tuple(record_proof.prove(issued.receipt, raw.salt, bodies, number) for number in numbers)


def consistency(connection: Connection, size1: int, size2: int) -> list[bytes]:
    """The proof that the log of ``size2`` extends that of ``size1``; empty from size 0 and for equal sizes."""
    if not 0 < size1 < size2:
        return []
    plan = edge.consistency_plan(size1, size2)
    return edge.carry_out(plan, store.read_nodes(looking(connection), {node for step in plan for node in step}))
