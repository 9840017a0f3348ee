"""The settings of follow-ups: the rhythm where a client plan states none, the daily e-mail, and when it is held back."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from core.setting_groups import Group

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday"]


class Storm(Group):
    """`[follow_ups.storm]`: more mails on one day than this are held until a person releases them."""

    max_factor: float = Field(default=3, gt=1, description="times the median of the last 20 days with mails")
    max_first: int = Field(default=200, ge=1, description="mails a day while there were fewer than five such days")
    max_percent: int = Field(default=80, ge=1, le=100, description="of all active workers")
    never_below: int = Field(default=20, ge=0, description="so few mails are never held, whatever the shares")


class FollowUps(Group):
    """Default rhythm, where the client plan states none, and the daily mail."""

    start_working_days: int = Field(
        default=10, ge=0, description="the start check is so many working days after the first day"
    )
    interval_days: int = Field(default=30, ge=1, description="so often a service is looked at while it runs")
    before_end_days: int = Field(default=14, ge=0, description="the check before the end is so long before it")
    plan_review_months: int = Field(
        default=0,
        ge=0,
        le=120,
        description="the client plan is reviewed so many months after it was made; 0: not by default",
    )
    child_welfare_units: list[str] = Field(
        default_factory=list, description="codes of units whose plans are reviewed at least yearly (child welfare)"
    )
    approval_working_days: int = Field(
        default=5, ge=1, description="so many working days after a provider was chosen the approval is asked for"
    )
    mail_at: str = Field(
        default="08:00",
        pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="when the daily e-mail is written, local time",
    )
    repeat_working_days: int = Field(default=3, ge=1, description="what is not acknowledged is told again so often")
    max_repeats: int = Field(default=2, ge=0, description="so many times; then it goes to the supervisor")
    supervisors_hear_on: Weekday = Field(
        default="monday", description="the day of the week of a supervisor's list; on a day off, the next working day"
    )
    midsummer_eve_is_working_day: bool = Field(default=False, description="else it is a day off")
    christmas_eve_is_working_day: bool = Field(default=False, description="else it is a day off")
    base_url: str = Field(default="https://avain.invalid", description="the console's address, for links in e-mails")
    templates: Path | None = Field(
        default=None, description="folder with digest.txt and digest.html of your own; what it lacks stays as it is"
    )
    storm: Storm = Field(
        default=Storm(), description="so many e-mails on one day are held until a person releases them"
    )
