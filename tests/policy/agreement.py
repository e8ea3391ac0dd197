"""Compare the compiled decision with the oracle on one question, and say where they differ."""

from __future__ import annotations

from gateway.policy.compile import CompiledPolicy
from tests.policy import oracle


def _review(review):
    return None if review is None else (review.persons, review.tell, review.within)


def difference(policy: CompiledPolicy, question) -> str:
    """Empty when both say the same of effect, reasons, grants and obligations."""
    told = policy.decide(*question)
    expected = oracle.ask(policy.policy_set, *question)
    pairs = {
        "effect": (told.permitted, expected.released),
        "reasons": (set(told.reasons), expected.reasons),
        "grants": (told.grants, expected.grants),
        "drop": (told.obligations.drop, expected.drop),
        "round": (dict(told.obligations.round), expected.round),
        "delay": (told.obligations.delay, expected.delay),
        "review": (_review(told.obligations.review), expected.review),
        "coarsen": (dict(told.obligations.coarsen), expected.coarsen),
        "only": (told.obligations.only, expected.only),
        "watermark": (dict(told.obligations.watermark), expected.watermark),
        "witnesses": ({(each.quorum, each.of) for each in told.obligations.witnesses}, expected.witnesses),
        "because": (told.obligations.because, expected.because),
    }
    return "; ".join(f"{what}: {one} but the oracle {two}" for what, (one, two) in pairs.items() if one != two)
