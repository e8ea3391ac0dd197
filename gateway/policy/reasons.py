"""Every reason a gate, or the admission of a caller, can give: a stable code and what it means in one line.

The codes are an interface: partners see those about themselves, audit entries keep all of them, and the docs
have a heading for each (a test compares). A code is never renamed and never reused for another meaning.

Codes about a *caller* (agreement, channel, purpose, stops) may be said to a partner. Codes about a *record*
are never said to it: the record is simply absent.

A :class:`gateway.policy.decision.LabelDoubt` may bring a code of its own from the layer that read the record
(see ``gateway.content.doubts``); the label gate repeats it beside ``label_doubt``.
"""

from __future__ import annotations

import enum


class Reason(enum.StrEnum):
    """A stable reason code. :data:`MEANING` says what each means."""

    # label
    LABEL_MISSING = "label_missing"
    LABEL_UNPARSED = "label_unparsed"
    LABEL_INVALID = "label_invalid"
    LABEL_DOUBT = "label_doubt"
    LABEL_UNBOUND = "label_unbound"
    LABEL_DUPLICATE_KEY = "label_duplicate_key"
    LABEL_NESTED = "label_nested"
    LABEL_CONTRADICTED = "label_contradicted"
    LABEL_RECORD_MALFORMED = "label_record_malformed"
    LABEL_DATE_MISSING = "label_date_missing"
    LABEL_DATE_FUTURE = "label_date_future"
    LABEL_OTHER_PROFILE = "label_other_profile"
    LABEL_CODE_UNKNOWN = "label_code_unknown"
    CONTROL_WITHOUT_ROW = "control_without_row"
    NO_LABEL_TO_JUDGE = "no_label_to_judge"
    # agreement
    PARTNER_UNKNOWN = "partner_unknown"
    DATASET_UNKNOWN = "dataset_unknown"
    AGREEMENT_NOT_YET_IN_FORCE = "agreement_not_yet_in_force"
    AGREEMENT_EXPIRED = "agreement_expired"
    AGREEMENT_CONDITION_LAPSED = "agreement_condition_lapsed"
    DATASET_NOT_COVERED = "dataset_not_covered"
    PURPOSE_REQUIRED = "purpose_required"
    PURPOSE_NOT_AGREED = "purpose_not_agreed"
    # originator
    CONTROL_FORBIDS = "control_forbids"
    CONSENT_MISSING = "consent_missing"
    THIRD_PARTY_CONSENT_MISSING = "third_party_consent_missing"
    ORIGINATOR_UNKNOWN = "originator_unknown"
    RELIDO_NEEDS_HUMAN_RELEASE = "relido_needs_human_release"
    # releasability
    NATION_NOT_LISTED = "nation_not_listed"
    ORGANISATION_NOT_NAMED = "organisation_not_named"
    LIST_NAMES_GOVERNMENTS = "list_names_governments"
    PERMISSIVE_NOT_HELD = "permissive_not_held"
    NO_RELEASE_LIST = "no_release_list"
    DISPLAY_IS_NOT_RELEASE = "display_is_not_release"
    FOUO_WITHOUT_LIST = "fouo_without_list"
    UNMARKED_NOT_RELEASED = "unmarked_not_released"
    COMPANY_NEEDS_NAMING_GRANT = "company_needs_naming_grant"
    COMPANY_UNCLASSIFIED_ONLY = "company_unclassified_only"
    # clearance
    NO_CATEGORY_NAMED = "no_category_named"
    CATEGORY_NOT_IN_CEILING = "category_not_in_ceiling"
    ABOVE_CEILING = "above_ceiling"
    SYSTEM_NOT_CLEARED = "system_not_cleared"
    ABOVE_SYSTEM_CLEARANCE = "above_system_clearance"
    CLASSIFICATION_NOT_HELD = "classification_not_held"
    FOREIGN_LEVEL_UNMAPPED = "foreign_level_unmapped"
    # need-to-know
    NOT_HELD = "not_held"
    # grant
    NO_GRANT = "no_grant"
    DENIED_BY_RULE = "denied_by_rule"
    FACT_MISSING = "fact_missing"
    FACT_INVALID = "fact_invalid"
    ENGINES_DISAGREE = "engines_disagree"
    TEAR_LINE_ONLY = "tear_line_only"
    # channel
    KEY_MISSING = "key_missing"
    KEY_NOT_REGISTERED = "key_not_registered"
    KEY_NOT_YET_VALID = "key_not_yet_valid"
    KEY_EXPIRED = "key_expired"
    KEY_REVOKED = "key_revoked"
    CREDENTIAL_TOO_WEAK = "credential_too_weak"
    KEY_NOT_POST_QUANTUM = "key_not_post_quantum"
    # hold
    STOPPED = "stopped"
    DELAY_NOT_PASSED = "delay_not_passed"
    DELAY_FROM_MISSING = "delay_from_missing"
    VOLUME_EXHAUSTED = "volume_exhausted"
    REVIEW_PENDING = "review_pending"
    # any gate
    GATE_ERRED = "gate_erred"
    # refusals of a caller before any record is judged
    SYSTEM_UNKNOWN = "system_unknown"
    CLEARANCE_CLAIM_INVALID = "clearance_claim_invalid"
    NATIONALITY_CLAIM_INVALID = "nationality_claim_invalid"
    CREDENTIAL_INVALID = "credential_invalid"


