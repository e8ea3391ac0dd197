"""ISM attributes beside the marking: who classified, why and until when, notices, editions (ISM-2022).

A label does not hold them, and they cannot widen what it says. The rules:

1. Each is known by name and its value has that name's form, or the marking is refused.
2. One that says that the marking itself is not the whole of it refuses the marking: an approximate one, one that
   portions do not add up to, further handling channels, a second banner line, NATO material that the marking does not
   show, a notice of limited distribution. What they ask for is in no control of the label, so nothing would ask it.

Source: ISM.XML, DES 202111.202211, for names and forms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from gateway.markings.findings import Finding, MarkingError

DES_VERSIONS: Final = frozenset(("202111", "202111.202211"))
"""Editions of the data encoding specification whose attributes are read."""

_LONGEST_TEXT: Final = 4_096
_NAME_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:")
_COMPLIES: Final = frozenset(("USGov", "USIC", "USDOD", "USA-CUI", "USA-CUI-ONLY"))
_NOTICES: Final = frozenset(
    (
        *("RD", "FRD", "IMC", "FISA", "RAWFISA", "DS", "LES", "LES-NF", "CNWDI", "SSI", "NNPI", "US-Person"),
        *("DoD-Dist-A", "COMSEC", "pre13526ORCON", "POC", "GEOCAP", "CUI"),
    )
)
"""Notices that repeat a control, or ask nothing of a release."""


def day(text: str) -> date | None:
    """The day that a text is, YYYY-MM-DD; none for any other."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.isoformat() == text else None


def truth(text: str) -> bool | None:
    """What an XML Schema boolean says; none for any other text."""
    return {"true": True, "1": True, "false": False, "0": False}.get(text)


def _prose(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_TEXT and text.isprintable()


def _names(text: str) -> bool:
    words = text.split(" ")
    return len(text) <= _LONGEST_TEXT and all(word and _NAME_LETTERS.issuperset(word) for word in words)


def _among(known: frozenset[str]) -> Callable[[str], bool]:
    return lambda text: known.issuperset(text.split(" "))


def _is_day(text: str) -> bool:
    return day(text) is not None


def _is_boolean(text: str) -> bool:
    return truth(text) is not None


def _is_false(text: str) -> bool:
    return truth(text) is False


def _never(text: str) -> bool:
    return False


_FORMS: Final[Mapping[str, Callable[[str], bool]]] = {
    **dict.fromkeys(("DESVersion",), _among(DES_VERSIONS)),
    **dict.fromkeys(("compliesWith",), _among(_COMPLIES)),
    **dict.fromkeys(("noticeType",), _among(_NOTICES)),
    **dict.fromkeys(("ISMCATCESVersion", "pocType", "exemptFrom", "declassException"), _names),
    **dict.fromkeys(("declassDate", "noticeDate", "cuiDecontrolDate"), _is_day),
    **dict.fromkeys(("resourceElement", "excludeFromRollup", "externalNotice"), _is_boolean),
    **dict.fromkeys(
        (
            *("classifiedBy", "classificationReason", "derivativelyClassifiedBy", "derivedFrom", "declassEvent"),
            *("compilationReason", "noticeReason", "unregisteredNoticeType"),
            *("cuiControlledBy", "cuiControlledByOffice", "cuiDecontrolEvent", "cuiPOC"),
        ),
        _prose,
    ),
    **dict.fromkeys(("hasApproximateMarkings", "noAggregation"), _is_false),
    **dict.fromkeys(("handleViaChannels", "secondBannerLine", "highWaterNATO"), _never),
}
BESIDE: Final = frozenset(_FORMS)
"""The names of the attributes that stand beside a marking."""


def check_beside(given: Mapping[str, str]) -> None:
    """Refuse attributes beside the marking that have another form, or ask what no control of the label asks.

    Raises :class:`MarkingError`, ISM-VERSION for another edition and ISM-BESIDE for any other.
    """
    wrong = sorted(name for name in BESIDE & given.keys() if not _FORMS[name](given[name]))
    if "DESVersion" in wrong:
        message = "the attributes are of an edition that is not read"
        raise MarkingError(Finding("ISM-VERSION", "ISM-2022 DESVersion", message))
    if wrong:
        message = "an attribute beside the marking has no form that is read, or limits what the marking does not show"
        raise MarkingError(*(Finding("ISM-BESIDE", f"ISM-2022 {name}", f"{name}: {message}") for name in wrong))
