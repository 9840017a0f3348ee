"""The extract for a client who asks who has handled their data (asiakastietolaki 703/2023, 11 §): who, when, why. Always in Finnish.

On paper, what one person did in the same way on the same day is one line with its times; the workbook has every event. Neither holds a free
word that somebody wrote, nor anything of another case. Whoever hands one out is in the trail themselves (`note_made`).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date, years_before
from core.errors import InputError
from core.i18n import HELSINKI, _, day, ngettext, speaking
from core.logging import redact
from core.settings import Settings
from documents.pdf import render
from services import audit, audit_of_case
from services.audit_actions import action_name
from services.audit_of_case import Case, Entry
from services.audit_purposes import purpose_of
from services.sheets import Row, Sheet, write_sheets

LANGUAGE: Final = "fi"
FORMS: Final = ("pdf", "xlsx")
#: A reason longer than this is a letter.
LONGEST_REASON: Final = 500

#: Rows in: a case, moments. Rows out: its orders that reached a provider then, and the families' contact details that did.
_GIVEN: Final = text(
    """
    SELECT purchase_order.number, provider.name AS provider, given.at, given.contact
    FROM decision
    JOIN purchase_order ON purchase_order.decision_id = decision.id
    JOIN provider ON provider.id = purchase_order.provider_id
    CROSS JOIN LATERAL (VALUES
        (coalesce(purchase_order.sent_at, purchase_order.placed_at), false), (purchase_order.handed_over_at, true)) AS given(at, contact)
    WHERE decision.case_id = :case AND (CAST(:first AS timestamptz) IS NULL OR given.at >= :first) AND given.at < :after
    ORDER BY given.at, purchase_order.id, given.contact
    """
)


@dataclass(frozen=True)
class Period:
    """The days an extract tells of, both included; `first` None: from the beginning of the trail. `why`: a special reason to go far back."""

    first: date | None
    last: date
    why: str = ""

    @property
    def moments(self) -> tuple[datetime | None, datetime]:
        """The first moment, and the first after it."""
        first = None if self.first is None else datetime.combine(self.first, time(), HELSINKI)
        return first, datetime.combine(self.last + timedelta(days=1), time(), HELSINKI)


@dataclass(frozen=True)
class Given:
    """An order that a provider was sent; or (`contact`) the family's contact details for it, which a worker hands over outside Avain."""

    order: str
    provider: str
    at: datetime
    contact: bool


@dataclass(frozen=True)
class Extract:
    """What a client is told: events, the oldest first; what was given to providers; of which days, by which organisation, made when."""

    case: Case
    period: Period
    entries: tuple[Entry, ...]
    given: tuple[Given, ...]
    organisation: str
    contact: str
    today: date


@dataclass(frozen=True)
class Made:
    """An extract as a file."""

    content: bytes
    sha256: str
    name: str


def period(first: date | None, last: date | None, why: str, *, today: date, years: int | None) -> Period:
    """The days asked for. `years` (settings.audit.request_years): so far back without a special reason; then also where no day is given.

    Raises InputError for days in the wrong order, a reason that is missing, too long, or holds a henkilötunnus.
    """
    why, until = why.strip(), min(last or today, today)
    if redact(why) != why:
        raise InputError("That holds a henkilötunnus. Leave it out.")
    if len(why) > LONGEST_REASON:
        raise InputError("Say it shorter, in at most {count} characters.", count=LONGEST_REASON)
    if first is not None and first > until:
        raise InputError("The first day is after the last.")
    if years is None:
        return Period(first, until, why)
    furthest = years_before(today, years)
    if first is None and not why:
        first = min(furthest, until)
    if (first is None or first < furthest) and not why:
        raise InputError(
            "What is older than {date} is handed out for a special reason only. Say which.", date=furthest.isoformat()
        )
    return Period(first, until, why)


def extract_of(session: Session, number: str, period_: Period, *, now: datetime, settings: Settings) -> Extract:
    """What the trail holds of a case. Raises NotFound for one that does not exist."""
    with speaking(LANGUAGE):
        case = audit_of_case.case_of(session, number)
        first, after = period_.moments
        wanted = audit_of_case.Wanted(first=first, after=after)
        found = audit_of_case.entries(session, case, wanted, limit=None)
        rows = session.execute(_GIVEN, {"case": case.id, "first": first, "after": after})
        given = tuple(Given(row.number, row.provider, row.at, row.contact) for row in rows)
    contact = settings.statements.contact.get("fi", "")
    return Extract(case, period_, tuple(reversed(found)), given, settings.organisation.name, contact, local_date(now))


def make(extract: Extract, form: str) -> Made:
    """The file: `pdf` (PDF/UA) or `xlsx`. No database is asked. Raises InputError for another form."""
    if form not in FORMS:
        raise InputError("An extract is made as one of these: {forms}", forms=", ".join(FORMS))
    with speaking(LANGUAGE):
        content = _pdf(extract) if form == "pdf" else write_sheets(_sheets(extract))
    name = f"lokitiedot-{extract.case.number}-{extract.today:%Y-%m-%d}.{form}"
    return Made(content, hashlib.sha256(content).hexdigest(), name)


