"""How fast the content layer filters a large array, beside what plain orjson does with it in the same run.

    python -m benchmarks.content [--megabytes 27] [--rounds 5]

The baseline loads the body with orjson, keeps the records whose marking is in a table, and dumps them: no strict parse,
no duplicate keys, no second reading. The gateway's way is what a bulk answer goes through, piece by piece as it
arrives: divide, read, judge (by the same table), leave out what is not listed, join each chunk, and let the checker
read its final bytes, which is the only strict reading. Three ways of it stand beside each other: with the label alone
(marking, identifier, date), with the facts, times and element set letter that a dataset may add, and with the list of
fields. The figures count only if the same build withholds the whole malformed corpus, which is asked first.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import orjson

from benchmarks.machine import Line, describe, median, show
from gateway.content.check import Expected, ExpectedRecord, Form, Listed, Permitted, check
from gateway.content.errors import CheckRefused
from gateway.content.join import join_array, join_lines, join_piece
from gateway.content.listed import listing
from gateway.content.pieces import Layout, splitter
from gateway.content.records import RecordView, read_records
from gateway.content.strict import MAX_RECORD_BYTES, strict_doubts
from gateway.policy.shape import FieldKind, FieldList, RecordShape
from tests.content.malformed import MALFORMED
from tests.content.malformed import NAMES as CORPUS_NAMES

BASELINE = "orjson load, filter, dump"
PIECE_BYTES = 128 * 1024
CHUNK_BYTES = 1024 * 1024
MARKING = "classificationMarking"
TEXTS = "idElset classificationMarking dataMode source createdAt createdBy idOnOrbit epoch line1 line2"
MEASURED = "meanMotion eccentricity inclination raan argOfPerigee meanAnomaly bStar meanMotionDot meanMotionDDot"
KINDS = {
    FieldKind.TEXT: f"{TEXTS} algorithm descriptor",
    FieldKind.NUMBER: f"satNo ephemType {MEASURED} period perigee apogee semiMajorAxis",
    FieldKind.BOOLEAN: "uct",
    FieldKind.TEXTS: "tags",
}
FIELDS = FieldList(tuple(sorted((name, kind) for kind, names in KINDS.items() for name in names.split())))
NAMES = Listed(frozenset(name for name, _ in FIELDS.kinds))
SHAPE = RecordShape(
    identifier="idElset",
    marking=MARKING,
    date="createdAt",
    delay_from="createdAt",
    facts=frozenset({"satNo", "dataMode"}),
    tle_line="line1",
    fields=FIELDS,
)
RELEASED = ("U//REL TO USA, JPN", "U//REL TO USA, FVEY, JPN")
WITHHELD = ("U//FOUO", "U//PR-SPIRE-AIS")
PERMITTED = {marking: Permitted(frozenset({marking})) for marking in RELEASED}
LABEL = RecordShape(identifier="idElset", marking=MARKING, date="createdAt", fields=FIELDS)
Result = TypeVar("Result")


def elements(megabytes: float) -> bytes:
    """Make an array of element records of about a size; half of them carry a marking that may go."""
    chance = random.Random(20260101)
    records: list[bytes] = []
    size = 0
    while size < megabytes * 1e6:
        satellite = chance.randint(1, 60_000)
        record = {
            "idElset": f"{len(records):08d}-e",
            "classificationMarking": chance.choice(RELEASED + WITHHELD),
            "dataMode": "REAL",
            "source": "18th SPCS",
            "createdAt": "2026-01-01T00:00:00.000000Z",
            "createdBy": "system.user",
            "satNo": satellite,
            "idOnOrbit": str(satellite),
            "epoch": "2026-01-01T00:00:00.000000Z",
            "line1": f"1 {satellite:05d}U 98067A   26001.00000000  .00001234  00000-0  12345-4 0  9991",
            "line2": f"2 {satellite:05d}  51.6400 000.0000 0001234 000.0000 000.0000 15.50000000123456",
            "ephemType": 0,
            "uct": False,
            "algorithm": "SGP4",
            "descriptor": "Published elements, propagated: see the catalogue",
            "tags": ["a", "b"],
        }
        measured = f"{MEASURED} period perigee apogee semiMajorAxis".split()
        record |= {name: chance.random() * 1000 for name in measured}
        records.append(orjson.dumps(record))
        size += len(records[-1])
    return join_array(records)


def baseline(body: bytes) -> bytes:
    """Load, filter, dump: what a proxy without any of the rules would do."""
    return orjson.dumps([record for record in orjson.loads(body) if record[MARKING] in PERMITTED])


def baseline_lines(body: bytes) -> bytes:
    """Load each line, filter, dump each."""
    kept = [record for record in map(orjson.loads, body.splitlines()) if record[MARKING] in PERMITTED]
    return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in kept)


def pieces(body: bytes) -> list[bytes]:
    """A body as it arrives."""
    return [body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES)]


def split(arriving: Sequence[bytes], layout: Layout) -> list[list[bytes]]:
    """Divide a body as it arrives."""
    dividing = splitter(layout, MAX_RECORD_BYTES)
    return [*map(dividing.feed, arriving), dividing.finish()]


def read(blocks: Sequence[Sequence[bytes]], shape: RecordShape) -> list[list[RecordView]]:
    """Read what a decision needs of every record."""
    return [read_records(block, shape) for block in blocks]


def choose(views: Iterable[RecordView]) -> Iterator[tuple[RecordView, Permitted]]:
    """Those whose marking the table has and of which there is no doubt."""
    return ((view, PERMITTED[view.marking]) for view in views if view.marking in PERMITTED and not view.doubts)


def finish(chosen: Sequence[tuple[RecordView, Permitted]], layout: Layout, *, opens: bool, closes: bool) -> bytes:
    """Join one chunk, and let the checker read it."""
    raws = [view.raw for view, _ in chosen]
    lines = layout is Layout.LINES
    final = join_lines(raws) if lines else join_piece(raws, opens=opens, before=not opens, closes=closes)
    records = [ExpectedRecord(view.identifier, permitted) for view, permitted in chosen]
    form = Form.LINES if lines else Form.ARRAY
    check(final, Expected(form, records, MARKING, "idElset", NAMES, opens=opens, before=not opens, closes=closes))
    return final


def gateway(arriving: Sequence[bytes], layout: Layout, shape: RecordShape, fields: FieldList | None) -> bytes:
    """What the stream of a bulk answer does to a body: divide, read, judge (by the table), leave out what is not
    listed, join, check; chunk by chunk, as it arrives. ``fields`` of ``None`` do not ask what is listed.
    """
    dividing = splitter(layout, MAX_RECORD_BYTES)
    holds = None if fields is None else listing(fields).holds
    finals: list[bytes] = []
    chosen: list[tuple[RecordView, Permitted]] = []
    size = 0
    for piece in (*arriving, None):
        raws = dividing.finish() if piece is None else dividing.feed(piece)
        for pair in choose(read_records(raws, shape)):
            if holds is not None and not holds(pair[0].raw):
                raise SystemExit("a record of the benchmark has a field that is not listed")
            chosen.append(pair)
            size += len(pair[0].raw)
            if size >= CHUNK_BYTES:
                finals.append(finish(chosen, layout, opens=not finals, closes=False))
                chosen, size = [], 0
    finals.append(finish(chosen, layout, opens=not finals, closes=True))
    return b"".join(finals)


def withholds_malformed() -> bool:
    """Whether this build stops every record of the malformed corpus, by the checker alone and by the cutter alone."""
    for raw, _ in MALFORMED.values():
        if not strict_doubts(raw, MARKING):
            return False
        for layout, form in ((Layout.ARRAY, Form.ARRAY), (Layout.LINES, Form.LINES)):
            line = raw.replace(b"\n", b" ")
            final = line + b"\n" if layout is Layout.LINES else b"[" + raw + b"]"
            permitted = Permitted(frozenset({"U"}))
            try:
                check(final, Expected(form, [ExpectedRecord("a", permitted)], MARKING, "id", CORPUS_NAMES))
            except CheckRefused:
                continue
            return False
    return True


def timed(work: Callable[[], Result], rounds: int) -> tuple[float, Result]:
    """The shortest of several runs, in seconds, and what the last one returned."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return best, result


