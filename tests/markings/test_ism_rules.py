"""Each rule of ISM-2022 and of CAPCO-2016 by its number: what breaks it, and what beside it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway import markings
from gateway.markings import Control, Label, Level, MarkingError

AT = date(2026, 1, 1)
ICRM = markings.profile("icrm-2016")
ISM = markings.profile("ism-2022")
NF = Control("NOFORN")


def _found(text: str, name: str = "icrm-2016") -> set[str]:
    return {each.rule for each in markings.validate(markings.parse_banner(text, markings.profile(name)), AT)}


def _refused(text: str) -> set[str]:
    with pytest.raises(MarkingError) as refused:
        markings.parse_banner(text, ICRM)
    return {each.rule for each in refused.value.findings}


def _beside(banner: str, *portions: str) -> set[str]:
    labels = [markings.parse_portion(f"({text})", ICRM) for text in portions]
    return {each.rule for each in markings.check_banner(markings.parse_banner(banner, ICRM), labels, AT)}


def test_ism_id_00031_rel_to_names_those_it_is_for() -> None:
    assert "ISM-ID-00031" in _refused("SECRET//REL TO")
    assert _found("SECRET//REL TO USA, GBR") == set()


def test_ism_id_00033_noforn_and_rel_to_exclude_each_other() -> None:
    assert "ISM-ID-00033" in _found("SECRET//NOFORN/REL TO USA, GBR")


def test_ism_id_00038_nodis_exdis_and_sbu_exclude_each_other() -> None:
    for pair in ("NOFORN//EXDIS/NODIS", "NOFORN//EXDIS/SBU", "NOFORN//NODIS/SBU", "SBU/SBU NOFORN"):
        assert "ISM-ID-00038" in _found(f"UNCLASSIFIED//{pair}"), pair


def test_ism_id_00043_special_intelligence_is_classified() -> None:
    assert "ISM-ID-00043" in _found("UNCLASSIFIED//SI")
    assert _found("CONFIDENTIAL//SI//NOFORN") == set()


def test_ism_id_00045_si_gamma_is_originator_controlled() -> None:
    assert "ISM-ID-00045" in _found("TOP SECRET//SI-G//NOFORN")
    assert _found("TOP SECRET//SI-G ABCD//ORCON/NOFORN") == set()


def test_ism_id_00047_talent_keyhole_is_secret_or_above() -> None:
    assert "ISM-ID-00047" in _found("CONFIDENTIAL//TK//NOFORN")
    assert _found("SECRET//TK//NOFORN") == set()


def test_ism_id_00049_hcs_is_for_no_foreigner() -> None:
    assert "ISM-ID-00049" in _found("SECRET//HCS-P//REL TO USA, GBR")
    assert _found("SECRET//HCS-P//NOFORN") == set()


def test_ism_id_00058_a_banner_is_no_lower_than_a_portion() -> None:
    assert "ISM-ID-00058" in _beside("CONFIDENTIAL//NOFORN", "S//NF")
    assert "ISM-ID-00058" in _beside("UNCLASSIFIED//FGI DEU//NOFORN", "//DEU R")


def test_ism_id_00064_foreign_sources_roll_up_open_or_concealed() -> None:
    assert "ISM-ID-00064" in _beside("SECRET//NOFORN", "S//FGI GBR//NF")
    assert "ISM-ID-00064" in _beside("SECRET//NOFORN", "//GBR S")
    assert "ISM-ID-00064" in _beside("SECRET//FGI GBR//NOFORN", "S//FGI//NF")
    assert _beside("SECRET//FGI GBR//NOFORN", "//GBR S") == set()
    assert _beside("SECRET//FGI//NOFORN", "S//FGI GBR//NF", "S//FGI//NF") == set()


def test_ism_id_00067_orcon_rolls_up() -> None:
    assert "ISM-ID-00067" in _beside("SECRET//NOFORN", "S//OC/NF")


def test_ism_id_00088_a_released_banner_has_released_portions_only() -> None:
    assert _beside("SECRET//REL TO USA, GBR", "S//DISPLAY ONLY GBR") == {"ISM-ID-00088", "ISM-ID-00318"}
    assert "ISM-ID-00088" in _beside("SECRET//REL TO USA, GBR", "S")
    assert _beside("SECRET//REL TO USA, GBR", "U", "S//REL TO USA, GBR, JPN") == set()


def test_ism_id_00107_controlled_imagery_is_secret_or_above() -> None:
    assert "ISM-ID-00107" in _found("CONFIDENTIAL//IMCON/NOFORN")
    assert _found("SECRET//IMCON/NOFORN") == set()


def test_ism_id_00148_les_and_les_noforn_exclude_each_other() -> None:
    assert "ISM-ID-00148" in _found("UNCLASSIFIED//LES/LES NOFORN")


def test_ism_id_00163_nato_controls_stand_with_nato() -> None:
    assert "ISM-ID-00163" in _found("SECRET//ATOMAL//NOFORN")
    for text in ("//NATO SECRET//ATOMAL", "SECRET//ATOMAL//FGI NATO//NOFORN", "SECRET//ATOMAL//FGI//NOFORN"):
        assert _found(text) == set()


def test_ism_id_00169_noforn_relido_and_display_only_exclude_each_other() -> None:
    for text in ("SECRET//NOFORN/RELIDO", "SECRET//RELIDO/DISPLAY ONLY AFG", "SECRET//NOFORN/DISPLAY ONLY AFG"):
        assert "ISM-ID-00169" in _found(text)


def test_ism_id_00173_and_00175_sigma_and_cnwdi_are_secret_or_above() -> None:
    assert "ISM-ID-00173" in _found("CONFIDENTIAL//RD-SIGMA 14//NOFORN")
    assert "ISM-ID-00173" in _found("CONFIDENTIAL//FRD-SIGMA 14//NOFORN")
    assert "ISM-ID-00175" in _found("CONFIDENTIAL//RD-CNWDI//NOFORN")
    assert _found("CONFIDENTIAL//RD//NOFORN") == set()


def test_ism_id_00199_a_retired_community_is_refused_after_its_day() -> None:
    label = markings.parse_banner("SECRET//REL TO USA, RSMA", ICRM)
    assert markings.validate(label, date(2021, 11, 2)) == ()
    assert [each.rule for each in markings.validate(label, date(2021, 11, 3))] == ["ISM-ID-00199"]


def test_ism_id_00199_a_retired_owner_is_refused_as_a_listed_one_is() -> None:
    assert "ISM-ID-00199" in _found("//SCG SECRET")


def test_ism_id_00217_a_source_is_named_or_concealed_never_both() -> None:
    label = Label("icrm-2016", Level.S, (Control("FGI"), Control("FGI", ("GBR",)), NF))
    assert "ISM-ID-00217" in {each.rule for each in markings.validate(label, AT)}


def test_ism_id_00236_no_code_stands_twice() -> None:
    assert "ISM-ID-00236" in _refused("SECRET//REL TO USA, GBR, GBR")


def test_ism_id_00265_every_code_is_known() -> None:
    assert "ISM-ID-00265" in _refused("SECRET//REL TO USA, XYZ")


def test_ism_id_00302_orcon_usgov_stands_beside_orcon_in_ism_2022_alone() -> None:
    assert "ISM-ID-00302" in _found("SECRET//ORCON-USGOV/NOFORN", "ism-2022")
    assert _found("SECRET//ORCON/ORCON-USGOV/NOFORN", "ism-2022") == set()
    assert _found("SECRET//ORCON-USGOV/NOFORN") == set()


def test_ism_id_00313_nodis_is_for_no_foreigner() -> None:
    assert "ISM-ID-00313" in _found("SECRET//NODIS")
    assert _found("SECRET//NOFORN//NODIS") == set()


def test_ism_id_00314_exdis_is_for_no_foreigner() -> None:
    assert "ISM-ID-00314" in _found("SECRET//REL TO USA, GBR//EXDIS")


def test_ism_id_00318_a_banner_releases_to_nobody_more_than_a_portion() -> None:
    assert "ISM-ID-00318" in _beside("SECRET//REL TO USA, FVEY", "S//REL TO USA, FVEY", "S//REL TO USA, NATO")
    assert "ISM-ID-00318" in _beside("SECRET//REL TO USA, GBR", "U//REL TO USA, AUS", "S//REL TO USA, GBR")
    assert _beside("SECRET//REL TO USA, CAN, GBR", "S//REL TO USA, FVEY", "S//REL TO USA, NATO") == set()


def test_ism_id_00319_an_empty_intersection_is_never_rel_to_usa() -> None:
    alone = Label("icrm-2016", Level.S, (), ("USA",))
    assert "ISM-ID-00319" in {each.rule for each in markings.validate(alone, AT)}
    portions = [markings.parse_portion(f"(S//REL TO USA, {code})", ICRM) for code in ("JPN", "AUS")]
    assert "ISM-ID-00319" in {each.rule for each in markings.check_banner(alone, portions, AT)}
    assert markings.roll_up(portions, ICRM).portion() == "(S//NF)"


def test_ism_id_00321_of_rd_frd_and_tfni_a_marking_holds_one() -> None:
    assert "ISM-ID-00321" in _found("SECRET//RD/FRD//NOFORN")
    assert "ISM-ID-00321" in _found("SECRET//FRD/TFNI//NOFORN")


def test_ism_id_00325_orcon_and_relido_exclude_each_other() -> None:
    assert "ISM-ID-00325" in _found("SECRET//ORCON/RELIDO")


def test_ism_id_00335_hcs_o_is_originator_controlled() -> None:
    assert "ISM-ID-00335" in _found("SECRET//HCS-O//NOFORN")
    assert _found("SECRET//HCS-O//ORCON/NOFORN") == set()


def test_ism_id_00341_si_gamma_is_not_for_the_whole_government() -> None:
    assert "ISM-ID-00341" in _found("TOP SECRET//SI-G//ORCON/ORCON-USGOV/NOFORN")


def test_ism_id_00345_eyes_only_names_none_but_the_five() -> None:
    assert "ISM-ID-00345" in _refused("SECRET//USA/FRA EYES ONLY")


def test_ism_id_00372_les_noforn_says_already_what_noforn_says() -> None:
    assert "ISM-ID-00372" in _found("UNCLASSIFIED//NOFORN//LES NOFORN")
    assert "ISM-ID-00372" in _found("UNCLASSIFIED//REL TO USA, GBR//SBU NOFORN")


def test_ism_id_00377_joint_is_released_to_every_owner() -> None:
    assert "ISM-ID-00377" in _found("//JOINT SECRET GBR USA")
    assert "ISM-ID-00377" in _found("//JOINT SECRET DEU USA//REL TO USA, FVEY")
    assert _found("//JOINT SECRET GBR USA//REL TO USA, FVEY") == set()


def test_ism_id_00388_a_compartment_stands_under_its_control() -> None:
    label = Label("icrm-2016", Level.TS, (Control("SI", ("G",)), Control("ORCON"), NF))
    assert "ISM-ID-00388" in {each.rule for each in markings.validate(label, AT)}
    attributes = {"classification": "TS", "ownerProducer": "USA", "SCIcontrols": "SI SI-G-ABCD"}
    with pytest.raises(MarkingError, match="ISM-ID-00388"):
        markings.from_ism(attributes, ISM)


def test_joint_is_never_hcs_noforn_or_restricted() -> None:
    assert "JOINT-EXCLUDES" in _found("//JOINT SECRET GBR USA//NOFORN/REL TO USA, GBR")
    assert "JOINT-EXCLUDES" in _found("//JOINT SECRET GBR USA//HCS-P//REL TO USA, GBR")
    assert "JOINT-LEVEL" in _refused("//JOINT RESTRICTED GBR USA")


LEVELS = [
    ("LEVEL-LOWEST", "UNCLASSIFIED//SAR-BP//NOFORN"),
    ("LEVEL-LOWEST", "UNCLASSIFIED//RD//NOFORN"),
    ("LEVEL-LOWEST", "SECRET//BOHEMIA//FGI NATO//NOFORN"),
    ("LEVEL-LOWEST", "CONFIDENTIAL//RSEN/NOFORN"),
    ("LEVEL-HIGHEST", "SECRET//DOD UCNI//NOFORN"),
    ("LEVEL-HIGHEST", "SECRET//NOFORN//SBU"),
    ("SI-COMPARTMENT-LEVEL", "SECRET//SI-G//ORCON/NOFORN"),
    ("TK-BLFH-LEVEL", "SECRET//TK-BLFH//NOFORN"),
    ("HCS-COMPARTMENT-LEVEL", "CONFIDENTIAL//HCS-P//NOFORN"),
    ("HCS-SUB-LEVEL", "SECRET//HCS-P JJJ//ORCON/NOFORN"),
    ("HCS-SUB-ORCON", "TOP SECRET//HCS-P JJJ//NOFORN"),
    ("ORCON-USGOV-RELIDO", "SECRET//ORCON-USGOV/RELIDO"),
    ("EYES-ALONE", "SECRET//RELIDO/USA/GBR EYES ONLY"),
    ("FGI-IN-FOREIGN", "//GBR SECRET//FGI JPN"),
]


@pytest.mark.parametrize(("rule", "text"), LEVELS, ids=[f"{rule}:{text}" for rule, text in LEVELS])
def test_a_marking_that_breaks_a_rule_of_the_register_is_found(rule: str, text: str) -> None:
    assert rule in _found(text)


MADE = [
    ("CONTROL-VALUES", Control("SI", ("G", "ABCD", "X"))),
    ("CONTROL-VALUES", Control("SI", ("a",))),
    ("CONTROL-VALUES", Control("SAR")),
    ("CONTROL-VALUES", Control("RD", ("SIGMA", "x"))),
    ("CONTROL-VALUES", Control("RD", ("FOO",))),
    ("CONTROL-VALUES", Control("FGI", ("GBR", "JPN"))),
    ("SCI-COMPARTMENT", Control("TK", ("XX",))),
    ("FGI-SOURCE", Control("FGI", ("USA",))),
    ("EYES-USA-FIRST", Control("EYES ONLY", ("GBR",))),
    ("CONTROL-UNKNOWN", Control("BUR")),
]


@pytest.mark.parametrize(("rule", "control"), MADE, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(MADE)])
def test_a_label_made_by_hand_is_judged_as_one_that_was_read(rule: str, control: Control) -> None:
    label = Label("icrm-2016", Level.TS, (control,))
    assert rule in {each.rule for each in markings.validate(label, AT)}


def test_cui_needs_its_mark_and_stays_unclassified() -> None:
    lone = Label("cui", Level.U, (Control("CUI-SP-CTI"),))
    assert "CUI-MISSING" in {each.rule for each in markings.validate(lone, AT)}
    high = Label("cui", Level.S, (Control("CUI"),))
    assert {"CUI-UNCLASSIFIED", "LEVEL-HIGHEST"} <= {each.rule for each in markings.validate(high, AT)}
    assert _found("CUI//SP-CTI//FED ONLY", "cui") == set()


def test_whose_a_label_is_must_fit_its_system() -> None:
    plain = Label("icrm-2016", Level.S)
    for rule, made in (
        ("US-OWNER", replace(plain, owners=("GBR",))),
        ("US-OWNER", replace(plain, system="NATO")),
        ("NON-US-OWNER", replace(plain, system="NON-US", owners=("GBR", "JPN"))),
        ("NON-US-OWNER", replace(plain, system="NON-US", owners=("NATO",))),
        ("ISM-ID-00265", replace(plain, system="NON-US", owners=("XYZ",))),
        ("JOINT-OWNERS", replace(plain, system="JOINT", owners=("GBR",), rel_to=("USA", "GBR"))),
    ):
        assert rule in {each.rule for each in markings.validate(made, AT)}
