"""State vectors: a published orbit propagated to a moment, in TEME and in the earth-fixed frame."""

from __future__ import annotations

import math
from datetime import timedelta

from sample_source import orbits
from sample_source.catalogue import Satellite
from sample_source.drafts import Draft, microseconds, milliseconds
from sample_source.elsets import elements_for
from sample_source.records import Json

#: One-sigma errors along U, V and W in kilometres that an orbit has on the day of its last observation.
SIGMA = (0.03, 0.12, 0.02)


def make_statevector(draft: Draft, satellite: Satellite, generation: int) -> dict[str, Json]:
    """One state vector record, some hours after the epoch of the elements that it comes from."""
    elements = elements_for(draft, satellite, generation)
    at = elements.epoch + timedelta(hours=draft.rng.uniform(0.0, 6.0))
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    state = orbits.Propagator(elements).state(at)
    marking = draft.marking(satellite)
    return (
        draft.common(marking, at + timedelta(minutes=draft.rng.uniform(5.0, 90.0)))
        | about(satellite)
        | {
            "epoch": microseconds(at),
            "descriptor": f"State of {satellite.name}",
            "rawFileURI": f"/scs/download?id=/sample/statevector/{draft.identifier('file')}.oem",
            "sourcedDataTypes": ["RADAR"] if satellite.regime == "LEO" else ["EO"],
            "tags": ["sample", satellite.regime],
        }
        | kinematics(state)
        | uncertainty(draft, state)
    )


def about(satellite: Satellite) -> dict[str, Json]:
    """Which object a state is of, and how it was computed."""
    return {
        "satNo": satellite.number,
        "idOnOrbit": str(satellite.number),
        "uct": not satellite.owner,
        "algorithm": "SGP4",
    }


def kinematics(state: orbits.State) -> dict[str, Json]:
    """Position (km) and velocity (km/s) in TEME and once more, rotated with the earth."""
    position, velocity = orbits.efg(state)
    names = ("xpos", "ypos", "zpos", "xvel", "yvel", "zvel")
    first: dict[str, Json] = dict(zip(names, _rounded(*state.position, *state.velocity), strict=True))
    second = zip((f"{name}Alt1" for name in names), _rounded(*position, *velocity), strict=True)
    return {"referenceFrame": "TEME", "alt1ReferenceFrame": "EFG/TDR"} | first | dict(second)


def uncertainty(draft: Draft, state: orbits.State) -> dict[str, Json]:
    """How well the state is known: sigmas in UVW, the covariance that says the same, the observations."""
    age = draft.rng.uniform(0.1, 2.5)
    position = _rounded(*(sigma * (1 + age) for sigma in SIGMA))
    rate = orbits.length(state.velocity) / orbits.length(state.position)
    velocity = _rounded(*(sigma * rate for sigma in position), digits=12)
    covariance = [0.0] * 21
    for row, sigma in enumerate((*position, *velocity)):
        covariance[row * (row + 3) // 2] = sigma * sigma
    observed, tracks = draft.rng.randint(40, 400), draft.rng.randint(6, 40)
    return {
        "covReferenceFrame": "UVW",
        "covMethod": "DEFAULT",
        "cov": covariance,
        "sigmaPosUVW": position,
        "sigmaVelUVW": velocity,
        "posUnc": round(math.hypot(*position), 6),
        "velUnc": round(math.hypot(*velocity), 12),
        "rms": round(draft.rng.uniform(0.8, 1.6), 4),
        "lastObStart": milliseconds(state.at - timedelta(days=age + 2.0)),
        "lastObEnd": milliseconds(state.at - timedelta(days=age)),
        "dragCoeff": round(draft.rng.uniform(2.0, 2.6), 3),
        "solarRadPressCoeff": round(draft.rng.uniform(1.0, 1.5), 3),
        "obsAvailable": observed + draft.rng.randint(0, 30),
        "obsUsed": observed,
        "tracksAvail": tracks + draft.rng.randint(0, 5),
        "tracksUsed": tracks,
    }


def _rounded(*numbers: float, digits: int = 9) -> list[float]:
    return [round(number, digits) for number in numbers]
