"""Whether an order has the signatures that it needs: enough different officers, under this very order, now.

Rules.

1. What is counted is officers, not signatures: two signatures of one officer, by one key or by two, are one.
2. A signature counts under one order of one log, from when it was made until it expires, and by a key that the list of
   officers in force names. One that does not count is reported and counts for nothing.
3. What an order was approved by is kept: the signatures themselves, and the list of officers they were checked against,
   are artifacts of the log, so that every gateway on it checks them again before it believes the order
   (:func:`check_document`), and an auditor can at any later time.
4. The first list of officers is signed by its own officers; each later one by those of the list in force. How many are
   needed is a setting of each gateway, and no order can lower it.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from gateway.audit import canonical
from gateway.audit.canonical import PlainJson
from gateway.audit.errors import DraftRefused
from gateway.audit.orders import instant, stamp
from gateway.audit.reading import LogReader
from gateway.identity.caller import IdentityError
from gateway.identity.officers import Officers, read_officers
from gateway.sealing.errors import SealingError
from gateway.sealing.order_signature import read, verify


class Purpose(enum.StrEnum):
    """What a signature is given for."""

    ACTIVATE = "activate"  # subject: the digest of a policy set's manifest
    LIFT_STOP = "lift-stop"  # subject: kind, name and since when, so that it lifts that stop and no later one
    EMERGENCY = "emergency"  # subject: partner and name, and the digest of the set that holds it
    OFFICERS = "officers"  # subject: the SHA-256 of a list of officers
    RELEASE = "release-record"  # subject: the item, its content, the marking and the end
    WITHHOLD = "withhold-record"  # subject: the item


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of every order that needs approval: so many officers, for the log of this name."""

    needed: int
    origin: str


UNSIGNED = Demand(0, "")
"""For development and tests: no signature is asked for."""


@dataclass(frozen=True, slots=True)
class Given:
    """One officer's approval that counts: who, when it was signed, the signature's text."""

    officer: str
    at: datetime
    text: str


class NotApproved(IdentityError):
    """Too few officers have signed. ``given`` are those who have, ``problems`` says why others do not count."""

    def __init__(self, purpose: Purpose, needed: int, given: Sequence[Given], problems: Sequence[str]) -> None:
        names = ", ".join(each.officer for each in given) or "nobody"
        why = "".join(f"; {problem}" for problem in problems)
        super().__init__(f"{purpose}: {needed} officers must sign, and {names} has{why}")
        self.needed = needed
        self.given = tuple(given)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Approved:
    """An order's signatures as they are kept: the artifact's bytes, and who signed. Empty where none were needed."""

    document: bytes = b""
    given: tuple[Given, ...] = ()

    @property
    def digest(self) -> str:
        """The artifact's SHA-256; ``""`` where there is none."""
        return hashlib.sha256(self.document).hexdigest() if self.document else ""

    @property
    def artifacts(self) -> tuple[bytes, ...]:
        """What the log is to keep."""
        return (self.document,) if self.document else ()

    def said(self) -> list[dict[str, str]]:
        """Who signed and when, as the order's entry says it."""
        return [{"officer": each.officer, "at": stamp(each.at)} for each in self.given]


def statement(purpose: Purpose, subject: str, origin: str) -> bytes:
    """The bytes that officers sign."""
    return f"relgate order v1\n{origin}\n{purpose}\n{subject}\n".encode()


def count(
    texts: Sequence[str], officers: Officers, purpose: Purpose, subject: str, origin: str, at: datetime
) -> tuple[list[Given], list[str]]:
    """The officers whose signatures count, each once, and why the other signatures do not (rules 1 and 2)."""
    counted: dict[str, Given] = {}
    problems: list[str] = []
    for text in texts:
        try:
            signature = read(text)
            signer = officers.signer(signature.key)
            if signer is None:
                problems.append(f"a signature by the key {signature.key} is by no officer of the list in force")
                continue
            officer, key = signer
            verify(signature, statement(purpose, subject, origin), key, at)
        except SealingError as error:
            problems.append(f"a signature does not count: {error.detail or error}")
            continue
        counted.setdefault(officer.name, Given(officer.name, signature.issued, signature.text))
    return sorted(counted.values(), key=lambda each: each.officer), problems


