"""The whole grammar, form by form: what is read, how it is written back, what is refused and by which rule."""

from __future__ import annotations

import pytest

from gateway import markings
from gateway.markings import Control, Level, MarkingError

ICRM = markings.profile("icrm-2016")
CUI = markings.profile("cui")

# banner, portion: CAPCO-2016 A.6, D.1, G.1 and H, form by form.
READ = [
    ("TOP SECRET//SI//NOFORN", "(TS//SI//NF)"),
    ("TOP SECRET//SI-G ABCD DEFG-MMM AACD/TK//ORCON/NOFORN", "(TS//SI-G ABCD DEFG-MMM AACD/TK//OC/NF)"),
    (
        "TOP SECRET//HCS-O-P JJJ/RSV-A1B/TK-BLFH 12A-IDIT//ORCON/NOFORN",
        "(TS//HCS-O-P JJJ/RSV-A1B/TK-BLFH 12A-IDIT//OC/NF)",
    ),
    ("SECRET//SAR-BP//NOFORN", "(S//SAR-BP//NF)"),
    (
        "SECRET//SAR-BP-J12 J54-K15/CD-YYY 456 689/XR-XRA RB//NOFORN",
        "(S//SAR-BP-J12 J54-K15/CD-YYY 456 689/XR-XRA RB//NF)",
    ),
    ("SECRET//RD//NOFORN", "(S//RD//NF)"),
    ("SECRET//RD-CNWDI//NOFORN", "(S//RD-CNWDI//NF)"),
    ("SECRET//RD-SIGMA 2 14 20//NOFORN", "(S//RD-SG 2 14 20//NF)"),
    ("SECRET//RD-CNWDI-SIGMA 18//NOFORN", "(S//RD-CNWDI-SG 18//NF)"),
    ("SECRET//FRD-SIGMA 14//NOFORN", "(S//FRD-SG 14//NF)"),
    ("UNCLASSIFIED//DOD UCNI", "(U//DCNI)"),
    ("UNCLASSIFIED//DOE UCNI", "(U//UCNI)"),
    ("SECRET//TFNI//NOFORN", "(S//TFNI//NF)"),
    ("SECRET//RD/ATOMAL//FGI NATO//NOFORN", "(S//RD/ATOMAL//FGI NATO//NF)"),
    ("TOP SECRET//BOHEMIA//FGI AUS CAN DEU NATO//NOFORN", "(TS//BOHEMIA//FGI AUS CAN DEU NATO//NF)"),
    ("SECRET//FGI//NOFORN", "(S//FGI//NF)"),
    ("SECRET//FGI GBR JPN NATO//REL TO USA, GBR", "(S//FGI GBR JPN NATO//REL TO USA, GBR)"),
    ("//GBR SECRET", "(//GBR S)"),
    ("//DEU RESTRICTED", "(//DEU R)"),
    ("//AUS TOP SECRET//REL TO USA, AUS", "(//AUS TS//REL TO USA, AUS)"),
    ("//EU SECRET", "(//EU S)"),
    ("//JOINT SECRET GBR USA//REL TO USA, GBR", "(//JOINT S GBR USA//REL TO USA, GBR)"),
    ("//JOINT TOP SECRET CAN GBR USA//SI//REL TO USA, CAN, GBR", "(//JOINT TS CAN GBR USA//SI//REL TO USA, CAN, GBR)"),
    ("//COSMIC TOP SECRET", "(//CTS)"),
    ("//NATO SECRET", "(//NS)"),
    ("//NATO CONFIDENTIAL", "(//NC)"),
    ("//NATO RESTRICTED", "(//NR)"),
    ("//NATO UNCLASSIFIED", "(//NU)"),
    ("//COSMIC TOP SECRET//BALK", "(//CTS//BALK)"),
    ("//COSMIC TOP SECRET//BOHEMIA//ATOMAL", "(//CTS//BOHEMIA//ATOMAL)"),
    ("//NATO SECRET//ATOMAL", "(//NS//ATOMAL)"),
    ("SECRET//RSEN/ORCON/IMCON/NOFORN/PROPIN/DEA SENSITIVE/FISA//LIMDIS", "(S//RS/OC/IMC/NF/PR/DSEN/FISA//DS)"),
    ("SECRET//ORCON-USGOV/NOFORN", "(S//OC-USGOV/NF)"),
    ("SECRET//USA/CAN/GBR EYES ONLY", "(S//USA/CAN/GBR EYES)"),
    ("SECRET//SI//ORCON/USA/AUS EYES ONLY/FISA", "(S//SI//OC/USA/AUS EYES/FISA)"),
    ("SECRET//NOFORN//NODIS", "(S//NF//ND)"),
    ("SECRET//NOFORN//EXDIS", "(S//NF//XD)"),
    ("UNCLASSIFIED//SBU", "(U//SBU)"),
    ("UNCLASSIFIED//SBU NOFORN", "(U//SBU-NF)"),
    ("UNCLASSIFIED//LES NOFORN/SSI", "(U//LES-NF/SSI)"),
    ("SECRET//NOFORN//LES", "(S//NF//LES)"),
]  # fmt: skip


