"""Whatever somebody plants in the store, whoever reads or writes there is told so, and nothing fails in another way."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from gateway.audit.errors import AuditError, LogUnavailable
from gateway.audit.log import AuditLog
from gateway.audit.search import Criteria
from gateway.audit.spill import Sought
from gateway.audit.tiles import ENTRIES
from tests.audit.tampering import AT, change, make_draft, write_log

STORES = ["sqlite"]  # PostgreSQL keeps values of each column's type, and refuses all others itself.
MOST = str(2**63 - 1)
"""The largest number that a column takes; it stands for itself in what is planted."""
PLANTED = (
    "INSERT INTO removals VALUES (99, 'bogus', 0, 4, 1)",
    "INSERT INTO removals VALUES (3, 'leaf', 0, MOST, MOST)",
    "UPDATE entries SET leaf = 'text' WHERE position = 2",
    "UPDATE entries SET chunk = MOST WHERE position = 2",
    "UPDATE entries SET hash = 'zz' WHERE position = 1",
    "UPDATE entries SET time = '9999999' WHERE position = 2",
    "UPDATE entries SET position = MOST WHERE position = 20",
    "UPDATE head SET size = MOST",
    "UPDATE head SET epoch = MOST",
    "UPDATE head SET epoch = x'ff'",
    "UPDATE head SET standing = x'ff'",
    "UPDATE open_releases SET chunk = ''",
    "UPDATE open_releases SET partner = x'ff'",
    "UPDATE activations SET at = 'today'",
    "INSERT INTO cosigned VALUES (21, MOST, 'junk')",
    "INSERT INTO cosigned VALUES (21, 1, x'ff')",
    "INSERT INTO nodes VALUES (63, MOST, x'00')",
    "INSERT INTO totals VALUES (999999999, 'a', 'b', MOST, 0, 0, 0, 0)",
    "INSERT INTO usage VALUES ('JPN', 'c', 'x', MOST)",
    "INSERT INTO checkpoints VALUES (MOST, 'x')",
    "INSERT INTO open_releases VALUES ('q', MOST, 'a', 'b', 'gateway')",
)
USES: tuple[Callable[[AuditLog], object], ...] = (
    lambda log: log.receipt("r1"),
    lambda log: log.receipt_at(1),
    lambda log: log.checkpoint(),
    lambda log: log.entries(),
    lambda log: log.search(Criteria(), limit=10),
    lambda log: log.who_got(Sought(digests=frozenset([bytes(32)]))),
    lambda log: log.totals(),
    lambda log: log.standing(),
    lambda log: log.activations(),
    lambda log: log.tile(0, 0, 3),
    lambda log: log.tile(ENTRIES, 0, 3),
    lambda log: log.append_now([make_draft("after")]),
    lambda log: log.recover(AT),
    lambda log: log.keep_cosignatures(21, ["— a AAAAAAAA\n"]),
)


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_planted_is_found_and_fails_in_no_other_way(log: AuditLog, place, planted: str):
    write_log(log)
    change(place.url, planted.replace("MOST", MOST))
    with contextlib.suppress(LogUnavailable):
        assert not log.verify().sound
    for use in USES:
        with contextlib.suppress(AuditError):
            use(log)


@pytest.mark.parametrize("number", [2**63, 2**70, -(2**70)])
def test_a_number_that_no_store_takes_is_refused_like_any_other(log: AuditLog, number: int):
    log.append_now([make_draft("a")])
    for ask in (log.receipt_at, log.entry, lambda chunk: log.receipt("a", chunk)):
        with contextlib.suppress(LogUnavailable):
            assert ask(number) is None
