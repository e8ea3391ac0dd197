"""Policy: an officer's files on one side, a decision on the other. Pure: no file is opened, no clock is read.

    files = {"policies/policy.toml": b"...", ...}          # whoever reads them from disk stands above
    policy = compile_policy(load(files))                   # whole, or PolicyError with every finding
    decision = policy.decide(subject, "elset", label, facts, "collision-avoidance", at)

Read :mod:`gateway.policy.decision` for the words, :mod:`gateway.policy.decide` for the nine gates,
:mod:`gateway.policy.obligations` for what a release obliges to, and ``docs/policy.md`` for how a file is
written.
"""

from gateway.policy.admission import Claims, Purpose
from gateway.policy.compile import CompiledPolicy, compile_policy
from gateway.policy.errors import CallerRefused, PolicyError, PolicyFinding
from gateway.policy.load import load
from gateway.policy.partnerkeys import PartnerKey
from gateway.policy.policyset import Partner, PolicySet
from gateway.policy.reasons import MEANING, Reason

__all__ = [
    "MEANING",
    "CallerRefused",
    "Claims",
    "CompiledPolicy",
    "Partner",
    "PartnerKey",
    "PolicyError",
    "PolicyFinding",
    "PolicySet",
    "Purpose",
    "Reason",
    "compile_policy",
    "load",
]
