"""Whatever is handed to the pure functions, they answer or refuse with one exception class, and never anything else."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit import checkpoint, merkle, receipt, tiles
from gateway.audit.checkpoint import COSIGNATURE, Checkpoint, SigningKey, VerifierKey, open_note, sign
from gateway.audit.errors import ProofRefused
from gateway.audit.witness import Seen, State, add_checkpoint, begin
from tests.audit.keytext import written

EXAMPLES = int(os.environ.get("RELGATE_TEST_ODD_VALUES", "30"))
"""How many odd calls each function gets."""
LOG = SigningKey("log.example/l", Ed25519PrivateKey.from_private_bytes(bytes(32)))
WITNESS = SigningKey("w.example/w", Ed25519PrivateKey.from_private_bytes(bytes([1] * 32)), COSIGNATURE)
STATE = State((WITNESS,), {LOG.name: (LOG.verifier,)}, datetime(2026, 3, 1, tzinfo=UTC))
TEXT = Checkpoint(LOG.name, 1, merkle.leaf_hash(b"leaf")).text
NOTE = sign(TEXT, LOG)
RECEIPT = receipt.write(0, [], NOTE, b"leaf")

ODD: list[object] = [
    None,
    True,
    False,
    -1,
    0,
    1,
    2**63,
    2**64,
    10**40,
    0.5,
    "",
    b"",
    "x",
    b"x",
    [],
    [b""],
    [None],
    {},
    (),
]
ODD += ["\ud800", "\0", "a\r\n\n\n", bytes(32), bytes(31), "0" * 32, [bytes(32)], [bytes(33)], [bytes(32)] * 64, NOTE]
ODD += [
    10**5000,
    -(10**5000),
    range(3),
    range(2**63),
    bytearray(32),
    memoryview(b""),
    memoryview(bytes(32)),
    {1},
    float("nan"),
]
ODD += [NOTE.encode(), RECEIPT, LOG.verifier, str(LOG.verifier), [LOG.verifier], [str(LOG.verifier)], ..., b"\xff"]
ODD += [LOG, WITNESS, written(LOG), written(WITNESS), [WITNESS], {LOG.name: [LOG.verifier]}, {LOG.name: 7}, {7: 7}]
ODD += [VerifierKey(None, [], 7), [VerifierKey("a", 9, b"")], Checkpoint(None, None, None), Checkpoint("a", 1, b"")]  # type: ignore[arg-type]
ODD += [STATE, Seen(), {LOG.name: Seen(-1, b"")}, datetime(1, 1, 1, tzinfo=UTC), datetime(2026, 1, 1), Ellipsis, object]  # noqa: DTZ001
ODD += [
    "entries",
    "tile/0/000",
    2**2000,
    [[]],
    [bytearray(32)],
    (bytes(32),),
    iter([bytes(32)]),
    b"\0\x01a",
    "old 0\n\n",
]


def pick(number: int) -> object:
    """One of the odd values; drawn by number, since nobody can print them all."""
    return ODD[number]


picked = st.integers(0, len(ODD) - 1).map(pick)
any_value = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=40), st.binary(max_size=40),
        st.complex_numbers(), st.datetimes(), st.dates(), st.timedeltas(), picked,
    ),
    lambda parts: st.one_of(
        st.lists(parts, max_size=4),
        st.tuples(parts, parts),
        st.dictionaries(st.one_of(st.text(max_size=5), st.integers()), parts, max_size=3),
        st.builds(Checkpoint, parts, parts, parts, parts),
        st.builds(VerifierKey, parts, parts, parts),
        st.builds(Seen, parts, parts),
    ),
    max_leaves=6,
)  # fmt: skip
odd = st.one_of(picked, any_value)

FUNCTIONS: dict[str, tuple[Callable[..., object], int]] = {
    "leaf_hash": (merkle.leaf_hash, 1),
    "node_hash": (merkle.node_hash, 2),
    "root": (merkle.root, 1),
    "inclusion_proof": (merkle.inclusion_proof, 3),
    "consistency_proof": (merkle.consistency_proof, 3),
    "verify_inclusion": (merkle.verify_inclusion, 5),
    "verify_consistency": (merkle.verify_consistency, 5),
    "parse_verifier_key": (checkpoint.parse_verifier_key, 1),
    "parse_signing_key": (checkpoint.parse_signing_key, 1),
    "open_note": (checkpoint.open_note, 2),
    "parse_checkpoint": (checkpoint.parse_checkpoint, 1),
    "receipt.verify": (receipt.verify, 6),
    "tiles.path": (tiles.path, 3),
    "tiles.parse_path": (tiles.parse_path, 1),
    "tiles.tile": (tiles.tile, 4),
    "tiles.entries_bundle": (tiles.entries_bundle, 1),
    "tiles.parse_bundle": (tiles.parse_bundle, 1),
    "cosign": (checkpoint.cosign, 3),
    "witness.add_checkpoint": (add_checkpoint, 2),
    "witness.begin": (begin, 3),
    "witness.State": (State, 4),
    "SigningKey": (SigningKey, 3),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_values_of_any_type_are_answered_or_refused_with_the_one_class(name: str, data: st.DataObject):
    function, arity = FUNCTIONS[name]
    with contextlib.suppress(ProofRefused):
        function(*(data.draw(odd) for _ in range(arity)))


@pytest.mark.parametrize("value", ODD, ids=lambda value: str(type(value)))
def test_every_odd_value_alone_in_an_otherwise_sound_call_is_answered_or_refused(value: object):
    hashes = [merkle.leaf_hash(bytes([number])) for number in range(3)]
    sound: dict[str, tuple[object, ...]] = {
        "verify_inclusion": (1, 3, hashes[1], merkle.inclusion_proof(hashes, 1, 3), merkle.root(hashes)),
        "verify_consistency": (
            2,
            3,
            merkle.consistency_proof(hashes, 2, 3),
            merkle.root(hashes[:2]),
            merkle.root(hashes),
        ),
        "inclusion_proof": (hashes, 1, 3),
        "open_note": (NOTE, [LOG.verifier]),
        "receipt.verify": (RECEIPT, b"leaf", [LOG.verifier], LOG.name, [WITNESS.verifier], 0),
        "tiles.tile": (hashes, 0, 0, 3),
        "tiles.path": (0, 0, 256),
        "root": (hashes,),
        "tiles.entries_bundle": ([b"leaf"],),
        "cosign": (NOTE, WITNESS, 1),
        "witness.add_checkpoint": (STATE, NOTE),
        "witness.begin": ([WITNESS], {LOG.name: [LOG.verifier]}, 1),
        "witness.State": ((WITNESS,), {LOG.name: (LOG.verifier,)}, 1, {LOG.name: Seen()}),
    }
    for name, arguments in sound.items():
        function, _ = FUNCTIONS[name]
        function(*arguments)
        for place in range(len(arguments)):
            with contextlib.suppress(ProofRefused):
                function(*arguments[:place], value, *arguments[place + 1 :])
    status, _, state = add_checkpoint(STATE, value)  # type: ignore[arg-type]
    assert (status, state) == (400, STATE)


def test_keys_are_taken_in_their_text_form_and_one_key_alone_is_no_list():
    assert open_note(NOTE, [str(LOG.verifier)]) == open_note(NOTE, [LOG.verifier])
    assert receipt.verify(RECEIPT, b"leaf", [str(LOG.verifier)]).index == 0
    with pytest.raises(ProofRefused, match="a list"):
        open_note(NOTE, str(LOG.verifier))


def test_a_key_that_signed_twice_counts_once_and_both_lines_are_checked():
    line = NOTE.partition("\n\n")[2]
    assert len(open_note(NOTE + line, [LOG.verifier]).signatures) == 1
    other = sign(Checkpoint(LOG.name, 1, bytes(32)).text, LOG).partition("\n\n")[2]
    with pytest.raises(ProofRefused, match="does not verify"):
        open_note(NOTE + other, [LOG.verifier])


def test_a_tile_beyond_what_a_tree_can_hold_has_no_path_and_costs_nothing_to_refuse():
    for numbers in ((0, 2**63, 256), (64, 0, 1), (10**9, 0, 1), (True, 0, 1), (0, 0, True)):
        with pytest.raises(ProofRefused):
            tiles.path(*numbers)
        with pytest.raises(ProofRefused):
            tiles.tile([], *numbers)
