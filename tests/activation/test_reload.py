"""A set of many policy lines takes force under load: no answer is dropped, none is made under half a set."""

from __future__ import annotations

import os

import pytest

from tests.activation.reload_campaign import Report, run

LINES = int(os.environ.get("POLICY_LINES", "300"))
"""``make reload`` does the same with 10,000 lines, and prints the pause."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """One activation while four connections ask without a pause."""
    return run(tmp_path_factory.mktemp("reload"), LINES, 0.3)


def test_no_request_is_dropped_and_none_is_judged_by_a_half_loaded_set(report: Report) -> None:
    assert report.lines == LINES
    assert {each.told for each in report.answers} == {"every", "none"}
    assert report.failed == []


def test_every_answer_asked_for_after_the_activation_returned_is_under_the_new_set(report: Report) -> None:
    assert [each for each in report.answers if each.asked > report.returned]
    assert report.stale == []


def test_no_answer_is_under_the_old_set_once_one_was_under_the_new(report: Report) -> None:
    assert all(each.told == "none" for each in report.answers if each.asked > report.switched)
