"""The outermost door: what every answer carries, and what becomes of a failure that nobody foresaw."""

import io
import re
from pathlib import Path

import httpx
import pytest

from demo.stage import Stage
from gateway.activation.approval import UNSIGNED
from gateway.activation.files import read_policy_files
from gateway.activation.orders import Order, activate
from gateway.http.app import Door, build_app
from gateway.service import now, open_service
from tests.support.loopback import ELSETS, Loopback
from tests.support.running import POLICIES

EVERYTHING = (
    ("GET", ELSETS, 200),
    ("GET", "/udl/elset", 400),
    ("GET", "/udl/conjunction", 400),
    ("GET", "/nothing", 404),
    ("POST", ELSETS, 405),
    ("HEAD", "/healthz", 405),
    ("GET", "/healthz", 200),
    ("GET", "/readyz", 200),
    ("GET", "/docs", 200),
    ("GET", "/docs/assets/favicon.png", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/problems/not_found", 200),
    ("GET", "/checkpoint", 200),
    ("GET", "/.well-known/relgate-keys.json", 200),
    ("GET", "/releases/none/receipt", 404),
)


@pytest.mark.parametrize(("method", "path", "status"), EVERYTHING)
def test_every_answer_carries_its_id_its_trace_its_time_and_how_long_it_may_be_kept(
    here: Loopback, method: str, path: str, status: int
):
    answer = here.send(path, "Accept: application/json", method=method)
    assert answer.status == status
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", answer.headers["traceparent"])
    assert re.fullmatch(r"total;dur=[0-9]+", answer.headers["server-timing"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    kept = re.fullmatch(r"no-store|max-age=[0-9]+", answer.headers["cache-control"])
    assert kept is not None
    assert answer.headers["cache-control"] == "no-store" or path.startswith(("/docs/assets/", "/.well-known/"))
    assert "server" not in answer.headers


def test_an_answer_says_that_it_depends_on_the_credential_and_the_accept_header(here: Loopback):
    assert here.get(ELSETS).headers["vary"] == "Accept, Authorization"


def test_two_requests_never_have_the_same_id(here: Loopback):
    ids = {here.get("/nothing").headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


async def test_a_failure_that_nobody_foresaw_is_recorded_and_told_to_nobody_in_words(
    tmp_path: Path, keys: Path, log_lines: io.StringIO
):
    stage = Stage(tmp_path / "var", keys, POLICIES)
    settings = stage.prepare("http://127.0.0.1:1")
    async with open_service(settings) as service:
        files = read_policy_files(settings.policies_dir, settings.keys_dir)
        activate(service.log, files, Order("test", "set the stage", now()), UNSIGNED)
        app = build_app(service)

        async def broken() -> None:
            raise ZeroDivisionError("the secret is SECRET//NOFORN")

        app.add_api_route("/broken", broken)
        app.router.routes.insert(0, app.router.routes.pop())
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            for credential, code in ((f"Bearer {stage.token('GBR')}", "internal_error"), ("", "token_missing")):
                answer = await client.get("/broken", headers={"Authorization": credential})
                assert answer.json()["code"] == code
                assert "secret" not in answer.text.lower()
                assert "ZeroDivision" not in answer.text
                (entry,) = service.log.entries(service.log.size() - 2, 1)
                assert (entry.leaf.request, entry.leaf.outcome) == (answer.headers["x-request-id"], code)
            app.state.pipeline = None  # not even the refusal can be recorded
            for path in ("/broken", "/udl/elset"):  # by the router, and by the short way to the data
                answer = await client.get(path)
                assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert [each.cls for each in app.user_middleware] == [Door], "data passes through no other"
    said = log_lines.getvalue()
    assert '"event": "denial-failed"' in said
    assert '"error": "ZeroDivisionError"' in said
    assert "NOFORN" not in said
