"""The answer of ``queryhelp``: which parameters a data type has, and what they are."""

from __future__ import annotations

from collections.abc import Mapping

from sample_source.marks import COLLECTION
from sample_source.records import Json
from sample_source.schema import Kind, Table


def query_help(table: Table) -> Mapping[str, Json]:
    """What the library says of a data type; ``classificationMarking`` is the highest of its records."""
    return {
        "name": table.name,
        "typeName": table.type_name,
        "uri": f"/udl/{table.name}",
        "description": table.description,
        "classificationMarking": COLLECTION,
        "requiredRoles": [],
        "restSupported": True,
        "sortSupported": True,
        "historySupported": False,
        "aodrSupported": False,
        "parameters": [_parameter(table, name, kind) for name, kind in table.fields.items()],
    }


def _parameter(table: Table, name: str, kind: Kind) -> Mapping[str, Json]:
    queryable = table.queryable(name)
    return {
        "name": name,
        "type": Kind.STRING if kind is Kind.TIME else kind,
        "format": kind if kind is Kind.TIME else None,
        "utcDate": kind is Kind.TIME,
        "required": name == table.required,
        "restQuerySupported": queryable,
        "restTupleSupported": True,
        "histQuerySupported": False,
        "histTupleSupported": False,
    }
