"""Entries in other systems' forms: each line whole, whatever was asked; what is not for export is in none."""

from __future__ import annotations

import csv
import io
import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.entry import Event
from gateway.audit.export import LONGEST, Form, framed, header, line, message
from gateway.audit.export_fields import COLUMNS, CUT, fields
from gateway.audit.leaf import Leaf
from gateway.audit.stored import Summary

LEAF = Leaf(
    version=1, origin="gateway.example/log", time="2026-03-01T12:00:00.123456Z", event="release", partner="JPN",
    request="q1", release="r1", chunk=0, last=True, outcome="released", content="aa" * 32, sealed="bb" * 32, key="k",
    released=2, records="cc" * 32, private="dd" * 32,
)  # fmt: skip
PRIVATE = {
    "dataset": "elset",
    "purpose": "collision-avoidance",
    "operation": "list",
    "path": "/udl/elset",
    "label": "SECRET//REL TO USA, JPN",
    "level": "S",
    "withheld": 3,
    "policy": "ab" * 32,
    "by_label": [{"label": "S//REL TO USA, JPN", "level": "S", "released": 2, "withheld": 3, "redacted": 1}],
    "by_grant": {"elsets": 2},
    "why_withheld": {"grant:no_grant": 3},
    "caller": {"system": "tokyo"},
}
HOSTILE = 'x"]|=\\ y\n<13>1 forged\r\u2028\x00\u202e'


def entry(leaf: Leaf = LEAF, **private: object) -> Summary:
    return Summary(7, leaf, b"", {**PRIVATE, **private})  # type: ignore[dict-item]


def hostile(text: str = HOSTILE) -> Summary:
    return entry(path=text, purpose=text, label=text, caller={"system": text}, by_grant={text: 1})


def test_an_entry_is_told_by_the_same_named_values_in_every_form():
    said = fields(entry())
    assert tuple(said) == COLUMNS
    assert (said["index"], said["partner"], said["system"], said["redacted"]) == (7, "JPN", "tokyo", 1)
    assert (said["reasons"], said["rules"], said["policy"]) == ("grant:no_grant", "elsets", "ab" * 32)


def test_a_csv_line_reads_back_under_its_header_and_starts_no_formula():
    (row,) = csv.DictReader(io.StringIO(header(Form.CSV) + "\n" + line(entry(path="=cmd|' /C calc'!A0"), Form.CSV)))
    assert (row["partner"], row["released"], row["path"]) == ("JPN", "2", "'=cmd|' /C calc'!A0")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_begins_as_a_spreadsheet_begins_a_formula(first: str):
    (row,) = csv.reader(io.StringIO(line(hostile(f"{first}1+1"), Form.CSV)))
    assert not any(cell.startswith(first) for cell in row)
    assert row[COLUMNS.index("system")].startswith("'")


def test_a_json_line_holds_every_value():
    assert json.loads(line(entry(), Form.JSONL)) == dict(fields(entry()))


def test_an_ocsf_event_is_an_api_activity_with_what_its_class_requires():
    event = json.loads(line(entry(), Form.OCSF))
    required = {"activity_id", "actor", "api", "category_uid", "class_uid", "metadata", "severity_id", "src_endpoint"}
    assert required | {"time", "type_uid"} <= event.keys()
    assert (event["class_uid"], event["category_uid"], event["type_uid"]) == (6003, 6, 600302)
    assert event["time"] == 1772366400123
    assert event["metadata"]["product"]["name"] == "Releasability Gateway"
    refused = Leaf(**{**{name: getattr(LEAF, name) for name in LEAF.__struct_fields__}, "outcome": "stopped"})
    assert json.loads(line(entry(refused), Form.OCSF))["status_id"] == 2
    other = Leaf(**{**{name: getattr(LEAF, name) for name in LEAF.__struct_fields__}, "event": "stop-set"})
    assert json.loads(line(entry(other), Form.OCSF))["type_uid"] == 600399


def test_a_cef_line_has_seven_header_fields_and_then_pairs():
    head, _, extension = line(entry(), Form.CEF).rpartition("|")
    assert head.split("|")[0] == "CEF:0"
    assert len(re.findall(r"(?<!\\)\|", line(entry(), Form.CEF))) == 7
    assert "duser=JPN" in extension
    assert "cs1=elset cs1Label=dataset" in extension


