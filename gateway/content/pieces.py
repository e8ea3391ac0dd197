"""Divide a body that is still arriving into the bytes of its records, in flat memory and without any I/O.

A splitter is fed the body piece by piece, in whatever pieces it comes, and gives out each record once it is whole;
"not enough bytes yet" is an empty answer. The records do not depend on where the pieces end. What can be held against
the body as a whole is :class:`~gateway.content.errors.SourceMalformed`, raised where it is noticed: records before it
may have been given out by then.

The rules kept here:

1. At most one record and one block are held. A record longer than the limit is passed over as it arrives and stands
   among the others as :data:`OVERSIZED`, so that it is withheld and does not take the body with it.
2. An array is one array: nothing but white space stands before it and after it, and it must end.
3. In NDJSON every line is a record, whatever it holds; a line without anything is none. Where the last line ends,
   HTTP must say (:mod:`gateway.upstream.client`): a body cut off behind a line looks whole.

Nothing here makes a record good; only the strict reading does. Arrays take a quick way (msgspec's ``Raw``) where it
succeeds: a prefix that reads as whole elements is divided there in every reading. Otherwise brackets and quotes alone
divide, so that one bad record is withheld and the others go.
"""

from __future__ import annotations

import enum
import re
from typing import Protocol

import msgspec

from gateway.content.errors import SourceMalformed

OVERSIZED = b""
"""What stands for a record that was longer than the limit."""

BLOCK_BYTES = 128 * 1024
"""Bytes that are gathered before an array is divided further."""

_SPACE = b" \t\n\r"  # RFC 8259, section 2: the only white space
_BOM = b"\xef\xbb\xbf"
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_OUTER = re.compile(rb'[\[\]{},"]')
_INNER = re.compile(rb'[\[\]{}"]')
_IN_TEXT = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_CLOSER = {b"[": b"]", b"{": b"}"}


class Layout(enum.StrEnum):
    """How records stand in a body."""

    ARRAY = "array"
    """One JSON array."""
    LINES = "lines"
    """NDJSON: one record a line."""


