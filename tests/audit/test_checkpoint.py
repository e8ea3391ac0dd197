"""Signed notes, checkpoints and cosignatures, good and malformed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.checkpoint import (
    COSIGNATURE,
    ED25519,
    ML_DSA_44,
    Checkpoint,
    Signature,
    SigningKey,
    VerifierKey,
    cosign,
    cosignatures,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    parse_signing_key,
    parse_verifier_key,
    sign,
)
from gateway.audit.errors import ProofRefused
from tests.audit.keytext import written

KNOWN_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
KNOWN_NOTE = """This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""
LOG = SigningKey("gateway.example/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))
OTHER = SigningKey("other.example/log", Ed25519PrivateKey.from_private_bytes(bytes([1] * 32)))
WITNESS = SigningKey("witness.example/w", Ed25519PrivateKey.from_private_bytes(bytes([2] * 32)), COSIGNATURE)
PQ_LOG = SigningKey(LOG.name, MLDSA44PrivateKey.from_seed_bytes(bytes([3] * 32)), ML_DSA_44)
PQ_WITNESS = SigningKey("witness.example/w", MLDSA44PrivateKey.from_seed_bytes(bytes([4] * 32)), ML_DSA_44)
TEXT = Checkpoint("gateway.example/log", 3, bytes(32)).text
SIGNED = sign(TEXT, LOG)
AT = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_published_note_opens_with_the_published_key():
    note = open_note(KNOWN_NOTE, [parse_verifier_key(KNOWN_KEY)])
    assert note.text == "This is an example message.\n"
    assert [str(signature.key) for signature in note.signatures] == [KNOWN_KEY]


def test_a_verifier_key_is_written_as_it_was_parsed():
    for key in (LOG.verifier, WITNESS.verifier, parse_verifier_key(KNOWN_KEY)):
        assert parse_verifier_key(str(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/foo",
        KNOWN_KEY.replace("530d903a", "530d903b"),
        KNOWN_KEY.replace("530d903a", "530D903A"),
        KNOWN_KEY.replace("example.com/foo", "example.com/bar"),
        KNOWN_KEY.replace("example.com/foo", "example.com foo"),
        KNOWN_KEY.replace("example.com/foo", ""),
        KNOWN_KEY[:-4],
        KNOWN_KEY + "\n",
        KNOWN_KEY + "=",
        str(VerifierKey("a", 2, bytes(32))),
        str(VerifierKey("a", 1, bytes(31))),
        str(VerifierKey("a", 1, b"")),
    ],
)
def test_a_verifier_key_that_is_not_exactly_one_is_refused(text: str):
    with pytest.raises(ProofRefused):
        parse_verifier_key(text)


def test_a_private_key_mistaken_for_its_verifier_key_is_not_shown():
    with pytest.raises(ProofRefused, match="private key") as refused:
        open_note(SIGNED, [written(LOG)])
    assert written(LOG).rpartition("+")[2][:10] not in str(refused.value)


ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
FIELD = 2**255 - 19


@pytest.mark.parametrize("kind", [ED25519, COSIGNATURE])
@pytest.mark.parametrize("sign_bit", [0, 1])
@pytest.mark.parametrize("y", [0, 1, FIELD - 1, ORDER_8, FIELD - ORDER_8, FIELD, FIELD + 1, FIELD + 18])
def test_a_key_under_which_anybody_can_sign_is_no_verifier_key(y: int, sign_bit: int, kind: int):
    key = VerifierKey("weak.example/log", kind, (y | sign_bit << 255).to_bytes(32, "little"))
    with pytest.raises(ProofRefused, match="weak"):
        parse_verifier_key(str(key))
    with pytest.raises(ProofRefused, match="weak"):
        open_note(SIGNED, [LOG.verifier, key])


def test_without_that_refusal_a_signature_of_zero_would_be_good_for_any_text():
    """Under the neutral element: R the same, S zero (RFC 8032 section 5.1.7)."""
    neutral = (1).to_bytes(32, "little")
    for text in (b"one", b"another"):
        Ed25519PublicKey.from_public_bytes(neutral).verify(neutral + bytes(32), text)


def test_unknown_keys_are_ignored_and_a_note_without_a_known_one_is_refused():
    both = SIGNED + sign(TEXT, OTHER).removeprefix(TEXT + "\n")
    assert [s.key for s in open_note(both, [LOG.verifier]).signatures] == [LOG.verifier]
    assert len(open_note(both, [OTHER.verifier, LOG.verifier]).signatures) == 2
    with pytest.raises(ProofRefused, match="no key that is trusted"):
        open_note(SIGNED, [OTHER.verifier])
    with pytest.raises(ProofRefused, match="no key that is trusted"):
        open_note(SIGNED, [])


def test_a_bad_signature_by_a_known_key_refuses_the_note_despite_a_good_one():
    forged = sign("another text\n", OTHER).removeprefix("another text\n\n")
    with pytest.raises(ProofRefused, match="does not verify"):
        open_note(SIGNED + forged, [LOG.verifier, OTHER.verifier])
    assert open_note(SIGNED + forged, [LOG.verifier]).text == TEXT


def test_sixteen_signatures_are_taken_and_a_thousand_are_not():
    lines = SIGNED.removeprefix(TEXT + "\n")
    keys = [SigningKey(f"log{number}.example", LOG.private) for number in range(16)]
    several = sign(TEXT, *keys)
    assert len(open_note(several, [key.verifier for key in keys]).signatures) == 16
    with pytest.raises(ProofRefused, match="over the limit"):
        open_note(TEXT + "\n" + lines * 1000, [LOG.verifier])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        TEXT,
        TEXT + "\n",
        SIGNED[:-1],
        SIGNED + "\n",
        SIGNED.replace("— ", "- "),
        SIGNED.replace("— ", "—"),
        SIGNED.replace("— gateway", "—  gateway"),
        SIGNED.replace("\n\n", "\r\n\r\n"),
        SIGNED.replace("gateway.example/log\n3", "gateway.example/log\t\n3"),
        SIGNED.replace("\n\n", "\n"),
        SIGNED + "— gateway.example/log \n",
        SIGNED + "— gateway.example/log AAAA\n",
        SIGNED + "— gateway+example AAAAAAAA\n",
        SIGNED + "— gateway.example/log AAAAAAA\n",
        SIGNED + "— \u00a0 AAAAAAAA\n",
        SIGNED[:-2] + " \n",
        SIGNED.encode() + b"\xff\n",
        SIGNED + "\ud800\n",
        "x" * 1_000_001 + "\n" + SIGNED,
    ],
)
def test_a_malformed_note_is_refused_whoever_signed_it(note: str | bytes):
    with pytest.raises(ProofRefused):
        open_note(note, [LOG.verifier])


