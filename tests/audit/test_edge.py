"""Appending by the right edge alone gives the trees and proofs that the whole list of leaves gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import edge, merkle
from gateway.audit.edge import Edge
from gateway.audit.errors import ProofRefused

LEAVES = [merkle.leaf_hash(bytes([number % 256, number // 256])) for number in range(130)]


def grown(size: int) -> tuple[Edge, dict[edge.NodeId, bytes]]:
    tree, made = Edge().extend(LEAVES[:size])
    nodes = {(node.level, node.offset): node.hash for node in made}
    return tree, nodes | {(0, place): LEAVES[place] for place in range(size)}


@given(st.lists(st.integers(0, 40), max_size=6))
def test_growing_in_steps_gives_the_same_edge_and_nodes_as_growing_at_once(steps: list[int]):
    tree, made = Edge(), []
    for step in steps:
        begin = tree.size
        tree, new = tree.extend(LEAVES[begin : begin + step])
        made += new
    at_once, all_made = Edge().extend(LEAVES[: tree.size])
    assert (tree, made) == (at_once, all_made)
    assert tree.root == merkle.root(LEAVES[: tree.size])


def test_every_node_made_is_the_root_of_the_leaves_it_covers():
    _, made = Edge().extend(LEAVES)
    for node in made:
        assert node.hash == merkle.root(LEAVES[node.offset << node.level : (node.offset + 1) << node.level])
    assert len({(node.level, node.offset) for node in made}) == len(made) == len(LEAVES) - len(LEAVES).bit_count()


def test_planned_proofs_equal_the_proofs_made_from_all_leaves():
    for size2 in range(1, 70):
        tree, nodes = grown(size2)
        for number in range(size2):
            plan = edge.inclusion_plan(number, size2)
            assert edge.carry_out(plan, nodes) == merkle.inclusion_proof(LEAVES, number, size2)
            plan = edge.consistency_plan(number + 1, size2)
            assert edge.carry_out(plan, nodes) == merkle.consistency_proof(LEAVES, number + 1, size2)
        assert edge.fold([nodes[node] for node in edge.cover(0, size2)]) == tree.root


def test_a_proof_in_a_huge_tree_needs_few_stored_hashes():
    for plan in (
        edge.inclusion_plan(12_345_678, 2**40 - 12345),
        edge.consistency_plan(12_345_678, 2**40 - 12345),
    ):
        assert sum(len(step) for step in plan) <= 2 * 40


def test_an_edge_that_does_not_fit_its_size_is_refused():
    with pytest.raises(ProofRefused):
        Edge(3, (LEAVES[0],))
    for index, size in [(0, 0), (5, 5), (-1, 5)]:
        with pytest.raises(ProofRefused):
            edge.inclusion_plan(index, size)
    for size1, size2 in [(0, 5), (6, 5)]:
        with pytest.raises(ProofRefused):
            edge.consistency_plan(size1, size2)


def test_a_proof_from_a_store_that_lacks_a_node_names_the_node():
    _, nodes = grown(8)
    del nodes[1, 1]
    with pytest.raises(KeyError, match="1, 1"):
        edge.carry_out(edge.inclusion_plan(0, 8), nodes)
