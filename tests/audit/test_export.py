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

from gateway.audit.export import COLUMNS, Form, fields, framed, header, line
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
    assert event["src_endpoint"] == {"name": "unknown"}


def test_a_framed_message_begins_with_its_length_in_bytes():
    assert framed("\u00e4b") == b"3 \xc3\xa4b"
