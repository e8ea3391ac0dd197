import json
import math
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import cache

import pytest
from sgp4.api import Satrec
from unifieddatalibrary.types import (
    ConjunctionAbridged,
    Elset,
    ElsetAbridged,
    NotificationListResponse,
    StateVectorAbridged,
)
from unifieddatalibrary.types.shared import ConjunctionFull, NotificationFull, StateVectorFull

from gateway import markings
from sample_source import marks, schema, tle
from sample_source.catalogue import DATA_EPOCH
from sample_source.flaws import FLAWS, Flaws
from sample_source.records import StoredRecord
from sample_source.tables import Tables, build_tables

EVERY = list(schema.TABLES)
MODELS = {
    "elset": (ElsetAbridged, Elset),
    "statevector": (StateVectorAbridged, StateVectorFull),
    "conjunction": (ConjunctionAbridged, ConjunctionFull),
    "notification": (NotificationListResponse, NotificationFull),
}


@cache
def tables() -> Tables:
    """Made when a test asks, since every process that runs tests reads this file."""
    return build_tables(300)


def sound(table: str) -> Iterator[StoredRecord]:
    return (record for record in tables().records[table] if record.flaw is None)


def flawed(table: str, flaw: str) -> StoredRecord:
    return next(record for record in tables().records[table] if record.flaw == flaw)


def pairs(raw: bytes) -> list[tuple[str, object]]:
    return json.loads(raw, object_pairs_hook=lambda found: found)


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others() -> None:
    again, other = build_tables(20, seed=7), build_tables(20, seed=8)
    for table in EVERY:
        assert build_tables(20, seed=7).raw(table) == again.raw(table)
        assert again.raw(table) != other.raw(table)


@pytest.mark.parametrize("table", EVERY)
def test_every_field_name_is_one_that_the_sdk_knows(table: str) -> None:
    for model, form in zip(MODELS[table], ("abridged", "full"), strict=True):
        known = {info.alias or name for name, info in model.model_fields.items()}
        for record in tables().records[table]:
            assert dict(pairs(getattr(record, form))).keys() <= known


@pytest.mark.parametrize("table", EVERY)
def test_sound_records_have_all_that_the_sdk_requires_in_both_forms(table: str) -> None:
    for record in sound(table):
        for model, raw in zip(MODELS[table], (record.abridged, record.full), strict=True):
            value = json.loads(raw)
            if isinstance(value.get("msgBody"), dict):
                value["msgBody"] = ""  # the model says text, the library's own page says that JSON stands inline
            model.model_validate(value)


@pytest.mark.parametrize("table", EVERY)
def test_the_abridged_form_is_the_full_one_without_its_own_fields(table: str) -> None:
    for record in tables().records[table]:
        left = [(name, value) for name, value in pairs(record.full) if name not in schema.TABLES[table].full_only]
        assert repr(pairs(record.abridged)) == repr(left)
    if schema.TABLES[table].full_only:
        assert all(record.abridged != record.full for record in sound(table))


@pytest.mark.parametrize("table", EVERY)
def test_records_stand_in_order_of_creation_between_2023_and_the_data_epoch(table: str) -> None:
    created = [str(record.values["createdAt"]) for record in tables().records[table]]
    assert created == sorted(created)
    moments = [datetime.fromisoformat(text) for text in created]
    assert max(moments) < DATA_EPOCH
    assert {2023, 2024, 2025, 2026} == {moment.year for moment in moments}


@pytest.mark.parametrize("table", EVERY)
def test_three_hundred_records_hold_every_flaw_that_can_be_read(table: str) -> None:
    names = {flaw.name for flaw in FLAWS.values() if table in flaw.tables and flaw.readable}
    assert {record.flaw for record in tables().records[table]} - {None} == names


@pytest.mark.parametrize("table", EVERY)
def test_only_the_records_said_to_share_an_identifier_do(table: str) -> None:
    counts = Counter(record.identifier for record in tables().records[table])
    twins = {record.identifier for record in tables().records[table] if record.flaw == "same-identifier"}
    assert twins == {identifier for identifier, count in counts.items() if count == 2}
    assert max(counts.values()) == 2


def test_a_source_without_flaws_has_none_and_all_adds_unreadable_bytes() -> None:
    assert {r.flaw for t in EVERY for r in build_tables(50, flaws=Flaws.NONE).records[t]} == {None}
    everything = build_tables(320, flaws=Flaws.ALL).records["elset"]
    broken = next(record for record in everything if record.flaw == "invalid-utf8")
    with pytest.raises(UnicodeDecodeError):
        broken.full.decode()


