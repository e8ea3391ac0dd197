"""Whoever adds to the log's signed notes, or alters its second signature, is found; what is signed by less is said."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from gateway.audit import receipt
from gateway.audit.checkpoint import encode_base64
from gateway.audit.entry import Draft, Event
from gateway.audit.errors import ProofRefused
from gateway.audit.log import AuditLog
from tests.audit.conftest import Place
from tests.audit.everything import AT, WITNESSES

STORES = ["sqlite"]  # The SQL that tampers is SQLite's.
Drafts = Callable[..., Draft]
ONE, _ = WITNESSES
FORGED = f"— {ONE.name} {encode_base64(ONE.verifier.key_id + bytes(72))}\n"


def rewrite(place: Place, alter: Callable[[str], str], *, only: int = 0) -> None:
    """Alter the head's note and every checkpoint's, or the one checkpoint of a size."""
    with closing(sqlite3.connect(place.file)) as store:
        store.create_function("altered", 1, alter)
        store.execute("UPDATE checkpoints SET note = altered(note) WHERE ? IN (0, size)", [only])
        if not only:
            store.execute("UPDATE head SET checkpoint = altered(checkpoint)")
        store.commit()


@pytest.fixture
def twice(place: Place, draft: Drafts) -> AuditLog:
    """A log that signs with two keys, as its start says, after an entry from before that start."""
    log = place.open(ml_dsa=MLDSA44PrivateKey.generate())
    log.append_now([draft("before")])
    log.append_now([Draft(Event.STARTED, AT, "started", private={"signed_by": list(map(str, log.verifiers))})])
    log.append_now([draft("after")])
    return log


def findings(log: AuditLog) -> list[tuple[str, str]]:
    return [(each.where, each.what) for each in log.verify().findings]


def remarks(log: AuditLog) -> list[str]:
    return [f"{each.where} {each.what}" for each in log.verify().remarks]


def test_a_log_that_signs_with_two_keys_raises_no_alarm_and_no_remark(twice: AuditLog):
    assert (findings(twice), remarks(twice)) == ([], [])


def test_a_line_under_a_witnesss_name_that_is_no_signature_is_found_on_every_note(log: AuditLog, place, draft: Drafts):
    log.append_now([draft("a")])
    rewrite(place, lambda note: note + FORGED)
    given = log.receipt("a")
    assert given is not None
    with pytest.raises(ProofRefused):  # which is why it matters
        receipt.verify(given.receipt, receipt.leaf_of(given.receipt), [log.verifier], witness_keys=[ONE.verifier])
    said = f"has a signature line by {ONE.name}+{ONE.verifier.key_id.hex()}, which is no key of the log's"
    assert findings(log) == [("head", said), ("checkpoint of 1", said)]


def test_a_line_beside_the_statement_of_standing_orders_is_found(log: AuditLog, place):
    place.change(f"UPDATE head SET standing = standing || '{FORGED}'")  # noqa: S608
    assert findings(log) == [("standing orders", "are signed by others beside the log's own key")]


def test_a_second_signature_that_was_altered_is_found(twice: AuditLog, place):
    rewrite(place, lambda note: f"{note[:-60]}{'A' * 20}{note[-40:]}", only=2)
    (found,) = findings(twice)
    assert found[0] == "checkpoint of 2"
    assert "does not verify" in found[1]


def test_second_signatures_that_were_taken_away_are_remarked_on(twice: AuditLog, place):
    rewrite(place, lambda note: note.rpartition("— ")[0])
    mark = f"{twice.origin}+{twice.verifiers[1].key_id.hex()}"
    said = f"are not signed by {mark}, though a gateway named it at its start, entry 1"
    assert (findings(twice), remarks(twice)) == ([], [f"2 checkpoints {said}"])


def test_a_second_key_that_no_start_names_is_remarked_on(place: Place, draft: Drafts):
    log = place.open(ml_dsa=MLDSA44PrivateKey.generate())
    log.append_now([draft("a")])
    assert findings(log) == []
    (said,) = remarks(log)
    assert said.endswith("too, which no start names: not checked")


def test_a_note_that_one_key_has_signed_twice_is_found(twice: AuditLog, place):
    rewrite(place, lambda note: f"{note}— {note.rpartition('— ')[2]}", only=1)
    assert findings(twice) == [("checkpoint of 1", "is signed twice by one key")]