@given(st.integers(0, len(SIGNED.encode()) - 1), st.integers(1, 255))
def test_no_single_changed_byte_leaves_a_signed_note_acceptable(at: int, change: int):
    data = bytearray(SIGNED.encode())
    data[at] ^= change
    with pytest.raises(ProofRefused):
        open_note(bytes(data), [LOG.verifier])


def test_base64_that_is_not_in_its_one_form_is_refused():
    line = SIGNED.strip().rsplit(" ", 1)[1]
    data = base64.b64decode(line)
    assert line.endswith("=")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".index(line[-2])
    twisted = line[:-2] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[last | 1] + "="
    if twisted != line:
        assert base64.b64decode(twisted) == data
        with pytest.raises(ProofRefused, match="canonical"):
            open_note(SIGNED.replace(line, twisted), [LOG.verifier])


def test_two_keys_under_one_name_and_id_are_refused_before_the_note_is_read():
    class Colliding(VerifierKey):
        @property
        def key_id(self) -> bytes:
            return LOG.verifier.key_id

    with pytest.raises(ProofRefused, match="two different"):
        open_note(SIGNED, [LOG.verifier, Colliding(LOG.name, 1, bytes([9] * 32))])


def test_a_checkpoint_parses_to_what_it_was_written_from():
    for checkpoint in (
        Checkpoint("a", 0, bytes(32)),
        Checkpoint("gateway.example/log", 2**63 - 1, bytes(range(32)), ("more", "lines")),
    ):
        assert parse_checkpoint(checkpoint.text) == checkpoint
        assert parse_checkpoint(sign(checkpoint.text, LOG)) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n3\n",
        TEXT.removesuffix("\n"),
        TEXT.replace("\n3\n", "\n03\n"),
        TEXT.replace("\n3\n", "\n-3\n"),
        TEXT.replace("\n3\n", "\n+3\n"),
        TEXT.replace("\n3\n", "\n3 \n"),
        TEXT.replace("\n3\n", "\n٣\n"),
        TEXT.replace("\n3\n", f"\n{2**63}\n"),
        TEXT.replace("AAAA", "AAA", 1),
        TEXT.replace("AAAA", "", 1),
        "\n" + TEXT.partition("\n")[2],
        TEXT + "\n",
        TEXT.replace("A", "*", 1),
    ],
)
def test_a_malformed_checkpoint_is_refused_for_what_it_is(text: str):
    with pytest.raises(ProofRefused):
        parse_checkpoint(text)