@pytest.mark.parametrize(("banner", "portion"), READ, ids=[row[0] for row in READ])
def test_a_banner_and_its_portion_read_alike_and_write_themselves_back(banner: str, portion: str) -> None:
    label = markings.parse_banner(banner, ICRM)
    assert label.banner() == banner
    assert label.portion() == portion
    assert markings.parse_portion(portion, ICRM) == label
    assert markings.from_ism(label.to_ism(), ICRM) == label


def test_special_access_required_in_full_is_the_same_as_its_abbreviation() -> None:
    label = markings.parse_banner("SECRET//SPECIAL ACCESS REQUIRED-BP/CD//NOFORN", ICRM)
    assert label == markings.parse_banner("SECRET//SAR-BP/CD//NOFORN", ICRM)
    with pytest.raises(MarkingError):
        markings.parse_portion("(S//SPECIAL ACCESS REQUIRED-BP//NF)", ICRM)


def test_a_compartment_stands_under_its_system_so_that_markings_unite_as_sets() -> None:
    label = markings.parse_portion("(TS//SI-G ABCD//OC/NF)", ICRM)
    assert label.controls[:3] == (Control("SI"), Control("SI", ("G",)), Control("SI", ("G", "ABCD")))


def test_whose_a_marking_is_stands_in_the_label() -> None:
    heads = {
        "(//GBR S)": ("NON-US", Level.S, ("GBR",)),
        "(//CTS)": ("NATO", Level.TS, ("NATO",)),
        "(//NR)": ("NATO", Level.R, ("NATO",)),
        "(//JOINT C CAN USA//REL TO USA, CAN)": ("JOINT", Level.C, ("CAN", "USA")),
        "(S)": ("US", Level.S, ("USA",)),
    }
    for text, (system, level, owners) in heads.items():
        label = markings.parse_portion(text, ICRM)
        assert (label.system, label.level, label.owners) == (system, level, owners)


READ_CUI = [
    ("UNCLASSIFIED", "(U)"),
    ("CUI", "(CUI)"),
    ("CUI//SP-CTI", "(CUI//SP-CTI)"),
    ("CUI//SP-CTI/SP-EXPT/PRVCY//FED ONLY/NOFORN", "(CUI//SP-CTI/SP-EXPT/PRVCY//FED ONLY/NF)"),
    ("CUI//FEDCON", "(CUI//FEDCON)"),
    ("CUI//SP-INTEL//FEDCON/REL TO USA, GBR", "(CUI//SP-INTEL//FEDCON/REL TO USA, GBR)"),
    ("CUI//PRIVILEGE//ATTORNEY-CLIENT/DL ONLY", "(CUI//PRIVILEGE//AC/DL ONLY)"),
]


@pytest.mark.parametrize(("banner", "portion"), READ_CUI, ids=[row[0] for row in READ_CUI])
def test_cui_reads_in_its_own_profile_basic_and_specified(banner: str, portion: str) -> None:
    label = markings.parse_banner(banner, CUI)
    assert (label.banner(), label.portion()) == (banner, portion)
    assert markings.parse_portion(portion, CUI) == label
    assert label.level is Level.U
    with pytest.raises(MarkingError):
        markings.parse_banner(banner if banner != "UNCLASSIFIED" else "CUI", ICRM)


