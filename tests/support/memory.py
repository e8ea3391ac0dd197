"""A place in memory for what tests write and wait to be synced."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - whoever writes there makes a folder of its own in it


def place_in_memory(room: int, *, runs: bool = False) -> Path | None:
    """Where files lie in memory, if so many bytes are free there and, with ``runs``, programs may be run from it.

    Docker gives 64 MiB, from which nothing runs.
    """
    if not _MEMORY.is_dir() or not os.access(_MEMORY, os.W_OK) or shutil.disk_usage(_MEMORY).free <= room:
        return None
    return None if runs and os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC else _MEMORY
