"""Reading ISM attributes (ISM-2022) into a label: the machine-readable twin of the banner line.

Strict like the text: an attribute or token this package does not read is refused, lists are in the Register's
order, and the owner is stated (an absent ``ownerProducer`` is not the USA). A prefix ``ism:`` on the names is
allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from gateway.markings.findings import Finding, MarkingError
from gateway.markings.label import ISM_TOKENS, Control, Label
from gateway.markings.profiles import Profile
from gateway.markings.rules import validate
from gateway.markings.words import US_LEVELS, Level

_CONTROL_OF: Final = {token: name for name, token in ISM_TOKENS.items()}
_ORDER: Final = ("FOUO", "OC", "NF", "REL", "RELIDO", "DISPLAYONLY")
_READ: Final = frozenset(
    (
        "classification",
        "ownerProducer",
        "disseminationControls",
        "releasableTo",
        "displayOnlyTo",
        "createDate",
    )
)
_AUTHORITY: Final = "ISM-2022"


def from_ism(attributes: Mapping[str, str], profile: Profile) -> Label:
    """The label that ISM attributes state; :class:`MarkingError` when refused.

    Lists are space separated (``{"classification": "S", "ownerProducer": "USA", "disseminationControls":
    "REL", "releasableTo": "USA JPN"}``). Form is judged here; what the controls mean beside each other by
    :func:`gateway.markings.validate`.
    """
    given = {name.removeprefix("ism:"): value for name, value in attributes.items()}
    if len(given) != len(attributes) or not given.keys() <= _READ:
        raise _refuse("ISM-ATTRIBUTE", "an attribute is not read by this profile, or stands twice")
    if given.get("ownerProducer") != "USA":
        raise _refuse("US-OWNER", "ownerProducer is stated, and is USA")
    level = _LEVELS.get(given.get("classification", ""))
    if level is None:
        raise _refuse("US-LEVEL", "classification is U, C, S or TS")
    tokens = _split(given.get("disseminationControls"))
    if not set(tokens) <= set(_ORDER) or list(tokens) != sorted(set(tokens), key=_ORDER.index):
        raise _refuse(
            "ISM-TOKENS", "each dissemination control is known, stands once, in the Register's order"
        )
    rel_to = _list(given, "releasableTo", "REL", tokens, ("ISM-ID-00031", "ISM-ID-00032"))
    display_to = _list(given, "displayOnlyTo", "DISPLAYONLY", tokens, ("ISM-ID-00213", "ISM-ID-00168"))
    controls = tuple(Control(_CONTROL_OF[token]) for token in tokens if token in _CONTROL_OF)
    label = Label(profile.name, level, controls, rel_to, display_to, _created(given))
    form = [finding for finding in validate(label, date.max, profile.tables) if finding.rule in _FORM_RULES]
    if form:
        raise MarkingError(*form)
    return label


_LEVELS: Final[dict[str, Level]] = {level.name: level for level in US_LEVELS}
_FORM_RULES: Final = frozenset(
    ("ISM-ID-00265", "ISM-ID-00236", "REL-USA-FIRST", "REL-USA-ALONE", "DISPLAY-USA", "LIST-ORDER")
)


def _list(
    given: Mapping[str, str], attribute: str, token: str, tokens: tuple[str, ...], rules: tuple[str, str]
) -> tuple[str, ...] | None:
    codes = _split(given.get(attribute))
    if token in tokens and not codes:
        raise _refuse(rules[0], f"{token} needs the list {attribute}")
    if token not in tokens and attribute in given:
        raise _refuse(rules[1], f"{attribute} needs the control {token}")
    return codes or None


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(" ")) if text else ()


def _created(given: Mapping[str, str]) -> date | None:
    text = given.get("createDate")
    if text is None:
        return None
    try:
        created = date.fromisoformat(text)
    except ValueError:
        created = None
    if created is None or created.isoformat() != text:
        raise _refuse("ISM-DATE", "createDate is a day, YYYY-MM-DD")
    return created


def _refuse(rule: str, message: str) -> MarkingError:
    return MarkingError(Finding(rule, _AUTHORITY, message))
