"""Opening an answer as it arrives, in flat memory: for what is too long to be held whole.

The rule is the caller's to keep: *a chunk is checked when it is handed out, the answer only when*
:meth:`AnswerReader.finish` *returns.* Until then what came is the gateway's, for this recipient, in order and without a
gap; whether it goes on as it should is not known. What must not be acted on in part is set aside until the end.

Does no I/O: it is fed bytes in whatever pieces they come, from any HTTP client, file or pipe::

    reader = AnswerReader(holder)
    for piece in response.iter_raw():
        for part in reader.feed(piece):
            keep(part.opened.content)
    for part in reader.finish():
        keep(part.opened.content)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from gateway.audit.checkpoint import VerifierKey
from gateway.client.errors import AnswerRefused
from gateway.keys.jwks import PrivateJwk, PublicJwk
from gateway.sealing import Opened, SealingError, SequenceOpener, addressed_to
from gateway.sealing.jwe import SEALED_LIMIT


@dataclass(frozen=True, slots=True)
class Recipient:
    """What a partner holds and trusts: its private keys, the gateway's content keys, the log's key and
    origin.

    ``partner``, where given, is who the partner is: an answer released to another is refused.
    """

    private_keys: tuple[PrivateJwk, ...]
    gateway_keys: tuple[PublicJwk, ...]
    log_key: VerifierKey
    origin: str
    partner: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One chunk of an answer: what it opened to, and SHA-256 of the compact JWE as it was received."""

    opened: Opened
    sealed_digest: bytes


class AnswerReader:
    """Opens one ``application/jose`` body, a compact JWE a line, as it comes. Holds one line at most."""

    def __init__(self, holder: Recipient) -> None:
        self._holder = holder
        self._held: list[bytes] = []
        self._size = 0
        self._opener: SequenceOpener | None = None

    def feed(self, data: bytes) -> list[Part]:
        """Take the next bytes; give the chunks that are whole now. Raises :class:`AnswerRefused`."""
        *ended, rest = data.split(b"\n")
        parts = []
        for line in ended:
            self._hold(line)
            parts.append(self._open())
        self._hold(rest)
        return parts

    def finish(self) -> list[Part]:
        """The body has ended: give what is left. Raises :class:`AnswerRefused` unless the answer was whole."""
        parts = [self._open()] if self._size or self._opener is None else []
        try:
            if self._opener is not None:
                self._opener.end()
        except SealingError as error:
            raise AnswerRefused(error.code, error.detail) from error
        return parts

    def _hold(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > SEALED_LIMIT:
            raise AnswerRefused("too_large")
        if data:
            self._held.append(data)

    def _open(self) -> Part:
        line = b"".join(self._held)
        self._held.clear()
        self._size = 0
        try:
            if self._opener is None:
                key = _private_key(line, self._holder)
                self._opener = SequenceOpener(key, self._holder.gateway_keys, recipient=self._holder.partner)
            return Part(self._opener.open(line), hashlib.sha256(line).digest())
        except SealingError as error:
            raise AnswerRefused(error.code, error.detail) from error


def _private_key(line: bytes, holder: Recipient) -> PrivateJwk:
    wanted = addressed_to(line)
    for key in holder.private_keys:
        if key.public.thumbprint == wanted:
            return key
    raise SealingError("not_for_this_key")
