"""How fast the content layer filters a large array, beside what plain orjson does with it in the same run.

    python -m benchmarks.content [--megabytes 27] [--rounds 5]

The baseline loads the array with orjson, keeps the records whose marking is in a table, and dumps them: no
strict parse, no duplicate keys, no second reading. The gateway's way splits, reads, judges (the same table),
joins, and lets the checker read the final bytes; once with the checker's reading as the only strict one, once
with the cutter's strict reading of each released record before it. The figures count only if the same build
refuses a few malformed records, which is asked first.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from typing import TypeVar

import orjson

from benchmarks.machine import Line, describe, median, show
from gateway.content.check import Checked, Expected, ExpectedRecord, Form, Listed, Permitted, check
from gateway.content.errors import CheckRefused
from gateway.content.join import join_array
from gateway.content.listed import listing
from gateway.content.reader import reader
from gateway.content.records import RecordView, read_array, read_record
from gateway.content.split import split_array
from gateway.content.strict import strict_doubts
from gateway.policy.shape import FieldKind, FieldList, RecordShape

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
HEAD = b'{"idElset":"x","classificationMarking":"U//REL TO USA, JPN","createdAt":"2026-01-01T00:00:00Z",'
MALFORMED = tuple(
    HEAD + rest + b"}" for rest in (b'"satNo":1,"satNo":2', b'"satNo":1e999', b'"source":"\xff"', b'"satNo":NaN')
)
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


def select(body: bytes) -> list[tuple[RecordView, Permitted]]:
    """Split and read every record; keep those whose marking the table has and of which there is no doubt."""
    return [
        (view, PERMITTED[view.marking])
        for view in read_array(body, SHAPE)
        if not view.doubts and view.marking in PERMITTED
    ]


def finish(chosen: list[tuple[RecordView, Permitted]]) -> tuple[bytes, Checked]:
    """Keep what is listed of what was chosen, join it, and let the checker read it."""
    keep = listing(FIELDS).keep
    final = join_array([keep(view.raw).raw for view, _ in chosen])
    records = [ExpectedRecord(view.identifier, permitted) for view, permitted in chosen]
    return final, check(final, Expected(Form.ARRAY, records, MARKING, "idElset", NAMES))


def gateway(body: bytes) -> bytes:
    """The gateway's way, with the checker's reading as the only strict one."""
    return finish(select(body))[0]


def gateway_twice(body: bytes) -> bytes:
    """The gateway's way, with the cutter's strict reading of each released record before the checker's."""
    return finish([pair for pair in select(body) if not strict_doubts(pair[0].raw, MARKING)])[0]


def refuses_malformed() -> bool:
    """Whether each malformed record is stopped, by its doubts and by the checker alone."""
    for raw in MALFORMED:
        if not read_record(raw, SHAPE).doubts and not strict_doubts(raw, MARKING):
            return False
        expected = Expected(Form.ARRAY, [ExpectedRecord("x", PERMITTED[RELEASED[0]])], MARKING, "idElset", NAMES)
        try:
            check(join_array([raw]), expected)
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


def ndjson(body: bytes) -> bytes:
    """The same records one a line."""
    return b"\n".join(split_array(body)) + b"\n"


def baseline_lines(lines: bytes) -> bytes:
    """Load each line, filter, dump each."""
    kept = [record for record in map(orjson.loads, lines.splitlines()) if record[MARKING] in PERMITTED]
    return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in kept)


def gateway_lines(lines: bytes) -> bytes:
    """The gateway's way with the same records one a line: what is read, judged and checked is the same."""
    chosen = [
        (view, PERMITTED[view.marking])
        for view in map(reader(SHAPE).read, lines.splitlines())
        if not view.doubts and view.marking in PERMITTED
    ]
    finish(chosen)
    return b"".join(view.raw + b"\n" for view, _ in chosen)


def measure(megabytes: float, rounds: int) -> list[Line]:
    """Measure, compare outcomes; raises ``SystemExit`` when the figures would mean nothing."""
    if not refuses_malformed():
        raise SystemExit("this build lets a malformed record through; its figures mean nothing")
    body = elements(megabytes)
    lines = ndjson(body)
    chosen = select(body)
    ways: dict[str, Callable[[], object]] = {
        "orjson load, filter, dump": lambda: baseline(body),
        "  split": lambda: split_array(body),
        "  split and read": lambda: read_array(body, SHAPE),
        "  strict reading of what goes": lambda: [strict_doubts(view.raw, MARKING) for view, _ in chosen],
        "  join and check": lambda: finish(chosen),
        "whole, checker reads strictly": lambda: gateway(body),
        "whole, cutter and checker read strictly": lambda: gateway_twice(body),
        "NDJSON: orjson load, filter, dump": lambda: baseline_lines(lines),
        "NDJSON: whole, checker reads strictly": lambda: gateway_lines(lines),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            taken[name].append(timed(way, 1)[0])
    if orjson.loads(gateway(body)) != orjson.loads(baseline(body)) or gateway_twice(body) != gateway(body):
        raise SystemExit("the outcomes differ; the figures mean nothing")
    if [orjson.loads(one) for one in gateway_lines(lines).splitlines()] != orjson.loads(baseline(body)):
        raise SystemExit("the outcomes of NDJSON differ; the figures mean nothing")
    return _table({name: median(values) for name, values in taken.items()}, len(body))


def _table(taken: dict[str, float], size: int) -> list[Line]:
    table: list[Line] = []
    plain = 0.0
    for name, seconds in taken.items():
        plain = seconds if "orjson" in name else plain
        goal = 0.8 if "whole" in name else None
        table.append(Line(name, f"{seconds * 1e3:.0f} ms {size / seconds / 1e6:.0f} MB/s", plain / seconds, goal))
    return table


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
