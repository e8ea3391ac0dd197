"""What a token claims, when it is good, what is remembered of it, and whose issuers are believed."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity import (
    CredentialRefused,
    IdentityError,
    TokenRules,
    TokenVerifier,
)
from tests.identity.tokens import (
    AT,
    AUDIENCE,
    GBR,
    ISSUERS,
    JPN,
    RULES,
    claims_of,
    code,
    header_of,
    issuer_of,
    nobody,
    signed,
    token,
    verifier,
    verify,
)

# --- claims


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "exp", "iat", "jti"])
def test_each_required_claim_that_is_absent_is_token_claim_missing(name: str) -> None:
    text = token()
    claims = claims_of(text)
    del claims[name]
    assert code(signed(header_of(text), claims)) == "token_claim_missing"


def test_a_token_without_nbf_begins_when_it_was_issued() -> None:
    text = token()
    claims = claims_of(text)
    del claims["nbf"]
    assert verify(signed(header_of(text), claims)).begins == AT


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": 1},
        {"iss": ["https://id.example.jp"]},
        {"sub": ""},
        {"sub": 7},
        {"sub": None},
        {"sub": "a\nb"},
        {"sub": "a\u202eb"},
        {"sub": "x" * 257},
        {"jti": ""},
        {"jti": 5},
        {"jti": ["a"]},
        {"aud": 1},
        {"aud": []},
        {"aud": [1]},
        {"aud": {}},
        {"aud": [AUDIENCE] * 17},
        {"exp": "2026"},
        {"exp": None},
        {"exp": True},
        {"exp": 1780318800.5},
        {"exp": 10**30},
        {"exp": -1},
        {"iat": "now"},
        {"iat": False},
        {"nbf": "now"},
        {"nbf": None},
        {"exp": int(AT.timestamp())},
        {"exp": 0},
        {"clearance": 3},
        {"clearance": None},
        {"clearance": ["SECRET"]},
        {"nationality": {}},
        {"purpose": ["a", "b"]},
        {"purpose": ""},
    ],
    ids=repr,
)
def test_a_claim_of_the_wrong_type_or_bound_is_token_claim_invalid(claims: dict[str, object]) -> None:
    text = token()
    assert code(signed(header_of(text), claims_of(text, **claims))) == "token_claim_invalid"


@pytest.mark.parametrize("aud", ["https://other.example", AUDIENCE + "/", [AUDIENCE.upper(), "x"], "https://gateway"])
def test_a_token_for_another_service_is_token_audience_wrong(aud: object) -> None:
    assert code(token(claims={"aud": aud})) == "token_audience_wrong"


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "exp", "iat", "jti", "clearance", "purpose", "whatever"])
def test_a_claim_that_stands_twice_is_refused_whichever_is_last(name: str) -> None:
    text = token(claims={name: claims_of(token(clearance="SECRET", purpose="a")).get(name, "x")})
    claims = json.dumps(claims_of(text)).encode()
    value = json.dumps(claims_of(text)[name]).encode()
    for doubled in (
        claims[:-1] + b', "' + name.encode() + b'": ' + value + b"}",
        claims[:-1] + b', "\\u%04x' % ord(name[0]) + name[1:].encode() + b'": 1}',
    ):
        assert code(signed(header_of(text), doubled)) == "token_malformed"


def test_a_header_member_that_stands_twice_is_refused() -> None:
    text = token()
    header = json.dumps(header_of(text)).encode()[:-1] + b', "alg": "EdDSA"}'
    assert code(signed(header, claims_of(text))) == "token_malformed"


def test_a_member_that_stands_twice_deep_inside_a_claim_is_refused() -> None:
    text = token()
    claims = json.dumps(claims_of(text)).encode()[:-1] + b', "more": [{"a": 1, "a": 2}]}'
    assert code(signed(header_of(text), claims)) == "token_malformed"


@pytest.mark.parametrize(
    "claims", [b"null", b"[]", b'"x"', b"{", b"\xff", b"{}{}", b'{"a": NaN}', b'{"a": ["\\ud800"]}']
)
def test_claims_that_are_not_one_json_object_are_token_malformed(claims: bytes) -> None:
    assert code(signed(header_of(token()), claims)) == "token_malformed"


def test_a_token_bound_to_a_key_is_no_bearer_token() -> None:
    assert code(token(claims={"cnf": {"jkt": "x"}})) == "token_proof_missing"


# --- time


def test_a_token_is_good_until_its_end_and_the_skew_and_not_a_second_longer() -> None:
    end = AT + timedelta(hours=1) + RULES.skew
    assert verify(token(), end - timedelta(seconds=1)).partner == "JPN"
    assert code(token(), end) == "token_expired"


def test_a_token_is_good_from_its_beginning_less_the_skew() -> None:
    text = token()
    assert verify(text, AT - RULES.skew).partner == "JPN"
    assert code(text, AT - RULES.skew - timedelta(seconds=1)) == "token_not_yet_valid"


def test_a_token_issued_in_the_future_is_token_not_yet_valid_even_without_nbf() -> None:
    text = token(at=AT + timedelta(hours=2))
    claims = claims_of(text)
    del claims["nbf"]
    assert code(signed(header_of(text), claims)) == "token_not_yet_valid"


def test_a_token_whose_nbf_is_later_than_its_iat_waits_for_it() -> None:
    assert code(token(claims={"nbf": int((AT + timedelta(minutes=2)).timestamp())})) == "token_not_yet_valid"


def test_a_token_that_lives_too_long_is_refused_from_the_first_second() -> None:
    assert verify(token(lifetime=RULES.lifetime)).partner == "JPN"
    assert code(token(lifetime=RULES.lifetime + timedelta(seconds=1))) == "token_lifetime_excessive"


def test_the_wall_clock_has_no_say() -> None:
    past = datetime(1999, 1, 1, tzinfo=UTC)
    assert verify(token(at=past), past).begins == past


# --- memo and revocation


def test_a_revoked_token_is_refused_though_it_is_remembered() -> None:
    by, text, gone = verifier(), token(jti="gone"), set()
    asked = lambda partner, jti: (partner, jti) in gone  # noqa: E731
    assert by.verify(f"Bearer {text}", AT, asked).jti == "gone"
    gone.add(("JPN", "gone"))
    with pytest.raises(CredentialRefused, match="token_revoked"):
        by.verify(f"Bearer {text}", AT, asked)


def test_revoking_another_partners_jti_does_not_touch_mine() -> None:
    assert verifier().verify(f"Bearer {token(jti='one')}", AT, lambda partner, _: partner == "GBR").jti == "one"


def test_a_remembered_token_is_refused_at_its_end_and_forgotten() -> None:
    by, text = verifier(), token()
    verify(text, by=by)
    assert len(by._memo) == 1
    assert code(text, AT + timedelta(hours=2), by) == "token_expired"
    assert len(by._memo) == 0


def test_only_tokens_that_verified_are_remembered() -> None:
    by = verifier()
    for claims in ({"aud": "x"}, {"exp": 1}, {"iss": "x"}):
        code(token(claims=claims), by=by)
    code(token()[:-4] + "AAAA", by=by)
    assert len(by._memo) == 0


def test_the_memo_is_bounded_and_forgets_the_oldest() -> None:
    by = verifier(rules=TokenRules(memo=3))
    for number in range(10):
        verify(token(jti=str(number)), by=by)
    assert [known.caller.jti for known in by._memo.values()] == ["7", "8", "9"]


def test_a_remembered_token_is_not_verified_a_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    by, text = verifier(), token()
    first = verify(text, by=by)
    monkeypatch.setattr("gateway.identity.tokens._verify_signature", None)
    assert verify(text, by=by) is first


def test_the_digest_differs_when_any_thing_that_tokens_are_judged_by_does() -> None:
    base = issuer_of(JPN)
    variants = [
        base,
        replace(base, partner="GBR"),
        replace(base, issuer="x"),
        replace(base, audience="x"),
        replace(base, algorithms=("EdDSA",)),
        replace(base, keys=base.keys[:1]),
        replace(base, keys=(replace(base.keys[0], use=None), base.keys[1])),
        replace(base, keys=(replace(base.keys[0], expires=AT), base.keys[1])),
    ]
    assert len({verifier(issuer).digest for issuer in variants}) == len(variants)
    assert verifier(base, issuer_of(GBR)).digest == verifier(issuer_of(GBR), base).digest


# --- the set of issuers


def test_an_issuer_under_two_partners_refuses_the_whole_set() -> None:
    with pytest.raises(IdentityError, match="stands under two partners"):
        verifier(issuer_of(JPN), replace(issuer_of(GBR), issuer=ISSUERS["JPN"]))


def test_a_key_under_two_partners_refuses_the_whole_set() -> None:
    with pytest.raises(IdentityError, match="one key speaks for one partner"):
        verifier(issuer_of(JPN), replace(issuer_of(GBR), keys=issuer_of(JPN).keys))


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES512", "eddsa"])
def test_an_agreement_cannot_name_an_algorithm_that_is_none_of_ours(algorithm: str) -> None:
    with pytest.raises(IdentityError, match="is not one of EdDSA, ES256, ES384, PS256, RS256"):
        verifier(issuer_of(JPN, algorithm))


def test_with_no_issuers_every_token_is_refused() -> None:
    assert code(token(), by=TokenVerifier((), RULES)) == "token_unknown_issuer"


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda data: "Bearer " + data.decode("latin-1")))
def test_any_text_at_all_is_refused_by_a_code(value: str) -> None:
    with pytest.raises(CredentialRefused):
        verifier().verify(value, AT, nobody)


@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jku"]), st.none() | st.integers() | st.text()),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=10,
    ),
)
def test_any_json_as_header_and_claims_is_refused_by_a_code(header: dict[str, object], claims: object) -> None:
    assert code(signed(header, json.dumps(claims).encode())).startswith("token_")
