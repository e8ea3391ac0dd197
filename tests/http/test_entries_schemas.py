"""Every entry that a running gateway writes has the published form; the published files are what the code says."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import msgspec
import pytest

from demo.stage import Stage
from gateway.activation import orders
from gateway.activation.approval import UNSIGNED, Demand, Purpose
from gateway.activation.files import read_policy_files
from gateway.audit import canonical
from gateway.audit.entry import Draft, Event
from gateway.audit.leaf import PRIVATE_VERSION, VERSION
from gateway.audit.orders import Approve, CloseEmergency, OpenEmergency, Part, Remove, StopKind, Withhold
from gateway.audit.schemas import PRIVATE, documents
from gateway.audit.stored import StoredEntry
from sample_source.app import build_app
from sample_source.flaws import Flaws
from sample_source.serve import serving
from sample_source.tables import build_tables
from tests.support.officers import ALICE, BOB, ORIGIN, listed
from tests.support.running import POLICIES, running_gateway

ROOT = Path(__file__).resolve().parents[2]
LIST = "/udl/elset?epoch=%3Enow-30%20days"
PURPOSE = "collision-avoidance"


@pytest.fixture(scope="module")
def entries(tmp_path_factory) -> Iterator[tuple[StoredEntry, ...]]:
    """The log of a gateway that met everything it can be asked on one machine."""
    place = tmp_path_factory.mktemp("schemas")
    stage = Stage(place / "var", place / "keys", POLICIES)
    stage.prepare("http://127.0.0.1:1")
    token = stage.source_token.read_text()
    with (
        serving(build_app(build_tables(80, 1, Flaws.READABLE), token)) as source,
        running_gateway(stage, source.base_url) as gateway,
    ):
        for path in (
            LIST,
            "/udl/elset/count?epoch=%3Enow-30%20days",
            "/udl/elset/x",
            "/udl/elset/queryhelp",
            "/nothing",
        ):
            gateway.ask("JPN", path, accept="application/jose", purpose=PURPOSE)
        gateway.ask("JPN", LIST)
        gateway.ask("GBR", "/udl/notification?createdAt=%3Enow-30%20days", accept="application/jose", purpose=PURPOSE)
        gateway.ask("JPN", "/releases")
        log, at = gateway.service.log, datetime.now(UTC)
        order = orders.Order("A. Officer", "spill", at)
        for kind, subject in ((StopKind.PARTNER, "JPN"), (StopKind.RECORD, "x")):
            orders.stop(log, kind, subject, order)
            gateway.ask("JPN", LIST, accept="application/jose", purpose=PURPOSE)
            orders.lift(log, kind, subject, order, UNSIGNED)
        log.append_now(
            [emergency(Event.EMERGENCY_OPENED, at, until=at.isoformat())], [OpenEmergency("JPN", "e", "A", "R", at)]
        )
        log.append_now([emergency(Event.EMERGENCY_CLOSED, at)], [CloseEmergency("JPN", "e", "A", "R", at)])
        orders.revoke(log, "JPN", "jti", order)
        files = read_policy_files(gateway.settings.policies_dir, gateway.settings.keys_dir)
        with pytest.raises(orders.ActivationRefused):
            orders.activate(log, {**files, "policies/policy.toml": b"not toml ["}, order, UNSIGNED)
        _under_officers(log, files, order)
        log.remove(Remove(Part.PRIVATE, 0, 4, "A", "R", at))
        log.append_now([Draft(Event.RESUMED, at, "resumed"), Draft(Event.RELEASE, at, "x", release="left", last=False)])
        log.recover(at)
        yield log.entries(limit=1000)


def emergency(event: Event, at: datetime, **more: str) -> Draft:
    about = {"partner": "JPN", "name": "e", "by": "A", "reason": "R", **more}
    return Draft(event, at, "done", private=about)


def _under_officers(log, files, order) -> None:
    """A list of officers, and a set that they sign."""
    orders.install_officers(log, listed(ALICE, BOB), order, Demand(0, ORIGIN))
    announced = orders.announce(log, files, order)
    signatures = [each.sign(Purpose.ACTIVATE, announced.digest, order.at) for each in (ALICE, BOB)]
    orders.activate(log, files, order, Demand(2, ORIGIN), signatures, {"asked": 0, "partners": {}, "examples": []})
    asked = {"by": "portal", "what": "1 evaluations", "request": "r", "given_request": ""}
    evaluated = {**asked, "policy": announced.digest, "evaluations": [{"decision": False, "record": ""}]}
    no_decision = {"by": "", "request": "r", "status": 401, "why": "no such token"}
    log.append_now([Draft(Event.EVALUATED, order.at, "evaluated", private=evaluated)])
    log.append_now([Draft(Event.EVALUATION_REFUSED, order.at, "refused", private=no_decision)])
    about = {"by": "alice", "reason": "R", "what": "review i", "item": "i", "partner": "JPN", "dataset": "elset"}
    given = {"purpose": "p", "content": "aa" * 32, "marking": "U", "policy": announced.digest, "until": "later"}
    approval = Approve("i", "JPN", "elset", "p", "aa" * 32, "U", announced.digest, "bb" * 32, 1,
                       order.at + timedelta(days=1), "alice", "R", order.at)  # fmt: skip
    counted = {"asked": 0, "given": 1, "persons": 1}
    approved = Draft(Event.REVIEW_APPROVED, order.at, "approved", private={**about, **given, **counted})
    log.append_now([approved], [approval])
    refused = Draft(Event.REVIEW_REFUSED, order.at, "refused", private={**about, "asked": 0})
    log.append_now([refused], [Withhold("i", "alice", "R", order.at)])


def validate(name: str, value: object) -> None:
    schema = json.loads((ROOT / "docs" / "schemas" / "audit" / name).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(value, schema, jsonschema.Draft202012Validator)


def test_every_leaf_private_part_and_record_row_has_the_published_form(entries):
    for entry in entries:
        validate(f"leaf.v{VERSION}.json", msgspec.to_builtins(entry.leaf))
        if entry.leaf.release != "left" and entry.lacks is None:
            validate(f"private-{entry.leaf.event}.v{PRIVATE_VERSION}.json", dict(entry.private))
            msgspec.json.decode(canonical.encode(entry.private, "private"), type=PRIVATE[Event(entry.leaf.event)])
        for row in entry.rows:
            said = {"identifier": row.identifier, "effect": row.effect, "digest": row.digest, "detail": row.detail}
            validate(f"record-row.v{VERSION}.json", said)


def test_a_private_part_of_the_first_version_has_the_form_that_is_published_now(entries):
    for entry in entries:
        if entry.leaf.release != "left" and entry.lacks is None:
            first = {name: said for name, said in entry.private.items() if name not in ("version", "peer", "account")}
            validate(f"private-{entry.leaf.event}.v{PRIVATE_VERSION}.json", first)


def test_what_was_met_covers_every_event_but_those_that_need_another_party_or_version(entries):
    met = {entry.leaf.event for entry in entries}
    assert {event.value for event in Event} - met <= {
        "unwitnessed",
        "restored",
        "no-request",
        "keys-fetched",
        "tables-kept",
    }
    assert {row.effect for entry in entries for row in entry.rows} == {"release", "withhold"}


def test_the_counts_by_label_add_up_to_the_rows(entries):
    judged = [entry for entry in entries if entry.rows]
    assert judged
    for entry in judged:
        counts = entry.private["by_label"]
        for name, effect in (("released", "release"), ("withheld", "withhold")):
            assert sum(each[name] for each in counts) == [row.effect for row in entry.rows].count(effect)
        assert {each["label"] for each in counts} == {row.detail["marking"] or "" for row in entry.rows}


def test_the_published_files_are_exactly_what_the_tool_writes_from_the_code():
    pages = runpy.run_path(str(ROOT / "tools" / "write_schemas.py"))["pages"]()
    folder = ROOT / "docs" / "schemas" / "audit"
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")} == pages


def test_every_event_has_a_form_that_is_closed():
    assert set(PRIVATE) == set(Event)
    for name, schema in documents().items():
        definitions = schema["$defs"]
        assert all(each.get("additionalProperties") is not True for each in definitions.values()), name  # type: ignore[attr-defined]
        objects = [each for each in definitions.values() if "properties" in each]  # type: ignore[attr-defined]
        assert all(each.get("additionalProperties") is False for each in objects), name