REFUSED = [
    ("GRAMMAR-DUPLICATE", "TOP SECRET//SI/SI-G//ORCON/NOFORN"),
    ("GRAMMAR-ORDER", "TOP SECRET//TK/SI//NOFORN"),
    ("GRAMMAR-ORDER", "TOP SECRET//SI-MMM-G//ORCON/NOFORN"),
    ("GRAMMAR-ORDER", "TOP SECRET//SI-G DEFG ABCD//ORCON/NOFORN"),
    ("GRAMMAR-ORDER", "SECRET//NOFORN//SI"),
    ("GRAMMAR-ORDER", "SECRET//FGI GBR//RD//NOFORN"),
    ("GRAMMAR-ORDER", "SECRET//SAR-CD/BP//NOFORN"),
    ("GRAMMAR-ORDER", "SECRET//LIMDIS//NOFORN"),
    ("GRAMMAR-SEPARATOR", "SECRET//SI/NOFORN"),
    ("GRAMMAR-SEPARATOR", "SECRET//SI//TK//NOFORN"),
    ("GRAMMAR-SEPARATOR", "SECRET//SAR-BP/NOFORN"),
    ("GRAMMAR-SEPARATOR", "SECRET//NOFORN/LIMDIS"),
    ("GRAMMAR-TOKEN", "SECRET//GAMMA//NOFORN"),
    ("GRAMMAR-TOKEN", "SECRET//FGIGBR//NOFORN"),
    ("GRAMMAR-TOKEN", "SECRET//NF"),
    ("GRAMMAR-TOKEN", "SECRET//NOT RELEASABLE TO FOREIGN NATIONALS"),
    ("GRAMMAR-TOKEN", "SECRET//BUR//NOFORN"),
    ("GRAMMAR-TOKEN", "SECRET// EYES ONLY"),
    ("SCI-COMPARTMENT", "TOP SECRET//SI-GAMMA//ORCON/NOFORN"),
    ("SCI-COMPARTMENT", "TOP SECRET//SI-G ABC//ORCON/NOFORN"),
    ("SCI-COMPARTMENT", "TOP SECRET//SI-//NOFORN"),
    ("SCI-COMPARTMENT", "TOP SECRET//SI-G  ABCD//ORCON/NOFORN"),
    ("SCI-COMPARTMENT", "TOP SECRET//TK-XYZ//NOFORN"),
    ("SAP-PROGRAM", "SECRET//SAR-//NOFORN"),
    ("SAP-PROGRAM", "SECRET//SAR-BP-//NOFORN"),
    ("SAP-PROGRAM", "SECRET//SAR-BUTTER POPCORN//NOFORN"),
    ("AEA-PARTS", "SECRET//RD-SG 14//NOFORN"),
    ("AEA-PARTS", "SECRET//FRD-CNWDI//NOFORN"),
    ("AEA-PARTS", "SECRET//RD-SIGMA//NOFORN"),
    ("AEA-SIGMA", "SECRET//RD-SIGMA 014//NOFORN"),
    ("AEA-SIGMA", "SECRET//RD-SIGMA 0//NOFORN"),
    ("ISM-ID-00265", "SECRET//FGI XYZ//NOFORN"),
    ("ISM-ID-00265", "SECRET//FGI //NOFORN"),
    ("ISM-ID-00236", "SECRET//FGI GBR GBR//NOFORN"),
    ("LIST-ORDER", "SECRET//FGI JPN GBR//NOFORN"),
    ("LIST-ORDER", "SECRET//FGI NATO GBR//NOFORN"),
    ("FGI-SOURCE", "SECRET//FGI GBR USA//NOFORN"),
    ("GRAMMAR-SYSTEM", "//"),
    ("GRAMMAR-SYSTEM", "//GBR"),
    ("GRAMMAR-SYSTEM", "//GBR S"),
    ("GRAMMAR-SYSTEM", "//USA SECRET"),
    ("GRAMMAR-SYSTEM", "//NATO TOP SECRET"),
    ("GRAMMAR-SYSTEM", "//CTS"),
    ("GRAMMAR-SYSTEM", "//COSMIC TOP SECRET ATOMAL"),
    ("ISM-ID-00265", "//XYZ SECRET"),
    ("GRAMMAR-CLASSIFICATION", "//JOINT GBR USA SECRET"),
    ("GRAMMAR-CLASSIFICATION", "RESTRICTED"),
    ("GRAMMAR-CLASSIFICATION", "COSMIC TOP SECRET"),
    ("JOINT-OWNERS", "//JOINT SECRET GBR"),
    ("JOINT-OWNERS", "//JOINT SECRET CAN GBR"),
    ("JOINT-LEVEL", "//JOINT RESTRICTED GBR USA"),
    ("LIST-ORDER", "//JOINT SECRET USA GBR"),
    ("ISM-ID-00236", "//JOINT SECRET GBR GBR USA"),
    ("ISM-ID-00345", "SECRET//USA/DEU EYES ONLY"),
    ("GRAMMAR-TOKEN", "SECRET//USA EYES ONLY"),
    ("GRAMMAR-TOKEN", "SECRET//GBR/USA EYES ONLY"),
    ("LIST-ORDER", "SECRET//USA/GBR/AUS EYES ONLY"),
]


