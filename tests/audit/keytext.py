"""Private keys in the text form that Go's ``note`` package gives them."""

from __future__ import annotations

from gateway.audit.checkpoint import SigningKey, encode_base64


def written(key: SigningKey) -> str:
    """``PRIVATE+KEY+<name>+<8 hex of key id>+<base64(type || seed)>``."""
    secret = encode_base64(bytes([key.kind]) + key.private.private_bytes_raw())
    return f"PRIVATE+KEY+{key.name}+{key.verifier.key_id.hex()}+{secret}"
