"""Every no that a partner may be told, by stable code, with the one status each has.

Two kinds of no (docs/architecture.md): a denial about the *caller* is said, with its reason; a denial about a
*record* is not said, the record is simply absent. So this table holds nothing about records: a withheld record and
one that never existed are both ``not_found``.

Statuses are chosen by how the partners' existing clients treat them: 408, 409, 429 and every 5xx are retried by
themselves, and 202 becomes an empty record in silence. A denial is therefore 400, 401, 403, 404 or 406; a 5xx, and
the 408 for a head that did not arrive in time, say that the same request may succeed later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of refusal: HTTP ``status``, a short ``title``, and ``advice`` for the partner's engineer."""

    code: str
    status: int
    title: str
    advice: str


def _table(*rows: tuple[str, int, str, str]) -> Mapping[str, Problem]:
    return MappingProxyType({code: Problem(code, status, title, advice) for code, status, title, advice in rows})


PROBLEMS: Mapping[str, Problem] = _table(
    # The credential (RFC 6750 section 3.1): who is asking is not established.
    ("token_missing", 401, "No credential", "Send your token as `Authorization: Bearer <token>`."),
    (
        "token_malformed",
        401,
        "The token is not a JWS",
        "Send one compact JWS, three parts, nothing around it.",
    ),
    ("token_too_long", 401, "The token is too long", "Ask your issuer for a token without extra claims."),
    (
        "token_header_refused",
        401,
        "The token's header names keys or extensions",
        "Leave out jku, jwk, x5u, x5c, crit.",
    ),
    ("token_unknown_issuer", 401, "No agreement names this issuer", "Use the issuer your agreement names."),
    (
        "token_algorithm_refused",
        401,
        "The signature algorithm is not agreed",
        "Sign with an algorithm agreed on.",
    ),
    ("token_key_unknown", 401, "The signing key is not on record", "Have your new key put on record first."),
    (
        "token_key_unfit",
        401,
        "The signing key may not sign tokens",
        "Sign with the key on record for signatures.",
    ),
    (
        "token_signature_invalid",
        401,
        "The signature does not verify",
        "Check that issuer and key belong together.",
    ),
    ("token_claim_missing", 401, "A required claim is missing", "Give iss, sub, aud, iat, exp and jti."),
    (
        "token_claim_invalid",
        401,
        "A claim has the wrong type or form",
        "Give times in whole seconds and texts of at most 256 characters.",
    ),
    (
        "token_proof_missing",
        401,
        "The token is bound to a key",
        "Show possession of the key the token names.",
    ),
    (
        "token_audience_wrong",
        401,
        "The token is for somebody else",
        "Ask for a token with this gateway as audience.",
    ),
    ("token_expired", 401, "The token has expired", "Fetch a new token."),
    ("token_not_yet_valid", 401, "The token is not yet valid", "Check the clock of your issuer."),
    ("token_lifetime_excessive", 401, "The token lives too long", "Ask your issuer for a shorter lifetime."),
    ("token_revoked", 401, "The token has been revoked", "Fetch a new token, and ask why."),
    # About the caller: said, with its reason (the codes are those of gateway.policy.reasons).
    ("partner_unknown", 403, "No agreement names this partner", "Ask the disclosure officer."),
    (
        "system_unknown",
        403,
        "This calling system is not registered",
        "Have the system put into the partner's file.",
    ),
    (
        "nationality_claim_invalid",
        403,
        "The token names another nation",
        "Use a token of the agreement's nation.",
    ),
    (
        "clearance_claim_invalid",
        403,
        "The token's clearance is not a known level",
        "Name a level that is agreed.",
    ),
    ("agreement_not_yet_in_force", 403, "The agreement is not in force yet", "Ask the disclosure officer."),
    (
        "agreement_expired",
        403,
        "The agreement is no longer in force",
        "Ask the disclosure officer to renew it.",
    ),
    (
        "agreement_condition_lapsed",
        403,
        "A condition of the agreement has lapsed",
        "Ask the disclosure officer.",
    ),
    ("dataset_not_covered", 403, "The agreement does not cover this dataset", "Ask the disclosure officer."),
    (
        "purpose_required",
        403,
        "A purpose must be stated",
        "Have your issuer put a `purpose` claim in the token.",
    ),
    ("purpose_not_agreed", 403, "The purpose is not agreed", "State a purpose that the agreement names."),
    ("key_missing", 403, "No key to seal to", "Register a recipient key with the disclosure officer."),
    (
        "key_not_registered",
        403,
        "The key to seal to is not registered",
        "Register it with the disclosure officer.",
    ),
    (
        "key_not_yet_valid",
        403,
        "The key to seal to is not valid yet",
        "Wait, or register another recipient key.",
    ),
    ("key_expired", 403, "The key to seal to has expired", "Register a new recipient key."),
    ("key_revoked", 403, "The key to seal to is revoked", "Register a new recipient key."),
    (
        "credential_too_weak",
        403,
        "The credential is too weak",
        "Use DPoP or mutual TLS as the agreement asks.",
    ),
    ("stopped", 403, "Releases are stopped", "Ask the disclosure officer."),
    (
        "volume_exhausted",
        403,
        "As much as is agreed has gone in this span of time",
        "Ask again in the next span; the agreement says how much goes in each.",
    ),
    (
        "volume_exceeded",
        403,
        "The answer would go beyond what is agreed in this span of time",
        "Ask for fewer records (`maxResults`), or in the next span.",
    ),
    (
        "review_pending",
        403,
        "A human release is awaited",
        "Ask again later; `/reviews/{handle}` says whether it has been given.",
    ),
    # About the request: said, and the same whatever the records are.
    ("not_found", 404, "Nothing here", "Check the address; what you may not have does not exist."),
    ("method_not_allowed", 405, "Only GET is served", "The gateway forwards no writes."),
    (
        "sealed_required",
        406,
        "Answers are sealed",
        "Ask with `Accept: application/jose` and open with your key.",
    ),
    ("parameter_unknown", 400, "A query parameter is not known", "See the dataset's queryhelp."),
    (
        "parameter_refused",
        400,
        "A query parameter may not be used",
        "Filter and sort on fields you are given exactly.",
    ),
    ("parameter_invalid", 400, "A query parameter has the wrong form", "See the dataset's queryhelp."),
    ("parameter_required", 400, "A required query parameter is missing", "See the dataset's queryhelp."),
    ("parameter_repeated", 400, "A query parameter stands twice", "Give each parameter once."),
    ("query_refused", 400, "The source did not understand the query", "See the dataset's queryhelp."),
    ("request_too_long", 400, "The request is too long", "Shorten the query."),
    (
        "request_too_slow",
        408,
        "The request did not arrive in time",
        "Send the whole head at once; open a connection when you have something to ask.",
    ),
    ("request_malformed", 400, "The request is malformed", "Send a plain GET without a body."),
    (
        "overloaded",
        503,
        "Too many connections are open",
        "Close connections that you do not use, and try again later.",
    ),
    # The gateway cannot answer now. Nothing has left.
    ("upstream_failed", 502, "The source did not answer properly", "Try again later."),
    ("upstream_timeout", 504, "The source did not answer in time", "Try again later."),
    (
        "audit_unavailable",
        503,
        "The release cannot be recorded",
        "Try again later; nothing leaves unrecorded.",
    ),
    (
        "audit_unwitnessed",
        503,
        "The release is not witnessed",
        "Try again later; nothing leaves before enough witnesses have cosigned the log.",
    ),
    (
        "token_keys_unavailable",
        503,
        "Your issuer's keys could not be fetched",
        "Try again later; see that your issuer's key address answers.",
    ),
    ("policy_unavailable", 503, "No policy is in force", "Try again later."),
    (
        "release_check_failed",
        500,
        "The answer did not pass the last check",
        "Tell the operator the request id.",
    ),
    ("internal_error", 500, "Something went wrong here", "Tell the operator the request id."),
)
"""Every problem by its code. Each has a page under docs/problems/."""


@dataclass(eq=False, slots=True)
class Refused(Exception):
    """A request that gets a problem instead of content. ``detail`` is for the audit entry, never for the partner.

    ``parameter`` is the one thing of the request that may be named back: a query parameter's name. ``handle`` names a
    human release that is awaited, to the partner whose grant lets it know.
    """

    code: str
    detail: str = ""
    parameter: str | None = None
    handle: str | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else self.code

    @property
    def problem(self) -> Problem:
        """The row of the table this refusal shows; a code that is not in it is an internal error."""
        return PROBLEMS.get(self.code, PROBLEMS["internal_error"])
