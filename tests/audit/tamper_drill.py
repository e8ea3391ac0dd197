"""Tamper with a copied log in every way there is and show that each is found, and where.

    make tamper-drill                 python -m tests.audit.tamper_drill [--json]

A log is written, published as a folder and shown to a witness; then each tampering is done to a copy of its own, by
SQL with every right in the database, by editing files, or with the log's signing key. The report says of each what was
found, and for truncation, rollback and rewriting by the key's holder what is found with and without a checkpoint that
somebody else holds: a local log alone cannot show those. Exit code 1 if anything that must be found was not, or a
clean copy raised an alarm.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from string import Template

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit import merkle, tiles
from gateway.audit.checkpoint import COSIGNATURE, Checkpoint, SigningKey, open_note, parse_checkpoint
from gateway.audit.database import Database
from gateway.audit.folder import publish
from gateway.audit.folder_check import verify_folder
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog
from gateway.audit.naming import ARTIFACTS
from gateway.audit.reading import LogReader
from gateway.audit.removed import OWN
from gateway.audit.verification import Report, verify
from gateway.audit.witness import State, add_checkpoint, write_submission
from tests.audit import everything
from tests.audit.mutations import CELLS, each_column, is_right
from tests.audit.tampering import AT, DIGEST, TAMPERINGS, change, make_draft, statements, truncate, write_log

ORIGIN = "gateway.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LOG = SigningKey(ORIGIN, KEY)
WITNESS = SigningKey("witness.example/w", Ed25519PrivateKey.from_private_bytes(bytes([2] * 32)), COSIGNATURE)
IDENTIFIERS = IdentifierKey(1, bytes(32))


ALONE = "whole file, checked alone"
OUTSIDE = "whole file, checked against a checkpoint held elsewhere"
"""Truncation, rollback and rewriting by the key's holder leave a log that is sound in itself: two groups, one without
and one with what somebody else holds.
"""


REMARKS = {
    "clean": ", as it must be: no false alarm",
    ALONE: ", as it must be: no log can show these by itself, whoever checks it",
}


@dataclass(frozen=True, slots=True)
class Result:
    """One tampering: what was done and with what, whether it must be found, whether it was as it must be, where."""

    group: str
    what: str
    must_be_found: bool
    found: bool
    where: str

    @property
    def right(self) -> bool:
        """Whether the drill passed here."""
        return self.found == self.must_be_found


@dataclass(frozen=True, slots=True)
class Range:
    """Where the drill takes place: the sound log's files, and the checkpoints that somebody else holds of it and of
    what it became later.
    """

    root: Path
    held: Checkpoint
    note: str
    later: Checkpoint
    later_note: str
    numbers: Iterator[int] = field(default_factory=count)

    def copy(self, name: str) -> str:
        """A fresh copy of the sound log; its URL."""
        place = self.root / "copies" / f"{next(self.numbers)}-{re.sub(r'[^a-z]+', '-', name)}"
        shutil.copytree(self.root / "log", place)
        return f"sqlite:///{place / 'audit.db'}"

    def folder(self, name: str) -> Path:
        """A fresh copy of the published folder."""
        return Path(shutil.copytree(self.root / "folder", self.root / "folders" / re.sub(r"\W+", "-", name)))


def drill(root: Path) -> Iterator[Result]:
    """Do it all below ``root``."""
    there = prepare(root)
    yield clean(there)
    yield from edits(there)
    yield from every_column(there)
    yield recomputed(there)
    yield from folder_edits(there)
    yield from beyond_a_local_log(there)
    yield from seen_by_a_witness(there)


def prepare(root: Path) -> Range:
    """The sound log with its folder, what it became later, and the checkpoints that somebody else holds."""
    (root / "log").mkdir(parents=True)
    log = opened(f"sqlite:///{root / 'log' / 'audit.db'}")
    write_log(log)
    publish(log, root / "folder", entries=True)
    held, note = head_of(log), log.head_note()
    log.close()
    shutil.copytree(root / "log", root / "later")
    log = opened(f"sqlite:///{root / 'later' / 'audit.db'}")
    log.append_now([make_draft(f"later{number}") for number in range(3)])
    later, later_note = head_of(log), log.head_note()
    log.close()
    return Range(root, held, note, later, later_note)


def clean(there: Range) -> Result:
    """No false alarm."""
    report = checked(there.copy("clean"), there.held)
    folder = verify_folder(there.folder("clean"), ORIGIN, LOG.verifier, held=there.held)
    return Result("clean", "nothing at all", False, not (report.sound and folder.sound), places(report))


def edits(there: Range) -> Iterator[Result]:
    """Every edit of the table, by SQL, found without anything from outside."""
    for name, tampering in TAMPERINGS.items():
        url = there.copy(name)
        change(url, *statements(name))
        report = checked(url)
        wanted = Template(tampering["found"]).substitute(DIGEST=DIGEST)
        yield Result("SQL", name, True, bool(re.search(wanted, text_of(report))), places(report))


def every_column(there: Range) -> Iterator[Result]:
    """Every column of every table there is, changed one at a time in a log that has a row in each table."""
    sound = everything.at_rest(there.root / "everything.db")
    changed = [(said, report, is_right(said, report)) for _, said, report in each_column(sound)]
    for table in sorted({name for name, _ in CELLS}):
        own = [(said, report, right) for said, report, right in changed if said is not None and said.table == table]
        columns = [name for of, name in CELLS if of == table]
        where = "; ".join(f"{said.column}: {places(report) if report else 'unreadable'}" for said, report, _ in own[:2])
        found = [right for _, _, right in own] == [True] * len(columns)
        yield Result("each column", f"each of the {len(columns)} columns of {table}", True, found, where)


def recomputed(there: Range) -> Result:
    """A leaf rewritten with every hash that needs no key."""
    url = there.copy("recomputed")
    reader = LogReader.open_to_read(url, origin=ORIGIN, verifier=LOG.verifier)
    leaves = [entry.leaf_bytes for entry in reader.entries(limit=100)]
    reader.close()
    leaves[5] = leaves[5].replace(b"JPN", b"GBR")
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    # S608: this is the attack, with the drill's own values in it.
    leaf = f"leaf = x'{leaves[5].hex()}', hash = x'{hashes[5].hex()}', partner = 'GBR'"
    sql = [f"UPDATE entries SET {leaf} WHERE position = 5"]  # noqa: S608
    for level in range(1, 5):
        node = merkle.root(hashes[(5 >> level) << level : ((5 >> level) + 1) << level])
        at = f"level = {level} AND place = {5 >> level}"
        sql.append(f"UPDATE nodes SET hash = x'{node.hex()}' WHERE {at}")  # noqa: S608
    change(url, *sql)
    report = checked(url)
    return Result("SQL", "a leaf with all hashes recomputed", True, "entries 5 to 5" in text_of(report), places(report))


def folder_edits(there: Range) -> Iterator[Result]:
    """Edits of the published files, found with nothing but the folder and the log's key."""
    bundle = f"tile/entries/000.p/{there.held.size}"
    tile = f"tile/0/000.p/{there.held.size}"

    def bundled(alter: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
        def edit(folder: Path) -> None:
            entries = alter(tiles.parse_bundle((folder / bundle).read_bytes()))
            (folder / bundle).write_bytes(tiles.entries_bundle(entries))

        return edit

    ways: dict[str, Callable[[Path], object]] = {
        "an entry altered": bundled(lambda entries: [entries[0].replace(b"log", b"lag"), *entries[1:]]),
        "an entry deleted": bundled(lambda entries: [*entries[:7], *entries[8:]]),
        "an entry inserted": bundled(lambda entries: [*entries[:7], entries[3], *entries[7:]]),
        "two entries exchanged": bundled(lambda entries: [entries[1], entries[0], *entries[2:]]),
        "the last entries cut off": bundled(lambda entries: entries[:18]),
        "a hash altered": lambda folder: (folder / tile).write_bytes(bytes(32) + (folder / tile).read_bytes()[32:]),
        "a tile deleted": lambda folder: (folder / tile).unlink(),
        "the checkpoint's size altered": lambda folder: (folder / "checkpoint").write_text(
            (folder / "checkpoint").read_text().replace(f"\n{there.held.size}\n", f"\n{there.held.size - 1}\n")
        ),
        "an artifact altered": lambda folder: (folder / ARTIFACTS / DIGEST).write_bytes(b"another manifest"),
        "an artifact deleted": lambda folder: (folder / ARTIFACTS / DIGEST).unlink(),
        "an artifact added": lambda folder: (folder / ARTIFACTS / ("0" * 64)).write_bytes(b"planted"),
        "every entry deleted, with all that is not a hash": lambda folder: [
            shutil.rmtree(folder / name) for name in ("tile/entries", OWN)
        ],
    }
    for name, edit in ways.items():
        folder = there.folder(name)
        edit(folder)
        report = verify_folder(folder, ORIGIN, LOG.verifier)
        yield Result("folder", name, True, not report.sound, places(report))


def beyond_a_local_log(there: Range) -> Iterator[Result]:
    """What is sound in itself: truncation, rollback, and rewriting with the signing key."""
    for what, url, outside in (
        ("truncated by three entries", truncated(there), there.held),
        ("rolled back: an older copy of the whole file put back", there.copy("rolled back"), there.later),
        ("truncated and written on with the signing key", rewritten(there), there.held),
    ):
        for group, held in ((ALONE, None), (OUTSIDE, outside)):
            report = checked(url, held)
            yield Result(group, what, held is not None, not report.sound, places(report))


def truncated(there: Range) -> str:
    """Take the last entries away so that the rest is as it was."""
    url = there.copy("truncated")
    truncate(url, LOG)
    return url


def rewritten(there: Range) -> str:
    """Truncate, and write another history of more entries with the log's own key."""
    url = truncated(there)
    log = opened(url)
    log.append_now([make_draft(f"other{number}") for number in range(5)])
    log.close()
    return url


def seen_by_a_witness(there: Range) -> Iterator[Result]:
    """A witness that cosigned the sound head refuses what does not extend it."""
    state = State((WITNESS,), {ORIGIN: (LOG.verifier,)}, AT)
    status, _, state = add_checkpoint(state, write_submission(0, [], there.note))
    forged = opened(rewritten(there))
    submitted = write_submission(there.held.size, forged.consistency(there.held.size, head_of(forged).size),
                                 forged.head_note())  # fmt: skip
    forged.close()
    refused, answer, _ = add_checkpoint(state, submitted)
    found = status == 200 and refused == 422
    yield Result("witness", "rewritten with the signing key", True, found, f"{refused}: {answer.decode().strip()}")
    status, _, state = add_checkpoint(State((WITNESS,), {ORIGIN: (LOG.verifier,)}, AT),
                                      write_submission(0, [], there.later_note))  # fmt: skip
    refused, answer, _ = add_checkpoint(state, write_submission(there.held.size, [], there.note))
    found = status == 200 and refused == 409
    said = f"{refused}: the witness has seen {answer.decode().strip()} entries"
    yield Result("witness", "rolled back to an older copy", True, found, said)


def opened(url: str) -> AuditLog:
    """The log at a URL, as its gateway opens it."""
    return AuditLog.open(url, origin=ORIGIN, key=KEY, identifier_key=IDENTIFIERS)


def head_of(log: AuditLog) -> Checkpoint:
    """What the log's head says."""
    return parse_checkpoint(open_note(log.head_note(), [LOG.verifier]).text)


def checked(url: str, held: Checkpoint | None = None) -> Report:
    """Check a log as an auditor does: with its public key, and with the checkpoint he holds, if any."""
    database = Database(url)
    try:
        return verify(database, ORIGIN, LOG.verifier, held=held)
    finally:
        database.close()


def text_of(report: Report) -> str:
    """Every finding, one a line."""
    return "\n".join(f"{finding.where}: {finding.what}" for finding in report.findings)


def places(report: Report) -> str:
    """Where, for the report: the first two findings, and how many more."""
    shown = [f"{finding.where}: {finding.what}" for finding in report.findings[:2]]
    more = len(report.findings) - len(shown)
    return "; ".join(shown) + (f" (and {more} more)" if more > 0 else "")


def main() -> int:
    """Run the drill and print its report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory(prefix="tamper-drill-") as place:
        results = list(drill(Path(place)))
    wrong = [result for result in results if not result.right]
    if as_json:
        print(json.dumps([{**asdict(result), "right": result.right} for result in results], indent=2))
    else:
        for number, result in enumerate(results):
            verdict = "FOUND" if result.found else "not found" if result.must_be_found else "not shown, as it must be"
            flag = "" if result.right else "   <-- WRONG"
            print(f"{number:3}  {result.group}: {result.what}\n       {verdict}{flag}  {result.where}")
        print()
        for group in dict.fromkeys(result.group for result in results):
            own = [result for result in results if result.group == group]
            print(f"{group}: {sum(result.found for result in own)} of {len(own)} found{REMARKS.get(group, '')}")
        print(f"{len(wrong)} came out otherwise than they must")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
