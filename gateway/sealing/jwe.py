"""Sealed answers: a compact JWE (RFC 7516) to the partner's key around the gateway's signature over the
content.

The rule: *whoever holds the recipient's key, and nobody else, can read it; and what they read says from
whom, for whom and in which place of which release.* Algorithms are pinned on both sides: ECDH-ES directly
(RFC 7518 section 4.6) to an X25519, P-256 or P-384 key, then A256GCM. No compression: it would tell of the
content by its length, and its opposite is a bomb.

In clear, in the protected header, stand only: ``alg``, ``enc``, ``epk``, ``cty`` (``JOSE``: a JWS is
inside), ``kid`` (the recipient key's thumbprint), ``release``, ``chunk``, ``last``. The envelope is
authenticated by the encryption alone, which anybody can do to a public key; so everything it says must
agree with what the gateway signed inside.

Post-quantum: ECDH-ES is not. What is recorded on the wire today can be read by whoever breaks these curves
later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.registry import HeaderParameter

from gateway.keys.jwks import PrivateJwk, PublicJwk, as_joserfc, private_as_joserfc
from gateway.keys.strict_json import Json, NotStrictJson, read_object
from gateway.sealing import x25519
from gateway.sealing.base64url import decode
from gateway.sealing.errors import SealingError
from gateway.sealing.signature import CONTENT_LIMIT, Binding, sign, verify

MEDIA_TYPE: Final = "application/jose"
"""What a sealed answer is served as (RFC 7515 section 9.2.1); one compact JWE a line."""

CURVES: Final = ("X25519", "P-256", "P-384")
"""The keys that content can be sealed to."""

SEALED_LIMIT: Final = CONTENT_LIMIT * 2
"""Most bytes of one sealed chunk: twice base64url (16/9), and the headers."""

_AGREEMENT: Final = "ECDH-ES"
_CIPHER: Final = "A256GCM"
_HEADER_LIMIT = 2048
_OWN = {
    "release": ("Release id", "str"),
    "chunk": ("Number of this chunk in its release, from 0", "int"),
    "last": ("Whether this chunk is the last of its release", "bool"),
}
_MEMBERS = frozenset({"alg", "enc", "epk", "cty", "kid", *_OWN})


class _OneWay(jwe.JWERegistry):
    """A registry that allows one key agreement and one cipher, knows our header members, and has room
    for a chunk.
    """

    max_protected_header_length = _HEADER_LIMIT
    max_encrypted_key_length = 0
    max_initialization_vector_length = 16
    max_ciphertext_length = SEALED_LIMIT
    max_auth_tag_length = 22


_REGISTRY = _OneWay(
    header_registry={name: HeaderParameter(text, kind) for name, (text, kind) in _OWN.items()},
    algorithms=[_AGREEMENT, _CIPHER],
)


@dataclass(frozen=True, slots=True)
class Opened:
    """One chunk as its recipient has it after every check.

    ``label`` is the roll-up label of this chunk, ``recipient`` the partner it was released to,
    ``recipient_key`` and ``signed_by`` the thumbprints of the key it was sealed to and of the gateway's key
    that signed it.
    """

    content: bytes
    media_type: str
    release: str
    chunk: int
    last: bool
    label: str
    recipient: str
    recipient_key: str
    signed_by: str


def seal(
    content: bytes,
    *,
    media_type: str,
    recipient_jwk: PublicJwk,
    recipient: str,
    release: str,
    chunk: int,
    last: bool,
    label: str,
    signing_key: PrivateJwk,
) -> bytes:
    """Sign ``content`` and encrypt the signature with it to ``recipient_jwk``: one compact JWE, ASCII, no
    newline.

    The members are those of :class:`~gateway.sealing.signature.Binding`. Raises :class:`SealingError` when
    the key cannot be sealed to or a bound is exceeded; whether the key is registered and in force was the
    channel gate's question.
    """
    _check_recipient_key(recipient_jwk)
    binding = Binding(
        media_type=media_type,
        recipient=recipient,
        recipient_key=recipient_jwk.thumbprint,
        release=release,
        chunk=chunk,
        last=last,
        label=label,
    )
    header: dict[str, Json] = {
        "alg": _AGREEMENT,
        "enc": _CIPHER,
        "cty": "JOSE",
        "kid": recipient_jwk.thumbprint,
        "release": release,
        "chunk": chunk,
        "last": last,
    }
    signed = sign(content, binding, signing_key)
    try:
        if recipient_jwk.curve == "X25519":
            return x25519.encrypt(header, signed, _public(recipient_jwk))
        return jwe.encrypt_compact(header, signed, as_joserfc(recipient_jwk), registry=_REGISTRY).encode()
    except (JoseError, ValueError):
        # A point of small order, for one: it would agree on the same secret with everybody (RFC 7748
        # section 6.1).
        raise SealingError("key_unfit") from None


@lru_cache(maxsize=4096)
def _public(key: PublicJwk) -> X25519PublicKey:
    """The recipient's key ready for use, imported once."""
    return X25519PublicKey.from_public_bytes(decode(dict(key.material)["x"].encode()))


