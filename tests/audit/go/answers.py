"""Go's answers, kept in ``answers.json``, so that agreement with Go is tested where Go is not installed.

    make audit-answers             python -m tests.audit.go.answers       (needs what make audit-go needs)

Nothing in the file is ours but the questions: which sizes, which texts. It holds

1. of each size up to :data:`PAIRS`, the digest of Go's root and of all its inclusion and consistency proofs;
2. of random sizes up to :data:`LARGEST`, the digest of what Go proves from stored hashes that are made up (each the
   SHA-256 of its level and offset): which hashes a proof is folded from and in which order, at any size and no cost;
3. whole proofs in a real tree of :data:`LARGEST` leaves, as Go makes them;
4. notes that Go signed with our test key;
5. of everything malformed that malformed.py and grammar.py make, whether Go takes it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.audit import edge
from gateway.audit.checkpoint import Checkpoint
from gateway.audit.edge import NodeId
from tests.audit.go import agree, malformed
from tests.audit.keytext import written
from tests.audit.long_log import LOG, ORIGIN

FILE = Path(__file__).parent / "answers.json"
PAIRS = 300
LARGEST = 10_000_000
MADE_UP, PROVED, MALFORMED = 400, 24, 2_000


@dataclass(frozen=True, slots=True)
class Answers:
    """What Go said; ``asked`` is the digest of each list of malformed things, so that it is these that were asked."""

    go: str
    pairs: Sequence[str]
    made_up: Sequence[str]
    proved: Sequence[str]
    signed: Sequence[str]
    asked: Mapping[str, str]
    taken: Mapping[str, str]

    @classmethod
    def kept(cls) -> Answers:
        """As the file has them."""
        return cls(**json.loads(FILE.read_text()))


class MadeUp(Mapping[NodeId, bytes]):
    """Stored hashes of a tree of any size, none of which has to be worked out of the one below."""

    def __getitem__(self, node: NodeId) -> bytes:
        level, offset = node
        return hashlib.sha256(level.to_bytes(8, "big") + offset.to_bytes(8, "big")).digest()

    def __iter__(self) -> Iterator[NodeId]:
        raise TypeError("there is no end to them")

    def __len__(self) -> int:
        raise TypeError("there is no end to them")


def sizes(count: int, seed: int) -> list[tuple[int, int, int]]:
    """Sizes of every order of magnitude, powers of two and their neighbours; an index and an older size in each."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        near = (1 << chance.randrange(1, LARGEST.bit_length())) + chance.randrange(-1, 2)
        size = max(1, min(LARGEST, chance.choice([near, chance.randint(1, LARGEST)])))
        found.append((size, chance.randrange(size), chance.randint(1, size)))
    return found


MADE_UP_SIZES = sizes(MADE_UP, 20260306)
PROVED_SIZES = sizes(PROVED, 20260307)
TEXTS = [Checkpoint(ORIGIN, size, hashlib.sha256(bytes([size % 251])).digest()).text for size in (0, 1, 255, LARGEST)]


def made_up_digest(size: int, index: int, older: int) -> str:
    """What we prove from made-up hashes, in Go's words."""
    nodes = MadeUp()
    root = edge.fold([nodes[node] for node in edge.cover(0, size)])
    included = edge.carry_out(edge.inclusion_plan(index, size), nodes)
    consistent = edge.carry_out(edge.consistency_plan(older, size), nodes)
    said = [(f"R {size}", [root]), (f"I {size} {index}", included), (f"C {size} {older}", consistent)]
    lines = [" ".join([start, *(value.hex() for value in proof)]) + "\n" for start, proof in said]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def malformed_lines(what: str) -> list[str]:
    """What is malformed, of a kind."""
    return malformed.KINDS[what][0](MALFORMED)


def digest(lines: Sequence[str]) -> str:
    """Of lines that are asked, or proved."""
    return hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()


def ask(program: Path, *arguments: str, lines: Sequence[str] = ()) -> list[str]:
    """Go's answer, line by line."""
    done, said = agree.ask(program, *arguments, lines=lines)
    if not done:
        raise AssertionError(said)
    return said.splitlines()


def answers(program: Path) -> Answers:
    """Put every question to Go."""
    texts = [base64.b64encode(text.encode()).decode() for text in TEXTS]
    asked = {what: malformed_lines(what) for what in malformed.KINDS}
    taken = {
        what: "".join(
            said[0] for said in ask(program, what, malformed.keys_of(what), lines=malformed.in_gos_words(what, lines))
        )
        for what, lines in asked.items()
    }
    return Answers(
        go="golang.org/x/mod/sumdb, Debian's golang-golang-x-mod-dev",
        pairs=ask(program, "pairs", str(PAIRS)),
        made_up=ask(program, "stored", "0", lines=[" ".join(map(str, one)) for one in MADE_UP_SIZES]),
        proved=ask(program, "prove", str(LARGEST), lines=[" ".join(map(str, one)) for one in PROVED_SIZES]),
        signed=[base64.b64decode(note).decode() for note in ask(program, "sign", written(LOG), lines=texts)],
        asked={what: digest(lines) for what, lines in asked.items()},
        taken=taken,
    )


def main() -> int:
    """Ask, and write the file."""
    absent = agree.missing()
    if absent:
        print(absent)
        return 2
    with tempfile.TemporaryDirectory(prefix="audit-go-") as name:
        said = answers(agree.build(Path(name)))
    FILE.write_text(json.dumps(asdict(said), indent=1, ensure_ascii=False) + "\n")
    print(f"{FILE.name}: {FILE.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
