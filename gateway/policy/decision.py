"""The words a decision is made of: who asks, about what, which gates were asked, what they said.

Values only: everything here is frozen, holds no I/O and no clock, and can be written into an audit entry and
read back to replay the decision. The gates themselves are in :mod:`gateway.policy.decide`.

The rule of this file: *nothing means no*. A decision with no gates denies, a gate with no outcome denies, an
empty set of grants denies.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal


class Gate(enum.StrEnum):
    """The nine named checks, in the order in which an explanation lists them."""

    LABEL = "label"
    AGREEMENT = "agreement"
    ORIGINATOR = "originator"
    RELEASABILITY = "releasability"
    CLEARANCE = "clearance"
    NEED_TO_KNOW = "need-to-know"
    GRANT = "grant"
    CHANNEL = "channel"
    HOLD = "hold"


class Outcome(enum.StrEnum):
    """What one gate said. Only ``PASSED`` opens it; ``ERRED`` is a gate that raised, and denies."""

    PASSED = "passed"
    REFUSED = "refused"
    ERRED = "erred"


class PartnerKind(enum.StrEnum):
    """What kind of agreement holder a partner is; releasability differs by it."""

    GOVERNMENT = "government"
    ORGANISATION = "organisation"
    COMPANY = "company"


class Credential(enum.IntEnum):
    """How strongly a caller proved who it is, weakest first (RFC 6750, RFC 9449, RFC 8705)."""

    BEARER = 1
    DPOP = 2
    MTLS = 3


class Effect(enum.StrEnum):
    """What a decision says of a record."""

    RELEASE = "release"
    WITHHOLD = "withhold"


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate's answer. ``reasons`` are stable codes, sorted; a gate that passed has none."""

    gate: Gate
    outcome: Outcome
    reasons: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether this gate alone would let the record go."""
        return self.outcome is Outcome.PASSED


@dataclass(frozen=True, slots=True)
class RecipientKey:
    """The key that an answer would be sealed to, as the channel gate sees it.

    ``thumbprint`` is RFC 7638 SHA-256, base64url. ``not_before`` and ``expires`` are aware UTC datetimes.
    ``post_quantum`` says that a wrap to it resists a quantum computer.
    """

    thumbprint: str
    not_before: datetime | None = None
    expires: datetime | None = None
    revoked: bool = False
    post_quantum: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks: a calling system of a partner, as its verified credential and the partner's file describe it.

    ``clearance`` is a US level name (``"SECRET"``); it is the system's own, before the agreement's ceilings.
    ``holds`` are the compartments, read-ins and communities of interest the system is cleared for.
    """

    partner: str
    system: str
    clearance: str | None
    holds: frozenset[str] = frozenset()
    credential: Credential = Credential.BEARER
    key: RecipientKey | None = None


FactValue = str | int | float | bool | frozenset[str]


class Unknown(enum.Enum):
    """A fact that is present but that no table knows, such as the owner of an uncatalogued object."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class LabelDoubt:
    """What stands in a label's place when a record has none that can be trusted; it denies.

    ``reason`` is a code that says why: one of :mod:`gateway.policy.reasons` or of the layer that read the
    record.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A human release of one record for this partner, as the hold and originator gates see it.

    ``name`` is what the release points to in the log (``review:<handle>``). ``marking`` is the record's marking as
    the officers released it: what is judged and rolled up. Whoever hands one in has found it to be in force: for this
    partner, dataset and purpose, for these very bytes, under this policy set, now.
    """

    name: str
    marking: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The fields of one record that policy reads, already looked up in the set's tables.

    ``values`` holds exactly the facts the dataset names that could be read. ``problems`` names each one that
    could not, with why (``"owner": "missing"``); one that the partner's rules read denies. ``delay_from`` is the
    aware UTC instant that a delay counts from. ``originator`` is the nation or organisation the record says it
    comes from, where the dataset says so. ``stops`` names the stops in force that concern this partner, dataset
    or record.

    ``tear_line`` says that this is a record's tear-line version. ``present`` are the fields that a compilation asks
    about and that the record has; ``None`` where nobody looked, which counts as all of them. ``usage`` says how much
    of each volume, and of each compilation that counts records, this partner has had in the span that ``at`` lies in;
    one that is missing counts as used up. ``emergencies`` maps each emergency that an officer has opened to when.
    ``approval`` is the human release in force for this record, if there is one.
    """

    values: Mapping[str, FactValue | Unknown] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    delay_from: datetime | None = None
    originator: str | None = None
    stops: tuple[str, ...] = ()
    tear_line: bool = False
    present: frozenset[str] | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    emergencies: Mapping[str, datetime] = field(default_factory=dict)
    approval: Approval | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """What is known around a record and not from it; see :class:`Facts`, which takes these over. ``whole``: a field
    that the record does not mention is not there; otherwise it may be.
    """

    usage: Mapping[str, int] = field(default_factory=dict)
    emergencies: Mapping[str, datetime] = field(default_factory=dict)
    tear_line: bool = False
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Review:
    """A human release that a grant asks for.

    ``persons`` (1 or 2) different officers must release the record. With ``tell`` the partner, asking by identifier, is
    told that its request waits; otherwise the record does not exist for it. ``within`` is how long an item waits after
    it was last asked for.
    """

    persons: int
    tell: bool
    within: timedelta


