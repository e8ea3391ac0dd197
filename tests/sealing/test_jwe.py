"""What is sealed opens for its recipient alone, by any JOSE library, and not at all once anything was
touched.
"""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe as other_jwe
from jwcrypto import jwe as second_jwe
from jwcrypto import jwk as second_jwk
from jwcrypto import jws as second_jws

from gateway.keys.jwks import as_joserfc
from gateway.keys.partner import generate_key, generate_partner
from gateway.sealing import Opened, SealingError, open_sealed, open_sequence, seal
from gateway.sealing.jwe import _REGISTRY, SEALED_LIMIT
from gateway.sealing.signature import CONTENT_LIMIT, LABEL_LIMIT, Binding, sign

GATEWAY = generate_key("Ed25519", use="sig", alg="EdDSA")
KEYS = {curve: generate_partner("JPN", curve=curve).sealing for curve in ("X25519", "P-256", "P-384")}
JPN, GBR = KEYS["X25519"], generate_partner("GBR").sealing
CONTENT = b'[{"id":"one","classificationMarking":"U//REL TO USA, JPN"}]'
LABEL = "UNCLASSIFIED//REL TO USA, JPN"


def sealed(content: bytes = CONTENT, key=JPN, **said: object) -> bytes:
    members = {
        "media_type": "application/json",
        "recipient_jwk": key.public,
        "recipient": "JPN",
        "release": "01JX0R",
        "chunk": 0,
        "last": True,
        "label": LABEL,
        "signing_key": GATEWAY,
    }
    return seal(content, **(members | said))


def opened(data: bytes, key=JPN, **said: object) -> Opened:
    return open_sealed(data, key, (GATEWAY.public,), **said)


def code(data: bytes, key=JPN, **said: object) -> str:
    with pytest.raises(SealingError) as refusal:
        opened(data, key, **said)
    return refusal.value.code


def encoded(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def header_of(data: bytes) -> dict[str, object]:
    return json.loads(urlsafe_b64decode(data.split(b".")[0] + b"=="))


def resealed(inner: bytes, key=JPN, **header: object) -> bytes:
    """Something encrypted to the partner by anybody at all: encrypting to a public key takes no secret."""
    base = {"alg": "ECDH-ES", "enc": "A256GCM", "cty": "JOSE", "kid": key.public.thumbprint}
    base |= {"release": "01JX0R", "chunk": 0, "last": True} | header
    return other_jwe.encrypt_compact(base, inner, as_joserfc(key.public), registry=_REGISTRY).encode()


def binding(**said: object) -> Binding:
    members = {
        "media_type": "application/json",
        "recipient": "JPN",
        "recipient_key": JPN.public.thumbprint,
        "release": "01JX0R",
        "chunk": 0,
        "last": True,
        "label": LABEL,
    }
    return Binding(**(members | said))


@pytest.mark.parametrize("curve", KEYS)
def test_what_is_sealed_to_a_key_opens_with_it_whole(curve: str) -> None:
    key = KEYS[curve]
    assert opened(sealed(key=key), key, recipient="JPN") == Opened(
        content=CONTENT,
        media_type="application/json",
        release="01JX0R",
        chunk=0,
        last=True,
        label=LABEL,
        recipient="JPN",
        recipient_key=key.public.thumbprint,
        signed_by=GATEWAY.public.thumbprint,
    )


@pytest.mark.parametrize("curve", KEYS)
def test_a_second_jose_library_opens_it_without_knowing_us(curve: str) -> None:
    key = KEYS[curve]
    envelope = second_jwe.JWE()
    envelope.deserialize(sealed(key=key).decode(), key=second_jwk.JWK(**key.to_json()))
    assert json.loads(envelope.objects["protected"])["cty"] == "JOSE"
    signature = second_jws.JWS()
    signature.deserialize(envelope.payload.decode(), key=second_jwk.JWK(**GATEWAY.public.to_json()))
    assert signature.payload == CONTENT
    assert signature.jose_header["cty"] == "application/json"
    assert signature.jose_header["recipient"] == "JPN"


@pytest.mark.parametrize("curve", KEYS)
def test_what_a_second_jose_library_seals_the_same_way_opens_here(curve: str) -> None:
    key = KEYS[curve]
    inner = sign(CONTENT, binding(recipient_key=key.public.thumbprint), GATEWAY)
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "cty": "JOSE", "kid": key.public.thumbprint}
    header |= {"release": "01JX0R", "chunk": 0, "last": True}
    envelope = second_jwe.JWE(inner, protected=json.dumps(header))
    envelope.header_registry = None
    envelope.add_recipient(second_jwk.JWK(**key.public.to_json()))
    assert opened(envelope.serialize(compact=True).encode(), key).content == CONTENT


