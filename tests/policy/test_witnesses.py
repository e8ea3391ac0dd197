"""What a policy set demands of witnesses: all demands hold together, and one that cannot be met refuses the set."""

from __future__ import annotations

import itertools

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.checkpoint import ML_DSA_44, SigningKey
from gateway.policy.changes import NARROWER, OTHER, WIDER
from gateway.policy.compile import compile_policy
from gateway.policy.decision import Obligations, WitnessDemand
from gateway.policy.diff import diff
from gateway.policy.errors import PolicyError
from gateway.policy.impact import Flip, Impact, Verdict, flip
from gateway.policy.load import load
from gateway.policy.telling import witnessed
from gateway.policy.witnesses import strictest_witnessing
from tests.policy.worked import whole_files
from tests.support.witnesses import KEYS, NAMES, TABLE, demand, signing_key

SET, PARTNER, DATASET = "policies/policy.toml", "policies/partners/JPN.toml", "policies/datasets/elset.toml"
GRANT = "jpn-elset-own"


def files(partner: str = "", dataset: str = "", grant: str = "", table: str = TABLE) -> dict[str, bytes]:
    """The worked set, with lines put under the agreement, at the top of the dataset, and in the first grant over it."""
    whole = dict(whole_files())
    whole[SET] += table.encode()
    text = whole[PARTNER].decode().replace("[agreement]\n", f"[agreement]\n{partner}", 1)
    at = text.index("\n", text.index('dataset = "elset"', text.index("[[grant]]"))) + 1
    whole[PARTNER] = (text[:at] + grant + text[at:]).encode()
    whole[DATASET] = dataset.encode() + whole[DATASET]
    return whole


def refused(asked: frozenset[str] | None = None, **lines: str) -> str:
    with pytest.raises(PolicyError) as error:
        load(files(**lines), asked)
    return "\n".join(str(finding) for finding in error.value.findings)


def of(quorum: int, *names: str) -> WitnessDemand:
    return WitnessDemand(quorum, frozenset(names))


def test_what_agreement_dataset_and_grant_demand_holds_together():
    policy = compile_policy(load(files(demand(1, "nor-ig"), demand(2, *NAMES), demand(1, "jpn-audit"))))
    every = frozenset({of(1, "nor-ig"), of(2, *NAMES)})
    assert policy.witnesses("JPN", "elset", ()) == every
    assert policy.witnesses("JPN", "elset", [Obligations()]) == every
    whole = frozenset({*every, of(1, "jpn-audit")})
    assert policy.witnesses("JPN", "elset", None) == whole
    assert policy.witnesses("JPN", "elset", [Obligations(witnesses=whole)]) == whole
    assert policy.witnesses("GBR", "elset", ()) == frozenset({of(2, *NAMES)})
    assert policy.witnesses("JPN", "notification", ()) == frozenset({of(1, "nor-ig")})
    assert policy.witnesses("GBR", "notification", ()) == policy.witnesses("XXX", "elset", None) == frozenset()


def test_without_a_demand_nothing_is_demanded_though_witnesses_are_known():
    policy = compile_policy(load(files()))
    assert not any(policy.witnesses(code, name, None) for code, name in itertools.product(["JPN", "GBR"], ["elset"]))


demands = st.builds(lambda names, n: WitnessDemand(min(n, len(names)), names),
                    st.frozensets(st.sampled_from("abcde"), min_size=1), st.integers(1, 5))  # fmt: skip


@given(st.lists(demands, max_size=5))
def test_the_strictest_of_demands_is_met_exactly_where_each_of_them_is(asked: list[WitnessDemand]):
    strictest = strictest_witnessing(asked)
    assert strictest_witnessing(reversed(asked)) == strictest
    for size in range(6):
        for names in itertools.combinations("abcde", size):
            assert all(each.met_by(names) for each in strictest) == all(each.met_by(names) for each in asked)


@pytest.mark.parametrize("quorum", [0, 1])
def test_a_demand_for_nobody_is_met_by_nobody_at_all(quorum: int):
    assert not WitnessDemand(quorum, frozenset()).met_by(NAMES)
    assert not WitnessDemand(0, frozenset(NAMES)).met_by(NAMES)


@pytest.mark.parametrize(
    ("lines", "place", "said"),
    [
        ({"partner": demand(1, "nor-gi")}, f"{PARTNER}:", "perhaps nor-ig"),
        ({"dataset": demand(1, "nobody")}, f"{DATASET}:1:", "no witness nobody"),
        ({"grant": demand(1, "nobody")}, f"{PARTNER}:", "grant[0].witnesses.of[0]"),
        ({"partner": demand(1, "nor-ig"), "table": ""}, f"{PARTNER}:", "under [witnesses] of policies/policy.toml"),
        ({"partner": demand(3, "nor-ig", "gbr-audit")}, f"{PARTNER}:", "3 witnesses are demanded and 2 named"),
        ({"partner": demand(0, "nor-ig")}, f"{PARTNER}:", "agreement.witnesses.quorum"),
        ({"partner": "witnesses = { quorum = 1, of = [] }\n"}, f"{PARTNER}:", "agreement.witnesses.of"),
        ({"partner": "witnesses = { quorum = 1 }\n"}, f"{PARTNER}:", "is missing"),
        ({"partner": demand(2, "nor-ig", "nor-ig")}, f"{PARTNER}:", "named twice"),
    ],
)
def test_a_demand_that_cannot_be_met_refuses_the_set_with_its_place(lines: dict[str, str], place: str, said: str):
    found = refused(**lines)
    assert place in found
    assert said in found


