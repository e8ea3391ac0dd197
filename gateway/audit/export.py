"""Entries in the forms that other systems read: CSV, JSON Lines, OCSF, CEF, and RFC 5424 syslog.

One entry becomes one line in every form, and the line says what the leaf and the private part say: who, what, when,
where, source, outcome and identity (NIST SP 800-53 AU-3). Record identifiers and record rows are in none of them.
What was withheld is in all of them: an export is for auditors, as the private part is.

- OCSF: API Activity (:mod:`gateway.audit.ocsf`).
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
import re
from collections.abc import Callable, Sequence

from gateway import __version__
from gateway.audit.export_fields import COLUMNS, Fields, Said, fields
from gateway.audit.ocsf import as_ocsf
from gateway.audit.stored import Summary

ENTERPRISE = "32473"
"""The private enterprise number in structured data names: the one that RFC 5612 keeps for documentation."""

FACILITY = 13  # RFC 5424 section 6.2.1: log audit


class Form(enum.StrEnum):
    """The forms an entry can be exported in."""

    CSV = "csv"
    JSONL = "jsonl"
    OCSF = "ocsf"
    CEF = "cef"
    SYSLOG = "syslog"


def header(form: Form) -> str:
    """The line that stands before all others; ``""`` for none."""
    return _csv(COLUMNS) if form is Form.CSV else ""


def line(entry: Summary, form: Form, host: str = "-") -> str:
    """One entry as one line without its end. ``host`` is the machine that says it (RFC 5424 section 6.2.4)."""
    return message(entry, form, host) if form is Form.SYSLOG else _FORMS[form](Said(fields(entry), entry, host))


def message(entry: Summary, form: Form, host: str) -> str:
    """One entry as a syslog message of at most :data:`LONGEST` bytes; a form that is none is carried in one."""
    said = Said(fields(entry), entry, host)
    text = _message(said, form)
    for most, every in _CUTS:
        if len(text.encode()) <= LONGEST:
            break
        text = _message(said.cut(most, every=every), form)
    return text


LONGEST = 8192
"""Most bytes of a syslog message: what RFC 5424 section 6.1 and RFC 5425 section 4.3.1 say receivers should take. One
that is longer may be cut by its receiver, and the rest taken for a message of its own, which would be whatever somebody
had written there.
"""
_CUTS = ((2048, False), (512, False), (128, False), (32, False), (8, False), (8, True))


def _message(said: Said, form: Form) -> str:
    carried = _as_json(said) if form is Form.SYSLOG else _FORMS[form](said)
    return f"{_syslog_head(said)} \ufeff{carried}"


def _csv(values: Sequence[str | int]) -> str:
    """RFC 4180, one row; what a spreadsheet would take for a formula gets an apostrophe before it, also behind a
    semicolon, where half of Europe's spreadsheets begin a new cell.
    """
    out = io.StringIO()
    safe = [_plain(_FORMULA.sub(r"\1'", value) if isinstance(value, str) else str(value)) for value in values]
    csv.writer(out, lineterminator="").writerow(safe)
    return out.getvalue()


_FORMULA = re.compile('(^|;)(?=[ "]*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20])')  # and their full-width forms


def _plain(text: str) -> str:
    """Text with control characters written out, so that it stays on its line."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _as_csv(said: Said) -> str:
    return _csv(list(said.fields.values()))


def _as_json(said: Said) -> str:
    return json.dumps(dict(said.fields), separators=(",", ":"))


def _as_cef(said: Said) -> str:
    severity = "5" if said.denied else "2"
    product = ("CEF:0", "Releasability Gateway", "relgate", __version__)
    head = (*product, said.text("event"), said.text("outcome"), severity)
    extension = {
        "rt": str(said.milliseconds),
        "externalId": said.text("index"),
        "outcome": "failure" if said.denied else "success",
        "reason": said.text("reasons") or said.text("outcome"),
        "suser": said.who,
        "duser": said.text("partner"),
        "request": said.text("path"),
        "deviceExternalId": said.text("instance"),
        "msg": ": ".join(filter(None, (said.text("subject"), said.text("why")))),
        **_cef_source(said),
        "flexString1": said.text("account") or said.text("uid"), "flexString1Label": "account",
        "flexString2": said.text("operation"), "flexString2Label": "operation",
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
    pairs = (f"{name}={_cef(value[: _most(name)])}" for name, value in given.items())
    return f"{'|'.join(map(_cef_head, head))}|{' '.join(pairs)}"


def _cef_source(said: Said) -> dict[str, str]:
    """Where it came from: ``src`` is IPv4 in CEF version 0, and IPv6 has a field of its own."""
    address = said.text("address")
    where = {"c6a2": address, "c6a2Label": "Source IPv6 Address"} if ":" in address else {"src": address}
    return {**where, "spt": said.text("port"), "shost": said.text("host")}


def _most(name: str) -> int:
    """How long a value may be: a custom string 4,000 characters, any other text 1,023."""
    return 4000 if re.fullmatch("cs[1-6]", name) else 1023


def _cef_head(text: str) -> str:
    return _plain(text).replace("\\", "\\\\").replace("|", "\\|")


def _cef(text: str) -> str:
    return _plain(text).replace("\\", "\\\\").replace("=", "\\=")


def _syslog_head(said: Said) -> str:
    severity = 4 if said.denied else 6
    names = f"{_name(said.host, 255)} relgate - {_name(said.text('event'), 32)}"
    head = f"<{FACILITY * 8 + severity}>1 {said.text('time')} {names}"
    leaf = ("index", "partner", "outcome", "request", "release", "chunk", "released", "records")
    private = (
        "system", "dataset", "label", "level", "withheld", "reasons", "rules", "policy", "officer",
        "address", "port", "account", "uid", "host", "subject", "why", "instance",
    )  # fmt: skip
    elements = [_element("leaf", said.fields, leaf), _element("private", said.fields, private)]
    return f"{head} {''.join(filter(None, elements)) or '-'}"


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
    Form.OCSF: as_ocsf,
    Form.CEF: _as_cef,
}


def framed(message: str) -> bytes:
    """A syslog message for a stream: its length in bytes, a space, itself (RFC 6587 section 3.4.1, RFC 5425)."""
    data = message.encode()
    return str(len(data)).encode() + b" " + data