def test_nothing_of_label_media_type_or_recipient_name_stands_in_clear() -> None:
    header = header_of(sealed())
    assert set(header) == {"alg", "enc", "epk", "cty", "kid", "release", "chunk", "last"}
    assert "JPN" not in json.dumps(header)
    assert "zip" not in header


def test_equal_contents_are_sealed_differently_each_time_but_equally_long() -> None:
    once, again = sealed(), sealed()
    assert once != again
    assert len(once) == len(again)
    assert set(once.split(b".")) & set(again.split(b".")) == {b""}


def test_another_partners_key_opens_nothing() -> None:
    assert code(sealed(), GBR) == "not_for_this_key"
    data = sealed()
    renamed = encoded(json.dumps(header_of(data) | {"kid": GBR.public.thumbprint}).encode())
    assert code(b".".join([renamed, *data.split(b".")[1:]]), GBR) == "cannot_decrypt"


@pytest.mark.parametrize("curve", KEYS)
@pytest.mark.parametrize("part", range(5))
def test_one_changed_bit_in_any_part_opens_nothing(curve: str, part: int) -> None:
    key = KEYS[curve]
    parts = sealed(key=key).split(b".")
    data = bytearray(urlsafe_b64decode(parts[part] + b"==")) or bytearray(1)
    for place in {0, 1, len(data) // 3, len(data) // 2, len(data) - 2, len(data) - 1} & set(range(len(data))):
        changed = bytearray(data)
        changed[place] ^= 1
        forged = [*parts]
        forged[part] = encoded(bytes(changed))
        assert code(b".".join(forged), key)


@pytest.mark.parametrize("name", ["release", "chunk", "last", "kid", "cty", "alg", "enc", "epk"])
def test_each_member_of_the_envelopes_header_is_needed(name: str) -> None:
    data = sealed()
    header = header_of(data)
    del header[name]
    assert code(b".".join([encoded(json.dumps(header).encode()), *data.split(b".")[1:]])) in {
        "header_refused",
        "algorithm_refused",
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"zip": "DEF"},
        {"crit": ["release"]},
        {"apu": "AA"},
        {"jku": "https://evil.example"},
        {"label": "S"},
        {"cty": "JWT"},
        {"cty": None},
        {"chunk": True},
        {"chunk": "0"},
        {"chunk": 0.0},
        {"last": 1},
        {"last": "true"},
        {"epk": "x"},
        {"epk": {}},
        {"epk": {"kty": "OKP"}},
        {"epk": {"kty": "OKP", "crv": "X25519", "x": 1}},
        {"epk": {"kty": "OKP", "crv": "X25519", "x": "AA"}},
        {"epk": {"kty": "OKP", "crv": ["X25519"], "x": "AA"}},
        {"epk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
        {"epk": {"kty": ["OKP"]}},
        {"epk": {"kty": "oct", "k": "AA"}},
        {"kid": 7},
        {"release": 7},
        {"release": ""},
    ],
    ids=str,
)
def test_an_envelope_header_that_is_not_exactly_ours_opens_nothing(changed: dict[str, object]) -> None:
    data = sealed()
    forged = encoded(json.dumps(header_of(data) | changed).encode())
    assert code(b".".join([forged, *data.split(b".")[1:]]))


