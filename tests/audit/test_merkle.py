"""The tree of RFC 9162 against its own definition, a second implementation, and hostile values."""

from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from gateway.audit import merkle
from gateway.audit.errors import ProofRefused

LEAVES = [merkle.leaf_hash(str(number).encode()) for number in range(300)]


def defined_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 2.1.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + defined_root(leaves[:k]) + defined_root(leaves[k:])).digest()


def defined_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162 2.1.3.1, word by word."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if index < k:
        return [*defined_path(index, leaves[:k]), defined_root(leaves[k:])]
    return [*defined_path(index - k, leaves[k:]), defined_root(leaves[:k])]


def defined_subproof(size1: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """RFC 9162 2.1.4.1, word by word."""
    if size1 == len(leaves):
        return [] if whole else [defined_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if size1 <= k:
        return [*defined_subproof(size1, leaves[:k], whole), defined_root(leaves[k:])]
    return [*defined_subproof(size1 - k, leaves[k:], False), defined_root(leaves[:k])]


def test_hashes_and_roots_are_those_of_the_certificate_transparency_vectors():
    inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    hashes = [merkle.leaf_hash(bytes.fromhex(text)) for text in inputs]
    roots = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    for size, wanted in roots.items():
        assert merkle.root(hashes[:size]).hex() == wanted


def test_roots_agree_with_the_definition_and_with_pymerkle_at_every_size():
    tree = InmemoryTree(algorithm="sha256")
    for size in range(1, 130):
        tree.append_entry(str(size - 1).encode())
        assert merkle.root(LEAVES[:size]) == defined_root(LEAVES[:size]) == tree.get_root(size)


def test_inclusion_proofs_agree_with_the_definition_and_verify_at_every_size_and_index():
    for size in range(1, 65):
        root = merkle.root(LEAVES[:size])
        for index in range(size):
            proof = merkle.inclusion_proof(LEAVES, index, size)
            assert proof == defined_path(index, LEAVES[:size])
            merkle.verify_inclusion(index, size, LEAVES[index], proof, root)


def test_consistency_proofs_agree_with_the_definition_and_verify_for_every_pair_of_sizes():
    for size2 in range(1, 65):
        root2 = merkle.root(LEAVES[:size2])
        for size1 in range(1, size2 + 1):
            proof = merkle.consistency_proof(LEAVES, size1, size2)
            assert proof == defined_subproof(size1, LEAVES[:size2], True)
            merkle.verify_consistency(size1, size2, proof, merkle.root(LEAVES[:size1]), root2)


@given(st.integers(1, 300), st.data())
def test_no_inclusion_proof_survives_a_change_of_any_of_its_parts(size: int, data: st.DataObject):
    index = data.draw(st.integers(0, size - 1))
    proof, root, leaf = merkle.inclusion_proof(LEAVES, index, size), merkle.root(LEAVES[:size]), LEAVES[index]
    other = data.draw(st.binary(min_size=32, max_size=32).filter(lambda value: value not in (leaf, root)))
    wrong = [
        (index, size, other, proof, root),
        (index, size, leaf, proof, other),
        (index, size, leaf, [*proof, other], root),
    ]
    wrong += [(index, size, leaf, [other, *proof], root), (index, size, leaf, [*proof, root], root)]
    wrong += [(index ^ 1, size, leaf, proof, root), (index + 1, size, leaf, proof, root)]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        wrong += [(index, size, leaf, proof[:-1], root), (index, size, leaf, proof[1:], root)]
        wrong += [(index, size, leaf, [*proof[:at], other, *proof[at + 1 :]], root)]
    for case in wrong:
        with pytest.raises(ProofRefused):
            merkle.verify_inclusion(*case)


@given(st.integers(2, 300), st.data())
def test_no_consistency_proof_survives_a_change_of_any_of_its_parts(size2: int, data: st.DataObject):
    size1 = data.draw(st.integers(1, size2 - 1))
    proof = merkle.consistency_proof(LEAVES, size1, size2)
    root1, root2 = merkle.root(LEAVES[:size1]), merkle.root(LEAVES[:size2])
    other = data.draw(st.binary(min_size=32, max_size=32))
    at = data.draw(st.integers(0, len(proof) - 1))
    wrong = [
        (size1, size2, proof, other, root2),
        (size1, size2, proof, root1, other),
        (size1, size2, proof, root2, root1),
        (size1, size2, [], root1, root2),
        (size1, size2, proof[:-1], root1, root2),
        (size1, size2, proof[1:], root1, root2),
        (size1, size2, [*proof, other], root1, root2),
        (size1, size2, [other, *proof], root1, root2),
        (size1, size2, [root1, *proof], root1, root2),
        (size1, size2, [*proof[:at], other, *proof[at + 1 :]], root1, root2),
        (size2, size1, proof, root2, root1),
        (size1, size1, proof, root1, root1),
    ]
    for case in wrong:
        with pytest.raises(ProofRefused):
            merkle.verify_consistency(*case)


def test_proofs_hold_in_random_large_trees_with_made_up_subtrees():
    rng = random.Random(3)
    leaves = [rng.randbytes(32) for _ in range(5000)]
    for _ in range(60):
        size2 = rng.randrange(1, len(leaves) + 1)
        size1 = rng.randrange(1, size2 + 1)
        index = rng.randrange(size2)
        root2 = merkle.root(leaves[:size2])
        merkle.verify_inclusion(index, size2, leaves[index], merkle.inclusion_proof(leaves, index, size2), root2)
        proof = merkle.consistency_proof(leaves, size1, size2)
        merkle.verify_consistency(size1, size2, proof, merkle.root(leaves[:size1]), root2)


@pytest.mark.parametrize(
    "case",
    [
        (0, 0, merkle.leaf_hash(b""), [], merkle.EMPTY_ROOT),
        (0, 0, merkle.EMPTY_ROOT, [], merkle.EMPTY_ROOT),
        (0, 1, b"", [], b""),
        (-1, 1, LEAVES[0], [], LEAVES[0]),
        (1, 1, LEAVES[0], [], LEAVES[0]),
        (0, -1, LEAVES[0], [], LEAVES[0]),
        (0, 2**63, LEAVES[0], [], LEAVES[0]),
        (True, 2, LEAVES[0], [LEAVES[1]], LEAVES[0]),
        (0, 1, LEAVES[0][:31], [], LEAVES[0][:31]),
        (0, 2, LEAVES[0], [LEAVES[1][:31]], merkle.root(LEAVES[:2])),
        (0, 2**62, LEAVES[0], [LEAVES[1]] * 64, LEAVES[0]),
        (0.0, 1, LEAVES[0], [], LEAVES[0]),
        (0, 1, LEAVES[0].hex(), [], LEAVES[0].hex()),
    ],
)
def test_inclusion_values_that_prove_nothing_are_refused_as_they_stand(case: tuple):
    with pytest.raises(ProofRefused):
        merkle.verify_inclusion(*case)


@pytest.mark.parametrize(
    "case",
    [
        (0, 0, [], merkle.EMPTY_ROOT, merkle.EMPTY_ROOT),
        (0, 1, [], merkle.EMPTY_ROOT, LEAVES[0]),
        (0, 1, [merkle.EMPTY_ROOT], merkle.EMPTY_ROOT, merkle.EMPTY_ROOT),
        (1, 0, [], LEAVES[0], merkle.EMPTY_ROOT),
        (1, 1, [LEAVES[0]], LEAVES[0], LEAVES[0]),
        (1, 1, [], LEAVES[0], LEAVES[1]),
        (1, 1, [], b"x", b"x"),
        (-1, 1, [], LEAVES[0], LEAVES[0]),
        (1, 2**63, [LEAVES[0]], LEAVES[0], LEAVES[0]),
    ],
)
def test_consistency_values_that_prove_nothing_are_refused_as_they_stand(case: tuple):
    with pytest.raises(ProofRefused):
        merkle.verify_consistency(*case)


def test_proofs_are_not_made_for_trees_that_are_not_there():
    for arguments in [(0, 0), (5, 5), (-1, 5), (0, 301)]:
        with pytest.raises(ProofRefused):
            merkle.inclusion_proof(LEAVES, *arguments)
    for arguments in [(0, 5), (6, 5), (1, 301), (-1, 5)]:
        with pytest.raises(ProofRefused):
            merkle.consistency_proof(LEAVES, *arguments)


def test_a_node_over_children_of_other_lengths_is_refused():
    with pytest.raises(ProofRefused):
        merkle.node_hash(LEAVES[0] + b"x", LEAVES[1][1:])
    with pytest.raises(ProofRefused):
        merkle.root([LEAVES[0], b"short"])


def test_a_proof_that_holds_gives_true_and_nothing_else_is_ever_given():
    root, middle = merkle.root(LEAVES[:7]), merkle.root(LEAVES[:4])
    assert merkle.verify_inclusion(3, 7, LEAVES[3], merkle.inclusion_proof(LEAVES, 3, 7), root) is True
    assert merkle.verify_consistency(4, 7, merkle.consistency_proof(LEAVES, 4, 7), middle, root) is True
    assert merkle.verify_consistency(7, 7, [], root, root) is True