def test_a_cosignature_carries_its_time_and_binds_it():
    note = cosign(SIGNED, WITNESS, AT)
    opened = open_note(note, [LOG.verifier, WITNESS.verifier])
    assert [(s.key, s.time) for s in opened.signatures] == [(LOG.verifier, None), (WITNESS.verifier, AT)]
    later = cosign(SIGNED, WITNESS, AT.replace(year=2027))
    stamp = base64.b64decode(later.strip().rsplit(" ", 1)[1])[4:12]
    data = base64.b64decode(note.strip().rsplit(" ", 1)[1])
    moved = base64.b64encode(data[:4] + stamp + data[12:]).decode()
    with pytest.raises(ProofRefused, match="does not verify"):
        open_note(SIGNED + f"— {WITNESS.name} {moved}\n", [LOG.verifier, WITNESS.verifier])


def test_a_cosignature_and_a_plain_signature_by_one_key_do_not_stand_for_each_other():
    plain = SigningKey(WITNESS.name, WITNESS.private)
    assert plain.verifier.key_id != WITNESS.verifier.key_id
    with pytest.raises(ProofRefused, match="no key that is trusted"):
        open_note(sign(TEXT, plain), [WITNESS.verifier])


def test_a_cosignature_needs_an_aware_time_and_a_checkpoint_to_sign():
    with pytest.raises(ProofRefused, match="zone"):
        cosign(SIGNED, WITNESS, datetime(2026, 3, 1))  # noqa: DTZ001 - what is refused
    with pytest.raises(ProofRefused, match="three lines"):
        cosign(sign("no checkpoint\n", LOG), WITNESS, AT)


def test_a_key_that_states_no_time_cosigns_nothing():
    with pytest.raises(ProofRefused, match="state a time"):
        cosign(SIGNED, LOG, AT)


def test_neither_a_logs_key_of_another_kind_nor_its_name_makes_a_witness_of_it():
    lattice = SigningKey(LOG.name, MLDSA44PrivateKey.from_seed_bytes(bytes(32)), ML_DSA_44)
    again = SigningKey(WITNESS.name, LOG.private, COSIGNATURE)
    for own in (lattice, again, SigningKey(LOG.name, LOG.private, COSIGNATURE)):
        signatures = open_note(cosign(SIGNED, own, AT), [LOG.verifier, own.verifier]).signatures
        assert cosignatures(signatures, [own.verifier], [LOG.verifier]) == ()
        assert [each.key for each in cosignatures(signatures, [own.verifier])] == [own.verifier]


def test_a_witnesss_key_may_be_given_in_text_and_an_ed25519_one_signs_as_a_witnesss():
    made = cosign(SIGNED, WITNESS, AT)
    plain = SigningKey(WITNESS.name, WITNESS.private)
    for text in (written(WITNESS), written(WITNESS).encode(), written(plain)):
        assert cosign(SIGNED, text, AT) == made
    lattice = open_note(cosign(SIGNED, written(PQ_WITNESS), AT), [PQ_WITNESS.verifier])
    assert lattice.signatures == (Signature(PQ_WITNESS.verifier, AT),)


def test_a_cosigned_checkpoint_is_text_or_bytes_as_it_was_given_and_begins_with_what_was_given():
    seconds = int(AT.timestamp())
    made = cosign(SIGNED, WITNESS, AT)
    assert made.startswith(SIGNED)
    assert cosign(SIGNED.encode(), WITNESS, seconds) == made.encode()
    alone = f"{TEXT}\n{made.removeprefix(SIGNED)}"
    assert cosign(TEXT, WITNESS, seconds) == cosign(parse_checkpoint(SIGNED), WITNESS, seconds) == alone
    assert open_note(alone, [WITNESS.verifier]).text == TEXT