@pytest.mark.parametrize(
    "changed",
    [
        {"alg": "ECDH-ES+A256KW"},
        {"alg": "dir"},
        {"alg": "RSA1_5"},
        {"alg": "none"},
        {"alg": None},
        {"enc": "A128GCM"},
        {"enc": "A128CBC-HS256"},
    ],
)
def test_an_algorithm_other_than_the_pinned_ones_is_refused(changed: dict[str, object]) -> None:
    data = sealed()
    forged = encoded(json.dumps(header_of(data) | changed).encode())
    assert code(b".".join([forged, *data.split(b".")[1:]])) == "algorithm_refused"


def test_an_envelope_header_member_that_stands_twice_is_refused() -> None:
    data = sealed()
    text = json.dumps(header_of(data)).encode()[:-1] + b', "chunk": 0}'
    assert code(b".".join([encoded(text), *data.split(b".")[1:]])) == "not_sealed"


@pytest.mark.parametrize("point", ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AQ" + "A" * 41])
def test_an_ephemeral_point_of_small_order_opens_nothing(point: str) -> None:
    data = sealed()
    header = header_of(data) | {"epk": {"kty": "OKP", "crv": "X25519", "x": point}}
    assert code(b".".join([encoded(json.dumps(header).encode()), *data.split(b".")[1:]])) == "cannot_decrypt"


def test_sealing_to_a_point_of_small_order_is_refused() -> None:
    weak = replace(JPN.public, material=(("crv", "X25519"), ("x", "A" * 43)), thumbprint="x" * 43)
    with pytest.raises(SealingError, match="key_unfit"):
        sealed(recipient_jwk=weak)


# --- what anybody can encrypt to a public key


def test_content_that_the_gateway_did_not_sign_is_refused() -> None:
    impostor = generate_key("Ed25519", use="sig", alg="EdDSA")
    assert code(resealed(sign(CONTENT, binding(), impostor))) == "signer_unknown"


def test_content_signed_under_the_gateways_key_name_by_another_is_refused() -> None:
    impostor = generate_key("Ed25519", use="sig", alg="EdDSA")
    named = replace(impostor, public=replace(impostor.public, kid=GATEWAY.public.kid))
    assert code(resealed(sign(CONTENT, binding(), named))) == "signature_invalid"


def test_unsigned_content_is_refused() -> None:
    assert code(resealed(CONTENT)) == "signature_invalid"
    assert code(resealed(b"")) == "signature_invalid"


def test_what_was_signed_for_me_cannot_be_passed_on_as_sent_to_another() -> None:
    inner = sign(CONTENT, binding(), GATEWAY)
    assert code(resealed(inner, GBR), GBR) == "headers_disagree"


def test_what_was_signed_for_another_partner_on_my_key_is_refused_when_i_say_who_i_am() -> None:
    data = sealed(recipient="GBR")
    assert code(data, recipient="JPN") == "headers_disagree"


@pytest.mark.parametrize("changed", [{"release": "01JX0S"}, {"chunk": 1}, {"last": False}])
def test_an_envelope_that_says_otherwise_than_the_signature_is_refused(changed: dict[str, object]) -> None:
    assert code(resealed(sign(CONTENT, binding(), GATEWAY), **changed)) == "headers_disagree"


def inner_with(**changed: object) -> bytes:
    """A JWS by the gateway's own key with another header than the gateway would ever sign."""
    from gateway.keys.jwks import private_as_joserfc

    header, payload, _ = sign(CONTENT, binding(), GATEWAY).split(b".")
    members = json.loads(urlsafe_b64decode(header + b"==")) | changed
    members = {name: value for name, value in members.items() if value is not ...}
    signing_input = encoded(json.dumps(members).encode()) + b"." + payload
    return signing_input + b"." + encoded(private_as_joserfc(GATEWAY).private_key.sign(signing_input))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"alg": "Ed25519"}, "algorithm_refused"),
        ({"alg": "none"}, "algorithm_refused"),
        ({"alg": "HS256"}, "algorithm_refused"),
        ({"typ": "JWT"}, "header_refused"),
        ({"typ": ...}, "header_refused"),
        ({"crit": ["label"]}, "header_refused"),
        ({"b64": False}, "header_refused"),
        ({"jwk": GATEWAY.public.members()}, "header_refused"),
        ({"label": ...}, "header_refused"),
        ({"label": None}, "header_refused"),
        ({"label": "x" * (LABEL_LIMIT + 1)}, "header_refused"),
        ({"chunk": True}, "header_refused"),
        ({"chunk": -1}, "header_refused"),
        ({"last": 1}, "header_refused"),
        ({"recipient": ""}, "header_refused"),
        ({"cty": 7}, "header_refused"),
        ({"kid": 7}, "signer_unknown"),
        ({"kid": "nobody"}, "signer_unknown"),
    ],
    ids=lambda value: str(value)[:40],  # a key made afresh must not name a test: workers collect alike
)
def test_a_signature_header_that_is_not_exactly_ours_is_refused(changed: dict[str, object], expected: str) -> None:
    assert code(resealed(inner_with(**changed))) == expected


