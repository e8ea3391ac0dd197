"""Write docs/schemas/audit from the structures in gateway/audit/schemas.py; a test holds the files equal to them."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.audit.schemas import documents

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "schemas" / "audit"


def pages() -> dict[str, str]:
    """Each file's text, by its name."""
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in documents().items()}


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"wrote docs/schemas/audit/{name}")
