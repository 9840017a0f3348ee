"""One seed's day with its faults, from the evening before to the verdict."""

import time
from itertools import chain
from pathlib import Path
from typing import Final

from tests.chaos.whole.conductor import Conductor
from tests.chaos.whole.report import FOLDER, Day
from tests.chaos.whole.rig import Rig, StuckError, rig
from tests.chaos.whole.schedule import FAULTS, schedule
from tests.chaos.whole.verdict import Mended, evening, expected, mend, repeats, verdict
from tests.chaos.whole.world import DAYS, FULL, SMALL, Size, make_world

SIZES: Final[dict[str, Size]] = {"small": SMALL, "full": FULL}


def live(seed: int, size: str, count: int = FAULTS, folder: Path = FOLDER) -> Day:
    """Live a day of the seed's world with `count` faults of its schedule. Logs and Runs of a day that went wrong stay in `folder`.

    There are four worlds, one for each kind of day, so that an undisturbed day serves many seeds.
    """
    world = make_world(seed % len(DAYS), SIZES[size])
    undisturbed = expected(world)
    logs = folder / f"{size}-{seed:04d}"
    with rig(world, keep_home=logs) as made:
        conductor = Conductor(made, schedule(seed, count))
        begun, mended = time.monotonic(), Mended()
        try:
            made.live(conductor, lambda _: mend(made, mended))
            seconds = time.monotonic() - begun
            conductor.close()
            evening(made)
        except StuckError as stuck:
            _tell(made, logs)
            return Day(seed, size, time.monotonic() - begun, conductor.injected, [str(stuck), *conductor.under_way])
        made.stop()
        wrong = [f"no stage {one.stage} came: {one.fault}" for one in conductor.left] + verdict(made, undisturbed)
        if wrong:
            _tell(made, logs)
        (orders,) = made.rows("SELECT count(*) AS n FROM purchase_order")
        (works,) = made.rows(
            "SELECT count(*) AS n, sum((SELECT count(*) FROM run WHERE work_id = work.id)) AS runs FROM work"
        )
        odd = [night for night in world.nights if night.weekday() == 6]
        figures = {
            "nights that skip an hour": sum(night.month == 3 for night in odd),
            "nights that repeat an hour": sum(night.month == 10 for night in odd),
            "works": works.n,
            "runs": int(works.runs),
            "orders": orders.n,
            "mails that arrived twice": repeats(made)["mails"],
            "orders posted twice and recognised": repeats(made)["posts"],
            "works tried again by a person": mended.retried,
            "orders sent again by a person": mended.resent,
            "sources read again by a person": mended.read_again,
        }
    return Day(seed, size, seconds, conductor.injected, wrong, figures)


def _tell(made: Rig, logs: Path) -> None:
    """Write down who did what when, for whoever looks for the reason."""
    logs.mkdir(parents=True, exist_ok=True)
    runs = made.rows(
        "SELECT started_at, finished_at, work_id, run.kind, key, attempt, outcome, message, host FROM run JOIN work ON work.id = work_id ORDER BY run.id"
    )
    open_works = made.rows("SELECT * FROM work WHERE done_at IS NULL ORDER BY id")
    lines = (" | ".join(map(str, row)) for row in chain(runs, [("not done:",)], open_works))
    (logs / "runs.txt").write_text("\n".join(lines), "utf-8")
