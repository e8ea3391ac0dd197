"""Proofs from the store: receipts of entries, record proofs, consistency of two sizes.

Each is checked with the log's own key before it is handed out: a store that was altered gives no proofs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.audit import cosigned, edge, receipt, record_proof, store, stored
from gateway.audit.checkpoint import VerifierKey
from gateway.audit.errors import LogAltered, ProofRefused
from gateway.audit.leaf import parse_leaf
from gateway.audit.stored import RawRow

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


def entry(connection: Connection, face: LogFace, position: int, leaf: bytes, partner: str) -> IssuedReceipt:
    """The receipt of the entry at ``position``, with its witnesses where any have cosigned, else under the head.

    Raises :class:`LogAltered` when the stored hashes do not prove it.
    """
    head = _head(connection)
    witnessed = cosigned.newest_over(connection, position, face.quorum)
    size, note = witnessed if witnessed is not None and witnessed[0] <= head.size else (head.size, head.checkpoint)
    plan = edge.inclusion_plan(position, size)
    nodes = store.read_nodes(connection, {node for step in plan for node in step})
    issued = receipt.write(position, edge.carry_out(plan, nodes), note, leaf)
    try:
        receipt.verify(issued, leaf, [face.verifier], face.origin)
        owner = parse_leaf(leaf).partner
    except ProofRefused as error:
        raise LogAltered(f"entry {position}", f"cannot be proved from the stored hashes: {error}") from error
    if owner != partner:
        raise LogAltered(f"entry {position}", "is filed under another partner than its leaf names")
    return IssuedReceipt(owner, position, issued)


def record(connection: Connection, face: LogFace, position: int, is_wanted: IsWanted) -> tuple[bytes, ...]:
    """A record proof for each wanted row of the entry at ``position``, in the rows' order."""
    found = stored.read_raw(connection, position - 1, 1)
    if not found or found[0].index != position:
        return ()
    raw = found[0]
    stored.check(raw)
    if raw.salt is None:
        raise LogAltered(raw.where, "has no private part")
    owner = parse_leaf(raw.leaf).partner
    issued = entry(connection, face, position, raw.leaf, owner).receipt
    bodies = [row.body for row in raw.rows]
    numbers = [number for number, row in enumerate(raw.rows, start=1) if is_wanted(row)]
    return tuple(record_proof.prove(issued, raw.salt, bodies, number) for number in numbers)


def consistency(connection: Connection, size1: int, size2: int) -> list[bytes]:
    """The proof that the log of ``size2`` extends that of ``size1``; empty from size 0 and for equal sizes."""
    if not 0 < size1 < size2:
        return []
    plan = edge.consistency_plan(size1, size2)
    return edge.carry_out(plan, store.read_nodes(connection, {node for step in plan for node in step}))


def _head(connection: Connection) -> store.Head:
    head = store.read_head(connection)
    if head is None:
        raise LogAltered("head", "the store has no head")
    return head
