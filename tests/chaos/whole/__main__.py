"""Days of a whole installation with faults, each repeatable by its seed: `make chaos SEED=7`, `make chaos SEEDS=20 SIZE=small`.

    python -m tests.chaos.whole [--seed N | --seeds N] [--size small|full] [--faults N] [--show] [--table]

Each day's record goes to var/chaos/; `--show` only tells the schedule; `--table` writes the tables of all records into
docs/reliability.md. Ends with 1 when something was lost, done twice or left undone, and says what.
"""

import argparse
import sys
import traceback

from tests.chaos.whole.day import SIZES, live
from tests.chaos.whole.report import keep, kept, sentences, write
from tests.chaos.whole.schedule import FAULTS, schedule


def main() -> int:
    """Live the days that are asked for; whether something was wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.whole", description="Days of a whole installation with faults."
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--seed", type=int, default=1, help="of inputs and schedule")
    which.add_argument("--seeds", type=int, help="the seeds 1 to N, one after the other")
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--faults", type=int, default=FAULTS, help="so many a day")
    parser.add_argument("--show", action="store_true", help="tell the schedule and do nothing")
    parser.add_argument("--table", action="store_true", help="write the tables of all records into docs/reliability.md")
    chosen = parser.parse_args()
    seeds = range(1, chosen.seeds + 1) if chosen.seeds else () if chosen.table else (chosen.seed,)
    wrong = False
    for seed in seeds:
        if chosen.show:
            for one in schedule(seed, chosen.faults):
                _say(f"{one.stage} +{one.after} s: {one.fault} {dict(one.how)}")
            continue
        try:
            day = live(seed, chosen.size, chosen.faults)
        except Exception:  # noqa: BLE001 - a day that could not be lived must not keep the others from being
            _say(f"seed {seed}: the day could not be lived\n{traceback.format_exc()}")
            wrong = True
            continue
        keep(day)
        _say(sentences(day))
        wrong = wrong or bool(day.found)
    if chosen.table:
        write(kept())
    return int(wrong)


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
