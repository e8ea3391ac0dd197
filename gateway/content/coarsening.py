"""Coarsen one instant to the multiple of a span at or before it, so that nothing but the multiple is left of it.

Multiples count from 1970-01-01T00:00:00Z. The text written depends on the multiple alone: always seconds, always
``Z``, whatever zone and fraction the source wrote. The later an instant is within its span, the more it is moved back;
it is never moved forward, so that nothing seems to happen before it does. What is no RFC 3339 date-time with a zone has
no answer, and the caller leaves the field out.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec

_TEXT = msgspec.json.Decoder(str)
_FORM = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,12})?(?:[Zz]|[+-]\d{2}:\d{2})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION = re.compile(r"\.\d+")


def coarsen_instant(value: bytes, span: timedelta) -> bytes | None:
    """Write the multiple of ``span`` at or before a JSON string's instant, as a JSON string.

    ``span`` is whole seconds, above zero. ``None`` when the string is no instant with a zone, or the multiple lies
    outside the years 1 to 9999.
    """
    try:
        text = _TEXT.decode(value)
        if not _FORM.fullmatch(text):
            return None
        at = datetime.fromisoformat(_FRACTION.sub("", text).upper()).astimezone(UTC)
        multiple = _EPOCH + (at - _EPOCH) // span * span
    except (msgspec.DecodeError, ValueError, OverflowError):
        return None
    return f'"{multiple.replace(tzinfo=None).isoformat(timespec="seconds")}Z"'.encode()
