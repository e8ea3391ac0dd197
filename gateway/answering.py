"""Step 6 of the pipeline: join a chunk's records, and let the checker read the final bytes again.

The checker is told what was *decided* (how many records, whose, under which markings, without which fields), never how
the bytes were made. If it says no, or the roll-up of the chunk's labels would not itself permit this partner, nothing
leaves and the entry says why.
"""

from __future__ import annotations

import json
from functools import lru_cache

from gateway.asking import Operation
from gateway.batch import Batch, Content
from gateway.content.check import Checked, Expected, ExpectedRecord, Form, Listed, Permitted, check
from gateway.content.errors import CheckRefused
from gateway.content.join import join_lines, join_piece
from gateway.judging import permits_roll_up
from gateway.policy.shape import FieldKind, FieldList
from gateway.refusals import Refused
from gateway.reviewing import PENDING
from gateway.transforming import Picked

JSON = "application/json"
LINES = "application/x-ndjson"
TEXT = "text/plain"


def content_of(operation: Operation, batch: Batch) -> Content:
    """Make and check one chunk's content.

    Raises:
        Refused: ``not_found`` for an identifier that gives nothing; ``release_check_failed`` when the checker or the
            roll-up says no.
    """
    if batch.content is not None:
        return batch.content
    if operation is Operation.QUERYHELP:
        return Content(_help(batch), JSON, "")
    if operation is Operation.COUNT:
        return Content(str(batch.counted).encode(), TEXT, "")
    if operation is Operation.IDENTIFIED:
        if not batch.going:
            raise _nothing(batch)
        body = batch.going[0].cut.raw
        return Content(body, JSON, _checked(body, Form.OBJECT, batch))
    records = [picked.cut.raw for picked in batch.going]
    if batch.admitted.lines:
        body = join_lines(records)
        return Content(body, LINES, _checked(body, Form.LINES, batch))
    body = join_piece(records, opens=batch.number == 0, before=batch.before, closes=batch.last)
    return Content(body, JSON, _checked(body, Form.ARRAY, batch))


def _nothing(batch: Batch) -> Refused:
    """Why there is no record of this identifier; only where its grant says so is the partner told that one waits."""
    for picked in batch.withheld:
        review = picked.judged.decision.obligations.review
        if picked.waiting is not None and picked.judged.reasons == (PENDING,) and review is not None and review.tell:
            return Refused("review_pending", "a human release is awaited", handle=picked.waiting.item)
    return Refused("not_found", "no such record, or withheld")


def _checked(body: bytes, form: Form, batch: Batch) -> str:
    """Read the final bytes again; give their roll-up label."""
    admitted = batch.admitted
    columns = admitted.plan.columns
    named = columns is None or admitted.shape.identifier in columns
    expected = Expected(
        form,
        [ExpectedRecord(picked.view.identifier if named else None, _permit(picked)) for picked in batch.going],
        admitted.shape.marking,
        admitted.shape.identifier,
        _listed(admitted.shape.fields, admitted.shape.marking, columns, admitted.dataset.record.watermark),
        opens=batch.number == 0,
        before=batch.before,
        closes=batch.last,
    )
    try:
        found: Checked = check(body, expected)
    except CheckRefused as refused:
        raise Refused("release_check_failed", str(refused)) from refused
    if found.records == 0:
        return ""
    rolled = permits_roll_up(admitted.case, [picked.judged for picked in batch.going])
    if rolled is None:
        raise Refused("release_check_failed", "the roll-up of the answer's labels would not permit this partner")
    return rolled.banner


def _permit(picked: Picked) -> Permitted:
    shown, obligations = picked.judged.evidence, picked.judged.decision.obligations
    texts = [shown.marking, *(marking for _, marking in shown.nested)]
    return Permitted(
        frozenset(text for text in texts if text is not None),
        obligations.drop,
        obligations.round,
        obligations.coarsen,
        obligations.only,
        obligations.watermark,
    )


@lru_cache(maxsize=256)
def _listed(fields: FieldList, marking: str, columns: tuple[str, ...] | None, watermark: str | None = None) -> Listed:
    """What a record of the answer may have: what is listed and, of that, the columns asked for, the marking and a
    watermark.
    """
    asked = None if columns is None else {marking, watermark, *columns}
    kinds = {name: kind for name, kind in fields.kinds if asked is None or name in asked}
    free = frozenset(name for name, kind in kinds.items() if kind is FieldKind.FREE)
    inside = {name: _listed(inner, marking, None) for name, inner in fields.inside if asked is None or name in asked}
    return Listed(frozenset(kinds) - free, free, inside)


def _help(batch: Batch) -> bytes:
    """What may be asked of a dataset, from its policy file alone, in the shape the partners' clients know."""
    dataset, rules = batch.admitted.dataset, batch.admitted.rules
    return json.dumps(
        {
            "aodrSupported": False,
            "classificationMarking": "U",
            "description": dataset.title,
            "historySupported": False,
            "name": dataset.dataset,
            "parameters": [
                {
                    "classificationMarking": "U",
                    "derived": False,
                    "name": name,
                    "required": name in rules.required,
                    "restQuerySupported": True,
                    "restTupleSupported": True,
                }
                for name in sorted(rules.parameters)
                if rules.parameters[name] not in rules.forbidden
            ],
            "requiredRoles": [],
            "restSupported": True,
            "sortSupported": bool(rules.sortable),
            "typeName": dataset.dataset,
            "uri": dataset.path,
        },
        separators=(",", ":"),
    ).encode()
