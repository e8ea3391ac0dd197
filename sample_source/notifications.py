"""Notices: short messages about the same objects, as text or as JSON. What they say is invented."""

from __future__ import annotations

from datetime import timedelta

from sample_source.catalogue import DATA_EPOCH, Satellite
from sample_source.drafts import Draft, milliseconds
from sample_source.records import Json

#: Each message type with what its notices say of an object.
MESSAGES = {
    "COLLISION_WARNING": "Close approach of {name} ({number}) expected within three days",
    "MANOEUVRE_NOTICE": "{name} ({number}) will change its orbit",
    "LAUNCH_NOTICE": "Object {number} catalogued as {name}",
    "REENTRY_NOTICE": "{name} ({number}) is being followed for re-entry",
    "SENSOR_STATUS": "Tracking of {name} ({number}) resumed",
}


def make_notification(draft: Draft, satellite: Satellite, generation: int) -> dict[str, Json]:
    """One notice; a third of the bodies are JSON objects inline, as the library allows."""
    kind = draft.rng.choice(tuple(MESSAGES))
    text = MESSAGES[kind].format(name=satellite.name, number=satellite.number)
    recent = DATA_EPOCH - timedelta(hours=6.0 * generation + draft.rng.uniform(0.1, 240.0))
    created = draft.older(1957) or recent
    inline = draft.rng.random() < 1 / 3
    body: Json = {"satNo": satellite.number, "text": text, "at": milliseconds(created)} if inline else text
    marking = draft.marking(satellite)
    return draft.common(marking, created) | {
        "msgType": kind,
        "msgBody": body,
        "tags": ["sample", kind.lower()],
    }
