"""Each write step fails before and after it is done: no fork, no acknowledged entry lost, nothing half written."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.audit.write_steps import COMMIT, fail, open_failing, steps


def test_no_write_step_that_fails_in_either_way_forks_the_log_or_loses_an_acknowledged_entry(tmp_path: Path):
    key = Ed25519PrivateKey.generate()
    url = f"sqlite:///{tmp_path / 'audit.db'}"
    names = steps(url, key)
    assert names[-1] == COMMIT
    for table in ("entries", "private_parts", "record_rows", "nodes", "checkpoints", "open_releases", "stops", "head"):
        assert any(table in name for name in names), names
    outcomes = [fail(url, key, at, how) for at in range(len(names)) for how in ("before", "after")]
    log, _ = open_failing(url, key)
    assert log.verify().findings == ()
    log.close()
    assert [outcome for outcome in outcomes if outcome.findings] == []
    # Only a commit that was done and reported as failed leaves its entries, and then all of them.
    assert [(one.step, one.how) for one in outcomes if one.persisted] == [(COMMIT, "after")]