def test_without_verification_keys_nothing_is_believed() -> None:
    with pytest.raises(SealingError, match="signer_unknown"):
        open_sealed(sealed(), JPN, ())


def test_a_verification_key_that_is_not_for_ed25519_signatures_is_never_used() -> None:
    odd = replace(KEYS["P-256"].public, kid=GATEWAY.public.kid)
    with pytest.raises(SealingError, match="algorithm_refused"):
        open_sealed(sealed(), JPN, (odd,))


# --- keys and bounds


@pytest.mark.parametrize(
    "key",
    [
        GATEWAY.public,
        replace(JPN.public, use="sig"),
        replace(JPN.public, alg="RSA-OAEP"),
        replace(JPN.public, operations=("verify",)),
    ],
    ids=lambda key: f"{key.curve}-{key.use}-{key.alg}-{key.operations}",
)
def test_a_key_that_is_not_for_agreement_is_not_sealed_to(key: object) -> None:
    with pytest.raises(SealingError, match="key_unfit"):
        sealed(recipient_jwk=key)


def test_a_key_that_allows_key_agreement_is_sealed_to() -> None:
    assert opened(sealed(recipient_jwk=replace(JPN.public, operations=("deriveBits",)))).content == CONTENT


@pytest.mark.parametrize(
    "said",
    [
        {"media_type": "a\nb/c"},
        {"media_type": ""},
        {"recipient": "J\u00d6"},
        {"recipient": "two words"},
        {"release": ""},
        {"release": "x" * 257},
        {"chunk": -1},
        {"chunk": 2**53},
        {"label": "x" * (LABEL_LIMIT + 1)},
        {"label": "a\nb"},
        {"label": "ÜNCLASSIFIED"},
    ],
    ids=str,
)
def test_a_header_value_out_of_bounds_is_not_sealed(said: dict[str, object]) -> None:
    with pytest.raises(SealingError, match="header_refused"):
        sealed(**said)


def test_the_longest_label_and_names_fit() -> None:
    data = sealed(
        label="x" * LABEL_LIMIT, recipient="p" * 256, release="r" * 256, media_type="application/" + "x" * 200
    )
    assert opened(data).label == "x" * LABEL_LIMIT


def test_more_content_than_a_chunk_holds_is_not_sealed() -> None:
    with pytest.raises(SealingError, match="too_large"):
        sealed(bytes(CONTENT_LIMIT + 1))