SYSLOG = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\S+) (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) (?P<pid>[!-~]{1,128}) "
    r"(?P<id>[!-~]{1,32}) (?P<data>-|(?:\[[!-~]+@\d+(?: [A-Za-z0-9_]{1,32}=\"(?:[^\"\\\]]|\\[\"\\\]])*\")*\])+)"
    " \ufeff(?P<message>.*)"
)


def test_a_syslog_message_has_the_parts_that_rfc_5424_gives_it():
    found = SYSLOG.fullmatch(line(entry(), Form.SYSLOG, "gw1.example"))
    assert found is not None
    assert (found["pri"], found["host"], found["app"], found["id"]) == ("110", "gw1.example", "relgate", "release")
    assert 'partner="JPN"' in found["data"]
    assert json.loads(found["message"])["index"] == 7


@pytest.mark.parametrize("form", list(Form))
def test_what_an_attacker_can_choose_breaks_no_line_and_begins_no_field(form: Form):
    said = line(hostile(), form, "host name\n")
    assert len(said.splitlines()) == 1
    assert said.isprintable() or said.replace("\ufeff", "").isprintable()
    if form is Form.SYSLOG:
        assert SYSLOG.fullmatch(said)
    if form is Form.CEF:
        assert len(re.findall(r"(?<!\\)\|", said.partition("|rt=")[0])) == 6


@given(st.sampled_from(list(Form)), st.text(max_size=40))
def test_any_text_at_all_stays_within_its_line(form: Form, text: str):
    said = line(hostile(text), form)
    assert len(said.splitlines()) == 1
    said.encode()
    if form is Form.SYSLOG:
        assert SYSLOG.fullmatch(said)


def test_an_entry_whose_private_part_was_removed_is_told_by_its_leaf():
    for form in Form:
        assert "JPN" in line(Summary(7, LEAF, b"", None), form)


def evaluated() -> Summary:
    leaf = msgspec.structs.replace(LEAF, event="evaluated", outcome="evaluated", partner="", released=0)
    asked = {"partner": "JPN", "subject_id": "tokyo", "dataset": "elset", "shown": {"marking": "S//REL TO USA, JPN"}}
    evaluations = [
        {**asked, "decision": True, "reasons": []},
        {**asked, "partner": "FRA", "decision": False, "reasons": ["grant:no_grant"]},
    ]
    return Summary(9, leaf, b"", {"by": "portal", "what": "2 evaluations", "evaluations": evaluations})


def test_an_entry_of_evaluations_says_about_whom_it_was_and_how_many_were_permitted():
    said = fields(evaluated())
    assert tuple(said) == COLUMNS
    assert (said["partner"], said["system"], said["dataset"]) == ("JPN, FRA", "tokyo", "elset")
    assert (said["officer"], said["what"], said["reasons"]) == (
        "portal",
        "2 evaluations, 1 permitted",
        "grant:no_grant",
    )
    assert json.loads(line(evaluated(), Form.OCSF))["actor"]["user"] == {"name": "portal"}


@pytest.mark.parametrize("event", ["evaluation-refused", "policy-refused", "unwitnessed", "interrupted"])
def test_an_event_that_says_that_something_was_refused_or_failed_is_a_failure_in_every_form(event: str):
    said = entry(msgspec.structs.replace(LEAF, event=event, outcome=event))
    assert json.loads(line(said, Form.OCSF))["status"] == "Failure"
    assert "outcome=failure" in line(said, Form.CEF)
    assert line(said, Form.SYSLOG).startswith("<108>")


def test_what_an_ocsf_event_does_not_know_it_leaves_out_and_says_no_empty_name():
    leaf = msgspec.structs.replace(LEAF, event="started", partner="", request="")
    event = json.loads(line(Summary(1, leaf, b"", {}), Form.OCSF))
    assert event["actor"] == {"app_name": "relgate"}
    assert "request" not in event["api"]
    assert event["src_endpoint"] == {"svc_name": "releasability-gateway"}


def test_a_framed_message_begins_with_its_length_in_bytes():
    assert framed("\u00e4b") == b"3 \xc3\xa4b"


