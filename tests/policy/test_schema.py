"""The published schemas are the models' own, and the shipped files satisfy them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli.policy_schema import schema_text
from gateway.policy.schema import FILES, schema_of

PAGES = Path(__file__).resolve().parents[2] / "docs" / "schemas"


@pytest.mark.parametrize("name", FILES)
def test_a_published_schema_equals_what_the_model_gives(name: str) -> None:
    made = (PAGES / f"{name}.json").read_text(encoding="utf-8")
    assert made == schema_text(name), "run: relgate policy schema docs/schemas"


def test_no_schema_is_published_that_no_model_gives() -> None:
    assert {path.stem for path in PAGES.glob("*.json")} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_schema_knows_every_key_by_its_name_in_the_file_and_no_other(name: str) -> None:
    model, _ = FILES[name]
    made = schema_of(name)
    assert made["additionalProperties"] is False
    assert set(made["properties"]) == {field.alias or key for key, field in model.model_fields.items()}  # type: ignore[call-overload]
    assert '"from_"' not in json.dumps(made)
