"""The parsers: what is read, what is refused, and by which rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import markings
from gateway.markings import Control, Label, Level, MarkingError
from tests.markings.labels import PROFILES, sound_labels

ICRM = markings.profile("icrm-2016")
UDL = markings.profile("udl")

READ = {
    "U": Label("udl", Level.U),
    "TS": Label("udl", Level.TS),
    "U//FOUO": Label("udl", Level.U, (Control("FOUO"),)),
    "S//NF": Label("udl", Level.S, (Control("NOFORN"),)),
    "S//RELIDO": Label("udl", Level.S, (Control("RELIDO"),)),
    "S//OC/NF": Label("udl", Level.S, (Control("ORCON"), Control("NOFORN"))),
    "S//REL TO USA, JPN": Label("udl", Level.S, (), ("USA", "JPN")),
    "S//REL TO USA, AUS, FVEY, NATO": Label("udl", Level.S, (), ("USA", "AUS", "FVEY", "NATO")),
    "S//REL TO USA, EU": Label("udl", Level.S, (), ("USA", "EU")),
    "S//REL TO USA, AX2, AUSTRALIA_GROUP, NSG": Label("udl", Level.S, (), ("USA", "AX2", "AUSTRALIA_GROUP", "NSG")),
    "S//REL TO USA, AUS, CAN/RELIDO": Label("udl", Level.S, (Control("RELIDO"),), ("USA", "AUS", "CAN")),
    "C//DISPLAY ONLY AFG, IRQ": Label("udl", Level.C, (), None, ("AFG", "IRQ")),
    "S//REL TO USA, IRQ/DISPLAY ONLY AFG": Label("udl", Level.S, (), ("USA", "IRQ"), ("AFG",)),
    "S//OC/REL TO USA, GBR": Label("udl", Level.S, (Control("ORCON"),), ("USA", "GBR")),
    "U//PR-SPIRE-AIS": Label("udl", Level.U, (Control("PR", ("SPIRE", "AIS")),)),
    "U//DS-SSDP-ELSET": Label("udl", Level.U, (Control("DS", ("SSDP", "ELSET")),)),
    "U//PR-A_1-B/PR-C-D/REL TO USA, JPN//DS-X-Y": Label(
        "udl",
        Level.U,
        (Control("PR", ("A_1", "B")), Control("PR", ("C", "D")), Control("DS", ("X", "Y"))),
        ("USA", "JPN"),
    ),
}

REFUSED = [
    ("", "GRAMMAR-EMPTY"),
    (" ", "GRAMMAR-CLASSIFICATION"),
    ("()", "GRAMMAR-PARENTHESES"),
    ("(S", "GRAMMAR-PARENTHESES"),
    ("S)", "GRAMMAR-PARENTHESES"),
    ("((S))", "GRAMMAR-CLASSIFICATION"),
    ("s", "GRAMMAR-CASE"),
    ("S//nf", "GRAMMAR-CASE"),
    ("S//Rel To USA, JPN", "GRAMMAR-CASE"),
    ("R", "GRAMMAR-CLASSIFICATION"),
    ("SECRET", "GRAMMAR-CLASSIFICATION"),
    ("X", "GRAMMAR-CLASSIFICATION"),
    (" S", "GRAMMAR-CLASSIFICATION"),
    ("S ", "GRAMMAR-CLASSIFICATION"),
    ("S/NF", "GRAMMAR-CLASSIFICATION"),
    ("S\n", "GRAMMAR-CHARACTER"),
    ("S\u00a0//NF", "GRAMMAR-CHARACTER"),
    ("S//\u039dF", "GRAMMAR-CHARACTER"),
    ("\uff33//NF", "GRAMMAR-CHARACTER"),
    ("S\u2044\u2044NF", "GRAMMAR-CHARACTER"),
    ("S//REL TO USA, \u200bJPN", "GRAMMAR-CHARACTER"),
    ("S\x00", "GRAMMAR-CHARACTER"),
    ("S//", "GRAMMAR-TOKEN"),
    ("S///NF", "GRAMMAR-TOKEN"),
    ("S////NF", "GRAMMAR-TOKEN"),
    ("S//NF/", "GRAMMAR-TOKEN"),
    ("S// NF", "GRAMMAR-TOKEN"),
    ("S//NF ", "GRAMMAR-TOKEN"),
    ("S//NOFORN", "GRAMMAR-TOKEN"),
    ("S//ORCON", "GRAMMAR-TOKEN"),
    ("S//SIGINT", "GRAMMAR-TOKEN"),
    ("S//KLM", "GRAMMAR-TOKEN"),
    ("S//RDX", "GRAMMAR-TOKEN"),
    ("S//FGI XYZ", "ISM-ID-00265"),
    ("S//SAR-A", "SAP-PROGRAM"),
    ("S//NNPI", "GRAMMAR-TOKEN"),
    ("U//CUI", "GRAMMAR-TOKEN"),
    ("S//RELTO USA, JPN", "GRAMMAR-TOKEN"),
    ("S//REL  TO USA, JPN", "GRAMMAR-TOKEN"),
    ("S//REL USA, JPN", "GRAMMAR-TOKEN"),
    ("S//USA, JPN", "GRAMMAR-TOKEN"),
    ("//GBR X", "GRAMMAR-SYSTEM"),
    ("//XYZ S", "ISM-ID-00265"),
    ("//CTSA", "GRAMMAR-SYSTEM"),
    ("//JOINT S USA GBR", "LIST-ORDER"),
    ("NS", "GRAMMAR-CLASSIFICATION"),
    ("S//NF/OC", "GRAMMAR-ORDER"),
    ("S//RELIDO/REL TO USA, JPN", "GRAMMAR-ORDER"),
    ("U//DS-A-B//PR-A-B", "GRAMMAR-ORDER"),
    ("U//PR-C-D/PR-A-B", "GRAMMAR-ORDER"),
    ("S//NF/NF", "GRAMMAR-DUPLICATE"),
    ("S//NF//NF", "GRAMMAR-DUPLICATE"),
    ("U//PR-A-B/PR-A-B", "GRAMMAR-DUPLICATE"),
    ("S//REL TO USA, JPN/REL TO USA, GBR", "GRAMMAR-DUPLICATE"),
    ("S//OC//NF", "GRAMMAR-SEPARATOR"),
    ("U//PR-A-B//REL TO USA, JPN", "GRAMMAR-SEPARATOR"),
    ("U//PR-A-B/DS-A-B", "GRAMMAR-SEPARATOR"),
    ("S//REL", "ISM-ID-00031"),
    ("S//REL TO", "ISM-ID-00031"),
    ("S//REL TO ", "ISM-ID-00031"),
    ("S//DISPLAY ONLY", "ISM-ID-00213"),
    ("S//REL TO USA", "ISM-ID-00319"),
    ("S//REL TO JPN, USA", "REL-USA-FIRST"),
    ("S//REL TO GBR, JPN", "REL-USA-FIRST"),
    ("S//DISPLAY ONLY USA, AFG", "DISPLAY-USA"),
    ("S//REL TO USA, XYZ", "ISM-ID-00265"),
    ("S//REL TO USA, JP", "ISM-ID-00265"),
    ("S//REL TO USA,JPN", "ISM-ID-00265"),
    ("S//REL TO USA,  JPN", "ISM-ID-00265"),
    ("S//REL TO USA, JPN,", "ISM-ID-00265"),
    ("S//REL TO USA, JPN, ", "ISM-ID-00265"),
    ("S//REL TO USA JPN", "ISM-ID-00265"),
    ("S//REL TO USA, NATO:ISAF", "GRAMMAR-CHARACTER"),
    ("S//REL TO USA, JPN, AUS", "LIST-ORDER"),
    ("S//REL TO USA, FVEY, JPN", "LIST-ORDER"),
    ("S//DISPLAY ONLY IRQ, AFG", "LIST-ORDER"),
    ("S//REL TO USA, JPN, JPN", "ISM-ID-00236"),
    ("S//REL TO USA, USA", "ISM-ID-00236"),
    ("U//PROP", "GRAMMAR-TOKEN"),
    ("U//PR-", "UDL-OWNER-TYPE"),
    ("U//PR-SPIRE", "UDL-OWNER-TYPE"),
    ("U//PR-SPIRE-", "UDL-OWNER-TYPE"),
    ("U//PR--AIS", "UDL-OWNER-TYPE"),
    ("U//PR-SPIRE-GLOBAL-AIS", "UDL-OWNER-TYPE"),
    ("U//PR-SPIRE AIS", "UDL-OWNER-TYPE"),
    ("U//PR-(A)-B", "UDL-OWNER-TYPE"),
    (f"U//PR-{'A' * 33}-B", "UDL-OWNER-TYPE"),
    ("U" * 2_049, "GRAMMAR-LENGTH"),
]


@pytest.mark.parametrize("text", READ)
def test_a_well_formed_portion_reads_as_the_label_it_states(text: str) -> None:
    label = markings.parse_portion(text, UDL)
    assert label == READ[text]
    assert label.portion() == text
    assert markings.parse_portion(f"({text})", UDL) == label


@pytest.mark.parametrize(("text", "rule"), REFUSED, ids=[f"{rule}:{text[:30]!r}" for text, rule in REFUSED])
def test_a_portion_with_any_doubt_in_it_is_refused_by_its_rule(text: str, rule: str) -> None:
    with pytest.raises(MarkingError) as refused:
        markings.parse_portion(text, UDL)
    first = refused.value.findings[0]
    assert first.rule == rule
    assert first.authority
    assert first.span is not None
    assert 0 <= first.span[0] <= first.span[1] <= len(text)


@pytest.mark.parametrize(
    ("text", "portion"),
    [
        ("UNCLASSIFIED", "(U)"),
        ("UNCLASSIFIED//FOUO", "(U//FOUO)"),
        ("CONFIDENTIAL//DISPLAY ONLY AFG, IRQ", "(C//DISPLAY ONLY AFG, IRQ)"),
        ("SECRET//ORCON/NOFORN", "(S//OC/NF)"),
        ("SECRET//REL TO USA, EGY, ISR", "(S//REL TO USA, EGY, ISR)"),
        ("TOP SECRET//RELIDO", "(TS//RELIDO)"),
    ],
)
def test_a_banner_and_its_portion_mark_state_the_same_label(text: str, portion: str) -> None:
    label = markings.parse_banner(text, ICRM)
    assert label == markings.parse_portion(portion, ICRM)
    assert label.banner() == text
    assert label.portion() == portion


@pytest.mark.parametrize(
    "text", ["S", "(SECRET)", "SECRET//NF", "SECRET//REL", "TOPSECRET", "TOP  SECRET", "SECRET//OC/NOFORN"]
)
def test_a_banner_in_portion_form_is_refused_outright(text: str) -> None:
    with pytest.raises(MarkingError):
        markings.parse_banner(text, ICRM)


@pytest.mark.parametrize("name", ["icrm-2016", "ism-2022", "dodm-5200.01-v2"])
@pytest.mark.parametrize("text", ["S//NF", "(U//PR-SPIRE-AIS)", "(U//DS-SSDP-ELSET)"])
def test_only_the_udl_profile_reads_bare_portions_and_owner_extensions(name: str, text: str) -> None:
    with pytest.raises(MarkingError):
        markings.parse_portion(text, markings.profile(name))


def test_a_bare_rel_takes_its_list_from_the_banner_beside_it() -> None:
    banner = markings.parse_banner("SECRET//REL TO USA, JPN", ICRM)
    label = markings.parse_portion("(C//REL)", ICRM, banner)
    assert label == Label("icrm-2016", Level.C, (), ("USA", "JPN"))


def test_a_bare_rel_beside_a_banner_without_a_list_is_refused() -> None:
    banner = markings.parse_banner("SECRET//NOFORN", ICRM)
    with pytest.raises(MarkingError, match="ISM-ID-00031"):
        markings.parse_portion("(C//REL)", ICRM, banner)


def test_a_banner_of_another_profile_gives_no_list_to_a_portion() -> None:
    banner = markings.parse_banner("SECRET//REL TO USA, JPN", UDL)
    with pytest.raises(markings.UnknownProfileError):
        markings.parse_portion("(C//REL)", ICRM, banner)


def test_a_local_community_is_read_only_by_a_profile_that_was_given_it() -> None:
    cspo = markings.Community("CSPO", "Combined Space Operations", (markings.Member("JPN"),), source="local")
    local = UDL.with_communities([cspo])
    assert markings.parse_portion("S//REL TO USA, CSPO", local).rel_to == ("USA", "CSPO")
    with pytest.raises(MarkingError, match="ISM-ID-00265"):
        markings.parse_portion("S//REL TO USA, CSPO", UDL)


def test_every_thing_wrong_is_reported_up_to_a_bound_of_findings() -> None:
    with pytest.raises(MarkingError) as refused:
        markings.parse_portion("S//XX/YY/REL TO USA, QQQ", UDL)
    rules = [finding.rule for finding in refused.value.findings]
    assert rules == ["GRAMMAR-TOKEN", "GRAMMAR-TOKEN", "ISM-ID-00265"]
    with pytest.raises(MarkingError) as many:
        markings.parse_portion("S//" + "/".join(["X"] * 900), UDL)
    assert len(many.value.findings) == 8
    with pytest.raises(MarkingError) as listed:
        markings.parse_portion("S//REL TO USA, " + ", ".join(["QQQ"] * 300), UDL)
    assert len(listed.value.findings) == 8


def test_a_finding_points_at_the_text_it_is_about() -> None:
    text = "(S//NF/REL TO USA, QQQ, JPN)"
    with pytest.raises(MarkingError) as refused:
        markings.parse_portion(text, ICRM)
    (finding,) = refused.value.findings
    assert finding.span is not None
    assert text[slice(*finding.span)] == "QQQ"


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("S//NOFORN", "NF"),
        ("S//NF ", "NF"),
        ("S//RELIDDO", "S//RELIDO"),
        ("SECRET//NF", "S"),
        ("S//REL TO USA, JPN, AUS", "REL TO USA, AUS, JPN"),
        ("S//REL TO JPN, USA", "REL TO USA, JPN"),
        ("s//nf", "S//NF"),
        ("S//OC//NF", "/NF"),
        ("S//QQQQQQQQ", None),
    ],
)
def test_a_suggestion_is_offered_to_the_human_and_nothing_is_repaired(text: str, suggestion: str | None) -> None:
    with pytest.raises(MarkingError) as refused:
        markings.parse_portion(text, UDL)
    assert refused.value.findings[0].suggestion == suggestion


@pytest.mark.parametrize(("text", "rule"), REFUSED)
def test_the_words_of_a_refusal_never_repeat_the_marking(text: str, rule: str) -> None:
    with pytest.raises(MarkingError) as refused:
        markings.parse_portion(text, UDL)
    for code in ("SPIRE", "JPN", "GBR", "XYZ"):
        assert code not in str(refused.value)


@pytest.mark.parametrize("name", PROFILES)
@given(data=st.data())
def test_any_label_survives_a_round_trip_through_portion_and_banner(name: str, data: st.DataObject) -> None:
    profile = markings.profile(name)
    label = replace(data.draw(sound_labels(name)), created=None)
    assert markings.parse_portion(label.portion(), profile) == label
    assert markings.parse_banner(label.banner(), profile) == label


@given(data=st.data())
def test_a_mangled_marking_is_refused_or_releases_no_more_widely(data: st.DataObject) -> None:
    """A character dropped, doubled, swapped or put in another case never adds a recipient."""
    at = date(2026, 1, 1)
    label = replace(data.draw(sound_labels("udl")), created=None)
    text = label.portion()
    place = data.draw(st.integers(0, len(text) - 1))
    mangled = data.draw(
        st.sampled_from(
            (
                text[:place] + text[place + 1 :],
                text[:place] + text[place] + text[place:],
                text[:place] + text[place].swapcase() + text[place + 1 :],
                text[:place] + text[place + 1 : place + 2] + text[place] + text[place + 2 :],
                text + " ",
                " " + text,
                text.lower(),
            )
        )
    )
    if mangled == text:
        return
    try:
        other = markings.parse_portion(mangled, UDL)
    except MarkingError:
        return
    if not markings.validate(other, at):
        known = set(label.rel_to or ()) | set(label.display_to or ())
        codes = set(other.rel_to or ()) - known
        assert len(codes) <= 1, "one slip makes at most one other code"
        if not codes:
            assert markings.releasable_to(other, at) <= markings.releasable_to(label, at) | {"USA"}


@given(text=st.text(max_size=80))
def test_any_text_at_all_reads_as_a_label_or_is_refused(text: str) -> None:
    for reader in (markings.parse_portion, markings.parse_banner):
        try:
            label = reader(text, UDL)
        except MarkingError as refused:
            assert refused.findings
        else:
            assert text.strip("()") in (label.portion(), label.banner())


@given(text=st.text(alphabet="USTCNFOREL DIPAYJ,/-_()", max_size=60))
def test_what_is_read_from_the_alphabet_of_markings_writes_back_the_same(text: str) -> None:
    try:
        label = markings.parse_portion(text, UDL)
    except MarkingError:
        return
    assert label.portion() == text.removeprefix("(").removesuffix(")")