NOR = KEYS["nor-ig"]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("nor.example/w1", "name+id+base64"),
        (NOR.replace("+B", "+A", 1), "of type 04"),
        (NOR[:-4] + "AAAA", "is not that of these bytes"),
        ("x" + NOR, "is not that of these bytes"),
        (NOR + "=", "base64"),
        (KEYS["gbr-audit"].replace("gbr-audit", "nor-ig"), "is not that of these bytes"),
    ],
    ids=["a name alone", "the type of a log's key", "changed bytes", "another name", "no base64", "another's bytes"],
)
def test_a_witness_key_that_is_none_refuses_the_set(key: str, said: str):
    found = refused(table=f'\n[witnesses]\nnor-ig = "{key}"\n')
    assert f"{SET}:" in found
    assert said in found


def test_one_witness_under_two_names_refuses_the_set_since_it_would_count_twice():
    again = f'\n[witnesses]\nnor-ig = "{NOR}"\nnorway = "{NOR}"\n'
    assert "would count twice" in refused(table=again)


def test_a_lattice_key_is_a_witness_key_as_well():
    key = SigningKey("nor.example/w1", MLDSA44PrivateKey.from_seed_bytes(bytes(32)), ML_DSA_44).verifier
    table = f'\n[witnesses]\nnor-ig = "{key}"\n'
    assert load(files(demand(1, "nor-ig"), table=table)).settings.witnesses == {"nor-ig": str(key)}


def test_a_set_that_demands_whom_the_gateway_does_not_ask_is_not_put_in_force():
    asked = frozenset({KEYS["nor-ig"]})
    load(files(demand(1, "nor-ig")), asked)
    assert load(files(), frozenset())  # who is demanded by nobody need not be asked
    found = refused(asked, partner=demand(1, "nor-ig", "gbr-audit"))
    assert "submits its checkpoints to no witness with the key of gbr-audit" in found
    assert "set witnesses.gbr-audit.url" in found
    assert refused(frozenset(), partner=demand(1, "nor-ig")).count("no witness with the key") == 1


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        ("", demand(1, "nor-ig"), NARROWER),
        (demand(1, "nor-ig"), "", WIDER),
        (demand(1, *NAMES), demand(2, *NAMES), NARROWER),
        (demand(1, *NAMES), demand(1, "nor-ig"), NARROWER),
        (demand(2, *NAMES), demand(1, "nor-ig", "gbr-audit"), WIDER),
        (demand(1, "nor-ig"), demand(1, "gbr-audit"), OTHER),
    ],
)
def test_a_difference_says_at_each_grant_which_way_its_demand_turns(before: str, after: str, direction: str):
    found = diff(load(files(before)), load(files(after)))
    told = [each for each in found if each.what.endswith(" witnesses")]
    assert {each.direction for each in told} == {direction}
    assert len(told) == len(load(files()).partners["JPN"].grants)


def test_another_key_for_a_witness_is_a_change_of_its_own():
    table = TABLE.replace(KEYS["nor-ig"], str(signing_key("another").verifier))
    (told,) = diff(load(files()), load(files(table=table)))
    assert (told.what, told.direction) == ("witnesses nor-ig", OTHER)


def test_demands_are_told_in_words_and_in_one_order():
    assert witnessed(frozenset()) == "none"
    assert witnessed(frozenset({of(2, *NAMES), of(1, "nor-ig")})) == "1 of nor-ig and 2 of gbr-audit, jpn-audit, nor-ig"


def test_a_demand_that_is_made_or_dropped_turns_an_answer_and_says_so():
    demands = {"two": frozenset({of(2, *NAMES)}), "one": frozenset({of(1, *NAMES)}), "none": frozenset()}
    verdicts = {name: Verdict(True, Obligations(witnesses=each)) for name, each in demands.items()}
    assert flip(verdicts["none"], verdicts["one"]) is flip(verdicts["one"], verdicts["two"]) is Flip.TIGHTENED
    assert flip(verdicts["two"], verdicts["one"]) is flip(verdicts["one"], verdicts["none"]) is Flip.LOOSENED
    assert flip(verdicts["two"], verdicts["two"]) is None
    found = Impact()
    found.note("grid", "JPN", "elset", verdicts["two"], verdicts["none"], "a record")
    (group,) = found.groups.values()
    assert group.examples == ["a record: witnesses: 2 of gbr-audit, jpn-audit, nor-ig becomes none"]
