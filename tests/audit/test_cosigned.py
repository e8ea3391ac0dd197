"""Cosignatures that are kept: added to, never lost; entries speak of them, so that whoever takes them away is found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.audit import cosigned
from gateway.audit.checkpoint import cosign
from gateway.audit.demands import Demand, Demands
from gateway.audit.entry import Draft, Event
from gateway.audit.log import AuditLog
from tests.audit.everything import AT, WITNESSES, started
from tests.audit.tampering import change

STORES = ["sqlite"]  # The SQL that tampers is SQLite's.
Drafts = Callable[..., Draft]
ONE, TWO = WITNESSES


def line(log: AuditLog, witness=ONE, at=AT) -> str:
    note = log.head_note()
    return cosign(note, witness, at).removeprefix(note)


@pytest.fixture
def signed(log: AuditLog, draft: Drafts) -> AuditLog:
    """Checkpoints of 1, 2 and 4 entries, signed by one witness, both and the other; the last entry speaks of all."""
    started(log)
    log.keep_cosignatures(1, [line(log)])
    log.append_now([draft("a")])
    for witness in WITNESSES:
        log.keep_cosignatures(2, [line(log, witness)])
    log.append_now([draft("b"), draft("c")])
    log.keep_cosignatures(4, [line(log, TWO)])
    log.append_now([draft("d")])
    return log


def findings(log: AuditLog) -> str:
    return "\n".join(f"{each.where}: {each.what}" for each in log.verify().findings)


@pytest.mark.parametrize("demands", [frozenset(), frozenset({Demand(3, frozenset("abc"))})], ids=["none", "unmet"])
@pytest.mark.parametrize("wanted", [1, 3])
def test_a_receipt_of_an_old_entry_reads_no_more_however_many_checkpoints_were_cosigned_since(
    signed: AuditLog, place, demands: Demands, wanted: int
):
    def steps() -> int:
        counted: list[int] = []
        with signed._reading.reading() as connection:
            driver = connection.connection.driver_connection
            driver.set_progress_handler(lambda: counted.append(1), 100)
            assert cosigned.over(connection, 0, demands, wanted) is not None
            driver.set_progress_handler(None, 0)
        return len(counted)

    grow = """WITH RECURSIVE n(i) AS (SELECT {0} UNION ALL SELECT i + 1 FROM n WHERE i < {1})
        INSERT INTO {2} SELECT i, {3} FROM n"""
    used = []
    for begin, end in ((10, 1000), (1001, 6000)):
        change(place.url, grow.format(begin, end, "checkpoints", "(SELECT note FROM checkpoints WHERE size = 2)"))
        change(place.url, grow.format(begin, end, "cosigned", "2, (SELECT lines FROM cosigned WHERE size = 2)"))
        used.append(steps())
    assert used[1] <= used[0] + 20


def test_each_kept_line_is_spoken_of_by_the_next_entry_and_by_no_further_one(signed: AuditLog, draft: Drafts):
    signed.append_now([draft("e")])
    said = [entry.private.get("cosigned") for entry in signed.entries()]
    sizes = [[each["size"] for each in one] if one else [] for one in said]
    assert sizes == [[], [1], [2, 2], [2, 2], [4], []]
    assert [len(each["by"]) for each in said[2]] == [1, 2]
    assert findings(signed) == ""


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("DELETE FROM cosigned WHERE size = 4", "cosignatures of 4: by witness.example/two"),
        ("DELETE FROM cosigned", "cosignatures of 1: by witness.example/one"),
        ("UPDATE cosigned SET size = 5 WHERE size = 4", "cosignatures of 5: the signature by witness.example/two"),
        ("UPDATE cosigned SET lines = lines || lines WHERE size = 1", "of 1: hold two lines by one key"),
        ("UPDATE cosigned SET witnesses = 1 WHERE size = 2", "cosignatures of 2: are said to be of 1 witnesses"),
        ("UPDATE cosigned SET lines = '', witnesses = 0 WHERE size = 1", "cosignatures of 1: are no signature lines"),
        ("UPDATE cosigned SET lines = replace(lines, 'example/o', 'example/a') WHERE size = 1", "are missing"),
        ("UPDATE cosigned SET lines = (SELECT lines FROM cosigned WHERE size = 1), witnesses = 1 WHERE size = 2",
         "cosignatures of 2: by witness.example/two"),
        ("INSERT INTO cosigned SELECT 5, witnesses, lines FROM cosigned WHERE size = 4", "cosignatures of 5: "),
        ("INSERT INTO cosigned SELECT 0, witnesses, lines FROM cosigned WHERE size = 4", "of 0: are of no"),
        ("INSERT INTO cosigned SELECT -1, witnesses, lines FROM cosigned WHERE size = 4", "of -1: are of no"),
        ("INSERT INTO cosigned SELECT 5, 1, replace(lines, '/two', '/six') FROM cosigned WHERE size = 4",
         "cosignatures of 5: are by witness.example/six+"),
    ],
)  # fmt: skip
def test_cosignatures_that_were_taken_away_altered_or_made_up_are_found(signed, place, statement: str, wanted: str):
    assert findings(signed) == ""
    change(place.url, statement)
    assert wanted in findings(signed)


def test_a_witness_that_signs_the_same_head_later_adds_to_what_is_there(log: AuditLog, draft: Drafts):
    started(log)
    log.keep_cosignatures(1, [line(log, ONE), line(log, TWO)])
    log.keep_cosignatures(1, [line(log, ONE, AT.replace(year=2027))])  # the other did not answer this time
    assert log.checkpoint().count("witness.example/two") == 1
    assert log.checkpoint().count("witness.example/one") == 1
    log.append_now([draft("a")])
    assert findings(log) == ""


def test_lines_got_before_a_gateway_ended_are_spoken_of_when_it_starts_again(log: AuditLog, place):
    started(log)
    log.keep_cosignatures(1, [line(log)])
    log.close()
    again = place.open()
    change(place.url, "UPDATE cosigned SET witnesses = 1")  # nothing changed: it is there
    started(again)
    change(place.url, "DELETE FROM cosigned")
    assert findings(again) == f"cosignatures of 1: by witness.example/one+{ONE.verifier.key_id.hex()} are missing"


def test_the_newest_lines_that_no_entry_speaks_of_yet_can_be_taken_away_unseen(log: AuditLog, place):
    """What docs/audit.md says of them: their removal takes them from receipts, and nothing else."""
    started(log)
    log.keep_cosignatures(1, [line(log)])
    change(place.url, "DELETE FROM cosigned")
    assert findings(log) == ""


def test_text_that_is_no_signature_lines_holds_nobody_up_and_is_found(signed: AuditLog, place):
    change(place.url, "UPDATE cosigned SET lines = 'x' WHERE size = 4")
    again = place.open()
    started(again)
    assert "cosignatures of 4: are no signature lines" in findings(again)


def test_a_start_that_named_a_key_that_is_none_does_not_end_a_check(signed: AuditLog):
    signed.append_now([Draft(Event.STARTED, AT, "started", private={"gateway": "1", "witnesses": ["no key"]})])
    assert findings(signed) == ""
