"""Policy files: read by the standard, or refused; what was tolerated is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.markings import MarkingError, UnknownProfileError
from gateway.markings.spif import ProfileRegistry, load_spif
from tests.markings import check_spif
from tests.markings.policies import HERE, aurora, meridian, rules_of, text_of

TEXT = text_of("aurora")


def test_a_policy_with_the_quirks_of_published_files_loads_and_each_quirk_is_named() -> None:
    assert [(each.code, each.line > 0) for each in aurora().tolerated] == [
        ("extensions", True),
        ("no-time-zone", True),
        ("no-namespace", True),
        ("name-spaces", True),
        ("code-twice", False),
        ("value-twice", False),
        ("code-twice", False),
    ]
    assert meridian().tolerated == ()


def test_a_loaded_policy_is_a_value_named_by_its_file() -> None:
    assert (aurora().name, aurora().id, aurora().profile.name) == ("AURORA", "2.25.900100", "spif:AURORA")
    assert aurora().profile.version == "7"
    assert aurora() == load_spif(TEXT.encode())
    assert aurora() != load_spif(TEXT.replace('version="7"', 'version="8"').encode())


GREEN = '<spif:tagCategory name="GREEN" lacv="3"'
CHANGES = [
    ("SPIF-VERSION", 'schemaVersion="2.1"', 'schemaVersion="3.0"'),
    ("SPIF-VERSION", 'schemaVersion="2.1" ', ""),
    ("SPIF-FORM", 'http://www.xmlspif.org/spif" xmlns:xsi', 'http://www.xmslpif.org/spif" xmlns:xsi'),
    ("SPIF-FORM", "<spif:privacyMarks>", "<spif:surprise/><spif:privacyMarks>"),
    ("SPIF-FORM", "<spif:excludedClass>OPEN</spif:excludedClass>", "<excludedClass>OPEN</excludedClass>"),
    ("SPIF-FORM", "<spif:excludedClass>OPEN</spif:excludedClass>", "<spif:excludedClass/>"),
    ("SPIF-FORM", '<spif:securityPolicyId name="AURORA" id="2.25.900100"/>', ""),
    ("SPIF-ATTRIBUTE", 'requiredClass="SEALED"', 'requiredclass="SEALED"'),
    ("SPIF-ATTRIBUTE", 'lacv="100">', ">"),
    ("SPIF-ATTRIBUTE", 'lacv="100">', 'lacv=" 100">'),
    ("SPIF-OID", 'id="2.25.900101"', 'id="release"'),
    ("SPIF-OID", 'id="2.25.900101"', 'id="3.1"'),
    ("SPIF-DATE", 'creationDate="20240501120000"', 'creationDate="May"'),
    ("SPIF-DATE", 'notAfter="2025-12-31T23:59:59Z"', 'notAfter="2025-12-31"'),
    ("SPIF-NUMBER", 'hierarchy="9"', 'hierarchy="high"'),
    ("SPIF-BOOLEAN", 'obsolete="true"', 'obsolete="yes"'),
    ("SPIF-TAG-TYPE", 'tagType="restrictive">', 'tagType="prohibitive">'),
    ("SPIF-TAG-TYPE", 'tagType="restrictive">', 'tagType="notApplicable">'),
    ("SPIF-TAG-TYPE", 'tagType="restrictive">', 'tagType="informative">'),
    ("SPIF-TAG-TYPE", 'tagType="restrictive">', 'tagType="enumerated">'),
    ("SPIF-TAG-TYPE", 'tagType="restrictive">', 'tagType="restrictive" enumType="permissive">'),
    ("SPIF-TAG-TYPE", ' tagType="restrictive">', ">"),
    ("SPIF-OPERATION", 'operation="oneOrMore"', 'operation="most"'),
    ("SPIF-OPERATION", ' operation="oneOrMore"', ""),
    ("SPIF-APPLIED", 'lacv="30" applied="encrypt"', 'lacv="30" applied="always"'),
    ("SPIF-ACTION", 'action="discard"', 'action="ignore"'),
    ("SPIF-INPUT", 'userInput="string"', 'userInput="anything"'),
    ("SPIF-SELECTION", 'maxSelection="2"', 'maxSelection="2" minSelection="3"'),
    ("SPIF-SELECTION", 'maxSelection="2"', 'maxSelection="-1"'),
    ("SPIF-MARKING-CODE", "<spif:code>portionMarking</spif:code>", "<spif:code>everywhere</spif:code>"),
    ("SPIF-MARKING-CODE", 'qualifierCode="suffix"', 'qualifierCode="finalSeparator"'),
    ("SPIF-MARKING-CODE", 'markingCode="pageTop"', 'markingCode="anywhere"'),
    ("SPIF-TWICE", 'name="LOCKED"', 'name="OPEN"'),
    ("SPIF-TWICE", 'lacv="4" hierarchy="9"', 'lacv="1" hierarchy="9"'),
    ("SPIF-TWICE", 'hierarchy="9"', 'hierarchy="5"'),
    ("SPIF-TWICE", 'id="2.25.900102"', 'id="2.25.900101"'),
    ("SPIF-TWICE", 'Set name="Compartment"', 'Set name="Release"'),
    ("SPIF-TWICE", 'name="OLD CARE"', 'name="HANDLE WITH CARE"'),
    ("SPIF-TWICE", 'id="2.25.900200"', 'id="2.25.900100"'),
    ("SPIF-REFERENCE", "<spif:excludedClass>LOCKED<", "<spif:excludedClass>SHUT<"),
    ("SPIF-REFERENCE", 'requiredClass="SEALED"', 'requiredClass="SHUT"'),
    ("SPIF-REFERENCE", 'enumType="permissive" lacv="300"/>', 'enumType="permissive" lacv="301"/>'),
    ("SPIF-REFERENCE", 'enumType="permissive" lacv="300"/>', 'enumType="permissive" lacv="400"/>'),
    ("SPIF-REFERENCE", 'enumType="permissive" lacv="300"/>', 'enumType="permissive"/>'),
    ("SPIF-REFERENCE", 'enumType="permissive" lacv="300"/>', 'enumType="permissive" lacv="300" all="true"/>'),
    ("SPIF-REFERENCE", 'equivalentPolicy name="MERIDIAN"', 'equivalentPolicy name="ZENITH"'),
    ("SPIF-NAME", 'name="GREEN"', 'name=""'),
    ("SPIF-NAME", 'name="GREEN"', 'name="GRE&#x200B;EN"'),
    ("XML-DOCTYPE", "<!-- A fictional policy", "<!DOCTYPE a><!-- A fictional policy"),
]


@pytest.mark.parametrize(("rule", "old", "new"), CHANGES, ids=[f"{rule}-{n}" for n, (rule, _, _) in enumerate(CHANGES)])
def test_a_file_that_breaks_the_standard_or_says_what_is_not_known_is_refused(rule: str, old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(MarkingError) as refused:
        load_spif(TEXT.replace(old, new).encode())
    assert rules_of(refused.value) == [rule]


def test_a_registry_knows_policies_beside_the_shipped_profiles_and_is_itself_a_value() -> None:
    empty = ProfileRegistry()
    both = empty.with_policies((aurora(), meridian()))
    assert both.policy("spif:AURORA") == aurora()
    assert both.profile("spif:MERIDIAN") == meridian().profile
    assert both.profile("icrm-2016").name == "icrm-2016"
    for name in ("spif:ZENITH", "AURORA", "nothing"):
        with pytest.raises(UnknownProfileError):
            both.profile(name)
    with pytest.raises(UnknownProfileError):
        empty.profile("spif:AURORA")
    with pytest.raises(UnknownProfileError):
        both.with_policies((load_spif(TEXT.replace('version="7"', 'version="8"').encode()),))


@settings(max_examples=150)
@given(st.integers(0, len(TEXT) - 1), st.integers(0, 40), st.text(max_size=6))
def test_a_damaged_policy_file_loads_or_is_refused_and_nothing_else_is_raised(at: int, cut: int, put: str) -> None:
    try:
        load_spif((TEXT[:at] + put + TEXT[at + cut :]).encode("utf-8", "surrogatepass"))
    except MarkingError as error:
        assert error.findings


ALONE = """
import datetime, socket, time

