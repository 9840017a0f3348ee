"""`[audit]`: the trail of who saw and did what."""

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
