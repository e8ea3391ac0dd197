"""The covering report after a spill: what was sought, what the log says, and what it cannot say.

One value for all its forms: JSON for programs, Markdown for the file, text for the terminal say the same. It never
holds the identifier that was sought, only what the log holds of it. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.audit.canonical import PlainJson
from gateway.audit.permitted import Permitted
from gateway.audit.spill import Carried, Match, Sought, Spill

COLUMNS = (
    "entry",
    "time",
    "partner",
    "system",
    "dataset",
    "marking then",
    "obligations",
    "matched",
    "release",
    "chunk",
)

ELSEWHERE = "Permitted through another enforcement point"
PERMIT_COLUMNS = ("entry", "time", "enforcement point", "partner", "system", "dataset", "marking stated")
ELSEWHERE_MEANS = (
    "Each enforcement point below was told that the record might go to this partner. Whether it went is for that "
    "point's own log to say; this gateway did not send it."
)

MEANS = (
    "Each release below was authorised, recorded and handed to the connection: the partner may have received the "
    "record. Whether it arrived, no log can say."
)
CHECKED = (
    "Every entry listed was checked against its signed leaf, all its record rows included. That the log is whole and "
    "nothing was left out is for `relgate audit verify` to show, with a checkpoint kept elsewhere. An answer that "
    "waited in vain for its witnesses is listed though it did not leave: an `unwitnessed` entry names it."
)


@dataclass(frozen=True, slots=True)
class Cover:
    """What a report is made of. ``receipts`` are file names by entry; ``archives`` the archive files asked too, in
    which ``lacking`` entries have no body.
    """

    sought: Sought
    spill: Spill
    made: str
    by: str
    origin: str
    checkpoint: str
    receipts: dict[int, str]
    archives: tuple[str, ...] = ()
    lacking: int = 0


_IMPOSED = {"delay_seconds": "delayed", "review": "released by an officer", "watermark": "watermarked"}


def obligations(carried: Carried) -> str:
    """What was done to the record before it went, in one line."""
    said = {name: _many(carried.obligations[name]) for name in ("redacted", "rounded")}
    parts = [f"{name} {', '.join(map(str, paths))}" for name, paths in said.items() if paths]
    parts += [told for name, told in _IMPOSED.items() if carried.obligations.get(name)]
    return "; ".join(parts) or "none"


def row(carried: Carried) -> tuple[str, ...]:
    """One release as a row under :data:`COLUMNS`."""
    leaf = carried.leaf
    return (
        str(carried.entry.index),
        leaf.time,
        leaf.partner,
        carried.system or "-",
        carried.said("dataset") or "-",
        carried.marking or "-",
        obligations(carried),
        carried.matched.value,
        leaf.release,
        str(leaf.chunk),
    )


def permit(permitted: Permitted) -> tuple[str, ...]:
    """One permit as a row under :data:`PERMIT_COLUMNS`."""
    said = (permitted.by, *map(permitted.text, ("partner", "subject_id", "dataset")), permitted.marking)
    return (str(permitted.entry.index), permitted.entry.leaf.time, *(value or "-" for value in said))


def partners(spill: Spill) -> list[tuple[str, int, str, str]]:
    """Each partner that may have received the record: how often, first and last."""
    times: dict[str, list[str]] = {}
    for each in spill.carried:
        times.setdefault(each.leaf.partner, []).append(each.leaf.time)
    return [(partner, len(found), min(found), max(found)) for partner, found in sorted(times.items())]


def as_json(cover: Cover) -> dict[str, PlainJson]:
    """The whole report for programs."""
    spill = cover.spill
    return {
        "sought": _sought(cover.sought),
        "made": cover.made,
        "by": cover.by,
        "log": cover.origin,
        "checkpoint": cover.checkpoint,
        "means": MEANS,
        "checked": CHECKED,
        "archives": list(cover.archives),
        "partners": [
            {"partner": partner, "releases": count, "first": first, "last": last}
            for partner, count, first, last in partners(spill)
        ],
        "releases": [_release(each, cover.receipts) for each in spill.carried],
        "permitted_elsewhere": [_permit(each) for each in spill.permitted],
        "withheld": spill.withheld,
        "entries_without_rows": spill.removed,
    }


def _release(carried: Carried, receipts: dict[int, str]) -> PlainJson:
    leaf = carried.leaf
    duties: dict[str, PlainJson] = dict(carried.obligations)
    return {
        "entry": carried.entry.index,
        "time": leaf.time,
        "partner": leaf.partner,
        "system": carried.system,
        "dataset": carried.said("dataset"),
        "purpose": carried.said("purpose"),
        "marking": carried.marking,
        "answer_marked": carried.said("label"),
        "obligations": duties,
        "matched": carried.matched.value,
        "record_digest": carried.row.digest,
        "release": leaf.release,
        "chunk": leaf.chunk,
        "content": leaf.content,
        "sealed": leaf.sealed,
        "key": leaf.key,
        "policy": carried.said("policy"),
        "receipt": receipts.get(carried.entry.index, ""),
    }


def _permit(permitted: Permitted) -> PlainJson:
    return {
        "entry": permitted.entry.index,
        "time": permitted.entry.leaf.time,
        "enforcement_point": permitted.by,
        "partner": permitted.text("partner"),
        "system": permitted.text("subject_id"),
        "dataset": permitted.text("dataset"),
        "purpose": permitted.text("purpose"),
        "marking": permitted.marking,
        "obligations": permitted.said.get("obligations") or {},
    }


def summary(cover: Cover) -> str:
    """The answer in one sentence."""
    permits = cover.spill.permitted
    if not permits:
        return _released(cover.spill)
    points = len({each.by for each in permits})
    return f"{_released(cover.spill)}; {points} other enforcement point(s) were told yes, {len(permits)} time(s)"


_FOUND = {
    Match.DIGEST: "with these very bytes",
    Match.IDENTIFIER: "found by identifier",
    Match.SPELLING: "found by another spelling of it",
}


def _released(spill: Spill) -> str:
    if not spill.carried:
        return "no release in this log carried the record"
    forms = Counter(each.matched for each in spill.carried)
    how = ", ".join(f"{forms[match]} {said}" for match, said in _FOUND.items() if forms[match])
    count = len(partners(spill))
    return f"{count} partner(s) may have received the record, in {len(spill.carried)} release(s): {how}"


def caveats(cover: Cover) -> list[str]:
    """What the answer cannot speak of."""
    said = []
    if cover.spill.removed:
        said.append(
            f"the record rows of {cover.spill.removed} entries were removed from this log: releases among them are "
            f"found only in the archives ({', '.join(cover.archives) or 'none was asked'})"
        )
    if cover.lacking:
        said.append(
            f"{cover.lacking} entries of the archives asked lack a body: whether the record is among them, an archive "
            "made earlier or a backup tells"
        )
    permitted = (each.text("record") for each in cover.spill.permitted)
    if any(each.matched is Match.SPELLING for each in cover.spill.carried) or not cover.sought.spellings.isdisjoint(
        permitted
    ):
        said.append("what was found by another spelling of the identifier may be another record: compare the two")
    if not cover.sought.identifiers:
        said.append("sought by digest alone: a form of the record that shares no identifier with it is not found")
    return said


def markdown(cover: Cover) -> str:
    """The report as a Markdown page to be filed."""
    spill = cover.spill
    lines = ["# Who may have received a record", "", f"**{summary(cover).capitalize()}.**", ""]
    lines += [f"- Log: {cover.origin}", f"- Made: {cover.made}, by {_cell(cover.by)}"]
    lines += [f"- Sought: {kind} `{value}`" for kind, value in _listed(cover.sought)]
    lines += [f"- Judged and withheld besides: {spill.withheld} time(s)"]
    lines += [f"- Note: {caveat}" for caveat in caveats(cover)]
    lines += ["", MEANS, "", CHECKED, ""]
    if spill.carried:
        said = [(partner, str(count), first, last) for partner, count, first, last in partners(spill)]
        lines += ["## Partners", "", *_table(("partner", "releases", "first", "last"), said), ""]
        rows = [(*row(each), cover.receipts.get(each.entry.index, "-")) for each in spill.carried]
        lines += ["## Releases", "", *_table((*COLUMNS, "receipt"), rows), ""]
    if spill.permitted:
        lines += [f"## {ELSEWHERE}", "", ELSEWHERE_MEANS, ""]
        lines += [*_table(PERMIT_COLUMNS, [permit(each) for each in spill.permitted]), ""]
    lines += ["## Checkpoint", "", *(f"    {line}" for line in cover.checkpoint.rstrip("\n").split("\n"))]
    return "\n".join(lines) + "\n"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return [*head, *(f"| {' | '.join(map(_cell, row))} |" for row in rows)]


def _cell(text: str) -> str:
    """Text that cannot break out of its cell, nor be read as markup."""
    plain = "".join(char if char.isprintable() else "\ufffd" for char in text)
    return "".join(f"\\{char}" if char in "\\|`*_[]<>#" else char for char in plain)


def _listed(sought: Sought) -> list[tuple[str, str]]:
    digests = [("digest", digest.hex()) for digest in sorted(sought.digests)]
    others = [("other spellings of it", str(len(sought.spellings)))] if sought.spellings else []
    return [*digests, *(("keyed identifier", each) for each in sorted(sought.identifiers)), *others]


def _sought(sought: Sought) -> PlainJson:
    digests: list[PlainJson] = [digest.hex() for digest in sorted(sought.digests)]
    identifiers: list[PlainJson] = [*sorted(sought.identifiers)]
    spellings: list[PlainJson] = [*sorted(sought.spellings)]
    return {"digests": digests, "keyed_identifiers": identifiers, "keyed_spellings": spellings}


def _many(value: PlainJson) -> list[PlainJson]:
    return value if isinstance(value, list) else []
