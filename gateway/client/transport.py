"""An httpx transport that makes sealed answers plain, for whatever program or SDK sits on top of it.

Give it to an ``httpx.Client``, and that to a client library that knows nothing of sealing::

    transport = GatewayTransport(private_jwks, gateway_jwks, log_verifier_key)
    client = Unifieddatalibrary(base_url=..., access_token=..., http_client=httpx.Client(transport=transport))

The rule: *on a data path, content reaches the program opened, checked and proven, or an exception does.*
For each data request the transport

1. asks for ``application/jose``, not compressed;
2. hands on what is no success as it came (a refusal by the gateway is not content);
3. refuses a success that is not 200 with a sealed body;
4. opens it and checks signatures, recipient, order and end;
5. fetches the receipt that the ``Link`` header names, from the same gateway, and checks that it proves this
answer; 6. hands on a plain response with the inner media type. ``response.extensions["relgate"]`` is its
:class:`Delivery`.

Exceptions are :class:`~gateway.client.errors.ClientError`. Many SDKs wrap what a transport raises in a
connection error of their own and retry it: look at its ``__cause__``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from typing import Final

import httpx

from gateway.audit.receipt import Proven
from gateway.client.answer import Answer, open_answer, prove_all, recipient
from gateway.client.errors import AnswerRefused, ReceiptRefused
from gateway.client.reader import Recipient
from gateway.client.receipts import ReceiptKeeper, ReceiptsInMemory
from gateway.sealing import MEDIA_TYPE

DATA_PATHS: Final = ("/udl/",)
"""Path prefixes below which every success must be sealed."""

BODY_LIMIT: Final = 256 * 1024 * 1024
RECEIPT_LIMIT: Final = 1024 * 1024

_OF_THE_SEALED_FORM = {
    "content-type",
    "content-length",
    "content-encoding",
    "content-digest",
    "repr-digest",
    "transfer-encoding",
    "etag",
}
_KEPT_EXTENSIONS = ("http_version", "reason_phrase")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came with a plain response: the opened answer, its receipts, and what they proved (empty
    when not asked).
    """

    answer: Answer
    receipts: tuple[bytes, ...] = ()
    proven: tuple[Proven, ...] = ()


class _Steps:
    """The steps that are the same for both transports; they do no I/O."""

    def __init__(
        self,
        holder: Recipient,
        verify_receipts: bool,
        data_paths: Sequence[str],
        keeper: ReceiptKeeper,
        body_limit: int,
    ) -> None:
        self.holder = holder
        self.verify_receipts = verify_receipts
        self.data_paths = tuple(data_paths)
        self.keeper = keeper
        self.body_limit = body_limit

    def is_data(self, request: httpx.Request) -> bool:
        return request.method != "HEAD" and request.url.path.startswith(self.data_paths)

    def ask_sealed(self, request: httpx.Request) -> None:  # 1
        request.headers["Accept"] = MEDIA_TYPE
        request.headers["Accept-Encoding"] = "identity"

    def is_content(self, response: httpx.Response) -> bool:  # 2, 3
        if not response.is_success:
            return False
        kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
        if response.status_code != httpx.codes.OK or kind != MEDIA_TYPE:
            raise AnswerRefused("answer_not_sealed", f"status {response.status_code}, {kind or 'no media type'}")
        if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise AnswerRefused("answer_encoded")
        return True

    def open(self, body: bytes) -> Answer:  # 4
        return open_answer(body, self.holder)

    def receipt_requests(
        self, request: httpx.Request, response: httpx.Response, answer: Answer
    ) -> list[httpx.Request]:  # 5
        link = response.links.get("receipt")
        if link is None:
            raise ReceiptRefused("receipt_missing", "no Link header with rel=receipt")
        try:
            address = request.url.join(link["url"])
        except httpx.InvalidURL:
            raise ReceiptRefused("receipt_elsewhere") from None
        if (address.scheme, address.netloc, address.userinfo) != (
            request.url.scheme,
            request.url.netloc,
            request.url.userinfo,
        ):
            raise ReceiptRefused("receipt_elsewhere")  # the credential below goes nowhere else
        several = len(answer.parts) > 1
        addresses = [
            address.copy_set_param("chunk", part.opened.chunk) if several else address for part in answer.parts
        ]
        kept = {name: request.headers[name] for name in ("authorization", "user-agent") if name in request.headers}
        timeout = {"timeout": request.extensions["timeout"]} if "timeout" in request.extensions else {}
        headers = {**kept, "Accept": "text/plain", "Accept-Encoding": "identity"}
        return [httpx.Request("GET", each, headers=headers, extensions=timeout) for each in addresses]

    def check_receipt_response(self, response: httpx.Response) -> None:
        if response.status_code != httpx.codes.OK:
            raise ReceiptRefused("receipt_missing", f"status {response.status_code}")

    def deliver(self, answer: Answer, receipts: Sequence[bytes]) -> Delivery:
        if not self.verify_receipts:
            return Delivery(answer)
        proven = prove_all(answer, receipts, self.holder)
        for part, receipt in zip(answer.parts, receipts, strict=True):
            self.keeper.keep(part.opened.release, part.opened.chunk, receipt)
        return Delivery(answer, tuple(receipts), proven)

    def plain(self, response: httpx.Response, delivery: Delivery) -> httpx.Response:  # 6
        headers = [
            (name, value) for name, value in response.headers.multi_items() if name.lower() not in _OF_THE_SEALED_FORM
        ]
        extensions = {name: response.extensions[name] for name in _KEPT_EXTENSIONS if name in response.extensions}
        return httpx.Response(
            200,
            headers=[*headers, ("content-type", delivery.answer.media_type)],
            content=delivery.answer.content,
            extensions={**extensions, "relgate": delivery},
        )


