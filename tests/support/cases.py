"""Cases by the worked policy set: a caller who was admitted, and records that are judged for it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from gateway.activation.running import Force, Running, prepare
from gateway.admission import Admitted, admit, approach
from gateway.asking import Ask, Operation
from gateway.audit.orders import Standing, Stop, StopKind
from gateway.batch import Batch
from gateway.content.records import RecordView, read_record
from gateway.identity.caller import Caller, TokenRules
from gateway.judging import Judgement, judge_record
from gateway.policy import load
from gateway.transforming import NOTHING, Picked, transform
from tests.policy.worked import NOW, SYSTEM, whole_files

DAY = NOW - timedelta(days=2)
TIME = {"elset": "epoch", "statevector": "epoch", "conjunction": "tca", "notification": "createdAt"}

_running: list[Running] = []


def running() -> Running:
    """The worked set, ready to judge; made once."""
    if not _running:
        _running.append(prepare(load(whole_files()), TokenRules()))
    return _running[0]


def caller(partner: str, purpose: str | None = None) -> Caller:
    """One of a partner's systems, as a verified token says."""
    hour = timedelta(hours=1)
    return Caller(partner, SYSTEM[partner], "jti", NOW - hour, NOW + hour, "key", purpose=purpose)


def stop(kind: StopKind, subject: str) -> Standing:
    """Standing orders with this one stop in force."""
    return Standing(stops=(Stop(kind, subject, "officer", "because", NOW),), number=1)


def admitted(
    partner: str,
    dataset: str,
    operation: Operation = Operation.LIST,
    *query: tuple[str, str],
    purpose: str | None = "collision-avoidance",
    standing: Standing | None = None,
    at: datetime = NOW,
    plain: bool = False,
    identifier: str | None = None,
) -> Admitted:
    """A caller past the door; raises ``Refused`` like the door."""
    timed = () if operation in (Operation.IDENTIFIED, Operation.QUERYHELP) else ((TIME[dataset], ">2000-01-01"),)
    path = f"/udl/{dataset}"
    asked = Ask("request", path, operation, (*timed, *query), identifier, sealed=not plain, plain=plain)
    force = Force(running(), standing or Standing())
    return admit(asked, approach(asked, caller(partner, purpose), force, at))


def elset(identifier: str = "one", marking: object = "U//REL TO USA, GBR, JPN", **members: object) -> bytes:
    """An element set of a Japanese satellite in a low orbit, sound unless ``members`` say otherwise."""
    ours: dict[str, object] = {
        "idElset": identifier,
        "classificationMarking": marking,
        "createdAt": DAY.isoformat().replace("+00:00", "Z"),
        "satNo": 24278,
        "meanMotion": 14.3,
        "eccentricity": 0.001,
        "dataMode": "REAL",
        "source": "SENSOR-7",
        "origin": "PROVIDER-9",
    }
    said = {name: value for name, value in (ours | members).items() if value is not ...}
    return json.dumps(said, separators=(",", ":")).encode()


def conjunction(marking: str, *inner: object, **members: object) -> bytes:
    """A conjunction of two Japanese satellites, with the states' markings."""
    ours: dict[str, object] = {
        "id": "one",
        "classificationMarking": marking,
        "createdAt": DAY.isoformat().replace("+00:00", "Z"),
        "satNo1": 24278,
        "satNo2": 26720,
        "dataMode": "REAL",
        "missDistance": 812.5,
    }
    states = {f"stateVector{place}": state for place, state in enumerate(map(_state, inner), start=1)}
    return json.dumps(ours | states | members, separators=(",", ":")).encode()


def _state(marking: object) -> object:
    return {"classificationMarking": marking, "xpos": 7000.125} if isinstance(marking, str) else marking


def view_of(raw: bytes, come: Admitted) -> RecordView:
    """A record as the content layer reads it for this caller's dataset."""
    return read_record(raw, come.shape)


def judged(raw: bytes, come: Admitted, *, twin: bool = False, stops: tuple[str, ...] = ()) -> Judgement:
    """What is decided of a record."""
    return judge_record(come.case, view_of(raw, come), come.shape, stops, twin=twin)


def picked(raw: bytes, come: Admitted) -> Picked:
    """A record judged, and cut if it may go."""
    view, decided = view_of(raw, come), judged(raw, come)
    return Picked(view, decided, transform(view, decided, come) if decided.permitted else NOTHING)


def batch_of(come: Admitted, *records: bytes, **said: int | bool) -> Batch:
    """A chunk's batch of these records; those that may not go are among the withheld."""
    chosen = [picked(raw, come) for raw in records]
    going = [each for each in chosen if each.permitted]
    return Batch(come, going=going, withheld=[each for each in chosen if not each.permitted], last=True, **said)  # type: ignore[arg-type]
