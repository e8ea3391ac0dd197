"""Every trick with a token that we know of, over HTTP: its own code, one entry, nothing asked of the source."""

import base64
import hashlib
import hmac
import io
import json
from collections.abc import Callable, Mapping
from datetime import timedelta

import jwt
import pytest

from gateway.activation.orders import Order, revoke
from gateway.identity.mint import mint
from gateway.keys.jwks import private_as_joserfc
from gateway.sealing.jwe import MEDIA_TYPE as SEALED_TYPE
from tests.support.loopback import ELSETS, Loopback

ISSUER, AUDIENCE = "https://issuer.gbr.example", "releasability-gateway"
Make = Callable[[Loopback], str]


def part(value: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims(here: Loopback, **changed: object) -> dict[str, object]:
    at = int(here.gateway.service.clock().timestamp())
    said: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "gbr-space-command",
        "iat": at,
        "exp": at + 600,
        "jti": "one",
        "purpose": "collision-avoidance",
    }
    return {name: value for name, value in (said | changed).items() if value is not None}


def signed(here: Loopback, by: str = "GBR", header: Mapping[str, object] | None = None, **changed: object) -> str:
    """A token with any header and claims, signed by a partner's key under the kid of GBR's."""
    key = private_as_joserfc(here.gateway.stage.signing_key(by)).private_key
    kid = here.gateway.stage.signing_key("GBR").public.kid
    return jwt.encode(claims(here, **changed), key, "EdDSA", {"kid": kid} | dict(header or {}))


def kid(here: Loopback) -> str:
    """The name of GBR's key, as JSON."""
    return json.dumps(here.gateway.stage.signing_key("GBR").public.kid)


def signed_text(here: Loopback, kid_text: str, more_claims: str = "") -> str:
    """A well signed token whose header and claims are these very texts, repeated members and all."""
    key = private_as_joserfc(here.gateway.stage.signing_key("GBR")).private_key
    header = f'{{"alg": "EdDSA", "kid": {kid_text}}}'
    said = json.dumps(claims(here))
    parts = (header, "{" + more_claims + said[1:])
    text = ".".join(base64.urlsafe_b64encode(each.encode()).rstrip(b"=").decode() for each in parts)
    return f"{text}.{base64.urlsafe_b64encode(key.sign(text.encode())).rstrip(b'=').decode()}"


def unsigned(here: Loopback, algorithm: str, signature: str = "") -> str:
    kid = here.gateway.stage.signing_key("GBR").public.kid
    return f"{part({'alg': algorithm, 'kid': kid})}.{part(claims(here))}.{signature}"


def keyed_with_the_public_key(here: Loopback) -> str:
    """RFC 8725 section 2.1: an HMAC whose secret is the public key that everybody has."""
    key = here.gateway.stage.signing_key("GBR").public
    text = f"{part({'alg': 'HS256', 'kid': key.kid})}.{part(claims(here))}"
    mac = hmac.digest(json.dumps(key.to_json()).encode(), text.encode(), hashlib.sha256)
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def sealing_kid(here: Loopback) -> str:
    held = json.loads(here.gateway.stage.private_jwks("GBR"))["keys"]
    return next(key["kid"] for key in held if key["use"] == "enc")


def at(here: Loopback, **moved: float) -> int:
    return int((here.gateway.service.clock() + timedelta(**moved)).timestamp())


