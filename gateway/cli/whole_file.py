"""Writing a file that a person names: whole, or not at all, and for its owner's eyes alone.

A command that ends in its middle (Ctrl-C, a full disk, an altered entry) leaves no part of a file that could pass for
the whole, and what stood there before stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gateway.cli.errors import USAGE, CommandFailed


@contextmanager
def whole_file(output: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes its name when the block ends without error. What is there and no file (a pipe, a
    device) is written to as it is. Raises ``CommandFailed``.
    """
    is_file = output.is_file() or not output.exists()
    draft = output.with_name(f"{output.name}.{os.getpid()}.part") if is_file else output
    try:
        with open(draft, "wb", opener=_owners) as writing:
            yield writing
            writing.flush()
            if is_file:
                os.fsync(writing.fileno())
        draft.replace(output)  # onto itself: nothing
    except OSError as error:
        raise CommandFailed(USAGE, f"{output}: {error.strerror}", "name a file that can be written") from None
    finally:
        if is_file:
            draft.unlink(missing_ok=True)


def _owners(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
