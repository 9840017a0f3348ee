"""The demo's steps about follow-ups: one mail a worker, acknowledged by the child's rating, repeated and passed on."""

from datetime import UTC, date, datetime, time, timedelta

from core.i18n import HELSINKI, _, day
from core.settings import FollowUps
from demo.order_steps import mails
from demo.story import Story
from schedules.jobs import calendar, jobs
from schedules.slots import slot_key

SUPERVISOR = "W-900"


def first_mail(story: Story) -> None:
    """On the day the last start check is due, every worker gets one mail at 8:00."""
    place = story.place
    due = place.avain("reminder", "due", "--days", "60", "--json")
    checks = [row for row in due if row["kind"] == "start"]
    story.check(
        len(checks) == 4,
        _("each of the four services has a start check"),
        ", ".join(day(date.fromisoformat(row["due"])) for row in checks),
    )
    target = min(date.fromisoformat(row["due"]) for row in checks)
    eight_oclock(story, target)
    found = to_workers(story, target)
    story.check(
        found == ["W-101", "W-102", "W-103"],
        _("one mail per worker on {day}").format(day=day(target)),
        ", ".join(found),
    )
    missing = place.query("SELECT subject FROM notice WHERE kind = 'budget_unpriced'")
    story.check(not missing, _("no mail speaks of a missing price: the lists were read first"), missing or "")
    sample = next(mail for mail in reversed(mails(story)) if "W-101".lower() in mail["To"].lower())
    text = sample.get_body(("plain",)).get_content()
    leaked = [
        word
        for word in ("valmennus", "tukihenk", "Esimerkki Oy", "Aino", "musiikki")
        if word.lower() in text.lower().replace("avain-esimerkki", "")
    ]
    story.check(not leaked, _("the mail names no person, service or provider"), leaked or "")
    story.console.print(text, markup=False)
    story.report["mail"] = {"day": str(target), "to": found, "subject": sample["Subject"], "text": text}


def escalation(story: Story) -> None:
    """Case 1 is acknowledged with 5/5; what stays open is repeated and at last goes to the supervisor."""
    place, case = story.place, story.cases["LC-1001"]
    done = place.avain(
        "reminder",
        "ack",
        case,
        "--rating",
        "5",
        "--by",
        "child",
        "--finding",
        "supports_goals=yes",
        "--as",
        "W-101",
        "--json",
    )
    story.check(
        done["state"] == "acknowledged" and done["rating"] == 5, _("case 1 is acknowledged, the child's rating is 5/5")
    )
    today, passed_on = date.fromisoformat(story.report["mail"]["day"]), []
    for _attempt in range(30):
        today += timedelta(days=1)
        if today.weekday() >= 5:
            continue
        eight_oclock(story, today)
        passed_on = place.query(
            "SELECT client_case.number, escalated_on FROM follow_up JOIN plan_item ON plan_item.id = plan_item_id JOIN client_case ON client_case.id = case_id WHERE escalated_on IS NOT NULL"
        )
        if passed_on:
            break
    story.check(
        passed_on,
        _("an unacknowledged follow-up went to the supervisor"),
        f"{', '.join(row['number'] for row in passed_on)} {day(today)}",
    )
    story.check(case not in [row["number"] for row in passed_on], _("the acknowledged one did not"))
    supervisors = [mail for mail in mails(story) if SUPERVISOR.lower() in mail["To"].lower()]
    story.check(len(supervisors) == 1, _("the supervisor got one list"), supervisors[0]["Subject"])
    per_day = place.query(
        "SELECT max(n) AS most FROM (SELECT count(*) AS n FROM digest GROUP BY worker_id, local_date) AS days"
    )[0]["most"]
    story.check(per_day == 1, _("nobody got two mails on one day"))
    story.show("reminder", "due")
    story.report["escalation"] = {
        "day": str(today), "cases": [row["number"] for row in passed_on], "rating": done["rating"],
        "supervisor_mail": supervisors[0].get_body(("plain",)).get_content(), "mails": len(mails(story)),
    }  # fmt: skip


def eight_oclock(story: Story, today: date) -> None:
    """Move the business clock to 8:00 of a day and wait until beat's slot, if the day has one, has been worked off."""
    place = story.place
    job = next(one for one in jobs(FollowUps()) if one.name == "daily_reminders")
    slot = datetime.combine(today, time(8), HELSINKI)
    place.clock(slot + timedelta(seconds=1))
    if calendar(FollowUps()).includes(today):
        key = slot_key(job, slot.astimezone(UTC))
        place.wait(lambda: place.query("SELECT 1 FROM work WHERE key = %(key)s AND done_at IS NOT NULL", key=key), key)
    place.settled()


def to_workers(story: Story, today: date) -> list[str]:
    """Who was sent a digest on a day, by external id."""
    rows = story.place.query(
        "SELECT worker.external_id FROM digest JOIN worker ON worker.id = worker_id WHERE local_date = %(today)s AND state = 'sent' ORDER BY 1",
        today=today,
    )
    return [row["external_id"] for row in rows]
