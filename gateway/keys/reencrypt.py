"""Encrypt the private files of a folder, or change their passphrase: all of them or none, and no file ever half.

Every new file is made, opened again and compared before the first one takes its place, so that a wrong passphrase or a
full disk changes nothing. Then each takes its place by a rename. A crash between two renames leaves some files under
the old passphrase and some under the new: nothing starts with that, and the same command run again finishes it, since
a file that opens with the new passphrase already is left as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gateway.keys import atrest
from gateway.keys.atrest import Keeping, Passphrase
from gateway.keys.errors import KeyFileRefused
from gateway.keys.files import check_private_folder, draft_private, held, read_private, sync_folder

_PRIVATE = re.compile(r"log-signing\.pem|log-ml-dsa-44\.pem|content-signing\.pem|identifier-[1-9][0-9]{0,8}\.key"
                      r"|witness\.pem|witness-ml-dsa-44\.pem")  # fmt: skip
"""The private files of a gateway, an auditor and a witness."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One private file, and whether it is encrypted."""

    path: Path
    encrypted: bool


def private_files(folder: Path) -> tuple[Kept, ...]:
    """The private files in a folder, by name. Raises :class:`KeyFileRefused` when one is loose or unreadable."""
    check_private_folder(folder)
    paths = sorted(path for path in folder.iterdir() if _PRIVATE.fullmatch(path.name))
    if not paths:
        raise KeyFileRefused(folder, "holds no private key", "Make the gateway's with: relgate keys init")
    return tuple(Kept(path, atrest.is_encrypted(read_private(path))) for path in paths)


def reencrypt(folder: Path, old: Passphrase | None, new: Passphrase) -> tuple[Path, ...]:
    """Put every private file of a folder under ``new``; give those that changed.

    ``old`` opens what is encrypted under another one; ``None`` when nothing is. Raises :class:`KeyFileRefused`, and
    then nothing has changed.
    """
    check_private_folder(folder)
    with held(folder):
        files = private_files(folder)
        made = {kept.path: under_new for kept in files if (under_new := _under(kept, old, new)) is not None}
        drafts: dict[Path, Path] = {}
        try:
            for path, data in made.items():
                drafts[path] = draft_private(path, data)
            for path, draft in drafts.items():
                # A crash here leaves the files before this one new and the others old: see above.
                draft.replace(path)
        finally:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)
        sync_folder(folder)
    return tuple(made)


def _under(kept: Kept, old: Passphrase | None, new: Passphrase) -> bytes | None:
    """A file's bytes under the new passphrase; ``None`` when it is under it already."""
    lies = read_private(kept.path)
    if kept.encrypted:
        try:
            atrest.decrypt(lies, kept.path, new)
        except KeyFileRefused:
            key = Keeping(old, plain=False).read(kept.path)
        else:
            return None
    else:
        key = lies
    data = atrest.encrypt(key, kept.path, new)
    if atrest.decrypt(data, kept.path, new) != key:
        raise KeyFileRefused(kept.path, "does not open after it was encrypted", "Nothing was changed; try again")
    return data
