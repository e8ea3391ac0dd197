"""Write a decision's inputs as canonical JSON and read them back, so that any past decision can be made
again.

The rule: what is read back equals what was written, bit for bit, or reading raises. JSON numbers are not
used, since canonical JSON has no floats: a fact stands as a pair of its type and its text (``["float",
"0x1.8p+1"]``). Instants are RFC 3339 in UTC with microseconds. Nothing here is ever shown to a partner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from gateway.policy.decision import (
    UNKNOWN,
    Approval,
    Credential,
    Facts,
    FactValue,
    Obligations,
    RecipientKey,
    Review,
    Subject,
    Unknown,
    WitnessDemand,
)

Json = str | int | bool | None | Sequence["Json"] | Mapping[str, "Json"]
Object = Mapping[str, Json]


class ReplayError(ValueError):
    """What was recorded cannot be read back as a decision's input."""


def subject_to_json(subject: Subject) -> dict[str, Json]:
    """A subject as strings, lists and maps of them."""
    return {
        "partner": subject.partner,
        "system": subject.system,
        "clearance": subject.clearance,
        "holds": sorted(subject.holds),
        "credential": subject.credential.name.lower(),
        "key": None if subject.key is None else _key_to_json(subject.key),
    }


def subject_from_json(read: Object) -> Subject:
    """The subject that was written; raises :class:`ReplayError`."""
    try:
        key = read["key"]
        return Subject(
            partner=_text(read["partner"]),
            system=_text(read["system"]),
            clearance=_optional_text(read["clearance"]),
            holds=frozenset(_texts(read["holds"])),
            credential=Credential[_text(read["credential"]).upper()],
            key=None if key is None else _key_from_json(_object(key)),
        )
    except KeyError as error:
        raise ReplayError(f"a subject lacks {error}") from error


def _key_to_json(key: RecipientKey) -> dict[str, Json]:
    return {
        "thumbprint": key.thumbprint,
        "not_before": _instant_to_json(key.not_before),
        "expires": _instant_to_json(key.expires),
        "revoked": key.revoked,
        **({"post_quantum": True} if key.post_quantum else {}),
    }


def _key_from_json(read: Object) -> RecipientKey:
    if not isinstance(read["revoked"], bool):
        raise ReplayError("revoked is true or false")
    return RecipientKey(
        _text(read["thumbprint"]),
        instant_from_json(read["not_before"]),
        instant_from_json(read["expires"]),
        read["revoked"],
        read.get("post_quantum") is True,
    )


def facts_to_json(facts: Facts) -> dict[str, Json]:
    """Facts with the type of each value beside it."""
    return {
        "values": {name: _value_to_json(facts.values[name]) for name in sorted(facts.values)},
        "problems": {name: facts.problems[name] for name in sorted(facts.problems)},
        "delay_from": _instant_to_json(facts.delay_from),
        "originator": facts.originator,
        "stops": list(facts.stops),
        **({} if facts.approval is None else {"approval": [facts.approval.name, facts.approval.marking]}),
        **({"tear_line": True} if facts.tear_line else {}),
        **({} if facts.present is None else {"present": sorted(facts.present)}),
        **usage_to_json(facts.usage),
        **emergencies_to_json(facts.emergencies),
    }


def usage_to_json(usage: Mapping[str, int]) -> dict[str, Json]:
    """How much of each counter had been used; nothing where nothing is counted."""
    return {"usage": {name: str(usage[name]) for name in sorted(usage)}} if usage else {}


def usage_from_json(read: Object) -> dict[str, int]:
    """The use that was written; raises :class:`ReplayError`."""
    found: dict[str, int] = {}
    for name, used in _object(read.get("usage", {})).items():
        text = _text(used)
        if not (text.isascii() and text.isdigit()):
            raise ReplayError("a use is a whole number")
        found[name] = int(text)
    return found


def emergencies_to_json(emergencies: Mapping[str, datetime]) -> dict[str, Json]:
    """When each emergency was opened; nothing where none is."""
    opened: dict[str, Json] = {name: _instant_to_json(emergencies[name]) for name in sorted(emergencies)}
    return {"emergencies": opened} if opened else {}


def emergencies_from_json(read: Object) -> dict[str, datetime]:
    """The emergencies that were written; raises :class:`ReplayError`."""
    found: dict[str, datetime] = {}
    for name, said in _object(read.get("emergencies", {})).items():
        opened = instant_from_json(said)
        if opened is None:
            raise ReplayError("an emergency was opened at an instant")
        found[name] = opened
    return found


