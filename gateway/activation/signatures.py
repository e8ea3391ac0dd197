"""Officers' signatures as files: one folder an order, one file an officer, under a folder that the settings name.

Nothing here is trusted: whatever lies there is text to be checked (:mod:`gateway.activation.approval`).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from gateway.activation.approval import Purpose
from gateway.activation.files import FilesError
from gateway.sealing.order_signature import TEXT_LIMIT

MOST = 64
"""Most signatures that are read of one order."""

ENDING = ".jws"


def folder_of(root: Path, purpose: Purpose, subject: str) -> Path:
    """Where the signatures under an order lie."""
    named = subject if purpose is not Purpose.LIFT_STOP else hashlib.sha256(subject.encode()).hexdigest()
    return root / f"{purpose}-{named[:32]}"


def read_signatures(root: Path, purpose: Purpose, subject: str) -> tuple[str, ...]:
    """The signatures under an order, by the names of their files; none where there is no folder.

    Raises :class:`FilesError` for a folder or file that cannot be read.
    """
    folder = folder_of(root, purpose, subject)
    if not folder.is_dir():
        return ()
    paths = sorted(path for path in folder.iterdir() if path.name.endswith(ENDING))
    if len(paths) > MOST:
        raise FilesError(folder, f"holds more than {MOST} signatures", "Remove those that are not officers'.")
    return tuple(_read(path) for path in paths)


def write_signature(root: Path, purpose: Purpose, subject: str, officer: str, text: str) -> Path:
    """Put one officer's signature where :func:`read_signatures` finds it, in place of an earlier one."""
    folder = folder_of(root, purpose, subject)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{officer}{ENDING}"
    path.write_text(text + "\n", encoding="ascii")
    return path


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(TEXT_LIMIT + 2)
    except OSError as error:
        raise FilesError(path, f"cannot be read ({error.strerror})", "Check who may read it.") from error
    return data.decode("ascii", errors="replace").strip()
