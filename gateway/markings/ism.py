"""Reading ISM attributes (ISM-2022) into a label: the machine-readable twin of the banner line.

Strict like the text: an attribute or token this package does not read is refused, lists are in the published order,
and the owner is stated (an absent ``ownerProducer`` is not the USA). A prefix ``ism:`` on the names is allowed. What
the tokens are is in :mod:`gateway.markings.ismtokens`; what may stand beside a marking and is not held by a label in
:mod:`gateway.markings.ismbeside`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from gateway.markings.findings import Finding, MarkingError
from gateway.markings.heads import JOINT, NATO, NON_US, US
from gateway.markings.ismbeside import BESIDE, check_beside, day, truth
from gateway.markings.ismtokens import CONTROLS, CUI_BASIC, CUI_SPECIFIED, controls_of
from gateway.markings.label import Control, Label
from gateway.markings.profiles import Profile
from gateway.markings.rules import validate
from gateway.markings.words import Level

READ: Final = frozenset(
    ("classification", "ownerProducer", "joint", *CONTROLS, "releasableTo", "displayOnlyTo", "createDate")
)
"""The names of the attributes that a label is read from."""

Value = str | bool | Sequence[str]
"""An attribute's value: its text, the words of a list, or what a boolean one says."""

_AUTHORITY: Final = "ISM-2022"
_LEVELS: Final[dict[str, Level]] = {level.name: level for level in Level}
_FORM_RULES: Final = frozenset(
    (
        *("ISM-ID-00265", "ISM-ID-00236", "REL-USA-FIRST", "ISM-ID-00319", "DISPLAY-USA", "LIST-ORDER"),
        *("US-OWNER", "US-LEVEL", "NON-US-OWNER", "JOINT-LEVEL", "JOINT-OWNERS", "CONTROL-VALUES", "FGI-SOURCE"),
        *("SCI-COMPARTMENT", "SAP-PROGRAM", "AEA-PARTS", "AEA-SIGMA", "ISM-ID-00388", "ISM-ID-00217"),
        *("ISM-ID-00345", "EYES-USA-FIRST", "GRAMMAR-ORDER", "GRAMMAR-DUPLICATE", "CUI-UNCLASSIFIED"),
    )
)


def from_ism(attributes: Mapping[str, Value], profile: Profile) -> Label:
    """The label that ISM attributes state; :class:`MarkingError` when refused.

    A list is a text with one space between its words, or a sequence of words (``{"classification": "S",
    "ownerProducer": "USA", "disseminationControls": "REL", "releasableTo": ["USA", "JPN"]}``). Form is judged here;
    what the controls mean beside each other by :func:`gateway.markings.validate`.
    """
    given = {name.removeprefix("ism:"): _text(value) for name, value in attributes.items()}
    if len(given) != len(attributes) or not given.keys() <= READ | BESIDE:
        raise _refuse("ISM-ATTRIBUTE", "an attribute is not read by this profile, or stands twice")
    check_beside(given)
    system, owners = _owners(given, profile)
    level = _LEVELS.get(given.get("classification", ""))
    if level is None or (level is Level.R and system in (US, JOINT)):
        raise _refuse("US-LEVEL", "classification is U, C, S or TS, or R of another nation or NATO")
    controls, rel_to, display_to = _controls(given, profile)
    label = Label(profile.name, level, controls, rel_to, display_to, _created(given), system, owners)
    form = [finding for finding in validate(label, date.max, profile.tables) if finding.rule in _FORM_RULES]
    if form:
        raise MarkingError(*form)
    return label


Lists = tuple[tuple[Control, ...], tuple[str, ...] | None, tuple[str, ...] | None]


def _controls(given: Mapping[str, str], profile: Profile) -> Lists:
    """The controls in the Register's order, the release list and the display list."""
    pairs, lists = controls_of({name: _split(given.get(name)) for name in CONTROLS}, profile)
    if CUI_BASIC in given or CUI_SPECIFIED in given:
        pairs.append(("CUI", ()))
    eyes = ("EYES ONLY", ()) in pairs
    rel_to = _list(given, "releasableTo", "REL", ("REL TO" in lists or eyes), ("ISM-ID-00031", "ISM-ID-00032"))
    shown = "DISPLAY ONLY" in lists
    display_to = _list(given, "displayOnlyTo", "DISPLAYONLY", shown, ("ISM-ID-00213", "ISM-ID-00168"))
    if eyes:
        pairs = [(name, rel_to or () if name == "EYES ONLY" else values) for name, values in pairs]
        rel_to = rel_to if "REL TO" in lists else None
    ordered = sorted(pairs, key=lambda pair: profile.order(*pair))
    return tuple(Control(*pair) for pair in ordered), rel_to, display_to


def _owners(given: Mapping[str, str], profile: Profile) -> tuple[str, tuple[str, ...]]:
    """Whose it is, and in which system of markings."""
    owners = _split(given.get("ownerProducer"))
    joint = truth(given.get("joint", "false"))
    if joint is None:
        raise _refuse("ISM-JOINT", "joint is true or false")
    if joint:
        owners = tuple(sorted(owners, key=profile.tables.sort_key))
    system = JOINT if joint else US if owners == ("USA",) else NATO if owners == (NATO,) else NON_US
    if system == NON_US and (len(owners) != 1 or not profile.systems):
        raise _refuse("US-OWNER", "ownerProducer is stated, and is USA or one owner that the profile reads")
    if system != US and system not in profile.systems:
        raise _refuse("US-OWNER", "this profile reads no labels of that owner")
    return system, owners


def _list(
    given: Mapping[str, str], attribute: str, token: str, wanted: bool, rules: tuple[str, str]
) -> tuple[str, ...] | None:
    codes = _split(given.get(attribute))
    if wanted and not codes:
        raise _refuse(rules[0], f"{token} needs the list {attribute}")
    if not wanted and attribute in given:
        raise _refuse(rules[1], f"{attribute} needs the control {token}")
    return codes or None


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(" ")) if text else ()


def _text(value: Value) -> str:
    """A value as the text of an XML attribute."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if not isinstance(value, Sequence) or not all(isinstance(word, str) and word and " " not in word for word in value):
        raise _refuse("ISM-VALUE", "an attribute's value is a text, a boolean or a list of words")
    return " ".join(value)


def _created(given: Mapping[str, str]) -> date | None:
    text = given.get("createDate")
    if text is None:
        return None
    created = day(text)
    if created is None:
        raise _refuse("ISM-DATE", "createDate is a day, YYYY-MM-DD")
    return created


def _refuse(rule: str, message: str) -> MarkingError:
    return MarkingError(Finding(rule, _AUTHORITY, message))
