"""One record's presence in one release is proved, and nothing of the others is shown."""

from __future__ import annotations

import base64
import hashlib
import os
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import merkle, receipt, record_proof
from gateway.audit.checkpoint import Checkpoint, SigningKey, sign
from gateway.audit.entry import Draft, Event, RecordRow
from gateway.audit.errors import ProofRefused
from gateway.audit.leaf import IdentifierKey, keyed, prepare

LOG = SigningKey("gateway.example/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))
IDENTIFIERS = IdentifierKey(1, bytes(range(32)))
CONTENT = [f'{{"id":"sat-{n}"}}'.encode() for n in range(7)]
ROWS = tuple(
    RecordRow(f"sat-{n}", "release", hashlib.sha256(content).digest(), {"marking": f"U//REL TO USA, JPN {n}"})
    for n, content in enumerate(CONTENT)
)
DRAFT = Draft(Event.RELEASE, datetime(2026, 3, 1, tzinfo=UTC), "released", "JPN", release="r1", records=ROWS)
PREPARED = prepare(DRAFT, LOG.name, IDENTIFIERS, os.urandom(32))
BODIES = [row.body for row in PREPARED.rows]
HASHES = [merkle.leaf_hash(b"before"), PREPARED.hash, merkle.leaf_hash(b"after")]
CHECKPOINT = sign(Checkpoint(LOG.name, 3, merkle.root(HASHES)).text, LOG)
RECEIPT = receipt.write(1, merkle.inclusion_proof(HASHES, 1, 3), CHECKPOINT, PREPARED.leaf)


def proof_of(number: int) -> bytes:
    return record_proof.prove(RECEIPT, PREPARED.salt, BODIES, number)


@pytest.mark.parametrize("number", range(1, 8))
def test_each_row_of_a_release_is_proved_by_its_own_proof(number: int):
    shown = record_proof.verify(proof_of(number), [LOG.verifier])
    assert shown.row.identifier == keyed(f"sat-{number - 1}", IDENTIFIERS)
    assert shown.row.digest == hashlib.sha256(CONTENT[number - 1]).hexdigest()
    assert (shown.leaf.release, shown.leaf.partner, shown.proven.index) == ("r1", "JPN", 1)


def test_a_proof_shows_nothing_of_the_other_rows_nor_the_entrys_salt():
    shown = proof_of(3)
    decoded = b"".join(base64.b64decode(line.split()[-1]) for line in shown.split(b"\n")[2:7] if line)
    for text in (shown, decoded):
        assert PREPARED.salt not in text
        for number, (row, body) in enumerate(zip(PREPARED.rows, BODIES, strict=True), start=1):
            if number != 3:
                assert body not in text
                assert str(row.identifier).encode() not in text
    assert base64.b64encode(PREPARED.salt) not in shown


def test_a_row_that_is_not_there_has_no_proof():
    for number in (0, -1, 8):
        with pytest.raises(ProofRefused, match="record rows"):
            proof_of(number)


def test_another_rows_number_size_salt_or_body_does_not_prove():
    lines = proof_of(3).decode().split("\n")
    other = proof_of(4).decode().split("\n")
    for at in (1, 2, 3, 4):
        changed = [*lines[:at], other[at], *lines[at + 1 :]]
        with pytest.raises(ProofRefused):
            record_proof.verify("\n".join(changed), [LOG.verifier])
    with pytest.raises(ProofRefused):
        record_proof.verify("\n".join(lines).replace("row 3 8", "row 3 4"), [LOG.verifier])


def test_a_row_of_one_release_does_not_prove_with_the_receipt_of_another():
    other = prepare(DRAFT, LOG.name, IDENTIFIERS, os.urandom(32))
    hashes = [other.hash]
    checkpoint = sign(Checkpoint(LOG.name, 1, merkle.root(hashes)).text, LOG)
    foreign = receipt.write(0, [], checkpoint, other.leaf)
    with pytest.raises(ProofRefused, match="leads to root"):
        record_proof.verify(record_proof.prove(foreign, PREPARED.salt, BODIES, 3), [LOG.verifier])


def test_the_blind_row_and_an_inner_hash_do_not_pass_for_a_row():
    with pytest.raises(ProofRefused, match="`row`"):
        record_proof.verify(proof_of(1).replace(b"row 1 8", b"row 0 8"), [LOG.verifier])


def test_a_proof_that_no_trusted_key_signed_proves_nothing():
    stranger = SigningKey(LOG.name, Ed25519PrivateKey.generate())
    with pytest.raises(ProofRefused, match="no key that is trusted"):
        record_proof.verify(proof_of(1), [stranger.verifier])
    with pytest.raises(ProofRefused, match="witnesses"):
        record_proof.verify(proof_of(1), [LOG.verifier], quorum=1)


@given(st.integers(0, len(proof_of(5)) - 1), st.integers(1, 255))
def test_no_single_changed_byte_proves_another_row(at: int, change: int):
    data = bytearray(proof_of(5))
    data[at] ^= change
    try:
        shown = record_proof.verify(bytes(data), [LOG.verifier])
    except ProofRefused:
        return
    assert shown == record_proof.verify(proof_of(5), [LOG.verifier])


@pytest.mark.parametrize(
    "proof",
    [
        b"",
        b"\xff",
        b"relgate-record-proof v1\n\n",
        b"relgate-record-proof v2" + proof_of(1)[len(b"relgate-record-proof v1") :],
        b"relgate-record-proof v1\nrow 1 8\nsalt AAAA\nbody AAAA\n\n" + RECEIPT,
        b"relgate-record-proof v1\nrow 1 8\nbody AAAA\nsalt AAAA\n\n" + RECEIPT,
        b"x" * 2_000_001,
    ],
)
def test_what_is_not_a_record_proof_is_refused_for_what_it_is(proof: bytes):
    with pytest.raises(ProofRefused):
        record_proof.verify(proof, [LOG.verifier])
