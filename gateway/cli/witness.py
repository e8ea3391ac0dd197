"""``relgate witness``: run a witness over others' logs (C2SP tlog-witness). Needs nothing of a gateway."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from gateway import logs
from gateway.audit.checkpoint import (
    COSIGNATURE,
    ML_DSA_44,
    SigningKey,
    VerifierKey,
    encode_base64,
    parse_verifier_key,
)
from gateway.audit.witness_store import WitnessStore, make_memory
from gateway.cli.errors import UNAVAILABLE, USAGE, CommandFailed
from gateway.cli.output import say
from gateway.http import server
from gateway.http.protocol import HEAD_BYTES, Fault, Limits, protocol_within
from gateway.http.witness import BODY_LIMIT, build_witness
from gateway.keys.atrest import Keeping, read_passphrase
from gateway.keys.witness import WitnessKeys, open_witness, recall
from gateway.service import now
from gateway.settings.model import HttpSettings, LogFormat, LogLevel, is_loopback

EXAMPLES = """Examples:

  relgate witness /var/lib/witness --name witness.example/w1 --log "$LOG_KEY" --port 8090

  relgate witness /var/lib/witness --name witness.example/w1 --show-key

  relgate witness /var/lib/witness --name witness.example/w1 --passphrase-file /etc/witness.pass --show-seen
"""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("witness", epilog=EXAMPLES)(witness)


def witness(
    folder: Annotated[Path, typer.Argument(help="The witness's own folder: its keys and what it has seen.")],
    name: Annotated[str, typer.Option("--name", help="The witness's name, a schema-less URL.")],
    log: Annotated[
        list[str] | None, typer.Option("--log", help="Verifier key of a log to witness; its name is the origin.")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8090,
    behind_tls: Annotated[
        bool, typer.Option("--behind-tls", help="Something in front ends TLS: listen beyond loopback.")
    ] = False,
    ml_dsa: Annotated[bool, typer.Option("--ml-dsa", help="Cosign with ML-DSA-44 too.")] = False,
    may_forget: Annotated[
        bool, typer.Option("--may-forget", help="Start although what was seen is lost. A fork may pass.")
    ] = False,
    passphrase_file: Annotated[
        Path | None,
        typer.Option("--passphrase-file", help="File (or /dev/fd/N) with the passphrase that its keys are under."),
    ] = None,
    show_key: Annotated[bool, typer.Option("--show-key", help="Print the verifier keys and end.")] = False,
    show_seen: Annotated[
        bool, typer.Option("--show-seen", help="Print the heads seen and the evidence kept, and end.")
    ] = False,
) -> None:
    """Cosign checkpoints of logs that only grow, until Ctrl-C. What was seen is on disk before it is answered; a fork
    or a rewind is refused and logged as an error.
    """
    if not is_loopback(host) and not behind_tls:
        hint = "end TLS in front, and say --behind-tls"
        raise CommandFailed(USAGE, f"refusing to listen on {host} without TLS", hint)
    kept = Keeping(None if passphrase_file is None else read_passphrase(passphrase_file), plain=not behind_tls)
    keys = open_witness(folder, kept, make_memory, ml_dsa=ml_dsa)
    signing = _signing(name, keys)
    if show_key:
        _warn_of_clear(passphrase_file)
        for key in signing:
            print(key.verifier)
        return
    recall(keys, make_memory, may_forget=may_forget)
    if show_seen:
        _show_seen(WitnessStore(keys.memory, signing, {}))
        return
    logs_known = _by_origin(log or [], signing)
    store = WitnessStore(keys.memory, signing, logs_known)
    listener = _listen(name, signing, len(log or ()), host, port)
    _warn_of_clear(passphrase_file)
    _serve(store, listener)


def _warn_of_clear(passphrase_file: Path | None) -> None:
    if passphrase_file is None:
        say("warning: the witness's keys are not encrypted; name a --passphrase-file for anything but a trial")


def _show_seen(store: WitnessStore) -> None:
    """What the witness remembers: for each log the size and root of the largest head; then the evidence against any."""
    for origin, head in sorted(store.seen().items()):
        print(f"{origin} {head.size} {encode_base64(head.root)}")
    for each in store.evidence():
        print(f"\nagainst the head of {each.seen} entries, submitted {each.at}:\n{each.note}", end="")
    store.close()


def _signing(name: str, keys: WitnessKeys) -> tuple[SigningKey, ...]:
    """The witness's keys under its name."""
    plain = SigningKey(name, keys.ed25519, COSIGNATURE)
    return (plain,) if keys.ml_dsa is None else (plain, SigningKey(name, keys.ml_dsa, ML_DSA_44))


def _listen(name: str, signing: tuple[SigningKey, ...], count: int, host: str, port: int) -> socket.socket:
    """Take the address, and say what the logs' operators need to know."""
    try:
        listener = server.bind(host, port)
    except server.AddressBusy as busy:
        raise CommandFailed(UNAVAILABLE, str(busy), "choose another port: --port 8091") from None
    address = "{}:{}".format(*listener.getsockname()[:2])
    say(f"{name} witnesses {count} log key(s) on http://{address}; Ctrl-C stops")
    for key in signing:
        say(str(key.verifier))
    return listener


def _serve(store: WitnessStore, listener: socket.socket) -> None:
    """Answer until Ctrl-C, by the same strict reader of HTTP as the gateway and within the same times."""
    http = HttpSettings()
    limits = Limits(http.header_seconds, http.body_seconds, http.stall_seconds, http.max_connections, _tell, BODY_LIMIT)
    config = uvicorn.Config(
        build_witness(store, now),
        log_config=None,
        access_log=False,
        server_header=False,
        http=protocol_within(limits),
        h11_max_incomplete_event_size=HEAD_BYTES,
        ws="none",
        lifespan="off",
        proxy_headers=False,
    )
    logs.configure(LogLevel.INFO, LogFormat.AUTO)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
    finally:
        store.close()


def _tell(fault: Fault, _address: str) -> None:
    logs.get_logger(__name__).warning("stranger", code=fault.value)


def _by_origin(texts: list[str], signing: tuple[SigningKey, ...]) -> dict[str, tuple[VerifierKey, ...]]:
    """The logs' keys by origin: keys that sign checkpoints, and none that is a witness's."""
    if not texts:
        raise CommandFailed(USAGE, "no log to witness", "name one with --log NAME+ID+BASE64")
    own = {key.verifier.public for key in signing}
    logs_known: dict[str, tuple[VerifierKey, ...]] = {}
    for text in texts:
        key = parse_verifier_key(text)
        if key.kind == COSIGNATURE or key.public in own:
            hint = "give the log's own, which its operator prints with relgate keys list"
            raise CommandFailed(USAGE, f"{key.name}: this is a witness's key, and no log's", hint)
        logs_known[key.name] = (*logs_known.get(key.name, ()), key)
    return logs_known
