"""What a record tells a partner under its obligations, in words, and which of two tells less."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from gateway.policy.decision import Obligations, Review, WitnessDemand
from gateway.policy.wording import number, span

EXACT, LEFT_OUT = "exact", "left out"


def touched(*duties: Obligations) -> frozenset[str]:
    """Every field that any of these obligations degrades by name."""
    return frozenset(path for each in duties for path in (*each.drop, *each.round, *each.coarsen))


def degraded(duties: Obligations, path: str) -> str:
    """What becomes of a field, in words."""
    if _gone(duties, path):
        return LEFT_OUT
    step = _step(duties, path)
    if isinstance(step, timedelta):
        return f"moved back to whole {span(step)}"
    return EXACT if step is None else f"rounded to {number(step)}"


def coarser(was: Obligations, now: Obligations, path: str) -> bool:
    """Whether a field tells no more now than it did."""
    if _gone(now, path) or _gone(was, path):
        return _gone(now, path)
    before, after = _step(was, path), _step(now, path)
    if before is None or after is None:
        return before is None
    # A larger step tells less only where it is a multiple: two roundings that do not nest tell more together.
    if isinstance(before, timedelta) and isinstance(after, timedelta):
        return after % before == timedelta(0)
    return isinstance(before, Decimal) and isinstance(after, Decimal) and after % before == 0


def tells_no_more(was: Obligations, now: Obligations) -> bool:
    """Whether a record tells no more now than it did, in any field, and no fewer must have witnessed that it goes."""
    less = fewer(was, now) and all(coarser(was, now, path) for path in touched(was, now))
    return less and demands_no_less(was.witnesses, now.witnesses)


def fewer(was: Obligations, now: Obligations) -> bool:
    """Whether no field may go now that might not before."""
    return was.only is None or (now.only is not None and now.only <= was.only)


def same_form(was: Obligations, now: Obligations) -> bool:
    """Whether a record leaves in the same form and before the same witnesses under both; how long it waited and why is
    not its form.
    """
    return all(
        one == other
        for one, other in (
            (was.drop, now.drop),
            (dict(was.round), dict(now.round)),
            (dict(was.coarsen), dict(now.coarsen)),
            (was.only, now.only),
            (dict(was.watermark), dict(now.watermark)),
            (was.witnesses, now.witnesses),
        )
    )


def named(only: frozenset[str] | None) -> str:
    """The fields that may go, in words."""
    return "every field" if only is None else f"only {', '.join(sorted(only))}"


def marked(duties: Obligations) -> str:
    """The watermark, in words."""
    return "; ".join(f"{field}: {text}" for field, text in sorted(duties.watermark.items())) or "none"


def reviewed(review: Review | None) -> str:
    """The human release that is asked for, in words."""
    if review is None:
        return "none"
    persons = "two officers" if review.persons > 1 else "one officer"
    return f"{persons} within {span(review.within)}, the partner {'told' if review.tell else 'not told'}"


def witnessed(demands: frozenset[WitnessDemand]) -> str:
    """What is demanded of witnesses, in words."""
    said = sorted((each.quorum, ", ".join(sorted(each.of))) for each in demands)
    return " and ".join(f"{quorum} of {names}" for quorum, names in said) or "none"


def demands_no_less(was: frozenset[WitnessDemand], now: frozenset[WitnessDemand]) -> bool:
    """Whether whoever meets what is demanded of witnesses now met what was."""
    return all(any(each.includes(before) for each in now) for before in was)


def _gone(duties: Obligations, path: str) -> bool:
    return path in duties.drop or (duties.only is not None and path.partition(".")[0] not in duties.only)


def _step(duties: Obligations, path: str) -> Decimal | timedelta | None:
    return duties.round.get(path) or duties.coarsen.get(path)
