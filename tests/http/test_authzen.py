"""Other enforcement points ask for decisions: AuthZEN's shapes, the same gates, and nothing that widens an answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import httpx
import jsonschema
import pytest

from gateway.activation.approval import UNSIGNED
from gateway.activation.orders import Order, lift, stop
from gateway.audit import canonical
from gateway.audit.orders import StopKind
from gateway.audit.spill import Sought
from gateway.identity.enforcement import EnforcementPointsRefused, read_enforcement_points
from tests.support.cases import elset
from tests.support.loopback import Loopback, loopback
from tests.support.running import POLICIES

TOKENS = {"portal": "portal-token", "gate": "gate-token", "blunt": "blunt-token"}
SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas" / "audit"
ADDRESS = "https://gateway.example"


def table(name: str, partners: list[str], *more: str) -> str:
    digest = hashlib.sha256(TOKENS[name].encode()).hexdigest()
    said = [f'name = "{name}"', f'token = "{digest}"', f"partners = {json.dumps(partners)}", *more]
    return "\n".join(["[[enforcement_point]]", *said, ""])


FILE = (
    table("portal", ["GBR", "JPN"], "obligations = true", "reasons = true")
    + table("gate", ["GBR"], "obligations = true")
    + table("blunt", ["GBR"])
)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Iterator[Loopback]:
    """A gateway that three enforcement points may ask."""
    place = tmp_path_factory.mktemp("authzen")
    (place / "points.toml").write_text(FILE, encoding="utf-8")
    changed = {"enforcement_points": place / "points.toml", "public_address": ADDRESS}
    with loopback(place / "var", keys, **changed) as running:
        yield running


def post(here: Loopback, body: object, path: str = "evaluation", who: str = "portal", **headers: str) -> httpx.Response:
    given = {"Authorization": f"Bearer {TOKENS.get(who, who)}", "Content-Type": "application/json", **headers}
    content = body if isinstance(body, str) else json.dumps(body)
    return here.client.post(f"/access/v1/{path}", content=content, headers=given)


def question(marking: str = "U//REL TO USA, GBR", **changed: object) -> dict[str, object]:
    fields = json.loads(elset("one", marking))
    whole: dict[str, object] = {
        "subject": {"type": "system", "id": "gbr-space-command", "properties": {"partner": "GBR"}},
        "action": {"name": "release"},
        "resource": {"type": "elset", "id": "one", "properties": fields},
        "context": {"purpose": "collision-avoidance"},
    }
    return {**whole, **changed}


def decided(answer: httpx.Response) -> bool:
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["decision"])


def test_a_record_that_the_gates_let_go_is_permitted_with_the_obligations_and_one_that_they_do_not_is_denied(asked):
    allowed = post(asked, question())
    assert decided(allowed)
    fields = allowed.json()["context"]["obligations"]["fields"]
    assert "satNo" in fields
    denied = post(asked, question("S//NF"))
    assert not decided(denied)
    assert "originator:control_forbids" in denied.json()["context"]["reasons"]
    assert not decided(post(asked, question("U//REL TO USA, JPN")))


def test_a_permit_is_among_the_answers_to_who_may_have_had_the_record_and_a_denial_is_not(asked):
    name = "asked-" + "x" * 600
    fields = json.loads(elset(name, "U//REL TO USA, GBR"))
    resource = {"type": "elset", "id": name, "properties": fields}
    assert decided(post(asked, question(resource=resource)))
    denied = {**resource, "properties": json.loads(elset(name, "S//NF"))}
    assert not decided(post(asked, question(resource=denied)))
    log = asked.gateway.service.log
    (permit,) = log.who_got(Sought(identifiers=frozenset([log.keyed(name)]))).permitted
    assert (permit.by, permit.text("partner"), permit.marking) == ("portal", "GBR", "U//REL TO USA, GBR")


def test_every_answer_has_one_entry_that_says_who_asked_what_and_why_and_no_identifier(asked):
    size = asked.gateway.service.log.size()
    answer = post(asked, question("S//NF"), **{"X-Request-ID": "mine-1"})
    assert answer.headers.get_list("x-request-id") == ["mine-1"]
    (entry,) = asked.gateway.service.log.entries(size - 1, 10)
    private = entry.private
    assert (entry.leaf.event, entry.leaf.partner, private["by"]) == ("evaluated", "", "portal")
    assert private["given_request"] == "mine-1"
    (said,) = private["evaluations"]  # type: ignore[misc]
    assert said["decision"] is False  # type: ignore[index,call-overload]
    assert "originator:control_forbids" in said["reasons"]  # type: ignore[operator,index,call-overload]
    assert said["record"] == asked.gateway.service.log.keyed("one")  # type: ignore[index,call-overload]


def test_reasons_are_told_to_those_alone_who_may_know_them(asked):
    for body in (question("S//NF"), question(resource={"type": "todo", "id": "1"})):
        assert post(asked, body, who="gate").json() == {"decision": False}


def test_an_asker_that_does_not_carry_obligations_out_is_permitted_nothing_that_has_some(asked):
    assert decided(post(asked, question(), who="gate"))
    assert post(asked, question(), who="blunt").json() == {"decision": False}


PARTS = {
    "another partner that the asker may not ask about": ("subject", {"type": "system", "id": "jpn-space-operations",
                                                                    "properties": {"partner": "JPN"}}),
    "a subject of another type": ("subject", {"type": "user", "id": "gbr-space-command"}),
    "a system that is not registered": ("subject", {"type": "system", "id": "gbr-space-comand"}),
    "a clearance that is no level": ("subject", {"type": "system", "id": "gbr-space-command",
                                                "properties": {"clearance": "COSMIC"}}),
    "properties that are no object": ("subject", {"type": "system", "id": "gbr-space-command", "properties": []}),
    "another action": ("action", {"name": "can_read"}),
    "another case of the action": ("action", {"name": "Release"}),
    "a resource of another type": ("resource", {"type": "todo", "id": "1"}),
    "a dataset that is not granted": ("resource", {"type": "launchevent", "id": "1"}),
    "a record without anything": ("resource", {"type": "elset", "id": "one"}),
    "a record under two identifiers": ("resource", {"type": "elset", "id": "two",
                                                   "properties": json.loads(elset("one"))}),
    "a purpose that is not agreed": ("context", {"purpose": "curiosity"}),
    "a purpose of another type": ("context", {"purpose": ["collision-avoidance"]}),
    "no purpose where two are granted": ("context", {}),
}  # fmt: skip


@pytest.mark.parametrize("what", PARTS)
def test_whatever_is_not_understood_is_a_denial_and_no_error(asked, what):
    part, value = PARTS[what]
    assert post(asked, question(**{part: value}), who="gate").json() == {"decision": False}


WIDENING = (
    {"context": {"purpose": "collision-avoidance", "time": "1985-10-26T01:22:00Z", "approved": True, "admin": True}},
    {"subject": {"type": "system", "id": "gbr-space-command", "properties": {"partner": "GBR", "role": "admin",
     "clearance": "TOP SECRET", "holds": ["everything"], "credential": "mtls", "ip_address": "127.0.0.1"}}},
    {"action": {"name": "release", "properties": {"override": True}}},
    {"decision": True},
)  # fmt: skip


@pytest.mark.parametrize("more", WIDENING)
@pytest.mark.parametrize("marking", ["S//NF", "TS//REL TO USA, GBR", "U//REL TO USA, JPN"])
def test_nothing_that_an_asker_adds_widens_an_answer(asked, more, marking):
    assert not decided(post(asked, question(marking, **more)))
    assert decided(post(asked, question(**more)))


def test_a_claimed_clearance_only_lowers(asked):
    lowered = {"type": "system", "id": "gbr-space-command", "properties": {"clearance": "CONFIDENTIAL"}}
    assert decided(post(asked, question("S//REL TO USA, GBR"), who="gate"))
    assert not decided(post(asked, question("S//REL TO USA, GBR", subject=lowered), who="gate"))


def test_the_published_scenarios_shapes_are_accepted_and_denied_since_nobody_granted_them(asked):
    todo = {
        "subject": {"type": "user", "id": "CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs"},
        "action": {"name": "can_update_todo"},
        "resource": {"type": "todo", "id": "7240d0db", "properties": {"ownerID": "rick@the-citadel.com"}},
    }
    assert post(asked, todo).json()["decision"] is False
    several = {**todo, "evaluations": [{"resource": {"type": "todo", "id": str(number)}} for number in range(3)]}
    answer = post(asked, several, "evaluations").json()
    assert [each["decision"] for each in answer["evaluations"]] == [False] * 3


def boxcar(*markings: str, semantic: str | None = None) -> dict[str, object]:
    whole = question()
    resources = [question(marking)["resource"] for marking in markings]
    options = {} if semantic is None else {"options": {"evaluations_semantic": semantic, "another": 1}}
    return {**whole, "resource": {"type": "elset", "id": "none"}, **options,
            "evaluations": [{"resource": resource} for resource in resources]}  # fmt: skip


YES, NO = "U//REL TO USA, GBR", "S//NF"


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        (None, [True, False, True]),
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_several_are_decided_in_order_with_defaults_and_by_the_semantic_asked_for(asked, semantic, expected):
    size = asked.gateway.service.log.size()
    answer = post(asked, boxcar(YES, NO, YES, semantic=semantic), "evaluations")
    assert [each["decision"] for each in answer.json()["evaluations"]] == expected
    assert asked.gateway.service.log.size() == size + 1


def test_what_is_wrong_with_one_of_several_denies_that_one_alone(asked):
    body = boxcar(YES, YES)
    body["evaluations"][0] = {"resource": {"type": "elset"}}  # type: ignore[index]
    first, second = post(asked, body, "evaluations").json()["evaluations"]
    assert (first["decision"], first["context"]["error"]["status"], second["decision"]) == (False, 400, True)


def test_several_without_evaluations_are_one(asked):
    for body in (question(), {**question(), "evaluations": []}):
        assert post(asked, body, "evaluations").json()["decision"] is True


MALFORMED = (
    "", "[]", "nonsense", '{"subject": 1, "subject": 2}', '{"a": NaN}',
    json.dumps({name: part for name, part in question().items() if name != "action"}),
    json.dumps({**question(), "subject": "alice"}),
    json.dumps({**question(), "subject": {"type": "system"}}),
    json.dumps({**question(), "resource": {"type": "elset", "id": 1}}),
    json.dumps({**question(), "context": []}),
)  # fmt: skip


@pytest.mark.parametrize("body", MALFORMED)
def test_a_malformed_request_is_400_with_a_message_and_decides_nothing(asked, body):
    size = asked.gateway.service.log.size()
    answer = post(asked, body)
    assert answer.status_code == 400
    assert isinstance(answer.json(), str)
    assert [entry.leaf.event for entry in asked.log(asked.gateway.service.log.size() - size)] == ["evaluation-refused"]


@pytest.mark.parametrize(
    "more", [{"evaluations": {}}, {"evaluations": [1]}, {"evaluations": [{}] * 101}, {"options": []},
             {"options": {"evaluations_semantic": "permit_all"}}, {"subject": "alice"}]
)  # fmt: skip
def test_several_of_another_form_are_400(asked, more):
    assert post(asked, {**boxcar(YES), **more}, "evaluations").status_code == 400


@pytest.mark.parametrize(
    ("who", "body", "status", "by"),
    [("nobody", {"subject": 1}, 401, ""), ("portal", "{", 400, "portal"), ("portal", {"subject": 1}, 400, "portal")],
    ids=["unknown caller", "no JSON", "no subject"],
)
def test_an_answer_that_is_no_decision_is_in_the_log_once_and_without_its_body(asked, who, body, status, by):
    before = asked.gateway.service.log.size()
    assert post(asked, body, who=who).status_code == status
    (entry,) = asked.log(asked.gateway.service.log.size() - before)
    assert entry.leaf.event == "evaluation-refused"
    assert (entry.private["by"], entry.private["status"]) == (by, status)
    assert 'subject": 1' not in str(entry.private)


def test_another_type_of_body_or_a_strange_request_id_is_400(asked):
    assert post(asked, question(), **{"Content-Type": "text/plain"}).status_code == 400
    assert post(asked, question(), **{"X-Request-ID": "a" * 129}).status_code == 400


@pytest.mark.parametrize("who", ["nobody", "."])
def test_a_caller_that_is_no_enforcement_point_is_401_and_so_is_a_partner(asked, who):
    assert post(asked, question(), who=who).status_code == 401
    partner = post(asked, question(), who=asked.token("GBR"))
    assert (partner.status_code, "Bearer" in partner.headers["www-authenticate"]) == (401, True)


def test_a_stop_on_one_record_denies_that_record_to_other_enforcement_points_too(asked):
    log, at = asked.gateway.service.log, asked.gateway.service.clock()
    stop(log, StopKind.RECORD, "one", Order("test", "spilled", at))
    stopped = post(asked, question())
    lift(log, StopKind.RECORD, "one", Order("test", "cleared", at), UNSIGNED)
    assert not decided(stopped)
    assert stopped.json()["context"]["reasons"] == ["hold:stopped"]
    assert decided(post(asked, question()))


def test_a_stop_denies_at_once_and_a_gateway_without_policy_decides_nothing(asked):
    log, at = asked.gateway.service.log, asked.gateway.service.clock()
    stop(log, StopKind.DATASET, "elset", Order("test", "because", at))
    stopped = post(asked, question(), who="gate")
    lift(log, StopKind.DATASET, "elset", Order("test", "for the other tests", at), UNSIGNED)
    assert not decided(stopped)


def test_a_field_that_the_asker_does_not_mention_counts_as_there_where_fields_together_raise_the_level(
    tmp_path: Path, keys: Path
):
    policies = Path(copytree(POLICIES, tmp_path / "policies"))
    with (policies / "datasets" / "elset.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[compilation]]\nid = "elset-both"\nfields = ["satNo", "descriptor"]\nlevel = "SECRET"\n')
    (tmp_path / "points.toml").write_text(FILE, encoding="utf-8")
    low = {"partner": "GBR", "clearance": "UNCLASSIFIED"}
    subject = {"type": "system", "id": "gbr-space-command", "properties": low}
    with loopback(tmp_path / "var", keys, policies=policies, enforcement_points=tmp_path / "points.toml") as here:

        def about(**more: object) -> httpx.Response:
            fields = {**json.loads(elset("one", "U//REL TO USA, GBR")), **more}
            return post(here, question(subject=subject, resource={"type": "elset", "id": "one", "properties": fields}))

        assert decided(about(descriptor=None))
        for answer in (about(), about(descriptor="both")):
            assert not decided(answer)
            assert answer.json()["context"]["reasons"] == ["clearance:above_system_clearance"]


def test_the_metadata_names_the_endpoints_under_the_configured_address_whatever_host_was_asked(asked):
    answer = asked.client.get("/.well-known/authzen-configuration", headers={"Host": "evil.example"})
    assert answer.json() == {
        "policy_decision_point": ADDRESS,
        "access_evaluation_endpoint": f"{ADDRESS}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{ADDRESS}/access/v1/evaluations",
    }


def test_without_enforcement_points_there_is_nothing_at_these_addresses(shared):
    never = shared.get("/access/v1/nothing")
    assert shared.get("/.well-known/authzen-configuration").bare == never.bare
    assert shared.send("/access/v1/evaluation", method="POST").code == shared.send("/nothing", method="POST").code


@pytest.mark.parametrize("bad", ["", "[[enforcement_point", FILE + FILE, FILE.replace("GBR", "gbr"), FILE + "x = 1\n"])
def test_a_file_of_enforcement_points_that_cannot_be_read_whole_is_refused(tmp_path, bad):
    (tmp_path / "points.toml").write_text(bad, encoding="utf-8")
    with pytest.raises(EnforcementPointsRefused):
        read_enforcement_points(tmp_path / "points.toml")


def test_an_entry_of_evaluations_has_the_published_form(asked):
    size = asked.gateway.service.log.size()
    body = boxcar(YES, NO)
    body["evaluations"].append({"action": 1})  # type: ignore[attr-defined]
    body["evaluations"].append({"resource": {"type": "todo", "id": "1"}})  # type: ignore[attr-defined]
    assert post(asked, body, "evaluations").status_code == 200
    (entry,) = asked.gateway.service.log.entries(size - 1, 10)
    schema = json.loads((SCHEMAS / "private-evaluated.v2.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(canonical.encode(entry.private, "private")), schema)