def approve(
    demand: Demand, texts: Sequence[str], officers: Officers, purpose: Purpose, subject: str, at: datetime
) -> Approved:
    """Count signatures against a demand. Raises :class:`NotApproved` when they are too few.

    Signatures that count are kept also where none were asked for.
    """
    given, problems = count(texts, officers, purpose, subject, demand.origin, at)
    if len(given) < demand.needed:
        raise NotApproved(purpose, demand.needed, given, problems)
    if not given:
        return Approved()
    said: dict[str, PlainJson] = {
        "version": 1,
        "purpose": purpose.value,
        "subject": subject,
        "origin": demand.origin,
        "officers": officers.digest,
        "at": stamp(at),
        "signatures": [each.text for each in given],
    }
    return Approved(canonical.encode(said, "approval"), tuple(given))


def in_force(log: LogReader) -> Officers:
    """The list of officers in force, from the log's own copy; nobody while none was installed.

    Raises:
        LookupError: the log's store lacks the list.
        IdentityError: it cannot be read.

    """
    lists = log.standing().officers
    return listed(log, lists[-1]) if lists else Officers()


def listed(log: LogReader, digest: str) -> Officers:
    """A list of officers by its digest; raises as :func:`in_force`."""
    body = log.artifact(digest)
    if body is None:
        raise LookupError(f"the list of officers {digest} is not in the log's store")
    return read_officers(body)


def check_document(log: LogReader, approval: str, demand: Demand, subject: str) -> None:
    """Check again what the active policy set was approved by, as whoever is about to believe it must (rule 3).

    Raises:
        NotApproved: too few officers of the list that was in force had signed.
        LookupError: the store lacks the signatures or the list, or they are not what they must be.

    """
    if not approval:
        if demand.needed:
            raise NotApproved(Purpose.ACTIVATE, demand.needed, (), ())
        return
    document, officers = _opened(log, approval)
    said = {name: str(document[name]) for name in ("purpose", "subject", "origin", "at")}
    if (said["purpose"], said["subject"]) != (Purpose.ACTIVATE.value, subject):
        raise LookupError(f"the signatures {approval} are for something else")
    at = instant(said["at"])
    if at is None:
        raise LookupError(f"the signatures {approval} have no time")
    given, problems = count(_texts(document), officers, Purpose.ACTIVATE, subject, said["origin"], at)
    if len(given) < demand.needed or (demand.needed and said["origin"] != demand.origin):
        raise NotApproved(Purpose.ACTIVATE, demand.needed, given, problems)


def again(log: LogReader, approval: str, demand: Demand, subject: str, at: datetime) -> Approved:
    """What an earlier activation was approved by, to put the same set in force once more.

    The signatures must have been good then, and count only for those who are officers now: whoever has been struck from
    the list approves nothing any more. Raises as :func:`check_document`.
    """
    if not approval:
        return approve(demand, (), in_force(log), Purpose.ACTIVATE, subject, at)
    document, _ = _opened(log, approval)
    then = instant(str(document["at"]))
    if then is None:
        raise LookupError(f"the signatures {approval} have no time")
    return approve(demand, _texts(document), in_force(log), Purpose.ACTIVATE, subject, then)


def _opened(log: LogReader, approval: str) -> tuple[Mapping[str, PlainJson], Officers]:
    """The signatures an activation was approved by, and the list of officers they were checked against."""
    body = log.artifact(approval)
    if body is None:
        raise LookupError(f"the signatures {approval} are not in the log's store")
    try:
        document = canonical.decode(body, "approval")
        name = str(document["officers"])
    except (DraftRefused, KeyError) as error:
        raise LookupError(f"the signatures {approval} cannot be read: {error}") from error
    if name not in log.standing().officers:
        raise LookupError(f"the list of officers {name} was never in force")
    return document, listed(log, name)


def _texts(document: Mapping[str, PlainJson]) -> list[str]:
    return [str(text) for text in cast("Sequence[str]", document["signatures"])]
