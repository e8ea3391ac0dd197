"""Opening an answer and proving it, without any HTTP: for the transport, for saved files, for ``relgate
open``.

The rule: *an answer is handed on whole and proven, or not at all.* Opening takes these steps: the body is
cut into its compact JWEs, one a line; each is opened with the private key it is addressed to; the gateway's
signature, the order and the end are checked (:mod:`gateway.client.reader`, which also opens an answer that is
too long to be held). Proving then takes one receipt a chunk:

1. the receipt's entry is in the log, under a checkpoint that the log's key signed;
2. the entry is a release by that log;
3. it names this partner, release, chunk and key, and whether the chunk is the last;
4. its ``sealed`` digest is SHA-256 of the bytes received, its ``content`` digest that of the bytes opened.

What this does not show: that the log was not rolled back since, which takes a checkpoint held elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.audit.checkpoint import parse_verifier_key
from gateway.audit.entry import Event
from gateway.audit.errors import ProofRefused
from gateway.audit.leaf import Leaf, parse_leaf
from gateway.audit.receipt import Proven, leaf_of, verify
from gateway.client.errors import ReceiptRefused
from gateway.client.reader import AnswerReader, Part, Recipient
from gateway.keys.jwks import parse_jwks, parse_private_jwks


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer opened whole. ``content`` is the chunks' contents, one after the other."""

    content: bytes
    parts: tuple[Part, ...]

    @property
    def media_type(self) -> str:
        """The content's media type, the same in every chunk."""
        return self.parts[0].opened.media_type

    @property
    def release(self) -> str:
        """The release id, which names the answer to the gateway's operator and in the log."""
        return self.parts[0].opened.release

    @property
    def labels(self) -> tuple[str, ...]:
        """The roll-up label of each chunk."""
        return tuple(part.opened.label for part in self.parts)


def recipient(
    private_jwks: bytes,
    gateway_jwks: bytes,
    log_verifier_key: str,
    origin: str | None = None,
    partner: str | None = None,
) -> Recipient:
    """Read what a partner holds: two JWK sets (JSON) and the log's verifier key (``<name>+<id>+<base64>``).

    ``origin`` is the log's name in its checkpoints; without one, the verifier key's name. Raises
    :class:`~gateway.keys.errors.JwkRefused` or :class:`~gateway.audit.errors.ProofRefused`.
    """
    log_key = parse_verifier_key(log_verifier_key)
    return Recipient(
        private_keys=parse_private_jwks(private_jwks),
        gateway_keys=parse_jwks(gateway_jwks),
        log_key=log_key,
        origin=log_key.name if origin is None else origin,
        partner=partner,
    )


def open_answer(body: bytes, holder: Recipient) -> Answer:
    """Open a whole ``application/jose`` body. Raises :class:`AnswerRefused` with the code of what is
    wrong.
    """
    reader = AnswerReader(holder)
    parts = (*reader.feed(body), *reader.finish())
    return Answer(b"".join(part.opened.content for part in parts), parts)


def prove(part: Part, receipt: bytes, holder: Recipient) -> Proven:
    """Check that ``receipt`` proves this chunk. Raises :class:`ReceiptRefused` naming what does not hold."""
    try:
        leaf_bytes = leaf_of(receipt)
        proven = verify(receipt, leaf_bytes, (holder.log_key,), holder.origin)  # 1
        leaf = parse_leaf(leaf_bytes)
    except ProofRefused as error:
        raise ReceiptRefused("receipt_not_proven", str(error)) from error
    for name, said, known in _said_and_known(leaf, part, holder):
        if said != known:
            raise ReceiptRefused("receipt_disagrees", name)
    return proven


def prove_all(answer: Answer, receipts: Sequence[bytes], holder: Recipient) -> tuple[Proven, ...]:
    """Check one receipt a chunk, in order; as many as there are chunks."""
    if len(receipts) != len(answer.parts):
        raise ReceiptRefused("receipt_missing", f"{len(receipts)} receipts for {len(answer.parts)} chunks")
    return tuple(prove(part, receipt, holder) for part, receipt in zip(answer.parts, receipts, strict=True))


def _said_and_known(leaf: Leaf, part: Part, holder: Recipient) -> Iterator[tuple[str, object, object]]:
    opened = part.opened
    yield "event", leaf.event, Event.RELEASE.value  # 2
    yield "origin", leaf.origin, holder.origin
    yield "partner", leaf.partner, opened.recipient  # 3
    yield "release", leaf.release, opened.release
    yield "chunk", leaf.chunk, opened.chunk
    yield "last", leaf.last, opened.last
    yield "key", leaf.key, opened.recipient_key
    yield "sealed", leaf.sealed, part.sealed_digest.hex()  # 4
    yield "content", leaf.content, hashlib.sha256(opened.content).hexdigest()
