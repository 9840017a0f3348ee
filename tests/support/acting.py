"""What a test and the worker that acts for it (tests/support/acts.py, a process of its own) both know."""

from typing import Final

#: The kinds the acts borrow; their real tasks are not loaded. The second has little time.
KIND: Final = "plan_follow_ups"
LIMITED: Final = "count_units"
DEADLINE: Final = 4
