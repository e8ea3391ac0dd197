"""Each write step fails before and after it is done: no fork, no acknowledged entry lost, nothing half written.

Here every fifth case on SQLite, every twenty-fifth on PostgreSQL; ``make audit-campaign`` has all of them on both.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from gateway.audit import tables
from gateway.audit.orders import Order
from tests.audit.write_steps import ACTS, COMMIT, ORDERS, fail_acts, fail_making, steps


def test_no_write_step_that_fails_in_either_way_forks_the_log_or_loses_an_acknowledged_entry(place):
    outcomes = list(fail_acts(place.url, every=5 if place.url.startswith("sqlite") else 25))
    assert [outcome for outcome in outcomes if outcome.faults] == []
    # Only a commit that was done and reported as failed leaves anything, and then all of it.
    assert [(one.act, one.step, one.how) for one in outcomes if one.persisted] == [
        (act.__name__, COMMIT, "after") for act in ACTS
    ]


def test_what_is_failed_writes_to_every_table_and_gives_every_kind_of_order(tmp_path: Path):
    assert written(steps(f"sqlite:///{tmp_path / 'audit.db'}")) == set(tables.metadata.tables)
    assert set(typing.get_args(Order)) == ORDERS


def test_a_store_whose_making_failed_at_any_step_is_made_by_the_next_opening(tmp_path: Path):
    outcomes = list(fail_making((f"sqlite:///{tmp_path / f'audit{number}.db'}" for number in count()), every=7))
    assert [outcome for outcome in outcomes if outcome.faults] == []
    assert [(one.step, one.how) for one in outcomes if one.persisted] == [(COMMIT, "after")]


def written(names: Iterable[str]) -> set[str]:
    """The tables that the steps write to."""
    found = (re.search(r"(?:INTO|UPDATE|FROM) (\w+)", name) for name in names)
    return {match[1] for match in found if match}