def test_no_cosignature_is_made_that_nobody_would_take():
    with pytest.raises(ProofRefused, match="over the limit"):
        cosign(SIGNED + SIGNED.removeprefix(TEXT + "\n") * 99, WITNESS, AT)
    latest = 253_402_300_799
    assert open_note(cosign(SIGNED, WITNESS, latest), [WITNESS.verifier]).signatures[0].time is not None
    for at in (latest + 1, None):
        for key in (WITNESS, PQ_WITNESS):
            with pytest.raises(ProofRefused):
                cosign(SIGNED, key, at)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("", 3, bytes(32)),
        Checkpoint("a", -1, bytes(32)),
        Checkpoint("a", 3, bytes(31)),
        Checkpoint("a", 3, None),  # type: ignore[arg-type]
        Checkpoint("a", 3, bytes(32), None),  # type: ignore[arg-type]
        Checkpoint("a", 3, bytes(32), ("",)),
        Checkpoint("a\nb", 3, bytes(32)),
        Checkpoint("a\0", 3, bytes(32)),
    ],
)
def test_a_checkpoint_made_by_hand_that_cannot_be_written_is_not_cosigned(checkpoint: Checkpoint):
    with pytest.raises(ProofRefused):
        cosign(checkpoint, WITNESS, AT)


def test_a_signing_key_in_text_is_the_key_it_was_written_from():
    for key in (LOG, WITNESS, PQ_LOG):
        read = parse_signing_key(written(key))
        assert (read.verifier, read.kind) == (key.verifier, key.kind)


@pytest.mark.parametrize("at", range(len(written(LOG))))
def test_no_single_changed_character_leaves_a_signing_key_in_text_one(at: int):
    text = written(LOG)
    for other in (text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :], text[:at] + text[at + 1 :], text[: at + 1]):
        if other != text:
            with pytest.raises(ProofRefused) as refused:
                parse_signing_key(other)
            assert text.rpartition("+")[2][:20] not in str(refused.value)


@pytest.mark.parametrize(
    "arguments",
    [
        ("a", None, 1),
        ("a", LOG.private, None),
        ("a", LOG.private, []),
        ("a", LOG.private, 10**5000),
        (10**5000, LOG.private),
    ],
)
def test_what_is_no_signing_key_is_refused_when_it_is_made(arguments: tuple[object, ...]):
    with pytest.raises(ProofRefused):
        SigningKey(*arguments)  # type: ignore[arg-type]


def test_a_verifier_key_made_by_hand_that_could_not_be_parsed_is_refused_before_the_note_is_read():
    for key in (VerifierKey("a", 2, bytes(32)), VerifierKey("a b", 1, bytes(32)), VerifierKey("a", 1, bytes(31))):
        with pytest.raises(ProofRefused, match="verifier key"):
            open_note(SIGNED, [LOG.verifier, key])
    for parts in ((None, 1, bytes(32)), ("a", None, bytes(32)), ("a", [], bytes(32)), ("a", 1, None)):
        with pytest.raises(ProofRefused, match="verifier key"):
            open_note(SIGNED, [VerifierKey(*parts)])  # type: ignore[arg-type]


def test_a_cosignature_of_a_time_beyond_any_clock_is_refused():
    data = WITNESS.verifier.key_id + b"\xff" * 8 + bytes(64)
    with pytest.raises(ProofRefused, match="clock"):
        open_note(SIGNED + f"— {WITNESS.name} {base64.b64encode(data).decode()}\n", [LOG.verifier, WITNESS.verifier])


def test_a_key_name_that_cannot_stand_in_a_signature_line_is_refused():
    for name in ("", "a b", "a+b", "a\nb", "a\u2003b"):
        with pytest.raises(ProofRefused):
            SigningKey(name, LOG.private)


def test_a_log_signs_with_ed25519_and_ml_dsa_beside_it_and_either_key_opens_the_note():
    both = sign(TEXT, LOG, PQ_LOG)
    assert [s.key.kind for s in open_note(both, [LOG.verifier, PQ_LOG.verifier]).signatures] == [ED25519, ML_DSA_44]
    for key in (LOG, PQ_LOG):
        assert open_note(both, [key.verifier]).signatures == (Signature(key.verifier),)
    assert parse_verifier_key(str(PQ_LOG.verifier)) == PQ_LOG.verifier


def test_an_ml_dsa_signature_binds_name_time_origin_size_and_root():
    """The message is the one of tlog-cosignature, built here by hand."""
    name, origin = b"witness.example/w", b"gateway.example/log"
    numbers = [n.to_bytes(8, "big") for n in (int(AT.timestamp()), 0, 3)]
    message = b"subtree/v1\n\x00" + bytes([len(name)]) + name + numbers[0] + bytes([len(origin)]) + origin
    message += numbers[1] + numbers[2] + bytes(32)
    signature = PQ_WITNESS.private.sign(message)
    line = base64.b64encode(PQ_WITNESS.verifier.key_id + numbers[0] + signature).decode()
    opened = open_note(SIGNED + f"— {PQ_WITNESS.name} {line}\n", [PQ_WITNESS.verifier])
    assert opened.signatures == (Signature(PQ_WITNESS.verifier, AT),)
    made = cosign(SIGNED, PQ_WITNESS, AT)
    assert open_note(made, [PQ_WITNESS.verifier]).signatures == opened.signatures
    for changed in (made.replace("\n3\n", "\n4\n"), made.replace("log\n3\n", "lag\n3\n")):
        with pytest.raises(ProofRefused, match="does not verify"):
            open_note(changed, [PQ_WITNESS.verifier])


