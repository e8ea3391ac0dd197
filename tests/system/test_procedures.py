"""What only some grants ask for, through the whole pipeline: tear lines, watermarks, coarse times, alerts, emergencies,
volumes and compilations; and that all of it is replayed from the log as it was decided.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from demo.stage import Stage
from gateway.activation.emergencies import EmergencyRefused, close_emergency, open_emergency
from gateway.activation.orders import Order
from gateway.activation.running import stored_set
from gateway.audit.entry import Event
from gateway.audit.errors import DraftRefused
from gateway.audit.log import AuditLog
from gateway.replay import Replayed, Replayer
from gateway.service import open_log
from sample_source.app import build_app
from sample_source.records import StoredRecord, store
from sample_source.schema import TABLES
from sample_source.serve import serving
from sample_source.tables import Tables, build_tables
from tests.support.running import POLICIES, RunningGateway, running_gateway
from tests.system.acting import ALWAYS, START, Clock

DATASET = """
tear_line = "releasable"
watermark = "notice"

[[compilation]]
id = "notice-place-and-body"
fields = ["msgBody", "place"]
level = "SECRET"

[groups.timing]
fact = "event-time"
[groups.timing.quantities.event]
unit = "instant"
fields = ["eventAt"]
"""
GRANTS = """
[[grant]]
id = "can-below-the-line"
dataset = "notification"
purposes = ["collision-avoidance"]
where = { msgType = "TEAR" }
tear_line = true

[[grant]]
id = "can-marked"
dataset = "notification"
purposes = ["collision-avoidance"]
where = { msgType = "MARKED" }
watermark = "Released to Canada for collision avoidance only"
[grant.round.timing]
event = "1h"

[[grant]]
id = "can-late"
dataset = "notification"
purposes = ["collision-avoidance"]
where = { msgType = ["ALERT", "LATE"] }
delay = "3650d"

[[grant]]
id = "can-elset-all"
dataset = "elset"
purposes = ["collision-avoidance"]
where = "everything"

[[alert]]
id = "can-alert"
dataset = "notification"
purposes = ["collision-avoidance"]
where = { msgType = "ALERT" }
fields = ["msgType", "msgBody", "createdAt"]
until = 2030-01-01
reviewer = "A. Reviewer"

[[procedures.volume]]
id = "can-elset-daily"
records = 5
per = "1d"
datasets = ["elset"]

