"""What changes at the source while a partner walks: nothing that it may not have can be told from what it gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from sample_source.app import Source
from sample_source.records import StoredRecord
from sample_source.serve import Served
from sample_source.tables import Tables
from tests.support.running import RunningGateway
from tests.system.acting import Acting
from tests.system.expect import Asker, Wanted
from tests.system.walks import GBR_PLAIN

PAGE = 5
FIRST = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def holding(source: Served, tables: Tables) -> Iterator[Source]:
    """The source; after the test it holds again what it held before."""
    yield source.source
    source.source.hold(tables)


def with_elsets(tables: Tables, records: Sequence[StoredRecord]) -> Tables:
    return Tables({**tables.records, "elset": tuple(records)})


def named(record: StoredRecord, identifier: str) -> StoredRecord:
    """The same record under another identifier of the same length."""
    full = record.full.replace(record.identifier.encode(), identifier.encode(), 1)
    return replace(record, identifier=identifier, full=full, values={**record.values, "idElset": identifier})


def pages(program: Acting, change: Callable[[], None]) -> list[str]:
    """Walk by pages of five; after the third page the source changes."""
    names: list[str] = []
    while True:
        page = program.listed("elset", firstResult=len(names), maxResults=PAGE).json()
        if not page:
            return names
        names += [record["idElset"] for record in page]
        if len(names) == 3 * PAGE:
            change()


@pytest.fixture
def program(act: Callable[[Asker], Acting], gateway: RunningGateway) -> Acting:
    return act(GBR_PLAIN)


def test_a_withheld_record_that_comes_before_the_place_moves_nothing_of_what_is_released(
    program: Acting, holding: Source, wanted: Wanted, tables: Tables
) -> None:
    records = tables.records["elset"]
    may = [each.record.identifier for each in wanted(GBR_PLAIN, "elset")]
    secret = next(record for record in records if record.values.get("classificationMarking") == "S//NF")
    more = with_elsets(tables, [*records, named(secret, FIRST)])
    assert pages(program, lambda: holding.hold(more)) == may


def test_a_withheld_record_that_goes_from_before_the_place_takes_nothing_along(
    program: Acting, holding: Source, wanted: Wanted, tables: Tables
) -> None:
    records = tables.records["elset"]
    may = [each.record.identifier for each in wanted(GBR_PLAIN, "elset")]
    withheld = min({record.identifier for record in records if record.flaw is None} - set(may))
    assert withheld < may[3 * PAGE - 1]
    fewer = with_elsets(tables, [record for record in records if record.identifier != withheld])
    assert pages(program, lambda: holding.hold(fewer)) == may


def test_the_answer_to_a_page_is_the_same_whether_the_way_to_it_is_remembered_or_not(
    program: Acting, holding: Source, tables: Tables
) -> None:
    records = tables.records["elset"]
    secret = next(record for record in records if record.values.get("classificationMarking") == "S//NF")
    holding.hold(with_elsets(tables, [*records, named(secret, FIRST)]))
    for first in (20, 10, 40, 41, 3):
        remembered = program.listed("elset", firstResult=first, maxResults=PAGE).json()
        whole = program.listed("elset").json()
        assert remembered == whole[first : first + PAGE]
