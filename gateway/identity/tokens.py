"""Bearer tokens (RFC 6750, RFC 7519), verified against the policy set's keys by the rules of RFC 8725.

The rule: *the token chooses nothing.* Which issuer, which algorithms, which keys are believed comes from
the policy set; the token's header only picks among them by name, and a header that brings a key, an address
or an extension of its own is refused. What a token says is used only after its signature verified, with
exactly one algorithm pinned.

A token is verified in these steps, in this order; the first that fails gives the reason code:

1. *shape*: one ``Bearer`` credential, bounded, three base64url parts;
2. *header*: strict JSON, no member that redirects (:data:`REFUSED_HEADERS`), a token type we take;
3. *issuer*: the unverified ``iss`` finds whose rules apply, and is believed in nothing else;
4. *algorithm*: on that issuer's allow-list;
5. *key*: that issuer's key of that ``kid``, fit for the algorithm (PyJWT checks neither ``use`` nor
``key_ops``); 6. *signature*: by PyJWT, with that one algorithm and key; 7. *claims*: typed strictly,
audience, life time; 8. *time*: of token and key, at the ``at`` given; 9. *revocation*: asked at every call.

PyJWT's own claim checks are not used: they read the wall clock, and here time is an argument.

A key that the policy set has not, and that the issuer publishes by address, is looked for in the set that was fetched
last (:mod:`gateway.identity.issuerkeys`); nothing is fetched here.

**Memo.** Steps 1 to 7 do not depend on time, so a token that passed them is remembered, under SHA-256 of
the key set's digest and the token's text. Steps 8 and 9 run at every call, so the memo can never make an
expired or revoked token good. Only tokens that verified are remembered: nobody can fill the memo without a
partner's key. A token that a published key verified is good for as long as the issuer publishes that very
key and its set is young enough, which is asked at every call too. An activation of another policy set makes
another verifier, with an empty memo.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Protocol

import jwt

from gateway.identity.caller import Caller, CredentialRefused, IdentityError, Issuer, TokenRules
from gateway.identity.claims import check_claims, check_times, read_claims, required_text
from gateway.identity.fitness import ALGORITHMS, is_fit
from gateway.keys.jwks import PublicJwk
from gateway.keys.strict_json import Json, NotStrictJson, read_object

REFUSED_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc", "cty"})
"""Header members that bring keys, fetch, extend, compress or nest: a token with one of them is not looked
at further.

RFC 8725 sections 3.10 (``jku`` and ``x5u`` as a way to make a server fetch) and 3.1; RFC 7515 section 4.1.11.
"""

_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)")

Revoked = Callable[[str, str], bool]
"""Whether the token of this partner with this ``jti`` was revoked."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A token that passed steps 1 to 7, with the key whose life bounds it."""

    caller: Caller
    key: PublicJwk
    published_by: Issuer | None = None


class PublishedKeys(Protocol):
    """Where the keys are that issuers publish by address."""

    def find(self, issuer: Issuer, kid: str, at: datetime) -> PublicJwk | None:
        """The issuer's key of that name; raises :class:`CredentialRefused` when its set is not there or too old."""


class NonePublished:
    """Nowhere: whoever checks a policy set asks no issuer."""

    def find(self, issuer: Issuer, kid: str, at: datetime) -> PublicJwk | None:
        """No key."""
        raise CredentialRefused("token_keys_unavailable")


