"""What the commands of the workbench share: a policy set's files, from the folder in use, another one, or the log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gateway.activation.files import read_policy_files
from gateway.activation.running import stored_files
from gateway.cli.errors import REFUSED, USAGE, CommandFailed
from gateway.cli.session import Session

IN_FORCE = "in-force"
"""The word that names the set in force where a folder is asked for."""

Where = Annotated[
    Path | None,
    typer.Option("--policies", help="The folder of the policy set; by default the setting policies_dir."),
]


def files_of(here: Session, folder: Path | None = None) -> dict[str, bytes]:
    """A set's files. A folder that is named needs no settings: its partners' keys are those in ``keys`` beside it."""
    if folder is None:
        return dict(read_policy_files(here.settings.policies_dir, here.settings.keys_dir))
    inner = folder / "policies" if (folder / "policies").is_dir() else folder
    return dict(read_policy_files(inner, inner.resolve().parent / "keys"))


def files_in_force(here: Session) -> Mapping[str, bytes]:
    """The files of the set that the log says is in force."""
    with here.reader() as reader:
        standing = reader.standing()
        if standing.active is None:
            raise CommandFailed(REFUSED, "no policy set is in force", "relgate policy activate")
        return stored_files(reader, standing.active)


def named_files(here: Session, name: str) -> Mapping[str, bytes]:
    """The files of a folder, or of the set in force when that is what ``name`` says."""
    if name == IN_FORCE:
        return files_in_force(here)
    if not Path(name).is_dir():
        raise CommandFailed(USAGE, f"{name} is not a folder", f"name a folder of policy files, or {IN_FORCE}")
    return files_of(here, Path(name))
