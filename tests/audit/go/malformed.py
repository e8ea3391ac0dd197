"""Seeded malformations of notes, keys, proofs, checkpoints and tiles' paths, put to Go's ``sumdb`` and to us.

Nothing may be taken here that Go refuses. What Go takes and we refuse has one of the reasons in :data:`STRICTER`:

* base64 in another form than its canonical one (bits after the end, in Go also line breaks inside a verifier key):
  c2sp.org/signed-note@v1.1.0 refuses it, and one note has one form here, so that nobody can pass it off as two;
* a second signature by a known key that is bad: c2sp.org/signed-note says that a known key's signature is verified;
  Go looks at a key's first line only;
* a note of more than 1,000,000 bytes: c2sp.org/signed-note asks for a limit, Go's has one of signatures alone;
* a key id in capital letters, or a control character in a key's name, which no note that such a key signs may hold;
* an inner hash that is not 32 bytes cannot be written in Go at all, so no such proof is put to it;
* whatever follows a checkpoint's third line: Go's parser takes anything there, c2sp.org/tlog-checkpoint lines that are
  not empty;
* a tile's level above 63, and an index beyond the leaves of the largest tree (c2sp.org/tlog-tiles).
"""

from __future__ import annotations

import base64
import random
from collections import Counter
from collections.abc import Callable, Sequence

from gateway.audit import merkle, tiles
from gateway.audit.checkpoint import (
    Checkpoint,
    SigningKey,
    open_note,
    parse_checkpoint,
    parse_signing_key,
    parse_verifier_key,
    sign,
)
from gateway.audit.errors import ProofRefused
from tests.audit import long_log
from tests.audit.go import grammar
from tests.audit.long_log import LOG, ORIGIN

NOTES = ("canonical", "does not verify", "bytes is over the limit")
AFTER = ("each ended by a newline", "control characters", "is not a signature line", "signature lines that each end")
STRICTER: dict[str, tuple[str, ...]] = {
    "notes": NOTES,
    "grammar": NOTES,
    "keys": ("canonical", "not base64", "is not a verifier key of the form", "control characters"),
    "checks": (),
    "trees": ("canonical", *AFTER),
    "paths": ("is not the path of a tile",),
    "signers": ("canonical", "is not a signing key of the form"),
}
"""What our refusal says, by kind, where Go takes what we refuse."""
PIECES = [b"\n", b"\n\n", b" ", b"+", b"=", b"\t", b"\r", b"\0", b"\x7f", b"\xff", "— ".encode(), "\u2003".encode()]
PIECES += [b"AAAA", b"A", "\u0085".encode(), "\u2028".encode(), b"\xed\xa0\x80", b"\xc0\x80", "\ufeff".encode(), b"-"]
GO_LARGEST = 2**62
"""Go's tlog does not end on larger trees."""

Ask = Callable[..., tuple[bool, str]]


def _mangled(sound: list[bytes], pieces: list[bytes], chance: random.Random) -> bytes:
    """One of the sound texts after a few random changes to bytes, lines, or pieces put in."""
    data = bytearray(chance.choice(sound))
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[at : at + chance.choice([1, 1, 4, 40])]
            case 2:
                data[at:at] = chance.choice(pieces)
            case 3:
                lines = bytes(data).split(b"\n")
                lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
                data = bytearray(b"\n".join(lines))
            case 4:
                lines = bytes(data).split(b"\n")
                chance.shuffle(lines)
                data = bytearray(b"\n".join(lines))
            case _ if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
    return bytes(data)


def notes(count: int, seed: int = 20260302) -> list[str]:
    """A sound note, and malformations of it and of notes with several signatures, in base64."""
    chance = random.Random(seed)
    text = Checkpoint(ORIGIN, 12_345, bytes(range(32))).text
    other = SigningKey("other.example/log", long_log.KEY)
    several = sign(text, LOG, other, LOG)
    line = sign(text, other).partition("\n\n")[2]
    sound = [sign(text, LOG).encode(), several.encode(), (several + line * 97).encode(), sign("\n", LOG).encode()]
    pieces = [*PIECES, several.encode(), text.encode(), line.encode()]
    made = [*sound, (several + line * 98).encode(), (several + line * 100).encode()]
    made += [_mangled(sound, pieces, chance) for _ in range(count - len(made))]
    return [base64.b64encode(note).decode() for note in made]


def keys(count: int, seed: int = 20260304) -> list[str]:
    """A sound verifier key and malformations of it, in base64."""
    chance = random.Random(seed)
    sound = [str(LOG.verifier).encode(), str(SigningKey("é.example/ü", long_log.KEY).verifier).encode()]
    upper = str(LOG.verifier).replace(LOG.verifier.key_id.hex(), LOG.verifier.key_id.hex().upper()).encode()
    made = [*sound, upper, *(_mangled(sound, PIECES, chance) for _ in range(count - 3))]
    return [base64.b64encode(key).decode() for key in made]


