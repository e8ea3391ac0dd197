"""What the audit layer refuses, by who is at fault.

One family: :class:`AuditError`. :class:`ProofRefused` is for what somebody hands us (a note, a proof, a
receipt, a tile). :class:`DraftRefused` is for a caller of the log who hands in an entry that cannot be one.
:class:`LogUnavailable` is for a store that cannot take or give entries now, and :class:`LogAltered` for a
store whose content contradicts its own signatures: both mean that nothing may leave.
"""

from __future__ import annotations


class AuditError(Exception):
    """Anything the audit layer refuses. ``hint`` says what a person can do about it, and may be empty. ``code`` is a
    stable word for log lines, which hold no messages.
    """

    code = "refused"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ProofRefused(AuditError):
    """A proof, note, checkpoint, receipt or tile that is malformed or does not prove what it is said to
    prove.
    """


def shown(number: int) -> str:
    """A whole number for a message: in digits, or only its size where nobody would read (or can write) them all."""
    return str(number) if number.bit_length() <= 128 else f"of {number.bit_length()} bits"


class DraftRefused(AuditError):
    """An entry that cannot be written as it stands. ``field`` names what is wrong with it."""

    def __init__(self, field: str, message: str, *, hint: str = "") -> None:
        super().__init__(f"{field}: {message}", hint=hint)
        self.field = field


class VolumeRefused(DraftRefused):
    """An entry would take more of a counter than is left of it. ``counter`` names it."""

    def __init__(self, counter: str, used: int, amount: int, most: int) -> None:
        super().__init__("takes", f"{amount} more of {counter}, of which {used} of {most} are used")
        self.counter = counter


class LogUnavailable(AuditError):
    """The log's store could not be read or written: nothing may leave until it can.

    ``failed`` names the step (``"open"``, ``"write"``, ``"read"``), and ``code`` the cause, where it has a name. Where
    the failure came in the commit itself, the entries may or may not be in the log; the next append reads the head
    again before it writes.
    """

    def __init__(self, failed: str, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(f"audit log: {failed} failed: {message}", hint=hint)
        self.failed = failed
        self.message = message
        self.code = code or f"{failed}_failed"


class LogAltered(LogUnavailable):
    """The store's content contradicts the log's signed checkpoints.

    ``where`` locates it (``"entry 17"``) and ``what`` says what is wrong there.
    """

    def __init__(self, where: str, message: str, *, hint: str = "") -> None:
        super().__init__(
            "check",
            f"{where}: {message}",
            hint=hint or "Keep this database as evidence, run `relgate audit verify`, and restore a verified copy.",
            code="altered",
        )
        self.where = where
        self.what = message
