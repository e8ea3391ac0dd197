"""Canonical JSON is that of RFC 8785 wherever it is written at all."""

from __future__ import annotations

import enum
from types import MappingProxyType

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import canonical
from gateway.audit.errors import DraftRefused

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
KEYS = st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF))
SCALARS = st.none() | st.booleans() | TEXT | st.integers(-canonical.MAX_INTEGER, canonical.MAX_INTEGER)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=30)


@given(st.dictionaries(KEYS, VALUES))
def test_the_bytes_equal_those_of_the_rfc8785_package(value: dict):
    written = canonical.encode(value, "private")
    assert written == rfc8785.dumps(value)
    assert canonical.decode(written, "private") == value


def test_every_character_is_escaped_as_rfc8785_says():
    value = {"all": "".join(map(chr, [*range(0xD800), *range(0xE000, 0x11000)]))}
    assert canonical.encode(value, "private") == rfc8785.dumps(value)


def test_maps_tuples_and_enumerations_are_written_as_plain_json():
    class Word(enum.StrEnum):
        RELEASE = "release"

    value = MappingProxyType({"b": (1, True), "a": Word.RELEASE})
    assert canonical.encode(value, "private") == b'{"a":"release","b":[1,true]}'


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        2**53,
        -(2**53),
        b"bytes",
        {"a": {1, 2}},
        {1: "a"},
        {"a": [0.0]},
        {"\U0001f600": 1},
        "\ud800",
        object(),
    ],
)
def test_what_has_no_exact_canonical_form_is_refused_with_its_place(value: object):
    with pytest.raises(DraftRefused) as refused:
        canonical.encode({"deep": value}, "private")
    assert refused.value.field.startswith("private")


def test_nesting_without_end_is_refused_and_not_a_crash():
    value: list = []
    value.append(value)
    with pytest.raises(DraftRefused, match="deep"):
        canonical.encode(value, "private")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":"\\u0061"}',
        b'{"a":1}\n',
    ],
)
def test_bytes_in_another_form_are_not_read_as_canonical(data: bytes):
    with pytest.raises(DraftRefused):
        canonical.decode(data, "private")
