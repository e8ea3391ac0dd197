"""When does one condition imply another, and when can none ever hold? Sound, not complete.

``implies`` and ``impossible`` say yes only where the tests themselves prove it, whatever a record may hold; where they
say no, nothing is proved. So what lint builds on them is never a guess.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.policy.conditions import Between, Beyond, Condition, Contains, OneOf, Predicate, Within


def implies(narrow: Condition, wide: Condition) -> bool:
    """Whether every record that ``narrow`` surely speaks of is one that ``wide`` surely speaks of."""
    if wide.everything:
        return True
    if narrow.everything or not wide.tests:
        return False
    return all(
        any(name == also and _implies(mine, theirs) for name, mine in narrow.tests) for also, theirs in wide.tests
    )


def _implies(mine: Predicate, theirs: Predicate) -> bool:
    if mine == theirs:
        return True
    if isinstance(mine, OneOf) and isinstance(theirs, OneOf):
        return all(theirs.holds(value) for value in mine.values)
    if isinstance(mine, OneOf) and isinstance(theirs, Between):
        return all(isinstance(v, int) and not isinstance(v, bool) and theirs.holds(v) for v in mine.values)
    if isinstance(mine, Within) and isinstance(theirs, Within):
        return mine.members <= theirs.members
    if isinstance(mine, Within) and isinstance(theirs, Beyond):
        return not mine.members & theirs.members
    if isinstance(mine, Within) and isinstance(theirs, Contains):
        return mine.members == {theirs.member}
    if isinstance(mine, Beyond) and isinstance(theirs, Beyond):
        return theirs.members <= mine.members
    if isinstance(mine, Contains) and isinstance(theirs, Beyond):
        return mine.member not in theirs.members
    return isinstance(mine, Between) and isinstance(theirs, Between) and _inside(mine, theirs)


def _inside(mine: Between, theirs: Between) -> bool:
    low = theirs.at_least is None or (mine.at_least is not None and mine.at_least >= theirs.at_least)
    high = theirs.below is None or (mine.below is not None and mine.below <= theirs.below)
    return low and high


def impossible(where: Condition) -> str | None:
    """Why no record can ever satisfy the condition, or ``None`` where that is not proved."""
    for name, predicate in where.tests:
        others = [also for fact, also in where.tests if fact == name and also is not predicate]
        why = _alone(predicate) or _together(predicate, others)
        if why is not None:
            return f"{name}: {why}"
    return None


def _alone(predicate: Predicate) -> str | None:
    if isinstance(predicate, Between) and predicate.at_least is not None and predicate.below is not None:
        return "at_least is not below below" if predicate.at_least >= predicate.below else None
    return None


def _together(predicate: Predicate, others: Sequence[Predicate]) -> str | None:
    for also in others:
        if isinstance(predicate, Within) and isinstance(also, Beyond) and predicate.members <= also.members:
            return "nothing is within and beyond the same names"
        if isinstance(predicate, Contains) and isinstance(also, Within) and predicate.member not in also.members:
            return f"{predicate.member} cannot be contained where only others may be"
    return None
