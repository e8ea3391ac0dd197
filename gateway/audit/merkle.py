"""The Merkle tree of RFC 9162 section 2.1 (the same tree as RFC 6962): hashing, proofs and their
verification.

Rules: everything here is pure, takes bytes and gives bytes; a hash is exactly 32 bytes; a proof is a list
whose first element is the leaf's sibling. A verifier raises :class:`ProofRefused` when the proof does not hold,
and never returns anything but ``True``: so it may stand alone, or in an ``assert`` or ``if``, and a caller who
forgets the one or the other takes nothing that is not proven. What proves nothing is refused: inclusion in an
empty tree, consistency from an empty tree (any tree extends it), a proof with an element too many.

Leaf hash = SHA-256(0x00 || entry), node hash = SHA-256(0x01 || left || right), root of the empty tree =
SHA-256("").
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

from gateway.audit.errors import ProofRefused, shown

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
MAX_SIZE = 2**63 - 1
"""The largest tree size taken from outside; a proof is then at most 63 hashes (C2SP tlog-witness)."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry's bytes as a leaf (RFC 9162 2.1.1)."""
    if not isinstance(entry, bytes):
        raise ProofRefused(f"an entry is bytes, not {type(entry).__name__}")
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an interior node over its two 32-byte children (RFC 9162 2.1.1).

    Raises :class:`ProofRefused` when a child is not 32 bytes: its boundary would then be ambiguous.
    """
    _hash(left, "left child")
    _hash(right, "right child")
    return _node(left, right)


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes in order (RFC 9162 2.1.1); of none, SHA-256 of nothing."""
    check_list(leaf_hashes, "leaf hashes")
    if not leaf_hashes:
        return EMPTY_ROOT
    for number, value in enumerate(leaf_hashes):
        _hash(value, f"leaf hash {number}")
    row = list(leaf_hashes)
    while len(row) > 1:
        paired = [_node(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
        row = [*paired, row[-1]] if len(row) % 2 else paired
    return row[0]


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int, size: int) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree over the first ``size`` leaf hashes (RFC 9162 2.1.3.1)."""
    check_list(leaf_hashes, "leaf hashes")
    _number(index, "index")
    _number(size, "size")
    if size > len(leaf_hashes):
        raise ProofRefused(f"size {size} is more than the {len(leaf_hashes)} leaves there are")
    if index >= size:
        raise ProofRefused(f"index {index} is not in a tree of size {size}")
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + split(end - begin)
        if index < middle:
            path.append(root(leaf_hashes[middle:end]))
            end = middle
        else:
            path.append(root(leaf_hashes[begin:middle]))
            begin = middle
    return path[::-1]


def consistency_proof(leaf_hashes: Sequence[bytes], size1: int, size2: int) -> list[bytes]:
    """The proof that the tree of ``size2`` extends that of ``size1`` (RFC 9162 2.1.4.1); empty for equal
    sizes.
    """
    check_list(leaf_hashes, "leaf hashes")
    _number(size1, "size1")
    _number(size2, "size2")
    if size2 > len(leaf_hashes):
        raise ProofRefused(f"size {size2} is more than the {len(leaf_hashes)} leaves there are")
    if not 0 < size1 <= size2:
        raise ProofRefused(f"no consistency proof leads from size {size1} to size {size2}")
    path: list[bytes] = []
    begin, end, known = 0, size2, True  # known: the verifier has this subtree's root already, it is root1
    while size1 != end:
        middle = begin + split(end - begin)
        if size1 <= middle:
            path.append(root(leaf_hashes[middle:end]))
            end = middle
        else:
            path.append(root(leaf_hashes[begin:middle]))
            begin, known = middle, False
    if not known:
        path.append(root(leaf_hashes[begin:end]))
    return path[::-1]


def verify_inclusion(index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes) -> Literal[True]:
    """Check that the leaf is at ``index`` in the tree of ``size`` with this root (RFC 9162 2.1.3.2).

    Raises :class:`ProofRefused` when it does not prove that.
    """
    _number(index, "index")
    _number(size, "size")
    _hash(leaf_hash, "leaf hash")
    _hash(root, "root")
    _proof(proof)
    if index >= size:
        raise ProofRefused(f"index {index} is not in a tree of size {size}")
    fn, sn, computed = index, size - 1, leaf_hash
    for sibling in proof:
        if sn == 0:
            raise ProofRefused(f"the proof of {len(proof)} hashes has too many for index {index} of {size}")
        if fn & 1 or fn == sn:
            computed = _node(sibling, computed)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            computed = _node(computed, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ProofRefused(f"the proof of {len(proof)} hashes has too few for index {index} of {size}")
    if computed != root:
        raise ProofRefused(f"the proof leads to root {computed.hex()}, not {root.hex()}")
    return True


def verify_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> Literal[True]:
    """Check that the tree of ``size2`` with ``root2`` extends that of ``size1`` with ``root1`` (RFC 9162
    2.1.4.2).

    Raises :class:`ProofRefused` when it does not prove that, and for ``size1`` 0, from which nothing follows.
    """
    _number(size1, "size1")
    _number(size2, "size2")
    _hash(root1, "first root")
    _hash(root2, "second root")
    _proof(proof)
    if size1 == 0:
        raise ProofRefused("every tree extends the empty one: consistency from size 0 proves nothing")
    if size1 > size2:
        raise ProofRefused(f"a tree of size {size2} cannot extend one of size {size1}")
    if size1 == size2:
        if proof:
            raise ProofRefused(f"equal sizes need no proof, but it has {len(proof)} hashes")
        if root1 != root2:
            raise ProofRefused(f"two roots for size {size1}: {root1.hex()} and {root2.hex()}")
        return True
    if not proof:
        raise ProofRefused(f"the proof from size {size1} to {size2} is empty")
    _replay_consistency(size1, size2, proof, root1, root2)
    return True


def _replay_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> None:
    """RFC 9162 2.1.4.2 steps 2 to 6, for 0 < size1 < size2 and a proof that is not empty."""
    path = list(proof)
    if size1 & (size1 - 1) == 0:
        path.insert(0, root1)
    fn, sn = size1 - 1, size2 - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if sn == 0:
            raise ProofRefused(f"the proof from size {size1} to {size2} has too many hashes ({len(proof)})")
        if fn & 1 or fn == sn:
            old, new = _node(sibling, old), _node(sibling, new)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = _node(new, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ProofRefused(f"the proof from size {size1} to {size2} has too few hashes ({len(proof)})")
    if old != root1:
        raise ProofRefused(f"the proof leads to first root {old.hex()}, not {root1.hex()}")
    if new != root2:
        raise ProofRefused(f"the proof leads to second root {new.hex()}, not {root2.hex()}")


def split(size: int) -> int:
    """The largest power of two smaller than ``size`` (RFC 9162 2.1.1's k), for a size of 2 or more."""
    return 1 << ((size - 1).bit_length() - 1)


def check_list(values: object, what: str) -> None:
    """Refuse what is neither list nor tuple; ``what`` names it. Text, bytes and ranges are none, although they have
    parts.
    """
    if not isinstance(values, list | tuple):
        raise ProofRefused(f"{what} are a {type(values).__name__}, not a list")


def _node(left: bytes, right: bytes) -> bytes:
    """As :func:`node_hash`, for children already known to be 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _number(value: int, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ProofRefused(f"{name} is a {type(value).__name__}, not a whole number")
    if not 0 <= value <= MAX_SIZE:
        raise ProofRefused(f"{name} {shown(value)} is outside 0 to 2^63 - 1")


def _hash(value: bytes, name: str) -> None:
    if not isinstance(value, bytes) or len(value) != HASH_BYTES:
        raise ProofRefused(f"{name} is not {HASH_BYTES} bytes")


def _proof(proof: Sequence[bytes]) -> None:
    check_list(proof, "the proof's hashes")
    if len(proof) > MAX_SIZE.bit_length():
        raise ProofRefused(f"a proof of {len(proof)} hashes is longer than any tree is high")
    for number, value in enumerate(proof):
        _hash(value, f"proof hash {number}")
