"""Everything that a query finds, as one body: NDJSON, or one JSON array where that is what is asked for.

Of any size: :class:`Endless` makes up element sets while they are sent, none of which is kept, to see what stands
between manage a body of gigabytes. Its records are those of the table again and again, each under an identifier of its
own, in order.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass

from starlette.responses import StreamingResponse

from sample_source.records import StoredRecord

LINES = "application/x-ndjson"
ARRAY = "application/json"
PIECE_BYTES = 128 * 1024


def answer(records: Iterable[bytes], accept: str) -> StreamingResponse:
    """Stream records in the form that the request accepts, NDJSON first."""
    lines = LINES in accept or ARRAY not in accept
    body = _lines(records) if lines else _array(records)
    return StreamingResponse(_pieces(body), media_type=LINES if lines else ARRAY)


@dataclass(frozen=True, slots=True)
class Endless:
    """Records made up while they are asked for: at least ``size`` bytes of them; flawed ones are left out.

    ``wider``: so many bytes more stand in each record's descriptor.
    """

    size: int
    wider: int = 0

    def records(self, found: tuple[StoredRecord, ...]) -> Iterator[bytes]:
        """The found records over and over, renamed, until there are enough bytes."""
        halves = [_around_identifier(record, self.wider) for record in found if record.flaw is None]
        made = number = 0
        while halves and made < self.size:
            for before, after in halves:
                record = b"%b%010d%b" % (before, number, after)
                made += len(record) + 1
                number += 1
                yield record
                if made >= self.size:
                    return


def _around_identifier(record: StoredRecord, wider: int) -> tuple[bytes, bytes]:
    """A record's bytes before and after the text of its identifier, its descriptor made so much longer."""
    before, _, after = record.abridged.partition(f'"{record.identifier}"'.encode())
    start, descriptor, rest = after.partition(b'"descriptor":"')
    return before + b'"', b'"' + start + descriptor + b"x" * (wider if descriptor else 0) + rest


def _lines(records: Iterable[bytes]) -> Iterator[bytes]:
    return (record + b"\n" for record in records)


def _array(records: Iterable[bytes]) -> Iterator[bytes]:
    opening = b"["
    for record in records:
        yield opening + record
        opening = b","
    yield b"[]" if opening == b"[" else b"]"


async def _pieces(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Parts gathered into pieces, so that a record is not a packet."""
    gathered: list[bytes] = []
    size = 0
    for part in parts:
        gathered.append(part)
        size += len(part)
        if size >= PIECE_BYTES:
            yield b"".join(gathered)
            gathered.clear()
            size = 0
    yield b"".join(gathered)
