"""``relgate serve``: run the gateway."""

from __future__ import annotations

import typer

EXAMPLES = """Examples:

  relgate serve

  RELGATE_PORT=9443 relgate --config /etc/relgate.toml serve
"""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
