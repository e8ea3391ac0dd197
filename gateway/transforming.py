"""Step 5 of the pipeline: leave out what the dataset does not list, carry out the decision's obligations on one record,
and keep what was asked for.

The cutting itself is :mod:`gateway.content.listed` and :mod:`gateway.content.degrade`; the reader that later says yes
or no to the result (:mod:`gateway.answering`) shares no code with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.admission import Admitted
from gateway.content.degrade import CutPlan, Degraded, degrade, plan_cuts
from gateway.content.join import on_one_line
from gateway.content.listed import listing
from gateway.content.project import project
from gateway.content.records import RecordView
from gateway.judging import Judgement
from gateway.policy.decision import Obligations
from gateway.reviewing import Waiting

NOTHING = Degraded(b"")
"""What a withheld record is cut to."""


@dataclass(frozen=True, slots=True)
class Picked:
    """One judged record, and its bytes as they may go (:data:`NOTHING` when it may not).

    ``beside`` is what was judged with it and stays behind: the whole record where its tear-line version goes, the
    version where neither does. ``waiting`` says that officers could release it, and by what name.
    """

    view: RecordView
    judged: Judgement
    cut: Degraded
    beside: Picked | None = None
    waiting: Waiting | None = None

    @property
    def permitted(self) -> bool:
        """Whether the record may go."""
        return self.judged.permitted


def transform(view: RecordView, judged: Judgement, admitted: Admitted) -> Degraded:
    """Cut one permitted record to what is listed and as its decision says, then keep the columns asked for."""
    obligations = judged.decision.obligations
    raw, unlisted = listing(admitted.shape.fields).keep(view.raw)
    cut = degrade(raw, _plan(obligations, admitted.shape.marking, admitted.shape.identifier))
    if unlisted:
        cut = replace(cut, unlisted=unlisted)
    columns = admitted.plan.columns
    kept = cut.raw
    if columns is not None:
        kept = project(kept, columns, admitted.shape.marking, obligations.watermark)
    if admitted.lines and _has_line_breaks(kept):
        kept = on_one_line(kept)
    return cut if kept is cut.raw else replace(cut, raw=kept)


def keeps_bytes(view: RecordView, judged: Judgement, admitted: Admitted) -> bool:
    """Whether :func:`transform` leaves a permitted record's bytes as they came, so that it need not read them first."""
    shape = admitted.shape
    if admitted.plan.columns is not None:
        return False
    if not _plan(judged.decision.obligations, shape.marking, shape.identifier).is_empty:
        return False
    if admitted.lines and _has_line_breaks(view.raw):
        return False
    return listing(shape.fields).holds(view.raw)


def _has_line_breaks(raw: bytes) -> bool:
    return b"\n" in raw or b"\r" in raw


_plans: dict[tuple[int, str, str], tuple[Obligations, CutPlan]] = {}
_PLANS = 512


def _plan(obligations: Obligations, marking: str, identifier: str) -> CutPlan:
    """The cutting plan of these obligations; decisions share theirs, so the last ones are kept by identity."""
    known = _plans.get((id(obligations), marking, identifier))
    if known is not None and known[0] is obligations:
        return known[1]
    if len(_plans) >= _PLANS:
        _plans.clear()
    cutting = plan_cuts(obligations, marking, identifier)
    _plans[id(obligations), marking, identifier] = (obligations, cutting)
    return cutting
