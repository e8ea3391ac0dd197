"""Go's sumdb and we agree on trees, proofs, notes and a folder; `make audit-go` runs the same at full size."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.audit.go import agree


@pytest.mark.skipif(bool(agree.missing()), reason=agree.missing())
def test_gos_implementation_agrees_on_proofs_notes_and_a_whole_folder(tmp_path: Path):
    small = ["--pairs", "40", "--size", "5000", "--samples", "100", "--notes", "3000", "--entries", "700"]
    options = agree.options_of([*small, "--mutations", "20"])
    report = list(agree.agree(agree.build(tmp_path), tmp_path, options))
    assert "40 roots, 820 inclusion proofs, 820 consistency proofs agree" in report[0]
    assert len(report) == 10