LONG = "y" * 70_000
HOSTILES = st.one_of(
    st.text(max_size=40),
    st.text(alphabet='=+-@|\\"]\n\r\t;, \x00\u202e\u2028\uff1dx', max_size=12),
    st.sampled_from([HOSTILE, LONG, "\U0001f680", "a\\", "\\|", "x=", " = ", "'", '"', "\ufeff=1"]),
)


def read_cef(said: str) -> tuple[list[str], dict[str, str]]:
    """A CEF line read by its rules alone: seven escaped header fields, then ``key=value`` pairs."""
    parts = re.split(r"(?<!\\)((?:\\\\)*)\|", said, maxsplit=7)
    head = [field + escapes for field, escapes in zip(parts[0:14:2], parts[1:14:2], strict=True)]
    keys = list(re.finditer(r"(?:^| )([A-Za-z0-9]+)=", parts[14]))
    ends = [found.start() for found in keys[1:]] + [len(parts[14])]
    pairs = {found[1]: parts[14][found.end() : end] for found, end in zip(keys, ends, strict=True)}
    assert len(pairs) == len(keys)
    return [re.sub(r"\\([\\|])", r"\1", field) for field in head], {
        key: re.sub(r"\\([\\=])", r"\1", value) for key, value in pairs.items()
    }


def written_out(text: str) -> str:
    """A text as lines carry it: what does not print, by its escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


@given(HOSTILES, HOSTILES)
def test_a_cef_line_reads_back_as_what_was_said_whatever_it_was(one: str, two: str):
    leaf = msgspec.structs.replace(LEAF, event="audit-read", outcome=one)
    head, pairs = read_cef(line(entry(leaf, path=two, by=one, label=two), Form.CEF))
    assert head[:3] == ["CEF:0", "Releasability Gateway", "relgate"]
    assert (head[4], head[5]) == ("audit-read", written_out(one))
    assert pairs.get("suser", "") == written_out((one or "tokyo")[:1023])
    assert pairs.get("request", "") == written_out(two[:1023])
    assert pairs.get("cs2", "") == written_out(two[:4000])
    assert pairs.keys() >= {"rt", "externalId", "outcome", "cn1", "cn1Label"}


def test_a_cef_line_keeps_addresses_of_ipv6_where_its_dictionary_has_them():
    _, pairs = read_cef(line(entry(peer={"address": "192.0.2.7", "port": 5}), Form.CEF))
    assert (pairs["src"], pairs["spt"]) == ("192.0.2.7", "5")
    _, pairs = read_cef(line(entry(peer={"address": "2001:db8::1", "port": 5}), Form.CEF))
    assert "src" not in pairs
    assert (pairs["c6a2"], pairs["c6a2Label"]) == ("2001:db8::1", "Source IPv6 Address")
    _, pairs = read_cef(line(entry(account={"uid": 7, "user": "", "host": "gw1"}, by="A. Officer"), Form.CEF))
    assert (pairs["shost"], pairs["flexString1"], pairs["flexString1Label"]) == ("gw1", "7", "account")
    assert pairs["suser"] == "A. Officer"


def read_params(data: str) -> dict[str, str]:
    """The parameters of structured data, read by RFC 5424's own grammar."""
    found = re.findall(r' ([!-~]+?)="((?:[^"\\\]]|\\["\\\]]|\\(?!["\\\]]))*)"', data)
    return {name: re.sub(r'\\(["\\\]])', r"\1", value) for name, value in found}


@given(HOSTILES, HOSTILES)
def test_a_syslog_message_reads_back_as_what_was_said_whatever_it_was(one: str, host: str):
    said = line(entry(label=one, by=one, peer={"address": "::1", "port": 9}), Form.SYSLOG, host)
    found = SYSLOG.fullmatch(said)
    assert found is not None
    params = read_params(found["data"])
    if len(one) < 1000:
        assert params.get("label", "") == written_out(one)
        assert json.loads(found["message"])["label"] == one
    assert (params["address"], params["port"]) == ("::1", "9")
    assert len(found["host"]) <= 255
    size, _, message = framed(said).partition(b" ")
    assert int(size) == len(message)
    assert message.decode() == said
    assert message.count(b"\xef\xbb\xbf") == 1


