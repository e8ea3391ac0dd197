"""Tiles have the paths and bytes of C2SP tlog-tiles, and one path each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import merkle, tiles
from gateway.audit.errors import ProofRefused

HASHES = [merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(600)]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0, 1234067, 256), "tile/0/x001/x234/067"),
        ((0, 0, 256), "tile/0/000"),
        ((1, 3, 17), "tile/1/003.p/17"),
        ((tiles.ENTRIES, 1000, 1), "tile/entries/x001/000.p/1"),
        ((63, 999, 255), "tile/63/999.p/255"),
    ],
)
def test_paths_are_those_of_the_specification_in_both_directions(arguments: tuple[int, int, int], text: str):
    assert tiles.path(*arguments) == text
    assert tiles.parse_path(text) == arguments


def test_the_word_in_the_path_of_a_bundle_of_entries_names_its_level_too():
    assert tiles.path("entries", 1000, 1) == tiles.path(tiles.ENTRIES, 1000, 1) == "tile/entries/x001/000.p/1"
    with pytest.raises(ProofRefused):
        tiles.path("data", 0)  # type: ignore[arg-type]


@given(st.integers(-1, 63), st.integers(0, 2**55), st.integers(1, 256))
def test_every_tile_has_one_path_that_leads_back_to_it(level: int, index: int, width: int):
    assert tiles.parse_path(tiles.path(level, index, width)) == (level, index, width)


@pytest.mark.parametrize(
    "text",
    """
    |tile/0/0|tile/00/000|tile/64/000|tile/0/x000/001|tile/0/001/002|tile/0/x001|tile/0/000.p/0|tile/0/000.p/256
    tile/0/000.p/257|tile/0/000.p/01|/tile/0/000|tile/0/000/|tile/0/../000|tile/-1/000|tile/0/0٣0|tile/0/000.p
    """.replace("\n", "|")
    .replace(" ", "")
    .split("|"),
)
def test_a_path_written_otherwise_is_refused_as_no_path(text: str):
    with pytest.raises(ProofRefused):
        tiles.parse_path(text)


def test_a_tile_holds_the_roots_of_its_subtrees_and_their_roots_are_the_next_tile():
    first = tiles.tile(HASHES, 0, 0, 256)
    assert first == b"".join(HASHES[:256])
    assert tiles.tile(HASHES, 0, 2, 88) == b"".join(HASHES[512:])
    upper = tiles.tile(HASHES, 1, 0, 2)
    assert upper == merkle.root(HASHES[:256]) + merkle.root(HASHES[256:512])


def test_a_tile_beyond_the_tree_or_of_no_width_is_refused():
    for level, index, width in [
        (0, 2, 89),
        (1, 0, 3),
        (0, 3, 1),
        (0, 0, 0),
        (0, 0, 257),
        (-1, 0, 1),
        (0, -1, 1),
    ]:
        with pytest.raises(ProofRefused):
            tiles.tile(HASHES, level, index, width)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_a_bundle_gives_back_the_entries_it_was_made_of(entries: list[bytes]):
    assert tiles.parse_bundle(tiles.entries_bundle(entries)) == entries


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x02a", b"\x00\x01a\x00", b"\x00\x00" * 257])
def test_a_bundle_that_is_cut_short_or_too_long_is_refused(data: bytes):
    with pytest.raises(ProofRefused):
        tiles.parse_bundle(data)


def test_entries_that_do_not_fit_a_bundle_are_refused():
    for entries in ([], [b""] * 257, [b"x" * 65536]):
        with pytest.raises(ProofRefused):
            tiles.entries_bundle(entries)
