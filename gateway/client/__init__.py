"""What a partner uses: open sealed answers and prove them, by an httpx transport or by function.

from gateway.client import GatewayTransport, open_answer, prove_all, recipient
"""

from gateway.client.answer import Answer, Part, Recipient, open_answer, prove, prove_all, recipient
from gateway.client.errors import AnswerRefused, ClientError, ReceiptRefused
from gateway.client.receipts import ReceiptKeeper, ReceiptsInFolder, ReceiptsInMemory
from gateway.client.transport import AsyncGatewayTransport, Delivery, GatewayTransport

__all__ = [
    "Answer",
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
