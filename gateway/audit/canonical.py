"""Canonical JSON for audit entries: the form of RFC 8785, over strings, integers, booleans, null, lists and
maps.

msgspec writes it (sorted keys, no spaces, the shortest escapes); a test holds the bytes equal to those of the
``rfc8785`` package. Two differences are refused instead of being written: numbers that are not exact in a
double (floats, integers beyond 2**53 - 1), and keys outside the Basic Multilingual Plane, where sorting by
UTF-16 code units (RFC 8785 3.2.3) and by code points part ways.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from gateway.audit.errors import DraftRefused

PlainJson = str | int | bool | None | list["PlainJson"] | dict[str, "PlainJson"]

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 32

_ENCODER = msgspec.json.Encoder(order="sorted")


def encode(value: object, field: str) -> bytes:
    """The canonical bytes of a value. Raises :class:`DraftRefused` naming ``field`` and the place in it."""
    plain = value if _is_plain(value, 0) else _plain(value, field, 0)
    try:
        return _ENCODER.encode(plain)
    except UnicodeEncodeError as error:  # a lone surrogate has no UTF-8
        raise DraftRefused(field, f"holds text that is not valid Unicode: {error.reason}") from error


def decode(data: bytes, field: str) -> dict[str, PlainJson]:
    """The map that canonical bytes stand for; bytes that are not its canonical form are refused."""
    try:
        value = msgspec.json.decode(data, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DraftRefused(field, f"is not a JSON object: {error}") from error
    plain: object = value if _is_plain(value, 0) else _plain(value, field, 0)
    if not isinstance(plain, dict) or _ENCODER.encode(plain) != data:
        raise DraftRefused(field, "is not in canonical form")
    return plain


def decode_trusted(data: bytes) -> dict[str, PlainJson]:
    """The map that bytes of :func:`encode` stand for: for what this process has just written itself."""
    value: dict[str, PlainJson] = msgspec.json.decode(data)
    return value


def _is_plain(value: object, depth: int) -> bool:
    """Whether the encoder can have the value as it is: nothing in it but what :func:`_plain` would leave alone.

    Classes are compared exactly, so that a subclass that writes itself in another way goes the long way. What is not
    plain is not refused here; :func:`_plain` makes it so or says where it cannot be.
    """
    kind = value.__class__
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER  # type: ignore[operator]  # an int, by the line above
    if depth == MAX_DEPTH:
        return False
    if kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]  # a dict
            if key.__class__ is not str or not key.isascii():
                return False
            if item.__class__ not in _SIMPLE and not _is_plain(item, depth + 1):
                return False
        return True
    if kind is list or kind is tuple:
        return all(item.__class__ in _SIMPLE or _is_plain(item, depth + 1) for item in value)  # type: ignore[attr-defined]
    return False


_SIMPLE = frozenset({str, bool, type(None)})
"""Classes of which every value is plain."""


def _plain(value: object, path: str, depth: int) -> PlainJson:
    """The value as plain lists and dicts, refusing what has no exact canonical form."""
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise DraftRefused(path, f"holds the integer {value}, which is beyond 2^53 - 1", hint="Write it as text.")
        return int(value)
    if depth == MAX_DEPTH:
        raise DraftRefused(path, f"is nested more than {MAX_DEPTH} deep")
    if isinstance(value, Mapping):
        return {_key(key, path): _plain(item, f"{path}.{key}", depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, path, depth + 1) for item in value]
    raise DraftRefused(
        path,
        f"holds a {type(value).__name__}",
        hint="Values are text, integers, booleans, null, lists and maps.",
    )


def _key(key: object, path: str) -> str:
    if not isinstance(key, str):
        raise DraftRefused(path, f"has the key {key!r}, which is not text")
    if not key.isascii() and max(key) > "\uffff":
        raise DraftRefused(path, "has a key with a character outside the Basic Multilingual Plane")
    return str(key)


def digest(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()
