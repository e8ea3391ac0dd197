"""Every entry's OCSF event is what the published schema of the version it claims asks of an API Activity."""

from __future__ import annotations

import json
from functools import cache

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from gateway.audit.entry import Event
from gateway.audit.export import Form, line
from gateway.audit.ocsf import LONGEST, VERSION
from gateway.audit.stored import Summary
from tests.audit.test_export import HOSTILE, LEAF, PRIVATE, evaluated

PEER = {"peer": {"address": "192.0.2.7", "port": 50412}}
ACCOUNT = {"account": {"uid": 1000, "user": "alice", "host": "gw1.example", "login_uid": 1001}}


@cache
def published() -> jsonschema.Draft202012Validator:
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION)).get_class_schema(class_name="api_activity")
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def event_of(found: Summary) -> dict[str, object]:
    """The event, which the published schema takes."""
    said = json.loads(line(found, Form.OCSF))
    published().validate(said)
    assert said["type_uid"] == said["class_uid"] * 100 + said["activity_id"]
    assert said["class_uid"] // 1000 == said["category_uid"]
    assert said["metadata"]["version"] == VERSION
    return said


def test_the_published_schema_is_closed_and_refuses_what_is_not_in_it():
    said = json.loads(line(Summary(7, LEAF, b"", dict(PRIVATE)), Form.OCSF))
    for wrong in ({"activity_id": 5}, {"extra": 1}, {"time": "now"}, {"src_endpoint": {}}, {"actor": {}}):
        with pytest.raises(jsonschema.ValidationError):
            published().validate({**said, **wrong})


@pytest.mark.parametrize("where", [{}, PEER, ACCOUNT], ids=["nowhere", "peer", "account"])
@pytest.mark.parametrize("event", list(Event))
def test_an_entry_of_every_kind_is_an_event_that_the_published_schema_takes(event: Event, where: dict[str, object]):
    leaf = msgspec.structs.replace(LEAF, event=event.value, outcome=event.value)
    for private in ({**PRIVATE, **where}, {"by": "A. Officer", **where}, where, None):
        event_of(Summary(7, leaf, b"", private))


def test_evaluations_for_another_enforcement_point_are_a_read_by_it():
    said = event_of(evaluated())
    assert (said["activity_id"], said["actor"]["user"]["name"]) == (2, "portal")


def test_the_source_is_the_connections_other_end_or_the_commands_machine_or_the_gateway():
    def source(**private: object) -> object:
        return event_of(Summary(7, LEAF, b"", {**PRIVATE, **private}))["src_endpoint"]

    assert source(**PEER) == {"ip": "192.0.2.7", "port": 50412}
    assert source(peer={"address": "2001:db8::1", "port": 1}) == {"ip": "2001:db8::1", "port": 1}
    assert source(peer={"address": "fe80::1%eth0", "port": 1}) == {"name": "fe80::1%eth0", "port": 1}
    assert source(**ACCOUNT) == {"hostname": "gw1.example"}
    assert source(account={"uid": 0, "user": "", "host": "no host?"}) == {"name": "no host?"}
    assert source() == {"svc_name": "releasability-gateway"}


def test_a_claimed_name_and_the_account_observed_beside_it_are_told_apart():
    leaf = msgspec.structs.replace(LEAF, event="stop-set", partner="")
    user = event_of(Summary(7, leaf, b"", {"by": "A. Officer", **ACCOUNT}))["actor"]["user"]
    assert user["name"] == "A. Officer"
    assert user["account"] == {"name": "alice", "uid": "1000", "type_id": 9, "type": "Linux Account"}


@given(st.integers(0, 999_999))
def test_the_time_is_whole_milliseconds_and_never_rounds_into_another(micro: int):
    leaf = msgspec.structs.replace(LEAF, time=f"2026-03-01T12:00:00.{micro:06}Z")
    assert event_of(Summary(7, leaf, b"", dict(PRIVATE)))["time"] == 1772366400000 + micro // 1000


TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from([HOSTILE, "", "\x00", "x" * (LONGEST + 1), "\u202e\u2066", "=1+1", "%", "a" * 64 + "."]),
)


@given(TEXTS, TEXTS, TEXTS)
def test_no_value_whatever_makes_an_event_that_the_schema_refuses(one: str, two: str, three: str):
    leaf = msgspec.structs.replace(LEAF, event="audit-read", partner=two, request=three, outcome=one)
    private = {
        "by": one, "dataset": two, "purpose": three, "operation": one, "path": two, "label": three, "what": one,
        "caller": {"system": two}, "account": {"uid": 1, "user": three, "host": one}, "by_grant": {two: 1},
    }  # fmt: skip
    event_of(Summary(7, leaf, b"", private))
    event_of(Summary(7, msgspec.structs.replace(leaf, event="release"), b"", {**private, "by": ""}))
