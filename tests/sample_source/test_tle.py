from datetime import UTC, datetime, timedelta

import pytest

from sample_source import orbits, tle
from sample_source.catalogue import load

SATELLITES = load().satellites


def test_every_shipped_element_set_has_a_right_checksum_and_reads() -> None:
    assert 400 <= len(SATELLITES) <= 600
    for satellite in SATELLITES:
        assert satellite.elements.number == satellite.number
        assert satellite.elements.letter == "U"


def test_another_letter_leaves_the_checksum_right_and_only_column_eight_changed() -> None:
    elements = SATELLITES[0].elements
    secret = tle.with_letter(elements, "S")
    assert secret.letter == "S"
    assert secret.line1[:7] + "U" + secret.line1[8:] == elements.line1
    assert secret.line1[-1] == str(tle.checksum(secret.line1))


def test_a_changed_digit_is_refused_and_the_error_names_the_checksum() -> None:
    line1, line2 = SATELLITES[0].elements.line1, SATELLITES[0].elements.line2
    with pytest.raises(tle.ElementsError, match="checksum") as caught:
        tle.parse(line1, line2[:20] + ("1" if line2[20] != "1" else "2") + line2[21:])
    assert caught.value.line.startswith("2 ")


@pytest.mark.parametrize("number", [s.number for s in SATELLITES[::40]])
def test_an_older_set_of_an_orbit_reads_and_has_its_new_epoch(number: int) -> None:
    elements = next(s.elements for s in SATELLITES if s.number == number)
    epoch = datetime(2024, 2, 29, 13, 5, 9, tzinfo=UTC)
    older = tle.at_epoch(elements, epoch)
    assert abs(older.epoch - epoch) < timedelta(milliseconds=1)
    assert (older.mean_motion, older.eccentricity) == (elements.mean_motion, elements.eccentricity)


def test_a_set_moved_by_an_hour_stays_near_the_published_orbit() -> None:
    leo = next(s for s in SATELLITES if s.regime == "LEO" and s.elements.eccentricity < 0.01)
    moved = tle.at_epoch(leo.elements, leo.elements.epoch + timedelta(hours=1))
    at = leo.elements.epoch + timedelta(hours=2)
    apart = orbits.minus(
        orbits.Propagator(leo.elements).state(at).position, orbits.Propagator(moved).state(at).position
    )
    assert orbits.length(apart) < 30.0


def test_all_regimes_owners_and_unknown_objects_are_in_the_catalogue() -> None:
    assert {s.regime for s in SATELLITES} == {"LEO", "GEO", "MEO", "HEO"}
    wanted = {"JPN", "UK", "US", "FR", "GER", "AUS", "CA", "NOR", "IT", "ESA", "SES", "CIS", "TBD", ""}
    assert wanted <= {s.owner for s in SATELLITES}


def test_the_encounters_are_where_propagation_says_they_are() -> None:
    for encounter in load().encounters[::30]:
        one = orbits.Propagator(encounter.first.elements).state(encounter.tca)
        two = orbits.Propagator(encounter.second.elements).state(encounter.tca)
        apart = orbits.minus(two.position, one.position)
        assert orbits.length(apart) == pytest.approx(encounter.distance, abs=0.01)
