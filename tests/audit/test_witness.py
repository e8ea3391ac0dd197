"""A witness cosigns what extends the largest head it has seen, and nothing else; what it has seen survives it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import merkle
from gateway.audit.checkpoint import COSIGNATURE, ML_DSA_44, Checkpoint, SigningKey, cosign, open_note, sign
from gateway.audit.errors import LogUnavailable
from gateway.audit.witness import Seen, State, add_checkpoint, write_submission
from gateway.audit.witness_store import WitnessStore

LOG = SigningKey("gateway.example/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))
WITNESS = SigningKey("witness.example/w", Ed25519PrivateKey.from_private_bytes(bytes([2] * 32)), COSIGNATURE)
LATTICE = SigningKey("witness.example/w", MLDSA44PrivateKey.from_seed_bytes(bytes(32)), ML_DSA_44)
STRANGER = SigningKey(LOG.name, Ed25519PrivateKey.from_private_bytes(bytes([9] * 32)))
AT = datetime(2026, 3, 1, tzinfo=UTC)
HASHES = [merkle.leaf_hash(bytes([n])) for n in range(20)]
OTHER = [*HASHES[:5], *(merkle.leaf_hash(bytes([n, 1])) for n in range(15))]
NEW = State((WITNESS,), {LOG.name: (LOG.verifier,)}, AT)


def note(size: int, hashes: list[bytes] = HASHES, origin: str = LOG.name) -> str:
    return sign(Checkpoint(origin, size, merkle.root(hashes[:size])).text, LOG)


def body(old: int, size: int, hashes: list[bytes] = HASHES) -> bytes:
    proof = merkle.consistency_proof(hashes, old, size) if 0 < old <= size else []
    return write_submission(old, proof, note(size, hashes))


def at_size(size: int) -> State:
    return replace(NEW, seen={LOG.name: Seen(size, merkle.root(HASHES[:size]))})


def test_a_log_seen_for_the_first_time_is_cosigned_from_size_zero():
    status, answer, state = add_checkpoint(NEW, body(0, 7))
    assert (status, dict(state.seen)) == (200, {LOG.name: Seen(7, merkle.root(HASHES[:7]))})
    (signature,) = open_note(note(7) + answer.decode(), [WITNESS.verifier]).signatures
    assert (signature.key, signature.time) == (WITNESS.verifier, AT)
    assert note(7) + answer.decode() == cosign(note(7), WITNESS, AT)
    assert not NEW.seen


def test_a_witness_with_two_keys_answers_with_a_line_of_each():
    status, answer, _ = add_checkpoint(replace(NEW, keys=(WITNESS, LATTICE)), body(0, 7))
    opened = open_note(note(7) + answer.decode(), [WITNESS.verifier, LATTICE.verifier])
    assert status == 200
    assert [(s.key, s.time) for s in opened.signatures] == [(WITNESS.verifier, AT), (LATTICE.verifier, AT)]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=6))
def test_every_way_of_growing_is_cosigned_step_by_step(sizes: list[int]):
    state, old = NEW, 0
    for size in sorted(sizes):
        status, _, state = add_checkpoint(state, body(old, size))
        assert status == 200
        old = size
    assert state.seen[LOG.name].size == max(sizes)


def test_the_same_head_again_is_cosigned_again_with_the_new_time():
    state = replace(at_size(7), at=AT + timedelta(days=1))
    status, answer, after = add_checkpoint(state, body(7, 7))
    assert (status, after.seen) == (200, state.seen)
    assert open_note(note(7) + answer.decode(), [WITNESS.verifier]).signatures[0].time == AT + timedelta(days=1)


LONG = "A" * 43 + "="
REFUSALS = {
    "an old size larger than the checkpoint's": (at_size(9), write_submission(9, [], note(8)), 400),
    "64 proof lines": (at_size(7), write_submission(7, [bytes(32)] * 64, note(9)), 400),
    "no old line": (NEW, note(7).encode(), 400),
    "an old size with a leading zero": (NEW, b"old 00\n\n" + note(7).encode(), 400),
    "a negative old size": (NEW, b"old -1\n\n" + note(7).encode(), 400),
    "a proof line of 31 bytes": (at_size(7), write_submission(7, [bytes(31)], note(9)), 400),
    "a proof line that is no base64": (at_size(7), b"old 7\n*\n\n" + note(9).encode(), 400),
    "no empty line": (NEW, b"old 0\n" + note(7).replace("\n\n", "\n").encode(), 400),
    "no checkpoint": (NEW, b"old 0\n\n", 400),
    "a note that is no checkpoint": (NEW, b"old 0\n\n" + sign("x\n", LOG).encode(), 400),
    "bytes that are no text": (NEW, b"\xff", 400),
    "nothing": (NEW, b"", 400),
    "a log that is not known": (NEW, write_submission(0, [], note(7, origin="other.example/log")), 404),
    "a checkpoint of no trusted key": (
        NEW,
        write_submission(0, [], sign(Checkpoint(LOG.name, 7, bytes(32)).text, STRANGER)),
        403,
    ),
    "a bad signature": (NEW, write_submission(0, [], note(7)[:-10] + note(8)[-10:]), 403),
    "an old size that is not the one seen": (at_size(7), body(6, 9), 409),
    "old size zero for a log that was seen": (at_size(7), body(0, 9), 409),
    "a rewind to less than was seen": (at_size(9), body(7, 8), 409),
    "an old size of a log that was never seen": (NEW, body(7, 9), 409),
    "another root for the size that was seen": (at_size(7), body(7, 7, OTHER), 409),
    "a proof that fails": (at_size(7), body(7, 9, OTHER), 422),
    "no proof where one is due": (at_size(7), write_submission(7, [], note(9)), 422),
    "a proof from size zero": (NEW, write_submission(0, [bytes(32)], note(7)), 422),
    "a proof between equal sizes": (at_size(7), write_submission(7, [bytes(32)], note(7)), 422),
    "an empty log with a root that is not the empty one": (
        NEW,
        write_submission(0, [], sign(Checkpoint(LOG.name, 0, bytes(32)).text, LOG)),
        409,
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_refused_gets_its_status_and_changes_nothing(name: str):
    state, sent, wanted = REFUSALS[name]
    status, answer, after = add_checkpoint(state, sent)
    assert status == wanted, answer
    assert after.seen == state.seen
    if status == 409:
        assert answer == b"%d\n" % state.seen.get(LOG.name, Seen()).size


@pytest.mark.parametrize(
    ("name", "is_evidence"),
    [
        ("another root for the size that was seen", True),
        ("a proof that fails", True),
        ("no proof where one is due", True),
        ("a rewind to less than was seen", False),
        ("a proof between equal sizes", False),
        ("a bad signature", False),
    ],
)
def test_a_signed_contradiction_is_kept_as_evidence_and_nothing_else_is(name: str, is_evidence: bool):
    state, sent, _ = REFUSALS[name]
    evidence = add_checkpoint(state, sent)[2].evidence
    assert bool(evidence) == is_evidence
    assert evidence == "" or evidence.encode() in sent


@given(st.integers(0, len(body(7, 9)) - 1), st.integers(1, 255))
def test_no_single_changed_byte_of_a_submission_moves_what_was_seen(at: int, change: int):
    data = bytearray(body(7, 9))
    data[at] ^= change
    status, _, after = add_checkpoint(at_size(7), bytes(data))
    assert status != 200
    assert after.seen == at_size(7).seen


def opened(tmp_path: Path) -> WitnessStore:
    return WitnessStore(f"sqlite:///{tmp_path / 'witness.db'}", NEW.keys, NEW.logs)


def test_what_was_seen_survives_a_restart_and_a_fork_is_refused_after_it(tmp_path: Path):
    store = opened(tmp_path)
    assert store.submit(body(0, 7), AT)[0] == 200
    assert store.submit(body(7, 9), AT)[0] == 200
    store.close()
    again = opened(tmp_path)
    assert again.seen() == {LOG.name: Seen(9, merkle.root(HASHES[:9]))}
    status, _, evidence = again.submit(body(9, 12, OTHER), AT)
    assert (status, evidence) == (422, note(12, OTHER))
    assert again.submit(body(0, 5), AT)[:2] == (409, b"9\n")
    assert again.submit(body(9, 12), AT)[0] == 200
    again.close()


def test_two_submissions_on_one_head_do_not_both_pass(tmp_path: Path):
    one, two = opened(tmp_path), opened(tmp_path)
    assert one.submit(body(0, 7), AT)[0] == 200
    assert two.submit(body(0, 9), AT)[:2] == (409, b"7\n")
    assert two.submit(body(7, 9), AT)[0] == 200
    assert one.submit(body(7, 8), AT)[:2] == (409, b"9\n")
    one.close()
    two.close()


def test_what_cannot_be_remembered_is_not_answered(tmp_path: Path):
    store = opened(tmp_path)
    assert store.submit(body(0, 7), AT)[0] == 200
    (tmp_path / "witness.db").chmod(0o400)
    with pytest.raises(LogUnavailable, match="read-only"):
        store.submit(body(7, 9), AT)
    (tmp_path / "witness.db").chmod(0o600)
    assert store.submit(body(7, 9), AT)[0] == 200
    store.close()


def test_the_same_evidence_is_kept_once_however_often_it_is_sent(tmp_path: Path):
    store = opened(tmp_path)
    store.submit(body(0, 7), AT)
    for _ in range(3):
        assert store.submit(body(7, 7, OTHER), AT)[0] == 409
    store.close()
    with sqlite3.connect(tmp_path / "witness.db") as database:
        kept = database.execute("SELECT origin, seen_size, note FROM evidence").fetchall()
    database.close()
    assert kept == [(LOG.name, 7, note(7, OTHER))]
