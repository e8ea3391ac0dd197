"""Conjunctions: warnings about close approaches that the published orbits really have.

One event has several warnings, as in practice: each earlier one places the second object a little
differently. A share of the events is dated back by whole days to 2023 and later, with the geometry as it was
found.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from sample_source import marks, orbits, statevectors
from sample_source.catalogue import DATA_EPOCH, Encounter, Satellite
from sample_source.drafts import Draft, microseconds, milliseconds
from sample_source.records import Json

#: The radius in metres that both objects together are given, and the screening volume in metres.
HARD_BODY, VOLUME = 12.0, (2000.0, 25000.0, 25000.0)
SCREENING = timedelta(days=7)


def make_conjunction(draft: Draft, event: Draft, encounter: Encounter, generation: int) -> dict[str, Json]:
    """One warning. ``event`` is the draft of the event's first warning, which decides what all share."""
    first, second = encounter.first, encounter.second
    back = event.older(max(first.launch_year, second.launch_year))
    days = 0 if back is None else (encounter.tca - back).days
    tca = encounter.tca - timedelta(days=days)
    known = min(tca, DATA_EPOCH) - timedelta(hours=8.0 * generation + draft.rng.uniform(4.0, 12.0))
    one = orbits.Propagator(first.elements).state(encounter.tca)
    two = _as_estimated(draft, orbits.Propagator(second.elements).state(encounter.tca), generation)
    marking = draft.marking(first, second)
    nested = [
        _nested(
            draft,
            part,
            satellite=satellite,
            state=orbits.State(tca, state.position, state.velocity),
            outer=marking,
            known=known,
        )
        for part, satellite, state in (("1", first, one), ("2", second, two))
    ]
    return (
        draft.common(marking, known)
        | {
            "tca": microseconds(tca),
            "originator": "SAMPLE-SCREENING",
            "messageId": f"SAMPLE-{draft.index:06d}",
            "messageFor": first.name,
            "eventId": event.identifier("event"),
            "type": "CONJUNCTION",
            "descriptor": f"{first.name} and {second.name}",
            "rawFileURI": f"/scs/download?id=/sample/conjunction/{draft.identifier('file')}.cdm",
            "ownerContacted": draft.rng.random() < 0.5,
            "tags": ["sample", first.regime],
        }
        | _object("1", first, nested[0])
        | _object("2", second, nested[1])
        | _screening(tca)
        | _geometry(one, two)
    )


def _as_estimated(draft: Draft, state: orbits.State, generation: int) -> orbits.State:
    """Where the second object was thought to be when this warning was given: the earlier, the further off."""
    sizes = [0.01 + 0.03 * generation] * 3
    shift = (draft.rng.gauss(0, sizes[0]), draft.rng.gauss(0, sizes[1]), draft.rng.gauss(0, sizes[2]))
    return orbits.State(state.at, orbits.plus(state.position, shift), state.velocity)


def _nested(
    draft: Draft, part: str, *, satellite: Satellite, state: orbits.State, outer: str, known: datetime
) -> dict[str, Json]:
    """A whole state vector record inside the conjunction, with a marking of its own."""
    return (
        {
            "idStateVector": draft.identifier(f"stateVector{part}"),
            "classificationMarking": marks.for_nested(draft.rng, outer),
            "dataMode": "REAL",
            "source": "SAMPLE-SCREENING",
            "origin": "SAMPLE",
            "createdAt": milliseconds(known),
            "epoch": microseconds(state.at),
        }
        | statevectors.about(satellite)
        | statevectors.kinematics(state)
        | statevectors.uncertainty(draft, state)
    )


def _object(part: str, satellite: Satellite, nested: dict[str, Json]) -> dict[str, Json]:
    """What a conjunction says of one of its two objects."""
    return {
        f"satNo{part}": satellite.number,
        f"idOnOrbit{part}": str(satellite.number),
        f"idStateVector{part}": nested["idStateVector"],
        f"lastObTime{part}": nested["lastObEnd"],
        f"stateVector{part}": nested,
    }


def _screening(tca: datetime) -> dict[str, Json]:
    return {
        "volShape": "BOX",
        "screenVolumeX": VOLUME[0],
        "screenVolumeY": VOLUME[1],
        "screenVolumeZ": VOLUME[2],
        "screenEntryTime": milliseconds(tca - SCREENING / 2),
        "screenExitTime": milliseconds(tca + SCREENING / 2),
    }


def _geometry(one: orbits.State, two: orbits.State) -> dict[str, Json]:
    """What the two states say together, in metres and metres a second, seen from the first object."""
    apart = orbits.minus(two.position, one.position)
    closing = orbits.minus(two.velocity, one.velocity)
    position = [round(1000 * part, 4) for part in orbits.rtn(one, apart)]
    velocity = [round(1000 * part, 6) for part in orbits.rtn(one, closing)]
    distance, sigma = 1000 * orbits.length(apart), 1000 * math.hypot(*statevectors.SIGMA)
    probability = HARD_BODY**2 / (2 * sigma**2) * math.exp(-min(distance**2 / (2 * sigma**2), 100.0))
    return {
        "missDistance": round(distance, 4),
        "relPosR": position[0],
        "relPosT": position[1],
        "relPosN": position[2],
        "relVelR": velocity[0],
        "relVelT": velocity[1],
        "relVelN": velocity[2],
        "relVelMag": round(1000 * orbits.length(closing), 6),
        "collisionProb": float(f"{probability:.6g}"),
        "collisionProbMethod": "FOSTER-1992",
        "penetrationLevelSigma": round(distance / sigma, 4),
        "comments": f"Miss distance {distance:.0f} m at {one.at:%H:%M:%S}",
    }
