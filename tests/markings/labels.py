"""Labels for the property tests: sound ones of any profile, over codes whose memberships differ."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

from gateway import markings
from gateway.markings import Control, Label, Level

PROFILES = ("udl", "icrm-2016", "ism-2022", "dodm-5200.01-v2")
EVERY_PROFILE = (*PROFILES, "cui")
NATIONS = ("AUS", "CAN", "FIN", "GBR", "JPN", "KOR", "NOR", "NZL", "SSD")
COMMUNITIES = ("ACGU", "FVEY", "KFOR", "NATO")
DAYS = (None, date(2009, 5, 1), date(2022, 12, 1), date(2023, 6, 1), date(2024, 6, 1))
ASKED = (date(2000, 1, 1), date(2012, 1, 1), date(2023, 1, 1), date(2023, 7, 1), date(2026, 1, 1))

_owned = st.tuples(st.sampled_from(("SPIRE", "SSDP", "A_1")), st.sampled_from(("AIS", "ELSET")))


@st.composite
def codes(draw: st.DrawFn) -> tuple[str, ...]:
    """A list in the Register's order, without USA, never empty."""
    nations = draw(st.sets(st.sampled_from(NATIONS), max_size=4))
    communities = draw(st.sets(st.sampled_from(COMMUNITIES), min_size=0 if nations else 1, max_size=2))
    return (*sorted(nations), *sorted(communities))


@st.composite
def sound_labels(draw: st.DrawFn, profile: str, *, dated: bool = True) -> Label:
    """A label that :func:`markings.validate` finds nothing wrong with on a day in 2026."""
    level = draw(st.sampled_from((Level.U, Level.C, Level.S, Level.TS)))
    says = draw(st.sampled_from(("", "", "NF", "REL", "REL", "REL", "RELIDO", "REL/RELIDO", "DISPLAY", "REL/DISPLAY")))
    names: set[Control] = set()
    if level is Level.U and draw(st.booleans()):
        names.add(Control("FOUO"))
    if level is not Level.U and "RELIDO" not in says and draw(st.booleans()):
        names.add(Control("ORCON"))
    if "NF" in says:
        names.add(Control("NOFORN"))
    if "RELIDO" in says:
        names.add(Control("RELIDO"))
    if profile == "udl":
        names |= {Control("PR", each) for each in draw(st.sets(_owned, max_size=1))}
        names |= {Control("DS", each) for each in draw(st.sets(_owned, max_size=1))}
    rel_to = ("USA", *draw(codes())) if says.startswith("REL") and says != "RELIDO" else None
    shown = draw(codes()) if "DISPLAY" in says else ()
    display_to = tuple(code for code in shown if code not in (rel_to or ())) or None
    if says == "DISPLAY":
        display_to = shown
    controls = tuple(sorted(names, key=lambda control: control.order))
    created = draw(st.sampled_from(DAYS)) if dated else None
    return Label(profile, level, controls, rel_to, display_to, created=created)


def read(text: str, profile: str) -> Label:
    """A portion mark read under a profile, its parentheses added where the profile wants them."""
    chosen = markings.profile(profile)
    return markings.parse_portion(text if chosen.bare_portions else f"({text})", chosen)


def written(label: Label) -> str:
    """A label's portion mark without parentheses."""
    return label.portion().removeprefix("(").removesuffix(")")
