"""Check what the files say of security policies against the policies themselves (see
:mod:`gateway.policy.crosscheck`).

What is refused: two files of one policy, an agreement's level or a system's clearance that the policy does not know or
finds unsound.
"""

from __future__ import annotations

from gateway.policy.crosscheck_procedures import Found
from gateway.policy.levels import read_levels
from gateway.policy.partner import PartnerFile
from gateway.policy.sources import Sources


def policies(sources: Sources) -> Found:
    """Every policy has a name and an object identifier of its own."""
    taken: dict[str, str] = {}
    for path, policy in sources.policies.items():
        for name in (policy.name, policy.id):
            if name in taken:
                message = f"the policy {name} already stands in {taken[name]}"
                yield sources.finding(path, [], message, "one policy, one file: remove the older one")
            taken.setdefault(name, path)


def partner_under_policies(sources: Sources, path: str, partner: PartnerFile) -> Found:
    """The agreement's table of levels, and every system's clearances."""
    known = sources.by_policy
    hint = f"known: {', '.join(sorted(known)) or 'none; policies/spif/ holds them'}"
    try:
        read_levels(partner.agreement.instrument, partner.level, known.values())
    except ValueError as error:
        yield sources.finding(path, ["level"], str(error), hint)
    for index, system in enumerate(partner.system):
        for place, cleared in enumerate(system.cleared):
            field: list[str | int] = ["system", index, "cleared", place]
            policy = known.get(cleared.profile)
            if policy is None:
                yield sources.finding(path, [*field, "profile"], "no security policy of this name is in the set", hint)
                continue
            for found in policy.validate_clearance(cleared.under(policy)):
                message = f"{policy.name} does not know this clearance, or not any more: {found.message}"
                yield sources.finding(path, field, f"{message} ({found.rule})", "write its names as the policy does")
