"""That a run of entries is in the log: the hashes to its left and right that lead to a signed root.

An inclusion proof for many neighbours at once: the complete subtrees before the run, those after it, and the run's own
leaf hashes give the root of the whole tree (RFC 9162 section 2.1.1). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.audit import merkle
from gateway.audit.edge import NodeId, cover
from gateway.audit.errors import ProofRefused


def left_of(first: int) -> list[NodeId]:
    """The complete subtrees over the entries before ``first``, largest first."""
    return cover(0, first)


def right_of(end: int, size: int) -> list[NodeId]:
    """The complete subtrees over the entries from ``end`` to the end of a tree of ``size``, in order."""
    nodes: list[NodeId] = []
    while end < size:
        fitting = (size - end).bit_length() - 1
        level = min((end & -end).bit_length() - 1, fitting) if end else fitting
        nodes.append((level, end >> level))
        end += 1 << level
    return nodes


def root(first: int, leaves: Iterable[bytes], size: int, left: Sequence[bytes], right: Sequence[bytes]) -> bytes:
    """The root of the tree of ``size`` in which these leaves stand from ``first`` on.

    Raises :class:`ProofRefused` when the hashes given are not as many as such a tree has.
    """
    stack: list[tuple[int, bytes]] = list(zip((level for level, _ in left_of(first)), left, strict=False))
    if len(left) != len(stack) or len(left) != len(left_of(first)):
        raise ProofRefused(f"{len(left)} hashes to the left of entry {first} are not {len(left_of(first))}")
    place = first
    for leaf in leaves:
        place = _push(stack, 0, leaf, place)
    wanted = right_of(place, size)
    if place > size or len(right) != len(wanted):
        raise ProofRefused(f"{len(right)} hashes to the right of entry {place} of {size} are not {len(wanted)}")
    for (level, _), value in zip(wanted, right, strict=True):
        place = _push(stack, level, value, place)
    folded = merkle.EMPTY_ROOT if not stack else stack[-1][1]
    for _, value in reversed(stack[:-1]):
        folded = merkle.node_hash(value, folded)
    return folded


def _push(stack: list[tuple[int, bytes]], level: int, value: bytes, place: int) -> int:
    """Add a complete subtree at ``place``, joining it with every neighbour that it completes; the place after it."""
    after = place + (1 << level)
    while stack and stack[-1][0] == level and (after >> level) % 2 == 0:
        _, before = stack.pop()
        value = merkle.node_hash(before, value)
        level += 1
    stack.append((level, value))
    return after
