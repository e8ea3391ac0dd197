"""What the commands that read the audit log's private parts share: whoever reads is written down first.

An auditor who works on a copy with the log's public key alone (``--log-key``) cannot write there, and does not.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.audit.entry import Draft, Event
from gateway.audit.observed import said_of
from gateway.audit.reading import LogReader
from gateway.audit.stored import StoredEntry
from gateway.cli.errors import REFUSED, CommandFailed
from gateway.cli.session import Session, order

PAGE = 200
INDEX_DIGITS = 18
"""Most digits of an entry's index: a number of more is none that a log has, and that a store takes."""


def record_read(here: Session, what: str, by: str, log_key: str) -> None:
    """Write down who reads what, before it is read; whoever brings the log's public key reads a copy."""
    if log_key:
        return
    told = order(by, what)
    draft = Draft(Event.AUDIT_READ, told.at, "read", private={"by": told.by, "what": what, **said_of(told.seen)})
    with here.log() as log:
        log.append_now((draft,))


def entries_after(reader: LogReader, last: int) -> Iterator[StoredEntry]:
    """Every entry that follows index ``last``, in order."""
    while page := reader.entries(last, PAGE):
        yield from page
        last = page[-1].index


def find(reader: LogReader, name: str) -> tuple[StoredEntry, ...]:
    """The entries of a release, or the one at an index; raises ``CommandFailed`` when there is none."""
    found = reader.find(name)
    is_index = name.isdecimal() and len(name) <= INDEX_DIGITS
    if not found and is_index:
        one = reader.entry(int(name))
        found = () if one is None else (one,)
    if not found and is_index:
        _refuse_removed(reader, int(name))
    if not found:
        hint = f"the log has entries 0 to {reader.size() - 1}; `relgate audit tail` names releases"
        raise CommandFailed(REFUSED, f"no entry and no release {name}", hint)
    return found


def lost(reader: LogReader) -> str:
    """What is to be said with an answer that bodies removed by retention may have belonged to; ``""``: none were."""
    count = reader.bodies_removed()
    said = (
        f"retention removed bodies of this log, {count} in all: what they said is found in archives and backups alone"
    )
    return said if count else ""


def _refuse_removed(reader: LogReader, index: int) -> None:
    """Say of an entry without a leaf who has it to know; raises ``CommandFailed`` if it is one."""
    if reader.leaf_hash(index) is None:
        return
    by = [str(each.position) for each in reader.leaves_removed() if each.first <= index <= each.last]
    hint = f"`relgate audit show {by[-1]}` says by whom and why; archives and backups may have it" if by else ""
    raise CommandFailed(REFUSED, f"of entry {index} only the hash is left: retention removed its leaf", hint)
