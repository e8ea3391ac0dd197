"""Saved queries: a TOML file of named searches, for auditors who ask the same questions again.

    [late-denials]
    about = "Refusals of the last week, for the weekly review"
    partner = "JPN"
    reason = ["above_ceiling", "no_grant"]
    last = "7 days"

A table's fields are those of :class:`~gateway.audit.terms.Kind`; ``since`` and ``until`` are moments, ``last`` is a
length of time before now. Several values must all be there. A field that is not known refuses the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.audit.search import Criteria, SearchRefused, criteria, moment, span

TIMES = ("since", "until", "last")
Given = Mapping[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """One named search: what it is for, and its fields as they are written."""

    name: str
    about: str
    said: Given


def read_queries(text: str) -> dict[str, SavedQuery]:
    """The named queries of a file. Raises :class:`SearchRefused` naming what is wrong in it."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SearchRefused(
            f"is not TOML: {error}", hint="A query is a table: [name], and its fields below."
        ) from error
    return {name: _read(name, table) for name, table in tables.items()}


def _read(name: str, table: object) -> SavedQuery:
    if not isinstance(table, dict):
        raise SearchRefused(f"{name} is no query", hint="A query is a table: [name], and its fields below.")
    said: dict[str, str | list[str]] = {}
    for field, value in table.items():
        texts = [value] if isinstance(value, str) else value
        if not (isinstance(texts, list) and texts and all(isinstance(each, str) for each in texts)):
            raise SearchRefused(f"{name}: {field} is neither a text nor a list of texts")
        said[field] = value if isinstance(value, str) else texts
    about = said.pop("about", "")
    if not isinstance(about, str):
        raise SearchRefused(f"{name}: about is one text")
    try:
        criteria_of(said, at=moment("2000-01-01"))
    except SearchRefused as error:
        raise SearchRefused(f"{name}: {error}", hint=error.hint) from error
    return SavedQuery(name, about, said)


def criteria_of(said: Given, at: datetime) -> Criteria:
    """The criteria that fields ask for at this moment. Raises :class:`SearchRefused`."""
    times = {name: said[name] for name in TIMES if name in said}
    for name, value in times.items():
        if not isinstance(value, str):
            raise SearchRefused(f"{name} is one text")
    if "last" in times and "since" in times:
        raise SearchRefused("since and last both say where to begin", hint="Give one of them.")
    since = moment(str(times["since"])) if "since" in times else None
    if "last" in times:
        since = at - span(str(times["last"]))
    until = moment(str(times["until"])) if "until" in times else None
    return criteria({name: value for name, value in said.items() if name not in TIMES}, since=since, until=until)
