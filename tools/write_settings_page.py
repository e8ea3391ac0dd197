"""Write ``docs/settings.md`` from the settings' own descriptions; a test shows that the page is what this
writes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gateway.settings.load import GROUPS, TABLES  # noqa: E402 - after the path is set
from gateway.settings.model import Settings  # noqa: E402

PAGE = ROOT / "docs" / "settings.md"
OPENING = """# Settings

Written from the code by `tools/write_settings_page.py`; do not edit.

What is said on the command line wins over the environment, that over one TOML file, that over the default.
The file is the one that `--config` names, else the one that `RELGATE_CONFIG` names, else `./relgate.toml` if
it is there. Relative paths are relative to the working directory. A name that is no setting is refused,
wherever it stands, and so is a variable that is set but empty. `relgate settings` prints what is in force and
where each value came from, with secrets masked.

In the environment a setting's name is in capitals after `RELGATE_`, its parts joined by two underscores; in
the file the part before the dot is a section:

    RELGATE_SOURCES__UDL__URL=http://127.0.0.1:9000

    [sources.udl]
    url = "http://127.0.0.1:9000"
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [OPENING]
    for before, model in (("", Settings), *TABLES.items()):
        for name, field in model.model_fields.items():
            if name not in GROUPS:
                parts.append(_entry(before + name, field))
    return "\n".join(parts)


def _entry(name: str, field: FieldInfo) -> str:
    variable = "RELGATE_" + name.upper().replace(".", "__")
    told = " ".join((field.description or "").split())
    return f"## {name}\n\n{told}\n\n- variable: `{variable}`\n- default: {_default(field)}\n"


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "none; must be given"
    if field.default is None:
        return "not set"
    text = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
    return f"`{text}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
