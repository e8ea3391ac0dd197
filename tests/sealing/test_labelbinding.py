"""A label bound to its content: stripped, swapped, stale and forged bindings do not hold."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway.keys.jwks import PrivateJwk, PublicJwk, parse_jwks, parse_private_jwks
from gateway.markings.binding import (
    BindingDoubt,
    BindingRefused,
    BindingStatement,
    build_statement,
    check_binding,
    digest,
    parse_statement,
)
from gateway.sealing.errors import SealingError
from gateway.sealing.labelbinding import BINDING_TYPE, binding_verifier, sign_binding

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
LABEL, CONTENT, ABOUT = b"S//REL TO USA, JPN", b'{"satNo":5}', "elset/5"
STATEMENT = BindingStatement(ABOUT, digest(LABEL), digest(CONTENT), AT - timedelta(days=1), AT + timedelta(days=1))


def _pair(curve: str = "P-384", kid: str = "labeller", **more: object) -> tuple[PrivateJwk, PublicJwk]:
    made = ECKey.generate_key(curve).as_dict(private=True) | {"kid": kid, "use": "sig"} | more
    public = {name: value for name, value in made.items() if name != "d"}
    private = parse_private_jwks(json.dumps({"keys": [made]}).encode())[0]
    return private, parse_jwks(json.dumps({"keys": [public]}).encode())[0]


PRIVATE, PUBLIC = _pair()
SIGNED = sign_binding(STATEMENT, PRIVATE)


def doubt(signed: bytes | None = SIGNED, **changed: object) -> BindingDoubt | None:
    """Why the binding does not hold after these changes; ``None`` when it does."""
    keys = changed.pop("keys", (PUBLIC,))
    asked: dict[str, object] = {"about": ABOUT, "label": LABEL, "content": CONTENT, "at": AT} | changed
    try:
        check_binding(signed, binding_verifier(keys, AT), **asked)  # type: ignore[arg-type]
    except BindingRefused as refused:
        return refused.doubt
    return None


@pytest.mark.parametrize("curve", ["P-384", "P-256"])
def test_a_binding_by_a_known_key_over_both_digests_holds(curve: str) -> None:
    private, public = _pair(curve)
    assert doubt(sign_binding(STATEMENT, private), keys=(public,)) is None
    assert check_binding(SIGNED, binding_verifier((PUBLIC,), AT), about=ABOUT, label=LABEL, content=CONTENT, at=AT) == (
        STATEMENT
    )


def _resigned(statement: BindingStatement) -> bytes:
    return sign_binding(statement, PRIVATE)


OTHER = replace(STATEMENT, content=digest(b'{"satNo":6}'), about="elset/6")
DOUBTS = [
    ("stripped", None, {}, BindingDoubt.STRIPPED),
    ("stripped to nothing", b"", {}, BindingDoubt.STRIPPED),
    ("the label swapped", SIGNED, {"label": b"U"}, BindingDoubt.LABEL_CHANGED),
    ("the label written anew", SIGNED, {"label": b"S//REL TO USA,JPN"}, BindingDoubt.LABEL_CHANGED),
    ("the content swapped", SIGNED, {"content": b'{"satNo":6}'}, BindingDoubt.CONTENT_CHANGED),
    ("another content's binding", _resigned(OTHER), {}, BindingDoubt.OTHER_CONTENT),
    ("another name's binding", SIGNED, {"about": "elset/6"}, BindingDoubt.OTHER_CONTENT),
    ("stale", SIGNED, {"at": STATEMENT.until}, BindingDoubt.STALE),
    ("made before the youngest age asked for", SIGNED, {"since": AT}, BindingDoubt.STALE),
    ("made later than asked about", SIGNED, {"at": STATEMENT.made - timedelta(seconds=1)}, BindingDoubt.NOT_YET),
    ("a wrong key", sign_binding(STATEMENT, _pair()[0]), {}, BindingDoubt.UNVERIFIED),
    ("an unknown key", SIGNED, {"keys": ()}, BindingDoubt.UNVERIFIED),
    ("a key that has expired", SIGNED, {"keys": (replace(PUBLIC, expires=AT),)}, BindingDoubt.UNVERIFIED),
    ("a key for encryption", SIGNED, {"keys": (replace(PUBLIC, use="enc"),)}, BindingDoubt.UNVERIFIED),
    ("too long", SIGNED + b"A" * 8192, {}, BindingDoubt.UNVERIFIED),
    ("no JWS", b"label", {}, BindingDoubt.UNVERIFIED),
]


@pytest.mark.parametrize(("why", "signed", "changed", "expected"), DOUBTS, ids=[why for why, *_ in DOUBTS])
def test_a_binding_that_does_not_hold_says_at_which_step(
    why: str, signed: bytes | None, changed: dict[str, object], expected: BindingDoubt
) -> None:
    assert doubt(signed, **changed) is expected


def test_a_label_changed_and_signed_again_by_who_has_no_key_does_not_hold() -> None:
    """The key in the header is the signer's own: verifiers elsewhere took it for the one to verify with."""
    mine = ECKey.generate_key("P-384", {"kid": "labeller"})
    payload = build_statement(replace(STATEMENT, label=digest(b"U")))
    for more in ({}, {"jwk": mine.as_dict(private=False)}):
        header = {"alg": "ES384", "kid": "labeller", "typ": BINDING_TYPE, **more}
        forged = jws.serialize_compact(header, payload, mine, algorithms=["ES384"]).encode()
        assert doubt(forged, label=b"U") is BindingDoubt.UNVERIFIED


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("HS256", OctKey.import_key(b"x" * 32)),
        ("RS256", RSAKey.generate_key(2048)),
        ("ES256", ECKey.generate_key("P-256")),
    ],
)
def test_the_key_and_not_the_header_decides_the_algorithm(alg: str, key: ECKey | RSAKey | OctKey) -> None:
    header = {"alg": alg, "kid": "labeller", "typ": BINDING_TYPE}
    signed = jws.serialize_compact(header, build_statement(STATEMENT), key, algorithms=[alg]).encode()
    assert doubt(signed) is BindingDoubt.UNVERIFIED


