"""A whole gateway on loopback, for tests: a sample source in a thread, the gateway in another, real sockets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn

from demo.stage import Stage
from gateway.activation.approval import UNSIGNED
from gateway.activation.files import read_policy_files
from gateway.activation.orders import Order, activate
from gateway.activation.running import Clock
from gateway.client.transport import GatewayTransport
from gateway.http.server import serve
from gateway.service import Service, now, open_log
from gateway.settings.model import Settings
from tests.support.plain import NO_TLS
from tests.support.waiting import PATIENCE

POLICIES = Path(__file__).parents[2] / "policies"


@dataclass(slots=True)
class RunningGateway:
    """A gateway that answers. ``service`` is its inside, for looking at the log; it is not touched otherwise."""

    stage: Stage
    settings: Settings
    url: str
    service: Service
    server: uvicorn.Server

    def ask(self, partner: str, path: str, *, accept: str = "application/json", **token: str) -> httpx.Response:
        """One plain HTTP request with a partner's token."""
        headers = {"Authorization": f"Bearer {self.stage.token(partner, **token)}", "Accept": accept}  # type: ignore[arg-type]
        return httpx.get(self.url + path, headers=headers, timeout=60, verify=NO_TLS)

    def client(self, partner: str, *, sealed: bool = True) -> httpx.Client:
        """A partner's HTTP client: one that opens and proves sealed answers, or a plain one."""
        if not sealed:
            return httpx.Client(timeout=60, verify=NO_TLS)
        keys = self.stage.gateway_keys()
        transport = GatewayTransport(
            self.stage.private_jwks(partner), keys.public_jwks, keys.log_verifier_key, partner=partner
        )
        return httpx.Client(transport=transport, timeout=60)


@contextmanager
def running_gateway(
    stage: Stage, source_url: str, *, activated: bool = True, clock: Clock = now, **changed: object
) -> Iterator[RunningGateway]:
    """Serve from a stage until the block ends, by this clock, with these settings in place of the stage's."""
    # Answers wait for nothing here, and whoever writes to the log waits for another writer as long as may be.
    settings = stage.prepare(source_url).model_copy(update={"step_ms": 0, "busy_timeout_ms": 60_000} | changed)
    if activated:
        log = open_log(settings, stage.gateway_keys(), "officer")
        files = read_policy_files(settings.policies_dir, settings.keys_dir)
        activate(log, files, Order("test", "set the stage", clock()), UNSIGNED, witnesses=settings.witness_keys)
        log.close()
    found: list[RunningGateway] = []
    failed: list[BaseException] = []
    ready = threading.Event()

    def started(server: uvicorn.Server, service: Service, url: str) -> None:
        found.append(RunningGateway(stage, settings, url, service, server))
        ready.set()

    def run() -> None:
        try:
            serve(settings, started, clock)
        except BaseException as error:  # whatever it was, the test must hear of it
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="gateway", daemon=True)
    thread.start()
    ready.wait(PATIENCE)
    if failed or not found:
        raise RuntimeError("the gateway did not start") from (failed[0] if failed else None)
    try:
        yield found[0]
    finally:
        found[0].server.should_exit = True
        thread.join()