def forbidden(*args, **kwargs):
    raise AssertionError("a policy asked the clock or the network")

socket.socket = socket.create_connection = socket.getaddrinfo = forbidden
time.time = time.monotonic = time.time_ns = forbidden

from gateway import markings

policy = markings.load_spif(open(sys.argv[1], "rb").read())
made = datetime.datetime(2025, 6, 1, tzinfo=datetime.timezone.utc)
label = markings.SecurityLabel("AURORA", "GUARDED", made)
label = policy.parse_label(markings.write_label(label))
clearance = markings.SecurityClearance("AURORA", ("GUARDED",))
assert policy.decide(label, clearance, at=datetime.date(2025, 7, 1)).permitted
assert policy.marking(label) == "AURORA GUARDED"
mine = {name.partition(".")[0] for name in sys.modules if not name.startswith("_")}
print(" ".join(sorted(mine - set(sys.stdlib_module_names) - {"gateway"})))
"""


def test_a_policy_loads_and_decides_in_an_interpreter_without_any_package() -> None:
    root = Path(__file__).parents[2]
    program = f"import sys; sys.path.insert(0, {str(root)!r})\n{ALONE}"
    command = [sys.executable, "-I", "-S", "-c", program, str(HERE / "aurora.xml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


MORE = [
    ("SPIF-FORM", '<spif:categoryGroup tagSetRef="Handling" tagType="restrictive" lacv="9"/>', ""),
    (
        "SPIF-OID",
        'tagSetId="2.25.900202" tagType="restrictive" lacv="9"',
        'tagSetId="x" tagType="restrictive" lacv="9"',
    ),
    ("SPIF-MARKING-CODE", 'markingQualifier="only" qualifierCode', "qualifierCode"),
]


@pytest.mark.parametrize(("rule", "old", "new"), MORE, ids=[f"{rule}-{n}" for n, (rule, _, _) in enumerate(MORE)])
def test_a_part_that_says_nothing_or_half_refuses_the_file(rule: str, old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(MarkingError) as refused:
        load_spif(TEXT.replace(old, new).encode())
    assert rules_of(refused.value) == [rule]


def test_an_attribute_of_another_namespace_is_passed_over_and_named() -> None:
    text = TEXT.replace('<spif:tagCategory name="XCC"', '<spif:tagCategory xmlns:o="urn:o" o:note="x" name="XCC"')
    assert "foreign-attribute" in {each.code for each in load_spif(text.encode()).tolerated}


def test_a_policy_may_name_a_default_policy_and_nothing_else_changes() -> None:
    named = '<spif:defaultSecurityPolicyId name="AURORA" id="2.25.900100"/><spif:securityPolicyId name="AURORA"'
    policy = load_spif(TEXT.replace('<spif:securityPolicyId name="AURORA"', named).encode())
    assert policy.name == "AURORA"


def test_a_standard_that_requires_a_tag_set_refuses_a_file_without_it() -> None:
    with pytest.raises(MarkingError) as refused:
        load_spif(TEXT.replace("2.25.900100", "1.3.26.1.3.1").encode())
    assert rules_of(refused.value) == ["SPIF-REFERENCE"]


PUBLIC_FILES = [path for path in os.environ.get("SPIF_FILES", "").split(os.pathsep) if path]


@pytest.mark.skipif(not PUBLIC_FILES, reason="SPIF_FILES names no policy files")
def test_policy_files_from_outside_load_and_the_standards_examples_come_out_as_it_says() -> None:
    """``SPIF_FILES``: paths of public policy files, such as NATO's and ACME's, which are not in this repository."""
    assert check_spif.main(PUBLIC_FILES) == 0