def open_sealed(
    sealed: bytes,
    private_jwk: PrivateJwk,
    verification_keys: Iterable[PublicJwk],
    *,
    recipient: str | None = None,
) -> Opened:
    """Open one sealed chunk with the recipient's private key, and check all of it.

    ``verification_keys`` are the gateway's content keys, got by a trusted way; ``recipient``, when given,
    is the partner that one is. Raises :class:`SealingError` with the code of the first step that fails:

    1. form and size; 2. the header, strictly, with the pinned algorithms; 3. it is for this key; 4. it
    decrypts; 5. the gateway signed what is inside; 6. both layers speak of the same release, chunk and
    recipient.
    """
    header = _read_header(sealed)  # 1, 2
    if header["kid"] != private_jwk.public.thumbprint:  # 3
        raise SealingError("not_for_this_key")
    _check_recipient_key(private_jwk.public)
    _check_ephemeral(header["epk"], private_jwk.public)
    try:
        plaintext = jwe.decrypt_compact(sealed, private_as_joserfc(private_jwk), registry=_REGISTRY).plaintext
    except (JoseError, InvalidTag, ValueError):  # 4
        raise SealingError("cannot_decrypt") from None
    signed = verify(plaintext or b"", verification_keys)  # 5
    bound = signed.binding
    inside = (bound.recipient_key, bound.release, bound.chunk, bound.last)
    if inside != (header["kid"], header["release"], header["chunk"], header["last"]):  # 6
        raise SealingError("headers_disagree")
    if recipient is not None and recipient != bound.recipient:
        raise SealingError("headers_disagree", "released to another partner")
    return Opened(
        content=signed.content,
        media_type=bound.media_type,
        release=bound.release,
        chunk=bound.chunk,
        last=bound.last,
        label=bound.label,
        recipient=bound.recipient,
        recipient_key=bound.recipient_key,
        signed_by=signed.signed_by,
    )


def open_sequence(
    lines: Iterable[bytes],
    private_jwk: PrivateJwk,
    verification_keys: Iterable[PublicJwk],
    *,
    recipient: str | None = None,
) -> Iterator[Opened]:
    """Open the chunks of one release in order; ``lines`` are compact JWEs, without their newlines.

    Each chunk is given out as it comes; only when the iteration ends without :class:`SealingError` was the
    release whole: numbered from 0 without a gap, of one release, recipient and media type, ended by its
    last chunk.
    """
    opener = SequenceOpener(private_jwk, verification_keys, recipient=recipient)
    for line in lines:
        yield opener.open(line)
    opener.end()


class SequenceOpener:
    """Opens the chunks of one release as they come, for whoever is handed them one by one; see
    :func:`open_sequence`.
    """

    def __init__(
        self, private_jwk: PrivateJwk, verification_keys: Iterable[PublicJwk], *, recipient: str | None = None
    ) -> None:
        self._private_jwk = private_jwk
        self._keys = tuple(verification_keys)
        self._recipient = recipient
        self._before: Opened | None = None

    def open(self, line: bytes) -> Opened:
        """Open the next chunk. Raises :class:`SealingError` unless it is the one that must follow."""
        if self._before is not None and self._before.last:
            raise SealingError("too_much")
        chunk = open_sealed(line, self._private_jwk, self._keys, recipient=self._recipient)
        _check_follows(self._before, chunk)
        self._before = replace(chunk, content=b"")
        return chunk

    def end(self) -> None:
        """No chunk follows. Raises :class:`SealingError` unless the last one said so."""
        if self._before is None or not self._before.last:
            raise SealingError("cut_short")


def addressed_to(sealed: bytes) -> str:
    """The thumbprint of the key that a sealed chunk says it is for; nothing of it has been verified."""
    return str(_read_header(sealed)["kid"])


def _check_follows(before: Opened | None, chunk: Opened) -> None:
    if chunk.chunk != (0 if before is None else before.chunk + 1):
        raise SealingError("out_of_order")
    if before is not None and (before.release, before.recipient, before.media_type) != (
        chunk.release,
        chunk.recipient,
        chunk.media_type,
    ):
        raise SealingError("out_of_order")


def _check_recipient_key(key: PublicJwk) -> None:
    if key.curve not in CURVES or key.use not in {None, "enc"} or key.alg not in {None, _AGREEMENT}:
        raise SealingError("key_unfit")
    if key.operations and not {"deriveKey", "deriveBits"} & set(key.operations):
        raise SealingError("key_unfit", "key_ops")


def _check_ephemeral(epk: Json, key: PublicJwk) -> None:
    """The sender's ephemeral key must be of the recipient's own curve (RFC 7518 section 4.6.1.1),
    nothing besides.
    """
    wanted = key.members()
    if not isinstance(epk, dict) or epk.keys() != wanted.keys():
        raise SealingError("header_refused", "epk")
    if not all(isinstance(text, str) for text in epk.values()):
        raise SealingError("header_refused", "epk")
    if (epk["kty"], epk["crv"]) != (wanted["kty"], wanted["crv"]):
        raise SealingError("header_refused", "epk")


def _read_header(sealed: bytes) -> dict[str, Json]:
    if len(sealed) > SEALED_LIMIT:
        raise SealingError("too_large")
    parts = sealed.split(b".", 5)
    if len(parts) != 5 or len(parts[0]) > _HEADER_LIMIT:
        raise SealingError("not_sealed")
    try:
        header = read_object(decode(parts[0]))
    except (NotStrictJson, ValueError):
        raise SealingError("not_sealed") from None
    if header.get("alg") != _AGREEMENT or header.get("enc") != _CIPHER:
        raise SealingError("algorithm_refused")
    if header.keys() != _MEMBERS or header["cty"] != "JOSE":
        raise SealingError("header_refused")
    if type(header["chunk"]) is not int or type(header["last"]) is not bool or not isinstance(header["epk"], dict):
        raise SealingError("header_refused")
    return header
