"""Entries in the forms that other systems read: CSV, JSON Lines, OCSF, CEF, and RFC 5424 syslog.

One entry becomes one line in every form, and the line says what the leaf and the private part say: who, what, when,
where, source, outcome and identity (NIST SP 800-53 AU-3). Record identifiers and record rows are in none of them.
What was withheld is in all of them: an export is for auditors, as the private part is.

- OCSF: API Activity, class 6003 of category 6 (Application Activity), schema version 1.3.0.
- CEF: version 0 of the ArcSight Common Event Format; extension keys of its dictionary, and labelled custom strings.
- RFC 5424: facility 13 (log audit), one structured data element for each of leaf and private part, and the JSON line
  as the message, in UTF-8 with its byte order mark (section 6.4).

Values that an attacker can choose (a path, a query, a partner's system) are escaped as each form says: a line cannot
be broken, no field can be begun, and a spreadsheet sees text where a value begins like a formula. Pure.
"""

from __future__ import annotations

import csv
import enum
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from gateway import __version__
from gateway.audit.canonical import PlainJson
from gateway.audit.stored import Summary
from gateway.audit.terms import evaluations

ENTERPRISE = "32473"
"""The private enterprise number in structured data names: the one that RFC 5612 keeps for documentation."""

FACILITY = 13  # RFC 5424 section 6.2.1: log audit
COLUMNS = (
    "index", "time", "event", "outcome", "partner", "system", "request", "release", "chunk", "dataset", "purpose",
    "operation", "path", "label", "level", "released", "withheld", "redacted", "reasons", "rules", "policy", "content",
    "sealed", "key", "records", "officer", "what", "origin", "address", "port", "account", "uid", "host",
)  # fmt: skip


class Form(enum.StrEnum):
    """The forms an entry can be exported in."""

    CSV = "csv"
    JSONL = "jsonl"
    OCSF = "ocsf"
    CEF = "cef"
    SYSLOG = "syslog"


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
        "officer": private.get("by") or _officer(private.get("orders")),
    }
    said |= _observed(private)
    said |= _evaluated(evaluations(private))
    return {name: value if isinstance(value := said.get(name), str | int) else "" for name in COLUMNS}


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


_FROM_PRIVATE = ("dataset", "purpose", "operation", "path", "label", "level", "withheld", "policy", "what")


def _names(value: PlainJson) -> str:
    return " ".join(sorted(value)) if isinstance(value, dict) else ""


def _officer(orders: PlainJson) -> str:
    first = orders[0] if isinstance(orders, list) and orders else None
    by = first.get("by") if isinstance(first, dict) else None
    return by if isinstance(by, str) else ""


def _count(by_label: PlainJson) -> int:
    counts = [each.get("redacted") for each in by_label if isinstance(each, dict)] if isinstance(by_label, list) else []
    return sum(count for count in counts if isinstance(count, int))


def header(form: Form) -> str:
    """The line that stands before all others; ``""`` for none."""
    return _csv(COLUMNS) if form is Form.CSV else ""


def line(entry: Summary, form: Form, host: str = "-") -> str:
    """One entry as one line without its end. ``host`` is the machine that says it (RFC 5424 section 6.2.4)."""
    return _FORMS[form](Said(fields(entry), entry, host))


@dataclass(frozen=True, slots=True)
class Said:
    """What a form is made of."""

    fields: Fields
    entry: Summary
    host: str

    def text(self, name: str) -> str:
        """A field as text."""
        return str(self.fields[name])

    @property
    def denied(self) -> bool:
        """Whether the entry refuses something, or says that something failed."""
        event = self.fields["event"]
        return event in _FAILED or (event == "release" and self.fields["outcome"] != "released")


_FAILED = ("evaluation-refused", "policy-refused", "unwitnessed", "interrupted", "no-request")
"""Events that say of themselves that something was refused or went wrong."""


def _csv(values: Sequence[str | int]) -> str:
    """RFC 4180, one row; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    out = io.StringIO()
    safe = [_plain(f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA else str(value)) for value in values]
    csv.writer(out, lineterminator="").writerow(safe)
    return out.getvalue()


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # and their full-width forms


def _plain(text: str) -> str:
    """Text with control characters written out, so that it stays on its line."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _as_csv(said: Said) -> str:
    return _csv(list(said.fields.values()))


def _as_json(said: Said) -> str:
    return json.dumps(dict(said.fields), separators=(",", ":"))


