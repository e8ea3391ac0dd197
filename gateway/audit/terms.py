"""What an entry can be found by: terms worked out of its leaf and private part, and of nothing else.

A term is a kind and a value (``partner`` ``JPN``, ``reason`` ``clearance:above_ceiling``). The store keeps it as the
first 64 bits of its SHA-256: a *word*. So there is no dictionary to keep in step, and two terms that share a word by
chance do no harm, since whatever is found is read, checked against its leaf, and its terms are compared in full.

A word hides nothing from somebody who can guess the value. Words say no more than the private part that they were
worked out of, which lies beside them in clear; where a private part is removed, its words are removed with it.
Record identifiers are never terms, except, in their keyed form (:mod:`gateway.audit.leaf`), those that another
enforcement point asked about: such an entry has no record rows to be found by.

Pure.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import msgspec

from gateway.audit.canonical import PlainJson
from gateway.audit.leaf import Leaf


class Kind(enum.StrEnum):
    """What kind of thing an entry is found by. The values are the names of search options and query fields."""

    ANY = "any"  # every entry
    EVENT = "event"
    PARTNER = "partner"
    OUTCOME = "outcome"
    REQUEST = "request"
    ROOT = "root"
    DATASET = "dataset"
    POLICY = "policy"
    LABEL = "label"
    LEVEL = "level"
    COMMUNITY = "community"
    REASON = "reason"
    RULE = "rule"
    OFFICER = "officer"
    SYSTEM = "system"
    ADDRESS = "address"  # the other end of the connection, as observed
    ACCOUNT = "account"  # the name or uid of the account that a command ran under, as observed
    HOST = "host"  # the machine it ran on
    ASKED = "asked"  # the keyed identifier of a record that another enforcement point asked about
    TEXT = "text"


@dataclass(frozen=True, slots=True, order=True)
class Term:
    """One thing an entry can be found by."""

    kind: Kind
    value: str

    @property
    def word(self) -> int:
        """The signed 64-bit number that the store keeps for it."""
        return _word(f"{self.kind}\n{self.value}")


def _word(term: str) -> int:
    return int.from_bytes(hashlib.sha256(term.encode()).digest()[:8], "big", signed=True)


EVERYTHING = Term(Kind.ANY, "")
TEXT_LIMIT = 64
"""Most words of free text that one entry is found by; the rest of a longer text is not."""

_TEXT = re.compile(r"[^\W_]{2,40}")
Private = Mapping[str, PlainJson]


def terms(leaf: Leaf, private: Private | None) -> frozenset[Term]:
    """Everything an entry is found by; with ``None`` for a private part that was removed, what its leaf gives."""
    found = {*_shared(leaf.event, leaf.outcome, leaf.partner)}
    found |= {Term(kind, value) for kind, value in _own(leaf) if value}
    return frozenset(found) if private is None else frozenset(found | _terms_of(private))


def _terms_of(private: Private) -> set[Term]:
    return _lasting_terms(private) | _evaluated_terms(private)


def _lasting_terms(private: Private) -> set[Term]:
    said = {Term(kind, value) for kind, value in _said(private) if value}
    return said | {Term(Kind.TEXT, word) for word in _words(private)}


def _evaluated_terms(private: Private) -> set[Term]:
    return {Term(kind, value) for each in evaluations(private) for kind, value in _evaluated(each) if value}


def _shared(event: str, outcome: str, partner: str) -> Iterator[Term]:
    """What a leaf says as many others do."""
    yield from (EVERYTHING, Term(Kind.EVENT, event), Term(Kind.OUTCOME, outcome))
    if partner:
        yield Term(Kind.PARTNER, partner)


def _own(leaf: Leaf) -> tuple[tuple[Kind, str], ...]:
    """What is this leaf's alone, as far as it says anything."""
    return (Kind.REQUEST, leaf.request), (Kind.ROOT, leaf.records if leaf.event == "release" else "")


def _said(private: Private) -> Iterator[tuple[Kind, str]]:
    if private.get("version"):  # entries of the first version are catalogued without it
        yield Kind.PARTNER, _text(private.get("partner"))
    for kind in (Kind.DATASET, Kind.POLICY, Kind.LABEL):
        yield kind, _text(private.get(kind.value))
    yield Kind.OFFICER, _text(private.get("by"))
    yield Kind.SYSTEM, _text(_map(private.get("caller")).get("system"))
    yield from _observed(private)
    for said in by_label(private):
        yield Kind.LABEL, _text(said.get("label"))
        yield Kind.LEVEL, _text(said.get("level"))
        yield from ((Kind.COMMUNITY, _text(name)) for name in _list(said.get("communities")))
    for reason in _map(private.get("why_withheld")):
        yield Kind.REASON, reason
        yield Kind.REASON, reason.partition(":")[2]
    yield from ((Kind.RULE, rule) for rule in _map(private.get("by_grant")))
    for order in _orders(private):
        yield Kind.OFFICER, _text(order.get("by"))
        if order.get("kind") in ("partner", "dataset"):
            yield Kind(str(order["kind"])), _text(order.get("subject"))


