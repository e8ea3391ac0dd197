"""Checking the artifacts of a published folder: each that its entries name is there, unaltered, and no other.

See :mod:`gateway.audit.naming` for what lies where, and why none of it can be left out unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.audit import canonical, evidence, folder_files, naming
from gateway.audit.errors import ProofRefused
from gateway.audit.finding import Finding
from gateway.audit.naming import ARTIFACTS, NAMED

_DIGEST = re.compile("[0-9a-f]{64}")


def differences(folder: Path, leaves: Mapping[int, bytes], size: int, *, whole: bool) -> Iterator[Finding]:
    """Where what lies there is not what entries name. ``leaves`` are the hashes of the entries that name something, of
    a log of ``size``; with ``whole`` False they are only some of those, and others may name what lies there besides.
    """
    wanted: set[str] = set()
    for index, leaf in sorted(leaves.items()):
        try:
            shown = _shown(folder, index, leaf)
        except ProofRefused as error:
            yield Finding(f"{NAMED}/{index}", str(error))
            continue
        for digest in naming.digests(shown):
            if digest not in wanted and (wrong := _wrong(folder, digest)):
                yield Finding(f"entry {index}", f"names {digest}, but {wrong}")
            wanted.add(digest)
    if whole:
        try:
            yield from _beside(folder, leaves, wanted, size)
        except ProofRefused as error:
            yield Finding(NAMED, str(error))


def _shown(folder: Path, index: int, leaf: bytes) -> evidence.Shown:
    shown = evidence.parse(folder_files.read_shown(folder, NAMED, index))
    if shown.hash != leaf:
        raise ProofRefused("is not of the entry that the log has there")
    return shown


def _wrong(folder: Path, digest: str) -> str:
    """What is wrong with an artifact; nothing, if it is right."""
    if not _DIGEST.fullmatch(digest):
        return "that is no SHA-256"
    try:
        body = folder_files.read_artifact(folder, digest)
    except ProofRefused as error:
        return str(error)
    return "" if canonical.digest(body).hex() == digest else f"{ARTIFACTS}/{digest} has other bytes"


def _beside(folder: Path, leaves: Mapping[int, bytes], wanted: set[str], size: int) -> Iterator[Finding]:
    """What lies there and no entry of this log names. Files of a longer log come before its checkpoint: what those say
    that they name may be there.
    """
    later: set[str] = set()
    for index in folder_files.shown(folder, NAMED):
        if index >= size:
            later.update(_said(folder, index))
        elif index not in leaves:
            yield Finding(f"{NAMED}/{index}", "is of an entry that puts nothing into the store")
    for name in folder_files.names(folder, ARTIFACTS):
        being_written = name.startswith(".") and name.endswith(".new")
        if name not in wanted | later and not being_written:
            yield Finding(f"{ARTIFACTS}/{name}", "is named by no entry")


def _said(folder: Path, index: int) -> list[str]:
    """What an entry of a longer log names, which nobody can check yet."""
    try:
        return naming.digests(evidence.parse(folder_files.read_shown(folder, NAMED, index)))
    except ProofRefused:
        return []
