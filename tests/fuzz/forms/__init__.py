"""How documents of each form are changed. A change takes the dice and a document and gives another; it raises ValueError for one it cannot read.

The dice (`Random`) are Hypothesis's own in the harness, so that what it finds it can also make smaller.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.fuzz.forms import plain

#: Gives a document like the one it takes, wrong in one more way. Raises ValueError for one that is no longer of its form.
Change = Callable[[Random, bytes], bytes]
#: So many changes, mostly few: what is wrong in many places is refused for the first.
_CHANGES = (1, 1, 1, 2, 3)


@dataclass(frozen=True)
class Form:
    """`changes` know how a document is built; `compose` makes one from nothing but the form's grammar."""

    changes: tuple[Change, ...]
    compose: Callable[[Random], bytes]

    def make(self, dice: Random, seeds: Sequence[bytes]) -> bytes:
        """A document: one of the grammar, or a seed with a few changes, the last of which may break its form."""
        if dice.random() < 0.1:
            content = self.compose(dice)
        else:
            content = dice.choice(seeds)
            for _ in range(dice.choice(_CHANGES)):
                content = self._changed(dice, content)
        return plain.changed(dice, content) if dice.random() < 0.1 else content

    def _changed(self, dice: Random, content: bytes) -> bytes:
        try:
            return dice.choice(self.changes)(dice, content)
        except (ValueError, RecursionError):  # too deep for the change itself
            return plain.changed(dice, content)
