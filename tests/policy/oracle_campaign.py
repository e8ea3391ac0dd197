"""Compare decision and oracle at length, with progress: ``python -m tests.policy.oracle_campaign --cases 100000``."""

from __future__ import annotations

import argparse
import sys
import time

from tests.policy.agreement import difference
from tests.policy.worlds import world

A_WORLD = 25


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1_000_000, help="the first world's seed")
    chosen = parser.parse_args()
    begun, done, released, wrong = time.monotonic(), 0, 0, 0
    while done < chosen.cases:
        seed = chosen.seed + done
        drawn = world(seed)
        for number in range(min(A_WORLD, chosen.cases - done)):
            question = drawn.question()
            released += drawn.policy.decide(*question).permitted
            found = difference(drawn.policy, question)
            if found:
                wrong += 1
                print(f"\nworld {seed}, question {number}: {found}\n  {question}")
        done += A_WORLD
        if done % 1000 == 0 or done >= chosen.cases:
            seconds = time.monotonic() - begun
            text = f"{min(done, chosen.cases):>9,} cases, {released:,} released, {wrong} differ, {seconds:.0f} s"
            print(text, end="\r" if sys.stdout.isatty() else "\n", flush=True)
    print()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
