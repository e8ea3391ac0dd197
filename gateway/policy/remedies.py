"""For every reason against release: what would have to change for its gate to pass, and whose change that is.

A remedy is an explanation for an officer, not advice: many of these changes should never be made. ``NOBODY`` marks
those that no policy can make; a test keeps the table complete.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.policy.reasons import Reason


class Whose(enum.StrEnum):
    """Who could make the change."""

    OFFICER = "officer"
    ORIGINATOR = "originator"
    SOURCE = "source"
    PARTNER = "partner"
    TIME = "time"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Remedy:
    """What would make a gate pass, and who could do it."""

    what: str
    whose: Whose


_OFFICER, _ORIGINATOR, _SOURCE, _PARTNER = Whose.OFFICER, Whose.ORIGINATOR, Whose.SOURCE, Whose.PARTNER

REMEDIES: Mapping[Reason, Remedy] = {
    Reason.LABEL_MISSING: Remedy("the record would have to carry a marking", _ORIGINATOR),
    Reason.LABEL_UNPARSED: Remedy("the marking would have to be one that its profile knows", _ORIGINATOR),
    Reason.LABEL_INVALID: Remedy("the marking would have to keep the rules of its profile", _ORIGINATOR),
    Reason.LABEL_DOUBT: Remedy("the record would have to carry a label that can be trusted", _SOURCE),
    Reason.LABEL_DUPLICATE_KEY: Remedy("each key would have to stand once in the record", _SOURCE),
    Reason.LABEL_NESTED: Remedy("every record inside would have to be releasable by itself", _ORIGINATOR),
    Reason.LABEL_CONTRADICTED: Remedy("the record's marks would have to agree with each other", _SOURCE),
    Reason.LABEL_UNBOUND: Remedy("the source would have to bind the marking to the record with its key", _SOURCE),
    Reason.LABEL_RECORD_MALFORMED: Remedy("the record would have to parse strictly", _SOURCE),
    Reason.LABEL_DATE_MISSING: Remedy("the record would have to say when it was marked", _SOURCE),
    Reason.LABEL_DATE_FUTURE: Remedy("the day it was marked would have to have come", Whose.TIME),
    Reason.LABEL_OTHER_PROFILE: Remedy(
        "the dataset would have to name the profile its records are marked under", _OFFICER
    ),
    Reason.LABEL_CODE_UNKNOWN: Remedy(
        "each nation and community in the label would have to be in use on both dates", _ORIGINATOR
    ),
    Reason.CONTROL_WITHOUT_ROW: Remedy("the control would have to be one that its profile's table knows", _ORIGINATOR),
    Reason.NO_LABEL_TO_JUDGE: Remedy("the record would have to carry a label that can be trusted", _SOURCE),
    Reason.PARTNER_UNKNOWN: Remedy("the set would have to hold a file for this partner", _OFFICER),
    Reason.DATASET_UNKNOWN: Remedy("the set would have to hold a file for this dataset", _OFFICER),
    Reason.AGREEMENT_NOT_YET_IN_FORCE: Remedy("the agreement would have to be in force by then", _OFFICER),
    Reason.AGREEMENT_EXPIRED: Remedy("the agreement would have to be renewed and its until moved", _OFFICER),
    Reason.AGREEMENT_CONDITION_LAPSED: Remedy("the condition would have to be met again and its date moved", _PARTNER),
    Reason.DATASET_NOT_COVERED: Remedy("the agreement would have to cover the dataset", _OFFICER),
    Reason.PURPOSE_REQUIRED: Remedy("the caller's token would have to name one of the agreed purposes", _PARTNER),
    Reason.PURPOSE_NOT_AGREED: Remedy("the agreement would have to name the purpose", _OFFICER),
    Reason.CONTROL_FORBIDS: Remedy(
        "no policy may release it; its originator would have to mark another version for release", Whose.NOBODY
    ),
    Reason.CONSENT_MISSING: Remedy("the originator's consent for this partner would have to be on record", _ORIGINATOR),
    Reason.THIRD_PARTY_CONSENT_MISSING: Remedy("the third party's consent would have to be on record", _ORIGINATOR),
    Reason.ORIGINATOR_UNKNOWN: Remedy("the record would have to name an originator that is known", _SOURCE),
    Reason.RELIDO_NEEDS_HUMAN_RELEASE: Remedy(
        "an officer with the delegation would have to release this record", _OFFICER
    ),
    Reason.NATION_NOT_LISTED: Remedy(
        "the label would have to name the nation, or a community it belonged to on both dates", _ORIGINATOR
    ),
    Reason.ORGANISATION_NOT_NAMED: Remedy("the label would have to name the organisation itself", _ORIGINATOR),
    Reason.LIST_NAMES_GOVERNMENTS: Remedy(
        "no list releases to a company; its originator would have to mark another version without one", Whose.NOBODY
    ),
    Reason.NO_RELEASE_LIST: Remedy("the record would have to carry a list that names the partner", _ORIGINATOR),
    Reason.DISPLAY_IS_NOT_RELEASE: Remedy("the originator would have to permit release, not display only", _ORIGINATOR),
    Reason.FOUO_WITHOUT_LIST: Remedy("the record would have to carry a list beside FOUO", _ORIGINATOR),
    Reason.UNMARKED_NOT_RELEASED: Remedy(
        "the dataset's unmarked_default would have to name this kind of partner, or the record be marked for it",
        _OFFICER,
    ),
    Reason.COMPANY_NEEDS_NAMING_GRANT: Remedy("a grant would have to name the content", _OFFICER),
    Reason.COMPANY_UNCLASSIFIED_ONLY: Remedy("no policy may release classified content to a company", Whose.NOBODY),
    Reason.NO_CATEGORY_NAMED: Remedy("the dataset would have to name its disclosure categories", _OFFICER),
    Reason.CATEGORY_NOT_IN_CEILING: Remedy("the partner would have to have a ceiling in that category", _OFFICER),
    Reason.ABOVE_CEILING: Remedy("the ceiling would have to be raised, under a new instrument", _OFFICER),
    Reason.SYSTEM_NOT_CLEARED: Remedy("the system would have to have a clearance", _OFFICER),
    Reason.ABOVE_SYSTEM_CLEARANCE: Remedy("the asking system would have to be cleared higher", _OFFICER),
    Reason.FOREIGN_LEVEL_UNMAPPED: Remedy("a table agreed with the owner would have to map the level", _OFFICER),
    Reason.PERMISSIVE_NOT_HELD: Remedy("the label would have to name whom the system stands for", _ORIGINATOR),
    Reason.CLASSIFICATION_NOT_HELD: Remedy(
        "the system would have to be cleared for it under the security policy", _OFFICER
    ),
    Reason.NOT_HELD: Remedy("the system would have to hold what the label or the dataset asks for", _OFFICER),
    Reason.NO_GRANT: Remedy("one of the grants would have to allow it (why each does not stands beside it)", _OFFICER),
    Reason.DENIED_BY_RULE: Remedy("the deny would have to stop speaking of this record", _OFFICER),
    Reason.FACT_MISSING: Remedy("the record would have to carry the field that the rules read", _SOURCE),
    Reason.FACT_INVALID: Remedy("the field that the rules read would have to be of its type", _SOURCE),
    Reason.ENGINES_DISAGREE: Remedy("the casbin model would have to be the one shipped", _OFFICER),
    Reason.TEAR_LINE_ONLY: Remedy("no grant that applies would have to ask for the tear-line version", _OFFICER),
    Reason.KEY_MISSING: Remedy("the partner would have to hand in a key to seal to", _PARTNER),
    Reason.KEY_NOT_REGISTERED: Remedy("the key would have to be registered in the set", _OFFICER),
    Reason.KEY_NOT_YET_VALID: Remedy("the key's validity would have to have begun", Whose.TIME),
    Reason.KEY_EXPIRED: Remedy("the partner would have to hand in a new key", _PARTNER),
    Reason.KEY_REVOKED: Remedy("the partner would have to hand in another key", _PARTNER),
    Reason.CREDENTIAL_TOO_WEAK: Remedy("the caller would have to prove itself more strongly", _PARTNER),
    Reason.KEY_NOT_POST_QUANTUM: Remedy("the partner would have to hand in a post-quantum key", _PARTNER),
    Reason.VOLUME_EXHAUSTED: Remedy("the span of time would have to end, or the volume be raised", Whose.TIME),
    Reason.STOPPED: Remedy("the stop would have to be lifted", _OFFICER),
    Reason.DELAY_NOT_PASSED: Remedy("the delay would have to pass", Whose.TIME),
    Reason.DELAY_FROM_MISSING: Remedy("the record would have to say the time the delay counts from", _SOURCE),
    Reason.REVIEW_PENDING: Remedy("the officers that the grant asks for would have to release this record", _OFFICER),
    Reason.GATE_ERRED: Remedy("the fault in the gateway would have to be mended", Whose.NOBODY),
    Reason.SYSTEM_UNKNOWN: Remedy("the system would have to be registered in the partner's file", _OFFICER),
    Reason.CLEARANCE_CLAIM_INVALID: Remedy("the token would have to claim a level that is known", _PARTNER),
    Reason.NATIONALITY_CLAIM_INVALID: Remedy("the token would have to claim the partner's nation", _PARTNER),
    Reason.CREDENTIAL_INVALID: Remedy("the credential would have to verify", _PARTNER),
}
"""Every reason code's remedy."""


def remedy(code: str) -> Remedy:
    """The remedy of a code; one that is not known comes from the layer that read the record."""
    try:
        return REMEDIES[Reason(code)]
    except ValueError:
        return Remedy("the record would have to be read without that doubt", _SOURCE)
