"""Adding orders up: what must stand after them, by what the private parts of their entries say.

It shares no code with carrying orders out (:mod:`gateway.audit.standing`): a verification compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from gateway.audit.canonical import PlainJson
from gateway.audit.orders import Approve, OpenEmergency, Standing, Stop, StopKind, instant


def replay(orders: Iterable[tuple[int, Mapping[str, PlainJson]]]) -> Standing:
    """What stands after these orders. Raises ``KeyError`` or ``ValueError`` for one that cannot be read."""
    summing = _Summing()
    for _, order in orders:
        summing.add({name: str(value) for name, value in order.items()})
    return summing.standing


class _Summing:
    """What stands so far."""

    def __init__(self) -> None:
        self.standing = Standing()

    def add(self, said: Mapping[str, str]) -> None:
        """Carry one order out."""
        at = instant(said["at"])
        if at is None:
            raise ValueError("an order without a time")
        kind, was = said["order"], self.standing
        if kind in ("stop", "lift"):
            self._stop(kind, said, at)
        elif kind in ("open", "close"):
            self._emergency(kind, said, at)
        elif kind in ("approve", "withhold"):
            self._review(kind, said, at)
        elif kind == "activate":
            fresh = replace(was, activated_at=at, refused_since=None, announced="")
            self.standing = replace(fresh, active=said["digest"], approval=said.get("approval", ""))
        elif kind == "announce":
            self.standing = replace(was, announced=said["digest"])
        elif kind == "refuse":
            self.standing = replace(was, refused_since=was.refused_since or at)
        elif kind == "install-officers":
            self.standing = replace(was, officers=(*was.officers, said["digest"]))
        elif kind == "revoke":
            self.standing = replace(was, revoked=was.revoked | {(said["partner"], said["jti"])})
        elif kind != "remove":  # what is missing is accounted for by itself
            raise ValueError(f"an order of unknown kind {kind}")

    def _stop(self, kind: str, said: Mapping[str, str], at: datetime) -> None:
        stops = {(each.kind, each.subject): each for each in self.standing.stops}
        named = StopKind(said["kind"]), said["subject"]
        if kind == "lift":
            del stops[named]
        else:
            stops[named] = Stop(*named, said["by"], said["reason"], at)
        self.standing = replace(self.standing, stops=tuple(stops.values()))

    def _emergency(self, kind: str, said: Mapping[str, str], at: datetime) -> None:
        opened = {(each.partner, each.name): each for each in self.standing.opened}
        named = said["partner"], said["name"]
        if kind == "close":
            del opened[named]
        else:
            opened[named] = OpenEmergency(*named, said["by"], said["reason"], at)
        self.standing = replace(self.standing, opened=tuple(opened.values()))

    def _review(self, kind: str, said: Mapping[str, str], at: datetime) -> None:
        item, by = said["item"], said["by"]
        stand = [each for each in self.standing.approvals if each.until > at]
        if kind == "withhold":
            kept = [each for each in stand if each.item != item]
        else:
            kept = [*(each for each in stand if (each.item, each.by) != (item, by)), _approval(said, at)]
        self.standing = replace(self.standing, approvals=tuple(kept))


def _approval(said: Mapping[str, str], at: datetime) -> Approve:
    until = instant(said["until"])
    if until is None:
        raise ValueError("an approval without an end")
    return Approve(
        item=said["item"],
        partner=said["partner"],
        dataset=said["dataset"],
        purpose=said["purpose"],
        content=said["content"],
        marking=said["marking"],
        policy=said["policy"],
        officers=said["officers"],
        persons=int(said["persons"]),
        until=until,
        by=said["by"],
        reason=said["reason"],
        at=at,
    )
