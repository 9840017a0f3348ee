"""Bundles that bring every branch of a mail's templates to light: what templates are tried with before they are used. All of it is invented."""

from datetime import date
from typing import Final, get_args

from models.follow_up import FOLLOW_UP_KINDS
from services.reminders.bundle import Bundle, Came, Heard, Person, Task, UnitList

DAY: Final = date(2026, 12, 7)


def samples(language: str, news: list[str]) -> list[Bundle]:
    """For one language: a mail with everything in it, of every kind; then mails with one thing each, since headings and columns differ."""
    person = Person(1, "W-000", "worker@avain.invalid", language)
    ways: tuple[Came, ...] = get_args(Came)
    tasks = [
        Task(number, kind, DAY, f"HB-2026-{number:06d}", "overdue" if number % 2 else "new", came)
        for number, (kind, came) in enumerate(((kind, came) for kind in FOLLOW_UP_KINDS for came in ways), 1)
    ]
    heard = [
        Heard(number, kind, f"order:T-2026-{number:06d}" if number % 2 else "", ways[number % len(ways)])
        for number, kind in enumerate(news, 1)
    ]
    lists = [UnitList(number, tasks[number : number + 2]) for number in (1, 2)]
    return [
        Bundle(person, tasks=tasks, units=[*lists, UnitList(None, tasks[:1])], news=heard),
        Bundle(person, tasks=tasks[:1]),
        Bundle(person, units=lists[:1]),
        Bundle(person, news=heard[:1]),
    ]
