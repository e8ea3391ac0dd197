"""A demand knows witnesses by name and key id, and what is written of it is read back or met by nobody."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.checkpoint import COSIGNATURE, SigningKey
from gateway.audit.demands import Demand, are_met, from_json, mark_of, short, to_json

demands = st.frozensets(st.builds(Demand, st.integers(0, 4), st.frozensets(st.sampled_from("abcd"))), max_size=4)


@given(st.binary(min_size=32, max_size=32))
def test_a_key_in_its_text_form_has_the_mark_of_the_key_whatever_its_base64_holds(seed: bytes):
    key = SigningKey("witness.example/w", Ed25519PrivateKey.from_private_bytes(seed), COSIGNATURE).verifier
    assert short(str(key)) == mark_of(key)


def test_a_plus_in_the_base64_of_a_key_is_none_of_its_mark():
    assert short("witness.example/w+01234567+BA+B/+8=") == "witness.example/w+01234567"


@given(demands)
def test_demands_are_read_back_as_they_were_written(asked: frozenset[Demand]):
    assert from_json(to_json(asked)) == asked


NO_DEMANDS = ["2 of a", 7, None, [None], ["a"], [{}], [{"of": ["a"]}], {"quorum": 1, "of": ["a"]}]


@pytest.mark.parametrize("said", [*NO_DEMANDS, [{"quorum": "1", "of": ["a"]}], [{"quorum": 1, "of": "a"}]])
def test_what_is_no_demand_is_read_as_one_that_nobody_meets(said):
    assert not are_met(from_json(said), {"a", "b"})


def test_a_demand_of_none_is_met_by_nobody_and_no_demand_by_everybody():
    assert not Demand(0, frozenset("a")).met_by("a")
    assert not Demand(1, frozenset()).met_by("a")
    assert are_met((), ())