def test_no_signature_and_another_statement_of_the_same_key_do_not_hold() -> None:
    body = urlsafe_b64encode(build_statement(STATEMENT)).rstrip(b"=")
    none = urlsafe_b64encode(json.dumps({"alg": "none", "kid": "labeller", "typ": BINDING_TYPE}).encode()).rstrip(b"=")
    assert doubt(none + b"." + body + b".") is BindingDoubt.UNVERIFIED
    key = ECKey.import_key(PRIVATE.to_json())  # type: ignore[arg-type]
    for header in ({"alg": "ES384", "kid": "labeller", "typ": "JWT"}, {"alg": "ES384", "kid": "labeller"}):
        signed = jws.serialize_compact(header, build_statement(STATEMENT), key, algorithms=["ES384"]).encode()
        assert doubt(signed) is BindingDoubt.UNVERIFIED


def test_a_well_signed_payload_that_is_no_statement_of_ours_is_refused() -> None:
    key = ECKey.import_key(PRIVATE.to_json())  # type: ignore[arg-type]
    good = build_statement(STATEMENT)
    said = json.loads(good)
    changes: list[bytes] = [
        b"{}",
        good + b" ",
        good.replace(b'"version":1', b'"version":2'),
        good.replace(b'"version":1', b'"version":true'),
        good.replace(b"sha-384", b"sha-1"),
        good.replace(b'"digest"', b'"extra":1,"digest"'),
        good.replace(b'"label":"', b'"label":"00'),
        good.replace(said["label"].encode(), said["label"].upper().encode()),
        good.replace(b'"about":"elset/5"', b'"about":"elset/5","about":"elset/5"'),
        good.replace(said["until"].encode(), said["made"].encode()),
    ]
    for payload in changes:
        header = {"alg": "ES384", "kid": "labeller", "typ": BINDING_TYPE}
        signed = jws.serialize_compact(header, payload, key, algorithms=["ES384"]).encode()
        assert doubt(signed) is BindingDoubt.UNREADABLE, payload


def test_a_label_is_bound_with_the_keys_of_the_standard_alone() -> None:
    with pytest.raises(SealingError):
        sign_binding(STATEMENT, replace(PRIVATE, public=replace(PRIVATE.public, use="enc")))
    with pytest.raises(SealingError):
        sign_binding(STATEMENT, replace(PRIVATE, public=replace(PRIVATE.public, kty="OKP", curve="Ed25519")))


@given(place=st.integers(0, len(SIGNED) - 1), put=st.sampled_from(b"Ab_-.9"))
def test_no_change_of_one_character_holds(place: int, put: int) -> None:
    changed = SIGNED[:place] + bytes((put,)) + SIGNED[place + 1 :]
    if changed != SIGNED:
        assert doubt(changed) is not None


_moments = st.datetimes(datetime(2000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is drawn beside it


@given(about=st.text(st.characters(categories=("L", "N", "P")), min_size=1), label=st.binary(), made=_moments)
def test_any_statement_survives_a_round_trip(about: str, label: bytes, made: datetime) -> None:
    until = made + timedelta(seconds=1) if made.year < 9999 else made
    if made < until:
        statement = BindingStatement(about[:512], digest(label), digest(b""), made, until)
        assert parse_statement(build_statement(statement)) == statement
