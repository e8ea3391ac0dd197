"""What was observed of whoever caused an entry, as against what they said of themselves.

NIST SP 800-53 AU-3 asks for the source of an event. A name given with ``--by`` is a claim; so is a header. What is kept
here is neither: a :class:`Peer` is where a connection came from as the kernel gives it, an :class:`Account` is under
which account of which machine a command ran. Both stand in private parts alone.

A peer is the nearest one. Behind a proxy it is the proxy: ``X-Forwarded-For`` is written by whoever likes, and this
gateway believes nobody's. The port is kept so that the proxy's own log leads on from there.

An account is as good as its machine: whoever is root there can be anybody. It is observed beside the claim, and proves
no more than that.
"""

from __future__ import annotations

import os
import pwd
import socket
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from gateway.audit.entry import Json

NOBODY_LOGGED_IN = 2**32 - 1
"""What the kernel gives as login uid of a process that no login began (a service, a container)."""

_LOGIN_UID = Path("/proc/self/loginuid")
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection: its address in the form that :func:`written` gives, and its port."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Account:
    """The account of the operating system that a command, or a gateway, runs under: its uid and name (``""`` where the
    machine has no name for it), the machine's host name, and the uid that logged in, which stays the same under
    ``sudo`` and ``su`` (``None`` where the kernel knows of no login).
    """

    uid: int
    user: str
    host: str
    login_uid: int | None = None

    @property
    def name(self) -> str:
        """What to call it: its name, or its uid."""
        return self.user or f"uid {self.uid}"


Observed = Peer | Account | None


def said_of(observed: Observed) -> dict[str, Json]:
    """What a private part says of it; nothing where nothing was observed (a socket without addresses)."""
    if isinstance(observed, Peer):
        return {"peer": {"address": observed.address, "port": observed.port}}
    if observed is None:
        return {}
    login: dict[str, Json] = {} if observed.login_uid is None else {"login_uid": observed.login_uid}
    return {"account": {"uid": observed.uid, "user": observed.user, "host": observed.host, **login}}


def written(address: str) -> str:
    """An address in the one form that is kept and searched for: IPv4 that reached an IPv6 socket as IPv4, IPv6 in the
    form of RFC 5952. Raises ``ValueError`` for what is no address.

    >>> written("::FFFF:192.0.2.7"), written("2001:DB8:0:0::1")
    ('192.0.2.7', '2001:db8::1')
    """
    found = ip_address(address)
    within = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(within or found)


def own_account() -> Account:
    """The account that this process runs under. Never from the environment, which is the caller's to set."""
    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = ""
    return Account(uid, _plain(user), _plain(socket.gethostname()), _login_uid())


def _login_uid() -> int | None:
    try:
        uid = int(_LOGIN_UID.read_text())
    except (OSError, ValueError):
        return None
    return None if uid == NOBODY_LOGGED_IN else uid


def _plain(text: str) -> str:
    """A name as an entry can hold it: printable, and of a length that a name may have."""
    return "".join(char if char.isprintable() else "?" for char in text)[:_LONGEST]