TRICKS: tuple[tuple[str, Make, str], ...] = (
    ("no-token", lambda _: "", "token_malformed"),
    ("not-three-parts", lambda _: "a.b", "token_malformed"),
    ("not-json", lambda _: "YQ.YQ.YQ", "token_malformed"),
    ("five-parts", lambda here: signed(here) + ".a.b", "token_malformed"),
    ("something-after-it", lambda here: signed(here) + " x", "token_malformed"),
    ("too-long", lambda here: signed(here, pad="x" * 9000), "token_too_long"),
    ("alg-none", lambda here: unsigned(here, "none"), "token_malformed"),
    ("alg-none-with-a-signature", lambda here: unsigned(here, "none", "YQ"), "token_algorithm_refused"),
    ("alg-None", lambda here: unsigned(here, "None", "YQ"), "token_algorithm_refused"),
    ("key-confusion", keyed_with_the_public_key, "token_algorithm_refused"),
    ("alg-not-agreed", lambda here: unsigned(here, "RS256", "YQ"), "token_algorithm_refused"),
    ("alg-of-another-key", lambda here: unsigned(here, "ES256", "YQ"), "token_key_unfit"),
    ("kid-unknown", lambda here: signed(here, header={"kid": "none"}), "token_key_unknown"),
    ("kid-a-path", lambda here: signed(here, header={"kid": "../../etc/passwd"}), "token_key_unknown"),
    ("kid-of-the-sealing-key", lambda here: signed(here, header={"kid": sealing_kid(here)}), "token_key_unknown"),
    ("jku", lambda here: signed(here, header={"jku": "http://127.0.0.1:1/jwks"}), "token_header_refused"),
    ("x5u", lambda here: signed(here, header={"x5u": "http://127.0.0.1:1/x"}), "token_header_refused"),
    ("jwk", lambda here: signed(here, header={"jwk": {"kty": "OKP"}}), "token_header_refused"),
    ("x5c", lambda here: signed(here, header={"x5c": ["MA=="]}), "token_header_refused"),
    ("crit", lambda here: signed(here, header={"crit": ["exp"]}), "token_header_refused"),
    ("kid-an-injection", lambda here: signed(here, header={"kid": "x' OR '1'='1"}), "token_key_unknown"),
    ("kid-an-address", lambda here: signed(here, header={"kid": "http://127.0.0.1:1/key"}), "token_key_unknown"),
    ("kid-huge", lambda here: signed(here, header={"kid": "k" * 5000}), "token_key_unknown"),
    ("kid-a-list", lambda here: signed_text(here, kid(here).replace('"', '["', 1) + "]"), "token_malformed"),
    ("kid-twice", lambda here: signed_text(here, f'"x", "kid": {kid(here)}'), "token_malformed"),
    ("kid-twice-in-escapes", lambda here: signed_text(here, f'{kid(here)}, "k\\u0069d": "x"'), "token_malformed"),
    ("claim-twice", lambda here: signed_text(here, kid(here), '"sub": "gbr-civil-registry", '), "token_malformed"),
    ("b64", lambda here: signed_text(here, f'{kid(here)}, "b64": true'), "token_header_refused"),
    ("nested-token", lambda here: signed(here, header={"cty": "JWT"}), "token_header_refused"),
    ("encrypted-token", lambda here: signed(here, header={"enc": "A256GCM"}), "token_header_refused"),
    ("typ-of-a-logout-token", lambda here: signed(here, header={"typ": "logout+jwt"}), "token_header_refused"),
    ("zip", lambda here: signed(here, header={"zip": "DEF"}), "token_header_refused"),
    ("another-kind-of-jws", lambda here: signed(here, header={"typ": "dpop+jwt"}), "token_header_refused"),
    ("signed-by-another-partner", lambda here: signed(here, by="JPN"), "token_signature_invalid"),
    ("altered", lambda here: signed(here)[:-8] + "AAAAAAAA", "token_signature_invalid"),
    ("unknown-issuer", lambda here: signed(here, iss="https://elsewhere.example"), "token_unknown_issuer"),
    ("issuer-of-another-partner", lambda here: signed(here, iss="https://issuer.jpn.example"), "token_key_unknown"),
    ("no-issuer", lambda here: signed(here, iss=None), "token_claim_missing"),
    ("no-jti", lambda here: signed(here, jti=None), "token_claim_missing"),
    ("no-expiry", lambda here: signed(here, exp=None), "token_claim_missing"),
    ("expiry-no-number", lambda here: signed(here, exp="never"), "token_claim_invalid"),
    ("expiry-before-issue", lambda here: signed(here, exp=at(here, hours=-9)), "token_claim_invalid"),
    ("purpose-a-list", lambda here: signed(here, purpose=["collision-avoidance"]), "token_claim_invalid"),
    ("subject-with-a-line-break", lambda here: signed(here, sub="gbr\nX: y"), "token_claim_invalid"),
    ("audience-another", lambda here: signed(here, aud="https://elsewhere.example"), "token_audience_wrong"),
    ("bound-to-a-key", lambda here: signed(here, cnf={"jkt": "x"}), "token_proof_missing"),
    (
        "expired",
        lambda here: signed(here, iat=at(here, minutes=-50), exp=at(here, minutes=-2)),
        "token_expired",
    ),
    ("of-the-future", lambda here: signed(here, nbf=at(here, minutes=5)), "token_not_yet_valid"),
    ("lives-too-long", lambda here: signed(here, exp=at(here, hours=30)), "token_lifetime_excessive"),
)


@pytest.mark.parametrize(("make", "code"), [trick[1:] for trick in TRICKS], ids=[trick[0] for trick in TRICKS])
def test_a_token_that_proves_nothing_is_refused_by_its_code_recorded_once_and_shown_nowhere(
    here: Loopback, log_lines: io.StringIO, make: Make, code: str
):
    token = make(here)
    begun = log_lines.tell()
    answer = here.send(ELSETS, f"Authorization: Bearer {token}", token=None)
    assert (answer.status, answer.code) == (401, code)
    assert answer.headers["www-authenticate"] == 'Bearer realm="releasability-gateway", error="invalid_token"'
    entry = here.entry(answer)
    assert (entry.leaf.outcome, entry.leaf.partner) == (code, "")
    assert_nothing_shows(token, answer.body, repr(answer.headers), log_lines.getvalue()[begun:], repr(entry))
    assert not here.source.seen


def assert_nothing_shows(token: str, body: bytes, *texts: str) -> None:
    """No part of a token, and nothing that stands in its header or claims, is in what others can read."""
    shown = body.decode() + "".join(texts)
    hidden = [part for part in token.split(".") if len(part) > 3]
    hidden += ["gbr-space-command", "etc/passwd", "OR '1'", "127.0.0.1:1", "logout+jwt", "kkkkkkkk", "xxxxxxxx"]
    assert not [each for each in hidden if each in shown]
    assert "Traceback" not in shown