class TokenVerifier:
    """Verifies bearer tokens of one activated policy set."""

    def __init__(self, issuers: Sequence[Issuer], rules: TokenRules, published: PublishedKeys | None = None) -> None:
        """Prepare every key once.

        Raises :class:`IdentityError` when two partners share an issuer or a key, or an algorithm is none of
        ours.
        """
        _refuse_ambiguity(issuers)
        self.digest = _digest(issuers)
        """SHA-256 over everything that tokens are judged by; differs whenever an issuer or key does."""
        self.issuers = tuple(issuers)
        self._rules = rules
        self._published = NonePublished() if published is None else published
        self._issuers = {issuer.issuer: issuer for issuer in issuers}
        self._keys = {(issuer.issuer, key.kid): key for issuer in issuers for key in issuer.keys}
        self._fit = {
            (issuer.issuer, key.kid, algorithm): jwt.PyJWK({**key.members()}, algorithm=algorithm)
            for issuer in issuers
            for key in issuer.keys
            for algorithm in issuer.algorithms
            if is_fit(key, algorithm)
        }
        self._memo: OrderedDict[bytes, _Known] = OrderedDict()
        self._lock = Lock()

    def verify(self, authorization: str | None, at: datetime, revoked: Revoked) -> Caller:
        """Say who is calling, from the value of the request's one ``Authorization`` header.

        ``at`` is aware. Raises :class:`CredentialRefused` with the code of the first step that fails.
        """
        token = self._shape(authorization)
        place = hashlib.sha256(self.digest + token.encode()).digest()
        with self._lock:
            known = self._memo.get(place)
        if known is not None and not self._is_still_published(known, at):
            self._forget(place)
            known = None
        fresh = known is None
        if known is None:
            known = self._believe(token, at)
        try:
            self._check_now(known, at)
        except CredentialRefused:
            self._forget(place)
            raise
        if revoked(known.caller.partner, known.caller.jti):
            self._forget(place)
            raise CredentialRefused("token_revoked")
        if fresh:
            self._remember(place, known)
        return known.caller

    def _shape(self, authorization: str | None) -> str:
        if not authorization:
            raise CredentialRefused("token_missing")
        if len(authorization) > self._rules.length:
            raise CredentialRefused("token_too_long")
        bearer = _BEARER.fullmatch(authorization)
        if bearer is None:
            raise CredentialRefused("token_malformed")
        return bearer[1]

    def _believe(self, token: str, at: datetime) -> _Known:
        header, unverified = (_read_part(part) for part in token.split(".")[:2])
        algorithm, kid = _read_header(header)
        if "iss" not in unverified:
            raise CredentialRefused("token_claim_missing")
        issuer = self._issuers.get(required_text(unverified, "iss"))
        if issuer is None:
            raise CredentialRefused("token_unknown_issuer")
        if algorithm not in issuer.algorithms:
            raise CredentialRefused("token_algorithm_refused")
        key, prepared, published = self._key(issuer, kid, algorithm, at)
        _verify_signature(token, prepared, algorithm)
        # What was unverified is so no longer: it was parsed from the very text whose signature verified.
        claims = read_claims(unverified)
        check_claims(claims, issuer.audience, self._rules)
        caller = Caller(
            partner=issuer.partner,
            system=claims.subject,
            jti=claims.jti,
            begins=claims.begins,
            expires=claims.expires,
            key=key.thumbprint,
            clearance=claims.clearance,
            nationality=claims.nationality,
            purpose=claims.purpose,
        )
        return _Known(caller, key, issuer if published else None)

    def _key(self, issuer: Issuer, kid: str, algorithm: str, at: datetime) -> tuple[PublicJwk, jwt.PyJWK, bool]:
        """Step 5: the key, ready for the algorithm, and whether the issuer publishes it by address."""
        key = self._keys.get((issuer.issuer, kid))
        if key is not None:
            prepared = self._fit.get((issuer.issuer, kid, algorithm))
            if prepared is None:
                raise CredentialRefused("token_key_unfit")
            return key, prepared, False
        key = self._published.find(issuer, kid, at) if issuer.jwks_url else None
        if key is None:
            raise CredentialRefused("token_key_unknown")
        if not is_fit(key, algorithm):
            raise CredentialRefused("token_key_unfit")
        return key, jwt.PyJWK({**key.members()}, algorithm=algorithm), True

    def _is_still_published(self, known: _Known, at: datetime) -> bool:
        """Whether a remembered token's key is in the policy set, or published still, the very same under its name."""
        if known.published_by is None:
            return True
        return self._published.find(known.published_by, known.key.kid, at) == known.key

    def _check_now(self, known: _Known, at: datetime) -> None:
        check_times(known.caller.begins, known.caller.expires, at, self._rules)
        if not known.key.valid_at(at):
            raise CredentialRefused("token_key_unfit")

    def _remember(self, place: bytes, known: _Known) -> None:
        with self._lock:
            self._memo[place] = known
            while len(self._memo) > self._rules.memo:
                self._memo.popitem(last=False)

    def _forget(self, place: bytes) -> None:
        with self._lock:
            self._memo.pop(place, None)


def sole_authorization(values: Sequence[str]) -> str | None:
    """The one ``Authorization`` value of a request, ``None`` when there is none; two are ``token_malformed``.

    A proxy in front could judge the first and the gateway the second.
    """
    if len(values) > 1:
        raise CredentialRefused("token_malformed")
    return values[0] if values else None


def _read_part(part: str) -> dict[str, Json]:
    try:
        return read_object(jwt.utils.base64url_decode(part))
    except (NotStrictJson, ValueError):
        raise CredentialRefused("token_malformed") from None


def _read_header(header: dict[str, Json]) -> tuple[str, str]:
    if REFUSED_HEADERS & header.keys():
        raise CredentialRefused("token_header_refused")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        # RFC 8725 section 3.11: another kind of signed thing must not pass for a token.
        raise CredentialRefused("token_header_refused")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str):
        raise CredentialRefused("token_malformed")
    kid = header.get("kid")
    if kid is None:
        raise CredentialRefused("token_key_unknown")
    if not isinstance(kid, str):
        raise CredentialRefused("token_malformed")
    return algorithm, kid


def _verify_signature(token: str, key: jwt.PyJWK, algorithm: str) -> None:
    pinned = jwt.PyJWS(algorithms=[algorithm])
    try:
        pinned.decode_complete(token, key, algorithms=[algorithm])
    except jwt.InvalidSignatureError:
        raise CredentialRefused("token_signature_invalid") from None
    except jwt.InvalidTokenError:
        # Not canonical base64url, and the like: what PyJWT reads more strictly than the steps before.
        raise CredentialRefused("token_malformed") from None


def _refuse_ambiguity(issuers: Sequence[Issuer]) -> None:
    names: set[str] = set()
    thumbprints: dict[str, str] = {}
    for issuer in issuers:
        if issuer.issuer in names:
            raise IdentityError(f"issuer {issuer.issuer!r} stands under two partners")
        names.add(issuer.issuer)
        if unknown := sorted(set(issuer.algorithms) - ALGORITHMS.keys()):
            raise IdentityError(
                f"partner {issuer.partner}: algorithm {unknown[0]!r} is not one of {', '.join(ALGORITHMS)}"
            )
        for key in issuer.keys:
            if thumbprints.setdefault(key.thumbprint, issuer.partner) != issuer.partner:
                raise IdentityError(
                    f"key {key.thumbprint} stands under {thumbprints[key.thumbprint]} and {issuer.partner}: "
                    "one key speaks for one partner"
                )


def _digest(issuers: Sequence[Issuer]) -> bytes:
    said = sorted(
        [
            issuer.issuer,
            issuer.partner,
            issuer.audience,
            sorted(issuer.algorithms),
            sorted(json.dumps(key.to_json(), sort_keys=True) for key in issuer.keys),
            issuer.jwks_url,
            sorted(issuer.never),
        ]
        for issuer in issuers
    )
    return hashlib.sha256(json.dumps(said).encode()).digest()
