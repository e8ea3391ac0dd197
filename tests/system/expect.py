"""What a partner should get, worked out from the source's own records and without the pipeline.

Nothing here is shared with what is tested but the loaded policy files and the words of a decision: markings are read
by a reader of their own (it knows the sample's few forms and stops at any other), facts by a reader of their own, and
the answer comes from the slow oracle of the gates in :mod:`tests.policy.oracle`. A record that the sample source
spoiled on purpose is withheld from everybody, whatever the oracle says; only a fact that is missing or mistyped is
the oracle's to judge, since it withholds the record from those whose rules read that fact; others get the record
without the mistyped field, which is listed as a number.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

from gateway.markings import Control, Label, Level
from gateway.policy.decision import UNKNOWN, Credential, Facts, FactValue, Subject, Unknown
from gateway.policy.policyset import PolicySet
from sample_source.records import StoredRecord
from tests.policy import oracle

POLICIES = Path(__file__).parents[2] / "policies"
NESTED = {"conjunction": ("stateVector1", "stateVector2")}
IDENTIFIER = {"elset": "idElset", "statevector": "idStateVector", "conjunction": "id", "notification": "id"}
TIME = {"elset": "epoch", "statevector": "epoch", "conjunction": "tca", "notification": "createdAt"}
MARKING = "classificationMarking"
OBJECTS = {"elset": ("satNo",), "statevector": ("satNo",), "conjunction": ("satNo1", "satNo2"), "notification": ()}
SPOILED_FACTS = ("missing-fact", "mistyped-fact")
NAMES = {"NF": "NOFORN", "OC": "ORCON", "RELIDO": "RELIDO", "FOUO": "FOUO"}


@dataclass(frozen=True)
class Permitted:
    """A record that this partner may have, and what must have been done to it."""

    record: StoredRecord
    drop: frozenset[str]
    round: Mapping[str, Decimal]


@dataclass(frozen=True)
class Asker:
    """Who asks: one system of a partner, for one purpose, taking its answers sealed or plain."""

    partner: str
    purpose: str
    sealed: bool = True

    def __str__(self) -> str:
        return f"{self.partner} for {self.purpose}, {'sealed' if self.sealed else 'plain'}"


Wanted = Callable[[Asker, str], Sequence[Permitted]]
"""Gives what an asker may have of a dataset."""


def permitted(
    policy: PolicySet, asker: Asker, dataset: str, records: Sequence[StoredRecord], at: datetime
) -> list[Permitted]:
    """The records that the asker may have at that moment, in the order in which they are listed: by identifier."""
    found = [_judge(policy, asker, dataset, record, at) for record in records]
    return sorted((each for each in found if each is not None), key=lambda each: each.record.identifier)


def subject_of(policy: PolicySet, asker: Asker) -> Subject:
    """The partner's first system, as its file describes it, with its only key."""
    partner = policy.partners[asker.partner]
    system = next(iter(partner.systems.values()))
    (key,) = partner.recipient_keys
    return Subject(
        asker.partner, system.id, system.clearance, frozenset(system.holds), Credential.BEARER, key.recipient
    )


def _judge(policy: PolicySet, asker: Asker, dataset: str, record: StoredRecord, at: datetime) -> Permitted | None:
    if record.flaw is not None and record.flaw not in SPOILED_FACTS:
        return None
    members = json.loads(record.full)
    subject, facts = subject_of(policy, asker), read_facts(dataset, members, at)
    outer = read_marking(members[MARKING], members["createdAt"])
    answer = oracle.ask(policy, subject, dataset, outer, facts, asker.purpose, at)
    if not answer.released:
        return None
    for name in NESTED.get(dataset, ()):
        inner = read_marking(members[name][MARKING], members["createdAt"])
        assert inner.level <= outer.level and inner.rel_to == outer.rel_to, "the sample marks no sound record so"
        if not oracle.ask(policy, subject, dataset, inner, facts, asker.purpose, at).released:
            return None
    mistyped = frozenset(OBJECTS[dataset][:1]) if record.flaw == "mistyped-fact" else frozenset()
    return Permitted(record, answer.drop | mistyped, answer.round)


def read_marking(text: str, created: str) -> Label:
    """A sound marking of the sample source: ``S//OC/REL TO USA, GBR`` and the like, dated by its record."""
    level, *rest = text.split("//")
    controls, lists = [], {"REL TO": None, "DISPLAY ONLY": None}
    for token in "/".join(rest).split("/") if rest else ():
        words = token.split("-")
        if words[0] in ("PR", "DS"):
            controls.append(Control(words[0], tuple(words[1:])))
        elif token in NAMES:
            controls.append(Control(NAMES[token]))
        else:
            name = "REL TO" if token.startswith("REL TO ") else "DISPLAY ONLY"
            assert token.startswith(f"{name} ") and lists[name] is None, f"{text!r} is no marking of the sample"
            lists[name] = tuple(token.removeprefix(f"{name} ").split(", "))
    day = datetime.fromisoformat(created).date()
    return Label("udl", Level[level], tuple(controls), lists["REL TO"], lists["DISPLAY ONLY"], day)


def read_facts(dataset: str, members: Mapping[str, object], at: datetime) -> Facts:
    """The facts that the shipped policy reads, of a record of this dataset."""
    values: dict[str, FactValue | Unknown] = {"dataMode": str(members["dataMode"])}
    problems = {}
    if OBJECTS[dataset]:
        numbers = [members.get(name) for name in OBJECTS[dataset]]
        found = [_owner(number, at.date()) for number in numbers]
        if None in numbers:
            problems["owners"] = "missing"
        elif not all(type(number) is int for number in numbers):
            problems["owners"] = "invalid"
        else:
            values["owners"] = UNKNOWN if None in found else frozenset(str(owner) for owner in found)
    if "meanMotion" in members:
        values["regime"] = _regime(float(str(members["meanMotion"])), float(str(members["eccentricity"])))
    if "msgType" in members:
        values["msgType"] = str(members["msgType"])
    return Facts(values, problems, delay_from=datetime.fromisoformat(str(members["createdAt"])))


@cache
def _owners() -> dict[str, list[dict[str, str]]]:
    text = (POLICIES / "tables" / "object-owners.csv").read_text(encoding="utf-8")
    rows: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        rows.setdefault(row["satNo"], []).append(row)
    return rows


def _owner(number: object, on: date) -> str | None:
    held = [row for row in _owners().get(str(number), ()) if date.fromisoformat(row["since"]) <= on]
    latest = max(held, key=lambda row: row["since"], default=None)
    return None if latest is None else latest["nation"] or latest["owner"]


def _regime(motion: float, eccentricity: float) -> str:
    """By the definitions in docs/policy.md: HEO first, then GEO by the period, then LEO by the apogee."""
    if eccentricity >= 0.25:
        return "HEO"
    if 0.99 <= motion <= 1.01:
        return "GEO"
    period = 86_400 / motion
    axis = (398_600.4418 * (period / (2 * math.pi)) ** 2) ** (1 / 3)
    return "LEO" if axis * (1 + eccentricity) - 6_378.137 < 2_000 else "MEO"