def test_a_key_signs_only_under_the_type_of_its_own_algorithm():
    for private, kind in ((PQ_LOG.private, ED25519), (PQ_LOG.private, COSIGNATURE), (LOG.private, ML_DSA_44)):
        with pytest.raises(ProofRefused, match="algorithm"):
            SigningKey("a", private, kind)
    with pytest.raises(ProofRefused, match="not 1312"):
        parse_verifier_key(str(VerifierKey("a", ML_DSA_44, bytes(32))))


def test_a_signature_without_a_time_is_no_witness_and_two_keys_of_one_witness_count_once():
    timeless = sign(TEXT, LOG, PQ_WITNESS)
    keys = [LOG.verifier, WITNESS.verifier, PQ_WITNESS.verifier]
    witnesses = [WITNESS.verifier, PQ_WITNESS.verifier]
    assert cosignatures(open_note(timeless, keys).signatures, witnesses) == ()
    twice = cosign(cosign(SIGNED, WITNESS, AT), PQ_WITNESS, AT)
    assert [s.key for s in cosignatures(open_note(twice, keys).signatures, witnesses)] == [WITNESS.verifier]
    assert cosignatures(open_note(twice, keys).signatures, witnesses, [WITNESS.verifier, PQ_WITNESS.verifier]) == ()


def test_an_ml_dsa_signature_is_over_a_checkpoint_or_nothing():
    with pytest.raises(ProofRefused, match="three lines"):
        sign("no checkpoint\n", PQ_LOG)
    with pytest.raises(ProofRefused, match="255"):
        sign(Checkpoint("x" * 256, 3, bytes(32)).text, PQ_LOG)
    with pytest.raises(ProofRefused, match="255"):
        parse_checkpoint(Checkpoint("é" * 128, 3, bytes(32)).text)
    with pytest.raises(ProofRefused, match="1970"):
        cosign(SIGNED, WITNESS, 0)


def test_an_ml_dsa_signature_on_a_checkpoint_with_extension_lines_is_refused_as_they_are_not_in_it():
    extended = Checkpoint(LOG.name, 3, bytes(32), ("extension",)).text
    with pytest.raises(ProofRefused, match="extension lines"):
        sign(extended, LOG, PQ_LOG)
    line = sign(TEXT, PQ_LOG).partition("\n\n")[2]
    with pytest.raises(ProofRefused, match="extension lines"):
        open_note(f"{extended}\n{line}", [PQ_LOG.verifier])


def test_a_cosignature_on_a_note_that_is_no_checkpoint_is_refused():
    text = "no checkpoint\n"
    signature = WITNESS.private.sign(f"cosignature/v1\ntime 1\n{text}".encode())
    line = base64.b64encode(WITNESS.verifier.key_id + (1).to_bytes(8, "big") + signature).decode()
    with pytest.raises(ProofRefused, match="three lines"):
        open_note(f"{text}\n— {WITNESS.name} {line}\n", [WITNESS.verifier])


def test_a_signed_note_inside_a_checkpoints_text_is_no_checkpoint():
    nested = sign(SIGNED, LOG)
    assert open_note(nested, [LOG.verifier]).text == SIGNED
    with pytest.raises(ProofRefused, match="no empty lines"):
        open_checkpoint(nested, [LOG.verifier])


NO_TIMES = [None, True, "1", 1.5, float("nan"), b"1", [], 0, -1, 2**63, 10**5000, AT.replace(tzinfo=None)]


@pytest.mark.parametrize("at", NO_TIMES, ids=lambda value: str(type(value)))
def test_a_cosignature_is_made_at_a_time_in_whole_seconds_or_not_at_all(at: object):
    with pytest.raises(ProofRefused):
        cosign(SIGNED, WITNESS, at)  # type: ignore[arg-type]
    with pytest.raises(ProofRefused, match=r"SigningKey|signing key"):
        cosign(SIGNED, at, AT)  # type: ignore[arg-type]
