"""Why something could not be sealed or opened. The message never holds content, labels or key material."""

from __future__ import annotations

from typing import Final

CODES: Final = {
    "not_sealed": "it is not one compact JWE of the form that the gateway makes",
    "too_large": "it is larger than a sealed chunk may be",
    "algorithm_refused": "it names an algorithm other than the ones pinned here",
    "header_refused": "its header has a member missing, unknown or of the wrong type",
    "not_for_this_key": "it is sealed to another key",
    "key_unfit": "the key is not an X25519, P-256 or P-384 key for encryption",
    "cannot_decrypt": "it does not decrypt: it was altered, or the key is not the right one",
    "signature_invalid": "what is inside is not signed by the gateway's content key",
    "signer_unknown": "what is inside names a signing key that is not among those given",
    "headers_disagree": "envelope and signature speak of different releases, chunks or recipients",
    "out_of_order": "a chunk is missing, repeated, out of order, or of another release",
    "cut_short": "the last chunk has not come",
    "too_much": "something follows the last chunk",
}
"""Every reason code of this layer, with what it means."""


class SealingError(Exception):
    """Something cannot be sealed, or what came cannot be opened. ``code`` is one of :data:`CODES`."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {CODES[code]}" + (f" ({detail})" if detail else ""))
        self.code = code
        self.detail = detail
