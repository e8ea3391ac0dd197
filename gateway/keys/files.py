"""Private files: written once, durable, readable by their owner alone, and refused when they are not.

The rule: *a private key that somebody else could have read is not used.* Folder and file must belong to the
user that the gateway runs as, with no permission for group or others (NIST SP 800-57 part 2, 4.5: keys at
rest are protected from disclosure). Checks are made on the opened descriptor, not on the name, so that
nothing can be swapped between the check and the read; a symbolic link is refused.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.keys.errors import KeyFileRefused

FILE_MODE = 0o600
FOLDER_MODE = 0o700
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SIZE_LIMIT = 65_536


def make_private_folder(folder: Path) -> None:
    """Make ``folder`` (and its parents) with mode 0700, or check that the one there is private.

    Raises :class:`KeyFileRefused` when it belongs to another user or others may enter it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=FOLDER_MODE)
    except FileExistsError:
        pass
    else:
        sync_folder(folder.parent)
    check_private_folder(folder)


def check_private_folder(folder: Path) -> None:
    """Refuse a folder that is not there, is no folder, belongs to another user or is open to others."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        raise KeyFileRefused(folder, "is not there", "Create the keys with: relgate keys init") from None
    if not stat.S_ISDIR(found.st_mode):
        raise KeyFileRefused(folder, "is not a folder", "Move it away and start again")
    _check_owner_and_mode(folder, found, FOLDER_MODE)


def read_private(path: Path) -> bytes:
    """The bytes of a private file; :class:`KeyFileRefused` when it is missing, loose, foreign, linked
    or too long.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise KeyFileRefused(path, "is not there", "Restore it from its backup") from None
    except OSError as error:
        raise KeyFileRefused(
            path, f"cannot be opened ({error.strerror})", "It must be a plain file of your own, not a link"
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise KeyFileRefused(path, "is not a plain file", "Restore it from its backup")
        _check_owner_and_mode(path, found, FILE_MODE)
        data = file.read(_SIZE_LIMIT + 1)
    if len(data) > _SIZE_LIMIT:
        raise KeyFileRefused(path, f"is longer than {_SIZE_LIMIT} bytes", "A key is not; restore it from its backup")
    return data


def write_private(path: Path, data: bytes) -> None:
    """Create ``path`` with mode 0600 and ``data``, whole or not at all, durable on return.

    Never replaces: raises :class:`KeyFileRefused` when the name is taken, so no key can be lost to a second
    start.
    """
    draft = draft_private(path, data)
    try:
        # A crash here leaves only the draft, under a name that nothing reads. The link is what makes the
        # file exist, and unlike a rename it refuses to replace one that is there.
        try:
            os.link(draft, path)
        except FileExistsError:
            raise KeyFileRefused(path, "is already there", "Move it away first if it is to be replaced") from None
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def draft_private(path: Path, data: bytes) -> Path:
    """Write ``data`` durably beside ``path``, under a name that nothing reads, with mode 0600; give that name."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, FILE_MODE)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise KeyFileRefused(path, f"cannot be written ({error.strerror})", "Nothing was changed") from None
    return draft


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder against other processes that start at the same time; let go at the latest when this one ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_owner_and_mode(path: Path, found: os.stat_result, wanted: int) -> None:
    if found.st_uid != os.geteuid():
        raise KeyFileRefused(
            path,
            f"belongs to user {found.st_uid}, but the gateway runs as user {os.geteuid()}",
            f"Run: chown {os.geteuid()} {path}",
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & _OTHERS:
        raise KeyFileRefused(
            path,
            f"has mode {mode:04o}, so others than its owner may use it",
            f"Run: chmod {wanted:04o} {path}  (and replace the key if somebody may have read it)",
        )