def proofs(count: int, seed: int = 20260305) -> list[str]:
    """Sound proofs in small trees, and malformations of them: ``I index size leaf root hash...`` and
    ``C older newer root1 root2 hash...``, in hex.
    """
    chance = random.Random(seed)
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(40)]
    roots = [merkle.root(leaves[:size]) for size in range(41)]
    made = []
    for number in range(count):
        size = chance.randint(1, 40)
        if chance.random() < 0.5:
            first = chance.randrange(size)
            numbers, ends = [first, size], [leaves[first], roots[size]]
            kind, proof = "I", merkle.inclusion_proof(leaves, first, size)
        else:
            first = chance.randint(1, size)
            numbers, ends = [first, size], [roots[first], roots[size]]
            kind, proof = "C", merkle.consistency_proof(leaves, first, size)
        known = [*leaves[:3], *roots[:3], *ends, *proof, bytes(32)]
        for _ in range(chance.choice([1, 1, 2]) if number % 4 else 0):
            _mangle_proof(numbers, ends, proof, known, chance)
        hashes = [value.hex() for value in (*ends, *proof)]
        made.append(" ".join([kind, *map(str, numbers), *hashes]))
    return made


def _mangle_proof(
    numbers: list[int], ends: list[bytes], proof: list[bytes], known: list[bytes], chance: random.Random
) -> None:
    """Change one thing about a proof, in place."""
    place, at = chance.randrange(2), chance.randrange(len(proof) + 1)
    match chance.randrange(8):
        case 0:
            numbers[place] += chance.choice([-2, -1, 1, 2])
        case 1:
            numbers[place] = chance.choice([0, 1, -1, numbers[place] ^ 2, numbers[place] * 2, numbers[place] // 2])
        case 2:
            numbers[place] = chance.choice([GO_LARGEST, GO_LARGEST - 1, 2**40, 2**63, 2**64, -(2**63)])
        case 3:
            proof.insert(at, chance.choice(known))
        case 4:
            del proof[at : at + chance.choice([1, 1, 3])]
        case 5:
            ends[place] = chance.choice(known)
        case 6:
            chance.shuffle(proof)
        case _ if at < len(proof):
            proof[at] = bytes([proof[at][0] ^ 16]) + proof[at][1:]
    numbers[:] = [GO_LARGEST if GO_LARGEST < number < 2**63 else number for number in numbers]


def _open(line: str) -> None:
    open_note(base64.b64decode(line), [LOG.verifier])


def _read_key(line: str) -> None:
    parse_verifier_key(base64.b64decode(line))


def _verify(line: str) -> None:
    kind, first, second, *hashes = line.split(" ")
    one, two, *proof = map(bytes.fromhex, hashes)
    if kind == "I":
        merkle.verify_inclusion(int(first), int(second), one, proof, two)
    else:
        merkle.verify_consistency(int(first), int(second), proof, one, two)


def _open_any(line: str) -> None:
    open_note(base64.b64decode(line), [key.verifier for key in grammar.KNOWN])


def _read_tree(line: str) -> None:
    parse_checkpoint(base64.b64decode(line))


def _read_signer(line: str) -> None:
    parse_signing_key(base64.b64decode(line))


def keys_of(kind: str) -> str:
    """The keys that Go is told of, for a kind."""
    return ",".join(grammar.known_keys()) if kind == "grammar" else str(LOG.verifier)


def in_gos_words(kind: str, lines: Sequence[str]) -> Sequence[str]:
    """What Go is asked: its tiles' paths say their height, 8, and ``data`` for entries."""
    if kind != "paths":
        return lines
    parts = [line.partition("tile/") for line in lines]
    return [f"{start}{slash}8/{rest.replace('entries/', 'data/')}" if slash else start for start, slash, rest in parts]


KINDS: dict[str, tuple[Callable[[int], list[str]], Callable[[str], None]]] = {
    "notes": (notes, _open),
    "keys": (keys, _read_key),
    "checks": (proofs, _verify),
    "grammar": (grammar.notes, _open_any),
    "trees": (grammar.trees, _read_tree),
    "paths": (grammar.paths, lambda line: tiles.parse_path(line) and None),
    "signers": (grammar.signers, _read_signer),
}
"""What is put to both, by the command of the Go program: what makes it, and what we do with it."""


def compare(kind: str, count: int, ask: Ask) -> str:
    """Put so many malformations to both; raises ``AssertionError`` for one taken here and refused there, and for one
    refused here without a stated reason.
    """
    make, take = KINDS[kind]
    return compare_lines(kind, make(count), take, ask)


def compare_lines(kind: str, lines: list[str], take: Callable[[str], None], ask: Ask) -> str:
    """As :func:`compare`, over lines that were made already."""
    done, said = ask(kind, keys_of(kind), lines=in_gos_words(kind, lines))
    answers = said.split("\n")
    if not done or len(answers) != len(lines):
        raise AssertionError(said[-500:])
    seen: Counter[str] = Counter()
    for line, theirs in zip(lines, answers, strict=True):
        why = _refusal(line, take)
        ours = "refused" if why else "open"
        if ours == "open" and theirs == "refused":
            raise AssertionError(f"taken here, refused by Go: {line:.5000}")
        if ours == "refused" and theirs == "open":
            if not any(reason in why for reason in STRICTER[kind]):
                raise AssertionError(f"refused here ({why}), taken by Go: {line:.5000}")
            seen[f"refused here alone ({_reason(kind, why)})"] += 1
        else:
            seen[f"{ours} by both"] += 1
    return ", ".join(f"{number} {name}" for name, number in sorted(seen.items()))


def _refusal(line: str, take: Callable[[str], None]) -> str:
    try:
        take(line)
    except ProofRefused as error:
        return str(error)
    return ""


def _reason(kind: str, why: str) -> str:
    return next(reason for reason in STRICTER[kind] if reason in why)
