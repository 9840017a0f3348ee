"""The task that tidies up after families' own pages."""

from core.clock import business_now, local_date
from services.family.overtaking import overtake_all
from services.family.wishes import remove_old_words
from workers.task import Lease, work_task


@work_task("tidy_family")
def tidy_family(lease: Lease) -> None:
    """Remove words that waited too long, and write down which proposals were overtaken. Also while families have no page (any more)."""
    with lease.closing() as closing:
        now = business_now(closing.session)
        removed = remove_old_words(closing.session, days=lease.settings.family.wish_days, now=now)
        overtaken = overtake_all(closing.session, today=local_date(now), now=now)
        outcome = "succeeded" if removed or overtaken else "nothing_to_do"
        closing.report(outcome, counts={"removed": removed, "overtaken": overtaken})