def _as_ocsf(said: Said) -> str:
    """API Activity (6003): read for answers, other for what is no request."""
    activity, name = (2, "Read") if said.fields["event"] == "release" else (99, said.text("event"))
    at = datetime.fromisoformat(said.text("time"))
    event = {
        "activity_id": activity,
        "activity_name": name,
        "category_uid": 6,
        "category_name": "Application Activity",
        "class_uid": 6003,
        "class_name": "API Activity",
        "type_uid": 600300 + activity,
        "severity_id": 2 if said.denied else 1,
        "severity": "Low" if said.denied else "Informational",
        "status_id": 2 if said.denied else 1,
        "status": "Failure" if said.denied else "Success",
        "status_code": said.text("outcome"),
        "time": int(at.timestamp() * 1000),
        "metadata": {
            "version": "1.3.0",
            "uid": f"{said.text('origin')}#{said.text('index')}",
            "log_name": said.text("origin"),
            "sequence": said.fields["index"],
            "product": {
                "name": "Releasability Gateway",
                "vendor_name": "Releasability Gateway",
                "version": __version__,
            },
        },
        "actor": _ocsf_actor(said),
        "api": {
            "operation": said.text("operation") or said.text("event"),
            **({"request": {"uid": said.text("request")}} if said.fields["request"] else {}),
            "service": {"name": "releasability-gateway"},
        },
        "src_endpoint": {"name": _who(said) or "unknown"},
        "resources": [{"name": said.text("dataset"), "type": "dataset"}] if said.fields["dataset"] else [],
        "unmapped": {name: value for name, value in said.fields.items() if value != ""},
    }
    return json.dumps(event, separators=(",", ":"))


def _who(said: Said) -> str:
    """Who did it: an officer, auditor or enforcement point; else the partner's system that asked."""
    return said.text("officer") or said.text("system")


def _ocsf_actor(said: Said) -> dict[str, object]:
    """Its name, and its partner's where it is a partner's system; the gateway itself has neither."""
    name, partner = _who(said), said.text("partner")
    org = {"org": {"name": partner}} if partner and not said.fields["officer"] else {}
    return {"app_name": "relgate", **({"user": {"name": name, **org}} if name else {})}


def _as_cef(said: Said) -> str:
    severity = "5" if said.denied else "2"
    product = ("CEF:0", "Releasability Gateway", "relgate", __version__)
    head = (*product, said.text("event"), said.text("outcome"), severity)
    at = datetime.fromisoformat(said.text("time"))
    extension = {
        "rt": str(int(at.timestamp() * 1000)),
        "externalId": said.text("index"),
        "outcome": "failure" if said.denied else "success",
        "reason": said.text("reasons") or said.text("outcome"),
        "suser": _who(said),
        "duser": said.text("partner"),
        "request": said.text("path"),
        "requestMethod": said.text("operation"),
        "cn1": said.text("released"), "cn1Label": "released",
        "cn2": said.text("withheld"), "cn2Label": "withheld",
        "cs1": said.text("dataset"), "cs1Label": "dataset",
        "cs2": said.text("label"), "cs2Label": "label",
        "cs3": said.text("rules"), "cs3Label": "rules",
        "cs4": said.text("policy"), "cs4Label": "policy",
        "cs5": said.text("release"), "cs5Label": "release",
        "cs6": said.text("records"), "cs6Label": "record root",
    }  # fmt: skip
    given = {name: value for name, value in extension.items() if extension.get(name.removesuffix("Label"), value) != ""}
    return "|".join(map(_cef_head, head)) + "|" + " ".join(f"{name}={_cef(value)}" for name, value in given.items())


def _cef_head(text: str) -> str:
    return _plain(text).replace("\\", "\\\\").replace("|", "\\|")


def _cef(text: str) -> str:
    return _plain(text).replace("\\", "\\\\").replace("=", "\\=")


def _as_syslog(said: Said) -> str:
    severity = 4 if said.denied else 6
    names = f"{_name(said.host, 255)} relgate - {_name(said.text('event'), 32)}"
    head = f"<{FACILITY * 8 + severity}>1 {said.text('time')} {names}"
    leaf = ("index", "partner", "outcome", "request", "release", "chunk", "released", "records")
    private = ("system", "dataset", "label", "level", "withheld", "reasons", "rules", "policy", "officer")
    elements = [_element("leaf", said.fields, leaf), _element("private", said.fields, private)]
    return f"{head} {''.join(filter(None, elements)) or '-'} \ufeff{_as_json(said)}"


def _element(name: str, values: Fields, wanted: Sequence[str]) -> str:
    given = [(param, str(values[param])) for param in wanted if values[param] != ""]
    if not given:
        return ""
    return f"[{name}@{ENTERPRISE} {' '.join(f'{param}={_param(value)}' for param, value in given)}]"


def _param(value: str) -> str:
    """RFC 5424 section 6.3.3: quote, backslash and closing bracket are escaped; nothing breaks the line."""
    escaped = "".join(f"\\{char}" if char in '"\\]' else char for char in _plain(value))
    return f'"{escaped}"'


def _name(text: str, most: int) -> str:
    """A header field: printable ASCII without spaces, ``-`` for none (RFC 5424 section 6.2)."""
    return "".join(char for char in text if "!" <= char <= "~")[:most] or "-"


_FORMS: dict[Form, Callable[[Said], str]] = {
    Form.CSV: _as_csv,
    Form.JSONL: _as_json,
    Form.OCSF: _as_ocsf,
    Form.CEF: _as_cef,
    Form.SYSLOG: _as_syslog,
}


def framed(message: str) -> bytes:
    """A syslog message for a stream: its length in bytes, a space, itself (RFC 6587 section 3.4.1, RFC 5425)."""
    data = message.encode()
    return str(len(data)).encode() + b" " + data
