"""A dataset lists its fields once, and a rule that names another one refuses the set where it stands."""

import re
import tomllib

import pytest

from gateway.policy import PolicyError, load
from gateway.policy.fieldlist import FieldsTable
from gateway.policy.shape import FieldKind
from tests.policy.worked import edited, whole_files

MODES = 'values = ["REAL", "TEST", "SIMULATED", "EXERCISE"]'
LINES = '"line1", "line2", "transactionId"'
ELSET, CONJUNCTION = "policies/datasets/elset.toml", "policies/datasets/conjunction.toml"


def fields(text: str) -> FieldsTable:
    return FieldsTable.model_validate(tomllib.loads(text), strict=False)


def messages(path: str, old: str, new: str) -> list[str]:
    with pytest.raises(PolicyError) as refused:
        load({**whole_files(), path: edited(path, old, new)})
    return [f"{finding.field}: {finding.message}" for finding in refused.value.findings]


def test_a_list_becomes_a_tree_of_members_sorted_by_name():
    listed = fields(
        """
        text = ["id"]
        free = ["body"]
        [[inside]]
        at = ["one", "two", "one.deep"]
        number = ["x"]
        """
    ).listed()
    assert listed.kinds == (("body", FieldKind.FREE), ("id", FieldKind.TEXT))
    assert [name for name, _ in listed.inside] == ["one", "two"]
    one = dict(listed.inside)["one"]
    assert one.kinds == (("x", FieldKind.NUMBER),)
    assert [(name, inner.kinds) for name, inner in one.inside] == [("deep", one.kinds)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('text = ["a", "a"]', "a is listed 2 times"),
        ('text = ["a"]\nnumber = ["a"]', "a is listed 2 times"),
        ('text = ["a"]\n[[inside]]\nat = ["a"]', "a is listed 2 times"),
        ('[[inside]]\nat = ["a"]\n[[inside]]\nat = ["a"]', "a is listed 2 times"),
        ('[[inside]]\nat = ["a.b"]', "a.b stands in a, at which no record is listed"),
        ('text = ["a.b"]', "should match pattern"),
        ('texts = "a"', "valid tuple"),
        ('times = ["a"]', "Extra inputs"),
        ("[[inside]]\nat = []", "at least 1 item"),
    ],
)
def test_a_list_that_says_two_things_of_one_field_does_not_load(text: str, message: str):
    with pytest.raises(ValueError, match=re.escape(message)):
        fields(text)


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        (ELSET, LINES, '"line2", "transactionId"', "record.tle_line: line1 is not listed"),
        (ELSET, LINES, '"line1", "transactionId"', "elements.repeats: line2 is not listed"),
        (ELSET, '"satNo", "meanMotion",', '"meanMotion",', "facts.owners.from: satNo is not listed"),
        (ELSET, 'eccentricity = "eccentricity"', 'eccentricity = "ecc"', "parameters.eccentricity: ecc is not listed"),
        (ELSET, 'sortable = ["epoch"', 'sortable = ["epok"', "query.sortable: epok is not listed"),
        (ELSET, 'fields = ["period"]', 'fields = ["perlod"]', "period.fields: perlod is not listed"),
        (ELSET, 'fields = ["period"]', 'fields = ["source"]', "source is listed as text; only numbers"),
        (ELSET, 'number = [\n  "satNo"', 'number = [\n  "dataMode", "satNo"', "dataMode is listed 2 times"),
        (ELSET, 'at = ["onOrbit"]', 'at = ["onorbit"]', "record.nested: no record is listed at onOrbit"),
        (ELSET, '"idOnOrbit", "classificationMarking",', '"idOnOrbit",', "leaves with its marking"),
        (ELSET, f'type = "string"\n{MODES}', 'type = "number"', "dataMode is listed as text where number is needed"),
        (CONJUNCTION, '"stateVector1.cov"', '"stateVector1.covariance"', "stateVector1.covariance is not listed"),
        (CONJUNCTION, '"stateVector1.cov"', '"stateVector3.cov"', "stateVector3.cov is not listed"),
    ],
)  # fmt: skip
def test_a_field_that_is_named_and_not_listed_as_such_refuses_the_set(path: str, old: str, new: str, message: str):
    found = messages(path, old, new)
    assert any(message in each for each in found), found


def test_a_dataset_without_a_list_of_fields_does_not_load():
    text = whole_files()[ELSET].decode()
    bare = text[: text.index("[fields]")] + text[text.index("[facts.owners]") :]
    with pytest.raises(PolicyError) as refused:
        load({**whole_files(), ELSET: bare.encode()})
    assert [finding.field for finding in refused.value.findings] == ["fields"]
