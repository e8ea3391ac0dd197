"""Two-line element sets as text: reading them, checking them, giving them a letter or another epoch.

The form is the published one (69 columns a line, modulo-10 checksum in the last). Two traps of it are kept,
for they are what the records of this source are about: column 8 of line 1 is a classification letter, and the
checksum counts letters as nought, so it cannot see that letter change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

#: Earth's gravitational parameter in km3/s2 and equatorial radius in km (WGS-72, which SGP4 is fitted to).
MU, EARTH_RADIUS = 398600.8, 6378.135
J2 = 0.001082616
LINE_LENGTH = 69


class ElementsError(ValueError):
    """A two-line element set is not in the published form; says which line, and what was expected."""

    def __init__(self, line: str, expected: str) -> None:
        super().__init__(f"{line!r}: expected {expected}")
        self.line, self.expected = line, expected


@dataclass(frozen=True, slots=True)
class Elements:
    """One element set. Angles in degrees, mean motion in revolutions a day, times in UTC."""

    line1: str
    line2: str
    number: int
    letter: str
    epoch: datetime
    mean_motion: float
    mean_motion_dot: float
    mean_motion_ddot: float
    bstar: float
    eccentricity: float
    inclination: float
    raan: float
    arg_of_perigee: float
    mean_anomaly: float
    ephemeris_type: int
    revolution: int

    @property
    def semi_major_axis(self) -> float:
        """Kilometres from the centre of the earth, by Kepler's third law."""
        return float((MU / (self.mean_motion * math.tau / 86400.0) ** 2) ** (1 / 3))


def checksum(line: str) -> int:
    """The modulo-10 sum over the first 68 columns: digits count themselves, a minus counts one.

    >>> checksum("1 00900U 64063C   26165.27170068  .00000545  00000+0  54538-3 0  999")
    0
    """
    return sum(int(c) if c.isdigit() else c == "-" for c in line[: LINE_LENGTH - 1]) % 10


def parse(line1: str, line2: str) -> Elements:
    """Read one element set; raises :class:`ElementsError` for a wrong length, number or checksum."""
    for start, line in (("1 ", line1), ("2 ", line2)):
        if len(line) != LINE_LENGTH or not line.startswith(start):
            raise ElementsError(line, f"{LINE_LENGTH} columns that start with {start!r}")
        if line[-1] != str(checksum(line)):
            raise ElementsError(line, f"checksum {checksum(line)}")
    if line1[2:7] != line2[2:7]:
        raise ElementsError(line2, f"the catalogue number {line1[2:7]} of line 1")
    year = int(line1[18:20])
    first_day = datetime(year + (2000 if year < 57 else 1900), 1, 1, tzinfo=UTC)
    return Elements(
        line1=line1,
        line2=line2,
        number=int(line1[2:7]),
        letter=line1[7],
        epoch=first_day + timedelta(days=float(line1[20:32]) - 1),
        mean_motion=float(line2[52:63]),
        mean_motion_dot=float(line1[33:43]),
        mean_motion_ddot=_implied_decimal(line1[44:52]),
        bstar=_implied_decimal(line1[53:61]),
        eccentricity=float("0." + line2[26:33].strip()),
        inclination=float(line2[8:16]),
        raan=float(line2[17:25]),
        arg_of_perigee=float(line2[34:42]),
        mean_anomaly=float(line2[43:51]),
        ephemeris_type=int(line1[62]) if line1[62].isdigit() else 0,
        revolution=int(line2[63:68].strip() or 0),
    )


def with_letter(elements: Elements, letter: str) -> Elements:
    """The same set with another classification letter in column 8 of line 1; the checksum stays."""
    line1 = elements.line1
    return parse(line1[:7] + letter + line1[8:], elements.line2)


def at_epoch(elements: Elements, epoch: datetime) -> Elements:
    """The same orbit written for another epoch, by the secular rates of J2 alone.

    Such a set was never published: it stands where a catalogue would hold an older set of the same object,
    and is good enough for tests of release, not for finding a satellite.
    """
    days = (epoch - elements.epoch).total_seconds() / 86400.0
    slr = elements.semi_major_axis * (1 - elements.eccentricity**2)
    rate = 1.5 * J2 * (EARTH_RADIUS / slr) ** 2 * elements.mean_motion * 360.0  # degrees a day
    cos_i = math.cos(math.radians(elements.inclination))
    raan = (elements.raan - rate * cos_i * days) % 360.0
    perigee = (elements.arg_of_perigee + rate * (2 - 2.5 * (1 - cos_i**2)) * days) % 360.0
    anomaly = (elements.mean_anomaly + 360.0 * elements.mean_motion * days) % 360.0
    revolution = (elements.revolution + math.floor(elements.mean_motion * days)) % 100_000
    day = epoch.timetuple().tm_yday + (epoch - epoch.replace(hour=0, minute=0, second=0, microsecond=0)) / timedelta(
        days=1
    )
    line1 = f"{elements.line1[:18]}{epoch.year % 100:02d}{day:012.8f}{elements.line1[32:68]}"
    line2 = (
        f"{elements.line2[:17]}{_degrees(raan)}{elements.line2[25:34]}{_degrees(perigee)} {_degrees(anomaly)}"
        f"{elements.line2[51:63]}{revolution:5d}"
    )
    return parse(f"{line1}{checksum(line1)}", f"{line2}{checksum(line2)}")


def _degrees(angle: float) -> str:
    """An angle in its eight columns; what would round to 360 is written as nought."""
    text = f"{angle:8.4f}"
    return text if text != "360.0000" else "  0.0000"


def _implied_decimal(field: str) -> float:
    """A field such as ``54538-3``, which means 0.54538e-3."""
    sign, mantissa, exponent = field[0], field[1:6].strip(), field[6:8].strip()
    return float(f"{sign.strip()}0.{mantissa or '0'}e{exponent or '0'}")