@dataclass(frozen=True, slots=True)
class WitnessDemand:
    """A demand: ``quorum`` of the witnesses that are named (as the set names them) must have cosigned the log, with the
    entry in it, before the answer leaves.
    """

    quorum: int
    of: frozenset[str]

    def met_by(self, cosigned: Collection[str]) -> bool:
        """Whether these witnesses are enough. A demand for nobody is met by nobody."""
        return 0 < self.quorum <= len(self.of.intersection(cosigned))

    def includes(self, other: WitnessDemand) -> bool:
        """Whether whoever meets this meets the other too: of those who could, at least so many are the other's."""
        return self.quorum - len(self.of - other.of) >= other.quorum


@dataclass(frozen=True, slots=True)
class Obligations:
    """What must be done to a record before it goes; the strictest of each kind over all matching grants.

    ``drop`` holds dotted field paths to leave out. ``round`` maps a dotted field path to the step (in the
    field's own unit) whose nearest multiple replaces the value; ``coarsen`` maps a path to the span whose multiple
    (from 1970-01-01, UTC) at or before it replaces an instant. A path stands in one of the three only. ``only`` are
    the fields that may go at all, besides identifier, marking and watermark; ``None`` for no such limit.
    ``watermark`` maps a field to the text that is written into it. ``delay`` counts from the record's ``delay_from``.
    ``review`` is the human release that is asked for. ``witnesses`` are the demands that the answer's entry must meet,
    all of them. ``because`` names the grants (and groups) each came from, for the officer.
    """

    drop: frozenset[str] = frozenset()
    round: Mapping[str, Decimal] = field(default_factory=dict)
    delay: timedelta = timedelta(0)
    because: tuple[str, ...] = ()
    coarsen: Mapping[str, timedelta] = field(default_factory=dict)
    only: frozenset[str] | None = None
    watermark: Mapping[str, str] = field(default_factory=dict)
    review: Review | None = None
    witnesses: frozenset[WitnessDemand] = frozenset()

    def leaves_out(self, name: str) -> bool:
        """Whether a field of the record itself surely does not go."""
        return name in self.drop or (self.only is not None and name not in self.only)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to: may this subject have this record for this purpose at this instant?

    ``gates`` holds one result for each :class:`Gate`, in order. ``grants`` are the ids of the grants that
    matched, sorted. ``policy`` is the set's digest; ``tables`` maps a table's name to its digest.
    ``stays_true_until`` is the first instant at which a date in the policy or its tables could change the
    answer (``None``: never by date alone).
    """

    effect: Effect
    gates: tuple[GateResult, ...]
    grants: tuple[str, ...] = ()
    obligations: Obligations = field(default_factory=Obligations)
    policy: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)
    stays_true_until: datetime | None = None

    @property
    def permitted(self) -> bool:
        """Whether the record may go, once its obligations have been carried out."""
        return self.effect is Effect.RELEASE

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason against release, as ``gate:code``, in gate order."""
        return tuple(f"{result.gate}:{reason}" for result in self.gates for reason in result.reasons)


_EVERY_GATE = tuple(Gate)


def combine(results: tuple[GateResult, ...]) -> Effect:
    """Release only when each of the nine gates is there exactly once and passed; anything else withholds."""
    asked = tuple([result.gate for result in results])
    if asked != _EVERY_GATE and (len(asked) != len(_EVERY_GATE) or set(asked) != set(_EVERY_GATE)):
        return Effect.WITHHOLD
    for result in results:
        if result.outcome is not Outcome.PASSED:
            return Effect.WITHHOLD
    return Effect.RELEASE
