"""Binding a label to its content, so that neither can be taken for another's: a signed statement over both digests.

The form follows ADatP-4778: metadata and data object stay where they are (a detached binding), the statement names
both by SHA-384 digest, and one signature covers the statement. The statement is JSON signed as a JWS, not XML; what it
says is this:

    {"about": WHOSE, "content": HEX, "digest": "sha-384", "label": HEX, "made": TIME, "until": TIME, "version": 1}

The rules of this file:

1. **Nothing of a label is trusted before its binding has held**, where a binding is asked for. The steps, in order:
   (1) there is one; (2) its signature verifies, by the function handed in; (3) the statement is one this file knows;
   (4) it speaks of this content, by name and by digest, and of this label; (5) it is in force. The first step that
   fails decides, and says which (:class:`BindingDoubt`).
2. Both digests are over the bytes as they were received: a label that was written anew, even to the same meaning, is
   another label.
3. Every statement ends (``until``). An old pair of label and content, taken back into use after the label was changed,
   verifies until then: keep the time short where labels change, and ask for a youngest age (``since``).
4. This file computes digests and compares; it holds no key. Signatures are made and verified in
   :mod:`gateway.sealing.labelbinding`.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gateway.markings.findings import Finding, MarkingError
from gateway.markings.stanag import read_moment, write_moment
from gateway.markings.strictjson import Json, read_json_object, write_json

BINDING_AUTHORITY: Final = "ADatP-4778; ADatP-4778.2 annex A (SHA-384)"
LONGEST_NAME: Final = 512
"""Most characters of the name of the content."""
LONGEST_BINDING: Final = 8192
"""Most bytes of a signed binding."""

_MEMBERS: Final = frozenset(("about", "content", "digest", "label", "made", "until", "version"))
_DIGEST: Final = "sha-384"
_DIGITS: Final = frozenset("0123456789abcdef")

Verify = Callable[[bytes], bytes | None]
"""Gives the payload of a signed binding whose signature holds, ``None`` for any other."""


class BindingDoubt(enum.StrEnum):
    """Why a binding does not hold. The values are stable codes."""

    STRIPPED = "binding_stripped"
    UNVERIFIED = "binding_unverified"
    UNREADABLE = "binding_unreadable"
    OTHER_CONTENT = "binding_other_content"
    CONTENT_CHANGED = "binding_content_changed"
    LABEL_CHANGED = "binding_label_changed"
    NOT_YET = "binding_not_yet"
    STALE = "binding_stale"


class BindingRefused(MarkingError):
    """A binding does not hold, so the label is not trusted. ``doubt`` says why; the message quotes nothing."""

    def __init__(self, doubt: BindingDoubt) -> None:
        self.doubt = doubt
        super().__init__(Finding(doubt.value, BINDING_AUTHORITY, "the label is not bound to this content"))


@dataclass(frozen=True, slots=True)
class BindingStatement:
    """What a binding states: content named ``about``, of digest ``content``, has the label of digest ``label``.

    Digests are 48 bytes (SHA-384). It was ``made`` then and holds until ``until`` (exclusive), both with a zone.
    """

    about: str
    label: bytes
    content: bytes
    made: datetime
    until: datetime

    def __post_init__(self) -> None:
        named = 0 < len(self.about) <= LONGEST_NAME and self.about.isprintable()
        zoned = self.made.tzinfo is not None and self.until.tzinfo is not None
        if not named or len(self.label) != 48 or len(self.content) != 48 or not zoned or self.made >= self.until:
            raise BindingRefused(BindingDoubt.UNREADABLE)


def digest(octets: bytes) -> bytes:
    """The SHA-384 digest of a label or a content, as they stand."""
    return hashlib.sha384(octets).digest()


def build_statement(statement: BindingStatement) -> bytes:
    """The bytes to sign: one JSON object, names sorted, times in UTC."""
    said: dict[str, Json] = {
        "about": statement.about,
        "content": statement.content.hex(),
        "digest": _DIGEST,
        "label": statement.label.hex(),
        "made": write_moment(statement.made.astimezone(UTC)),
        "until": write_moment(statement.until.astimezone(UTC)),
        "version": 1,
    }
    return write_json(said).encode()


def parse_statement(payload: bytes) -> BindingStatement:
    """The statement that signed bytes hold; :class:`BindingRefused` when they are not exactly as made here."""
    try:
        said = read_json_object(payload)
        texts = {name: value for name, value in said.items() if isinstance(value, str)}
        if said.keys() != _MEMBERS or said["digest"] != _DIGEST or type(said["version"]) is not int:
            raise BindingRefused(BindingDoubt.UNREADABLE)
        statement = BindingStatement(
            texts["about"],
            _octets(texts["label"]),
            _octets(texts["content"]),
            read_moment(texts["made"]),
            read_moment(texts["until"]),
        )
    except (MarkingError, KeyError):
        raise BindingRefused(BindingDoubt.UNREADABLE) from None
    if build_statement(statement) != payload:
        raise BindingRefused(BindingDoubt.UNREADABLE)
    return statement


def _octets(text: str) -> bytes:
    if len(text) != 96 or not _DIGITS.issuperset(text):
        raise BindingRefused(BindingDoubt.UNREADABLE)
    return bytes.fromhex(text)


def check_binding(
    signed: bytes | None,
    verify: Verify,
    *,
    about: str,
    label: bytes,
    content: bytes,
    at: datetime,
    since: datetime | None = None,
) -> BindingStatement:
    """The statement that binds this label to this content at that moment; :class:`BindingRefused` at any doubt.

    ``label`` and ``content`` are their bytes as received, ``about`` the content's own name. A binding made before
    ``since`` is stale.
    """
    if not signed:  # step 1
        raise BindingRefused(BindingDoubt.STRIPPED)
    payload = verify(signed) if len(signed) <= LONGEST_BINDING else None  # step 2
    if payload is None:
        raise BindingRefused(BindingDoubt.UNVERIFIED)
    statement = parse_statement(payload)  # step 3
    if statement.about != about:  # step 4
        raise BindingRefused(BindingDoubt.OTHER_CONTENT)
    if not hmac.compare_digest(statement.content, digest(content)):
        raise BindingRefused(BindingDoubt.CONTENT_CHANGED)
    if not hmac.compare_digest(statement.label, digest(label)):
        raise BindingRefused(BindingDoubt.LABEL_CHANGED)
    if at < statement.made:  # step 5
        raise BindingRefused(BindingDoubt.NOT_YET)
    if at >= statement.until or (since is not None and statement.made < since):
        raise BindingRefused(BindingDoubt.STALE)
    return statement