class Splitter(Protocol):
    """Divides one body."""

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; give the records that are whole now, without the white space around them.

        Raises :class:`SourceMalformed`.
        """
        ...

    def finish(self) -> list[bytes]:
        """The body has ended: give what is left. Raises :class:`SourceMalformed`."""
        ...


def splitter(layout: Layout, limit: int) -> Splitter:
    """Make a splitter for a body of this layout; ``limit`` is the most bytes of one record."""
    return LineSplitter(limit) if layout is Layout.LINES else ArraySplitter(limit)


class LineSplitter:
    """Divides NDJSON."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: list[bytes] = []
        self._size = 0
        self._begun = False
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """See :class:`Splitter`."""
        cut = data.rfind(b"\n")
        if cut < 0:
            self._hold(data)
            return []
        self._held.append(data[:cut])
        whole = self._take()
        self._hold(data[cut + 1 :])
        return whole

    def finish(self) -> list[bytes]:
        """See :class:`Splitter`."""
        return self._take()

    def _hold(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            self._skipping = True
        if self._skipping:
            self._held.clear()
        elif data:
            self._held.append(data)

    def _take(self) -> list[bytes]:
        lines = b"".join(self._held).split(b"\n")
        if not self._begun:
            _refuse_mark(lines[0])
            self._begun = bool(lines[0]) or len(lines) > 1
        self._held.clear()
        self._size = 0
        skipped, self._skipping = self._skipping, False
        found = [line.strip(_SPACE) for line in lines[skipped:]]
        found = [OVERSIZED if len(line) > self._limit else line for line in found if line]
        return [OVERSIZED, *found] if skipped else found


class _Place(enum.Enum):
    BEFORE = enum.auto()
    INSIDE = enum.auto()
    AFTER = enum.auto()


class ArraySplitter:
    """Divides one JSON array.

    ``_buffer`` begins where an element begins. ``_at`` is how far it was scanned by brackets, ``_open`` what is open
    there, ``_in_text`` whether that is inside a text.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._place = _Place.BEFORE
        self._buffer = bytearray()
        self._enough = BLOCK_BYTES
        self._seen = 0
        self._passed = 0
        self._skipping = False
        self._at = 0
        self._open: list[bytes] = []
        self._in_text = False

    def feed(self, data: bytes) -> list[bytes]:
        """See :class:`Splitter`."""
        self._buffer += data
        if self._place is _Place.INSIDE and len(self._buffer) < self._enough:
            return []
        return self._divide(ended=False)

    def finish(self) -> list[bytes]:
        """See :class:`Splitter`."""
        found = self._divide(ended=True)
        if self._place is _Place.BEFORE:
            raise SourceMalformed("not_an_array", 0)
        if self._place is _Place.INSIDE:
            raise SourceMalformed("truncated", self._passed + len(self._buffer))
        return found

    def _divide(self, *, ended: bool) -> list[bytes]:
        if self._place is _Place.BEFORE and not self._enter(ended=ended):
            return []
        found: list[bytes] = []
        if self._place is _Place.INSIDE:
            found = self._quickly(ended=ended) or self._by_brackets()
            self._seen += len(found)
            self._bound()
        if self._place is _Place.AFTER:
            rest = self._buffer.lstrip(_SPACE)
            if rest:
                raise SourceMalformed("trailing_bytes", self._passed + len(self._buffer) - len(rest))
            self._drop(len(self._buffer))
        return found

    def _enter(self, *, ended: bool) -> bool:
        """Find the opening bracket, if it has come; white space before it is let go."""
        if len(self._buffer) < len(_BOM) and not ended and _BOM.startswith(self._buffer):
            return False
        _refuse_mark(self._buffer)
        self._drop(len(self._buffer) - len(self._buffer.lstrip(_SPACE)))
        if not self._buffer:
            return False
        if not self._buffer.startswith(b"["):
            raise SourceMalformed("not_an_array", self._passed)
        self._drop(1)
        self._place = _Place.INSIDE
        return True

    def _quickly(self, *, ended: bool) -> list[bytes]:
        """Read whole elements at the buffer's start; nothing when that cannot be done so."""
        if self._skipping:
            return []
        cut = len(self._buffer) if ended else self._buffer.rfind(b"},") + 1
        if not cut:
            return []
        try:
            found = [bytes(raw) for raw in _ARRAY.decode(b"[" + self._buffer[:cut] + (b"" if ended else b"]"))]
        except (msgspec.DecodeError, RecursionError):
            return []
        if not found:
            return []  # an array without elements, or a comma before the end: the long way tells them apart
        self._forget()
        self._drop(cut + (not ended))
        if ended:
            self._place = _Place.AFTER
        return [OVERSIZED if len(raw) > self._limit else raw for raw in found]

    def _by_brackets(self) -> list[bytes]:
        """Go on scanning by brackets and quotes, and take out each element that ends."""
        found: list[bytes] = []
        start, buffer = 0, bytes(self._buffer)
        while self._place is _Place.INSIDE and (mark := self._next_mark(buffer)):
            if mark == b'"':
                self._in_text = True
            elif mark in _CLOSER:
                self._open.append(_CLOSER[mark])
            elif self._open and mark != b",":
                if self._open.pop() != mark:
                    raise SourceMalformed("bad_structure", self._passed + self._at - 1)
            elif mark == b"}":
                raise SourceMalformed("bad_structure", self._passed + self._at - 1)
            else:  # between elements, or the end of the array
                last = mark == b"]"
                self._append(found, buffer[start : self._at - 1], last=last)
                start = self._at
                if last:
                    self._place = _Place.AFTER
        self._at -= start
        self._drop(start)
        return found

    def _next_mark(self, buffer: bytes) -> bytes:
        """Move behind the next bracket, quote or comma that counts; nothing when there is none yet."""
        if self._in_text:
            text = _IN_TEXT.match(buffer, self._at)
            self._at = text.end() if text else self._at
            if buffer[self._at : self._at + 1] != b'"':
                return b""
            self._in_text = False
            self._at += 1
        mark = (_INNER if self._open else _OUTER).search(buffer, self._at)
        self._at = len(buffer) if mark is None else mark.end()
        return b"" if mark is None else mark.group()

    def _append(self, found: list[bytes], element: bytes, *, last: bool) -> None:
        """Add one element; nothing between two commas is no element, except in an array that is empty."""
        element = element.strip(_SPACE)
        if self._skipping or len(element) > self._limit:
            self._skipping = False
            found.append(OVERSIZED)
        elif element:
            found.append(element)
        elif not last or self._seen or found:
            raise SourceMalformed("bad_structure", self._passed + self._at - 1)

    def _bound(self) -> None:
        """Let go of what need not be kept: white space before an element, and one that is longer than the limit."""
        if not self._open and not self._in_text and not self._skipping and not self._buffer.strip(_SPACE):
            self._drop(len(self._buffer))
            self._at = 0
        if len(self._buffer) > self._limit or (self._skipping and self._at):
            self._skipping = True
            self._drop(self._at)
            self._at = 0
        held = len(self._buffer)
        self._enough = min(held + max(held, BLOCK_BYTES), self._limit + BLOCK_BYTES)

    def _forget(self) -> None:
        self._at = 0
        self._open = []
        self._in_text = False

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._passed += count


def _refuse_mark(start: bytes | bytearray) -> None:
    if start.startswith(_BOM):
        raise SourceMalformed("byte_order_mark", 0)
