"""An entry as an OCSF event: API Activity, class 6003 of category 6 (Application Activity), schema version 1.3.0.

A test holds the event of every kind of entry against the published schema. Texts are cut where its ``string_t`` ends;
whole they stand in ``unmapped``, beside what the class has no attribute for. Pure.
"""

from __future__ import annotations

import json
import re

from gateway import __version__
from gateway.audit.export_fields import Said

VERSION = "1.3.0"
LONGEST = 65_535
"""Most characters of a ``string_t``."""


def as_ocsf(said: Said) -> str:
    """API Activity (6003): read for what hands something out, other for everything else."""
    activity, name, kind = _READ if said.fields["event"] in _READS else (_OTHER, said.text("event"), "Other")
    event = {
        "activity_id": activity,
        "activity_name": name,
        "category_uid": 6,
        "category_name": "Application Activity",
        "class_uid": 6003,
        "class_name": "API Activity",
        "type_uid": 600300 + activity,
        "type_name": f"API Activity: {kind}",
        "severity_id": 2 if said.denied else 1,
        "severity": "Low" if said.denied else "Informational",
        "status_id": 2 if said.denied else 1,
        "status": "Failure" if said.denied else "Success",
        **({"status_detail": said.short("why", LONGEST)} if said.fields["why"] else {}),
        "status_code": said.short("outcome", LONGEST),
        "time": said.milliseconds,
        "metadata": {
            "version": VERSION,
            "uid": f"{said.text('origin')}#{said.text('index')}",
            "log_name": said.text("origin"),
            **({"log_provider": said.short("instance", LONGEST)} if said.fields["instance"] else {}),
            "sequence": said.fields["index"],
            "product": {
                "name": "Releasability Gateway",
                "vendor_name": "Releasability Gateway",
                "version": __version__,
            },
        },
        "actor": _actor(said),
        "api": {
            "operation": said.short("operation", LONGEST) or said.text("event"),
            **({"request": {"uid": said.short("request", LONGEST)}} if said.fields["request"] else {}),
            "service": {"name": "releasability-gateway"},
        },
        "src_endpoint": _source(said),
        "resources": [
            {"name": said.short(name, LONGEST), "type": name} for name in ("dataset", "subject") if said.fields[name]
        ],
        "unmapped": {name: value for name, value in said.fields.items() if value != ""},
    }
    return json.dumps(event, separators=(",", ":"))


_READ = (2, "Read", "Read")
_OTHER = 99
_READS = ("release", "audit-read", "evaluated")
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]+(?<!-)(\.(?!-)[A-Za-z0-9-]+(?<!-))*")
_LINUX = 9
"""An account's ``type_id``."""


def _source(said: Said) -> dict[str, object]:
    """Where it came from: a connection's address and port, a command's machine; else the gateway itself."""
    if said.fields["address"]:
        place = "name" if "%" in said.text("address") else "ip"  # an address with a zone is none to OCSF
        return {place: said.fields["address"], "port": said.fields["port"]}
    if said.fields["host"]:
        return {"hostname" if _HOST_NAME.fullmatch(said.text("host")) else "name": said.short("host", LONGEST)}
    return {"svc_name": "releasability-gateway"}


def _actor(said: Said) -> dict[str, object]:
    """Its name, its partner's where it is a partner's system, and the account that a command ran under; the gateway
    itself has none of these.
    """
    name, partner = said.who[:LONGEST], said.short("partner", LONGEST)
    user: dict[str, object] = {"name": name} if name else {}
    if partner and not said.fields["officer"]:
        user["org"] = {"name": partner}
    if said.fields["uid"] != "":
        account = {"uid": said.text("uid"), "type_id": _LINUX, "type": "Linux Account"}
        user["account"] = account | ({"name": said.short("account", LONGEST)} if said.fields["account"] else {})
    known = user.keys() & {"name", "account"}
    return {"app_name": "relgate", **({"user": user} if known else {})}