def test_a_chunk_of_many_megabytes_is_sealed_and_opens() -> None:
    content = bytes(8 * 1024 * 1024)
    assert opened(sealed(content)).content == content


def test_more_than_a_sealed_chunk_is_refused_before_it_is_read() -> None:
    assert code(b"." * (SEALED_LIMIT + 1)) == "too_large"


@pytest.mark.parametrize("data", [b"", b"....", b"a.b.c", b"a.b.c.d.e", b"{}", b"e30....", b"e30.....", b"\xff" * 9])
def test_what_is_no_jwe_of_ours_is_refused(data: bytes) -> None:
    assert code(data) in {"not_sealed", "algorithm_refused"}


def test_a_sealed_answer_with_a_newline_or_padding_is_not_the_same_bytes() -> None:
    for forged in (sealed() + b"\n", sealed() + b"=", b" " + sealed()):
        assert code(forged)


@given(st.binary(max_size=5000), st.booleans(), st.integers(0, 2**53 - 1), st.sampled_from(list(KEYS)))
@settings(deadline=None)
def test_any_content_comes_back_as_it_went_in(content: bytes, last: bool, chunk: int, curve: str) -> None:
    result = opened(sealed(content, KEYS[curve], last=last, chunk=chunk), KEYS[curve])
    assert (result.content, result.last, result.chunk) == (content, last, chunk)


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_any_edit_of_the_text_at_all_opens_nothing(data: st.DataObject) -> None:
    text = sealed()
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    put = data.draw(st.binary(max_size=20) | st.text("ABCabc019-_.", max_size=20).map(str.encode))
    edited = text[:start] + put + text[end:]
    if edited != text:
        assert code(edited)


# --- sequences


def chunks(number: int = 4) -> list[bytes]:
    return [sealed(b"%d" % place, chunk=place, last=place == number - 1) for place in range(number)]


def sequence_code(lines: list[bytes]) -> str:
    with pytest.raises(SealingError) as refusal:
        list(open_sequence(lines, JPN, (GATEWAY.public,)))
    return refusal.value.code


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_whole_sequence_opens_in_order(number: int) -> None:
    contents = [chunk.content for chunk in open_sequence(chunks(number), JPN, (GATEWAY.public,))]
    assert contents == [b"%d" % place for place in range(number)]


def test_chunks_are_given_out_as_they_come() -> None:
    def lines():
        yield chunks()[0]
        raise ConnectionError

    got = open_sequence(lines(), JPN, (GATEWAY.public,))
    assert next(got).content == b"0"
    with pytest.raises(ConnectionError):
        next(got)


def test_no_chunks_at_all_is_not_an_empty_answer() -> None:
    assert sequence_code([]) == "cut_short"


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_a_sequence_without_its_end_is_cut_short(kept: int) -> None:
    assert sequence_code(chunks()[:kept]) == "cut_short"


@pytest.mark.parametrize("order", [[1, 2, 3], [0, 2, 3], [0, 0, 1, 2, 3], [0, 2, 1, 3], [3], [1, 0, 2, 3], [0, 1, 1]])
def test_a_chunk_dropped_repeated_or_moved_is_noticed(order: list[int]) -> None:
    lines = chunks()
    assert sequence_code([lines[place] for place in order]) == "out_of_order"


def test_a_chunk_after_the_last_is_noticed() -> None:
    lines = chunks(2)
    assert sequence_code([*lines, lines[1]]) == "too_much"


@pytest.mark.parametrize("said", [{"release": "other"}, {"media_type": "text/plain"}, {"recipient": "GBR"}])
def test_a_chunk_of_another_release_is_noticed(said: dict[str, object]) -> None:
    assert sequence_code([chunks()[0], sealed(chunk=1, **said)]) == "out_of_order"


def test_random_bytes_never_open() -> None:
    for _ in range(50):
        assert code(os.urandom(300))
