"""schemathesis against the OpenAPI document: whatever it allows, and does not, is answered as it says.

Few cases in the suite; ``make schemathesis`` asks many (``CASES`` for each operation).
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from gateway.refusals import PROBLEMS
from tests.support.loopback import Loopback

CHECKS: list[Callable[..., bool | None]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
    ignored_auth,
]


@pytest.fixture(scope="module")
def document(shared: Loopback) -> schemathesis.BaseSchema:
    """The document as the gateway serves it, for its real address."""
    loaded = schemathesis.openapi.from_url(f"{shared.gateway.url}/openapi.json")
    loaded.config.update(base_url=shared.gateway.url)
    return loaded


def ask_as_it_says(operation: schemathesis.APIOperation, here: Loopback, mode: GenerationMode, cases: int) -> None:
    """Ask an operation so many times, in ways that the document allows or (``NEGATIVE``) does not."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=cases,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    def ask(case: schemathesis.Case) -> None:
        headers = {"Authorization": f"Bearer {here.token()}", "Accept": "application/json"}
        answer = case.call_and_validate(headers=headers, checks=CHECKS, timeout=60)
        if answer.headers["content-type"] == ["application/problem+json"]:
            assert PROBLEMS[answer.json()["code"]].status == answer.status_code

    ask()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_whatever_the_document_allows_and_does_not_is_answered_as_it_says(
    document: schemathesis.BaseSchema, here: Loopback, mode: GenerationMode
):
    asked = 0
    for found in document.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not list(operation.query):
            continue
        ask_as_it_says(operation, here, mode, int(os.environ.get("CASES", "8")))
        asked += 1
    assert asked >= 4
