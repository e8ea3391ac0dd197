"""Show that our trees, proofs, notes and a whole long log agree with an implementation by other people.

    make audit-go                     python -m tests.audit.go.agree [--pairs 300] [--size 10000000] [--entries 1000000]

The other implementation is Go's ``golang.org/x/mod/sumdb`` (packages ``tlog`` and ``note``) as Debian packages it,
built without a network: ``apt-get install golang-go golang-golang-x-mod-dev``. Where it is not there, this says so and
ends with exit code 2: a report without it must not look like one with it.

1. Every root, inclusion proof and consistency proof for every pair of sizes up to ``--pairs``, by the pure functions.
2. ``--samples`` random proofs each way in trees of random sizes up to ``--size``, from stored hashes as the log proves.
3. ``--notes`` malformed notes (bytes changed at random, and one unsound part under good signatures: grammar.py), keys,
   proofs, checkpoints' texts and tiles' paths each: nothing is taken here that Go refuses; what is refused here alone
   is counted by its reason, which must be one that is stated (malformed.py).
4. A log of ``--entries`` entries, published as a folder, verified whole by Go, by us from the folder, and by us
   from the database.
5. ``--mutations`` seeded changes to a smaller folder: both find each.
6. A log that lost leaves to retention: Go takes the proofs of a removed leaf and of the log's growth over the removal,
   and says which bundle is no longer there; our check accounts for it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from gateway.audit import edge, merkle, receipt
from gateway.audit.checkpoint import parse_checkpoint
from gateway.audit.database import Database
from gateway.audit.edge import NodeId
from gateway.audit.folder import publish
from gateway.audit.folder_check import verify_folder
from gateway.audit.orders import Part, Remove
from gateway.audit.verification import verify
from tests.audit import long_log
from tests.audit.go import malformed
from tests.audit.long_log import LOG, ORIGIN

HERE = Path(__file__).parent
GOCODE = Path("/usr/share/gocode")
MISSING = "NOT RUN: {} is not installed here (apt-get install golang-go golang-golang-x-mod-dev)"


def missing() -> str:
    """What keeps Go's implementation from being run here; empty when nothing does."""
    if shutil.which("go") is None:
        return MISSING.format("go")
    if not (GOCODE / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        return MISSING.format("golang.org/x/mod/sumdb")
    return ""


def build(place: Path, source: Path = HERE / "main.go") -> Path:
    """Build a Go program; no network, no modules."""
    program = place / "verify"
    settings = {"GO111MODULE": "off", "GOPATH": str(GOCODE), "GOCACHE": str(place / "cache"), "GOFLAGS": ""}
    command = ["go", "build", "-o", str(program), str(source)]
    subprocess.run(command, check=True, env={**os.environ, **settings})
    return program


def ask(program: Path, *arguments: str, lines: Iterable[str] | None = None) -> tuple[bool, str]:
    """Run the Go program over lines; whether it agreed, and what it said."""
    process = subprocess.Popen(
        [program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError("pipes were asked for")
    try:
        for line in lines or ():
            process.stdin.write(line + "\n")
        process.stdin.close()
    except BrokenPipeError:
        pass
    said = process.stdout.read().strip()
    return process.wait() == 0, said


def leaf(number: int) -> bytes:
    """A test leaf's hash: of the number in 8 bytes."""
    return merkle.leaf_hash(number.to_bytes(8, "big"))


def every_pair(largest: int) -> Iterator[str]:
    """Roots and all proofs for all pairs of sizes, by the pure functions, each verified by ours too."""
    leaves = [leaf(number) for number in range(largest)]
    roots = [merkle.root(leaves[:size]) for size in range(largest + 1)]
    for size in range(1, largest + 1):
        yield from every_proof(leaves, roots, size)


def every_proof(leaves: Sequence[bytes], roots: Sequence[bytes], size: int) -> Iterator[str]:
    """Root and all proofs of one size."""
    yield f"R {size} {roots[size].hex()}"
    for index in range(size):
        proof = merkle.inclusion_proof(leaves, index, size)
        merkle.verify_inclusion(index, size, leaves[index], proof, roots[size])
        yield " ".join([f"I {size} {index}", *(value.hex() for value in proof)])
    for older in range(1, size + 1):
        proof = merkle.consistency_proof(leaves, older, size)
        merkle.verify_consistency(older, size, proof, roots[older], roots[size])
        yield " ".join([f"C {size} {older}", *(value.hex() for value in proof)])


class Nodes(Mapping[NodeId, bytes]):
    """Every complete subtree's hash of a large tree, level by level, as the store keeps them."""

    def __init__(self, size: int) -> None:
        digest = hashlib.sha256
        row = b"".join(digest(b"\0" + number.to_bytes(8, "big")).digest() for number in range(size))
        self.levels = [row]
        while len(row) >= 64:
            row = b"".join(digest(b"\1" + row[at : at + 64]).digest() for at in range(0, len(row) // 64 * 64, 64))
            self.levels.append(row)

    def __getitem__(self, node: NodeId) -> bytes:
        level, offset = node
        return self.levels[level][offset * 32 : offset * 32 + 32]

    def __iter__(self) -> Iterator[NodeId]:
        return ((level, at) for level, row in enumerate(self.levels) for at in range(len(row) // 32))

    def __len__(self) -> int:
        return sum(len(row) // 32 for row in self.levels)

    def root(self, size: int) -> bytes:
        """The root of the tree over the first leaves."""
        return edge.fold([self[node] for node in edge.cover(0, size)])


def random_sizes(largest: int, samples: int) -> Iterator[str]:
    """Random proofs in trees of random sizes, from stored hashes as the log proves, each verified by ours too."""
    chance = random.Random(20260301)
    nodes = Nodes(largest)
    for number in range(samples):
        # Sizes of every order of magnitude, the powers of two and their neighbours, and the largest itself.
        near = (1 << chance.randrange(1, largest.bit_length())) + chance.randrange(-1, 2)
        size = largest if number == 0 else max(1, min(largest, chance.choice([near, chance.randint(1, largest)])))
        root = nodes.root(size)
        yield f"R {size} {root.hex()}"
        index = chance.randrange(size)
        proof = edge.carry_out(edge.inclusion_plan(index, size), nodes)
        merkle.verify_inclusion(index, size, nodes[0, index], proof, root)
        yield " ".join([f"I {size} {index}", *(value.hex() for value in proof)])
        older = chance.randint(1, size)
        proof = edge.carry_out(edge.consistency_plan(older, size), nodes)
        merkle.verify_consistency(older, size, proof, nodes.root(older), root)
        yield " ".join([f"C {size} {older}", *(value.hex() for value in proof)])


def whole_log(program: Path, place: Path, entries: int) -> Iterator[str]:
    """A long log verified whole three ways."""
    url = f"sqlite:///{place / 'long.db'}"
    begun = time.perf_counter()
    long_log.write(url, entries)
    yield f"written in {time.perf_counter() - begun:.1f} s"
    log = long_log.opened(url)
    publish(log, place / "folder", entries=True)
    log.close()
    done, said = ask(program, "folder", str(place / "folder"), str(LOG.verifier))
    if not done:
        raise AssertionError(f"Go finds the folder unsound: {said}")
    yield f"Go, from the folder: {said}"
    begun = time.perf_counter()
    report = verify_folder(place / "folder", ORIGIN, LOG.verifier)
    if report.findings or report.checked != entries:
        raise AssertionError(str(report.findings[:3]))
    yield f"ours, from the folder: {report.checked} entries in {time.perf_counter() - begun:.2f} s"
    begun = time.perf_counter()
    database = Database(url)
    report = verify(database, ORIGIN, LOG.verifier)
    database.close()
    if report.findings:
        raise AssertionError(str(report.findings[:3]))
    yield f"ours, all of the database: {report.checked} entries in {time.perf_counter() - begun:.2f} s"


def mutate_folder(program: Path, place: Path, count: int) -> str:
    """Seeded changes to one file of a folder each: Go and we must both refuse every one of them."""
    chance = random.Random(20260303)
    url = f"sqlite:///{place / 'short.db'}"
    long_log.write(url, 700)
    log = long_log.opened(url)
    publish(log, place / "short", entries=True)
    log.close()
    files = sorted(path for path in (place / "short").rglob("*") if path.is_file())
    for number in range(count):
        path = chance.choice(files)
        sound = path.read_bytes()
        data = bytearray(sound)
        at = chance.randrange(len(data))
        if path.name == "checkpoint" or chance.random() < 0.6:
            data[at] ^= 1 << chance.randrange(8)
        else:
            del data[at : at + 1 + chance.randrange(64)]
        path.write_bytes(data)
        done, said = ask(program, "folder", str(place / "short"), str(LOG.verifier))
        ours = verify_folder(place / "short", ORIGIN, LOG.verifier)
        if done or ours.sound:
            raise AssertionError(f"change {number} to {path.name} at {at}: Go {done} ({said}), ours {ours.sound}")
        path.write_bytes(sound)
    return f"{count} changes to a folder of 700 entries, each refused by both"


def after_removal(program: Path, place: Path) -> str:
    """What Go says of a log that lost leaves."""
    url = f"sqlite:///{place / 'removed.db'}"
    long_log.write(url, 300)
    log = long_log.opened(url)
    before = parse_checkpoint(log.head_note())
    gone = log.receipt_at(3)
    log.remove(Remove(Part.LEAF, 0, 9, "archivist", "retention", long_log.AT))
    after = parse_checkpoint(log.head_note())
    proof = log.consistency(before.size, after.size)
    publish(log, place / "removed", entries=True)
    if gone is None:
        raise AssertionError("there was no receipt of an entry before its leaf went")
    held = receipt.parse(gone.receipt)
    leaf_hash = merkle.leaf_hash(receipt.leaf_of(gone.receipt))
    if log.leaf_hash(3) != leaf_hash:
        raise AssertionError("the removal changed the leaf's hash")
    log.close()
    lines = [
        _line("I", 3, before.size, [leaf_hash, before.root, *held.proof]),
        _line("C", before.size, after.size, [before.root, after.root, *proof]),
    ]
    done, said = ask(program, "checks", str(LOG.verifier), lines=lines)
    if not done or said.split("\n") != ["open", "open"]:
        raise AssertionError(f"Go refuses proofs after a removal: {said}")
    done, said = ask(program, "folder", str(place / "removed"), str(LOG.verifier))
    if done or "tile/entries/000" not in said:
        raise AssertionError(f"Go does not miss the bundle that lost leaves: {said}")
    report = verify_folder(place / "removed", ORIGIN, LOG.verifier)
    if not report.sound or report.lacking != 10:
        raise AssertionError(str(report))
    return "a log that lost leaves: its proofs agree, Go names the bundle that is gone, ours accounts for it"


def _line(kind: str, first: int, second: int, hashes: Iterable[bytes]) -> str:
    return " ".join([kind, str(first), str(second), *(each.hex() for each in hashes)])


def agree(program: Path, place: Path, options: argparse.Namespace) -> Iterator[str]:
    """Everything, line by line of the report; raises ``AssertionError`` at the first difference."""
    for what, leaves, lines in (
        (f"every pair of sizes up to {options.pairs}", options.pairs, every_pair(options.pairs)),
        (f"random sizes up to {options.size}", options.size, random_sizes(options.size, options.samples)),
    ):
        begun = time.perf_counter()
        done, said = ask(program, "proofs", str(leaves), lines=lines)
        if not done:
            raise AssertionError(said)
        yield f"{what}: {said} agree ({time.perf_counter() - begun:.1f} s)"
    for what in malformed.KINDS:
        yield f"malformed {what}: {malformed.compare(what, options.notes, partial(ask, program))}"
    for line in whole_log(program, place, options.entries):
        yield f"a log of {options.entries} entries: {line}"
    yield mutate_folder(program, place, options.mutations)
    yield after_removal(program, place)


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    """The sizes to run at."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (
        ("pairs", 300),
        ("size", 10_000_000),
        ("samples", 2_000),
        ("notes", 20_000),
        ("entries", 1_000_000),
        ("mutations", 300),
    ):
        parser.add_argument(f"--{name}", type=int, default=number)
    return parser.parse_args(arguments)


def main() -> int:
    """Run it and print the report."""
    options = options_of()
    absent = missing()
    if absent:
        print(absent)
        return 2
    with tempfile.TemporaryDirectory(prefix="audit-go-") as name:
        place = Path(name)
        for line in agree(build(place), place, options):
            print(line, flush=True)
    print("agreed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
