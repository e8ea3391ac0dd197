"""At which level a record is judged: its label's, what an agreement makes of a foreign one, and what compilations add.

A compilation raises, never lowers. What goes counts: fields that the obligations leave out form no compilation, while
fields that nobody looked for do, and so does a number of records that is not known.
"""

from __future__ import annotations

from gateway.policy.books import Book
from gateway.policy.dataset import CompilationTable
from gateway.policy.decision import Facts, Obligations
from gateway.policy.levels import counted_level
from gateway.policy.schemes import Marked
from gateway.policy.values import LEVELS


def judged_level(book: Book, label: Marked, facts: Facts, duties: Obligations) -> tuple[int, bool]:
    """The level that ceilings and clearances are held to, as :data:`LEVELS` counts, and whether the agreement says
    what the label's own level counts as. Where it does not, the label's own stands in.
    """
    level, mapped = counted_level(book.partner.levels, label)
    raised = (LEVELS[rule.level] for rule in compilations(book, facts, duties))
    return max([level, *raised]), mapped


def compilations(book: Book, facts: Facts, duties: Obligations) -> tuple[CompilationTable, ...]:
    """The compilations of the dataset that this record would complete."""
    return tuple(rule for rule in book.dataset.compilation if _completes(rule, facts, duties))


def _completes(rule: CompilationTable, facts: Facts, duties: Obligations) -> bool:
    if rule.fields is None:
        return passed(rule, facts)
    return all((facts.present is None or name in facts.present) and not duties.leaves_out(name) for name in rule.fields)


def passed(rule: CompilationTable, facts: Facts) -> bool:
    """Whether one record more is more than a compilation lets go at the label's own level."""
    used = facts.usage.get(rule.id)
    return rule.more_than is not None and (used is None or used >= rule.more_than)
