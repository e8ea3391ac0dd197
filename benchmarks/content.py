"""How fast the content layer filters a large array, beside what plain orjson does with it in the same run.

    python benchmarks/content.py [--megabytes 27] [--rounds 5] [--json]

The baseline loads the array with orjson, keeps the records whose marking is in a table, and dumps them: no
strict parse, no duplicate keys, no second reading. The gateway's way splits, reads, judges (the same table),
joins, and lets the checker read the final bytes; once with the checker's reading as the only strict one, once
with the cutter's strict reading of each released record before it. The figures count only if the same build
refuses a few malformed records, which is asked first.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import time
from collections.abc import Callable
from typing import TypeVar

import orjson

from gateway.content.check import Checked, Expected, ExpectedRecord, Form, Permitted, check
from gateway.content.errors import CheckRefused
from gateway.content.join import join_array
from gateway.content.records import RecordView, read_array, read_record
from gateway.content.split import split_array
from gateway.content.strict import strict_doubts
from gateway.policy.shape import RecordShape

MARKING = "classificationMarking"
SHAPE = RecordShape(
    identifier="idElset",
    marking=MARKING,
    date="createdAt",
    delay_from="createdAt",
    facts=frozenset({"satNo", "dataMode"}),
    tle_line="line1",
)
RELEASED = ("U//REL TO USA, JPN", "U//REL TO USA, FVEY, JPN")
WITHHELD = ("U//FOUO", "U//PR-SPIRE-AIS")
PERMITTED = {marking: Permitted(frozenset({marking})) for marking in RELEASED}
HEAD = b'{"idElset":"x","classificationMarking":"U//REL TO USA, JPN","createdAt":"2026-01-01T00:00:00Z",'
MALFORMED = tuple(HEAD + rest + b"}" for rest in (b'"a":1,"a":2', b'"a":1e999', b'"a":"\xff"', b'"a":NaN'))
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
        names = "meanMotion eccentricity inclination raan argOfPerigee meanAnomaly bStar meanMotionDot"
        names += " meanMotionDDot period perigee apogee semiMajorAxis"
        record |= {name: chance.random() * 1000 for name in names.split()}
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
    """Join what was chosen and let the checker read it."""
    final = join_array([view.raw for view, _ in chosen])
    records = [ExpectedRecord(view.identifier, permitted) for view, permitted in chosen]
    return final, check(final, Expected(Form.ARRAY, records, MARKING, "idElset"))


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
        expected = Expected(Form.ARRAY, [ExpectedRecord("x", PERMITTED[RELEASED[0]])], MARKING, "idElset")
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
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return best, result


def main() -> None:
    """Measure, compare outcomes, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=27)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not refuses_malformed():
        raise SystemExit("this build lets a malformed record through; its figures mean nothing")
    body = elements(options.megabytes)
    rounds = options.rounds
    plain, wanted = timed(lambda: baseline(body), rounds)
    split, _ = timed(lambda: split_array(body), rounds)
    read, _ = timed(lambda: read_array(body, SHAPE), rounds)
    chosen = select(body)
    strict, _ = timed(lambda: [strict_doubts(view.raw, MARKING) for view, _ in chosen], rounds)
    checked, _ = timed(lambda: finish(chosen), rounds)
    once, final = timed(lambda: gateway(body), rounds)
    twice, final_twice = timed(lambda: gateway_twice(body), rounds)
    if orjson.loads(final) != orjson.loads(wanted) or final_twice != final:
        raise SystemExit("the outcomes differ; the figures mean nothing")
    rows = {
        "orjson load, filter, dump": plain,
        "split": split,
        "split and read": read,
        "strict reading of what goes": strict,
        "join and check": checked,
        "whole, checker reads strictly": once,
        "whole, cutter and checker read strictly": twice,
    }
    if options.json:
        print(json.dumps({name: {"seconds": took, "ratio": plain / took} for name, took in rows.items()}))
        return
    print(f"{len(body) / 1e6:.1f} MB, {len(chosen)} records go; {platform.machine()}")
    for name, took in rows.items():
        print(f"{name:42} {took * 1e3:8.1f} ms {len(body) / took / 1e6:7.0f} MB/s  ratio {plain / took:5.2f}")


if __name__ == "__main__":
    main()
