"""Divide a source's body into the bytes of its records, decoding nothing.

The quick way is msgspec's ``Raw``: about 1.3 GB/s, and it lets most malformed records through as slices. A
body it refuses (a bare NaN or a lone surrogate in one record, nesting past its limit) is divided a second
time by brackets and quotes alone, so that one bad record is withheld and does not take the whole page with
it: what a partner sees of the others must not depend on a record it may not see. Neither way makes a record
good; only the strict reading (:mod:`gateway.content.strict`) does.

What cannot be divided is :class:`~gateway.content.errors.SourceMalformed`: no array, unbalanced brackets, an
open string, bytes after the end, a second array.
"""

from __future__ import annotations

import re

import msgspec

from gateway.content.errors import SourceMalformed

_SPACE = b" \t\n\r"  # RFC 8259, section 2: the only white space
_BOM = b"\xef\xbb\xbf"
_VALUE = msgspec.json.Decoder(msgspec.Raw)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_STRUCTURE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},"]', re.DOTALL)
_CLOSER = {b"[": b"]", b"{": b"}"}


def split_array(body: bytes) -> list[bytes]:
    """Divide a JSON array into its elements' bytes, without the white space around them.

    Raises :class:`SourceMalformed` when the body is not one array from end to end.
    """
    _refuse_foreign_start(body, b"[", "not_an_array")
    try:
        return [bytes(element) for element in _ARRAY.decode(body)]
    except (msgspec.DecodeError, RecursionError):
        return _split_by_brackets(body)


def split_object(body: bytes) -> bytes:
    """Take the one JSON object that a body is, without the white space around it.

    Raises :class:`SourceMalformed` when there is no object, it does not end, or something follows it.
    """
    _refuse_foreign_start(body, b"{", "not_an_object")
    try:
        return bytes(_VALUE.decode(body))
    except (msgspec.DecodeError, RecursionError):
        _split_by_brackets(body)
        return body.strip(_SPACE)


def _refuse_foreign_start(body: bytes, opening: bytes, code: str) -> None:
    if body.startswith(_BOM):
        raise SourceMalformed("byte_order_mark", 0)
    if not body.lstrip(_SPACE).startswith(opening):
        raise SourceMalformed(code, 0)


def _split_by_brackets(body: bytes) -> list[bytes]:
    """Divide by quotes, brackets and the commas between elements alone; the elements may be anything
    balanced.
    """
    elements: list[bytes] = []
    open_brackets: list[bytes] = []
    start = end = 0
    for token in _STRUCTURE.finditer(body):
        mark = token.group()
        if end:
            raise SourceMalformed("trailing_bytes", token.start())
        if mark == b'"':
            raise SourceMalformed("truncated", token.start())
        if mark in _CLOSER:
            open_brackets.append(_CLOSER[mark])
            start = start or token.end()
        elif mark in (b"]", b"}"):
            if not open_brackets or open_brackets.pop() != mark:
                raise SourceMalformed("bad_structure", token.start())
            if not open_brackets:
                _append(elements, body[start : token.start()], token.start(), last=True)
                end = token.end()
        elif mark == b"," and len(open_brackets) == 1:
            _append(elements, body[start : token.start()], token.start())
            start = token.end()
    if not end:
        raise SourceMalformed("truncated", len(body))
    if body[end:].strip(_SPACE):
        raise SourceMalformed("trailing_bytes", end)
    return elements


def _append(elements: list[bytes], element: bytes, at: int, *, last: bool = False) -> None:
    """Add one element; nothing between two commas is no element, except in an array that is empty."""
    element = element.strip(_SPACE)
    if element:
        elements.append(element)
    elif elements or not last:
        raise SourceMalformed("bad_structure", at)
