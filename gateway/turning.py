"""What an activation turns, in a few numbers, for its entry: the grid put to the set in force and to the new one.

The whole answer is ``relgate policy impact``, which replays the log too. This is what an auditor sees of it afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.audit.entry import Json
from gateway.impact import Comparison
from gateway.policy.compile import compile_policy
from gateway.policy.grid import grid
from gateway.policy.impact import Impact
from gateway.policy.policyset import PolicySet
from gateway.policy.trial import with_assumed_keys

MOST_CELLS = 20_000
"""Most questions that are put to the two sets; of more, every so manieth is."""

EXAMPLES = 12


def turning(old: PolicySet, new: PolicySet, at: datetime) -> Mapping[str, Json]:
    """How many answers turn, by partner and way, with some examples in words."""
    cells = grid(old, new, at).cells
    step = -(-len(cells) // MOST_CELLS) or 1
    found = Impact()
    was, now = (compile_policy(with_assumed_keys(each)) for each in (old, new))
    comparison = Comparison(was, now, found)
    for cell in cells[::step]:
        comparison.ask_cell(cell)
    groups = sorted(found.groups)
    examples = [f"{group.partner} {group.flip}: {text}" for group in groups for text in found.groups[group].examples]
    return {
        "asked": sum(found.asked.values()),
        "partners": {
            code: {flip.value: count for flip, count in counts.items() if count}
            for code, counts in found.by_partner().items()
        },
        "examples": [example[:500] for example in examples[:EXAMPLES]],
    }
