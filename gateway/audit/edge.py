"""The right edge of the log's tree, and proofs from stored hashes: what makes appending and proving O(log n).

A tree of n leaves is a row of complete subtrees, one for each 1 bit of n, largest first. Their roots are the
*edge*: all that appending needs. Every node that becomes complete is handed out once, to be stored; nodes
never change. A node is named by its level (0 is the leaves) and its offset among the nodes of that level, so
node (l, o) covers the leaves from o * 2**l up to (o + 1) * 2**l. The proofs' shapes are those of RFC 9162
2.1.3.1 and 2.1.4.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.audit import merkle
from gateway.audit.errors import ProofRefused

NodeId = tuple[int, int]
"""(level, offset) of a complete subtree."""


class Node(NamedTuple):
    """A complete subtree's root, to be stored; in the order of the table's columns."""

    level: int
    offset: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Edge:
    """A tree's size and the roots of its complete subtrees, largest (leftmost) first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if len(self.hashes) != self.size.bit_count():
            raise ProofRefused(
                f"a tree of size {self.size} has {self.size.bit_count()} edge hashes, not {len(self.hashes)}"
            )

    @property
    def root(self) -> bytes:
        """The tree's root hash."""
        return fold(self.hashes)

    def extend(self, leaf_hashes: Iterable[bytes]) -> tuple[Edge, list[Node]]:
        """The edge after these leaves, and every interior node (level 1 and up) that they complete, in
        order.
        """
        size, stack, made = self.size, list(self.hashes), []
        for value in leaf_hashes:
            current, level = value, 0
            while size >> level & 1:
                current = merkle.node_hash(stack.pop(), current)
                level += 1
                made.append(Node(level, size >> level, current))
            stack.append(current)
            size += 1
        return Edge(size, tuple(stack)), made


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees' roots, largest first: joined from the right. Of none, the empty
    tree's root.
    """
    if not hashes:
        return merkle.EMPTY_ROOT
    current = hashes[-1]
    for left in reversed(hashes[:-1]):
        current = merkle.node_hash(left, current)
    return current


def cover(begin: int, end: int) -> list[NodeId]:
    """The complete subtrees that make up the leaves from ``begin`` to ``end``, where ``begin`` starts a
    subtree of an RFC 9162 tree (so it is a multiple of the size of each of them), largest first.
    """
    nodes: list[NodeId] = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        nodes.append((level, begin >> level))
        begin += 1 << level
    return nodes


def inclusion_plan(index: int, size: int) -> list[list[NodeId]]:
    """For each hash of the inclusion proof, leaf's sibling first, the stored nodes it is folded from."""
    if not 0 <= index < size:
        raise ProofRefused(f"index {index} is not in a tree of size {size}")
    plan: list[list[NodeId]] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + merkle.split(end - begin)
        if index < middle:
            plan.append(cover(middle, end))
            end = middle
        else:
            plan.append(cover(begin, middle))
            begin = middle
    return plan[::-1]


def consistency_plan(size1: int, size2: int) -> list[list[NodeId]]:
    """For each hash of the consistency proof, deepest first, the stored nodes it is folded from."""
    if not 0 < size1 <= size2:
        raise ProofRefused(f"no consistency proof leads from size {size1} to size {size2}")
    plan: list[list[NodeId]] = []
    begin, end, known = 0, size2, True
    while size1 != end:
        middle = begin + merkle.split(end - begin)
        if size1 <= middle:
            plan.append(cover(middle, end))
            end = middle
        else:
            plan.append(cover(begin, middle))
            begin, known = middle, False
    if not known:
        plan.append(cover(begin, end))
    return plan[::-1]


def carry_out(plan: Sequence[Sequence[NodeId]], nodes: Mapping[NodeId, bytes]) -> list[bytes]:
    """The proof a plan asks for, from the stored nodes.

    Raises ``KeyError`` naming a node that is not there.
    """
    return [fold([nodes[node] for node in step]) for step in plan]
