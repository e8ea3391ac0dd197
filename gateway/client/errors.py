"""What a partner's program is told when an answer or its receipt cannot be believed: nothing of it is
handed on.
"""

from __future__ import annotations

from typing import Final

from gateway.sealing.errors import CODES as SEALING_CODES

CODES: Final = {
    **SEALING_CODES,
    "answer_not_sealed": "the answer is not sealed, so nothing shows that it came from the gateway unread",
    "answer_too_large": "the answer is larger than this client was set to take",
    "answer_encoded": "the answer has a content encoding that was not asked for",
    "receipt_missing": "the answer names no receipt, or the gateway does not hand it out",
    "receipt_elsewhere": "the receipt's address is not on the gateway that answered",
    "receipt_not_proven": "the receipt does not prove that its entry is in the log",
    "receipt_disagrees": "the receipt proves an entry, but about something else than this answer",
}
"""Every reason code of the client, with what it means."""


class ClientError(Exception):
    """An answer was refused on this side. ``code`` is one of :data:`CODES`; ``detail`` may name a field."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {CODES[code]}" + (f" ({detail})" if detail else ""))
        self.code = code
        self.detail = detail


class AnswerRefused(ClientError):
    """A sealed answer does not open, or is not whole, or is not for us."""


class ReceiptRefused(ClientError):
    """The receipt of an answer is missing, proves nothing, or proves something else."""
