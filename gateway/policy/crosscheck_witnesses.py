"""Check what a set demands of witnesses: each is one that the set knows and, where that is said, the gateway asks."""

from __future__ import annotations

from collections.abc import Iterator, Set
from difflib import get_close_matches

from gateway.policy.errors import PolicyFinding
from gateway.policy.sources import Sources
from gateway.policy.witnesses import WitnessesTable

Place = tuple[str, list[str | int]]


def witnesses(sources: Sources, asked: Set[str] | None) -> Iterator[PolicyFinding]:
    """Every finding. ``asked`` are the verifier keys of the witnesses that the gateway's settings give an address of;
    ``None`` where nobody knows the settings.
    """
    for (path, field), table in _demands(sources):
        for index, name in enumerate(table.of):
            yield from _witness(sources, path, [*field, "witnesses", "of", index], name, asked)


def _demands(sources: Sources) -> Iterator[tuple[Place, WitnessesTable]]:
    """Every demand, with the table that it stands in."""
    for path, dataset in sources.datasets.items():
        if dataset.witnesses is not None:
            yield (path, []), dataset.witnesses
    for path, partner in sources.partners.items():
        if partner.agreement.witnesses is not None:
            yield (path, ["agreement"]), partner.agreement.witnesses
        for field, rule in partner.releasing():
            if rule.witnesses is not None:
                yield (path, field), rule.witnesses


def _witness(
    sources: Sources, path: str, field: list[str | int], name: str, asked: Set[str] | None
) -> Iterator[PolicyFinding]:
    known = sources.settings.witnesses
    if name not in known:
        close = get_close_matches(name, known, 1)
        hint = f"perhaps {close[0]}; " if close else ""
        hint += "give its verifier key under [witnesses] of policies/policy.toml"
        yield sources.finding(path, field, f"[witnesses] of policy.toml has no witness {name}", hint)
    elif asked is not None and known[name] not in asked:
        message = f"this gateway submits its checkpoints to no witness with the key of {name}: nothing could leave"
        hint = f"set witnesses.{name}.url and witnesses.{name}.key in the gateway's settings, or name another"
        yield sources.finding(path, field, message, hint)
