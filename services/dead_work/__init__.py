"""Dead work: what was given up. Shown in groups of one kind and one sentence, tried again or let rest as a set, and told to the operator.

`groups` reads, `acting` retries and discards, `watching` sees which jobs fail and work again, `telling` writes the operator. docs/dead-work.md.
"""

from services.dead_work.acting import discard, minutes_of, retry
from services.dead_work.groups import Chosen, Dead, Group, Shown, everything, group_named, groups, members

__all__ = [
    "Chosen",
    "Dead",
    "Group",
    "Shown",
    "discard",
    "everything",
    "group_named",
    "groups",
    "members",
    "minutes_of",
    "retry",
]