@pytest.mark.parametrize(("rule", "text"), REFUSED, ids=[f"{rule}:{text}" for rule, text in REFUSED])
def test_a_banner_with_any_doubt_in_it_is_refused_with_span_and_authority(rule: str, text: str) -> None:
    with pytest.raises(MarkingError) as refused:
        markings.parse_banner(text, ICRM)
    first = refused.value.findings[0]
    assert first.rule == rule
    assert first.authority.startswith("CAPCO-2016 ")
    assert first.span is not None
    assert 0 <= first.span[0] < first.span[1] <= len(text)


REFUSED_CUI = [
    ("GRAMMAR-CLASSIFICATION", "SECRET"),
    ("GRAMMAR-CLASSIFICATION", "CONTROLLED"),
    ("GRAMMAR-TOKEN", "CUI//CTI"),
    ("GRAMMAR-TOKEN", "CUI//SP-XYZ"),
    ("GRAMMAR-TOKEN", "CUI//SP-CTI//ORCON"),
    ("GRAMMAR-ORDER", "CUI//PRVCY/SP-CTI"),
    ("GRAMMAR-ORDER", "CUI//SP-EXPT/SP-CTI"),
    ("GRAMMAR-ORDER", "CUI//NOFORN/FED ONLY"),
    ("GRAMMAR-SEPARATOR", "CUI//SP-CTI/NOFORN"),
    ("GRAMMAR-SEPARATOR", "CUI//SP-CTI//SP-EXPT"),
    ("GRAMMAR-SYSTEM", "//GBR SECRET"),
]


@pytest.mark.parametrize(("rule", "text"), REFUSED_CUI, ids=[f"{rule}:{text}" for rule, text in REFUSED_CUI])
def test_a_cui_banner_with_any_doubt_in_it_is_refused_by_its_rule(rule: str, text: str) -> None:
    with pytest.raises(MarkingError) as refused:
        markings.parse_banner(text, CUI)
    assert refused.value.findings[0].rule == rule


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("(//CTSA)", "//CTS//ATOMAL"),
        ("(//NS-A)", "//NS//ATOMAL"),
        ("(//NATO SECRET)", "//NS"),
        ("(S//NOFORN)", "NF"),
        ("(S//FGI JPN GBR//NF)", "FGI GBR JPN"),
        ("(//JOINT S USA GBR//REL TO USA, GBR)", "GBR USA"),
        ("(S//SAR-BP/NF)", "//NF"),
    ],
)
def test_what_a_human_may_have_meant_is_offered_and_never_applied(text: str, suggestion: str) -> None:
    with pytest.raises(MarkingError) as refused:
        markings.parse_portion(text, ICRM)
    assert refused.value.findings[0].suggestion == suggestion


@pytest.mark.parametrize(
    "text", ["(S//BUR-DTP//NF)", "(S//KLM-R/MVL//NF)", "(S//NF/RAWFISA)", "(S//SAR-BP//NF/WAIVED)"]
)
def test_what_ism_2022_adds_is_read_by_that_profile_only(text: str) -> None:
    assert markings.parse_portion(text, markings.profile("ism-2022")).portion() == text
    for name in ("icrm-2016", "dodm-5200.01-v2", "udl"):
        with pytest.raises(MarkingError):
            markings.parse_portion(text, markings.profile(name))


def test_the_longest_text_of_any_kind_is_read_once_and_bounded() -> None:
    for text in (
        "//" * 1_024,
        "S//" + "SI-" * 600,
        "S//SAR-BP" + "-A" * 900,
        "//JOINT S " + "GBR " * 400,
        "S//FGI" + " GBR" * 400,
    ):
        with pytest.raises(MarkingError) as refused:
            markings.parse_portion(f"({text})"[:2_048].rstrip(")") + ")", ICRM)
        assert len(refused.value.findings) <= 10
