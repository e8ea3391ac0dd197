"""The page on the proof functions says what the code does: its example runs, and every function has its line."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from gateway.audit import checkpoint, merkle, receipt, tiles, witness

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8")
FUNCTIONS = {
    merkle: "leaf_hash node_hash root inclusion_proof consistency_proof verify_inclusion verify_consistency",
    checkpoint: "parse_verifier_key parse_signing_key open_note parse_checkpoint open_checkpoint cosign",
    receipt: "verify leaf_of",
    tiles: "path parse_path tile entries_bundle parse_bundle",
    witness: "add_checkpoint begin",
}


def test_the_example_on_the_page_runs_as_it_stands(capsys: pytest.CaptureFixture[str]):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/proofs.md", "exec"), {})  # noqa: S102 - our own page
    assert re.fullmatch(r"the proof leads to root [0-9a-f]{64}, not [0-9a-f]{64}\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in FUNCTIONS.items() for name in names.split()]
)
def test_every_function_stands_under_its_module_with_the_arguments_it_takes(module: object, name: str):
    heading = f"## {module.__name__}\n"  # type: ignore[attr-defined]
    section = PAGE.partition(heading)[2].partition("\n## ")[0]
    said = re.search(rf"`{name}\(([^`]*)\)`", section)
    assert said, f"{name} is not under {heading}"
    wanted = [each.partition("=")[0].strip() for each in said[1].split(", ")]
    taken = list(inspect.signature(getattr(module, name)).parameters)
    assert len(wanted) == len(taken)
    assert all(one in (other, "bytes") for one, other in zip(wanted, taken, strict=True))
