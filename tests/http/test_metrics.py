"""Operators' metrics say how the gateway fares, to this machine alone, and nothing of what partners asked."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.activation import orders
from gateway.activation.approval import UNSIGNED
from gateway.activation.orders import Order
from gateway.audit.orders import StopKind
from gateway.http.server import AddressBusy
from tests.support.loopback import ELSETS, Loopback, loopback
from tests.support.waiting import held_port
from tests.system.acting import stored_files


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with held_port() as held:
        yield held


@pytest.fixture(scope="module")
def world(port: int, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    with loopback(tmp_path_factory.mktemp("metrics") / "var", keys, metrics_port=port) as found:
        yield found


def scraped(port: int) -> dict[str, dict[tuple[str, ...], float]]:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).raise_for_status().text
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(text)
    }


def test_a_gateway_that_could_release_says_so_with_the_set_in_force(world: Loopback, port: int) -> None:
    found = scraped(port)
    assert found["relgate_ready"] == {(): 1.0}
    assert found["relgate_policy_info"] == {(world.gateway.service.log.standing().active,): 1.0}
    assert found["relgate_policy_refused_seconds"] == {(): 0.0}
    assert found["relgate_problem"] == {("development_mode",): 1.0}
    assert found["relgate_log_entries"][()] == world.gateway.service.log.size()


def test_a_refused_set_shows_by_its_code_and_its_age(world: Loopback, port: int) -> None:
    log, clock = world.gateway.service.log, world.gateway.service.clock
    with pytest.raises(orders.ActivationRefused):
        orders.activate(log, {"policies/policy.toml": b"name = 1\n"}, Order("officer", "broken", clock()), UNSIGNED)
    found = scraped(port)
    assert ("policy_refused",) in found["relgate_problem"]
    assert found["relgate_policy_refused_seconds"][()] > 0
    orders.activate(log, stored_files(world.gateway), Order("officer", "mended", clock()), UNSIGNED)
    assert scraped(port)["relgate_policy_refused_seconds"] == {(): 0.0}


def test_stops_are_counted_and_not_named(world: Loopback, port: int) -> None:
    log, clock = world.gateway.service.log, world.gateway.service.clock
    orders.stop(log, StopKind.PARTNER, "AUS", Order("officer", "to be looked at", clock()))
    counted, text = scraped(port)["relgate_stops"], httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
    orders.lift(log, StopKind.PARTNER, "AUS", Order("officer", "looked at", clock()), UNSIGNED)
    assert counted == {(): 1.0}
    assert scraped(port)["relgate_stops"] == {(): 0.0}
    assert "AUS" not in text


def test_nothing_of_what_a_partner_asked_or_was_refused_is_in_the_metrics(world: Loopback, port: int) -> None:
    before = scraped(port).keys()
    world.gateway.ask("JPN", ELSETS, accept="application/jose")
    after = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
    assert scraped(port).keys() == before
    assert not any(word in after for word in ("JPN", "elset", "REL TO", "withheld"))


def test_the_partner_api_gives_no_metrics_away(world: Loopback) -> None:
    assert world.gateway.ask("JPN", "/metrics").status_code == 404
    assert httpx.get(world.gateway.url + "/metrics", timeout=60).status_code in (401, 404)


def test_a_taken_port_is_named_before_anything_is_served(tmp_path: Path, keys: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RuntimeError) as failed, loopback(tmp_path / "var", keys, metrics_port=port):
            pass
    assert isinstance(failed.value.__cause__, AddressBusy)
    assert failed.value.__cause__.port == port
