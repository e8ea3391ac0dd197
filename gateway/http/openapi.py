"""The OpenAPI document: generic paths, security, examples, and every error a partner may meet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from gateway.http.negotiation import LINES_TYPE, SEALED_TYPE
from gateway.http.problems import MEDIA_TYPE, example
from gateway.refusals import PROBLEMS

Document: TypeAlias = dict[str, object]

DESCRIPTION = """\
Every answer holds exactly the records this caller may have now. What it may not have does not exist: it is absent
from lists, counts, pages and by identifier. Answers are sealed to the partner's registered key; ask with
`Accept: application/jose`. The `Link` header of an answer leads to its receipt, which proves offline that the release
stands in the audit log.
"""

PROBLEM_SCHEMA: Document = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "The problem's page on this gateway.",
        },
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to do about it."},
        "instance": {
            "type": "string",
            "format": "uri",
            "description": "Names the request, for asking the operator.",
        },
        "code": {"type": "string", "enum": sorted(PROBLEMS)},
        "handle": {"type": "string", "description": "What to poll, where a human release is awaited."},
        "parameter": {"type": "string", "description": "The query parameter that was wrong, where one was."},
    },
    "additionalProperties": False,
}

SECURITY_SCHEME: Document = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token of the issuer that the partner's agreement names, with this gateway as audience.",
}

ANSWER_HEADERS: Document = {
    "Link": {
        "description": 'Where the receipt is: `</releases/{id}/receipt>; rel="receipt"`.',
        "schema": {"type": "string"},
    },
    "X-Request-Id": {"description": "Names this request in problems and logs.", "schema": {"type": "string"}},
    "Server-Timing": {"description": "Whole milliseconds the request took.", "schema": {"type": "string"}},
    "traceparent": {"description": "W3C Trace Context of this request.", "schema": {"type": "string"}},
}


def problem_responses(codes: Iterable[str]) -> dict[int | str, Document]:
    """The error part of an operation's responses, one entry a status, one example a code."""
    by_status: dict[int, dict[str, Document]] = {}
    for code in codes:
        by_status.setdefault(PROBLEMS[code].status, {})[code] = {
            "summary": PROBLEMS[code].title,
            "value": example(code),
        }
    return {
        status: {
            "description": "; ".join(str(each["summary"]) for each in examples.values()),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
        }
        for status, examples in sorted(by_status.items())
    }


def content_response(description: str, plain_type: str, schema: Document, example_value: object) -> Document:
    """The success part: the plain form for partners whose agreement allows it, as lines too where it is a list of
    records, and the sealed one.
    """
    lines = {LINES_TYPE: {"schema": {"type": "string", "description": "One record a line (NDJSON)."}}}
    return {
        "description": description,
        "headers": ANSWER_HEADERS,
        "content": {
            plain_type: {"schema": schema, "example": example_value},
            **(lines if schema.get("type") == "array" else {}),
            SEALED_TYPE: {
                "schema": {
                    "type": "string",
                    "description": "One compact JWE a line (RFC 7516); see docs/sealing.md.",
                },
                "example": "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSIsImN0eSI6IkpPU0UifQ..",
            },
        },
    }
