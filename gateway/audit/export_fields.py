"""What an exported line says of an entry: named values, the same for every form (:mod:`gateway.audit.export`).

They are worked out of the leaf and the private part: who, what, when, where, source, outcome and identity (NIST SP
800-53 AU-3). Record identifiers and record rows are never among them. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec

from gateway.audit.canonical import PlainJson
from gateway.audit.stored import Summary
from gateway.audit.terms import evaluations

COLUMNS = (
    "index", "time", "event", "outcome", "partner", "system", "request", "release", "chunk", "dataset", "purpose",
    "operation", "path", "label", "level", "released", "withheld", "redacted", "reasons", "rules", "policy", "content",
    "sealed", "key", "records", "officer", "what", "origin", "address", "port", "account", "uid", "host",
    "subject", "why", "instance",
)  # fmt: skip

FREE = (
    "system", "dataset", "purpose", "operation", "path", "label", "reasons", "rules", "officer", "what", "account",
    "host", "subject", "why",
)  # fmt: skip
"""The columns whose texts are of no fixed form, and may be long."""

NAMES = ("outcome", "partner", "request", "release", "key", "origin", "instance")
"""The columns that name something, in as few characters as somebody chose."""

CUT = "\u2026"
"""What a text ends with that was cut."""

Fields = Mapping[str, str | int]


def fields(entry: Summary) -> dict[str, str | int]:
    """One entry as named values, the same for every form; those of :data:`COLUMNS`, in that order."""
    leaf, private = entry.leaf, entry.private or {}
    caller = private.get("caller")
    said: dict[str, object] = {**msgspec.structs.asdict(leaf), **{name: private.get(name) for name in _FROM_PRIVATE}}
    said |= {
        "index": entry.index,
        "system": caller.get("system") if isinstance(caller, dict) else "",
        "redacted": _count(private.get("by_label")),
        "reasons": _names(private.get("why_withheld")),
        "rules": _names(private.get("by_grant")),
        "officer": private.get("by") or _first_order(private).get("by"),
        "partner": leaf.partner or _partner(private),
        "subject": _subject(private),
        "why": next(filter(None, map(private.get, ("reason", "why", "detail"))), ""),
    }
    said |= _observed(private)
    said |= _evaluated(evaluations(private))
    return {name: value if isinstance(value := said.get(name), str | int) else "" for name in COLUMNS}


def _partner(private: Mapping[str, PlainJson]) -> PlainJson:
    """Whom an order is about, which is its officer's and not that partner's entry."""
    return private.get("subject") if private.get("kind") == "partner" else private.get("partner")


def _subject(private: Mapping[str, PlainJson]) -> str:
    """What an order is on or something else is about; a record that is stopped is not named."""
    told = [private.get(name) for name in ("kind", "subject", "name", "jti", "item", "issuer")]
    counted, removed = private.get("counted"), _first_order(private)
    if isinstance(counted, dict):
        told += [f"{kind} {count}" for kind, count in counted.items()]
    if removed.get("order") == "remove":
        told.append(f"{removed.get('what')} of {removed.get('first')} to {removed.get('last')}")
    return " ".join(_texts(told))


def _observed(private: Mapping[str, PlainJson]) -> dict[str, object]:
    """Where it came from: the connection's other end, or the account that a command ran under."""
    peer, account = private.get("peer"), private.get("account")
    said: dict[str, object] = dict(peer) if isinstance(peer, dict) else {}
    if isinstance(account, dict):
        said |= {"account": account.get("user"), "uid": account.get("uid"), "host": account.get("host")}
    return said


def _evaluated(asked: Sequence[Mapping[str, PlainJson]]) -> dict[str, object]:
    """What another enforcement point asked about, and how it was answered: nothing for any other entry."""
    if not asked:
        return {}
    permitted = sum(each.get("decision") is True for each in asked)
    reasons = {reason for each in asked for reason in _texts(each.get("reasons"))}
    return {
        "partner": _all(each.get("partner") for each in asked),
        "system": _all(each.get("subject_id") for each in asked),
        "dataset": _all(each.get("dataset") for each in asked),
        "label": _all(shown.get("marking") for each in asked if isinstance(shown := each.get("shown"), dict)),
        "reasons": " ".join(sorted(reasons)),
        "what": f"{len(asked)} evaluations, {permitted} permitted",
    }


def _all(values: Iterable[PlainJson]) -> str:
    """Each text once, in order."""
    return ", ".join(dict.fromkeys(value for value in values if isinstance(value, str) and value))


def _texts(value: PlainJson) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


_FROM_PRIVATE = (
    "dataset", "purpose", "operation", "path", "label", "level", "withheld", "policy", "what", "instance",
)  # fmt: skip


def _names(value: PlainJson) -> str:
    return " ".join(sorted(value)) if isinstance(value, dict) else ""


def _first_order(private: Mapping[str, PlainJson]) -> Mapping[str, PlainJson]:
    orders = private.get("orders")
    first = orders[0] if isinstance(orders, list) and orders else None
    return first if isinstance(first, dict) else {}


def _count(by_label: PlainJson) -> int:
    counts = [each.get("redacted") for each in by_label if isinstance(each, dict)] if isinstance(by_label, list) else []
    return sum(count for count in counts if isinstance(count, int))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Said:
    """What a form is made of."""

    fields: Fields
    entry: Summary
    host: str

    def text(self, name: str) -> str:
        """A field as text."""
        return str(self.fields[name])

    def cut(self, most: int, *, every: bool = False) -> Said:
        """The same with texts of at most so many characters, ended by :data:`CUT` then: free ones, or names too."""
        names = (*FREE, *NAMES) if every else FREE
        cut = {
            name: f"{value[:most]}{CUT}"
            for name in names
            if isinstance(value := self.fields[name], str) and len(value) > most
        }
        return replace(self, fields={**self.fields, **cut})

    def short(self, name: str, most: int) -> str:
        """A field as text, cut to what a form has room for."""
        return self.text(name)[:most]

    @property
    def milliseconds(self) -> int:
        """The entry's time, since 1970-01-01 in UTC."""
        return (datetime.fromisoformat(self.text("time")) - _EPOCH) // timedelta(milliseconds=1)

    @property
    def who(self) -> str:
        """Who did it: an officer, auditor or enforcement point; else the partner's system that asked."""
        return self.text("officer") or self.text("system")

    @property
    def denied(self) -> bool:
        """Whether the entry refuses something, or says that something failed."""
        event = self.fields["event"]
        return event in _FAILED or (event == "release" and self.fields["outcome"] != "released")


_FAILED = ("evaluation-refused", "policy-refused", "unwitnessed", "interrupted", "no-request")
"""Events that say of themselves that something was refused or went wrong."""
