"""The demo's whole day on the planted installation, its troubles, and the search of all that is left.

    python -m tests.canaries.day [DIRECTORY]        `avain demo`, planted; results as the demo's (default: var/canaries), and seen.json

A process of its own, as the demo is. Ends with 1 when a canary was where it must not be, or a step of the demo did not hold.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cli.main import main
from core.settings import ROOT
from demo import scenario
from demo.story import Story
from tests.canaries import planted, troubles
from tests.canaries.places import Place, afterwards, while_it_runs
from tests.canaries.planting import PlantedInstallation


def live(directory: Path) -> dict[str, Any]:
    """Live the day and search; what was seen where, and how many bytes of each kind of place were searched. Raises SystemExit when a step of
    the demo did not hold.
    """
    kept: list[Place] = []
    stories: list[Story] = []

    def look(story: Story) -> None:
        stories.append(story)
        kept.extend(while_it_runs(story))

    vars(scenario)["Installation"] = PlantedInstallation
    scenario.STEPS += [*troubles.STEPS, ("What is left", look)]
    sys.argv = ["avain", "demo", "--directory", str(directory)]
    try:
        main()
    except SystemExit as ended:
        if ended.code or not stories:
            raise
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
    results = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "var" / "canaries"
    lived = live(results)
    (results / "seen.json").write_text(json.dumps(lived, ensure_ascii=False, indent=1), "utf-8")
    sys.exit("\n".join(planted.told(lived)) or 0)
