"""A witness cosigns what extends the largest head it has seen, and nothing else; what it has seen survives it."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
from gateway.audit.errors import LogUnavailable, ProofRefused
from gateway.audit.witness import Seen, State, add_checkpoint, begin, write_submission
from gateway.audit.witness_store import MemoryLost, WitnessStore, make_memory
from tests.audit.keytext import written

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


def test_an_empty_log_is_cosigned_as_often_as_it_is_submitted_and_under_its_one_root():
    state = NEW
    for _ in range(2):
        status, answer, state = add_checkpoint(state, body(0, 0))
        assert (status, state.seen[LOG.name].size) == (200, 0)
        assert open_note(note(0) + answer.decode(), [WITNESS.verifier]).signatures
    assert add_checkpoint(state, body(0, 7))[0] == 200


def test_a_witness_begins_with_keys_in_text_as_well_as_parsed_and_has_seen_nothing():
    secret = written(WITNESS)
    at = int(AT.timestamp())
    begun = begin([secret], {LOG.name: [str(LOG.verifier)]}, at)
    assert (begun.keys[0].verifier, begun.logs, begun.seen) == (WITNESS.verifier, NEW.logs, {})
    assert add_checkpoint(begun, body(0, 7))[:2] == add_checkpoint(NEW, body(0, 7))[:2]
    assert add_checkpoint(begin([WITNESS], {}, AT), body(0, 7))[0] == 404


@pytest.mark.parametrize(
    "arguments",
    [
        ([], {}, AT),
        (str(WITNESS.verifier), {}, AT),
        ([LOG], {}, AT),
        ([str(WITNESS.verifier)], {}, AT),
        ([None], {}, AT),
        (None, {}, AT),
        ([WITNESS], [LOG.verifier], AT),
        ([WITNESS], {LOG.name: LOG.verifier}, AT),
        ([WITNESS], {LOG.name: [WITNESS]}, AT),
        ([WITNESS], {7: [LOG.verifier]}, AT),
        ([WITNESS], {}, None),
        ([WITNESS], {}, AT.replace(tzinfo=None)),
        ([WITNESS], {}, 1.5),
        ([WITNESS], {}, 0),
    ],
)
def test_a_witness_does_not_begin_with_what_it_could_not_answer_from(arguments: tuple[object, object, object]):
    with pytest.raises(ProofRefused):
        begin(*arguments)  # type: ignore[arg-type]


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
    "another root for the size that was seen": (at_size(7), body(7, 7, OTHER), 422),
    "a proof that fails": (at_size(7), body(7, 9, OTHER), 422),
    "no proof where one is due": (at_size(7), write_submission(7, [], note(9)), 422),
    "a proof from size zero": (NEW, write_submission(0, [bytes(32)], note(7)), 422),
    "a proof between equal sizes": (at_size(7), write_submission(7, [bytes(32)], note(7)), 422),
    "an empty log with a root that is not the empty one": (
        NEW,
        write_submission(0, [], sign(Checkpoint(LOG.name, 0, bytes(32)).text, LOG)),
        422,
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
        ("an empty log with a root that is not the empty one", True),
        ("a rewind to less than was seen", False),
        ("a proof between equal sizes", False),
        ("a bad signature", False),
    ],
)
def test_a_signed_contradiction_is_kept_as_evidence_and_nothing_else_is(name: str, is_evidence: bool):
    state, sent, _ = REFUSALS[name]
    after = add_checkpoint(state, sent)[2]
    evidence = after.evidence
    assert bool(evidence) == is_evidence
    assert after.forked == (name.startswith(("another root", "an empty log")))
    assert evidence == "" or evidence.encode() in sent


@given(st.integers(0, len(body(7, 9)) - 1), st.integers(1, 255))
def test_no_single_changed_byte_of_a_submission_moves_what_was_seen(at: int, change: int):
    data = bytearray(body(7, 9))
    data[at] ^= change
    status, _, after = add_checkpoint(at_size(7), bytes(data))
    assert status != 200
    assert after.seen == at_size(7).seen


def opened(tmp_path: Path) -> WitnessStore:
    make_memory(tmp_path / "witness.db")
    return WitnessStore(tmp_path / "witness.db", NEW.keys, NEW.logs)


def test_what_was_seen_survives_a_restart_and_a_fork_is_refused_after_it(tmp_path: Path):
    store = opened(tmp_path)
    assert store.submit(body(0, 7), AT)[0] == 200
    assert store.submit(body(7, 9), AT)[0] == 200
    store.close()
    again = opened(tmp_path)
    assert again.seen() == {LOG.name: Seen(9, merkle.root(HASHES[:9]))}
    status, _, after = again.submit(body(9, 12, OTHER), AT)
    assert (status, after.evidence, after.forked) == (422, note(12, OTHER), False)
    assert again.submit(body(0, 5), AT)[:2] == (409, b"9\n")
    assert again.submit(body(9, 12), AT)[0] == 200
    again.close()


def test_what_was_cosigned_last_is_kept_for_monitors_with_the_logs_signature_and_the_witnesss(tmp_path: Path):
    store = opened(tmp_path)
    assert store.submit(body(0, 7), AT)[0] == 200
    assert store.submit(body(7, 9) + b"\xe2\x80\x94 somebody.example AAAAAAAA\n", AT)[0] == 200
    assert store.seen()[LOG.name].note == cosign(note(9), WITNESS, AT)
    assert store.submit(body(9, 9), AT + timedelta(hours=1))[0] == 200
    assert store.seen()[LOG.name].note == cosign(note(9), WITNESS, AT + timedelta(hours=1))
    assert store.submit(body(9, 12, OTHER), AT)[0] == 422
    assert store.seen()[LOG.name].note == cosign(note(9), WITNESS, AT + timedelta(hours=1))
    store.close()


def test_another_tree_of_the_size_that_was_seen_is_evidence_whatever_old_size_came_with_it():
    for old in (0, 6, 7):
        status, answer, after = add_checkpoint(at_size(7), write_submission(old, [], note(7, OTHER)))
        assert (status, after.forked, after.evidence) == (422 if old == 7 else 409, True, note(7, OTHER))
        assert old == 7 or answer == b"7\n"


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


def test_extension_lines_are_refused_by_a_witness_with_a_key_that_would_not_cover_them():
    sent = write_submission(0, [], sign(f"{Checkpoint(LOG.name, 7, merkle.root(HASHES[:7])).text}more\n", LOG))
    assert add_checkpoint(NEW, sent)[0] == 200
    status, answer, after = add_checkpoint(replace(NEW, keys=(WITNESS, LATTICE)), sent)
    assert (status, b"extension lines" in answer, dict(after.seen)) == (400, True, {})


def test_lines_that_anybody_can_add_to_a_checkpoint_make_no_new_evidence():
    state = at_size(7)
    forked = note(7, OTHER)
    line = forked.splitlines(keepends=True)[-1]
    for added in ("— somebody.example AAAAAAAA\n", line, line * 2):
        sent = b"old 7\n\n" + (forked + added).encode()
        assert add_checkpoint(state, sent)[2].evidence == forked


def test_the_same_evidence_is_kept_once_however_often_it_is_sent(tmp_path: Path):
    store = opened(tmp_path)
    store.submit(body(0, 7), AT)
    for _ in range(3):
        assert store.submit(body(7, 7, OTHER), AT)[0] == 422
    assert [(each.seen, each.note) for each in store.evidence()] == [(7, note(7, OTHER))]
    store.close()
    with sqlite3.connect(tmp_path / "witness.db") as database:
        kept = database.execute("SELECT origin, seen_size, note FROM evidence").fetchall()
    database.close()
    assert kept == [(LOG.name, 7, note(7, OTHER))]


def test_a_crash_between_remembering_and_answering_leaves_a_head_that_is_cosigned_again_and_no_other(tmp_path: Path):
    opened(tmp_path).submit(body(0, 7), AT)  # and the process ends here: nobody has heard of it
    again = opened(tmp_path)
    assert again.submit(body(0, 7), AT)[:2] == (409, b"7\n")
    assert again.submit(body(7, 7, OTHER), AT)[0] == 422
    assert again.submit(body(7, 7), AT)[0] == 200
    again.close()


def test_a_copy_of_the_file_alone_remembers_all_that_was_answered_while_the_witness_runs(tmp_path: Path):
    store = opened(tmp_path)
    assert store.submit(body(0, 7), AT)[0] == store.submit(body(7, 9), AT)[0] == 200
    copy = tmp_path / "copy.db"
    copy.write_bytes((tmp_path / "witness.db").read_bytes())  # without -wal and -shm
    store.close()
    again = WitnessStore(copy, NEW.keys, NEW.logs)
    assert again.seen() == {LOG.name: Seen(9, merkle.root(HASHES[:9]))}
    again.close()


def test_many_submissions_at_once_give_one_history_and_no_two_cosignatures_that_contradict(tmp_path: Path):
    """Two histories that part at five race each other: whichever is first, the other never gets past it."""
    store = opened(tmp_path)
    assert store.submit(body(0, 5), AT)[0] == 200
    sent = [(hashes, body(5, size, hashes)) for size in range(6, 12) for hashes in (HASHES, OTHER)]
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda each: store.submit(each[1], AT)[0], sent))
    good = [hashes for (hashes, _), status in zip(sent, statuses, strict=True) if status == 200]
    assert len(good) == 1  # the others come from a size that is no longer the one seen
    size = store.seen()[LOG.name].size
    assert store.submit(body(size, 15, OTHER if good[0] is HASHES else HASHES), AT)[0] == 422
    assert store.submit(body(size, 15, good[0]), AT)[0] == 200
    store.close()


def empty(file: Path) -> None:
    file.write_bytes(b"")


def overwrite(file: Path) -> None:
    file.write_bytes(b"\xff" * file.stat().st_size)


def damage(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    file.write_bytes(bytes(data))


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def drop_a_table(file: Path) -> None:
    with sqlite3.connect(file) as database:
        database.execute("DROP TABLE heads")
    database.close()


def drop_a_column(file: Path) -> None:
    with sqlite3.connect(file) as database:
        database.execute("ALTER TABLE heads DROP COLUMN note")
    database.close()


@pytest.mark.parametrize("harm", [empty, overwrite, damage, cut_off, drop_a_table, drop_a_column])
def test_a_memory_that_was_harmed_is_refused_and_never_begun_anew(tmp_path: Path, harm: Callable[[Path], None]):
    store = opened(tmp_path)
    assert store.submit(body(0, 7), AT)[0] == 200
    store.close()
    file = tmp_path / "witness.db"
    harm(file)
    for _ in range(2):  # and the refusal itself makes nothing of it that the next start would take
        with pytest.raises((MemoryLost, LogUnavailable)):
            WitnessStore(file, NEW.keys, NEW.logs)


def test_a_memory_that_is_not_there_is_not_made_by_using_it(tmp_path: Path):
    with pytest.raises(LogUnavailable):
        WitnessStore(tmp_path / "witness.db", NEW.keys, NEW.logs)
    assert not (tmp_path / "witness.db").exists()


def test_where_the_disk_is_full_nothing_is_answered_and_nothing_is_forgotten(tmp_path: Path):
    store = opened(tmp_path)
    assert store.submit(body(0, 7), AT)[0] == 200
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))  # every write beyond one byte fails, as on a full disk
    try:
        with pytest.raises(LogUnavailable):
            store.submit(body(7, 9), AT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert store.submit(body(0, 5), AT)[:2] == (409, b"7\n")
    assert store.submit(body(7, 9), AT)[0] == 200
    store.close()


PIECES = [
    b"\n", b"\n\n", b"\0", b"\r\n", b"old ", b"9" * 30, b"-", b"+", b" ", "— ".encode(), b"\xff", b"=", b"0",
    "— x AAAA\n".encode(), LOG.name.encode(), LONG.encode() + b"\n",
]  # fmt: skip
GOOD = [body(0, 7), body(7, 9), body(7, 7), body(5, 20), body(7, 9, OTHER)]


@st.composite
def mangled(draw: st.DrawFn) -> bytes | str:
    """A submission that was cut, doubled, spliced with another, or sown with what should not stand there."""
    sent = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 4))):
        at, end = sorted((draw(st.integers(0, len(sent))), draw(st.integers(0, len(sent)))))
        piece = draw(st.sampled_from([*PIECES, sent[at:end], b""]))
        sent = draw(st.sampled_from([sent[:at] + piece + sent[end:], sent[:at] + piece + sent[at:], sent[:at] + piece]))
    other = draw(st.sampled_from(GOOD))
    sent = draw(st.sampled_from([sent, sent + other, other[: len(other) // 2] + sent]))
    return draw(st.sampled_from([sent, sent.decode("latin-1"), sent.decode("utf-8", "surrogateescape")]))


@given(
    mangled(), st.sampled_from([NEW, at_size(7), at_size(9), replace(NEW, logs={}), replace(NEW, logs={LOG.name: ()})])
)
def test_no_body_whatever_raises_and_no_refusal_changes_what_was_seen(sent: bytes | str, state: State):
    status, answer, after = add_checkpoint(state, sent)
    assert isinstance(answer, bytes)
    assert status in (200, 400, 403, 404, 409, 422)
    if status != 200:
        assert (after.seen, after.keys, after.logs) == (state.seen, state.keys, state.logs)
    else:
        assert after.seen[LOG.name].size in (7, 9, 20)


@pytest.mark.parametrize(
    "sent", [None, 7, [], {}, bytearray(b"old 0"), memoryview(b"old 0"), "\ud800", b"", "", object()]
)
def test_what_is_no_text_at_all_is_a_bad_request_like_any_other(sent: object):
    status, answer, after = add_checkpoint(NEW, sent)  # type: ignore[arg-type]
    assert (status, after) == (400, NEW)
    assert answer.endswith(b"\n")
