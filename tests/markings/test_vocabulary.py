"""Every code that ISM-2022 publishes is read by the profiles that should, and refused by the others with the reason.

The codes are stated here as facts. Where ``ISM_VOCABULARIES`` names a folder with the published lists
(``CVEnumISM*.json``, ``TetragraphTaxonomyDenormalized.xml``), the same is held against the lists themselves.
"""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gateway import markings
from gateway.markings import MarkingError

PUBLISHED = {
    "SCIcontrols": "BUR BUR-BLG BUR-DTP BUR-WRG HCS HCS-O HCS-P HCS-X KLM KLM-R MVL RSV SI SI-EU SI-G SI-NK "
    "TK TK-BLFH TK-IDIT TK-KAND",
    "atomicEnergyMarkings": "RD RD-CNWDI RD-SG-14 RD-SG-15 RD-SG-18 RD-SG-20 FRD FRD-SG-14 FRD-SG-15 FRD-SG-18 "
    "FRD-SG-20 DCNI UCNI TFNI",
    "disseminationControls": "RS FOUO OC OC-USGOV IMC NF PR REL RELIDO EYES DSEN RAWFISA FISA DISPLAYONLY "
    "EXEMPT_FROM_ICD501_DISCOVERY WAIVED AC AWP DL_ONLY FED_ONLY FEDCON NOCON",
    "nonICmarkings": "DS XD ND SBU SBU-NF LES LES-NF SSI NNPI",
    "nonUSControls": "NATO-ATOMAL NATO-BOHEMIA NATO-BALK",
}
CUI = frozenset({"AC", "AWP", "DISPLAYONLY", "DL_ONLY", "EXEMPT_FROM_ICD501_DISCOVERY", "FED_ONLY"})
CUI |= {"FEDCON", "NF", "NOCON", "REL", "RELIDO"}
ONLY_CUI = CUI & {"AC", "AWP", "DL_ONLY", "FED_ONLY", "FEDCON", "NOCON"}
ONLY_2022 = frozenset({"BUR", "BUR-BLG", "BUR-DTP", "BUR-WRG", "KLM", "KLM-R", "MVL", "RAWFISA", "WAIVED", "NNPI"})
ONLY_2022 |= {"EXEMPT_FROM_ICD501_DISCOVERY"}
CODES = [(attribute, code) for attribute, codes in PUBLISHED.items() for code in codes.split()]
UNCLASSIFIED = frozenset(["DCNI", "UCNI", "SBU", "SBU-NF", "FOUO"])


def _attributes(attribute: str, code: str, *, cui: bool) -> dict[str, str]:
    """The fewest attributes beside which the code may stand."""
    head, *parts = code.split("-")
    token = code
    if attribute == "SCIcontrols" and parts:
        token = f"{head} {code}"
    if attribute == "atomicEnergyMarkings" and parts:
        token = f"{head} {code}"
    found = {"classification": "U" if cui or code in UNCLASSIFIED else "TS", "ownerProducer": "USA", attribute: token}
    if attribute == "nonUSControls":
        found["ownerProducer"] = "NATO"
    if code in ("REL", "EYES"):
        found["releasableTo"] = "USA GBR"
    if code == "DISPLAYONLY":
        found["displayOnlyTo"] = "AFG"
    return found | ({"cuiBasic": "PRVCY"} if cui else {})


def _readers(code: str) -> set[str]:
    if code in ONLY_CUI:
        return {"cui"}
    found = {"ism-2022"} if code in ONLY_2022 else {"ism-2022", "icrm-2016", "udl", "dodm-5200.01-v2"}
    if code == "OC-USGOV":
        found.discard("dodm-5200.01-v2")
    return found | ({"cui"} if code in CUI else set())


@pytest.mark.parametrize(("attribute", "code"), CODES)
def test_a_published_code_is_read_by_its_profiles_and_refused_by_others_with_the_reason(
    attribute: str, code: str
) -> None:
    for name in markings.profile_names():
        profile = markings.profile(name)
        given = _attributes(attribute, code, cui=name == "cui")
        if name in _readers(code):
            label = markings.from_ism(given, profile)
            assert markings.from_ism(label.to_ism(), profile) == label
            assert markings.parse_banner(label.banner(), profile) == label
        else:
            with pytest.raises(MarkingError) as refused:
                markings.from_ism(given, profile)
            said = refused.value.findings[0]
            assert said.rule == "US-OWNER" or "this profile does not read" in said.message


def test_what_else_the_lists_hold_is_refused_as_a_form_that_no_list_closes() -> None:
    """The lists hold one open form, NATO's own bodies, and a second banner line that no control of a label states."""
    base = {"classification": "S", "ownerProducer": "USA"}
    profile = markings.profile("ism-2022")
    with pytest.raises(MarkingError, match="ISM-ID-00265"):
        markings.from_ism({**base, "disseminationControls": "REL", "releasableTo": "USA NATO:SACT"}, profile)
    for code in ("ACPI", "AWP", "CUSPI", "DPPD", "HVCO", "SSS"):
        with pytest.raises(MarkingError, match="ISM-BESIDE"):
            markings.from_ism({**base, "disseminationControls": "NF", "secondBannerLine": code}, profile)


FOLDER = os.environ.get("ISM_VOCABULARIES")
published = pytest.mark.skipif(FOLDER is None, reason="ISM_VOCABULARIES names no folder with the published lists")
TETRAGRAPHS = "{urn:us:gov:ic:taxonomy:catt:tetragraph}"


def _terms(name: str) -> dict[str, str]:
    """The codes of a published list, and from which day each is retired."""
    text = (Path(FOLDER or "") / f"CVEnumISM{name}.json").read_text(encoding="utf-8")
    terms = json.loads(text)["CVE"]["Enumeration"]["Term"]
    return {term["Value"]["text"]: term.get("deprecated", "") for term in terms}


@published
@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        ("SCIcontrols", "SCIControls"),
        ("atomicEnergyMarkings", "AtomicEnergyMarkings"),
        ("disseminationControls", "Dissem"),
        ("nonICmarkings", "NonIC"),
        ("nonUSControls", "NonUSControls"),
    ],
)
def test_the_codes_stated_here_are_those_that_the_list_holds(attribute: str, name: str) -> None:
    assert list(_terms(name)) == PUBLISHED[attribute].split()


@published
def test_every_nation_and_community_of_the_lists_is_known_until_its_published_day() -> None:
    tables = markings.shipped_tables()
    for name in ("CATRelTo", "CATTetragraph"):
        for code, retired in _terms(name).items():
            if ":" not in code:
                entry = tables.countries.get(code) or tables.communities.get(code)
                assert entry is not None, code
                assert (entry.until.isoformat() if entry.until else "") == retired, code


@published
def test_every_community_of_the_taxonomy_has_the_members_that_it_publishes() -> None:
    tables = markings.shipped_tables()
    file = Path(FOLDER or "") / "TetragraphTaxonomyDenormalized.xml"
    root = ElementTree.parse(file).getroot()  # noqa: S314 - a published file that whoever runs the test points at
    seen = 0
    for entry in root.findall(f"{TETRAGRAPHS}Tetragraph"):
        code = entry.findtext(f"{TETRAGRAPHS}TetraToken") or ""
        community, seen = tables.communities[code], seen + 1
        assert community.decomposable is (entry.get("decomposable") == "Yes"), code
        if community.decomposable:
            members = {each.text for each in entry.iter(f"{TETRAGRAPHS}Country")}
            assert community.members_on(date(2022, 11, 30)) == members, code
    assert seen == len(tables.communities) == 61