class GatewayTransport(httpx.BaseTransport):
    """The transport for ``httpx.Client``. Read the module's text for what it does and refuses."""

    def __init__(
        self,
        private_jwks: bytes,
        gateway_jwks: bytes,
        log_verifier_key: str,
        origin: str | None = None,
        *,
        partner: str | None = None,
        verify_receipts: bool = True,
        data_paths: Sequence[str] = DATA_PATHS,
        keeper: ReceiptKeeper | None = None,
        body_limit: int = BODY_LIMIT,
        inner: httpx.BaseTransport | None = None,
    ) -> None:
        """Take two JWK sets (JSON), the log's verifier key and name, and the transport that does the I/O.

        ``partner`` is who we are, if answers released to others must be refused even on our own key.
        ``keeper`` keeps verified receipts (in memory by default). ``body_limit`` is in bytes.
        """
        holder = recipient(private_jwks, gateway_jwks, log_verifier_key, origin, partner)
        self.receipts: ReceiptKeeper = ReceiptsInMemory() if keeper is None else keeper
        self._steps = _Steps(holder, verify_receipts, data_paths, self.receipts, body_limit)
        self._inner = httpx.HTTPTransport() if inner is None else inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; on a data path, hand back its content opened and proven."""
        steps = self._steps
        if not steps.is_data(request):
            return self._inner.handle_request(request)
        steps.ask_sealed(request)
        response = self._inner.handle_request(request)
        with ExitStack() as stack:
            stack.callback(response.close)
            if not steps.is_content(response):
                stack.pop_all()  # handed on open, as it came
                return response
            answer = steps.open(_read(response, steps.body_limit, AnswerRefused("answer_too_large")))
        receipts = []
        if steps.verify_receipts:
            receipts = [self._fetch(each) for each in steps.receipt_requests(request, response, answer)]
        return steps.plain(response, steps.deliver(answer, receipts))

    def close(self) -> None:
        """Close the transport that does the I/O."""
        self._inner.close()

    def _fetch(self, request: httpx.Request) -> bytes:
        response = self._inner.handle_request(request)
        try:
            self._steps.check_receipt_response(response)
            return _read(response, RECEIPT_LIMIT, ReceiptRefused("receipt_not_proven", "too long"))
        finally:
            response.close()


class AsyncGatewayTransport(httpx.AsyncBaseTransport):
    """The same for ``httpx.AsyncClient``."""

    def __init__(
        self,
        private_jwks: bytes,
        gateway_jwks: bytes,
        log_verifier_key: str,
        origin: str | None = None,
        *,
        partner: str | None = None,
        verify_receipts: bool = True,
        data_paths: Sequence[str] = DATA_PATHS,
        keeper: ReceiptKeeper | None = None,
        body_limit: int = BODY_LIMIT,
        inner: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Take what :class:`GatewayTransport` takes, with an asynchronous ``inner``."""
        holder = recipient(private_jwks, gateway_jwks, log_verifier_key, origin, partner)
        self.receipts: ReceiptKeeper = ReceiptsInMemory() if keeper is None else keeper
        self._steps = _Steps(holder, verify_receipts, data_paths, self.receipts, body_limit)
        self._inner = httpx.AsyncHTTPTransport() if inner is None else inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; on a data path, hand back its content opened and proven."""
        steps = self._steps
        if not steps.is_data(request):
            return await self._inner.handle_async_request(request)
        steps.ask_sealed(request)
        response = await self._inner.handle_async_request(request)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(response.aclose)
            if not steps.is_content(response):
                stack.pop_all()  # handed on open, as it came
                return response
            answer = steps.open(await _aread(response, steps.body_limit, AnswerRefused("answer_too_large")))
        receipts = []
        if steps.verify_receipts:
            receipts = [await self._fetch(each) for each in steps.receipt_requests(request, response, answer)]
        return steps.plain(response, steps.deliver(answer, receipts))

    async def aclose(self) -> None:
        """Close the transport that does the I/O."""
        await self._inner.aclose()

    async def _fetch(self, request: httpx.Request) -> bytes:
        response = await self._inner.handle_async_request(request)
        try:
            self._steps.check_receipt_response(response)
            return await _aread(response, RECEIPT_LIMIT, ReceiptRefused("receipt_not_proven", "too long"))
        finally:
            await response.aclose()


def _read(response: httpx.Response, limit: int, refusal: Exception) -> bytes:
    """The body's bytes as they came, up to ``limit``: of a transport's response only its stream is sure
    to be there.
    """
    if not isinstance(response.stream, httpx.SyncByteStream):
        raise TypeError("the inner transport gave an asynchronous response")
    body = bytearray()
    for piece in response.stream:
        body += piece
        if len(body) > limit:
            raise refusal
    return bytes(body)


async def _aread(response: httpx.Response, limit: int, refusal: Exception) -> bytes:
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise TypeError("the inner transport gave a synchronous response")
    body = bytearray()
    async for piece in response.stream:
        body += piece
        if len(body) > limit:
            raise refusal
    return bytes(body)
