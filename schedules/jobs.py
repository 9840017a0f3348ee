"""The one table of what is scheduled: which Work is called for, and when.

Times are wall times in Helsinki. The tick (workers/) turns every due slot into one Work, key `job@slot`; what the Work does
is the task of its kind.
"""

from dataclasses import dataclass
from typing import Final, Literal

from core.errors import Message
from core.follow_up_settings import FollowUps
from core.i18n import N_
from schedules.working_days import WorkingDays

#: What becomes of a slot while an earlier Work of its job is under way: it is left out and told as such, or its Work waits.
Overlap = Literal["skip", "queue"]
OVERLAPS: Final[tuple[Overlap, ...]] = ("skip", "queue")
#: A start is moved by an hour at most.
LONGEST_JITTER: Final = 3600


@dataclass(frozen=True)
class Job:
    """Something that is done again and again.

    `kind` is a kind of services/work/kinds.py; `cron` five fields, read on Helsinki's clocks; `only_on` leaves out the slots on
    other days than these; a job that is not `enabled` has no slots. Each start is moved by up to `jitter_seconds` (slots.jitter).
    `cron`, `overlap` and `jitter_seconds` are what a person may set otherwise (services/jobs.py).
    """

    name: str
    kind: str
    cron: str
    description: str
    only_on: WorkingDays | None = None
    enabled: bool = True
    overlap: Overlap = "queue"
    jitter_seconds: int = 0

    @property
    def lane(self) -> str:
        """One Work of a job at a time."""
        return f"job:{self.name}"

    def described(self) -> Message:
        """What the job does, as a sentence in the reader's language."""
        return Message(self.description)


def calendar(settings: FollowUps) -> WorkingDays:
    """The organisation's working days."""
    return WorkingDays(
        midsummer_eve=settings.midsummer_eve_is_working_day, christmas_eve=settings.christmas_eve_is_working_day
    )


def jobs(settings: FollowUps) -> tuple[Job, ...]:
    """Every job, in the order of the day. Nothing else schedules anything."""
    mail_hour, mail_minute = settings.mail_at.split(":")
    return (
        # before the night's reading: what was removed does not come back with it, and nobody waits for the locks
        Job("retention", "retention", "20 1 * * *", N_("Remove what was kept as long as it has to be, or count it")),
        # prices first: a new decision finds its own unit costs in force, and nobody hears of prices missing for an hour
        Job("nightly_prices", "nightly_prices", "10 2 * * *", N_("Fetch all price lists")),
        Job("nightly_cases", "nightly_cases", "10 3 * * *", N_("Read all case sources")),
        Job(
            "recompute_budgets",
            "recompute_budgets",
            "30 4 * * *",
            N_("Recompute every budget that something changed for"),
        ),
        Job(
            "tidy_family",
            "tidy_family",
            "20 4 * * *",
            N_("Remove families' words that waited too long, and close proposals that were overtaken"),
        ),
        # after the budgets: months are ordered on what they say
        Job(
            "generate_orders",
            "generate_orders",
            "0 5 * * *",
            N_("Order the months that are due, and what needs nobody's approval"),
        ),
        Job(
            "watch_orders",
            "watch_orders",
            "15 5 * * *",
            N_("Find orders that no longer say what is planned, and close those that are over"),
        ),
        # before follow-ups and e-mails: they go to whoever is there
        Job("read_absences", "ask_absences", "45 4 * * *", N_("Read who is away and who stands in")),
        Job(
            "plan_follow_ups",
            "plan_follow_ups",
            "30 5 * * *",
            N_("Plan the follow-ups of all services that were chosen"),
        ),
        Job("count_units", "count_units", "45 5 * * *", N_("Count what supervisors are shown of many cases together")),
        Job(
            "watch_prices",
            "watch_prices",
            "0 6 * * *",
            N_("Tell the price manager of prices that are missing or will end"),
        ),
        # after what the night changes, and before anybody is written to
        Job(
            "check_consistency",
            "check_consistency",
            "20 6 * * *",
            N_("Check that what is kept agrees with itself: budgets, orders, work, numbers, the audit trail"),
        ),
        # what is not sealed yet could be changed without anybody finding out
        Job("seal_audit", "seal_audit", "*/5 * * * *", N_("Seal what was added to the audit trail"), overlap="skip"),
        Job(
            "verify_audit",
            "verify_audit",
            "40 3 * * *",
            N_("Check the newest month of the audit trail against its seals"),
        ),
        # what the next quarter of an hour asks for as well need not pile up
        Job(
            "read_bounces",
            "ask_bounces",
            "*/15 6-20 * * *",
            N_("Read reminders that could not be delivered"),
            overlap="skip",
        ),
        Job(
            "read_incoming",
            "ask_incoming",
            "*/15 6-20 * * *",
            N_("Read answers, invoices and delivered quantities"),
            overlap="skip",
        ),
        Job(
            "daily_reminders",
            "daily_reminders",
            f"{int(mail_minute)} {int(mail_hour)} * * *",
            N_("Write the daily e-mail of every worker who has something to follow up"),
            only_on=calendar(settings),
        ),
    )
