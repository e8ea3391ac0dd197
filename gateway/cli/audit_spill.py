"""``relgate audit who-got``: after a spill, every partner that may ever have received a record.

The identifier that is sought never reaches the log: the entry that records the question holds its keyed forms.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated

import typer

from gateway.audit import spill_report
from gateway.audit.archive import Archive
from gateway.audit.leaf import IdentifierKey, keyed
from gateway.audit.orders import stamp
from gateway.audit.reading import LogReader
from gateway.audit.spelling import as_kept, other_spellings
from gateway.audit.spill import Sought, Spill
from gateway.audit.spill_report import Cover
from gateway.cli.audit_reading import record_read
from gateway.cli.errors import USAGE, CommandFailed
from gateway.cli.output import Block, Line, Table, say
from gateway.cli.session import By, Json, LogKey, Session, order, session
from gateway.keys.ring import read_identifier_keys
from gateway.keys.strict_json import NotStrictJson, read_object

EXAMPLES = """Examples:

  relgate audit who-got record.json --field idElset --receipts evidence

  relgate audit who-got 7c1f0d7e-6c1c-5a83-9a4e-0b8f1d6f2a10 --markdown > report.md

  relgate audit who-got 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""

_DIGEST = re.compile(r"(?:sha-?256:)?([0-9a-f]{64})", re.IGNORECASE)
SUFFIXES = (".json", ".ndjson", ".jsonl", ".xml", ".kvn", ".txt", ".csv", ".bin")
"""What a name ends in that is a file's: one that is not there must not pass for an identifier that nobody got."""
RECORD_LIMIT = 64 * 1024 * 1024


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("who-got", short_help="After a spill: every partner that may have had a record.", epilog=EXAMPLES)(
        who_got
    )


def who_got(
    context: typer.Context,
    record: Annotated[str, typer.Argument(help="A record's file, its identifier, or the SHA-256 of its bytes in hex.")],
    field: Annotated[
        str, typer.Option("--field", help="The record file's field that identifies it: finds its other forms too.")
    ] = "",
    identifier: Annotated[
        bool, typer.Option("--identifier", help="RECORD is an identifier, though it looks like a digest or a file.")
    ] = False,
    receipts: Annotated[Path | None, typer.Option("--receipts", help="Write each entry's receipt to here.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Write the covering report as Markdown.")] = False,
    archives: Annotated[
        list[Path] | None, typer.Option("--archive", help="Ask this archive too: for months whose rows were removed.")
    ] = None,
    identifier_keys: Annotated[
        Path | None,
        typer.Option("--identifier-keys", help="Folder of identifier-N.key, for auditors without the rest."),
    ] = None,
    by: By = "",
    log_key: LogKey = "",
    as_json: Json = False,
) -> None:
    """List every release that may have carried a record: to whom, when, under which marking, with which fields left
    out, each checked against its leaf; and every permit that another enforcement point was given for it. Exit code 0
    whether there are any or none.
    """
    here = session(context)
    sought = _sought(record, field, _keys(here, identifier_keys), named=identifier)
    asked = " ".join([*(digest.hex() for digest in sought.digests), *sorted(sought.identifiers)])
    record_read(here, f"who-got {asked}", by, log_key)
    told = order(by, "")
    with here.reader(log_key) as reader:
        spill, lacking = reader.who_got(sought), 0
        for file in archives or ():
            spill, bodiless = _with_archive(spill, file, reader, sought)
            lacking += bodiless
        written = {} if receipts is None else _write_receipts(reader, spill, receipts)
        asked_too = tuple(map(str, archives or ()))
        made, head = stamp(told.at), reader.checkpoint()
        cover = Cover(sought, spill, made, told.by, reader.origin, head, written, asked_too, lacking)
    if markdown:
        print(spill_report.markdown(cover), end="")
        return
    here.output(as_json).show(spill_report.as_json(cover), *_blocks(cover))


def _with_archive(spill: Spill, file: Path, reader: LogReader, sought: Sought) -> tuple[Spill, int]:
    """The answer together with an archive's, which is checked whole first; what both hold is said once. And of how many
    entries the archive cannot speak.
    """
    kept = Archive(file, reader.origin, reader.verifier)
    try:
        bodiless = kept.verify().bodiless
        found = kept.who_got(sought)
    finally:
        kept.close()
    known = {each.entry.index for each in spill.carried}
    more = [each for each in found.carried if each.entry.index not in known]
    together = sorted((*spill.carried, *more), key=lambda each: each.entry.index)
    permitted = {(each.entry.index, each.number): each for each in (*found.permitted, *spill.permitted)}
    listed = tuple(permitted[place] for place in sorted(permitted))
    return Spill(tuple(together), max(spill.withheld, found.withheld), spill.removed, listed), bodiless


