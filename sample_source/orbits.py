"""Where a satellite is: propagation by SGP4, and the few frames that the records speak of.

Positions are kilometres and velocities kilometres a second in TEME, the frame of two-line elements; ``rtn``
turns a difference into radial, transverse and normal parts; ``efg`` turns TEME into the earth-fixed frame by
the rotation of the earth alone (no polar motion).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from sgp4.api import Satrec, jday

from sample_source import tle

Vector = tuple[float, float, float]
EARTH_RATE = 7.292115146706979e-5  # radians a second


class PropagationError(ValueError):
    """SGP4 refused an orbit; carries the catalogue number and SGP4's own code."""

    def __init__(self, number: int, code: int) -> None:
        super().__init__(f"SGP4 could not propagate object {number}: error {code}")
        self.number, self.code = number, code


@dataclass(frozen=True, slots=True)
class State:
    """Position in km and velocity in km/s at one moment, in TEME."""

    at: datetime
    position: Vector
    velocity: Vector


class Propagator:
    """One object's orbit, ready to be asked for its state at any moment near its epoch."""

    __slots__ = ("_model", "number")

    def __init__(self, elements: tle.Elements) -> None:
        self.number = elements.number
        self._model = Satrec.twoline2rv(elements.line1, elements.line2)

    def state(self, at: datetime) -> State:
        """The state at ``at`` (UTC); raises :class:`PropagationError`."""
        code, position, velocity = self._model.sgp4(*julian(at))
        if code:
            raise PropagationError(self.number, code)
        return State(at, position, velocity)


def julian(at: datetime) -> tuple[float, float]:
    """The Julian date of a UTC moment as whole and part."""
    whole, part = jday(at.year, at.month, at.day, at.hour, at.minute, at.second + at.microsecond / 1e6)
    return float(whole), float(part)


def rtn(reference: State, difference: Vector) -> Vector:
    """A difference from ``reference`` along its radial, transverse and normal directions, unit unchanged."""
    radial = _unit(reference.position)
    normal = _unit(_cross(reference.position, reference.velocity))
    transverse = _cross(normal, radial)
    return (_dot(difference, radial), _dot(difference, transverse), _dot(difference, normal))


def efg(state: State) -> tuple[Vector, Vector]:
    """Position and velocity in the earth-fixed frame, by the sidereal time of 1982 alone."""
    whole, part = julian(state.at)
    centuries = (whole + part - 2451545.0) / 36525.0
    seconds = 67310.54841 + (876600 * 3600 + 8640184.812866) * centuries + 0.093104 * centuries**2
    angle = math.radians(seconds / 240.0 % 360.0)
    cos, sin = math.cos(angle), math.sin(angle)
    (x, y, z), (vx, vy, vz) = state.position, state.velocity
    east, north = cos * x + sin * y, cos * y - sin * x
    velocity = (
        cos * vx + sin * vy + EARTH_RATE * north,
        cos * vy - sin * vx - EARTH_RATE * east,
        vz,
    )
    return (east, north, z), velocity


def minus(one: Vector, other: Vector) -> Vector:
    """The difference of two vectors."""
    return (one[0] - other[0], one[1] - other[1], one[2] - other[2])


def plus(one: Vector, other: Vector) -> Vector:
    """The sum of two vectors."""
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2])


def length(vector: Vector) -> float:
    """The length of a vector."""
    return math.sqrt(_dot(vector, vector))


def _dot(one: Vector, other: Vector) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _cross(one: Vector, other: Vector) -> Vector:
    return (
        one[1] * other[2] - one[2] * other[1],
        one[2] * other[0] - one[0] * other[2],
        one[0] * other[1] - one[1] * other[0],
    )


def _unit(vector: Vector) -> Vector:
    size = length(vector)
    return (vector[0] / size, vector[1] / size, vector[2] / size)
