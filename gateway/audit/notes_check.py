"""Checking who has signed the log's own notes: nobody but the log.

A note is handed on as it is stored, in receipts, to witnesses and in what is published, and whoever opens one passes
over lines by keys that he does not know. So a line that somebody adds harms whoever does know the key: under a
witness's name it makes every receipt that carries it worthless to a partner who trusts that witness. That the log's own
Ed25519 key has signed each note is seen where the tree is recomputed; here it is seen that nothing stands beside it but
signatures by keys that a gateway named at its start (``signed_by``), each of them good.

A key that a start names and that has not signed a later note is no finding: a gateway that was started before, with
other settings, writes on until its own end. It is remarked on.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from gateway.audit import store, stored, tables
from gateway.audit.checkpoint import VerifierKey, open_note, parse_verifier_key
from gateway.audit.demands import mark_of
from gateway.audit.entry import Event
from gateway.audit.errors import LogAltered, ProofRefused
from gateway.audit.note import split_note

SHOWN = 100
"""Most notes that are named."""


@dataclass(frozen=True, slots=True)
class Named:
    """A key by which a start says that the log is signed, and the place of the first that does."""

    key: VerifierKey
    since: int


@dataclass
class NotesCheck:
    """What was found of the notes: differences, and what is only remarked on."""

    verifier: VerifierKey
    differences: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)

    def read(self, connection: Connection, head: store.Head, after: int) -> None:
        """Look at the head's notes, and at every checkpoint of more than ``after`` entries."""
        named = dict(_named(connection, self.verifier))
        unknown: Counter[str] = Counter()
        lacking = Counter(dict.fromkeys(named, 0))
        if _lines(head.standing) != 1:
            self.differences.append(("standing orders", "are signed by others beside the log's own key"))
        self._look("head", head.checkpoint, named, Counter())
        table = tables.checkpoints.c
        wanted = select(table.size, table.note).where(table.size > after).order_by(table.size)
        for size, note in connection.execute(wanted.execution_options(stream_results=True)):
            there = self._look(f"checkpoint of {size}", note, named, unknown)
            lacking.update(mark for mark, each in named.items() if size > each.since and mark not in there)
        for mark, count in unknown.items():
            self.remarks.append(
                (f"{count} checkpoints", f"are signed by {mark} too, which no start names: not checked")
            )
        for mark, count in lacking.items():
            if count:
                since = f"a gateway named it at its start, entry {named[mark].since}"
                self.remarks.append((f"{count} checkpoints", f"are not signed by {mark}, though {since}"))

    def _look(self, where: str, note: str, named: Mapping[str, Named], unknown: Counter[str]) -> frozenset[str]:
        """Who has signed a note beside the log's own key."""
        if not named and _lines(note) == 1:
            return frozenset()  # that is the log's own, or was found to be none where the tree is recomputed
        try:
            there = _signers(note, self.verifier, named)
        except ProofRefused as error:
            if len(self.differences) < SHOWN:
                self.differences.append((where, str(error)))
            return frozenset(named)
        unknown.update(there - named.keys())
        return there


def _signers(note: str, verifier: VerifierKey, named: Mapping[str, Named]) -> frozenset[str]:
    """The marks of the keys that have signed beside ``verifier``. Raises :class:`ProofRefused` for a line that is none
    of the log's, for two by one key, and for a bad one by a key that is named.
    """
    marks = [f"{line.name}+{line.key_id.hex()}" for line in split_note(note)[1]]
    beside = frozenset(marks) - {mark_of(verifier)}
    if len(set(marks)) != len(marks):
        raise ProofRefused("is signed twice by one key")
    for mark in sorted(beside - named.keys()):
        if mark.partition("+")[0] != verifier.name:
            raise ProofRefused(f"has a signature line by {mark}, which is no key of the log's")
    if known := beside & named.keys():
        open_note(note, [named[mark].key for mark in known])
    return beside


def _named(connection: Connection, verifier: VerifierKey) -> Iterator[tuple[str, Named]]:
    """The keys, beside the log's own, by which starts say that it is signed; those named later come first."""
    table = tables.entries.c
    starts = select(table.position).where(table.event == Event.STARTED.value).order_by(table.position.desc())
    positions = list(connection.execute(starts).scalars())
    for first in range(0, len(positions), store.IN_LIMIT):
        batch = positions[first : first + store.IN_LIMIT]
        raw = stored.read_some(connection, batch)
        for position in batch:
            with contextlib.suppress(LogAltered, ProofRefused):  # found as what it is
                said = (stored.check_summary(raw[position]).private or {}).get("signed_by")
                for text in said if isinstance(said, list) else ():
                    key = parse_verifier_key(str(text))
                    if key != verifier:
                        yield mark_of(key), Named(key, position)


def _lines(note: str) -> int:
    """How many lines of signatures a note has."""
    return note.rpartition("\n\n")[2].count("\n")
