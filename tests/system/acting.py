"""Partners at work: the public SDK, unmodified, with base URL and token changed; and plain HTTP beside it.

A sealed partner's SDK is given the client's transport, which opens and proves every answer; nothing else differs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.support.running import RunningGateway
from tests.system.expect import IDENTIFIER, TIME, Asker
from tests.system.jsontext import items

START = datetime(2026, 6, 20, 12, tzinfo=UTC)
"""When the gateway is asked: two days after the sample's last record, with every shipped agreement but one in force."""

ALWAYS = ">2000-01-01T00:00:00Z"
"""The required time parameter with a value that every record meets."""

RESOURCE = {
    "elset": "elsets",
    "statevector": "state_vector",
    "conjunction": "conjunctions",
    "notification": "notification",
}
ARGUMENT = {"epoch": "epoch", "tca": "tca", "createdAt": "created_at"}
OF_THE_REQUEST = {"x-request-id", "traceparent", "server-timing", "date"}
ATTRIBUTE = {"idElset": "id_elset", "idStateVector": "id_state_vector", "id": "id"}


class Clock:
    """A clock that goes on from :data:`START` as real time goes on, so that no test depends on today's date."""

    def __init__(self) -> None:
        self._behind = datetime.now(UTC) - START

    def __call__(self) -> datetime:
        return datetime.now(UTC) - self._behind


class Acting:
    """One partner's program. ``received`` holds the bodies of the data answers since it was last cleared."""

    def __init__(self, gateway: RunningGateway, asker: Asker) -> None:
        from unifieddatalibrary import Unifieddatalibrary  # two seconds, which a gateway on this clock need not take

        self._gateway, self.asker = gateway, asker
        self.requests: list[httpx.Request] = []
        self.received: list[bytes] = []
        self.http = gateway.client(asker.partner, sealed=asker.sealed)
        self.http.event_hooks = {"request": [self.requests.append], "response": [self._keep]}
        self.sdk = Unifieddatalibrary(access_token=self.token(), base_url=gateway.url, http_client=self.http)

    def token(self, lifetime: timedelta = timedelta(minutes=50)) -> str:
        """A fresh token of the partner's first system."""
        at = self._gateway.service.clock()
        return self._gateway.stage.token(self.asker.partner, purpose=self.asker.purpose, at=at, lifetime=lifetime)

    def _keep(self, response: httpx.Response) -> None:
        if response.status_code == 200:
            self.received.append(response.read())

    def resource(self, dataset: str) -> Any:
        """The SDK's own object for a dataset."""
        return getattr(self.sdk, RESOURCE[dataset])

    def walk(self, dataset: str, page: int, **query: str) -> tuple[list[str], list[bytes]]:
        """Walk all pages of a dataset as the SDK does: the identifiers as it reads them, the records as they came."""
        self.received.clear()
        time = {ARGUMENT[TIME[dataset]]: ALWAYS}
        listed = self.resource(dataset).list(max_results=page, **time, extra_query=query)
        names = [getattr(record, ATTRIBUTE[IDENTIFIER[dataset]]) for record in listed]
        return names, [raw for body in self.received for raw in items(body)]

    def count(self, dataset: str, **query: str) -> int:
        """The SDK's count."""
        return int(self.resource(dataset).count(**{ARGUMENT[TIME[dataset]]: ALWAYS}, extra_query=query))

    def get(self, path: str, **query: str | int) -> httpx.Response:
        """One request of this partner's program without the SDK."""
        headers = {"Authorization": f"Bearer {self.sdk.access_token}", "Accept": "application/json"}
        url = self._gateway.url + path
        return self.http.get(url, params=httpx.QueryParams(query), headers=headers)

    def listed(self, dataset: str, operation: str = "", **query: str | int) -> httpx.Response:
        """One request for a list, count or tuple over all time."""
        return self.get(f"/udl/{dataset}{operation}", **{TIME[dataset]: ALWAYS}, **query)

    def close(self) -> None:
        """Let go of the connections."""
        self.sdk.close()


@contextmanager
def acting(gateway: RunningGateway, asker: Asker) -> Iterator[Acting]:
    """A partner's program for as long as the block lasts."""
    program = Acting(gateway, asker)
    try:
        yield program
    finally:
        program.close()


def without_request(answer: httpx.Response) -> tuple[int, dict[str, str], str]:
    """All that an answer says, but for what names the request: status, headers, body."""
    headers = {name: value for name, value in answer.headers.items() if name not in OF_THE_REQUEST}
    return answer.status_code, headers, re.sub(r"urn:relgate:request:[0-9a-f]{32}", "", answer.text)


def stored_files(gateway: RunningGateway) -> dict[str, bytes]:
    """The files of the set in force, from the log's own store."""
    log = gateway.service.log
    active = log.standing().active
    assert active is not None
    manifest = json.loads(log.artifact(active) or b"")
    return {path: log.artifact(digest) or b"" for path, digest in manifest["files"].items()}
