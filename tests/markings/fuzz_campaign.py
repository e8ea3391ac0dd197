"""Throw mangled markings at the readers for as long as is asked: ``python -m tests.markings.fuzz_campaign``.

What must never happen, each time a label is read from a text that was slipped up in one way (typo, garbled
delimiter, other order, wrong case, other spaces and look-alike letters), from ISM attributes or an XML document slipped
up in the same ways, or from random text:

1. anything but a label or :class:`MarkingError`; a reading that takes a second of processor time; memory that grows
   without end;
2. a label that writes itself otherwise than the text it was read from: nothing may be repaired in silence;
3. a sound label that may go to anyone to whom the original may not.

One slip no reader can see: a typo that turns one code of the tables into another (``AUS``, ``AUT``). Those are
counted apart, and are allowed only where every other part of the marking stayed as it was.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from gateway import markings
from gateway.markings import (
    CategoryType,
    Label,
    MarkingError,
    Profile,
    SecurityCategory,
    SecurityClearance,
    SecurityLabel,
)
from tests.markings.making import AT, KINDS, TYPO, make_label, mangle
from tests.markings.policies import aurora

SLOWEST_SECONDS = 1.0
MOST_GROWTH_KB = 200_000
EVERY = 20_000
AURORA = aurora()
MADE = datetime(2025, 6, 1, tzinfo=UTC)
STRANGER = SecurityClearance("AURORA", ("GUARDED",))
"""Holds the level and no release: nothing that carries a release category is for it."""
_ALPHABET = "USTCNFOREL DIPAYJKGMBWXQVHZ,/-_()0123456789"


class Wrong(AssertionError):
    """A property that did not hold, with the texts that show it."""


def read(text: str, profile: Profile, *, portion: bool) -> Label | None:
    """The label, or nothing where it is refused; anything else is wrong."""
    start = time.process_time()
    try:
        label = (markings.parse_portion if portion else markings.parse_banner)(text, profile)
    except MarkingError as refused:
        if not refused.findings or any(finding.span is None for finding in refused.findings):
            raise Wrong(f"refused without finding or span: {text!r}") from refused
        label = None
    if time.process_time() - start > SLOWEST_SECONDS:
        raise Wrong(f"slow: {text!r}")
    return label


def same_text(text: str, label: Label, *, portion: bool) -> bool:
    """Whether the label writes itself as it was read."""
    if not portion:
        return label.banner() == text.replace("SPECIAL ACCESS REQUIRED-", "SAR-")
    return text in (label.portion(), f"({label.portion()})")


def check_mangled(label: Label, text: str, mangled: str, profile: Profile, *, portion: bool) -> str:
    """What came of a mangled text: refused, harmless, or another code; raises :class:`Wrong`."""
    other = read(mangled, profile, portion=portion)
    if other is None:
        return "refused"
    if not same_text(mangled, other, portion=portion):
        raise Wrong(f"repaired: {mangled!r} reads as {other}")
    return _judged(label, other, f"{text!r} became {mangled!r}")


def _judged(label: Label, other: Label, what: str) -> str:
    """Whether the label that was read may go to anyone to whom the original may not."""
    if any(finding.severity is markings.Severity.ERROR for finding in markings.validate(other, AT)):
        return "unsound"
    wider = markings.releasable_to(other, AT) - markings.releasable_to(label, AT) - {"USA"}
    if not wider:
        return "harmless"
    if _another_code(label, other):
        return "another code"
    raise Wrong(f"wider by {sorted(wider)}: {what}")


def _another_code(label: Label, other: Label) -> bool:
    """Whether one code of a list or one owner, and nothing else, is another; whose words it is in is its owner's."""
    blank = {"rel_to": None, "owners": (), "system": ""}
    if replace(label, **blank) != replace(other, **blank):
        return False
    changed = [
        (set(after) - set(before), set(before) - set(after))
        for before, after in ((label.rel_to or (), other.rel_to or ()), (label.owners, other.owners))
        if before != after
    ]
    return len(changed) == 1 and len(changed[0][0]) == 1 and len(changed[0][1]) <= 1


def check_attributes(label: Label, attributes: dict[str, str], name: str, mangled: str, profile: Profile) -> str:
    """What came of one mangled attribute; raises :class:`Wrong`."""
    try:
        other = markings.from_ism(attributes | {name: mangled}, profile)
    except MarkingError:
        return "refused"
    return _judged(label, other, f"{attributes} with {name}={mangled!r}")


