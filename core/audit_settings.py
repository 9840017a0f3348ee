"""`[audit]`: the trail of who saw and did what."""

from pathlib import Path

from pydantic import Field

from core.setting_groups import Group


class Audit(Group):
    """`[audit]`."""

    request_years: int | None = Field(
        default=None,
        ge=1,
        le=50,
        description="years back that an extract for a client goes unless a special reason is given; unset: as far as the trail goes",
    )
    anchor_file: Path = Field(
        default=Path("audit-anchors.jsonl"),
        description="where the heads of the chain are written, seen from home; a copy kept elsewhere is the organisation's own business",
    )
    keep_years: int = Field(
        default=12, ge=2, le=100, description="what an event says may be purged after so many years"
    )
