"""Where a partner keeps the receipts of what it was given: in memory, or as files that any verifier reads.

A receipt is not secret from the partner, and proves nothing without the content; losing one loses no
content, only the proof that is at hand (the gateway hands it out again).
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Protocol
from urllib.parse import quote


class ReceiptKeeper(Protocol):
    """Takes each receipt after it was verified. ``chunk`` counts from 0 in its release."""

    def keep(self, release: str, chunk: int, receipt: bytes) -> None:
        """Keep one verified receipt."""


class ReceiptsInMemory:
    """The latest receipts, at most ``limit``, by release id and chunk."""

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    def keep(self, release: str, chunk: int, receipt: bytes) -> None:
        """Keep one receipt, and let the oldest go when there are too many."""
        self._kept[release, chunk] = receipt
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def get(self, release: str, chunk: int = 0) -> bytes | None:
        """The receipt of one chunk, if it is still kept."""
        return self._kept.get((release, chunk))

    def __len__(self) -> int:
        return len(self._kept)


class ReceiptsInFolder:
    """One file a chunk: ``<release id>-<chunk>.tlog-proof``, which ``relgate receipt verify`` reads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, release: str, chunk: int = 0) -> Path:
        """Where a receipt is kept; whatever the release id holds, it stays inside the folder."""
        return self._folder / f"{quote(release, safe='')}-{chunk}.tlog-proof"

    def keep(self, release: str, chunk: int, receipt: bytes) -> None:
        """Write one receipt, whole or not at all."""
        path = self.path(release, chunk)
        draft = path.with_suffix(".new")
        draft.write_bytes(receipt)
        draft.replace(path)
