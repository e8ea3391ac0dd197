"""Operators' metrics in Prometheus's text form, on a port of their own that only this machine can reach.

They say how the gateway fares: whether it could release and why not, which policy set is in force and whether a newer
one was refused, how long the log is, how many problems never became a request. They say nothing of what any partner
asked, got or did not get: that is the audit log's. They are worked out anew at each question, and a question that
cannot be answered is answered 500, never with an older answer.

They have a port of their own because what stands before the partner API may pass on whatever the API answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from http.server import HTTPServer
from threading import Thread

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.audit.errors import AuditError
from gateway.http.health import readiness
from gateway.service import Service

_ANSWER_SECONDS = 10.0
LOOPBACK = "127.0.0.1"


class Fares(Collector):
    """Asks the service, on its own event loop, whenever somebody asks for the metrics."""

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        self._service = service
        self._loop = loop

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: what there is is said when asked, and registering must not ask the service."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every metric, as things stand now."""
        found = asyncio.run_coroutine_threadsafe(readiness(self._service), self._loop).result(_ANSWER_SECONDS)
        yield GaugeMetricFamily("relgate_ready", "1 while releases are possible.", int(found.possible))
        problem = GaugeMetricFamily("relgate_problem", "1 for each code that readiness names.", labels=["code"])
        for code in found.problems:
            problem.add_metric([code], 1)
        yield problem
        yield from self._policy()
        yield from self._log()

    def _policy(self) -> Iterator[GaugeMetricFamily]:
        try:
            standing = self._service.log.standing()
        except AuditError:
            return
        active = GaugeMetricFamily("relgate_policy_info", "1 for the policy set in force.", labels=["digest"])
        if standing.active is not None:
            active.add_metric([standing.active], 1)
        yield active
        since = standing.refused_since
        waited = 0.0 if since is None else (self._service.clock() - since).total_seconds()
        said = "Seconds since an activation was refused and not mended; 0 when none was."
        yield GaugeMetricFamily("relgate_policy_refused_seconds", said, waited)
        yield GaugeMetricFamily("relgate_stops", "Stops in force.", len(standing.stops))

    def _log(self) -> Iterator[GaugeMetricFamily]:
        try:
            size = self._service.log.size()
        except AuditError:
            return
        yield GaugeMetricFamily("relgate_log_entries", "Entries in the audit log.", size)


class Metrics:
    """The port, for as long as the gateway runs. ``port`` is the one that was taken."""

    def __init__(self, service: Service, port: int) -> None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Fares(service, asyncio.get_running_loop()))
        self._server: HTTPServer
        self._thread: Thread
        self._server, self._thread = start_http_server(port, LOOPBACK, registry)
        self.port = int(self._server.server_address[1])

    def close(self) -> None:
        """Take no more questions."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
