"""The ways in which published test vectors for RFC 6962 verifiers go wrong, each tried on known good proofs.

The eight-leaf tree, its roots and its proofs are those that Certificate Transparency's implementations share. The
probes have the shapes of transparency-dev/merkle's ``testdata`` (wrong index, wrong height, wrong or empty root,
garbage in front and behind, one bit changed, one hash less or more); the expectations are ours, and where a published
one differs it says why.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.audit import merkle
from gateway.audit.errors import ProofRefused

INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
LEAVES = [merkle.leaf_hash(bytes.fromhex(text)) for text in INPUTS]
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
INCLUSIONS = [(0, 1), (0, 8), (5, 8), (2, 3), (1, 5), (7, 8), (4, 5)]
CONSISTENCIES = [(1, 8), (6, 8), (2, 5), (6, 7), (3, 7), (4, 8), (7, 8)]
SOME = bytes.fromhex("abacaba000000000000000000000000000000000000000000060061e00123456")
BEYOND = (2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**256, 10**5000)


def flipped(value: bytes, bit: int = 8) -> bytes:
    """The same hash with one bit of its first byte changed."""
    return bytes([value[0] ^ bit]) + value[1:]


def broken_proofs(proof: list[bytes], *ends: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """The proof with something before it, behind it, missing from it or changed in it."""
    for extra in (b"", SOME, *ends, *proof[:1]):
        yield "trailing", [*proof, extra]
        yield "preceding", [extra, *proof]
    yield "twice", [*proof, *proof, SOME]
    for number, value in enumerate(proof):
        yield "modified", [*proof[:number], flipped(value), *proof[number + 1 :]]
        yield "truncated hash", [*proof[:number], value[:-1], *proof[number + 1 :]]
        yield "removed", proof[:number] + proof[number + 1 :]
        yield "inserted", [*proof[: number + 1], SOME, *proof[number + 1 :]]
    if len(set(proof)) > 1:
        yield "reversed", proof[::-1]


@pytest.mark.parametrize(("index", "size"), INCLUSIONS)
def test_a_known_inclusion_proof_holds_and_no_probe_of_it_does(index: int, size: int):
    leaf, root = LEAVES[index], ROOTS[size]
    proof = merkle.inclusion_proof(LEAVES, index, size)
    merkle.verify_inclusion(index, size, leaf, proof, root)
    merkle.verify_inclusion(index, size, leaf, tuple(proof), root)
    probes = [(name, index, size, leaf, broken, root) for name, broken in broken_proofs(proof, root, leaf)]
    probes += [("index", other, size, leaf, proof, root) for other in (index - 1, index + 1, index ^ 2, size, *BEYOND)]
    probes += [("size", index, other, leaf, proof, root) for other in (size * 2, size // 2, 0, -1, *BEYOND)]
    probes += [("leaf", index, size, bad, proof, root) for bad in (b"WrongLeaf", b"", flipped(leaf), SOME, leaf + b"x")]
    probes += [("root", index, size, leaf, proof, bad) for bad in (ROOTS[0], SOME, b"", flipped(root), root[:31])]
    for name, *probe in probes:
        with pytest.raises(ProofRefused):
            merkle.verify_inclusion(*probe)
            raise AssertionError(f"{name}: {probe}")


@pytest.mark.parametrize(("size1", "size2"), CONSISTENCIES)
def test_a_known_consistency_proof_holds_and_no_probe_of_it_does(size1: int, size2: int):
    root1, root2 = ROOTS[size1], ROOTS[size2]
    proof = merkle.consistency_proof(LEAVES, size1, size2)
    merkle.verify_consistency(size1, size2, proof, root1, root2)
    probes = [(name, size1, size2, broken, root1, root2) for name, broken in broken_proofs(proof, root1, root2)]
    probes += [("empty", size1, size2, [], root1, root2), ("swapped", size1, size2, proof, root2, root1)]
    for other in (size1 - 1, size1 + 1, size1 ^ 2, 0, -1, *BEYOND):
        probes.append(("size1", other, size2, proof, root1, root2))
    for other in (size2 * 2, size2 // 2, 0, -1, *BEYOND):
        probes.append(("size2", size1, other, proof, root1, root2))
    for bad in (b"WrongRoot", b"", ROOTS[0], SOME):
        probes += [("root1", size1, size2, proof, bad, root2), ("root2", size1, size2, proof, root1, bad)]
    for name, *probe in probes:
        with pytest.raises(ProofRefused):
            merkle.verify_consistency(*probe)
            raise AssertionError(f"{name}: {probe}")


@pytest.mark.parametrize(("index", "size"), [(0, 0), (0, 1), (1, 0), (2, 1)])
def test_an_empty_leaf_or_an_empty_root_is_in_no_tree_whatever_its_size(index: int, size: int):
    for leaf, root in ((SOME, b""), (b"", ROOTS[0]), (SOME, ROOTS[0]), (b"", b""), (b"", SOME)):
        with pytest.raises(ProofRefused):
            merkle.verify_inclusion(index, size, leaf, [], root)


@pytest.mark.parametrize(
    "case",
    [
        (0, 0, [], ROOTS[0], ROOTS[0]),  # "useless" in newer vectors, taken by older ones: it proves nothing
        (0, 1, [], ROOTS[0], ROOTS[1]),  # likewise
        (0, 0, [ROOTS[0]], ROOTS[0], ROOTS[0]),
        (0, 0, [], ROOTS[0], SOME),
        (0, 1, [ROOTS[0]], ROOTS[0], ROOTS[0]),
        (1, 1, [ROOTS[0]], ROOTS[0], ROOTS[0]),
        (1, 1, [], ROOTS[0], SOME),
        (1, 1, [], b"don't care 2", b"don't care 2"),  # taken by implementations that do not look at the length
        (1, 0, [], ROOTS[1], ROOTS[0]),
        (2, 1, [], ROOTS[2], ROOTS[1]),
        (1, 2, [], ROOTS[1], ROOTS[2]),
        (1, 1, None, ROOTS[1], ROOTS[1]),
    ],
)
def test_what_says_nothing_about_two_trees_is_no_consistency(case: tuple):
    with pytest.raises(ProofRefused):
        merkle.verify_consistency(*case)


def test_a_tree_is_consistent_with_itself_by_an_empty_proof():
    for size in range(1, 9):
        merkle.verify_consistency(size, size, [], ROOTS[size], ROOTS[size])
