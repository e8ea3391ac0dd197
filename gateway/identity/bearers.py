"""Whose bearer token it is, of callers known by the SHA-256 of a token: auditors, officers, enforcement points.

The token is never kept, and every known caller is compared, each in constant time, so that the time taken names nobody.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import TypeVar

Known = TypeVar("Known")


def bearer_of(authorization: Sequence[str], known: Iterable[tuple[Known, bytes]]) -> Known | None:
    """Who of those ``known`` (each with the SHA-256 of its token) the one ``Authorization`` header names, or ``None``.

    Several headers, another scheme and a token that is not ASCII name nobody (RFC 6750 section 2.1).
    """
    if len(authorization) != 1:
        return None
    scheme, _, token = authorization[0].partition(" ")
    if scheme.lower() != "bearer" or not token or not token.isascii():
        return None
    digest = hashlib.sha256(token.encode()).digest()
    found = None
    for caller, theirs in known:
        if hmac.compare_digest(digest, theirs):
            found = caller
    return found
