"""Bindings through the whole gateway: a record whose label is not bound to it does not go, and the log says why."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import rfc8785

from gateway.markings.binding import BindingStatement, digest
from gateway.sealing.labelbinding import sign_binding
from tests.support.loopback import ELSETS, Holds, loopback
from tests.support.running import POLICIES
from tests.test_binding import DEMANDED, FIELD, KEY, MARKING

NARROW, WIDE = "U//REL TO USA, JPN", "U//REL TO USA, GBR"


def _record(name: str, marking: str, made: datetime, **changed: object) -> dict[str, object]:
    """A sound record of that name, bound for an hour from that moment, with some members changed afterwards."""
    content: dict[str, object] = {
        "idElset": name,
        "createdAt": "2026-01-01T00:00:00.000000Z",
        "epoch": "2026-01-01T00:00:00.000000Z",
        "satNo": 41384,
        "dataMode": "REAL",
        "source": "test",
    }
    statement = BindingStatement(
        about=name,
        label=digest(marking.encode()),
        content=digest(rfc8785.dumps(content)),  # type: ignore[arg-type]
        made=made,
        until=made + timedelta(hours=1),
    )
    return content | {MARKING: marking, FIELD: sign_binding(statement, KEY).decode()} | changed


def test_stripped_swapped_and_stale_labels_are_withheld_and_the_doubt_of_each_is_in_the_log(
    tmp_path: Path, keys: Path
) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(POLICIES, policies)
    (policies / "datasets" / "elset.toml").write_bytes(DEMANDED)
    (policies / "labellers").mkdir(exist_ok=True)
    (policies / "labellers" / "udl.jwks.json").write_text(json.dumps({"keys": [KEY.public.to_json()]}))
    with loopback(tmp_path / "var", keys, policies=policies) as here:
        now = here.gateway.service.clock() - timedelta(minutes=5)
        bound = _record("bound", WIDE, now)
        narrow = _record("narrow", NARROW, now)
        records = (
            bound,
            narrow,
            narrow | {"idElset": "moved"},
            _record("stripped", WIDE, now, **{FIELD: None}),
            _record("relabelled", NARROW, now, **{MARKING: WIDE}),
            _record("swapped", NARROW, now, **{MARKING: WIDE, FIELD: bound[FIELD]}),
            _record("changed", WIDE, now, satNo=1),
            _record("stale", WIDE, now - timedelta(hours=2)),
        )
        here.source.fault = Holds(tuple(json.dumps(record).encode() for record in records))
        answer = here.get(ELSETS)
        assert answer.status == 200
        assert [record["idElset"] for record in json.loads(answer.body)] == ["bound"]
        entry = here.entry(answer)
        assert (entry.private["released"], entry.private["withheld"]) == (1, 7)
        assert entry.private["why_withheld"]["label:label_unbound"] == 6  # type: ignore[index,call-overload]
        found = Counter(doubt for row in entry.rows for doubt in _doubts(row.detail))
        assert found == {
            "binding_other_content": 2,
            "binding_stripped": 1,
            "binding_label_changed": 1,
            "binding_content_changed": 1,
            "binding_stale": 1,
        }


def _doubts(detail: object) -> Iterator[str]:
    """Every doubt about a binding that a record's row holds, wherever it stands."""
    if isinstance(detail, Mapping):
        detail = list(detail.values())
    if isinstance(detail, list):
        for each in detail:
            yield from _doubts(each)
    elif isinstance(detail, str) and detail.startswith("binding_"):
        yield detail
