"""The pages on policy say what is so: their examples load, every reason has its heading and its meaning."""

from __future__ import annotations

import re
import tomllib

import pytest

from gateway.policy import MEANING, PolicyError, Reason
from gateway.policy.conditions import Truth, parse_condition
from gateway.policy.dataset import DatasetFile
from gateway.policy.shape import FieldKind
from tests.policy.worked import ROOT, changed, edited, read_files

PAGE = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
REASONS = (ROOT / "docs" / "reasons.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def test_the_partner_file_on_the_page_loads_beside_the_shipped_set() -> None:
    (example,) = (block for block in BLOCKS if block.startswith("# file: "))
    path = example.split("\n", 1)[0].removeprefix("# file: ")
    compiled = changed({path: example.encode()})
    assert compiled.granted("CAN", "elset")
    assert compiled.purpose("CAN", "notification", None).value == "collision-avoidance"


def test_the_tightened_row_on_the_page_is_accepted() -> None:
    (example,) = (block for block in BLOCKS if block.startswith("[tighten"))
    settings = read_files()["policies/policy.toml"] + b"\n" + example.encode()
    assert changed({"policies/policy.toml": settings}).policy_set.settings.tighten == {"udl": {"FOUO": "never"}}


FIELDS = """
    [fields]
    text = ["id", "classificationMarking", "createdAt", "msgType", "dataMode", "origin", "descriptor"]
    number = ["satNo1", "satNo2", "meanMotion", "eccentricity", "xpos", "ypos", "zpos"]
    numbers = ["cov"]
"""


def dataset_with(example: str) -> DatasetFile:
    """A dataset file with this part of it from the page, loaded in the set."""
    text = """
        dataset = "notification"
        title = "Shown on the page"
        path = "/udl/notification"
        source = "udl"
        profile = "udl"
        operations = ["list"]
        [record]
        identifier = "id"
        marking = "classificationMarking"
        date = "createdAt"
        delay_from = "createdAt"
        [facts.msgType]
        from = ["msgType"]
        type = "string"
        [groups.provenance]
        fact = "provenance"
        repeats = ["origin"]
    """
    text += "" if "facts.dataMode" in example else '[facts.dataMode]\nfrom = ["dataMode"]\ntype = "string"\n'
    text += "" if "[fields]" in example else FIELDS
    alert = edited("policies/partners/NZL.toml", '"createdAt", "msgType", "msgBody"]', '"createdAt", "msgType"]')
    files = {"policies/datasets/notification.toml": (text + example).encode(), "policies/partners/NZL.toml": alert}
    compiled = changed(files)
    return compiled.policy_set.datasets["notification"]


@pytest.mark.parametrize("start", ["[groups.state]", "[facts.owners]"])
def test_a_part_of_a_dataset_file_on_the_page_loads_in_one(start: str) -> None:
    (example,) = (block for block in BLOCKS if block.startswith(start))
    name = start.strip("[]").split(".")[1]
    file = dataset_with(example)
    assert name in file.groups or name in file.facts


def test_the_list_of_fields_on_the_page_loads_and_lists_what_it_names() -> None:
    (example,) = (block for block in BLOCKS if block.startswith("[fields]"))
    fields = dataset_with(example).fields
    assert fields.kind("stateVector2.zpos") is FieldKind.NUMBER
    assert fields.kind("msgBody.anything.at.all") is FieldKind.FREE
    assert not fields.holds("stateVector1.xvel")


def test_every_condition_on_the_page_reads_and_means_what_stands_beside_it() -> None:
    rows = dict(re.findall(r"^\| `(.+?)` \| (.+?) \|$", PAGE, re.MULTILINE))
    written = {
        text: rows[text] for text in rows if ("=" in text and "policies" not in text and "{" in text) or "[" in text
    }
    assert len(written) >= 5
    for text in written:
        where = tomllib.loads(f"where = {{ {text} }}", parse_float=str)["where"]
        assert parse_condition(where).tests
    assert parse_condition("everything").truth({}) is Truth.TRUE


def test_the_finding_on_the_page_is_the_one_that_is_given() -> None:
    path = "policies/partners/JPN.toml"
    with pytest.raises(PolicyError) as refused:
        changed({path: edited(path, "until = 2028-01-01", 'until = "2028-01-01"')})
    assert str(refused.value) in " ".join(PAGE.split())


def test_every_reason_has_a_meaning_and_a_heading_and_no_heading_lacks_a_reason() -> None:
    assert MEANING.keys() == set(Reason)
    headings = re.findall(r"^### `(\w+)`$", REASONS, re.MULTILINE)
    assert sorted(headings) == sorted(Reason)
    for reason, meaning in MEANING.items():
        assert f"### `{reason}`\n\n{meaning[0].upper()}{meaning[1:]}.\n" in REASONS


def test_every_kind_of_file_of_a_set_is_on_the_page() -> None:
    for path in read_files():
        folder = path.rsplit("/", 1)[0]
        assert f"`{path}`" in PAGE or f"`{folder}/" in PAGE, path
