"""What fields each data type has, of which kind, and what may be done with each: what query help tells.

Names are those of the public ``udl-sdk`` (0.1.0a37). A list answers with the abridged record: the fields of
the full one without those in :attr:`Table.full_only`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


class Kind(enum.StrEnum):
    """The kind of a field's value; the value is the name that query help gives it."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "date-time"
    LIST = "array"
    RECORD = "object"


@dataclass(frozen=True, slots=True)
class Table:
    """One data type: its fields in the order in which a record has them."""

    name: str
    type_name: str
    description: str
    identifier: str
    required: str
    fields: Mapping[str, Kind]
    full_only: frozenset[str]
    nested: tuple[str, ...] = ()

    def queryable(self, field: str) -> bool:
        """Whether a list may be filtered and sorted by this field: it has an order and nothing nested."""
        return self.fields.get(field) not in {None, Kind.LIST, Kind.RECORD}


def _fields(*groups: tuple[Kind, str]) -> Mapping[str, Kind]:
    return MappingProxyType({name: kind for kind, names in groups for name in names.split()})


_COMMON = (
    (Kind.STRING, "classificationMarking dataMode source origin origNetwork createdBy"),
    (Kind.TIME, "createdAt"),
)
_FULL_ONLY = frozenset({"rawFileURI", "tags", "sourcedData", "sourcedDataTypes"})

ELSET = Table(
    name="elset",
    type_name="Elset",
    description="Element sets: mean orbital elements for SGP4.",
    identifier="idElset",
    required="epoch",
    fields=_fields(
        (Kind.STRING, "idElset"),
        *_COMMON,
        (Kind.STRING, "sourceDL idOnOrbit origObjectId algorithm descriptor line1 line2"),
        (Kind.TIME, "epoch"),
        (Kind.BOOLEAN, "uct"),
        (Kind.NUMBER, "satNo meanMotion eccentricity inclination raan argOfPerigee meanAnomaly bStar revNo"),
        (Kind.NUMBER, "meanMotionDot meanMotionDDot period perigee apogee semiMajorAxis ephemType"),
        (Kind.STRING, "rawFileURI"),
        (Kind.LIST, "sourcedDataTypes tags"),
    ),
    full_only=_FULL_ONLY,
)

STATEVECTOR = Table(
    name="statevector",
    type_name="StateVector",
    description="State vectors: position and velocity at one moment.",
    identifier="idStateVector",
    required="epoch",
    fields=_fields(
        (Kind.STRING, "idStateVector"),
        *_COMMON,
        (Kind.STRING, "sourceDL idOnOrbit origObjectId algorithm descriptor"),
        (Kind.STRING, "referenceFrame alt1ReferenceFrame covReferenceFrame covMethod"),
        (Kind.TIME, "epoch lastObStart lastObEnd"),
        (Kind.BOOLEAN, "uct"),
        (Kind.NUMBER, "satNo xpos ypos zpos xvel yvel zvel"),
        (Kind.NUMBER, "xposAlt1 yposAlt1 zposAlt1 xvelAlt1 yvelAlt1 zvelAlt1 posUnc velUnc rms"),
        (Kind.NUMBER, "dragCoeff solarRadPressCoeff obsAvailable obsUsed tracksAvail tracksUsed"),
        (Kind.LIST, "cov sigmaPosUVW sigmaVelUVW"),
        (Kind.STRING, "rawFileURI"),
        (Kind.LIST, "sourcedDataTypes tags"),
    ),
    full_only=_FULL_ONLY,
)

CONJUNCTION = Table(
    name="conjunction",
    type_name="Conjunction",
    description="Conjunctions: two objects that come close, with the state of each at that time.",
    identifier="id",
    required="tca",
    fields=_fields(
        (Kind.STRING, "id"),
        *_COMMON,
        (Kind.STRING, "originator messageId messageFor eventId type descriptor comments collisionProbMethod"),
        (Kind.STRING, "idOnOrbit1 idOnOrbit2 idStateVector1 idStateVector2 rawFileURI volShape"),
        (Kind.TIME, "tca screenEntryTime screenExitTime lastObTime1 lastObTime2"),
        (Kind.BOOLEAN, "ownerContacted"),
        (Kind.NUMBER, "satNo1 satNo2 missDistance collisionProb penetrationLevelSigma"),
        (Kind.NUMBER, "relPosR relPosT relPosN relVelR relVelT relVelN relVelMag"),
        (Kind.NUMBER, "screenVolumeX screenVolumeY screenVolumeZ"),
        (Kind.RECORD, "stateVector1 stateVector2"),
        (Kind.LIST, "tags"),
    ),
    full_only=frozenset({"tags"}),
    nested=("stateVector1", "stateVector2"),
)

NOTIFICATION = Table(
    name="notification",
    type_name="Notification",
    description="Notices: a type and a body that may be text or JSON.",
    identifier="id",
    required="createdAt",
    fields=_fields(
        (Kind.STRING, "id"),
        *_COMMON,
        (Kind.STRING, "sourceDL msgType"),
        (Kind.RECORD, "msgBody"),
        (Kind.LIST, "tags"),
    ),
    full_only=frozenset(),
)

#: All data types that this source has, by the name that stands in the path.
TABLES: Mapping[str, Table] = MappingProxyType(
    {table.name: table for table in (ELSET, STATEVECTOR, CONJUNCTION, NOTIFICATION)}
)
