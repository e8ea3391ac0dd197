"""How a command fails: an exit code that a script can act on, a message, and what to do about it.

0: done, permitted, verified. 1: refused, denied, or a check that failed. 2: used wrongly (arguments,
settings, files that are not there). 3: something the command needs cannot be had now (log, gateway,
source); trying again may help.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

from gateway.activation.approval import NotApproved
from gateway.activation.files import FilesError
from gateway.activation.orders import ActivationRefused
from gateway.audit.errors import AuditError, LogAltered, LogUnavailable
from gateway.audit.folder import FolderRefused
from gateway.audit.search import SearchRefused
from gateway.cli.output import said_plainly
from gateway.client.errors import ClientError
from gateway.identity.caller import IdentityError
from gateway.keys.errors import KeyFileRefused, KeysError
from gateway.policy.errors import PolicyError
from gateway.settings import SettingsError

OK, REFUSED, USAGE, UNAVAILABLE = 0, 1, 2, 3


@dataclass(eq=False)
class CommandFailed(Exception):
    """A command ends here: with which code, why, and how to mend it."""

    code: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return self.message


FAILURES = (
    CommandFailed,
    SettingsError,
    FilesError,
    AuditError,
    KeysError,
    IdentityError,
    PolicyError,
    ActivationRefused,
    ClientError,
    OSError,
)
"""Every family of errors that a command may meet; anything else is a mistake in the program."""


def explain(error: Exception) -> CommandFailed:
    """What an error of ``FAILURES`` means for whoever ran the command."""
    match error:
        case CommandFailed():
            return error
        case FolderRefused() | SearchRefused():
            return CommandFailed(USAGE, str(error), error.hint)
        case SettingsError():
            return CommandFailed(USAGE, str(error))
        case FilesError():
            return CommandFailed(USAGE, f"{error.path}: {error.wrong}", error.hint)
        case LogAltered():
            return CommandFailed(REFUSED, str(error), error.hint)
        case LogUnavailable():
            return CommandFailed(UNAVAILABLE, str(error), error.hint)
        case AuditError():
            return CommandFailed(REFUSED, str(error), error.hint)
        case KeyFileRefused():
            return CommandFailed(REFUSED, f"{error.path}: {error.problem}", error.fix)
        case ActivationRefused():
            return CommandFailed(REFUSED, str(error), "What was in force still is; mend the set and try again.")
        case OSError():  # a file that was named and cannot be read or written
            what = error.strerror or str(error)
            return CommandFailed(USAGE, f"{error.filename}: {what}" if error.filename else what)
        case NotApproved():
            hint = "each officer signs: relgate policy sign, relgate officers sign, relgate stop ... --lift --sign"
            return CommandFailed(REFUSED, str(error), hint)
        case _:
            return CommandFailed(REFUSED, str(error))


def report(failed: CommandFailed, as_json: bool) -> None:
    """Write the failure to standard error: error, then hint; as one JSON document when that was asked for."""
    if as_json:
        said = {"error": failed.message, "hint": failed.hint, "exit": failed.code}
        print(json.dumps(said, ensure_ascii=False), file=sys.stderr)
        return
    lines = failed.message.splitlines() or [""]
    print("\n".join(["error: " + said_plainly(lines[0]), *map(said_plainly, lines[1:])]), file=sys.stderr)
    if failed.hint:
        print(f"  hint: {said_plainly(failed.hint)}", file=sys.stderr)