def test_the_tricks_fail_for_what_is_wrong_with_them_and_not_for_being_made_here(here: Loopback):
    answer = here.send(ELSETS, "Accept: application/json", token=signed(here))
    assert (answer.status, here.entry(answer).leaf.partner) == (200, "GBR")


HEADERS = (
    ((), "token_missing"),
    (("Authorization: ",), "token_missing"),
    (("Authorization: Basic Z2JyOmdicg==",), "token_malformed"),
    (("Authorization: DPoP {}",), "token_malformed"),
    (("Authorization: Bearer {}", "Authorization: Bearer {}"), "token_malformed"),
    (("Authorization: Bearer {}, Bearer {}",), "token_malformed"),
    (("X-Authorization: Bearer {}",), "token_missing"),
    (("Proxy-Authorization: Bearer {}",), "token_missing"),
    (("Cookie: access_token={}",), "token_missing"),
)


@pytest.mark.parametrize(("lines", "code"), HEADERS)
def test_a_credential_is_one_bearer_token_in_the_one_header_for_it(here: Loopback, lines: tuple[str, ...], code: str):
    token = here.token()
    answer = here.send(ELSETS, *(line.replace("{}", token) for line in lines), token=None)
    assert (answer.status, answer.code) == (401, code)
    assert here.entry(answer).leaf.outcome == code


def test_a_token_in_the_query_is_no_credential_and_is_not_kept_in_the_entry(here: Loopback):
    token = here.token()
    answer = here.send(f"{ELSETS}&access_token={token}", token=None)
    assert answer.code == "token_missing"
    assert token not in repr(here.entry(answer))
    assert token.rpartition(".")[2] not in repr(here.entry(answer))
    assert not here.source.seen


@pytest.mark.parametrize("path", [ELSETS, "/nothing", "/udl/conjunction", "/udl/elset/x", "/releases/x/receipt", "*"])
def test_nobody_without_a_credential_learns_what_exists(here: Loopback, path: str):
    answer = here.send(path, token=None)
    other = here.send("/udl/nothing", token=None)
    assert (answer.status, answer.code) == (401, "token_missing")
    assert answer.bare == other.bare


CALLERS = (
    ({"sub": "gbr-unregistered"}, 403, "system_unknown"),
    ({"nationality": "USA"}, 403, "nationality_claim_invalid"),
    ({"clearance": "COSMIC"}, 403, "clearance_claim_invalid"),
    ({"purpose": "targeting"}, 403, "purpose_not_agreed"),
    ({"purpose": None}, 403, "purpose_required"),
    ({"sub": "gbr-civil-registry", "purpose": "space-situational-awareness"}, 403, "purpose_not_agreed"),
)


@pytest.mark.parametrize(("changed", "status", "code"), CALLERS)
def test_claims_beyond_the_agreement_are_refused_by_their_code_and_recorded_under_the_partner(
    here: Loopback, changed: dict[str, object], status: int, code: str
):
    answer = here.send(ELSETS, token=signed(here, **changed))
    assert (answer.status, answer.code) == (status, code)
    assert (here.entry(answer).leaf.outcome, here.entry(answer).leaf.partner) == (code, "GBR")
    assert not here.source.seen


def test_a_claim_of_a_higher_clearance_raises_nothing_and_a_lower_one_lowers(here: Loopback):
    released = {
        claimed: here.entry(here.send(ELSETS, "Accept: application/json", token=signed(here, clearance=claimed)))
        for claimed in ("TOP SECRET", "SECRET", "UNCLASSIFIED")
    }
    assert released["TOP SECRET"].leaf.released == released["SECRET"].leaf.released
    assert released["UNCLASSIFIED"].leaf.released < released["SECRET"].leaf.released


def test_another_partners_token_gets_another_partners_answer_sealed_to_that_partners_key(here: Loopback):
    answer = here.get(ELSETS, "JPN", Accept="*/*", X_Partner="GBR")
    assert answer.headers["content-type"] == SEALED_TYPE
    assert here.entry(answer).leaf.partner == "JPN"
    theirs = json.loads(here.gateway.stage.private_jwks("JPN"))["keys"]
    header = json.loads(base64.urlsafe_b64decode(answer.body.split(b".")[0] + b"=="))
    assert header["kid"] in {key["kid"] for key in theirs}


def test_a_revoked_token_is_refused_at_the_next_request_although_it_was_remembered_as_good(here: Loopback):
    stage, service = here.gateway.stage, here.gateway.service
    token = mint(
        stage.signing_key("GBR"),
        issuer=ISSUER,
        audience=AUDIENCE,
        system="gbr-space-command",
        at=service.clock(),
        jti="to-be-revoked",
        purpose="collision-avoidance",
    )
    assert here.send(ELSETS, "Accept: application/json", token=token).status == 200
    revoke(service.log, "GBR", "to-be-revoked", Order("officer", "lost", service.clock()))
    answer = here.send(ELSETS, "Accept: application/json", token=token)
    assert (answer.status, answer.code) == (401, "token_revoked")
    assert here.entry(answer).leaf.outcome == "token_revoked"
    assert here.get(ELSETS).status == 200
