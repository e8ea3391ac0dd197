"""What commands share that sign orders or need signatures: the officer's key, the list in force, the folder."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.activation import approval
from gateway.activation.approval import Purpose, statement
from gateway.activation.signatures import read_signatures, write_signature
from gateway.audit.reading import LogReader
from gateway.cli.errors import REFUSED, CommandFailed
from gateway.cli.output import Data, Facts
from gateway.cli.session import Session
from gateway.identity.officers import Officers
from gateway.keys.officer import read_officer_key
from gateway.sealing.order_signature import public_of, sign
from gateway.service import now

GOOD_FOR = timedelta(days=7)
"""How long a signature that a command makes is good for."""

OfficerKey = Annotated[Path, typer.Option("--key", help="Your private key (PEM, mode 0600; relgate officers key).")]


def officer_name(officers: Officers, private: Ed25519PrivateKey, key: Path) -> str:
    """The name of the officer in force whose key this is; raises :class:`CommandFailed` when it is nobody's."""
    signer = officers.signer(public_of(private).thumbprint)
    if signer is None:
        hint = "relgate officers list shows who is; relgate officers install puts a new list in force"
        raise CommandFailed(REFUSED, f"{key} is no key of an officer in force", hint)
    return signer[0].name


def signatures_of(here: Session, purpose: Purpose, subject: str) -> tuple[str, ...]:
    """The signatures that lie in the settings' folder under this order."""
    return read_signatures(here.settings.signatures_dir, purpose, subject)


def sign_order(
    here: Session,
    log: LogReader | None,
    purpose: Purpose,
    subject: str,
    key: Path,
    *,
    officers: Officers | None = None,
    by: str = "",
    as_json: bool = False,
) -> None:
    """Sign an order with an officer's key, put the signature where the order is looked for, and say who has signed.

    ``officers`` are whose signatures count, the list in force unless another is given (the first list's own). Without a
    log the officer says ``by`` which name, and nothing is counted.
    """
    private, at, origin = read_officer_key(key), now(), here.settings.log_origin
    counting = officers or (Officers() if log is None else approval.in_force(log))
    name = by if log is None else officer_name(counting, private, key)
    text = sign(statement(purpose, subject, origin), private, at, GOOD_FOR)
    path = write_signature(here.settings.signatures_dir, purpose, subject, name, text)
    given, _ = approval.count(signatures_of(here, purpose, subject), counting, purpose, subject, origin, at)
    names = [each.officer for each in given]
    data: Data = {
        "purpose": purpose.value,
        "subject": subject,
        "officer": name,
        "signature": str(path),
        "signed": list(names),
        "needed": here.settings.needed_signatures,
    }
    shown = [
        ("order", f"{purpose} {subject}"),
        ("signed by", name),
        ("good until", (at + GOOD_FOR).isoformat(timespec="minutes")),
        ("signature", str(path)),
    ]
    if counting.officers:
        shown.append(("so far", f"{len(names)} of {here.settings.needed_signatures} needed: {', '.join(names)}"))
    here.output(as_json).show(data, Facts(shown))
