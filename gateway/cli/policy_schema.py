"""``relgate policy schema``: the JSON Schema of each kind of policy file, for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import Data, Line
from gateway.cli.session import Json, session
from gateway.policy.schema import FILES, schema_of


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("schema", epilog="Example: relgate policy schema docs/schemas")(schema)


def schema(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where to write them; it is made if it is not there.")],
    as_json: Json = False,
) -> None:
    """Write one schema a kind of policy file."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in FILES:
        path = folder / f"{name}.json"
        path.write_text(schema_text(name), encoding="utf-8")
        written.append(str(path))
    data: Data = {"written": list(written)}
    session(context).output(as_json).show(data, *(Line(path) for path in written))


def schema_text(name: str) -> str:
    """A schema as it is published."""
    return json.dumps(schema_of(name), indent=2, ensure_ascii=False) + "\n"