def _observed(private: Private) -> Iterator[tuple[Kind, str]]:
    """Where it came from (:mod:`gateway.audit.observed`)."""
    yield Kind.ADDRESS, _text(_map(private.get("peer")).get("address"))
    yield from ((Kind.ADDRESS, address) for address in _map(private.get("addresses")))
    account = _map(private.get("account"))
    if account:
        yield Kind.ACCOUNT, _text(account.get("user"))
        yield from ((Kind.ACCOUNT, str(account[uid])) for uid in ("uid", "login_uid") if uid in account)
        yield Kind.HOST, _text(account.get("host"))


def _evaluated(said: Private) -> Iterator[tuple[Kind, str]]:
    """One question of another enforcement point: about whom and what, and the reasons against."""
    yield Kind.ASKED, _text(said.get("record"))
    yield Kind.PARTNER, _text(said.get("partner"))
    yield Kind.DATASET, _text(said.get("dataset"))
    yield Kind.SYSTEM, _text(said.get("subject_id"))
    yield Kind.LABEL, _text(_map(said.get("shown")).get("marking"))
    for reason in map(_text, _list(said.get("reasons"))):
        yield Kind.REASON, reason
        yield Kind.REASON, reason.partition(":")[2]


def words_of(text: str) -> list[str]:
    """The words of a text, in lower case, each once, in order."""
    return list(dict.fromkeys(_TEXT.findall(text.lower())))


def _words(private: Private) -> list[str]:
    """The words of what people and programs wrote: path, query, what was asked or read, why."""
    names = ("path", "detail", "what", "reason", "by", "label", "purpose")
    later = ("why", "name", "jti", "item", "issuer") if private.get("version") else ()  # as above
    texts = [_text(private.get(name)) for name in (*names, *later)]
    texts += [_text(part) for pair in _list(private.get("query")) for part in _list(pair)]
    texts += [_text(order.get(name)) for order in _orders(private) for name in ("reason", "by", "digest")]
    return words_of("\n".join(texts))[:TEXT_LIMIT]


def evaluations(private: Private) -> list[Private]:
    """What another enforcement point asked, and what it was told."""
    return [_map(said) for said in _list(private.get("evaluations"))]


def by_label(private: Private) -> list[Private]:
    """What became of the records of each marking."""
    return [_map(counts) for counts in _list(private.get("by_label"))]


def day_of(time: str) -> int:
    """The day of an entry's time, counted from 1970-01-01."""
    return _day(time[:10])


@lru_cache(maxsize=1024)
def _day(day: str) -> int:
    return date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal()


def words(found: Iterable[Term]) -> list[int]:
    """Terms as the store keeps them, in order, each once."""
    return sorted({term.word for term in found})


def entry_words(leaf: Leaf, private: Private | None) -> list[int]:
    """The words of an entry's terms: what :func:`words` makes of :func:`terms`, in less time.

    Most entries say in most fields what others said before them; only what is this entry's alone is worked out anew.
    """
    found = {_word(f"{kind}\n{value}") for kind, value in _own(leaf) if value}
    found |= _words_of_leaf(leaf.event, leaf.outcome, leaf.partner)
    if private is not None:
        found |= {term.word for term in _evaluated_terms(private)}  # each its own: nothing to remember
        said = _ENCODER.encode(_read_of(private))
        found |= _words_of_private(said) if len(said) <= _LONGEST_KEPT else _words_of_private.__wrapped__(said)
    return sorted(found)


_READ = (
    "dataset", "policy", "label", "by", "caller", "by_label", "why_withheld", "by_grant", "orders",
    "path", "detail", "what", "reason", "purpose", "query", "peer", "addresses", "account",
    "version", "partner", "why", "name", "jti", "item", "issuer",
)  # fmt: skip
"""All that terms are worked out of, of a private part; of ``caller`` its system and of ``peer`` its address alone."""
_ENCODER = msgspec.json.Encoder(order="sorted")
_LONGEST_KEPT = 2048
"""Most bytes of what is remembered: a stranger's long query is not kept thousands of times."""


@lru_cache(maxsize=4096)
def _words_of_leaf(event: str, outcome: str, partner: str) -> frozenset[int]:
    return frozenset(term.word for term in _shared(event, outcome, partner))


@lru_cache(maxsize=8192)
def _words_of_private(said: bytes) -> frozenset[int]:
    return frozenset(term.word for term in _lasting_terms(msgspec.json.decode(said)))


def _orders(private: Private) -> list[Private]:
    return [_map(order) for order in _list(private.get("orders"))]


def _text(value: PlainJson) -> str:
    return value if isinstance(value, str) else ""


def _map(value: PlainJson) -> Private:
    return value if isinstance(value, dict) else {}


def _list(value: PlainJson) -> list[PlainJson]:
    return value if isinstance(value, list) else []


def _read_of(private: Private) -> Private:
    """What of a private part terms are worked out of, without what differs each time (the caller's token, the port)."""
    read = {name: private[name] for name in _READ if name in private}
    if "caller" in read:
        read["caller"] = {"system": _map(read["caller"]).get("system")}
    if "peer" in read:
        read["peer"] = {"address": _map(read["peer"]).get("address")}
    return read
