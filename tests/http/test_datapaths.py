"""The short way finds exactly the data route, or the receipt's, that the router finds, and leaves the rest to it."""

from __future__ import annotations

import itertools

import pytest
from starlette.routing import Match

from gateway.asking import Operation
from gateway.http import partner
from gateway.http.app import OTHERS
from gateway.http.datapaths import RECEIPT, DataPaths, ReceiptTarget

ROUTES = [route for router in (*OTHERS, partner.router) for route in router.routes]
PATHS = DataPaths(OTHERS, partner.router)
FIXED = [route.path.split("/")[3] for route in partner.router.routes if route.path.count("/") == 3]
FIXED.remove("{identifier}")
OPERATIONS = {
    "/{source}/{dataset}": Operation.LIST,
    "/{source}/{dataset}/{identifier}": Operation.IDENTIFIED,
    **{f"/{{source}}/{{dataset}}/{end}": Operation(end) for end in FIXED},
}
FIRSTS = sorted({route.path.split("/")[1] for route in ROUTES if "{" not in route.path.split("/")[1]})
PARTS = ["udl", "elset", *FIXED, "", "a b", "{source}", "..", "\n", "é", "tile", *FIRSTS]
TAILS = ("x", "x/y", "x/receipt", "0/1", "x/y/z", "")
MADE = ["/" + "/".join(parts) for size in (1, 2, 3, 4) for parts in itertools.product(PARTS[:13], repeat=size)]
WRITTEN = ["/", "", "*", "udl/elset", "//udl/elset", *MADE[:8000]]
WRITTEN += [f"/{first}/{tail}" for first in FIRSTS for tail in TAILS]
RECEIPTS = [
    f"/releases/{name}/{end}"
    for name in dict.fromkeys(PARTS)
    for end in ("receipt", "receipt/", "receipt\n", "receipts")
]


def scope(path: str, method: str = "GET") -> dict[str, object]:
    return {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}


def routed(path: str) -> tuple[str, dict[str, str]] | None:
    """The first route that the router would take, and its parameters; ``None`` where it finds none."""
    for route in ROUTES:
        found, child = route.matches(scope(path))
        if found is Match.FULL:
            return route.path, child["path_params"]
    return None


def test_the_short_way_and_the_router_find_the_same_route_for_every_path() -> None:
    found = 0
    for path in WRITTEN:
        target, expected = PATHS.find(scope(path)), routed(path)
        if target is None:
            assert expected is None or path.split("/")[1] in FIRSTS, path
            continue
        assert expected is not None, path
        if isinstance(target, ReceiptTarget):
            assert expected == (RECEIPT, {"release": target.release})
            continue
        template, named = expected
        assert (target.path, target.operation) == (template, OPERATIONS[template]), path
        assert target.dataset == f"/{named['source']}/{named['dataset']}"
        assert target.identifier == named.get("identifier")
        found += 1
    assert found > 500
    assert {"bulk", "count", "tuple", "queryhelp"} <= set(FIXED)


def test_the_short_way_and_the_router_find_the_same_release_for_every_receipt() -> None:
    short = {path: PATHS.find(scope(path)) for path in RECEIPTS}
    for path, target in short.items():
        assert target is None or (RECEIPT, {"release": target.release}) == routed(path), path
    found = [path for path, target in short.items() if target is not None]
    assert found == [f"/releases/{name}/receipt" for name in dict.fromkeys(PARTS) if name]


def test_every_other_route_begins_with_a_part_of_its_own() -> None:
    firsts = {route.path.split("/")[1] for router in OTHERS for route in router.routes}
    assert firsts == PATHS._others
    assert all(first and "{" not in first for first in firsts)
    assert {"healthz", "docs", "releases", "problems"} <= firsts


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS", "get", "TRACE"])
def test_another_method_is_left_to_the_router(method: str) -> None:
    assert PATHS.find(scope("/udl/elset", method)) is None
