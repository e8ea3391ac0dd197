"""Notes, checkpoints' texts, tiles' paths and signing keys made part by part, most parts sound and some not.

A changed byte seldom leaves a good signature behind. Here the text is signed as it stands, whatever stands in it, so
that one unsound part is all that a note can be refused for: a dash of another kind, a space of another kind in a name,
base64 in another form, a line end too many, a hundredth signature and a hundred and first.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.checkpoint import Checkpoint, SigningKey, encode_base64
from gateway.audit.note import NOTE_LIMIT, SIGNATURE_LIMIT
from tests.audit.keytext import written
from tests.audit.long_log import LOG, ORIGIN


def _key(name: str, seed: int) -> SigningKey:
    return SigningKey(name, Ed25519PrivateKey.from_private_bytes(bytes([seed] * 32)))


KNOWN = (LOG, _key("other.example/log", 1), _key(ORIGIN, 2), _key("é.example/—", 3))
"""Whose signatures are looked for: two of them have one name."""
UNKNOWN = (_key("stranger.example/x", 4), _key(ORIGIN, 5))

TEXT = Checkpoint(ORIGIN, 12_345, bytes(range(32))).text.encode()
SOUND_TEXTS = (TEXT, b"a\n", b"\n", b"\n\n", b"a\n\nb\n", "— a AAAAAAAA\n".encode(), "a\n\n— b AAAAAAAA\n".encode())
ODD = (
    b"a", b"", b"a\r\n", b"a\tb\n", b"a\0\n", b"\x1b[0m\n", b"a\xff\n", b"\xc0\x80\n", b"\xed\xa0\x80\n", b"a\x7f\n",
    b"\xf4\x90\x80\x80\n", b"\xe2\x80\n", "\u0085\u00a0\u2028\u2029\u3000\ufeff\U0010ffff\n".encode(), b"a\n\r\n",
)  # fmt: skip
DASHES = ("-", "–", "―", "−", "——", " —", "—\u00a0", "", "\u2014\u0301", "â€”")
SPACES = ("\u00a0", "\u2003", "\u0085", "\u3000", "\u1680", "\u2028", "\u202f", "\t", "+", "\x1f", "\x0b", "\x0c")
NO_SPACES = ("\u200b", "\u180e", "\ufeff", "\u00ad", "\x7f", "\u2060")
ENDS = (b"", b"\r\n", b" \n", b"\n\n", b"\n \n", b"\n\r\n")
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def notes(count: int, seed: int = 20260308) -> list[str]:
    """So many notes, in base64, for a verifier that knows the keys of :data:`KNOWN`."""
    chance = random.Random(seed)
    return [base64.b64encode(_note(chance)).decode() for _ in range(count)]


def trees(count: int, seed: int = 20260309) -> list[str]:
    """So many texts of checkpoints of Go's own log, in base64: the one origin that Go's parser takes."""
    chance = random.Random(seed)
    sound = ["0", "1", "9", "255", "123456789012", str(2**63 - 1)]
    odd = [
        "",
        " 1",
        "1 ",
        *["00", "01", "-0", "-1", "+1", "1_0", "0x1", "1e3", "1.0", "٣", "１"],
        str(2**63),
        str(2**64),
        *("9" * n for n in (19, 20, 400)),
    ]
    ends = ["", "extension\n", "extension", "\n", "a\n\nb\n", "\r\n", "a\tb\n", "é\u0085\n"]
    made = []
    for _ in range(count):
        size = chance.choice(sound if chance.random() < 0.7 else odd)
        root = _encoded(chance.randbytes(32 if chance.random() < 0.9 else chance.choice([0, 31, 33, 64])), chance)
        line_end = chance.choice(["\n"] * 15 + ["\r\n", " \n", ""])
        text = f"go.sum database tree\n{size}\n{root}{line_end}{chance.choice(['', *ends])}"
        made.append(base64.b64encode(text.encode()).decode())
    return made


def paths(count: int, seed: int = 20260310) -> list[str]:
    """So many paths of tiles."""
    chance = random.Random(seed)
    levels = [*map(str, range(10)), *["entries"] * 3, "62", "63", *["64", "00", "01", "-1", "+1", "x", "٣"], "", "1 "]
    made = []
    for _ in range(count):
        index = chance.choice([0, 1, 67, 999, 1000, 1_234_067, 10**9, 10**18, 2**62, chance.randrange(10**9)])
        digits = str(index).rjust(-(-len(str(index)) // 3) * 3, "0")
        groups = [f"x{digits[at : at + 3]}" for at in range(0, len(digits), 3)]
        groups[-1] = groups[-1][1:]
        if chance.random() < 0.3:
            at = chance.randrange(len(groups))
            groups[at] = chance.choice(
                [groups[at][1:], f"x{groups[at]}", f"{groups[at]}0", "", "x000", "000", "x-01", "..", "00٣"]
            )
        width = chance.choice(["", "", ".p/1", ".p/17", ".p/255"])
        if chance.random() < 0.2:
            width = chance.choice(
                [".p/0", ".p/256", ".p/01", ".p/", ".p", ".p/-1", ".p/+1", ".p/1/", "/", ".P/1", ".p/٣"]
            )
        start = chance.choice(["tile"] * 20 + ["/tile", "Tile", "", "tile/"])
        made.append(f"{start}/{chance.choice(levels)}/{'/'.join(groups)}{width}")
    return made


def signers(count: int, seed: int = 20260311) -> list[str]:
    """So many signing keys of type 01 in Go's text form, in base64."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        key = chance.choice(KNOWN)
        head, name, key_id, secret = written(key).rsplit("+", 3)
        if chance.random() < 0.4:
            name = chance.choice(
                [name + chance.choice(SPACES + NO_SPACES), "", name.upper(), f"a+{name}", KNOWN[1].name]
            )
        if chance.random() < 0.3:
            key_id = chance.choice([key_id.upper(), key_id[1:], f"0{key_id}", "00000000", "zzzzzzzz", ""])
        if chance.random() < 0.4:
            secret = _encoded(
                base64.b64decode(secret)[: chance.choice([1, 0, 32, 33])] + chance.choice([b"", b"a"]), chance
            )
        head = chance.choice([head] * 15 + ["PRIVATE+KEY+", "private+key", "PUBLIC+KEY", "KEY", "PRIVATE"])
        made.append(base64.b64encode(f"{head}+{name}+{key_id}+{secret}".encode()).decode())
    return made


