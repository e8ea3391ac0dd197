"""The project's own policy set, read from disk, with keys made once a run; and short ways to ask it questions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from joserfc.jwk import OKPKey

from gateway.markings import Label, MarkingError
from gateway.policy import Claims, CompiledPolicy, compile_policy, load
from gateway.policy.decision import Credential, Decision, LabelDoubt

ROOT = Path(__file__).resolve().parents[2]
PARTNERS = ("AUS", "CAN", "DEU", "FRA", "GBR", "JPN", "KOR", "NATO", "NOR", "NZL", "ORBITWATCH")
SYSTEM = {
    "AUS": "aus-space-surveillance",
    "CAN": "can-space-operations",
    "DEU": "deu-ssa-centre",
    "FRA": "fra-space-command",
    "GBR": "gbr-space-command",
    "JPN": "jpn-space-operations",
    "KOR": "kor-space-surveillance",
    "NATO": "nato-space-centre",
    "NOR": "nor-space-operations",
    "NZL": "nzl-space-operations",
    "ORBITWATCH": "orbitwatch-flight-dynamics",
}
NOW = datetime(2026, 6, 18, 12, tzinfo=UTC)
#: Objects of the table: two of Japan, then one of the United Kingdom, of ESA (no nation), of Germany, of nobody known.
JPN_OBJECT, JPN_OTHER, GBR_OBJECT, ESA_OBJECT, DEU_OBJECT, NOBODYS = 24278, 26720, 20776, 25989, 25757, 89003


def read_files() -> dict[str, bytes]:
    """The policy files as the repository holds them, without keys."""
    paths = sorted(path for path in (ROOT / "policies").rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}


@cache
def jwks(partner: str) -> bytes:
    """A public key set for a partner: one to verify tokens with, one to seal to."""
    signing = OKPKey.generate_key("Ed25519", private=False).as_dict() | {"use": "sig", "alg": "EdDSA"}
    sealing = OKPKey.generate_key("X25519", private=False).as_dict() | {"use": "enc"}
    return json.dumps({"keys": [signing, sealing]}).encode()


def revoked_jwks(partner: str) -> bytes:
    """The same partner's keys with the one to seal to revoked."""
    read = json.loads(jwks(partner))
    read["keys"][1]["revoked"] = {"revoked_at": 1_700_000_000}
    return json.dumps(read).encode()


@cache
def whole_files() -> Mapping[str, bytes]:
    """The policy files with fresh keys for every partner."""
    return read_files() | {f"keys/partners/{partner}.jwks.json": jwks(partner) for partner in PARTNERS}


@cache
def policy() -> CompiledPolicy:
    """The worked set, compiled."""
    return compile_policy(load(whole_files()))


def changed(changes: Mapping[str, bytes | None]) -> CompiledPolicy:
    """The worked set with some files replaced, or left out (``None``)."""
    files = dict(whole_files())
    for path, content in changes.items():
        if content is None:
            del files[path]
        else:
            files[path] = content
    return compile_policy(load(files))


def edited(path: str, old: str, new: str) -> bytes:
    """A file of the worked set with one passage replaced; the passage must be there."""
    text = whole_files()[path].decode()
    assert old in text, f"{old!r} is not in {path}"
    return text.replace(old, new).encode()


def read_label(text: str, compiled: CompiledPolicy, dataset: str, day: date) -> Label | LabelDoubt:
    try:
        return compiled.scheme(dataset).read(text, day)
    except MarkingError:
        return LabelDoubt("label_unparsed")


def ask(
    partner: str,
    dataset: str,
    marking: str,
    values: Mapping[str, object],
    *,
    purpose: str,
    at: datetime = NOW,
    day: date | None = None,
    system: str | None = None,
    compiled: CompiledPolicy | None = None,
    stops: tuple[str, ...] = (),
) -> Decision:
    """One decision by the worked set, for a record with this marking and these fields."""
    compiled = compiled or policy()
    key = compiled.recipient(partner, at)
    subject = compiled.subject(partner, system or SYSTEM[partner], Claims(), Credential.BEARER, key)
    day = day or at.date()
    shown = {"createdAt": f"{day.isoformat()}T00:00:00Z", "dataMode": "REAL", **values}
    facts = compiled.facts(dataset, shown, at, stops, compiled.unused(partner, dataset))
    return compiled.decide(subject, dataset, read_label(marking, compiled, dataset, day), facts, purpose, at)