def check_document(chance: random.Random, label: Label, document: bytes, profile: Profile) -> str:
    """What came of a document with one octet other, more or less; raises :class:`Wrong`."""
    place, octet = chance.randrange(len(document)), bytes([chance.randrange(256)])
    mangled = (
        document[:place] + chance.choice((b"", octet, octet + document[place : place + 1])) + document[place + 1 :]
    )
    try:
        other = markings.from_ism_xml(mangled, profile)
    except MarkingError:
        return "refused"
    return _judged(label, other, repr(mangled))


def check_policy_label(chance: random.Random) -> str:
    """What came of a damaged NATO-style label under a made-up policy; anything but a label or a refusal is wrong."""
    label = SecurityLabel("AURORA", "GUARDED", MADE, (SecurityCategory(CategoryType.PERMISSIVE, "Release", ("XAA",)),))
    document = markings.write_label(label)
    place, octet = chance.randrange(len(document)), bytes([chance.randrange(256)])
    mangled = (
        document[:place] + chance.choice((b"", octet, octet + document[place : place + 1])) + document[place + 1 :]
    )
    try:
        other = AURORA.parse_label(mangled)
    except MarkingError:
        return "refused"
    access = AURORA.decide(other, STRANGER, at=AT)
    if access.permitted:
        raise Wrong(f"permitted: {mangled!r}")
    return "harmless"


def random_text(chance: random.Random) -> str:
    """Letters of the alphabet of markings, now and then thousands of them."""
    size = chance.choice((8, 20, 60, 200, 2_048, 4_000))
    pieces = ("//", "/", "S", "TS", "SI-", "SAR-", "REL TO USA, ", "FGI ", "RD-SIGMA ", ", ", "GBR", " ", "-G ABCD")
    text = "".join(chance.choice(pieces) if chance.random() < 0.4 else chance.choice(_ALPHABET) for _ in range(size))
    return text[:size] if chance.random() < 0.5 else f"({text[:size]})"


def one_round(chance: random.Random, profiles: list[Profile], seen: Counter[str]) -> None:
    """One made label and its slips, one random text."""
    profile = chance.choice(profiles)
    label = make_label(chance, profile)
    for portion in (True, False):
        text = label.portion() if portion else label.banner()
        if read(text, profile, portion=portion) != label:
            raise Wrong(f"not read back: {text!r}")
        for kind in KINDS:
            mangled = mangle(chance, text, kind)
            if mangled != text:
                came = check_mangled(label, text, mangled, profile, portion=portion)
                if came == "another code" and kind != TYPO:
                    raise Wrong(f"another code by {kind}: {text!r} became {mangled!r}")
                seen[f"{kind}: {came}"] += 1
    try:
        attributes, document = label.to_ism(), markings.to_ism_xml(label)
    except MarkingError:
        seen["no attributes"] += 1
    else:
        name, kind = chance.choice(sorted(attributes)), chance.choice(KINDS)
        mangled = mangle(chance, attributes[name], kind)
        if mangled != attributes[name]:
            seen[f"attribute {kind}: {check_attributes(label, attributes, name, mangled, profile)}"] += 1
        seen[f"document: {check_document(chance, label, document, profile)}"] += 1
    seen[f"policy label: {check_policy_label(chance)}"] += 1
    text = random_text(chance)
    for portion in (True, False):
        found = read(text, profile, portion=portion)
        if found is not None and not same_text(text, found, portion=portion):
            raise Wrong(f"repaired: {text!r}")
    seen["random text"] += 2


def campaign(seconds: float, seed: int) -> Counter[str]:
    """Rounds until the time is over; what came of them."""
    chance = random.Random(seed)
    profiles = [markings.profile(name) for name in markings.profile_names()]
    seen: Counter[str] = Counter()
    end, first = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        one_round(chance, profiles, seen)
        seen["rounds"] += 1
        if seen["rounds"] % EVERY == 0:
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            first = first or used
            if used - first > MOST_GROWTH_KB:
                raise Wrong(f"memory grew from {first} to {used} KB")
            print(f"{seen['rounds']} rounds, {used} KB", file=sys.stderr, flush=True)
    return seen


def main() -> None:
    """Run, and print what came of every kind of slip."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    for name, count in sorted(campaign(options.seconds, options.seed).items()):
        print(f"{name:24} {count}")


if __name__ == "__main__":
    main()
