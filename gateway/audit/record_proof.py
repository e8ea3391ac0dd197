"""Record proofs: that one record was in one release, shown without showing the others.

A leaf binds its record rows by a Merkle root in which every row stands behind a salt of its own
(:mod:`gateway.audit.leaf`). A record proof is one row with its salt and its path to that root, and the
release's receipt, which proves the leaf that holds the root. It stands by itself like a receipt:

    relgate-record-proof v1
    row <number> <rows in the tree>
    salt <base64>
    body <base64 of the row's canonical JSON>
    <base64 hash>             one a line, from the row's sibling up to the root's child

    <the receipt, verbatim>

What it tells besides the row: about how many rows were judged for that answer, nothing of what is in them. The
number and the count are there to walk the path by; what is proved is that the row is among the leaf's. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.audit import merkle, receipt
from gateway.audit.entry import SALT_BYTES
from gateway.audit.errors import DraftRefused, ProofRefused
from gateway.audit.leaf import Leaf, parse_leaf, row_salt
from gateway.audit.note import NOTE_LIMIT, decode_base64, encode_base64
from gateway.audit.note_keys import VerifierKey
from gateway.audit.receipt import Proven
from gateway.audit.stored import StoredRow, parse_row

HEADER = "relgate-record-proof v1"

_ROW = re.compile(r"row ([1-9][0-9]{0,9}) ([1-9][0-9]{0,9})")


@dataclass(frozen=True, slots=True)
class RecordProof:
    """A record proof taken apart; nothing in it has been verified.

    ``size`` counts the tree's leaves: the rows and the blind one before them.
    """

    number: int
    size: int
    salt: bytes
    body: bytes
    path: tuple[bytes, ...]
    receipt: str


@dataclass(frozen=True, slots=True)
class ProvenRecord:
    """What a record proof proved: this row is among those of this leaf, which is in the log as ``proven``."""

    row: StoredRow
    leaf: Leaf
    proven: Proven


def prove(issued: bytes, salt: bytes, bodies: Sequence[bytes], number: int) -> bytes:
    """The proof of row ``number`` (from 1) of an entry, from its receipt, its salt and all its rows' bytes."""
    if not 1 <= number <= len(bodies):
        raise ProofRefused(f"the entry has {len(bodies)} record rows, and none with number {number}")
    leaves = [merkle.leaf_hash(row_salt(salt, 0))]
    leaves += [merkle.leaf_hash(row_salt(salt, each) + body) for each, body in enumerate(bodies, start=1)]
    path = merkle.inclusion_proof(leaves, number, len(leaves))
    lines = [
        HEADER,
        f"row {number} {len(leaves)}",
        f"salt {encode_base64(row_salt(salt, number))}",
        f"body {encode_base64(bodies[number - 1])}",
        *(encode_base64(value) for value in path),
    ]
    return ("\n".join(lines) + "\n\n").encode() + issued


def parse(proof: bytes | str) -> RecordProof:
    """Take a record proof apart, strictly. Raises :class:`ProofRefused` when it is not one."""
    try:
        text = proof if isinstance(proof, str) else proof.decode()
    except UnicodeDecodeError as error:
        raise ProofRefused(f"a record proof is valid UTF-8: {error}") from error
    if len(text) > 2 * NOTE_LIMIT:
        raise ProofRefused(f"a record proof of {len(text)} characters is over the limit of {2 * NOTE_LIMIT}")
    head, blank, issued = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or len(lines) < 4 or lines[0] != HEADER:
        raise ProofRefused(f"a record proof starts with the line {HEADER} and ends with a receipt")
    place = _ROW.fullmatch(lines[1])
    if place is None or not lines[2].startswith("salt ") or not lines[3].startswith("body "):
        raise ProofRefused("a record proof has the lines `row`, `salt` and `body`")
    salt = decode_base64(lines[2].removeprefix("salt "), "the row's salt")
    if len(salt) != SALT_BYTES:
        raise ProofRefused(f"the row's salt has {len(salt)} bytes, not {SALT_BYTES}")
    body = decode_base64(lines[3].removeprefix("body "), "the row")
    path = tuple(decode_base64(line, f"the row's hash {number}") for number, line in enumerate(lines[4:]))
    return RecordProof(int(place[1]), int(place[2]), salt, body, path, issued)


def verify(
    proof: bytes | str,
    verifier_keys: Iterable[VerifierKey],
    origin: str | None = None,
    witness_keys: Iterable[VerifierKey] = (),
    quorum: int = 0,
) -> ProvenRecord:
    """Check a record proof, offline. Raises :class:`ProofRefused` naming the step that failed.

    1. It parses.
    2. Its receipt proves the leaf that it carries (:func:`gateway.audit.receipt.verify`).
    3. The path leads from the salted row to the record root in that leaf.
    4. The row's bytes are those of a row.
    """
    parts = parse(proof)  # 1
    leaf = receipt.leaf_of(parts.receipt)
    proven = receipt.verify(parts.receipt, leaf, verifier_keys, origin, witness_keys, quorum)  # 2
    said = parse_leaf(leaf)
    hashed = merkle.leaf_hash(parts.salt + parts.body)
    merkle.verify_inclusion(parts.number, parts.size, hashed, parts.path, bytes.fromhex(said.records))  # 3
    try:
        return ProvenRecord(parse_row(parts.body), said, proven)  # 4
    except DraftRefused as error:
        raise ProofRefused(f"the row cannot be read: {error}") from error
