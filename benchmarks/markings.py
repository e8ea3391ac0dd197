"""How fast markings are read and rolled up on one core, beside a bare ``str.split`` of the same texts.

    python -m benchmarks.markings [--distinct 20000] [--rounds 3] [--json]

*warm*: a small set of portion marks read over and over, as the records of a dataset carry them; the memo answers.
*cold*: as many different portion marks as ``--distinct`` says, each read for the first time. *roll-up*: the labels of
100,000 portions at once, first those of the warm set, then the distinct ones. The figures count only if the same
build reads and refuses a few marks as it should, which is asked first.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import time
from collections.abc import Callable, Sequence

from gateway import markings
from gateway.markings import capco

PROFILE = "icrm-2016"
BATCH = 100_000
COMMON = (
    *("(U)", "(U//FOUO)", "(C//NF)", "(S//NF)", "(S//REL TO USA, FVEY)", "(S//REL TO USA, AUS, CAN, GBR)"),
    *("(TS//SI//NF)", "(TS//SI-G ABCD/TK//OC/NF)", "(S//FGI GBR//REL TO USA, GBR)", "(//NS)", "(S//RD//NF)"),
)
REFUSED = ("(S//nf)", "(S//SI/NF)", "(S//REL TO JPN, USA)", "(S//REL TO USA, XYZ)", "(S//\u039dF)")


def distinct_marks(count: int) -> list[str]:
    """Sound portion marks, all different, of every kind that data carries."""
    chance = random.Random(20260101)
    nations = sorted(code for code in markings.shipped_tables().countries if code != "USA")
    found: dict[str, None] = {}
    while len(found) < count:
        level = chance.choice(("C", "S", "TS"))
        listed = ", ".join(sorted(chance.sample(nations, chance.randint(1, 5))))
        sub = "".join(chance.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(4))
        text = chance.choice(
            (
                f"({level}//REL TO USA, {listed})",
                f"({level}//OC/REL TO USA, {listed})",
                f"({level}//FGI {chance.choice(nations)}//REL TO USA, {listed})",
                f"(TS//SI-G {sub}/TK//OC/NF)",
                f"(//{chance.choice(nations)} S//REL TO USA, {listed})",
                f"(S//SAR-{sub[:2]}-{sub[2:]}//NF)",
            )
        )
        found[text] = None
    return list(found)


def reads_and_refuses() -> bool:
    """Whether this build reads what it should, as written, and refuses the rest."""
    profile = markings.profile(PROFILE)
    for text in COMMON:
        if markings.parse_portion(text, profile).portion() != text:
            return False
    for text in REFUSED:
        try:
            markings.parse_portion(text, profile)
        except markings.MarkingError:
            continue
        return False
    return True


def split(texts: Sequence[str]) -> None:
    """The baseline: cut each text at its double slashes and do nothing with it."""
    for text in texts:
        text.split("//")


def forget() -> None:
    """Empty the memo of portion marks."""
    capco._parse_portion.cache_clear()


def timed(work: Callable[[], object], rounds: int, before: Callable[[], object] = lambda: None) -> float:
    """The shortest of several runs, in seconds of processor time: what else runs on the machine does not count."""
    best = float("inf")
    for _ in range(rounds):
        before()
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def measure(distinct: int, rounds: int) -> dict[str, float]:
    """Reads or labels a second, and each as a share of the bare split in the same run."""
    profile = markings.profile(PROFILE)
    warm = list(COMMON) * (BATCH // len(COMMON) + 1)
    cold = distinct_marks(distinct)

    def read(texts: Sequence[str]) -> list[markings.Label]:
        parse = markings.parse_portion
        return [parse(text, profile) for text in texts]

    labels, others = read(warm), read(cold)
    others = (others * (BATCH // len(others) + 1))[:BATCH]
    found = {
        "split warm": len(warm) / timed(lambda: split(warm), rounds),
        "read warm": len(warm) / timed(lambda: read(warm), rounds),
        "split cold": len(cold) / timed(lambda: split(cold), rounds),
        "read cold": len(cold) / timed(lambda: read(cold), rounds, forget),
        "roll up common": len(labels) / timed(lambda: markings.roll_up(labels, profile), rounds),
        "roll up distinct": len(others) / timed(lambda: markings.roll_up(others, profile), rounds),
    }
    found["warm ratio to split"] = found["read warm"] / found["split warm"]
    found["cold ratio to split"] = found["read cold"] / found["split cold"]
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--distinct", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not reads_and_refuses():
        raise SystemExit("this build reads or refuses wrongly; its figures mean nothing")
    found = measure(options.distinct, options.rounds)
    if options.json:
        print(json.dumps(found))
        return
    print(f"portion marks of {PROFILE}, one core; {platform.machine()}")
    for name, value in found.items():
        print(f"{name:22} {value:12.3f}" if "ratio" in name else f"{name:22} {value:12,.0f} a second")


if __name__ == "__main__":
    main()
