"""The inner layer of a sealed answer: a JWS (RFC 7515) by the gateway over the content.

The rule: *a signature says what it was given for.* The protected header holds the media type, the recipient
and its key, the release, the chunk's place and the roll-up label, so nobody can pass the same signed
content on as if the gateway had sent it to them, and no chunk can stand in another's place. It lies inside
the encryption: nothing of it is in clear.

``alg`` is ``EdDSA`` with Ed25519 keys alone (RFC 8037). RFC 9864 names the same thing ``Ed25519``;
libraries that partners have today know ``EdDSA``, and the key's curve is checked here, which is what the
new name is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.registry import HeaderParameter

from gateway.keys.jwks import PrivateJwk, PublicJwk, as_joserfc, private_as_joserfc
from gateway.keys.strict_json import Json, NotStrictJson, read_object
from gateway.sealing.base64url import decode, encode, encode_header
from gateway.sealing.errors import SealingError

CONTENT_LIMIT: Final = 64 * 1024 * 1024
"""Most bytes of content in one chunk."""

LABEL_LIMIT: Final = 2048
"""Most characters of a roll-up label."""

TYPE: Final = "relgate-content+jws"
"""``typ``: so that no other thing signed with the same key passes for content (RFC 8725 section 3.11)."""

_ALGORITHM: Final = "EdDSA"
_HEADER_LIMIT = 8192
_TEXT = re.compile(r"[\x21-\x7e]{1,256}")
_MEDIA_TYPE = re.compile(r"[\x20-\x7e]{3,256}")
_OWN = {
    "recipient": "Partner the content was released to",
    "recipient_key": "RFC 7638 thumbprint of the key it was sealed to",
    "release": "Release id",
    "chunk": "Number of this chunk in its release, from 0",
    "last": "Whether this chunk is the last of its release",
    "label": "Roll-up label of this chunk's content, as a banner line",
}
_TYPES = {"chunk": "int", "last": "bool"}
_MEMBERS = frozenset({"alg", "kid", "typ", "cty", *_OWN})


@dataclass(frozen=True, slots=True)
class Binding:
    """What a signature over one chunk is given for.

    ``media_type`` is the content's, ``recipient`` the partner, ``recipient_key`` the thumbprint of the key
    it is sealed to, ``chunk`` counts from 0, ``label`` is the roll-up label of this chunk as a banner line
    (empty when the chunk holds no records).
    """

    media_type: str
    recipient: str
    recipient_key: str
    release: str
    chunk: int
    last: bool
    label: str

    def __post_init__(self) -> None:
        texts = (self.recipient, self.recipient_key, self.release)
        if not all(_TEXT.fullmatch(text) for text in texts) or not _MEDIA_TYPE.fullmatch(self.media_type):
            raise SealingError("header_refused", "a name is empty, too long or not printable ASCII")
        if not 0 <= self.chunk < 2**53:
            raise SealingError("header_refused", "chunk")
        if len(self.label) > LABEL_LIMIT or not (self.label.isprintable() and self.label.isascii()):
            raise SealingError("header_refused", "label")


@dataclass(frozen=True, slots=True)
class Signed:
    """Content whose signature verified, what the signature was given for, and the signing key's
    thumbprint.
    """

    content: bytes
    binding: Binding
    signed_by: str


class _OneAlgorithm(jws.JWSRegistry):
    """A registry that knows one algorithm and our header members, with room for a chunk.

    joserfc warns of EdDSA at every use because its name leaves the curve open (RFC 9864); here the curve is
    checked at every use instead.
    """

    max_header_length = _HEADER_LIMIT
    max_payload_length = CONTENT_LIMIT * 4 // 3 + 4
    max_signature_length = 128

    def get_alg(self, name: str) -> JWSAlgModel:
        if name != _ALGORITHM:
            raise SealingError("algorithm_refused", "signature")
        return self.algorithms[_ALGORITHM]


_REGISTRY = _OneAlgorithm(
    header_registry={name: HeaderParameter(text, _TYPES.get(name, "str")) for name, text in _OWN.items()},
    algorithms=[_ALGORITHM],
)


def sign(content: bytes, binding: Binding, signing_key: PrivateJwk) -> bytes:
    """The compact JWS over ``content``. Raises :class:`SealingError` for another key than Ed25519 or
    too much content.
    """
    if len(content) > CONTENT_LIMIT:
        raise SealingError("too_large", f"{len(content)} bytes; a chunk has at most {CONTENT_LIMIT}")
    _check_signing_key(signing_key.public)
    header: dict[str, Json] = {
        "alg": _ALGORITHM,
        "kid": signing_key.public.kid,
        "typ": TYPE,
        "cty": binding.media_type,
        "recipient": binding.recipient,
        "recipient_key": binding.recipient_key,
        "release": binding.release,
        "chunk": binding.chunk,
        "last": binding.last,
        "label": binding.label,
    }
    signed = encode_header(header) + b"." + encode(content)
    return signed + b"." + encode(_signer(signing_key).sign(signed))


@lru_cache(maxsize=16)
def _signer(key: PrivateJwk) -> Ed25519PrivateKey:
    """The key ready for use, imported once."""
    private = private_as_joserfc(key).private_key
    if not isinstance(private, Ed25519PrivateKey):
        raise SealingError("algorithm_refused", "the gateway's content key must be Ed25519, for signatures")
    return private


def verify(token: bytes, verification_keys: Iterable[PublicJwk]) -> Signed:
    """Open the compact JWS ``token`` with one of ``verification_keys``, or raise :class:`SealingError`."""
    header = _read_header(token)
    if header["alg"] != _ALGORITHM:
        raise SealingError("algorithm_refused", "signature")
    signer = next((key for key in verification_keys if key.kid == header["kid"]), None)
    if signer is None:
        raise SealingError("signer_unknown")
    _check_signing_key(signer)
    binding = _binding(header)
    try:
        opened = jws.deserialize_compact(token, as_joserfc(signer), registry=_REGISTRY)
    except (JoseError, ValueError):
        raise SealingError("signature_invalid") from None
    return Signed(opened.payload, binding, signer.thumbprint)


def _check_signing_key(key: PublicJwk) -> None:
    if key.curve != "Ed25519" or key.use not in {None, "sig"}:
        raise SealingError("algorithm_refused", "the gateway's content key must be Ed25519, for signatures")


def _read_header(token: bytes) -> dict[str, Json]:
    parts = token.split(b".")
    if len(parts) != 3 or len(parts[0]) > _HEADER_LIMIT:
        raise SealingError("signature_invalid", "not a compact JWS")
    try:
        header = read_object(decode(parts[0]))
    except (NotStrictJson, ValueError):
        raise SealingError("header_refused", "signature") from None
    if header.keys() != _MEMBERS or header["typ"] != TYPE:
        raise SealingError("header_refused", "signature")
    return header


def _binding(header: dict[str, Json]) -> Binding:
    chunk, last = header["chunk"], header["last"]
    texts = {name: header[name] for name in ("cty", "recipient", "recipient_key", "release", "label")}
    if type(chunk) is not int or type(last) is not bool:
        raise SealingError("header_refused", "signature")
    said = {name: text for name, text in texts.items() if isinstance(text, str)}
    if len(said) != len(texts):
        raise SealingError("header_refused", "signature")
    return Binding(
        media_type=said["cty"],
        recipient=said["recipient"],
        recipient_key=said["recipient_key"],
        release=said["release"],
        chunk=chunk,
        last=last,
        label=said["label"],
    )
