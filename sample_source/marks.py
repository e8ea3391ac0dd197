"""The markings that this source puts on its records. All of them are fictional.

They are written in portion form to the grammar of the IC Markings System Register and Manual (2016), sections
G and I: ``USA`` first, then trigraphs, then tetragraphs, each alphabetical. ``CSPO`` is no registered
tetragraph: it is a community that a policy must define for itself. ``PR`` and ``DS`` are the forms that the
Unified Data Library adds for proprietary and limited-distribution data; they name an owner and a data type.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass

#: What each data type is called in a ``PR`` or ``DS`` marking.
DATA_TYPE = {"elset": "ELSET", "statevector": "SV", "conjunction": "CONJ", "notification": "NOTICE"}

#: Each marking with how often it stands in a thousand records; ``{type}`` is the data type's name.
SPREAD: dict[str, int] = {
    "U": 130,
    "U//REL TO USA, FVEY": 140,
    "U//REL TO USA, AUS, CAN, FRA, GBR, JPN": 60,
    "U//REL TO USA, GBR, JPN": 60,
    "U//REL TO USA, JPN": 50,
    "U//REL TO USA, NATO": 35,
    "S//REL TO USA, FVEY": 90,
    "S//REL TO USA, JPN": 70,
    "S//REL TO USA, AUS, GBR": 35,
    "S//REL TO USA, DEU, FRA, GBR, ITA, NOR": 30,
    "S//REL TO USA, ACGU": 15,
    "C//REL TO USA, CSPO": 55,
    "C//REL TO USA, JPN": 35,
    "S//NF": 60,
    "S//OC/NF": 8,
    "S//OC/REL TO USA, GBR": 15,
    "U//FOUO": 25,
    "U//FOUO/REL TO USA, FVEY": 15,
    "S//RELIDO": 15,
    "S//DISPLAY ONLY JPN": 8,
    "S//REL TO USA, GBR/DISPLAY ONLY JPN": 9,
    "S": 8,
    "C": 7,
    "U//PR-EXOSCAN-{type}": 25,
    "U//PR-SPIRE-{type}": 15,
    "U//DS-SSDP-{type}": 15,
}

#: How much likelier a marking that names a nation is on a record about that nation's object.
OWN_OBJECT = 4
NATION = {
    "JPN": "JPN",
    "UK": "GBR",
    "FR": "FRA",
    "GER": "DEU",
    "AUS": "AUS",
    "CA": "CAN",
    "NOR": "NOR",
    "IT": "ITA",
    "US": "USA",
}

#: The highest marking that any record of this source should bear, as its query help says.
COLLECTION = "S"
#: A marking above it.
ABOVE_COLLECTION = "TS//REL TO USA, FVEY"

LETTER = {"U": "U", "C": "C", "S": "S", "TS": "S"}


@dataclass(frozen=True, slots=True)
class Marker:
    """Chooses markings for one data type."""

    table: str

    def choose(self, rng: random.Random, owners: Collection[str]) -> str:
        """A marking for a record about objects of these owners (catalogue owner codes)."""
        nations = {NATION[owner] for owner in owners if owner in NATION} - {"USA"}
        markings = [marking.format(type=DATA_TYPE[self.table]) for marking in SPREAD]
        weights = [
            weight * (OWN_OBJECT if any(nation in marking for nation in nations) else 1)
            for marking, weight in zip(markings, SPREAD.values(), strict=True)
        ]
        return rng.choices(markings, weights)[0]


def letter(marking: str) -> str:
    """The classification letter that a two-line element set with this marking bears in column 8."""
    return LETTER[marking.split("/", 1)[0]]


def for_nested(rng: random.Random, outer: str) -> str:
    """A marking for a record inside one with marking ``outer``: the same, or the same list at level U."""
    _, slashes, rest = outer.partition("//")
    if slashes and rest.startswith("REL TO ") and "DISPLAY" not in rest and rng.random() < 0.2:
        return f"U//{rest}"
    return outer
