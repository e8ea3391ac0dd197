"""What changed in meaning in how a partner is served: volumes, emergencies, alerts, levels, post-quantum keys, and
compilations of a dataset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.policy.changes import NARROWER, OTHER, WIDER, Change, names, turned
from gateway.policy.dataset import CompilationTable
from gateway.policy.grants import AlertTable, EmergencyTable, GrantTable, RedelegationTable, VolumeTable
from gateway.policy.policyset import Partner
from gateway.policy.values import LEVELS
from gateway.policy.wording import span


def partner(file: str, was: Partner, now: Partner) -> Iterator[Change]:
    """Changes of one partner's procedures."""
    before, after = was.channel.post_quantum, now.channel.post_quantum
    if before != after:
        wider = after is None or (before is not None and LEVELS[after] > LEVELS[before])
        yield Change(
            file, "channel.post_quantum", turned(before or "never", after or "never"), WIDER if wider else NARROWER
        )
    rows = {str(row) for row in was.levels.rows}, {str(row) for row in now.levels.rows}
    yield from names(file, "level", rows[0], rows[1], WIDER, NARROWER)
    yield from _volumes(file, was.volumes, now.volumes)
    yield from _redelegation(file, was, now)


def _volumes(file: str, was: Iterable[VolumeTable], now: Iterable[VolumeTable]) -> Iterator[Change]:
    before, after = {each.id: each for each in was}, {each.id: each for each in now}
    yield from names(file, "volume", before, after, NARROWER, WIDER)
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        if old != new:
            alike = old.model_copy(update={"records": new.records, "requests": new.requests}) == new
            same_unit = (old.records is None) is (new.records is None)
            towards = (WIDER if new.most > old.most else NARROWER) if alike and same_unit else OTHER
            yield Change(file, f"volume {name}", turned(_said(old), _said(new)), towards)


def _said(volume: VolumeTable) -> str:
    what = "records" if volume.records is not None else "requests"
    return f"{volume.most} {what} in {span(volume.per)} of {', '.join(volume.datasets or ('everything',))}"


def _redelegation(file: str, was: Partner, now: Partner) -> Iterator[Change]:
    before, after = was.redelegation, now.redelegation
    if before is not None and after is not None:
        yield from names(file, "redelegation", before.officers, after.officers, WIDER, NARROWER)
    elif before is not None or after is not None:
        said = turned(_officers(before), _officers(after))
        yield Change(file, "redelegation", said, WIDER if after is None else NARROWER)


def _officers(redelegation: RedelegationTable | None) -> str:
    return "whoever is configured" if redelegation is None else ", ".join(redelegation.officers) or "nobody"


def rule(file: str, was: GrantTable, now: GrantTable) -> Iterator[Change]:
    """Changes of a rule that lets records go, beside its condition, dates and obligations."""
    what = f"grant {now.id}"
    if type(was) is not type(now):
        yield Change(file, what, turned(_kind(was), _kind(now)), OTHER)
        return
    if was.tear_line != now.tear_line:
        versions = ("the record", "its tear-line version in its place")
        yield Change(file, what, turned(versions[was.tear_line], versions[now.tear_line]), OTHER)
    if was.review is not None and now.review is not None and was.review.level != now.review.level:
        lower = LEVELS[now.review.level] < LEVELS[was.review.level]
        said = turned(was.review.level, now.review.level)
        yield Change(file, what, f"reviewed from: {said}", NARROWER if lower else WIDER)
    if isinstance(was, EmergencyTable) and isinstance(now, EmergencyTable):
        if was.for_ != now.for_:
            towards = WIDER if now.for_ > was.for_ else NARROWER
            yield Change(file, what, f"open for: {turned(span(was.for_), span(now.for_))}", towards)
        yield from names(file, f"{what} officers", was.officers, now.officers, WIDER, NARROWER)
    if isinstance(was, AlertTable) and isinstance(now, AlertTable) and was.reviewer != now.reviewer:
        yield Change(file, what, f"reviewed afterwards by: {turned(was.reviewer, now.reviewer)}", OTHER)


def _kind(table: GrantTable) -> str:
    if isinstance(table, EmergencyTable):
        return "an emergency"
    return "an alert" if isinstance(table, AlertTable) else "a grant"


def compilations(file: str, was: Iterable[CompilationTable], now: Iterable[CompilationTable]) -> Iterator[Change]:
    """Changes of what is more together than each alone."""
    before, after = {each.id: each for each in was}, {each.id: each for each in now}
    yield from names(file, "compilation", before, after, NARROWER, WIDER)
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        if old.model_copy(update={"because": new.because}) == new:
            continue
        alike = old.model_copy(update={"because": new.because, "level": new.level}) == new
        higher = LEVELS[new.level] > LEVELS[old.level]
        towards = (NARROWER if higher else WIDER) if alike else OTHER
        yield Change(file, f"compilation {name}", "what it is made of, or its level, changes", towards)