[[procedures.emergency]]
id = "can-falling"
dataset = "notification"
purposes = ["collision-avoidance"]
where = { msgType = "FALLING" }
for = "6h"
officers = ["A. Officer"]
"""
REL = "U//REL TO USA, CAN"
NOTIFICATION = TABLES["notification"]


def notice(number: int, marking: str, kind: str, **more: object) -> dict[str, object]:
    said = {"classificationMarking": marking, "createdAt": "2026-06-17T10:00:00Z", "dataMode": "REAL", "source": "X"}
    return {"id": f"00000000-0000-4000-8000-{number:012}", **said, "msgType": kind, "msgBody": f"{kind} body", **more}


def below(number: int, marking: str, **more: object) -> dict[str, object]:
    return notice(number, marking, "TEAR", msgBody="below the line") | more


NOTICES = [
    notice(1, "S//NF", "TEAR", msgBody="SECRET BODY", releasable=below(1, REL)),
    notice(2, "S//REL TO USA, CAN", "TEAR", msgBody="SECRET BODY", releasable=below(2, REL)),
    notice(3, "S//NF", "TEAR", releasable=below(4, REL)),  # names another record
    notice(5, "S//NF", "TEAR", releasable=below(5, "S//NF")),
    notice(6, REL, "TEAR"),  # has none
    notice(7, REL, "MARKED", eventAt="2026-06-17T10:59:59.999999+00:30", notice="from the source"),
    notice(8, REL, "MARKED", eventAt="yesterday"),
    notice(9, REL, "LATE"),
    notice(10, REL, "ALERT", place="52.1N 4.3E", tags=["a"]),
    notice(11, REL, "FALLING"),
    notice(12, "S//NF", "FALLING"),
    notice(13, REL, "MARKED", place="52.1N 4.3E"),
]


def stored(said: dict[str, object]) -> StoredRecord:
    return store(NOTIFICATION, [(name, json.dumps(value).encode()) for name, value in said.items()])


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway whose set asks for all of it of one partner, in front of a source that holds these notices."""
    folder = tmp_path_factory.mktemp("procedures")
    policies = Path(shutil.copytree(POLICIES, folder / "policies", ignore=shutil.ignore_patterns("cases")))
    dataset = policies / "datasets" / "notification.toml"
    text = dataset.read_text()
    text = text.replace('"msgType",\n]', '"msgType", "notice", "eventAt", "place",\n]', 1)
    head, facts = text.split("[fields]", 1)
    record, rest = DATASET.split("\n\n", 1)
    facts = facts.replace("values = [\"COLLISION_WARNING\", \"REENTRY_NOTICE\", \"LAUNCH_NOTICE\", "
                          "\"MANOEUVRE_NOTICE\", \"SENSOR_STATUS\"]\n", "")  # fmt: skip
    dataset.write_text(head.rstrip() + record + "\n\n[fields]" + facts + rest)
    partner = policies / "partners" / "CAN.toml"
    frame = partner.read_text().split("# 6. What is authorised")[0].replace("plain = false", "plain = true")
    covered = frame.replace('datasets = ["conjunction", "elset", "statevector", "notification", "maneuver", '
                            '"launchevent"]', 'datasets = ["elset", "notification", "maneuver"]')  # fmt: skip
    partner.write_text(covered + GRANTS)
    stage = Stage(folder / "var", folder / "keys", policies)
    stage.prepare("http://127.0.0.1:1")
    tables = Tables({**build_tables(40).records, "notification": tuple(map(stored, NOTICES))})
    with (
        serving(build_app(tables, stage.source_token.read_text().strip())) as served,
        running_gateway(stage, served.base_url, clock=Clock()) as running,
    ):
        yield running


def ask(gateway: RunningGateway, path: str, **query: object) -> httpx.Response:
    token = {"at": START, "purpose": "collision-avoidance", "system": query.pop("system", "can-space-operations")}
    text = "&".join(f"{name}={value}" for name, value in {"createdAt": ALWAYS, **query}.items())
    return gateway.ask("CAN", f"/udl/{path}?{text}" if text else f"/udl/{path}", **token)  # type: ignore[arg-type]


def notices(gateway: RunningGateway, **query: object) -> dict[int, dict[str, object]]:
    answer = ask(gateway, "notification", **query)
    assert answer.status_code == 200, answer.text
    return {int(record["id"][-12:]): record for record in answer.json()}


def test_a_tear_line_version_goes_in_the_place_of_its_record_and_nothing_of_the_record_with_it(
    gateway: RunningGateway,
) -> None:
    found = notices(gateway, msgType="TEAR")
    assert found.keys() == {1, 2}
    assert all(record == below(number, REL) for number, record in found.items())
    assert ask(gateway, "notification/count", msgType="TEAR").text == "2"


def test_a_watermark_is_written_and_an_instant_is_moved_back_to_its_hour(gateway: RunningGateway) -> None:
    found = notices(gateway, msgType="MARKED")
    mark = "Released to Canada for collision avoidance only [CAN]"
    assert {record["notice"] for record in found.values()} == {mark}
    assert found[7]["eventAt"] == "2026-06-17T10:00:00Z"
    assert "eventAt" not in found[8]
    chosen = ask(gateway, "notification/tuple", columns="id", msgType="MARKED").json()
    assert {tuple(sorted(record)) for record in chosen} == {("classificationMarking", "id", "notice")}


