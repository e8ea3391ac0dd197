"""Join released records into an answer's bytes: one array or NDJSON, or the pieces of one over several chunks.

The bytes depend on the released records and their division into chunks alone. Withheld records leave no
trace, not even white space: what stood between the source's records is never copied.
"""

from __future__ import annotations

from collections.abc import Sequence


def join_array(records: Sequence[bytes]) -> bytes:
    """Join records into one JSON array; no records give ``[]``."""
    return join_piece(records, opens=True, before=0, closes=True)


def join_lines(records: Sequence[bytes]) -> bytes:
    """Write one chunk's piece of an NDJSON answer: each record on a line of its own; no records give nothing."""
    return b"".join([record + b"\n" for record in records])


def on_one_line(record: bytes) -> bytes:
    """A record without line breaks between its members: spaces stand there instead.

    The record must have been read strictly: in a text, where a line break may not stand, it would be mended.
    """
    return record.replace(b"\n", b" ").replace(b"\r", b" ")


def join_piece(records: Sequence[bytes], *, opens: bool, before: int, closes: bool) -> bytes:
    """Write one chunk's piece of an array; the pieces one after the other are the array, byte for byte.

    ``opens`` and ``closes`` say whether this is the first and the last chunk; ``before`` is how many records
    have gone in earlier chunks, so that a chunk without any changes no byte of the whole.
    """
    start = b"[" if opens else b"," if before and records else b""
    return start + b",".join(records) + (b"]" if closes else b"")
