"""One record is judged by its own label, by every label inside it, and by doubts; any of them withholds it whole."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.orders import StopKind
from gateway.judging import evidence, judge, permits_roll_up
from tests.policy.worked import NOW
from tests.support.cases import admitted, conjunction, elset, judged, stop, view_of

JPN = admitted("JPN", "elset")
GBR = admitted("GBR", "elset")
JPN_CONJUNCTIONS = admitted("JPN", "conjunction")


def reasons(raw: bytes, come=JPN, **said: object) -> set[str]:
    decided = judged(raw, come, **said)  # type: ignore[arg-type]
    assert decided.permitted == (not decided.reasons)
    return set(decided.reasons)


def test_a_sound_record_that_its_label_and_the_agreement_permit_goes():
    decided = judged(elset(), JPN)
    assert decided.permitted
    assert decided.reasons == ()
    assert [label.portion() for label in decided.labels] == ["U//REL TO USA, GBR, JPN"]


WITHHELD = (
    (elset(marking=...), "label:label_missing"),
    (elset(marking=""), "label:label_missing"),
    (elset(marking=5), "label:label_record_malformed"),
    (elset(marking="u//rel to usa, jpn"), "label:label_unparsed"),
    (elset(marking="U//REL TO USA, JPN//ZZZ"), "label:label_unparsed"),
    (elset(marking=" U//REL TO USA, JPN"), "label:label_unparsed"),
    (elset(marking="S//NF"), "originator:control_forbids"),
    (elset(marking="U//REL TO USA, GBR"), "releasability:nation_not_listed"),
    (elset(marking="TS//REL TO USA, JPN"), "clearance:above_ceiling"),
    (elset(createdAt=...), "label:label_date_missing"),
    (elset(createdAt="2026-06-16"), "label:label_record_malformed"),
    (elset(createdAt="2999-01-01T00:00:00Z"), "label:label_date_future"),
    (elset(satNo=...), "grant:fact_missing"),
    (elset(satNo="24278"), "grant:fact_invalid"),
    (elset(satNo=20776), "grant:no_grant"),
    (elset(idElset=...), "label:label_record_malformed"),
    (elset(idElset=""), "label:label_record_malformed"),
    (elset(idElset=7), "label:label_record_malformed"),
    (elset(dataMode="EXERCISE"), "grant:denied_by_rule"),
    (elset(line1="1 24278S 96046A   26167.50000000"), "label:label_contradicted"),
    (elset(line1="1 24278  96046A   26167.50000000"), "label:label_contradicted"),
    (elset(onOrbit={"name": "no marking"}), "label:label_nested"),
    (elset(onOrbit="text"), "label:label_nested"),
    (elset(onOrbit={"classificationMarking": "S//NF"}), "label:label_nested"),
    (elset(onOrbit={"classificationMarking": "nonsense"}), "label:label_nested"),
    (elset(anything={"deep": [{"classificationMarking": "S//NF"}]}), "label:label_nested"),
    (elset().replace(b'"source"', b'"satNo":24278,"source"'), "label:label_duplicate_key"),
    (elset().replace(b'"source":"SENSOR-7"', b'"x":{"a":1,"a":2}'), "label:label_duplicate_key"),
    (elset().replace(b'"source"', b'"CLASSIFICATIONMARKING":"S//NF","source"'), "label:label_record_malformed"),
    (elset().replace(b"14.3", b"1e999"), "label:label_record_malformed"),
    (elset(note=0).replace(b'"note":0', b'"note":1e999'), "label:label_record_malformed"),
    (elset().replace(b"SENSOR-7", b"\xff"), "label:label_record_malformed"),
    (elset().replace(b"SENSOR-7", b"\\ud800"), "label:label_record_malformed"),
    (b"[]", "label:label_record_malformed"),
    (b"5", "label:label_record_malformed"),
    (b"", "label:label_record_malformed"),
)


@pytest.mark.parametrize(("raw", "reason"), WITHHELD, ids=lambda value: repr(value)[:60])
def test_any_doubt_or_denial_withholds_a_record_and_is_named(raw: bytes, reason: str):
    found = judged(raw, JPN)
    assert not found.permitted
    assert any(each == reason or each.startswith(reason) for each in found.reasons), found.reasons


def test_a_record_whose_identifier_stands_for_another_one_too_is_withheld():
    assert not reasons(elset())
    assert "label:label_record_malformed" in reasons(elset(), twin=True)


def test_a_doubt_found_by_the_strict_reading_alone_withholds_what_would_have_gone():
    sound = elset(note="x")
    hidden = sound.replace(b'"note":"x"', b'"note":{"a":1,"\\u0061":2}')
    assert not reasons(sound)
    assert "label:label_duplicate_key" in reasons(hidden)


INNER = (
    ("S//REL TO USA, JPN", ("S//REL TO USA, JPN", "U//REL TO USA, JPN"), True),
    ("S//REL TO USA, JPN", ("S//REL TO USA, JPN",), True),
    ("S//REL TO USA, JPN", (), True),
    ("U//REL TO USA, JPN", ("S//REL TO USA, JPN", "U//REL TO USA, JPN"), False),
    ("U//REL TO USA, JPN", ("U//REL TO USA, JPN", "S//NF"), False),
    ("S//REL TO USA, JPN", ("S//NF", "S//REL TO USA, JPN"), False),
    ("S//REL TO USA, GBR, JPN", ("S//REL TO USA, JPN", "S//REL TO USA, GBR, JPN"), False),
    ("S//REL TO USA, JPN", ("S//REL TO USA, GBR", "S//REL TO USA, JPN"), False),
    ("S//REL TO USA, JPN", ("", "S//REL TO USA, JPN"), False),
    ("S//REL TO USA, JPN", ("nonsense", "S//REL TO USA, JPN"), False),
    ("S//REL TO USA, JPN", ({"xpos": 1.0}, "S//REL TO USA, JPN"), False),
    ("S//REL TO USA, JPN", (5, "S//REL TO USA, JPN"), False),
    ("S//REL TO USA, JPN", ([5], "S//REL TO USA, JPN"), False),
    ("S//REL TO USA, JPN", ([], "S//REL TO USA, JPN"), True),
    ("S//REL TO USA, JPN", (None, "S//REL TO USA, JPN"), True),
)


@pytest.mark.parametrize(("outer", "inner", "goes"), INNER, ids=lambda value: repr(value)[:60])
def test_a_record_with_records_inside_goes_whole_or_not_at_all(outer: str, inner: tuple[object, ...], goes: bool):
    found = reasons(conjunction(outer, *inner), JPN_CONJUNCTIONS)
    assert (not found) == goes, found
    if found:
        assert any(each.startswith(("label:", "releasability:", "originator:")) for each in found)


def test_a_record_inside_a_record_inside_a_record_is_judged_too():
    deep = {"classificationMarking": "U//REL TO USA, JPN", "onOrbit": {"classificationMarking": "S//NF"}}
    assert "label:label_nested" in reasons(conjunction("U//REL TO USA, JPN", deep), JPN_CONJUNCTIONS)
    deep["onOrbit"] = {"classificationMarking": "U//REL TO USA, JPN"}
    assert not reasons(conjunction("U//REL TO USA, JPN", deep), JPN_CONJUNCTIONS)


def test_a_stop_on_the_record_withholds_it_and_a_delay_does_until_it_has_passed():
    assert "hold:stopped" in reasons(elset(), stops=("record:one",))
    assert stop(StopKind.RECORD, "one").stopping("JPN", "elset", "one") == ("record:one",)
    notice = (
        b'{"id":"one","classificationMarking":"U//REL TO USA, JPN","createdAt":"%s","msgType":"LAUNCH_NOTICE",'
        b'"dataMode":"REAL"}'
    )
    for minutes, goes in ((59, False), (60, True)):
        made = (NOW - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z").encode()
        found = reasons(notice % made, admitted("JPN", "notification"))
        assert (not found) == goes
        assert goes or found == {"hold:delay_not_passed"}


def test_judging_evidence_again_gives_the_same_judgement():
    for raw in (elset(), elset(marking="S//NF"), elset(satNo=...), b"5"):
        shown = evidence(JPN.case, view_of(raw, JPN), JPN.shape, ())
        assert judge(JPN.case, shown, JPN.shape) == judge(JPN.case, shown, JPN.shape)


REL = ("U//REL TO USA, JPN", "U//REL TO USA, GBR", "S//REL TO USA, GBR, JPN")
markings_drawn = st.sampled_from(["U", "U//FOUO", *REL, "S//NF", "C//RELIDO", "x", ""])


@given(outer=markings_drawn, inner=st.lists(markings_drawn, max_size=2))
def test_a_record_that_goes_would_have_gone_with_any_one_of_its_labels_alone(outer: str, inner: list[str]):
    if judged(conjunction(outer, *inner), JPN_CONJUNCTIONS).permitted:
        for marking in (outer, *inner):
            assert judged(conjunction(marking), JPN_CONJUNCTIONS).permitted


@given(st.lists(markings_drawn, min_size=1, max_size=6))
def test_the_roll_up_of_what_may_go_permits_the_partner_and_is_at_least_as_strict_as_each(drawn: list[str]):
    going = [each for each in (judged(elset(marking=marking), GBR) for marking in drawn) if each.permitted]
    if not going:
        return
    rolled = permits_roll_up(GBR.case, going)
    assert rolled is not None
    assert rolled.label.level == max(label.level for each in going for label in each.labels)