MEANING: dict[Reason, str] = {
    Reason.LABEL_MISSING: "the record carries no marking",
    Reason.LABEL_UNBOUND: "no binding that holds ties the marking to this record, and its dataset demands one",
    Reason.LABEL_DUPLICATE_KEY: "a key stands twice in the record, so two readers may see two markings",
    Reason.LABEL_CONTRADICTED: "another mark in the record (a TLE's letter) contradicts the marking",
    Reason.LABEL_RECORD_MALFORMED: "the record does not parse strictly, so its marking cannot be trusted",
    Reason.LABEL_UNPARSED: "the marking does not parse under the dataset's marking profile",
    Reason.LABEL_INVALID: "the marking parses but breaks a rule of its marking profile",
    Reason.LABEL_DOUBT: "no label could be read that can be trusted; the code beside this one says why",
    Reason.LABEL_NESTED: "a record inside the record may not go, or is marked above the outer one",
    Reason.LABEL_DATE_MISSING: "the record does not say when it was marked, so no list can be expanded",
    Reason.LABEL_DATE_FUTURE: "the record says that it was marked on a day still to come",
    Reason.LABEL_OTHER_PROFILE: "the label was read under another marking profile than the dataset's",
    Reason.LABEL_CODE_UNKNOWN: "a nation or community in the label was not in use on its date, or is not now",
    Reason.CONTROL_WITHOUT_ROW: "a control in the label has no row in the profile's release table",
    Reason.NO_LABEL_TO_JUDGE: "there is no trusted label, so this gate cannot pass",
    Reason.PARTNER_UNKNOWN: "no partner file of this code is in the policy set",
    Reason.DATASET_UNKNOWN: "no dataset file of this name is in the policy set",
    Reason.AGREEMENT_NOT_YET_IN_FORCE: "the partner's agreement is not in force yet",
    Reason.AGREEMENT_EXPIRED: "the partner's agreement is no longer in force",
    Reason.AGREEMENT_CONDITION_LAPSED: "a condition of the partner's agreement has lapsed",
    Reason.DATASET_NOT_COVERED: "the partner's agreement does not cover this dataset",
    Reason.PURPOSE_REQUIRED: "the token names no purpose and the dataset is granted for more than one",
    Reason.PURPOSE_NOT_AGREED: "the purpose is not one the agreement (or the system's registration) allows",
    Reason.CONTROL_FORBIDS: "a control in the label forbids any release to a partner",
    Reason.CONSENT_MISSING: "a control in the label needs its originator's consent, and none is on record",
    Reason.THIRD_PARTY_CONSENT_MISSING: "the material is a third party's, and its consent is not on record",
    Reason.ORIGINATOR_UNKNOWN: "the dataset asks for the originator, and the record names none that is known",
    Reason.RELIDO_NEEDS_HUMAN_RELEASE: "RELIDO grants nothing by itself: an officer must release this record",
    Reason.NATION_NOT_LISTED: "the partner's nation is not in the label's releasable set on both dates",
    Reason.ORGANISATION_NOT_NAMED: "the organisation's own code is not named in the label's list",
    Reason.PERMISSIVE_NOT_HELD: "under a security policy, the system holds no value of a category that limits release",
    Reason.LIST_NAMES_GOVERNMENTS: "a release list names governments, and this partner is a company",
    Reason.NO_RELEASE_LIST: "the label carries no release list, and an absent list releases to nobody",
    Reason.DISPLAY_IS_NOT_RELEASE: "DISPLAY ONLY permits showing, and this gateway hands over copies",
    Reason.FOUO_WITHOUT_LIST: "FOUO without a release list is not released",
    Reason.UNMARKED_NOT_RELEASED: "the dataset does not release a bare U to this kind of partner",
    Reason.COMPANY_NEEDS_NAMING_GRANT: "a company needs a grant whose condition names the content",
    Reason.COMPANY_UNCLASSIFIED_ONLY: "a company may have unclassified content only",
    Reason.NO_CATEGORY_NAMED: "the dataset names no disclosure category, so no ceiling can be found",
    Reason.CATEGORY_NOT_IN_CEILING: "the partner has no ceiling in a disclosure category of the dataset",
    Reason.ABOVE_CEILING: "the label's level is above the partner's ceiling in a category of the dataset",
    Reason.SYSTEM_NOT_CLEARED: "the calling system has no clearance that is known",
    Reason.ABOVE_SYSTEM_CLEARANCE: "the label's level is above the calling system's own clearance",
    Reason.CLASSIFICATION_NOT_HELD: "the system does not hold the label's classification under the security policy",
    Reason.FOREIGN_LEVEL_UNMAPPED: "the label's level is another system's, and no agreed table maps it",
    Reason.NOT_HELD: "the calling system does not hold a read-in or community that is asked for",
    Reason.NO_GRANT: "no grant of the partner allows this record for this purpose",
    Reason.DENIED_BY_RULE: "a deny rule matches this record, or could",
    Reason.FACT_MISSING: "the record lacks a fact that the partner's rules read",
    Reason.FACT_INVALID: "a fact that the partner's rules read is of the wrong type",
    Reason.ENGINES_DISAGREE: "casbin and the gateway's own matching gave different answers",
    Reason.TEAR_LINE_ONLY: "a grant that applies lets only the record's tear-line version go",
    Reason.KEY_MISSING: "the partner has no key that answers could be sealed to",
    Reason.KEY_NOT_REGISTERED: "the key is not one registered for this partner in the policy set",
    Reason.KEY_NOT_YET_VALID: "the partner's key is not valid yet",
    Reason.KEY_EXPIRED: "the partner's key has expired",
    Reason.KEY_REVOKED: "the partner's key is revoked",
    Reason.CREDENTIAL_TOO_WEAK: "the caller's credential is weaker than the agreement asks",
    Reason.KEY_NOT_POST_QUANTUM: "at this level the agreement asks for a post-quantum key, and the partner's is none",
    Reason.VOLUME_EXHAUSTED: "as much as the procedures allow in this span of time has gone already",
    Reason.REVIEW_PENDING: "a grant asks for a human release of this record, and none is in force",
    Reason.STOPPED: "an officer's stop is in force for the partner, the dataset or the record",
    Reason.DELAY_NOT_PASSED: "the delay that the grants ask for has not passed",
    Reason.DELAY_FROM_MISSING: "a delay is asked for and the record lacks the time it counts from",
    Reason.GATE_ERRED: "the gate failed while judging; that denies",
    Reason.SYSTEM_UNKNOWN: "the calling system is not registered in the partner's file",
    Reason.CLEARANCE_CLAIM_INVALID: "the clearance claimed is not a level that is known",
    Reason.NATIONALITY_CLAIM_INVALID: "the nationality claimed is not the partner's nation",
    Reason.CREDENTIAL_INVALID: "the credential did not verify",
}
"""What each code means, in one line."""
