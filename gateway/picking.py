"""Steps 4 and 5 for one record: judge it, and cut it if it may go.

In a bulk answer (:class:`Picker`) most records go as they came, and the checker is about to read every byte of them
strictly. So a record that nothing is cut from is not read strictly here too; only where the checker refuses the chunk
is each of its records read by itself, and those with a doubt are withheld (:meth:`Picker.withhold_doubtful`). A record
that is to be cut is read first, since a cut in one of its readings would leave the other.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.admission import Admitted
from gateway.audit.log import AuditLog
from gateway.batch import Batch, without_bytes
from gateway.content.degrade import Degraded
from gateway.content.doubts import Doubt
from gateway.content.records import RecordView
from gateway.content.strict import strict_doubts
from gateway.content.tearline import tear_line_version
from gateway.judging import Judgement, Sitting, judge_record
from gateway.reviewing import may_wait, released, waiting
from gateway.transforming import NOTHING, Picked, keeps_bytes, transform


def pick_strictly(
    admitted: Admitted, view: RecordView, stops: tuple[str, ...], log: AuditLog, *, twin: bool, tear_line: bool = False
) -> Picked:
    """Judge one record, which is read strictly if it would go, and cut it; or its tear-line version in its place.
    ``twin`` says that its identifier stands for another one too, ``tear_line`` that it is such a version itself.
    """
    case = admitted.case
    approval = released(case, view.raw)
    judged = judge_record(case, view, admitted.shape, stops, twin=twin, tear_line=tear_line, approval=approval)
    if judged.permitted:
        return Picked(view, judged, transform(view, judged, admitted))
    picked = _withheld(admitted, view, judged, log)
    return picked if tear_line else _or_tear_line(picked, admitted, stops, log, twin=twin)


def _withheld(admitted: Admitted, view: RecordView, judged: Judgement, log: AuditLog) -> Picked:
    """A record that may not go, with what officers need to find it by where they could release it."""
    waits = waiting(admitted.case, view.raw, log.keyed) if may_wait(judged) else None
    if waits is not None and view.identifier is not None:
        waits = replace(waits, named=log.conceal(view.identifier[:512]))
    return Picked(view, judged, NOTHING, waiting=waits)


def _or_tear_line(picked: Picked, admitted: Admitted, stops: tuple[str, ...], log: AuditLog, *, twin: bool) -> Picked:
    """A withheld record, or its tear-line version in its place, judged by itself, where there is one and it may go."""
    version = None if admitted.shape.tear_line is None else tear_line_version(picked.view, admitted.shape)
    if version is None:
        return picked
    instead = pick_strictly(admitted, version, stops, log, twin=twin, tear_line=True)
    if instead.permitted:
        return replace(instead, beside=without_bytes(picked))
    return replace(picked, beside=without_bytes(instead))


class Picker:
    """Judges and cuts the records of a bulk answer for one admission. ``log`` keys identifiers."""

    def __init__(self, admitted: Admitted, log: AuditLog) -> None:
        self._admitted = admitted
        self._log = log
        self._sitting = Sitting(admitted.case)

    def pick(self, view: RecordView, *, twin: bool) -> Picked:
        """Judge one record; ``twin`` says that its identifier stands for another one too."""
        admitted = self._admitted
        stops = self._stops(view)
        doubts = (Doubt.IDENTIFIER_DUPLICATE,) if twin else ()
        judged = self._sitting.judge(view, stops, doubts, released(admitted.case, view.raw))
        if not judged.permitted:
            picked = _withheld(admitted, view, judged, self._log)
            return _or_tear_line(picked, admitted, stops, self._log, twin=twin)
        if keeps_bytes(view, judged, admitted):
            return Picked(view, judged, Degraded(view.raw))
        return pick_strictly(admitted, view, stops, self._log, twin=twin)

    def withhold_doubtful(self, batch: Batch) -> bool:
        """Read strictly every record that is to go, and withhold those with a doubt; whether there was any."""
        going: list[Picked] = []
        for picked in batch.going:
            found = strict_doubts(picked.view.raw, self._admitted.shape.marking)
            if not found:
                going.append(picked)
                continue
            judged = self._sitting.judge(picked.view, self._stops(picked.view), found)
            batch.withhold(Picked(picked.view, judged, NOTHING, picked.beside))
        some = len(going) < len(batch.going)
        batch.going = going
        return some

    def _stops(self, view: RecordView) -> tuple[str, ...]:
        standing = self._admitted.case.standing
        record = self._log.keyed(view.identifier) if standing.stops_records and view.identifier else None
        return standing.stopping(self._admitted.partner.code, self._admitted.dataset.dataset, record)
