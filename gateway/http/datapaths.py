"""The short way to the data routes and to receipts: what the router would find, found by looking at the path once.

Nearly every request is for data or for the receipt of some, and the router tries every other route first, one regular
expression each. The rule of this file: *it finds what the router would*. A path that begins as any other route does,
has another number of parts or another method goes to the router; a test asks both about the same paths.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from gateway.asking import Operation

RECEIPT = "/releases/{release}/receipt"
"""The template of the receipt's route."""


@dataclass(frozen=True, slots=True)
class Target:
    """A data route that was found. ``path`` is the route's template, for the log; ``dataset`` the dataset's path."""

    path: str
    dataset: str
    operation: Operation
    identifier: str | None = None


@dataclass(frozen=True, slots=True)
class ReceiptTarget:
    """The receipt's route was found, for this release. ``path`` is the route's template, for the log."""

    release: str
    path: str = RECEIPT


_LIST = "/{source}/{dataset}"
_ONE = "/{source}/{dataset}/{identifier}"


class DataPaths:
    """Knows which first parts of a path belong to other routes, and which third parts are no identifiers."""

    def __init__(self, others: Iterable[APIRouter], data: APIRouter) -> None:
        """``data`` is the router of the data routes, ``others`` are all others; each of their paths begins with a fixed
        part. A fixed part that ends a data route names its operation.
        """
        self._others = frozenset(_parts(route)[1] for router in others for route in router.routes)
        ends = [_parts(route)[3] for route in data.routes if len(_parts(route)) == 4]
        self._under = {end: Operation(end) for end in ends if not end.startswith("{")}

    def find(self, scope: Scope) -> Target | ReceiptTarget | None:
        """The data route or the receipt's for this request; ``None`` where the router must look."""
        parts = scope["path"].split("/")
        if scope["method"] != "GET" or parts[0] or not all(parts[1:]) or scope.get("root_path"):
            return None
        if len(parts) not in (3, 4):
            return None
        if parts[1] in self._others:
            is_receipt = len(parts) == 4 and (parts[1], parts[3]) == ("releases", "receipt")
            return ReceiptTarget(parts[2]) if is_receipt else None
        dataset = f"/{parts[1]}/{parts[2]}"
        if len(parts) == 3:
            return Target(_LIST, dataset, Operation.LIST)
        operation = self._under.get(parts[3])
        if operation is None:
            return Target(_ONE, dataset, Operation.IDENTIFIED, parts[3])
        return Target(f"{_LIST}/{parts[3]}", dataset, operation)


def _parts(route: BaseRoute) -> list[str]:
    """A route's template, divided; raises :class:`TypeError` for what has none."""
    if not isinstance(route, Route):
        raise TypeError(f"a route with a path was expected, not {type(route).__name__}")
    return route.path.split("/")
