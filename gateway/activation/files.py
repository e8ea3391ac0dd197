"""Read a policy set's files from disk: `policies/` and the partners' public keys, as one mapping of path to bytes.

The two folders are one set, because whoever can add a key redirects the answers. What is read is bounded, symbolic
links are refused (a set is what its manifest says, not what a link points to today), and prose (``*.md``) is left out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FILE_LIMIT = 16 * 1024 * 1024
"""Most bytes one policy file may have."""

FILES_LIMIT = 20_000
KEYS = "keys/partners"
POLICIES = "policies"


@dataclass(eq=False, slots=True)
class FilesError(Exception):
    """The folder cannot be read as a policy set: ``path``, what is wrong, and how to mend it."""

    path: Path
    wrong: str
    hint: str

    def __str__(self) -> str:
        return f"{self.path}: {self.wrong}. {self.hint}"


def read_policy_files(policies_dir: Path, keys_dir: Path) -> Mapping[str, bytes]:
    """Read every file of the set, under the names the policy layer knows (``policies/...``, ``keys/partners/...``).

    Raises:
        FilesError: a folder is missing, a file is a link, unreadable or too large, or there are too many.

    """
    if not policies_dir.is_dir():
        raise FilesError(policies_dir, "is not a folder", "Point the setting policies_dir at the policy set.")
    files: dict[str, bytes] = {}
    partners = keys_dir / "partners"
    folders = [(POLICIES, policies_dir)] + ([(KEYS, partners)] if partners.is_dir() else [])
    for name, folder in folders:
        for path in _walk(folder):
            if len(files) >= FILES_LIMIT:
                raise FilesError(folder, f"holds more than {FILES_LIMIT} files", "Is this the right folder?")
            files[f"{name}/{path.relative_to(folder).as_posix()}"] = _read(path)
    return files


def _walk(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder, onerror=_refuse_folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if (Path(here) / name).is_symlink():
                raise FilesError(Path(here) / name, "is a symbolic link", "Put the folder itself there.")
        for name in sorted(names):
            if not name.startswith(".") and not name.endswith((".md", "~")):
                yield Path(here) / name


def _refuse_folder(error: OSError) -> None:
    raise FilesError(
        Path(str(error.filename)), f"cannot be read ({error.strerror})", "Check who may read it."
    ) from error


def _read(path: Path) -> bytes:
    try:
        # Without O_NONBLOCK, opening a pipe would wait for somebody to write into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise FilesError(path, f"cannot be opened ({error.strerror})", "Check that it is a readable file.") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FilesError(path, "is not a regular file", "Remove it from the policy set.")
        content = file.read(FILE_LIMIT + 1)
    if len(content) > FILE_LIMIT:
        raise FilesError(path, f"is larger than {FILE_LIMIT} bytes", "Split it, or check what it is.")
    return content
