"""The content layer's errors, split by who is at fault.

A record that is bad by itself is no error: it carries doubts (:mod:`gateway.content.doubts`) and is withheld.
Errors are for what cannot be laid on one record: a body that does not divide into records (the source's
fault), an obligation that cannot be carried out as written (the policy's fault), or final bytes that are not
what was decided (the gateway's fault). None of them quotes content.
"""

from __future__ import annotations


class ContentError(Exception):
    """Anything the content layer refuses; nothing leaves."""


class SourceMalformed(ContentError):
    """The source's body as a whole cannot be divided into records.

    ``code`` is stable (``not_an_array``, ``not_an_object``, ``trailing_bytes``, ``truncated``,
    ``bad_structure``, ``byte_order_mark``). ``at`` is the offset in bytes where reading stopped, where it is
    known.
    """

    def __init__(self, code: str, at: int | None = None) -> None:
        self.code = code
        self.at = at
        super().__init__(f"the source's body cannot be divided into records: {code}" + _place("byte", at))


class ObligationRefused(ContentError):
    """An obligation names what may not be cut: the marking itself, an empty path, a step that is not above
    zero.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"obligation on {path!r} cannot be carried out: {reason}; mend the dataset's groups")


class RecordDoubtful(ContentError):
    """A record was about to be cut although its bytes have more than one reading; ``doubts`` are the stable
    codes.
    """

    def __init__(self, doubts: tuple[str, ...]) -> None:
        self.doubts = doubts
        super().__init__(f"a record with doubts cannot be cut, it is withheld: {', '.join(doubts)}")


class CheckRefused(ContentError):
    """The checker read the final bytes and says no; nothing of them leaves.

    ``code`` is stable (:class:`gateway.content.check.Refusal`). ``position`` is the record's place in the
    chunk, counted from 0, or ``None`` when the chunk as a whole is refused. ``path`` says where in the
    record.
    """

    def __init__(self, code: str, position: int | None = None, path: str = "") -> None:
        self.code = code
        self.position = position
        self.path = path
        where = _place("record", position) + (f", field {path}" if path else "")
        super().__init__(f"the final bytes are not what was decided: {code}{where}")


def _place(what: str, number: int | None) -> str:
    return "" if number is None else f" at {what} {number}"