def test_a_message_id_and_a_priority_are_there_for_every_event():
    for event in Event:
        found = SYSLOG.fullmatch(line(entry(msgspec.structs.replace(LEAF, event=event.value)), Form.SYSLOG))
        assert found is not None
        assert found["id"] == event.value
        assert int(found["pri"]) in (13 * 8 + 4, 13 * 8 + 6)


@given(HOSTILES, HOSTILES)
def test_a_csv_line_is_one_row_of_as_many_cells_whatever_was_said_and_starts_no_formula(one: str, two: str):
    leaf = msgspec.structs.replace(LEAF, outcome=two)
    (row,) = csv.reader(io.StringIO(line(entry(leaf, label=one, path=two, by=one), Form.CSV)))
    assert len(row) == len(COLUMNS)
    said = dict(zip(COLUMNS, row, strict=True))
    assert said["label"].replace("'", "") == written_out(one).replace("'", "")
    for cell in row:
        for part in cell.split(";"):
            assert part.lstrip(' "')[:1] not in tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")


@given(HOSTILES)
def test_a_json_line_reads_back_as_what_was_said_whatever_it_was(one: str):
    assert msgspec.json.decode(line(entry(label=one, what=one), Form.JSONL))["label"] == one


TOLD = [
    ("stop-set", {"kind": "partner", "subject": "JPN", "reason": "spill"}, ("JPN", "partner JPN", "spill")),
    ("stop-set", {"kind": "record", "reason": "spill"}, ("", "record", "spill")),
    ("token-revoked", {"partner": "JPN", "jti": "j1", "reason": "lost"}, ("JPN", "j1", "lost")),
    ("emergency-opened", {"partner": "JPN", "name": "reentry", "reason": "now"}, ("JPN", "reentry", "now")),
    ("policy-refused", {"reason": "", "why": "line 3: no level"}, ("", "", "line 3: no level")),
    ("review-approved", {"partner": "GBR", "item": "3f0c", "reason": "tasked"}, ("GBR", "3f0c", "tasked")),
    ("keys-fetched", {"partner": "JPN", "issuer": "https://issuer.example"}, ("JPN", "https://issuer.example", "")),
    ("no-request", {"counted": {"malformed": 2, "slow_head": 1}}, ("", "malformed 2 slow_head 1", "")),
    (
        "bodies-removed",
        {"orders": [{"order": "remove", "by": "A", "what": "rows", "first": 3, "last": 9}]},
        ("", "rows of 3 to 9", ""),
    ),
    ("release", {"detail": "released key has expired"}, ("", "", "released key has expired")),
]


@pytest.mark.parametrize(("event", "private", "told"), TOLD, ids=[event for event, _, _ in TOLD])
def test_an_exported_order_says_whom_and_what_it_is_about_and_why(event, private, told):
    leaf = msgspec.structs.replace(LEAF, event=event, partner="")
    found = Summary(7, leaf, b"", private)
    assert tuple(fields(found)[name] for name in ("partner", "subject", "why")) == told
    for form in Form:
        assert all(word in line(found, form) for word in told)


EVERYTHING = ("dataset", "purpose", "operation", "path", "label", "by", "what", "reason", "kind", "subject")


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("text", ["y" * 70_000, "\U0001f680" * 9000, '"\\]' * 9000, "\x00" * 9000, "<13>1 x " * 9000])
def test_a_message_is_never_longer_than_receivers_take_and_says_where_it_was_cut(form: Form, text: str):
    private = dict.fromkeys(EVERYTHING, text) | {
        "by_grant": {text: 1},
        "why_withheld": {text: 1},
        "caller": {"system": text},
        "account": {"uid": 1, "user": text, "host": text},
    }
    leaf = msgspec.structs.replace(LEAF, partner="\u6771" * 400, request="\u4eac" * 400, key="k" * 1000)
    said = message(Summary(7, leaf, b"", private), form, "h" * 900)
    assert len(said.encode()) <= LONGEST
    assert len(said.splitlines()) == 1
    if form is Form.SYSLOG:
        found = SYSLOG.fullmatch(said)
        assert found is not None
        carried = json.loads(found["message"])
        assert carried["why"].endswith(CUT)
        assert carried["index"] == 7


def test_a_message_of_usual_length_is_not_cut_at_all():
    said = message(entry(reason="r" * 3000), Form.SYSLOG, "gw")
    assert CUT not in said
    assert "r" * 3000 in said
