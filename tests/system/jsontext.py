"""Cut JSON text into its members and items without losing a byte: the slow way, by the standard library's scanner.

For comparing what a partner received with what the source holds, byte for byte. Reads compact JSON only (no white
space between tokens), which is what the sample source writes and what the gateway must leave as it is.
"""

from __future__ import annotations

import json

_DECODER = json.JSONDecoder()


def members(raw: bytes) -> dict[str, bytes]:
    """The members of an object in their order, each value as the bytes that stand there."""
    text, found, place = raw.decode(), {}, 1
    assert text[0] == "{" and text[-1] == "}", text[:80]
    while text[place] != "}":
        name, colon = _DECODER.raw_decode(text, place)
        assert text[colon] == ":" and name not in found, text[colon - 20 : colon + 20]
        _, end = _DECODER.raw_decode(text, colon + 1)
        found[name] = text[colon + 1 : end].encode()
        place = end + (text[end] == ",")
    assert place == len(text) - 1
    return found


def items(raw: bytes) -> list[bytes]:
    """The items of an array in their order, each as the bytes that stand there."""
    text, found, place = raw.decode(), [], 1
    assert text[0] == "[" and text[-1] == "]", text[:80]
    while text[place] != "]":
        _, end = _DECODER.raw_decode(text, place)
        found.append(text[place:end].encode())
        place = end + (text[end] == ",")
    assert place == len(text) - 1
    return found
