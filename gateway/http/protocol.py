"""What is not HTTP/1.1 gets a problem answer too, from below the application, and the connection is closed.

Such bytes (a broken request line, two lengths that differ, a header too long) are no request: nobody asked for
anything, no partner can be named, and so there is no audit entry; the log has a line of the server's own. The answer
has the same form and headers as every other.
"""

from __future__ import annotations

import uuid

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.http import problems
from gateway.http.negotiation import traceparent
from gateway.refusals import Refused


class Http(H11Protocol):
    """uvicorn's HTTP/1.1 with a problem document for what h11 refuses."""

    def send_400_response(self, msg: str) -> None:
        """Answer ``request_malformed``; ``msg`` is the server's own text and is not told."""
        identifier = uuid.uuid4().hex
        answer = problems.answer(Refused("request_malformed"), identifier)
        headers = [*answer.raw_headers, *problems.door_headers(identifier, traceparent(None), 0)]
        events = (
            h11.Response(status_code=400, headers=[*headers, (b"connection", b"close")], reason=b"Bad Request"),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        )
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