def test_what_a_partner_sees_coarsened_or_in_part_it_may_not_ask_about(gateway: RunningGateway) -> None:
    assert ask(gateway, "notification", dataMode="REAL").json()["code"] == "parameter_refused"


def test_an_alert_goes_at_once_with_the_fields_it_names_and_no_other(gateway: RunningGateway) -> None:
    assert notices(gateway, msgType="LATE") == {}
    (record,) = notices(gateway, msgType="ALERT").values()
    assert record.keys() == {"id", "classificationMarking", "msgType", "msgBody", "createdAt"}


def test_fields_that_together_are_secret_keep_a_record_from_a_system_that_is_not_cleared(
    gateway: RunningGateway,
) -> None:
    assert 13 in notices(gateway, msgType="MARKED")
    assert notices(gateway, msgType="MARKED", system="can-satellite-flight").keys() == {7, 8}
    # an alert that leaves one of the fields out forms no compilation
    assert notices(gateway, msgType="ALERT", system="can-satellite-flight").keys() == {10}


@pytest.fixture
def log(gateway: RunningGateway) -> Iterator[AuditLog]:
    opened = open_log(gateway.settings, gateway.stage.gateway_keys(), "officer")
    yield opened
    opened.close()


def test_an_emergency_opens_a_grant_for_its_time_and_never_what_a_label_forbids(
    gateway: RunningGateway, log: AuditLog
) -> None:
    assert notices(gateway, msgType="FALLING") == {}
    policy = stored_set(log, str(log.standing().active))
    order = Order("A. Officer", "object 25544 is coming down", START)
    until = open_emergency(log, policy, "CAN", "can-falling", order)
    assert (until - START).total_seconds() == 6 * 3600
    assert notices(gateway, msgType="FALLING").keys() == {11}
    assert "emergency_open" in httpx.get(f"{gateway.url}/readyz", timeout=60).json()["problems"]
    with pytest.raises(EmergencyRefused, match="may not open"):
        open_emergency(log, policy, "CAN", "can-falling", Order("Somebody", "why", START))
    with pytest.raises(EmergencyRefused, match="no emergency"):
        open_emergency(log, policy, "GBR", "can-falling", order)
    close_emergency(log, "CAN", "can-falling", order)
    assert notices(gateway, msgType="FALLING") == {}
    assert "emergency_open" not in httpx.get(f"{gateway.url}/readyz", timeout=60).json()["problems"]
    with pytest.raises(DraftRefused):
        close_emergency(log, "CAN", "can-falling", order)
    events = [entry.leaf.event for entry in log.entries(-1, log.size())]
    assert events.count(Event.EMERGENCY_OPENED) == events.count(Event.EMERGENCY_CLOSED) == 1


def test_a_volume_is_counted_durably_and_what_would_go_beyond_it_does_not_leave(gateway: RunningGateway) -> None:
    def elsets(most: int) -> httpx.Response:
        return ask(gateway, "elset", createdAt=ALWAYS, epoch=ALWAYS, maxResults=most)

    assert len(elsets(3).json()) == 3
    assert (elsets(3).status_code, elsets(3).json()["code"]) == (403, "volume_exceeded")
    assert len(elsets(2).json()) == 2
    assert (elsets(1).status_code, elsets(1).json()["code"]) == (403, "volume_exhausted")
    assert ask(gateway, "elset/count", epoch=ALWAYS).json()["code"] == "volume_exhausted"
    assert notices(gateway, msgType="ALERT").keys() == {10}  # counted by itself


def test_every_one_of_these_decisions_is_made_again_from_its_entry_and_the_log_verifies(
    gateway: RunningGateway, log: AuditLog
) -> None:
    for kind in ("TEAR", "MARKED", "LATE", "ALERT", "FALLING") * 5:
        notices(gateway, msgType=kind)
    found, replayer = Replayed(), Replayer(log)
    for entry in log.entries(-1, log.size()):
        replayer.replay(entry, found)
    assert found.differences == []
    assert found.decisions > 50
    assert log.verify().findings == ()
