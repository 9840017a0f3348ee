"""The demo's steps about follow-ups: one mail a worker, acknowledged by the child's rating, repeated and passed on."""

from datetime import UTC, date, datetime, time, timedelta

from core.follow_up_settings import FollowUps
from core.i18n import HELSINKI, _, day
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
            "SELECT DISTINCT client_case.number FROM follow_up JOIN client_case ON client_case.id = follow_up.case_id"
            " WHERE escalated_on IS NOT NULL ORDER BY number"
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


def acting(story: Story) -> None:
    """What was found is written down, one is put off, one goes to a colleague; an order's silence is asked about by what it waits for."""
    place, case = story.place, story.cases["LC-1001"]
    done = place.query(
        "SELECT follow_up.id FROM follow_up JOIN client_case ON client_case.id = case_id WHERE number = %(case)s AND rating = 5",
        case=case,
    )[0]["id"]
    record = place.avain("reminder", "text", str(done), "--json")["text"]
    story.console.print(record, markup=False)
    written = place.avain("reminder", "written", str(done), "--as", "W-101", "--json")
    story.check(
        written["written_down_by"] and "5" in record,
        _("the text for the case record is ready, and ticked as written down in the client information system"),
    )
    today = date.fromisoformat(story.report["escalation"]["day"])
    starts = {
        row["case_number"]: str(row["id"]) for row in place.avain("reminder", "due", "--json") if row["kind"] == "start"
    }
    until = today + timedelta(days=3)
    put_off = place.avain(
        "reminder", "snooze", starts[story.cases["LC-1002"]], "--until", str(until), "--reason", "Perhe matkoilla", "--as", "W-102", "--json"
    )  # fmt: skip
    days = calendar(FollowUps())
    story.check(
        put_off["state"] == "snoozed" and put_off["due"] == str(days.on_or_after(until)),
        _("one is put off, to a working day"),
        day(date.fromisoformat(put_off["due"])),
    )
    given = place.avain(
        "reminder", "handover", starts[story.cases["LC-1004"]], "--to", "W-103", "--reason", "Yhteinen perhe", "--as", "W-101", "--json"
    )  # fmt: skip
    tomorrow = days.on_or_after(today + timedelta(days=1))
    eight_oclock(story, tomorrow)
    heard = place.query(
        "SELECT 1 FROM digest JOIN worker ON worker.id = worker_id WHERE external_id = 'W-103' AND local_date = %(day)s"
        " AND items -> 'announced' @> to_jsonb(%(id)s::bigint)",
        day=tomorrow,
        id=given["id"],
    )
    story.check(heard, _("one was handed over to a colleague, who hears of it the next working day"), day(tomorrow))
    kinds = place.query(
        "SELECT kind, count(*) AS made, count(*) FILTER (WHERE state IN ('open', 'snoozed')) AS open FROM follow_up GROUP BY kind ORDER BY kind"
    )
    told = {row["kind"] for row in kinds}
    story.check(
        {"approval", "order_unanswered", "hand_over"} <= told,
        _("approvals, answers and hand-overs are followed up, until they come"),
        ", ".join(f"{row['kind']} {row['made']} ({row['open']})" for row in kinds),
    )
    story.show("reminder", "due", "--days", "14")
    story.report["acting"] = {"record": record, "put_off": put_off["due"], "handed_over": given["id"]}


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
