"""The cutter carries out obligations to the letter or leaves the member out, and touches nothing else."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.content.degrade import degrade, plan_cuts
from gateway.content.errors import ObligationRefused
from gateway.policy.decision import Obligations

MARKING = "classificationMarking"
KM = Decimal(1)


def cut(raw, *, drop=(), **rounded):
    paths = {path.replace("__", "."): Decimal(step) for path, step in rounded.items()}
    return degrade(raw, plan_cuts(Obligations(drop=frozenset(drop), round=paths), MARKING))


def test_no_obligations_give_back_the_same_bytes_object():
    raw = b'{ "a" : 1 }'
    assert cut(raw).raw is raw


def test_obligations_on_what_the_record_lacks_give_back_the_same_bytes_object():
    raw = b'{ "a" : 1, "b": {"c": null} }'
    done = cut(raw, drop=["x", "b.d", "a2.y"], y=1, b__c=1)
    assert done.raw is raw
    assert (done.redacted, done.rounded, done.unroundable) == ((), (), ())


def test_number_that_is_such_a_multiple_already_keeps_the_record_s_bytes():
    raw = b'{ "a" : 5 }'
    done = cut(raw, a=1)
    assert done.raw is raw
    assert done.rounded == ("a",)


def test_untouched_members_keep_their_values_bytes():
    raw = b'{"a": 1.50,"b":[1,  2.0E1 , {"x" : "\\u0041"}],"c":5,"d":"\\/"}'
    assert cut(raw, drop=["c"]).raw == b'{"a":1.50,"b":[1,  2.0E1 , {"x" : "\\u0041"}],"d":"\\/"}'


def test_drop_and_round_reach_into_objects_and_the_objects_of_lists():
    raw = b'{"s":{"x":1.6,"y":1.6,"z":1.6},"l":[{"x":1.6,"y":2},{"y":3},null,[{"x":2.4}]]}'
    done = cut(raw, drop=["s.y", "l.y"], s__x=1, l__x=1)
    assert done.raw == b'{"s":{"x":2,"z":1.6},"l":[{"x":2},{},null,[{"x":2}]]}'
    assert done.redacted == ("l.y", "s.y")
    assert done.rounded == ("l.x", "s.x")


def test_every_number_of_a_covariance_is_rounded_and_null_stays_null():
    done = cut(b'{"cov":[1.2, null,[-0.4,3]],"n":null}', cov=1, n=1)
    assert done.raw == b'{"cov":[1,null,[0,3]],"n":null}'
    assert done.rounded == ("cov",)


@pytest.mark.parametrize("value", ['"1.6"', "true", '{"x":1.6}', '[1.6,"1.6"]', "[[1.6],{}]", "1e308"])
def test_what_cannot_be_rounded_is_left_out_and_reported(value):
    done = cut(b'{"a":' + value.encode() + b',"b":1}', a="1e308" if value == "1e308" else 1)
    if value == "1e308":
        assert done.rounded == ("a",)
        return
    assert done.raw == b'{"b":1}'
    assert done.redacted == done.unroundable == ("a",)
    assert done.rounded == ()


@pytest.mark.parametrize("way", ['"x is 1.6"', "1.6", "true", '["x is 1.6"]', '[{"x":1.6},1.6]'])
def test_what_stands_in_a_path_s_way_is_left_out_whole(way):
    raw = b'{"a":' + way.encode() + b',"b":1}'
    for done in (cut(raw, drop=["a.x"]), cut(raw, a__x=1)):
        assert done.raw == b'{"b":1}'
        assert "a" in done.redacted


def test_drop_stands_over_rounding_at_and_below_it():
    raw = b'{"a":{"x":1.6,"y":1},"b":2.5}'
    assert cut(raw, drop=["a", "b"], a__x=1, b=1).raw == b"{}"
    assert cut(raw, drop=["a", "a.x"]).raw == b'{"b":2.5}'


@pytest.mark.parametrize("path", [MARKING, f"stateVector1.{MARKING}", f"{MARKING}.x", "", "a..b", ".a", "a."])
def test_obligation_on_a_marking_or_an_empty_part_is_refused(path):
    with pytest.raises(ObligationRefused) as refused:
        plan_cuts(Obligations(drop=frozenset({path})), MARKING)
    assert refused.value.path == path
    with pytest.raises(ObligationRefused):
        plan_cuts(Obligations(round={path: KM}), MARKING)


@pytest.mark.parametrize("step", ["0", "-1", "NaN", "Infinity"])
def test_step_that_is_not_a_number_above_zero_is_refused(step):
    with pytest.raises(ObligationRefused):
        plan_cuts(Obligations(round={"a": Decimal(step)}), MARKING)


@pytest.mark.parametrize("inside", [{"drop": ["a.b"], "a": 1}, {"a": 1, "a__b": 1}])
def test_member_that_is_to_be_rounded_and_cut_inside_is_dropped(inside):
    assert cut(b'{"a":1.6,"c":{"a":1.6}}', **inside).raw == b'{"c":{"a":1.6}}'


def test_plan_tells_the_checker_the_paths_that_its_tree_comes_to():
    plan = plan_cuts(Obligations(drop=frozenset({"a", "a.b", "c.d"}), round={"a.e": KM, "c.f": KM, "g": KM}), MARKING)
    assert plan.drop == {"a", "c.d"}
    assert plan.round == {"c.f": KM, "g": KM}


names = st.sampled_from(["a", "b", "c", "x"])
scalars = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=4)
scalars |= st.floats(-1e9, 1e9).map(lambda number: round(number, 4))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=15
)
records = st.dictionaries(names, values, max_size=4).map(lambda members: {"id": "r", MARKING: "U", **members})
paths = st.lists(names, min_size=1, max_size=3).map(".".join)


@st.composite
def obligations(draw):
    drop = draw(st.frozensets(paths, max_size=3))
    step = st.sampled_from([Decimal("0.5"), Decimal(1), Decimal(1000)])
    rounded = {}
    for path, each in draw(st.dictionaries(paths, step, max_size=3)).items():
        if not any(f"{path}.".startswith(f"{other}.") or f"{other}.".startswith(f"{path}.") for other in rounded):
            rounded[path] = each
    return Obligations(drop=drop, round=rounded)


def places(value, path=()):
    """Every place in a value, with what stands there."""
    yield path, value
    if isinstance(value, dict):
        for name, member in value.items():
            yield from places(member, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places(item, (*path, number))


def declared(path):
    return ".".join(part for part in path if isinstance(part, str))


@given(records, obligations())
def test_degrading_never_adds_a_member_or_any_information(record, duty):
    raw = json.dumps(record).encode()
    after = json.loads(degrade(raw, plan_cuts(duty, MARKING)).raw)
    before = dict(places(record))
    for path, value in places(after):
        assert path in before
        if isinstance(value, dict | list):
            assert type(value) is type(before[path])
        elif declared(path) in duty.round and value is not None:
            assert Fraction(repr(value)) % Fraction(duty.round[declared(path)]) == 0
        else:
            assert value == before[path]
    assert after[MARKING] == record[MARKING]


@given(records, obligations())
def test_nothing_that_was_to_be_dropped_is_left(record, duty):
    after = json.loads(degrade(json.dumps(record).encode(), plan_cuts(duty, MARKING)).raw)
    assert duty.drop.isdisjoint(declared(path) for path, _ in places(after) if path and isinstance(path[-1], str))


@given(records, obligations())
def test_degrading_twice_is_the_same_as_degrading_once(record, duty):
    plan = plan_cuts(duty, MARKING)
    once = degrade(json.dumps(record).encode(), plan)
    again = degrade(once.raw, plan)
    assert again.raw == once.raw
    assert again.redacted == ()


@given(records, obligations())
def test_members_outside_every_path_keep_their_bytes(record, duty):
    raw = json.dumps(record, ensure_ascii=False).encode()
    after = degrade(raw, plan_cuts(duty, MARKING)).raw
    touched = {path.split(".")[0] for path in (*duty.drop, *duty.round)}
    for name, value in record.items():
        if name not in touched:
            assert json.dumps(value, ensure_ascii=False).encode() in after


@given(records, obligations(), st.integers(0, 10**6))
def test_records_that_differ_only_in_dropped_members_become_the_same(record, duty, other):
    plan = plan_cuts(duty, MARKING)
    changed = {**record, **{path: other for path in duty.drop if "." not in path and path in record}}
    first, second = (degrade(json.dumps(each).encode(), plan).raw for each in (record, changed))
    assert json.loads(first) == json.loads(second)
