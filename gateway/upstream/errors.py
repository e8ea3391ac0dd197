"""What can be wrong with a source system, by stable code; none of it is ever shown to a partner in words."""

from __future__ import annotations

from dataclasses import dataclass

UNREACHABLE = "upstream_unreachable"
TIMED_OUT = "upstream_timeout"
REFUSED = "upstream_refused"
REDIRECTED = "upstream_redirected"
TOO_LARGE = "upstream_too_large"
MALFORMED = "upstream_malformed"


@dataclass(eq=False, slots=True)
class UpstreamError(Exception):
    """The source gave nothing that may be judged. ``code`` is stable; ``detail`` is for the operator's log alone."""

    code: str
    source: str
    detail: str

    def __str__(self) -> str:
        return f"{self.code}: source {self.source!r}: {self.detail}"
