"""`[effects]`: what is kept, outside the database, of everything that left this installation."""

from pathlib import Path

from pydantic import Field

from core.setting_groups import Group


class EffectSettings(Group):
    """`[effects]`."""

    journal: Path = Field(
        default=Path("effects"),
        description="folder of the journal of what was sent, seen from home; after a restore it says what had left meanwhile",
    )
    journal_months: int = Field(
        default=13,
        ge=2,
        le=120,
        description="so long it is kept: at least as long as the oldest backup that may be restored",
    )
