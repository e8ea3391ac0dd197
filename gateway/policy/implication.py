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
    match mine:
        case OneOf():
            return _one_of(mine, theirs)
        case Within():
            return _within(mine, theirs)
        case Beyond():
            return isinstance(theirs, Beyond) and theirs.members <= mine.members
        case Contains():
            return isinstance(theirs, Beyond) and mine.member not in theirs.members
        case Between():
            return isinstance(theirs, Between) and _inside(mine, theirs)


def _one_of(mine: OneOf, theirs: Predicate) -> bool:
    if isinstance(theirs, OneOf):
        return all(theirs.holds(value) for value in mine.values)
    numbers = all(isinstance(value, int) and not isinstance(value, bool) for value in mine.values)
    return isinstance(theirs, Between) and numbers and all(theirs.holds(value) for value in mine.values)


def _within(mine: Within, theirs: Predicate) -> bool:
    if isinstance(theirs, Within):
        return mine.members <= theirs.members
    if isinstance(theirs, Beyond):
        return not mine.members & theirs.members
    return isinstance(theirs, Contains) and mine.members == {theirs.member}


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
