"""The published schemas are the models' own, and the shipped files satisfy them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from gateway.cli.policy_schema import schema_text
from gateway.policy.schema import FILES, schema_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "schemas"


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


def read_plainly(path: Path) -> object:
    """A TOML file as JSON has it: dates in ISO form."""
    return json.loads(json.dumps(tomllib.loads(path.read_text(encoding="utf-8")), default=str))


SHIPPED = sorted((ROOT / "policies").rglob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_shipped_file_names_its_schema_for_editors_and_satisfies_it(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("#:schema ")
    schema = json.loads((path.parent / first.removeprefix("#:schema ")).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(read_plainly(path))


@pytest.mark.parametrize("name", FILES)
def test_every_key_and_every_table_says_what_it_means(name: str) -> None:
    made = schema_of(name)
    tables = [made, *made.get("$defs", {}).values()]  # type: ignore[attr-defined]
    for table in tables:
        for key, held in table.get("properties", {}).items():
            assert held.get("description"), (table.get("title"), key)
            assert "``" not in held["description"]
