"""Receipts stand by themselves, and prove nothing that is not so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import merkle, receipt
from gateway.audit.checkpoint import COSIGNATURE, Checkpoint, SigningKey, cosign, sign
from gateway.audit.errors import ProofRefused

LOG = SigningKey("gateway.example/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))
WITNESSES = [
    SigningKey(f"witness.example/{n}", Ed25519PrivateKey.from_private_bytes(bytes([n] * 32)), COSIGNATURE)
    for n in (1, 2, 3)
]
AT = datetime(2026, 3, 1, tzinfo=UTC)
ENTRIES = [f"entry {n}".encode() for n in range(11)]
HASHES = [merkle.leaf_hash(entry) for entry in ENTRIES]
CHECKPOINT = sign(Checkpoint(LOG.name, len(HASHES), merkle.root(HASHES)).text, LOG)


def issue(index: int, checkpoint: str = CHECKPOINT) -> bytes:
    return receipt.write(index, merkle.inclusion_proof(HASHES, index, len(HASHES)), checkpoint, ENTRIES[index])


def test_every_receipt_proves_the_leaf_it_carries_and_no_other():
    for index, entry in enumerate(ENTRIES):
        issued = issue(index)
        assert receipt.leaf_of(issued) == entry
        proven = receipt.verify(issued, entry, [LOG.verifier])
        assert (proven.index, proven.checkpoint.size, proven.log.key) == (index, len(ENTRIES), LOG.verifier)
        with pytest.raises(ProofRefused):
            receipt.verify(issued, ENTRIES[(index + 1) % len(ENTRIES)], [LOG.verifier])


def test_the_form_is_that_of_tlog_proof_line_by_line():
    lines = issue(4).decode().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("extra ")
    assert lines[2] == "index 4"
    blank = lines.index("")
    assert len(lines[3:blank]) == len(merkle.inclusion_proof(HASHES, 4, len(HASHES)))
    assert "\n".join(lines[blank + 1 :]) == CHECKPOINT


def test_a_receipt_without_its_leaf_still_proves_a_leaf_handed_in():
    bare = b"\n".join(line for line in issue(4).split(b"\n") if not line.startswith(b"extra"))
    assert receipt.verify(bare, ENTRIES[4], [LOG.verifier]).index == 4
    with pytest.raises(ProofRefused, match="carries no leaf"):
        receipt.leaf_of(bare)


def test_the_origin_is_the_one_asked_for_or_the_signing_keys_name():
    receipt.verify(issue(0), ENTRIES[0], [LOG.verifier], origin=LOG.name)
    with pytest.raises(ProofRefused, match="of the log"):
        receipt.verify(issue(0), ENTRIES[0], [LOG.verifier], origin="other.example/log")
    foreign = sign(Checkpoint("other.example/log", len(HASHES), merkle.root(HASHES)).text, LOG)
    with pytest.raises(ProofRefused, match="of the log"):
        receipt.verify(issue(0, foreign), ENTRIES[0], [LOG.verifier])
    assert receipt.verify(issue(0, foreign), ENTRIES[0], [LOG.verifier], origin="other.example/log").index == 0


def test_a_quorum_counts_distinct_known_witnesses_only():
    once = cosign(CHECKPOINT, WITNESSES[0], AT)
    twice = cosign(cosign(once, WITNESSES[0], AT.replace(hour=1)), WITNESSES[1], AT)
    keys = [witness.verifier for witness in WITNESSES]
    cases = [(CHECKPOINT, 0, True), (CHECKPOINT, 1, False), (once, 1, True), (once, 2, False)]
    cases += [(twice, 2, True), (twice, 3, False), (twice, -1, False)]
    for checkpoint, quorum, passes in cases:
        given_keys = ([LOG.verifier], None, keys, quorum)
        if passes:
            proven = receipt.verify(issue(0, checkpoint), ENTRIES[0], *given_keys)
            assert len(proven.witnesses) >= quorum
        else:
            with pytest.raises(ProofRefused, match="witnesses"):
                receipt.verify(issue(0, checkpoint), ENTRIES[0], *given_keys)


def test_a_witness_is_no_log_and_the_log_is_no_witness():
    only_witness = cosign(CHECKPOINT, WITNESSES[0], AT)
    stripped = "\n".join(line for line in only_witness.split("\n") if not line.startswith("— gateway"))
    with pytest.raises(ProofRefused, match="not signed by the log"):
        receipt.verify(issue(0, stripped), ENTRIES[0], [LOG.verifier], None, [WITNESSES[0].verifier])
    own = SigningKey("witness.example/own", LOG.private, COSIGNATURE)
    with pytest.raises(ProofRefused, match="witnesses"):
        receipt.verify(issue(0, cosign(CHECKPOINT, own, AT)), ENTRIES[0], [LOG.verifier], None, [own.verifier], 1)


def test_one_witness_key_under_two_names_counts_once():
    alias = SigningKey("witness.example/alias", WITNESSES[0].private, COSIGNATURE)
    both = cosign(cosign(CHECKPOINT, WITNESSES[0], AT), alias, AT)
    with pytest.raises(ProofRefused, match="1 known"):
        receipt.verify(issue(0, both), ENTRIES[0], [LOG.verifier], None, [WITNESSES[0].verifier, alias.verifier], 2)


@given(st.integers(0, len(issue(5)) - 1), st.integers(1, 255))
def test_a_changed_byte_in_a_receipt_never_proves_another_index_or_leaf(at: int, change: int):
    data = bytearray(issue(5))
    data[at] ^= change
    try:
        proven = receipt.verify(bytes(data), ENTRIES[5], [LOG.verifier])
    except ProofRefused:
        return
    # Only the unauthenticated extra line may change without harm: it is not what was verified.
    assert proven.index == 5
    assert bytes(data).split(b"\n")[2:] == issue(5).split(b"\n")[2:]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v2\nindex 0\n\n" + CHECKPOINT,
        "c2sp.org/tlog-proof@v1\n\n" + CHECKPOINT,
        "c2sp.org/tlog-proof@v1\nindex 00\n\n" + CHECKPOINT,
        "c2sp.org/tlog-proof@v1\nindex -1\n\n" + CHECKPOINT,
        "c2sp.org/tlog-proof@v1\nextra\nindex 0\n\n" + CHECKPOINT,
        "c2sp.org/tlog-proof@v1\nextra *\nindex 0\n\n" + CHECKPOINT,
        "c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\n" + CHECKPOINT,
        "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n" + CHECKPOINT,
        "c2sp.org/tlog-proof@v1\nindex 0",
        b"c2sp.org/tlog-proof@v1\nindex 0\n\n\xff",
        "c2sp.org/tlog-proof@v1\nindex 0\n\n" + "x" * 1_000_001,
    ],
)
def test_a_malformed_receipt_is_refused_before_anything_is_verified(text: str | bytes):
    with pytest.raises(ProofRefused):
        receipt.verify(text, ENTRIES[0], [LOG.verifier])


def test_an_empty_leaf_in_an_empty_tree_proves_nothing_at_all():
    empty = sign(Checkpoint(LOG.name, 0, merkle.EMPTY_ROOT).text, LOG)
    with pytest.raises(ProofRefused):
        receipt.verify(receipt.write(0, [], empty, b""), b"", [LOG.verifier])


def test_a_key_that_states_no_time_is_named_as_no_witnesss_with_the_one_that_is_probably_meant():
    plain = SigningKey(WITNESSES[0].name, WITNESSES[0].private)
    with pytest.raises(ProofRefused, match="type 01") as refused:
        receipt.verify(issue(0), ENTRIES[0], [LOG.verifier], witness_keys=[str(plain.verifier)])
    assert str(WITNESSES[0].verifier) in refused.value.hint