def _blocks(cover: Cover) -> list[Block]:
    blocks: list[Block] = [Line(spill_report.summary(cover))]
    if cover.spill.carried:
        partners = [(name, str(count), first, last) for name, count, first, last in spill_report.partners(cover.spill)]
        blocks.append(Table(("partner", "releases", "first", "last"), partners))
        rows = [(*spill_report.row(each), cover.receipts.get(each.entry.index, "-")) for each in cover.spill.carried]
        blocks.append(Table((*spill_report.COLUMNS, "receipt"), rows))
    if cover.spill.permitted:
        elsewhere = [spill_report.permit(each) for each in cover.spill.permitted]
        blocks.append(Table(spill_report.PERMIT_COLUMNS, elsewhere, title=spill_report.ELSEWHERE.lower()))
    blocks.append(Line(f"judged and withheld besides: {cover.spill.withheld} time(s)"))
    return [*blocks, *(Line(f"note: {caveat}") for caveat in spill_report.caveats(cover))]


def _keys(here: Session, folder: Path | None) -> list[IdentifierKey]:
    """Every version of the identifier key: old entries hold identifiers under old versions."""
    found = here.keys().identifiers if folder is None else read_identifier_keys(folder, here.keeping)
    return [IdentifierKey(key.version, key.secret) for key in found]


def _sought(record: str, field: str, keys: list[IdentifierKey], *, named: bool) -> Sought:
    """What a command line names: a file if there is one, else a digest if it looks like one, else an identifier."""
    path = Path(record)
    if not named and path.is_file():
        if path.stat().st_size > RECORD_LIMIT:
            raise CommandFailed(USAGE, f"{record} is larger than any record", "name a file that holds one record")
        return _of_file(path.read_bytes(), field, keys)
    if field:
        raise CommandFailed(USAGE, f"--field reads a record's file, and {record} is none", "name the file")
    if not named and (path.exists() or path.suffix.lower() in SUFFIXES or "/" in record):
        hint = "name a file that is there; if it is an identifier, say --identifier"
        raise CommandFailed(USAGE, f"{record} looks like a file's name, and no such file is here", hint)
    digest = _DIGEST.fullmatch(record.strip())
    if not named and digest is not None:
        return Sought(digests=frozenset([bytes.fromhex(digest[1])]))
    if not record.strip():
        raise CommandFailed(USAGE, "an empty identifier is no record's", "name a record's file, identifier or digest")
    if not named:
        say(f"{record} is sought as an identifier: no file of that name is here, and it is no SHA-256")
    return _identified(record, keys)


def _identified(identifier: str, keys: list[IdentifierKey], digests: frozenset[bytes] = frozenset()) -> Sought:
    """What an identifier is sought as: as it is, and as it may be written besides."""
    others = _stored({*other_spellings(identifier)}, keys)
    return Sought(digests, _stored({identifier}, keys), others)


def _stored(identifiers: set[str], keys: list[IdentifierKey]) -> frozenset[str]:
    """How the log stores identifiers, under every version of the key: a long one is cut in entries of releases."""
    every = identifiers | set(map(as_kept, identifiers))
    return frozenset(keyed(each, key) for each in every for key in keys)


def _of_file(content: bytes, field: str, keys: list[IdentifierKey]) -> Sought:
    """The digests of the file's bytes, as they are and without the newline that an editor adds; and its identifier."""
    if not content.strip():
        raise CommandFailed(USAGE, "the file is empty", "name a file that holds one record")
    digests = frozenset(hashlib.sha256(form).digest() for form in (content, content.strip()))
    if not field:
        say("sought by these bytes alone; --field names the record's identifier, to find its other forms too")
        return Sought(digests)
    hint = "the file holds one JSON object, whose identifier is text or a whole number"
    try:
        value = read_object(content).get(field)
    except NotStrictJson as error:
        raise CommandFailed(USAGE, f"the record cannot be read: {error}", hint) from None
    if value is None or value == "":
        raise CommandFailed(USAGE, f"the record has no field {field}", "name the field that identifies it")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise CommandFailed(USAGE, f"the record cannot be read: {field} identifies nothing", hint)
    return _identified(str(value), keys, digests)


def _write_receipts(reader: LogReader, spill: Spill, folder: Path) -> dict[int, str]:
    """Write one receipt an entry; their file names by entry."""
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[int, str] = {}
    entries = {each.entry.index for each in spill.carried} | {each.entry.index for each in spill.permitted}
    for index in sorted(entries):
        issued = reader.receipt_at(index)
        if issued is not None:
            name = folder / f"{index}.tlog-proof"
            name.write_bytes(issued.receipt)
            written[index] = str(name)
    return written
