"""A personal budget calculated once more, from the rows that say what was decided, planned, priced, ordered, billed and delivered.

The rules are DESIGN.md's ("Budgets"; in words: docs/budgets.md), told here a second time in plain Python with Decimal. Nothing is shared with
services/budgets, neither SQL nor a function: where the two agree, two readings of the rules agree; where they do not, one of them is wrong or the
rows behind a figure were changed past it. `reading` fetches rows as they are (`said`), `pricing` rounds and chooses prices, `planned` and `ordered`
make lines of them, `whole` adds them up, `ceilings` looks what the ceiling rests on.
"""

from services.consistency.figures.ceilings import objection
from services.consistency.figures.reading import read, steps_of_units
from services.consistency.figures.said import By, Figures, Kept, Line, by_settings
from services.consistency.figures.whole import calculate

__all__ = ["By", "Figures", "Kept", "Line", "by_settings", "calculate", "objection", "read", "steps_of_units"]
