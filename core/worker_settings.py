"""How long a worker's processes live, and how long they get to end."""

from pydantic import Field

from core.setting_groups import Group


class Workers(Group):
    """`[workers]`. Read when a worker starts."""

    stop_seconds: float = Field(
        default=20,
        gt=0,
        le=20,
        description="a worker that is told to stop finishes what takes no longer, and gives back the rest",
    )
    tasks_per_child: int = Field(default=500, ge=1, description="a process is replaced after so many tasks")
    memory_per_child_mb: int = Field(
        default=512, ge=64, description="a process that has used more is replaced when its task has ended"
    )
