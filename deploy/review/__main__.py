"""`make review`: write anew what docs/review/ shows of the lists. Exits with 1 where a list and the tables disagree."""

import sys
from pathlib import Path

import models
from deploy.review import stored
from deploy.review.flows import drawing
from deploy.review.pages import DRAWING, PAGES, filled


def main(folder: Path = stored.FOLDER) -> int:
    """Write what is made, and say what the lists lack."""
    faults = stored.faults(models.metadata)
    for one in faults:
        print(one)
    (folder / DRAWING).write_text(drawing(), "utf-8")
    for name in PAGES:
        page = folder / name
        page.write_text(filled(page.read_text("utf-8"), name), "utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
