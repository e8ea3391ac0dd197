"""Step 5 of the pipeline: leave out what the dataset does not list, carry out the decision's obligations on one record,
and keep what was asked for.

The cutting itself is :mod:`gateway.content.listed` and :mod:`gateway.content.degrade`; the reader that later says yes
or no to the result (:mod:`gateway.answering`) shares no code with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.admission import Admitted
from gateway.content.degrade import CutPlan, Degraded, degrade, plan_cuts
from gateway.content.listed import listing
from gateway.content.project import project
from gateway.content.records import RecordView
from gateway.judging import Judgement
from gateway.policy.decision import Obligations

NOTHING = Degraded(b"")
"""What a withheld record is cut to."""


@dataclass(frozen=True, slots=True)
class Picked:
    """One judged record, and its bytes as they may go (:data:`NOTHING` when it may not)."""

    view: RecordView
    judged: Judgement
    cut: Degraded

    @property
    def permitted(self) -> bool:
        """Whether the record may go."""
        return self.judged.permitted


def transform(view: RecordView, judged: Judgement, admitted: Admitted) -> Degraded:
    """Cut one permitted record to what is listed and as its decision says, then keep the columns asked for."""
    raw, unlisted = listing(admitted.shape.fields).keep(view.raw)
    cut = degrade(raw, _plan(judged.decision.obligations, admitted.shape.marking))
    if unlisted:
        cut = replace(cut, unlisted=unlisted)
    columns = admitted.plan.columns
    return cut if columns is None else replace(cut, raw=project(cut.raw, columns, admitted.shape.marking))


_plans: dict[tuple[int, str], tuple[Obligations, CutPlan]] = {}
_PLANS = 512


def _plan(obligations: Obligations, marking: str) -> CutPlan:
    """The cutting plan of these obligations; decisions share theirs, so the last ones are kept by identity."""
    known = _plans.get((id(obligations), marking))
    if known is not None and known[0] is obligations:
        return known[1]
    if len(_plans) >= _PLANS:
        _plans.clear()
    cutting = plan_cuts(obligations, marking)
    _plans[id(obligations), marking] = (obligations, cutting)
    return cutting