def facts_from_json(read: Object) -> Facts:
    """The facts that were written; raises :class:`ReplayError`."""
    try:
        return Facts(
            values={name: _value_from_json(value) for name, value in _object(read["values"]).items()},
            problems={name: _text(why) for name, why in _object(read["problems"]).items()},
            delay_from=instant_from_json(read["delay_from"]),
            originator=_optional_text(read["originator"]),
            stops=tuple(_texts(read["stops"])),
            approval=_approval_from_json(read["approval"]) if "approval" in read else None,
            tear_line=read.get("tear_line") is True,
            present=frozenset(_texts(read["present"])) if "present" in read else None,
            usage=usage_from_json(read),
            emergencies=emergencies_from_json(read),
        )
    except KeyError as error:
        raise ReplayError(f"facts lack {error}") from error


def _approval_from_json(read: Json) -> Approval:
    said = _texts(read)
    if len(said) != 2:
        raise ReplayError("an approval has a name and a marking")
    return Approval(said[0], said[1])


def _value_to_json(value: FactValue | Unknown) -> list[Json]:
    if isinstance(value, Unknown):
        return ["unknown"]
    if isinstance(value, frozenset):
        return ["set", *sorted(value)]
    if isinstance(value, bool):
        return ["bool", "true" if value else "false"]
    if isinstance(value, float):
        return ["float", value.hex()]
    return ["int", str(value)] if isinstance(value, int) else ["str", value]


def _value_from_json(read: Json) -> FactValue | Unknown:
    kind, *texts = _texts(read) or [""]
    if kind == "unknown" and not texts:
        return UNKNOWN
    if kind == "set":
        return frozenset(texts)
    if len(texts) != 1:
        raise ReplayError(f"a {kind} fact has one value")
    text = texts[0]
    if kind == "str":
        return text
    if kind == "bool" and text in ("true", "false"):
        return text == "true"
    try:
        if kind == "int":
            return int(text)
        if kind == "float":
            return float.fromhex(text)
    except ValueError as error:
        raise ReplayError(f"not a {kind}: {text}") from error
    raise ReplayError(f"no fact is of type {kind}")


def obligations_to_json(obligations: Obligations) -> dict[str, Json]:
    """What a decision obliged to: an outcome, written for the auditor and compared on replay, never an input."""
    return {
        "drop": sorted(obligations.drop),
        "round": {path: format(obligations.round[path], "f") for path in sorted(obligations.round)},
        "delay_seconds": int(obligations.delay.total_seconds()),
        "because": list(obligations.because),
        **({} if obligations.review is None else {"review": _review_to_json(obligations.review)}),
        **_special_to_json(obligations),
    }


def _special_to_json(obligations: Obligations) -> dict[str, Json]:
    """What only some grants ask for; each stands there only where one does."""
    said: dict[str, Json] = {}
    if obligations.coarsen:
        spans = obligations.coarsen.items()
        said["coarsen_seconds"] = {path: int(span.total_seconds()) for path, span in sorted(spans)}
    if obligations.only is not None:
        said["only"] = sorted(obligations.only)
    if obligations.watermark:
        said["watermark"] = dict(sorted(obligations.watermark.items()))
    if obligations.witnesses:
        said["witnesses"] = witnesses_to_json(obligations.witnesses)
    return said


def witnesses_to_json(demands: frozenset[WitnessDemand]) -> list[Json]:
    """Demands of witnesses by the names that the set gives them, in one order."""
    said = sorted((each.quorum, sorted(each.of)) for each in demands)
    return [{"quorum": quorum, "of": of} for quorum, of in said]


def _review_to_json(review: Review) -> dict[str, Json]:
    return {"persons": review.persons, "tell": review.tell, "within_seconds": int(review.within.total_seconds())}


def instant_to_json(at: datetime) -> str:
    """An aware instant as RFC 3339 in UTC, six decimal places."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _instant_to_json(at: datetime | None) -> str | None:
    return None if at is None else instant_to_json(at)


def instant_from_json(read: Json) -> datetime | None:
    """The instant that was written, or ``None``; raises :class:`ReplayError`."""
    if read is None:
        return None
    try:
        at = datetime.fromisoformat(_text(read))
    except ValueError as error:
        raise ReplayError(f"not an instant: {read}") from error
    if at.tzinfo is None:
        raise ReplayError(f"an instant without zone: {read}")
    return at.astimezone(UTC)


def _text(read: Json) -> str:
    if not isinstance(read, str):
        raise ReplayError(f"a string was expected, not {type(read).__name__}")
    return read


def _optional_text(read: Json) -> str | None:
    return None if read is None else _text(read)


def _list(read: Json) -> Sequence[Json]:
    if isinstance(read, str) or not isinstance(read, Sequence):
        raise ReplayError(f"a list was expected, not {type(read).__name__}")
    return read


def _texts(read: Json) -> list[str]:
    return [_text(member) for member in _list(read)]


def _object(read: Json) -> Object:
    if not isinstance(read, Mapping):
        raise ReplayError(f"an object was expected, not {type(read).__name__}")
    return read
