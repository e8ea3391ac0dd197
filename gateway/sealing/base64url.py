"""base64url without padding (RFC 7515 section 2), in its one canonical spelling."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

import msgspec

from gateway.keys.strict_json import Json

_ALPHABET = re.compile(rb"[A-Za-z0-9_-]*")


_JSON = msgspec.json.Encoder()


def encode_header(members: Mapping[str, Json]) -> bytes:
    """A protected header as it stands in a compact form: its JSON without spaces, in base64url."""
    return encode(_JSON.encode(members))


def encode(data: bytes) -> bytes:
    """The canonical spelling of ``data``."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def decode(text: bytes) -> bytes:
    """The bytes that ``text`` spells; :class:`ValueError` for padding, foreign characters, a second
    spelling.
    """
    if _ALPHABET.fullmatch(text) is None or len(text) % 4 == 1:
        raise ValueError("not base64url")
    data = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    if encode(data) != text:
        raise ValueError("not the canonical spelling")
    return data