def note_made(session: Session, actor: str, extract: Extract, made: Made, form: str, *, now: datetime) -> None:
    """Record that it was handed out, before anybody can read it."""
    told = extract.period
    audit.record(
        session,
        actor,
        "audit.extract_made",
        f"case:{extract.case.number}",
        now=now,
        reason=told.why,
        form=form,
        first=told.first and told.first.isoformat(),
        last=told.last.isoformat(),
        count=len(extract.entries),
        sha256=made.sha256,
    )


def _title() -> str:
    return _("Who has handled your data")


def _about(extract: Extract) -> list[tuple[str, str]]:
    told = extract.period
    days = (
        _("from the beginning to {last}").format(last=day(told.last))
        if told.first is None
        else _("from {first} to {last}").format(first=day(told.first), last=day(told.last))
    )
    return [
        (_("Organisation"), extract.organisation),
        (_("Case"), extract.case.number),
        (_("Days"), days),
        (_("Made on"), day(extract.today)),
    ]


def _explained() -> list[str]:
    return [
        _(
            "This paper tells who has used your data in the system Avain, when, and for what purpose. You have a right to know it (act 703/2023 on the handling of client data in health care and social welfare, section 11)."
        ),
        _(
            "Avain holds what is needed to look after a personal budget. What has been done in the client information system is told of by that system's own log; ask the same organisation for it."
        ),
        _(
            "A list means that your case stood among others on somebody's screen: its number and how it stands with it, not your name."
        ),
    ]


def _closing(extract: Extract) -> list[str]:
    said = [
        _(
            "If you think that somebody has handled your data without a reason, ask the organisation for an explanation. You can also turn to its data protection officer, or to the Data Protection Ombudsman."
        ),
        _("Free words that workers have written as reasons are not on this paper: they may tell about other people."),
    ]
    return [*said, extract.contact] if extract.contact else said


def _pdf(extract: Extract) -> bytes:
    data = {
        "reference": extract.case.number,
        "title": _title(),
        "about": [{"label": label, "text": told} for label, told in _about(extract)],
        "explained": _explained(),
        "used": {
            "heading": _("Who has used your data"),
            "headings": [_("When"), _("Who"), _("What was done"), _("Why")],
            "rows": list(_lines(extract.entries)),
            "empty": _("Nobody has, in these days."),
        },
        "given": {
            "heading": _("What has been given to providers"),
            "headings": [_("When"), _("To whom"), _("What")],
            "rows": [[_at(one.at), one.provider, _told(one)] for one in extract.given],
            "empty": _("Nothing has, in these days."),
        },
        "closing": _closing(extract),
    }
    # the day and not the moment: the same extract made again is the same file
    created = datetime.combine(extract.today, time(12), HELSINKI)
    return render("audit_extract", data, language=LANGUAGE, title=_title(), created=created)


def _told(one: Given) -> str:
    if one.contact:
        return _("your contact details for order {order}, so that the service can begin").format(order=one.order)
    return _(
        "order {order}: which service, when and at what price. It holds neither your name nor your henkilötunnus."
    ).format(order=one.order)


def _lines(entries: Sequence[Entry]) -> Iterable[list[str]]:
    """What one person did in one way on one day, in one line: when, who, what, why."""
    keyed = sorted(entries, key=_key)  # stable: times stay in order
    groups = [list(group) for _same, group in groupby(keyed, key=_key)]
    for of_day in sorted(groups, key=lambda group: group[0].id):
        first, last = of_day[0], of_day[-1]
        when = _at(first.at)
        if len(of_day) > 1:
            times = ngettext("{count} time", "{count} times", len(of_day)).format(count=len(of_day))
            until = _clock(last.at)
            when = f"{when} ({times})" if until == _clock(first.at) else f"{when}–{until} ({times})"
        yield [when, _who(first), _what(first), purpose_of(first.action)]


def _key(one: Entry) -> tuple[date, str, str, str, str, str, bool]:
    return (
        local_date(one.at), one.actor.name, one.actor.unit, one.role, one.action, one.order or "", one.listed,
    )  # fmt: skip


def _who(one: Entry) -> str:
    return ", ".join(part for part in (one.actor.name, one.role, one.actor.unit) if part)


def _what(one: Entry) -> str:
    said = action_name(one.action)
    if one.order:
        said = _("{act} ({order})").format(act=said, order=one.order)
    return _("{act}: your case was one of them").format(act=said) if one.listed else said


def _at(at: datetime) -> str:
    return _("{date} at {time}").format(date=day(local_date(at)), time=_clock(at))


def _clock(at: datetime) -> str:
    here = at.astimezone(HELSINKI)
    return f"{here.hour}.{here.minute:02}"


def _sheets(extract: Extract) -> Iterable[Sheet]:
    explained: list[Row] = [*_about(extract), *(("", one) for one in (*_explained(), *_closing(extract)))]
    yield Sheet(_("This extract"), (_("What"), _("Value")), explained)
    rows: list[tuple[Any, ...]] = [
        (
            local_date(one.at), _clock(one.at), one.actor.name, one.role, one.actor.unit, _what(one), purpose_of(one.action),
        )
        for one in extract.entries
    ]  # fmt: skip
    heads = (_("Day"), _("Time"), _("Who"), _("Role"), _("Unit"), _("What was done"), _("Why"))
    yield Sheet(_("Used"), heads, rows)
    yield Sheet(
        _("Given"),
        (_("Day"), _("Time"), _("To whom"), _("What")),
        [(local_date(one.at), _clock(one.at), one.provider, _told(one)) for one in extract.given],
    )
