"""A publishing that is cut off at any file: so many are written, and the next ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.audit import folder as folders


@dataclass
class FewWrites:
    """Writes files until none are ``left``."""

    left: int
    write: Callable[[Path, bytes], None]

    def __call__(self, path: Path, data: bytes) -> None:
        """Write one, or end as Ctrl-C would."""
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        self.write(path, data)


@contextmanager
def crashing_after(files: int) -> Iterator[FewWrites]:
    """Let folders be written until so many files are; ``KeyboardInterrupt`` at the next."""
    few = FewWrites(files, folders.write_whole)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(folders, "write_whole", few)
        yield few
