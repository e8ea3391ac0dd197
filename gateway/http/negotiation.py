"""Which forms of answer a caller accepts (RFC 9110 section 12.5.1), and which trace it belongs to."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

SEALED_TYPE = "application/jose"
LINES_TYPE = "application/x-ndjson"
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Accepted:
    """``sealed``: a sealed answer is acceptable; ``plain``: one in clear is, and sealed was not asked for by name;
    ``lines``: NDJSON was asked for by name, sealed or in clear.
    """

    sealed: bool
    plain: bool
    lines: bool = False


def accepted(header: str | None) -> Accepted:
    """Read an ``Accept`` header. Absent or empty accepts anything; asking for JOSE by name asks for sealing."""
    if header is None or not header.strip():
        return Accepted(sealed=True, plain=True)
    ranges = [part.strip().lower() for part in header.split(",")]
    wanted = {part.split(";", 1)[0].strip() for part in ranges if not _refused(part)}
    if SEALED_TYPE in wanted:
        return Accepted(sealed=True, plain=False, lines=LINES_TYPE in wanted)
    return Accepted(sealed=bool(wanted & {"*/*", "application/*"}), plain=bool(wanted), lines=LINES_TYPE in wanted)


def _refused(media_range: str) -> bool:
    return any(parameter.strip().replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000")
               for parameter in media_range.split(";")[1:])  # fmt: skip


def traceparent(header: str | None) -> str:
    """Continue the caller's trace with a span of our own, or begin one (W3C Trace Context, version 00)."""
    match = _TRACEPARENT.fullmatch(header or "")
    if match is None or set(match[1]) == {"0"} or set(match[2]) == {"0"}:
        return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
    return f"00-{match[1]}-{secrets.token_hex(8)}-{match[3]}"