def _note(chance: random.Random) -> bytes:
    text = chance.choice(SOUND_TEXTS)
    if chance.random() < 0.15:
        text = chance.choice([*ODD, chance.choice(ODD) + text, text + chance.choice(ODD)])
    if chance.random() < 0.0005:  # at the limit of a note's size
        text = b"x" * (NOTE_LIMIT + chance.choice([-400, -200, -150, -103, -102, -101, -100, 0])) + b"\n"
    blank = b"\n" if chance.random() < 0.95 else chance.choice([b"", b"\n\n", b" \n", b"\r\n", b"\t\n"])
    few = [1, 1, 1, 1, 2, 2, 3, 5, 16]
    count = chance.choice(
        few if chance.random() < 0.97 else [0, SIGNATURE_LIMIT - 1, SIGNATURE_LIMIT, SIGNATURE_LIMIT + 1]
    )
    unsound = 0.3 / max(count, 1)  # so that about a third of the notes has an unsound line
    return text + blank + b"".join(_line(text, unsound, chance) for _ in range(count))


def _line(text: bytes, unsound: float, chance: random.Random) -> bytes:
    key = chance.choice(KNOWN if chance.random() < 0.7 else UNKNOWN)
    over = text if chance.random() < 1 - unsound / 2 else text + b"x"
    dash, name, gap, end = "—", key.name, " ", b"\n"
    data = key.verifier.key_id + _signed(key, over)
    encoded = encode_base64(data)
    if chance.random() < unsound:
        match chance.randrange(6):
            case 0:
                dash = chance.choice(DASHES)
            case 1:
                odd = chance.choice(SPACES + NO_SPACES)
                name = chance.choice(
                    [name + odd, odd + name, name.replace("/", odd, 1), odd, "", f"{name} x", KNOWN[1].name]
                )
            case 2:
                gap = chance.choice(["", "  ", "\t", "\u00a0", " — "])
            case 3:
                end = chance.choice(ENDS)
            case 4:
                encoded = _encoded(data[: chance.choice([0, 3, 4, 5, 67, 68])] + chance.choice([b"", b"\0"]), chance)
            case _:
                encoded = _encoded(data, chance)
    return f"{dash} {name}{gap}{encoded}".encode() + end


def _encoded(data: bytes, chance: random.Random) -> str:
    """In base64, half of the time as nobody writes it."""
    text = encode_base64(data)
    if chance.random() < 0.5 or not text:
        return text
    at = chance.randrange(len(text))
    last = len(text.rstrip("=")) - 1
    other = DIGITS[DIGITS.index(text[last]) ^ chance.choice([1, 2, 4])]
    return chance.choice(
        [
            text.rstrip("="),
            f"{text}=",
            text.translate(str.maketrans("+/", "-_")),
            text[:last] + other + text[last + 1 :],  # bits after the end, or another last byte where there are none
            f"{text[:at]}\n{text[at:]}",
            f"{text[:at]} {text[at:]}",
            f"{text[:at]}={text[at:]}",
            f"{text[:at]}é{text[at:]}",
            text[:at],
        ]
    )


_MADE: dict[tuple[SigningKey, bytes], bytes] = {}


def _signed(key: SigningKey, text: bytes) -> bytes:
    """The signature over a text, made once for each of the few short ones."""
    if len(text) > 1000:
        return key.private.sign(text)  # type: ignore[call-arg, unused-ignore]
    made = _MADE.get((key, text))
    if made is None:
        made = _MADE[key, text] = key.private.sign(text)
    return made


def known_keys() -> Sequence[str]:
    """The keys of :data:`KNOWN` in their text form."""
    return [str(key.verifier) for key in KNOWN]
