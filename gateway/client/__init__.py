"""What a partner uses: open sealed answers and prove them, by an httpx transport or by function.

from gateway.client import GatewayTransport, open_answer, prove_all, recipient
"""

from gateway.client.answer import Answer, open_answer, prove, prove_all, recipient
from gateway.client.errors import AnswerRefused, ClientError, ReceiptRefused
from gateway.client.reader import AnswerReader, Part, Recipient
from gateway.client.receipts import ReceiptKeeper, ReceiptsInFolder, ReceiptsInMemory
from gateway.client.transport import AsyncGatewayTransport, Delivery, GatewayTransport

__all__ = [
    "Answer",
    "AnswerReader",
    "AnswerRefused",
    "AsyncGatewayTransport",
    "ClientError",
    "Delivery",
    "GatewayTransport",
    "Part",
    "ReceiptKeeper",
    "ReceiptRefused",
    "ReceiptsInFolder",
    "ReceiptsInMemory",
    "Recipient",
    "open_answer",
    "prove",
    "prove_all",
    "recipient",
]
