"""The OpenAPI document: valid, complete in its errors, its examples of the form it says, and true of real answers."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import openapi_spec_validator
import pytest

from gateway.refusals import PROBLEMS
from tests.support.loopback import ELSETS, Loopback

Document = dict[str, Any]
PUBLIC = {"/healthz", "/readyz", "/checkpoint", "/.well-known/relgate-keys.json", "/tile/{tile}"}


@pytest.fixture(scope="module")
def document(shared: Loopback) -> Document:
    """The document as the gateway serves it."""
    read: Document = shared.client.get("/openapi.json").json()
    return read


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert method == "get"
            yield path, operation


def test_the_document_is_valid_openapi(document: Document):
    openapi_spec_validator.validate(document)


def test_the_problem_schema_lists_every_code_and_no_other(document: Document):
    assert document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == sorted(PROBLEMS)


def test_every_problem_code_has_an_example_of_the_schemas_form_under_its_status(document: Document):
    seen = set()
    for _, operation in operations(document):
        for status, response in operation["responses"].items():
            for code, example in (
                response.get("content", {}).get("application/problem+json", {}).get("examples", {}).items()
            ):
                jsonschema.validate(example["value"], document["components"]["schemas"]["Problem"])
                assert (example["value"]["code"], str(example["value"]["status"])) == (code, status)
                seen.add(code)
    assert seen == set(PROBLEMS) - {"method_not_allowed"}  # no operation that is documented can answer so


def test_every_example_of_an_answer_is_of_the_form_that_its_schema_says(document: Document):
    for _, operation in operations(document):
        for medium in operation["responses"]["200"].get("content", {}).values():
            if "example" in medium:
                jsonschema.validate(medium["example"], medium["schema"])


def test_every_operation_that_needs_a_credential_says_so_and_documents_every_refusal_of_one(document: Document):
    refusals = {code for code, problem in PROBLEMS.items() if problem.status in (401, 403)}
    for path, operation in operations(document):
        if path in PUBLIC:
            assert "security" not in operation
            continue
        assert operation["security"] == [{"bearer": []}]
        shown = {
            code
            for status in ("401", "403")
            for code in operation["responses"][status]["content"]["application/problem+json"]["examples"]
        }
        assert shown == refusals


def test_no_operation_documents_an_answer_that_the_framework_would_give_by_itself(document: Document):
    for _, operation in operations(document):
        assert "422" not in operation["responses"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


CASES = (
    ("/{source}/{dataset}", ELSETS, {}),
    ("/{source}/{dataset}", "/udl/elset", {}),
    ("/{source}/{dataset}", "/udl/nothing", {}),
    ("/{source}/{dataset}", ELSETS, {"Authorization": ""}),
    ("/{source}/{dataset}", ELSETS, {"Accept": "*/*;q=0"}),
    ("/{source}/{dataset}/count", "/udl/elset/count?epoch=nonsense", {}),
    ("/{source}/{dataset}/tuple", "/udl/elset/tuple" + ELSETS.removeprefix("/udl/elset"), {}),
    ("/{source}/{dataset}/queryhelp", "/udl/elset/queryhelp", {}),
    ("/{source}/{dataset}/queryhelp", "/udl/elset/queryhelp?x=1", {}),
    ("/{source}/{dataset}/{identifier}", "/udl/elset/none", {}),
    ("/releases/{release}/receipt", "/releases/none/receipt?chunk=x", {}),
    ("/releases/{release}/receipt", "/releases/none/receipt", {}),
    ("/healthz", "/healthz", {}),
    ("/readyz", "/readyz", {}),
    ("/checkpoint", "/checkpoint", {}),
)


@pytest.mark.parametrize(("template", "path", "headers"), CASES)
def test_a_real_answer_is_one_that_the_document_describes(
    here: Loopback, document: Document, template: str, path: str, headers: dict[str, str]
):
    answer = here.get(path, **headers)
    response = document["paths"][template]["get"]["responses"][str(answer.status)]
    media_type = answer.headers["content-type"].split(";")[0]
    assert media_type in response.get("content", {media_type: {}})
    if answer.code:
        assert answer.code in response["content"][media_type]["examples"]
        jsonschema.validate(json.loads(answer.body), document["components"]["schemas"]["Problem"])
    for header in ("X-Request-Id", "Server-Timing", "traceparent"):
        assert header.lower() in answer.headers