def measure(megabytes: float, rounds: int) -> list[Line]:
    """Measure, compare outcomes; raises ``SystemExit`` when the figures would mean nothing."""
    if not withholds_malformed():
        raise SystemExit("this build lets a malformed record through; its figures mean nothing")
    body = elements(megabytes)
    lines = b"\n".join(orjson.dumps(record) for record in orjson.loads(body)) + b"\n"
    table: list[Line] = []
    for layout, whole, plain in ((Layout.ARRAY, body, baseline), (Layout.LINES, lines, baseline_lines)):
        taken = _measure_one(whole, layout, lambda whole=whole, plain=plain: plain(whole), rounds)
        table += _table("" if layout is Layout.ARRAY else "NDJSON: ", taken, len(whole))
    return table


def _measure_one(whole: bytes, layout: Layout, plain: Callable[[], bytes], rounds: int) -> dict[str, float]:
    """The median of each way's and each stage's processor time, taken in turns."""
    arriving = pieces(whole)
    blocks = split(arriving, layout)
    views = [view for block in read(blocks, SHAPE) for view in block]
    chosen = list(choose(views))
    parts = [chosen[at : at + 1000] for at in range(0, len(chosen), 1000)]
    ways: dict[str, Callable[[], object]] = {
        BASELINE: plain,
        "  divide": lambda: split(arriving, layout),
        "  read the label": lambda: read(blocks, LABEL),
        "  read label, facts, times, letter": lambda: read(blocks, SHAPE),
        "  leave out what is not listed": lambda: [listing(FIELDS).holds(view.raw) for view, _ in chosen],
        "  join and check": lambda: [finish(part, layout, opens=True, closes=True) for part in parts],
        "whole, by the label": lambda: gateway(arriving, layout, LABEL, None),
        "whole, by label, facts, times, letter": lambda: gateway(arriving, layout, SHAPE, None),
        "whole, and only what is listed": lambda: gateway(arriving, layout, SHAPE, FIELDS),
    }
    wanted = plain()
    for name in list(ways)[-3:]:
        if ways[name]() != wanted:
            raise SystemExit(f"{name}: the outcome differs; the figures mean nothing")
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            taken[name].append(timed(way, 1)[0])
    return {name: median(values) for name, values in taken.items()}


def _table(prefix: str, taken: dict[str, float], size: int) -> list[Line]:
    plain = taken[BASELINE]
    return [
        Line(
            prefix + name,
            f"{seconds * 1e3:.0f} ms {size / seconds / 1e6:.0f} MB/s",
            plain / seconds,
            0.8 if name.startswith("whole") else None,
        )
        for name, seconds in taken.items()
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=27)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(describe())
    show(f"filter of an array and of NDJSON, {options.megabytes:g} MB", measure(options.megabytes, options.rounds))


if __name__ == "__main__":
    main()
