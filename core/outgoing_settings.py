"""How patient Avain is with what it sends to: the mail server, the connections of orders, the folder of order files."""

from pydantic import Field

from core.setting_groups import Group


class Outgoing(Group):
    """When a way out that fails is left alone, and for how long. What is to go that way waits; no attempt of it is spent meanwhile."""

    failures: int = Field(
        default=5,
        ge=1,
        le=7,  # fewer than an order or a mail may fail (services/work/kinds.py): else the first would be given up by its own failures
        description="so many failures in a row, and the mail server or connection is left alone for a while",
    )
    first_pause_seconds: float = Field(
        default=60,
        gt=0,
        le=3600,
        description="so long at first; then one tries, and each time in vain it is twice as long",
    )
    longest_pause_minutes: float = Field(default=15, gt=0, le=1440, description="but never longer than this")
    give_up_days: float = Field(
        default=7,
        gt=0,
        le=90,
        description="what has waited so long for it is given up, and whoever it concerns is told",
    )

    def pause_after(self, tries: int) -> float:
        """Seconds to leave it alone after so many tries in vain, of which the first is the one that closed it."""
        return min(self.longest_pause_minutes * 60, self.first_pause_seconds * 2.0 ** min(tries - 1, 30))
