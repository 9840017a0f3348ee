"""The demo's whole day on the planted installation, its troubles, and the search of all that is left.

    python -m tests.canaries.day DIRECTORY        results as the demo's, and seen.json: which canary was seen where

A process of its own, as the demo is.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from demo import scenario
from demo.story import Story
from tests.canaries import planted, troubles
from tests.canaries.places import Place, afterwards, while_it_runs
from tests.canaries.planting import PlantedInstallation


def live(directory: Path) -> dict[str, Any]:
    """Live the day and search; what was seen where, and how many bytes of each kind of place were searched. Raises RuntimeError when a step
    of the demo did not hold.
    """
    kept: list[Place] = []
    stories: list[Story] = []

    def look(story: Story) -> None:
        stories.append(story)
        kept.extend(while_it_runs(story))

    steps: list[tuple[str, Callable[[Story], None]]] = [*troubles.STEPS, ("What is left", look)]
    vars(scenario)["Installation"] = PlantedInstallation
    scenario.STEPS[:] = [*scenario.STEPS, *steps]
    if scenario.run(directory) or not stories:
        raise RuntimeError("the day could not be lived")
    (story,) = stories
    return searched([*kept, *afterwards(story)], troubles.of(story).learned)


def searched(places: Iterable[Place], learned: dict[str, str]) -> dict[str, Any]:
    """Every canary in every place; equal contents are read once."""
    began, sizes = time.process_time(), Counter[str]()
    contents: dict[bytes, set[str]] = {}
    for place, content in places:
        sizes[place.partition(":")[0]] += len(content)
        contents.setdefault(content, set()).add(place)
    seen = {
        (name, place) for content, where in contents.items() for name in planted.found(content, learned) for place in where
    }  # fmt: skip
    return {"seen": sorted(seen), "sizes": sizes, "seconds": round(time.process_time() - began, 1)}


if __name__ == "__main__":
    results = Path(sys.argv[1])
    (results / "seen.json").write_text(json.dumps(live(results), ensure_ascii=False, indent=1), "utf-8")
