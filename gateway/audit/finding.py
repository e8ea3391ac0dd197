"""What a check of the log says of one thing that is not as it was signed."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that is not as it was signed: where, and what is wrong there."""

    where: str
    what: str