@pytest.mark.parametrize("table", EVERY)
def test_sound_markings_are_read_by_the_gateway_and_say_what_the_text_says(table: str) -> None:
    cspo = markings.Community("CSPO", "a local one", (markings.Member("USA"), markings.Member("JPN")))
    profile = markings.profile("udl").with_communities([cspo])
    for record in sound(table):
        text = str(record.values["classificationMarking"])
        label = markings.parse_portion(text, profile)
        assert label.level.name == text.split("/", 1)[0]
        assert label.portion() == text


MARKING_FLAWS = ["unknown-token", "unknown-country", "lower-case", "empty-marking", "lookalike-letter"]


@pytest.mark.parametrize("flaw", MARKING_FLAWS)
def test_a_marking_that_is_no_marking_is_refused_by_the_gateway(flaw: str) -> None:
    text = json.loads(flawed("elset", flaw).full)["classificationMarking"]
    with pytest.raises(markings.MarkingError):
        markings.parse_portion(text, markings.profile("udl"))


def test_letters_of_sound_element_sets_agree_with_their_markings() -> None:
    letters = set()
    for record in sound("elset"):
        value = json.loads(record.full)
        elements = tle.parse(value["line1"], value["line2"])
        assert elements.letter == marks.letter(value["classificationMarking"])
        assert Satrec.twoline2rv(value["line1"], value["line2"]).classification == elements.letter
        letters.add(elements.letter)
    assert letters == {"U", "C", "S"}


@pytest.mark.parametrize(
    ("flaw", "level", "letter"),
    [("letter-contradicts-marking", "U", "S"), ("letter-below-marking", "S", "U")],
)
def test_a_contradicting_letter_stands_in_a_line_whose_checksum_is_right(flaw: str, level: str, letter: str) -> None:
    value = json.loads(flawed("elset", flaw).full)
    assert value["classificationMarking"].startswith(level)
    assert tle.parse(value["line1"], value["line2"]).letter == letter


@pytest.mark.parametrize(
    ("flaw", "held"),
    [
        ("duplicate-marking-stricter-last", ["U//REL TO USA, FVEY", "S//NF"]),
        ("duplicate-marking-stricter-first", ["S//NF", "U//REL TO USA, FVEY"]),
        ("missing-marking", []),
        ("null-marking", [None]),
        ("marking-not-text", [7]),
        ("above-collection", ["TS//REL TO USA, FVEY"]),
    ],
)
@pytest.mark.parametrize("table", EVERY)
def test_a_flawed_marking_stands_in_list_full_and_tuple_forms(table: str, flaw: str, held: list[object]) -> None:
    record = flawed(table, flaw)
    for raw in (record.full, record.abridged, record.columns({"source"})):
        assert [value for name, value in pairs(raw) if name == "classificationMarking"] == held


def test_nested_records_are_whole_and_hold_their_own_markings() -> None:
    laxer = 0
    for record in sound("conjunction"):
        value = json.loads(record.full)
        for part in ("stateVector1", "stateVector2"):
            StateVectorFull.model_validate(value[part])
            assert value[part]["epoch"] == value["tca"]
            assert value[part]["idStateVector"] == value[part.replace("s", "idS", 1)]
            laxer += value[part]["classificationMarking"] != value["classificationMarking"]
    assert laxer


def test_nested_flaws_are_in_the_second_state_vector_under_a_sound_outer_marking() -> None:
    stricter = json.loads(flawed("conjunction", "nested-stricter").full)
    assert stricter["classificationMarking"] == "U//REL TO USA, FVEY"
    assert stricter["stateVector2"]["classificationMarking"] == "S//NF"
    missing = json.loads(flawed("conjunction", "nested-missing-marking").full)
    assert "classificationMarking" not in missing["stateVector2"]
    assert flawed("conjunction", "nested-duplicate-key").full.count(b'"classificationMarking"') == 4


def test_a_conjunction_says_the_same_in_its_states_and_in_its_distances() -> None:
    for record in sound("conjunction"):
        value = json.loads(record.full)
        one, two = value["stateVector1"], value["stateVector2"]
        metres = 1000 * math.dist(*([state[axis] for axis in ("xpos", "ypos", "zpos")] for state in (one, two)))
        assert metres == pytest.approx(value["missDistance"], abs=0.01)
        assert math.hypot(*(value[f"relPos{axis}"] for axis in "RTN")) == pytest.approx(metres, abs=0.01)


def test_proprietary_records_name_their_owner_as_source() -> None:
    owned = [json.loads(r.full) for r in build_tables(300, flaws=Flaws.NONE).records["elset"] if b"//PR-" in r.full]
    assert owned
    for value in owned:
        assert value["classificationMarking"] == f"U//PR-{value['source']}-ELSET"


def test_the_spread_has_every_marking_in_a_thousand_records() -> None:
    made = build_tables(1500, flaws=Flaws.NONE).records["notification"]
    held = {record.values["classificationMarking"] for record in made}
    assert {marking.format(type="NOTICE") for marking in marks.SPREAD} <= held
