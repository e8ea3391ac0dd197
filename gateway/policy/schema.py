"""The JSON Schema (2020-12) of each kind of policy file, made from the models that read them.

An editor that has it completes keys and says what each table and each key means: the sentence of the table's own
description that names the key. It is a help, not the judge: what files say of each other, and most of what a validator
here checks, is said by ``relgate policy lint``. TOML's dates reach an editor as strings in ISO form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from gateway.policy.cases import CasesFile
from gateway.policy.conditions import Condition
from gateway.policy.dataset import DatasetFile
from gateway.policy.partner import PartnerFile
from gateway.policy.setwide import CommunitiesFile, SetFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILES: Mapping[str, tuple[type[BaseModel], str]] = {
    "partner": (PartnerFile, "policies/partners/CODE.toml"),
    "dataset": (DatasetFile, "policies/datasets/NAME.toml"),
    "communities": (CommunitiesFile, "policies/communities.toml"),
    "policy": (SetFile, "policies/policy.toml"),
    "cases": (CasesFile, "policies/cases/NAME.toml"),
}
"""Each schema's name, the model it is made from, and which files it speaks of."""

_SENTENCE = re.compile(r"(?<=[.;]) (?=[A-Z`])")
"""Where one sentence, or one part of one that names another key, ends and the next begins."""

_NAMES: JsonSchemaValue = {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1}
_SCALAR: JsonSchemaValue = {"type": ["string", "integer", "boolean"]}
_TESTS: JsonSchemaValue = {
    "anyOf": [
        _SCALAR,
        {"type": "array", "items": _SCALAR, "minItems": 1},
        {
            "type": "object",
            "properties": {"contains": {"type": "string"}, "within": _NAMES, "beyond": _NAMES},
            "additionalProperties": False,
            "minProperties": 1,
        },
        {
            "type": "object",
            "properties": {"at_least": {"type": "number"}, "below": {"type": "number"}},
            "additionalProperties": False,
            "minProperties": 1,
        },
    ]
}
_WHERE: JsonSchemaValue = {
    "description": "Of which records the rule speaks: tests of facts, all of which must hold, or everything.",
    "anyOf": [{"const": "everything"}, {"type": "object", "additionalProperties": _TESTS, "minProperties": 1}],
}
_KINDS: Mapping[type, JsonSchemaValue] = {
    datetime: {"type": "string", "description": "A date, 2026-01-01, or a date-time with zone; unquoted."},
    date: {"type": "string", "format": "date", "description": "A date, 2026-01-01, unquoted."},
    timedelta: {"type": "string", "pattern": r"^(\d{1,4}d)?(\d{1,3}h)?(\d{1,4}m)?(\d{1,5}s)?$", "minLength": 2},
    Decimal: {"type": "number"},
}


class _Schema(GenerateJsonSchema):
    """Pydantic's generator, told how the values of policy files are written."""

    def json_or_python_schema(self, schema: core_schema.JsonOrPythonSchema) -> JsonSchemaValue:
        """A condition, which a file writes as a table of tests."""
        python = schema["python_schema"]
        if python["type"] == "is-instance" and python["cls"] is Condition:
            return dict(_WHERE)
        return super().json_or_python_schema(schema)

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        """An instant."""
        return dict(_KINDS[datetime])

    def date_schema(self, schema: core_schema.DateSchema) -> JsonSchemaValue:
        """A day."""
        return dict(_KINDS[date])

    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        """A duration such as ``1h30m``."""
        return dict(_KINDS[timedelta])

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A step or a bound."""
        return dict(_KINDS[Decimal])


def schema_of(name: str) -> dict[str, object]:
    """The schema of one kind of file; raises ``KeyError`` for a name that is not in :data:`FILES`."""
    model, files = FILES[name]
    made = model.model_json_schema(by_alias=True, schema_generator=_Schema, mode="validation")
    if name == "cases":
        _loosen_cases(made)
    tables = made.get("$defs", {})
    for table in (made, *(tables.values() if isinstance(tables, dict) else ())):
        _describe(table)
    return {"$schema": DIALECT, "$comment": f"For {files}", **made}


def _describe(table: JsonSchemaValue) -> None:
    """Give each key the sentence that names it in its table's description; the first one where none does."""
    said = " ".join(str(table.get("description", "")).split())
    sentences = _SENTENCE.split(said)
    for key, held in table.get("properties", {}).items():
        if isinstance(held, dict) and "description" not in held and said:
            found = next((each for each in sentences if f"``{key}``" in each or f"``{key} = " in each), sentences[0])
            held["description"] = found.replace("``", "")
    if said:
        table["description"] = said.replace("``", "")


def _loosen_cases(made: dict[str, object]) -> None:
    """What ``[given]`` may supply need not stand in each case."""
    tables = made["$defs"]
    if isinstance(tables, dict):
        tables["CaseTable"]["required"] = ["name", "expect"]
