"""`[consistency]`: the nightly check of whether what is kept agrees with itself."""

from pydantic import Field

from core.setting_groups import Group


class Consistency(Group):
    """`[consistency]`."""

    budgets: int = Field(
        default=200, ge=0, le=1_000_000, description="so many budgets, drawn anew each night, are calculated once more"
    )
