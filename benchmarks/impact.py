"""How fast a log's decisions are put to a new policy set: ``relgate policy impact`` over many logged decisions.

    python -m benchmarks.impact [--decisions 1000000] [--folder /tmp/impact] [--json]

A log of that many decisions is written through the gateway's own writer: a hundred records to an answer, over a year,
from every partner, dataset and purpose of the worked set, with markings drawn from those the set speaks of. Hardly two
of them are the same question: moments, days, delays' beginnings and facts are drawn anew for each. Then they are put to
the worked set and to one in which a grant was edited, read from the log and checked against their leaves as always. The
baseline is the same log read and checked with nothing asked.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.machine import describe
from gateway.audit.entry import Draft, Event, Json, RecordRow
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog
from gateway.audit.reading import LogReader
from gateway.evidence import shown_to_json
from gateway.impact import Comparison
from gateway.judging import Evidence
from gateway.policy.compile import compile_policy
from gateway.policy.decision import Credential, RecipientKey, Subject
from gateway.policy.grid import Cell, grid
from gateway.policy.load import load
from gateway.policy.policyset import PolicySet
from gateway.policy.replay import subject_to_json
from gateway.policy.trial import ASSUMED_KEY, with_assumed_keys

ROWS = 100
BATCH = 256
PAGE = 200
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=365)
EDITED = ("policies/partners/KOR.toml", '8 = "CONFIDENTIAL"', '8 = "SECRET"')


def policy_files() -> dict[str, bytes]:
    """The worked set as it stands in this tree; it has no keys."""
    root = Path(__file__).resolve().parents[1] / "policies"
    found = (path for path in sorted(root.rglob("*")) if path.suffix in (".toml", ".csv", ".conf"))
    return {f"policies/{path.relative_to(root).as_posix()}": path.read_bytes() for path in found}


def both_sets() -> tuple[PolicySet, PolicySet]:
    """The worked set, and the same with one ceiling raised."""
    files = policy_files()
    path, old, new = EDITED
    text = files[path].decode()
    if old not in text:
        raise SystemExit(f"{path} does not say {old} any more")
    edited = load({**files, path: text.replace(old, new).encode()})
    return with_assumed_keys(load(files)), with_assumed_keys(edited)


def questions(old: PolicySet, new: PolicySet) -> list[Cell]:
    """Every kind of question: the grid between the worked set and one that shares no partner's file with it."""
    renamed = {code: replace(partner, grants=partner.grants[:1]) for code, partner in old.partners.items()}
    return list(grid(replace(old, partners=renamed), new, BEGIN).cells)


def drafts(cells: Sequence[Cell], policy: PolicySet, decisions: int) -> Iterator[Draft]:
    """Answers of a hundred records each; each asker asks about what the grid asks about it."""
    chance = random.Random(20260101)
    by_asker: dict[tuple[str, str, str, str], list[Cell]] = {}
    for cell in cells:
        by_asker.setdefault((cell.partner, cell.system, cell.dataset, cell.purpose), []).append(cell)
    askers = sorted(by_asker)
    answers = max(1, decisions // ROWS)
    for number in range(answers):
        asker = askers[chance.randrange(len(askers))]
        at = BEGIN + SPAN * number / answers + timedelta(seconds=chance.random())
        yield _draft(number, asker, by_asker[asker], at, policy, chance)


def _draft(
    number: int,
    asker: tuple[str, str, str, str],
    cells: Sequence[Cell],
    at: datetime,
    policy: PolicySet,
    chance: random.Random,
) -> Draft:
    partner, system, dataset, purpose = asker
    registered = policy.partners[partner].systems[system]
    key = RecipientKey(ASSUMED_KEY.thumbprint)
    subject = Subject(partner, system, registered.clearance, registered.holds, Credential.MTLS, key)
    private: dict[str, Json] = {
        "dataset": dataset, "purpose": purpose, "at": at.isoformat(), "policy": policy.digest,
        "tables": dict(policy.tables), "subject": subject_to_json(subject), "stops": [],
    }  # fmt: skip
    rows = tuple(_row(cells[chance.randrange(len(cells))], at, chance) for _ in range(ROWS))
    return Draft(
        Event.RELEASE, at, "released", partner, f"q{number}", f"r{number}", released=ROWS, records=rows, private=private
    )


def _row(cell: Cell, at: datetime, chance: random.Random) -> RecordRow:
    marked = at - timedelta(seconds=chance.randrange(30 * 86_400))
    shown = Evidence(cell.marking, marked.date(), (), (), replace(cell.facts, delay_from=marked))
    detail = {**shown_to_json(shown), "reasons": [], "grants": [], "obligations": {}}
    return RecordRow(f"record-{chance.randrange(10**9)}", "withhold", None, detail)


def fill(log: AuditLog, policy: PolicySet, cells: Sequence[Cell], decisions: int) -> float:
    """Write the log; the seconds it took."""
    begun = time.perf_counter()
    held: list[Draft] = []
    for draft in drafts(cells, policy, decisions):
        held.append(draft)
        if len(held) == BATCH:
            log.append_now(held)
            held = []
    if held:
        log.append_now(held)
    return time.perf_counter() - begun


def read_only(log: LogReader) -> int:
    """Read and check every entry; how many rows there were."""
    count, last = 0, -1
    while page := log.entries(last, PAGE):
        count += sum(len(entry.rows) for entry in page)
        last = page[-1].index
    return count


def ask_all(log: LogReader, old: PolicySet, new: PolicySet) -> tuple[int, dict[str, int]]:
    """Put every decision to both sets; how many there were and how many turned, by flip."""
    comparison = Comparison(compile_policy(old), compile_policy(new))
    comparison.know(old)
    count, last = 0, -1
    while page := log.entries(last, PAGE):
        count += sum(comparison.ask_log(entry, log) for entry in page)
        last = page[-1].index
    turned: dict[str, int] = {}
    for group, found in comparison.impact.groups.items():
        turned[group.flip.value] = turned.get(group.flip.value, 0) + found.count
    return count, turned


def main() -> None:
    """Fill, read, ask, say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--decisions", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=None, help="Make the log here, or use the one that is here.")
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    folder = said.folder or Path(tempfile.mkdtemp(prefix="impact-"))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "audit.sqlite3"
    there = file.exists()
    old, new = both_sets()
    log = AuditLog.open(
        f"sqlite:///{file}",
        origin="gateway.example/log",
        key=Ed25519PrivateKey.from_private_bytes(bytes(32)),
        identifier_key=IdentifierKey(1, bytes(32)),
    )
    try:
        filled = 0.0 if there else fill(log, old, questions(old, new), said.decisions)
        begun = time.process_time()
        rows = read_only(log)
        reading = time.process_time() - begun
        begun = time.process_time()
        count, turned = ask_all(log, old, new)
        asking = time.process_time() - begun
    finally:
        log.close()
        if said.folder is None:
            shutil.rmtree(folder)
    if count != rows:
        raise SystemExit(f"{rows} decisions were read and {count} asked")
    figures = {
        "decisions": count,
        "filled_in_s": round(filled, 1),
        "read_and_checked_a_second": round(rows / reading),
        "asked_a_second": round(count / asking),
        "seconds_for_a_million": round(1e6 * asking / count),
        "beside_reading_alone": round(reading / asking, 2),
        "turned": turned,
    }
    if said.json:
        print(json.dumps(figures, indent=2))
        return
    print(describe())
    for name, figure in figures.items():
        print(f"  {name.replace('_', ' '):32} {figure}")


if __name__ == "__main__":
    main()
