"""Element sets: those published, and older ones of the same objects made from them."""

from __future__ import annotations

from datetime import timedelta

from sample_source import marks, tle
from sample_source.catalogue import Satellite
from sample_source.drafts import Draft, microseconds
from sample_source.records import Json

MINUTES_A_DAY = 1440.0


def elements_for(draft: Draft, satellite: Satellite, generation: int) -> tle.Elements:
    """The element set that a record is about: the published one, or one at an earlier epoch.

    ``generation`` counts how often this object came up before; every further set is some hours older.
    """
    older = draft.older(satellite.launch_year)
    if older is not None:
        return tle.at_epoch(satellite.elements, older)
    if generation:
        hours = 9.0 * generation + draft.rng.uniform(0.0, 6.0)
        return tle.at_epoch(satellite.elements, satellite.elements.epoch - timedelta(hours=hours))
    return satellite.elements


def make_elset(draft: Draft, satellite: Satellite, generation: int) -> dict[str, Json]:
    """One element set record; the letter in its first line agrees with its marking."""
    elements = elements_for(draft, satellite, generation)
    marking = draft.marking(satellite)
    elements = tle.with_letter(elements, marks.letter(marking))
    created = elements.epoch + timedelta(hours=draft.rng.uniform(0.5, 4.0))
    axis, shape = elements.semi_major_axis, elements.eccentricity
    return draft.common(marking, created) | {
        "epoch": microseconds(elements.epoch),
        "satNo": elements.number,
        "idOnOrbit": str(elements.number),
        "uct": not satellite.owner,
        "algorithm": "SGP4",
        "descriptor": f"Mean elements of {satellite.name}",
        "line1": elements.line1,
        "line2": elements.line2,
        "meanMotion": elements.mean_motion,
        "meanMotionDot": elements.mean_motion_dot,
        "meanMotionDDot": elements.mean_motion_ddot,
        "bStar": elements.bstar,
        "eccentricity": shape,
        "inclination": elements.inclination,
        "raan": elements.raan,
        "argOfPerigee": elements.arg_of_perigee,
        "meanAnomaly": elements.mean_anomaly,
        "ephemType": elements.ephemeris_type,
        "revNo": elements.revolution,
        "period": round(MINUTES_A_DAY / elements.mean_motion, 6),
        "semiMajorAxis": round(axis, 6),
        "apogee": round(axis * (1 + shape), 6),
        "perigee": round(axis * (1 - shape), 6),
        "rawFileURI": f"/scs/download?id=/sample/elset/{draft.identifier('file')}.tle",
        "sourcedDataTypes": ["RADAR"] if satellite.regime == "LEO" else ["EO"],
        "tags": ["sample", satellite.regime],
    }
