"""Lint of how a partner is served: what it can ask at all, volumes that bind nobody, keys that are strong enough."""

from __future__ import annotations

from gateway.policy.grants import VolumeTable
from gateway.policy.linting import Linting
from gateway.policy.obligations import compile_duties, may_degrade
from gateway.policy.partner import PartnerFile
from gateway.policy.policyset import Partner
from gateway.policy.values import LEVELS


def examine(linting: Linting, path: str, partner: PartnerFile) -> None:
    """Look at one partner whose agreement has not ended."""
    _parameters(linting, path, partner)
    _volumes(linting, path, partner)
    _post_quantum(linting, path, partner)


def _parameters(linting: Linting, path: str, partner: PartnerFile) -> None:
    """What a partner sees degraded it may not filter on; where it must, it cannot ask at all."""
    holder, datasets = Partner.of(partner, (), linting.sources.policies.values()), linting.sources.by_dataset
    for name in sorted(holder.datasets):
        required = {datasets[name].query.parameters[each]: each for each in datasets[name].query.required}
        for field, rule in partner.releasing():
            if rule.dataset != name:
                continue
            degraded = may_degrade(datasets[name], [compile_duties(rule, holder, datasets)])
            for asked in sorted(required.keys() & degraded):
                message = f"{name} must be asked by {required[asked]}, which this grant degrades: nobody could ask"
                hint = "leave the field exact, or require another parameter in the dataset file"
                linting.report("parameter-degraded", path, [*field, "dataset"], message, hint)


def _volumes(linting: Linting, path: str, partner: PartnerFile) -> None:
    for index, volume in enumerate(partner.procedures.volume):
        for other in partner.procedures.volume:
            if other is not volume and _never_reached(volume, other):
                message = f"{other.id} lets so few go in each of its spans that {volume.most} are never reached"
                hint = "lower it, or leave it out"
                linting.report("volume-idle", path, ["procedures", "volume", index], message, hint)


def _never_reached(volume: VolumeTable, other: VolumeTable) -> bool:
    """Whether the other volume, in shorter spans of at least the same datasets, can never add up to this one."""
    if (volume.records is None) is not (other.records is None) or other.per >= volume.per:
        return False
    if other.datasets is not None and (volume.datasets is None or not set(volume.datasets) <= set(other.datasets)):
        return False
    return other.most * -(-volume.per // other.per) <= volume.most


def _post_quantum(linting: Linting, path: str, partner: PartnerFile) -> None:
    level = partner.channel.post_quantum
    if level is None or not linting.sources.keys:
        return
    keys = linting.sources.keys.get(path.replace("policies/", "keys/").replace(".toml", ".jwks.json"), ())
    reached = any(LEVELS[ceiling] >= LEVELS[level] for ceiling in partner.ceiling.values())
    if reached and not any(key.post_quantum and key.usable(linting.at) for key in keys if key.use == "enc"):
        message = f"from {level} on nothing goes: {partner.partner} has no usable post-quantum key"
        hint = "the partner hands one in, or the level is raised"
        linting.report("no-post-quantum-key", path, ["channel", "post_quantum"], message, hint)
