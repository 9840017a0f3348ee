"""The fonts of printed papers: those inside typst, so that a paper looks the same on every machine and nothing is installed or fetched."""

import os
from functools import lru_cache
from typing import Final

import typst

#: Text, then what it lacks. The templates name the same two (a test compares).
FAMILIES: Final = ("Libertinus Serif", "DejaVu Sans Mono")


def fonts() -> typst.Fonts:
    """The fonts, found once a process.

    Raises RuntimeError in a child forked from a process that has printed: typst's threads do not survive a fork, and it would wait for
    them for ever. Workers and commands print only after they were forked.
    """
    found, owner = _found()
    if owner != os.getpid():
        raise RuntimeError("forked after typst was used")
    return found


@lru_cache(maxsize=1)
def _found() -> tuple[typst.Fonts, int]:
    return typst.Fonts(include_system_fonts=False), os.getpid()
