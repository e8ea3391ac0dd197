"""A chunk's bytes are read once more before they leave; whatever went wrong before, the reader's no is final."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.answering import content_of
from gateway.asking import Operation
from gateway.batch import Batch
from gateway.content.degrade import Degraded
from gateway.refusals import Refused
from tests.support.cases import admitted, batch_of, elset, judged

LIST = admitted("JPN", "elset")
ONE = admitted("JPN", "elset", Operation.IDENTIFIED)
TUPLE = admitted("JPN", "elset", Operation.TUPLE, ("columns", "satNo"))
WITHHELD = elset("hidden", "S//NF")


def test_a_list_holds_what_goes_in_order_and_nothing_of_what_does_not():
    batch = batch_of(LIST, elset("a"), WITHHELD, elset("b", "S//REL TO USA, JPN"))
    content = content_of(Operation.LIST, batch)
    assert [record["idElset"] for record in json.loads(content.body)] == ["a", "b"]
    assert b"hidden" not in content.body
    assert content.media_type == "application/json"
    assert content.label == "SECRET//REL TO USA, JPN"


def test_an_answer_with_nothing_that_may_go_is_an_empty_array_without_a_label():
    for batch in (batch_of(LIST), batch_of(LIST, WITHHELD), batch_of(LIST, b"5", b"")):
        content = content_of(Operation.LIST, batch)
        assert (content.body, content.label) == (b"[]", "")


def test_a_record_keeps_its_bytes_but_for_what_the_obligations_cut():
    raw = elset("a")
    body = content_of(Operation.IDENTIFIED, batch_of(ONE, raw)).body
    assert body == raw.replace(b',"origin":"PROVIDER-9"', b"")


def test_by_identifier_a_withheld_record_and_none_are_refused_alike():
    refusals = []
    for batch in (batch_of(ONE), batch_of(ONE, WITHHELD)):
        with pytest.raises(Refused) as refused:
            content_of(Operation.IDENTIFIED, batch)
        refusals.append((refused.value.code, refused.value.detail, refused.value.parameter))
    assert refusals[0] == refusals[1]
    assert refusals[0][0] == "not_found"


def test_a_count_is_a_plain_number_and_says_nothing_else():
    batch = batch_of(admitted("JPN", "elset", Operation.COUNT), WITHHELD, counted=17)
    content = content_of(Operation.COUNT, batch)
    assert (content.body, content.media_type, content.label) == (b"17", "text/plain", "")


def test_a_tuple_holds_the_columns_asked_for_and_the_marking_though_decided_on_the_whole_record():
    batch = batch_of(TUPLE, elset("a"), elset("b", satNo=20776), WITHHELD)
    body = content_of(Operation.TUPLE, batch).body
    assert json.loads(body) == [{"classificationMarking": "U//REL TO USA, GBR, JPN", "satNo": 24278}]


def test_a_tuple_never_holds_a_column_that_an_obligation_drops():
    come = admitted("JPN", "elset", Operation.TUPLE, ("columns", "origin,satNo,nothing"))
    (record,) = json.loads(content_of(Operation.TUPLE, batch_of(come, elset("a"))).body)
    assert set(record) == {"classificationMarking", "satNo"}


def test_a_field_that_the_dataset_does_not_list_never_leaves_though_nothing_else_is_degraded():
    come = admitted("GBR", "elset")
    raw = elset("a", satNo=20776)
    inner = b'"onOrbit":{"classificationMarking":"U//REL TO USA, GBR, JPN","mass":1}'
    batch = batch_of(come, raw[:-1] + b',"exactPosition":[7000.125],' + inner + b"}")
    (record,) = json.loads(content_of(Operation.LIST, batch).body)
    assert record == {**json.loads(raw), "onOrbit": {"classificationMarking": "U//REL TO USA, GBR, JPN"}}
    assert batch.going[0].cut.unlisted == ("exactPosition", "onOrbit.mass")


def test_a_column_that_was_not_asked_for_is_refused_in_a_tuple():
    batch = batch_of(TUPLE, elset("a"))
    (picked,) = batch.going
    batch.going = [replace(picked, cut=Degraded(picked.cut.raw.replace(b"{", b'{"dataMode":"REAL",')))]
    with pytest.raises(Refused, match="release_check_failed"):
        content_of(Operation.TUPLE, batch)


def test_query_help_lists_the_parameters_of_the_policy_file_and_none_that_this_partner_may_not_use():
    helped = json.loads(content_of(Operation.QUERYHELP, batch_of(admitted("JPN", "elset", Operation.QUERYHELP))).body)
    names = {parameter["name"] for parameter in helped["parameters"]}
    assert "epoch" in names
    assert not names & set(LIST.rules.forbidden)
    assert {name for name, field in LIST.rules.parameters.items() if field not in LIST.rules.forbidden} == names
    assert [each["name"] for each in helped["parameters"] if each["required"]] == ["epoch"]


def broken(change: Callable[[bytes], bytes]) -> Batch:
    """A batch whose one record was changed after it was cut, as by a fault of the cutter."""
    batch = batch_of(LIST, elset("a"))
    (picked,) = batch.going
    batch.going = [replace(picked, cut=Degraded(change(picked.cut.raw)))]
    return batch


FAULTS = (
    ("another-marking", lambda raw: raw.replace(b"U//REL TO USA, GBR, JPN", b"S//NF")),
    ("no-marking", lambda raw: raw.replace(b"classificationMarking", b"other")),
    ("second-marking", lambda raw: raw.replace(b'"satNo"', b'"classificationMarking":"S//NF","satNo"')),
    ("marking-in-other-case", lambda raw: raw.replace(b'"satNo"', b'"ClassificationMarking":"S//NF","satNo"')),
    ("inner-marking", lambda raw: raw.replace(b"24278", b'{"classificationMarking":"S//NF"}')),
    ("another-record", lambda raw: raw.replace(b'"a"', b'"z"')),
    ("dropped-field-there", lambda raw: raw.replace(b'"satNo"', b'"origin":"PROVIDER-9","satNo"')),
    ("unlisted-field", lambda raw: raw.replace(b'"satNo"', b'"exactPosition":7000.125,"satNo"')),
    ("object-for-a-value", lambda raw: raw.replace(b"24278", b'{"exact":1}')),
    ("two-records", lambda raw: raw + b"," + raw),
    ("no-record", lambda _: b""),
    ("not-json", lambda raw: raw[:-1]),
    ("an-array", lambda raw: b"[" + raw + b"]"),
    ("name-twice", lambda raw: raw.replace(b'"satNo"', b'"satNo":1,"satNo"')),
    ("number-too-large", lambda raw: raw.replace(b"24278", b"1e999")),
    ("bad-utf8", lambda raw: raw.replace(b"SENSOR", b"\xff")),
)


@pytest.mark.parametrize("change", [fault[1] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_whatever_goes_wrong_in_cutting_the_checker_refuses_the_chunk(change: Callable[[bytes], bytes]):
    with pytest.raises(Refused) as refused:
        content_of(Operation.LIST, broken(change))
    assert refused.value.code == "release_check_failed"
    assert refused.value.detail


def test_a_withheld_record_that_slips_in_among_those_that_go_is_refused():
    batch = batch_of(LIST, elset("a"), WITHHELD)
    (picked,) = batch.going
    batch.going = [picked, replace(picked, cut=Degraded(WITHHELD))]
    with pytest.raises(Refused, match="release_check_failed"):
        content_of(Operation.LIST, batch)


def test_an_answer_whose_labels_together_would_not_permit_the_partner_is_refused():
    batch = batch_of(LIST, elset("a"))
    (picked,) = batch.going
    stricter = judged(elset("a", "U//REL TO USA, GBR"), LIST)
    batch.going = [replace(picked, judged=replace(picked.judged, labels=stricter.labels))]
    with pytest.raises(Refused) as refused:
        content_of(Operation.LIST, batch)
    assert refused.value.code == "release_check_failed"
    assert "roll-up" in refused.value.detail


def test_the_pieces_of_a_long_list_join_to_one_array_whatever_each_of_them_holds():
    pieces = ([elset("a"), elset("b")], [], [WITHHELD], [elset("c")], [])
    body, before = b"", 0
    for number, records in enumerate(pieces):
        batch = batch_of(LIST, *records)
        batch.number, batch.before, batch.last = number, before, number == len(pieces) - 1
        body += content_of(Operation.LIST, batch).body
        before += len(batch.going)
    assert [record["idElset"] for record in json.loads(body)] == ["a", "b", "c"]
