"""Check what a partner file says of procedures against its own agreement and the datasets it speaks of: tear lines,
watermarks, alerts, volumes, emergencies, redelegation.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from gateway.policy.dataset import DatasetFile
from gateway.policy.errors import PolicyFinding
from gateway.policy.grants import EmergencyTable, GrantTable
from gateway.policy.partner import PartnerFile
from gateway.policy.sources import Sources
from gateway.policy.values import INSTANT, even_span, fits_unit

Found = Iterator[PolicyFinding]
Field = list[str | int]


def step_fits(sources: Sources, path: str, field: Field, unit: str, step: Decimal | timedelta) -> Found:
    """A measurement is rounded to a number, an instant to a span of time that divides days evenly."""
    if not fits_unit(step, unit):
        wanted = 'a span of time such as "1h"' if unit == INSTANT else "a number"
        yield sources.finding(
            path, field, f"a quantity in {unit} is given {wanted}", "docs/policy.md, groups of fields"
        )
    elif isinstance(step, timedelta) and not even_span(step):
        message = "the span does not divide a day evenly, nor is it a number of whole days"
        yield sources.finding(path, field, message, 'for example "10m", "1h" or "1d"')


def special(sources: Sources, path: str, field: Field, dataset: DatasetFile, grant: GrantTable) -> Found:
    """What a grant asks for and the dataset cannot give; and an alert that names half a group."""
    if grant.tear_line and dataset.record.tear_line is None:
        message = f"{dataset.dataset} has no tear-line versions"
        yield sources.finding(path, [*field, "tear_line"], message, "set record.tear_line in the dataset file")
    if grant.watermark is not None and dataset.record.watermark is None:
        message = f"{dataset.dataset} does not say where a watermark is written"
        yield sources.finding(path, [*field, "watermark"], message, "set record.watermark in the dataset file")
    for name in sorted(grant.only or ()):
        if not dataset.fields.holds(name):
            message = f"{dataset.dataset} lists no field {name}"
            yield sources.finding(path, [*field, "fields"], message, "[fields] of the dataset file lists them")
    if grant.only is not None:
        yield from _half_groups(sources, path, [*field, "fields"], dataset, grant.only)


def _half_groups(sources: Sources, path: str, field: Field, dataset: DatasetFile, only: frozenset[str]) -> Found:
    for name, group in dataset.groups.items():
        tops = {member.partition(".")[0] for member in group.fields}
        if tops & only and not tops <= only:
            message = (
                f"half a group: {', '.join(sorted(tops - only)[:3])} states the same fact ({name}) and is not named"
            )
            yield sources.finding(path, field, message, "name every field of the group, or none")


def procedures(sources: Sources, path: str, partner: PartnerFile) -> Found:
    """Volumes of datasets outside the agreement, and emergencies that nobody may open."""
    for index, volume in enumerate(partner.procedures.volume):
        field: Field = ["procedures", "volume", index]
        for name in sorted(set(volume.datasets or ()) - set(partner.agreement.datasets)):
            yield sources.finding(path, [*field, "datasets"], f"the agreement does not cover {name}")
    for index, emergency in enumerate(partner.procedures.emergency):
        yield from _openers(sources, path, ["procedures", "emergency", index, "officers"], partner, emergency)


def _openers(sources: Sources, path: str, field: Field, partner: PartnerFile, emergency: EmergencyTable) -> Found:
    if partner.redelegation is None:
        return
    for officer in sorted(set(emergency.officers) - set(partner.redelegation.officers)):
        message = f"{officer} is not among the officers of [redelegation]"
        yield sources.finding(path, field, message, "redelegate to the officer, or name another")
