"""Find a record's tear-line version: what its source wrote below the line, to go wider than what stands above.

It is a whole record of its own, in a field that the dataset names, with its own marking and date and with the
identifier of the record it stands in; everything about it is read from itself alone. A record whose bytes have more
than one reading has no version that can be relied on.
"""

from __future__ import annotations

import msgspec

from gateway.content.doubts import Doubt
from gateway.content.reader import reader
from gateway.content.strict import strict_doubts
from gateway.content.view import RecordView
from gateway.policy.shape import RecordShape

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def tear_line_version(view: RecordView, shape: RecordShape) -> RecordView | None:
    """The version that a record holds, with the doubts about it; ``None`` where there is none to speak of."""
    if shape.tear_line is None or strict_doubts(view.raw, shape.marking):
        return None
    held = _MEMBERS.decode(view.raw).get(shape.tear_line)
    if held is None or not bytes(held).startswith(b"{"):
        return None
    version = reader(shape).read(bytes(held))
    if view.identifier is None or version.identifier != view.identifier:
        doubts = tuple(sorted({*version.doubts, Doubt.TEAR_LINE_OTHER_RECORD}))
        return msgspec.structs.replace(version, doubts=doubts)
    return version
