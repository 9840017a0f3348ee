"""The daily e-mail: counts, case and order numbers, kinds, due dates, links. Nothing else may enter it.

That somebody is a client at all is secret, and e-mail is not protected (Tietosuojavaltuutettu 423/49/2009): no name, no service, no
provider, no unit, no personal identity code. What is not on the lists here cannot be written: of a notice only its sort and a number of
known form are shown, and of a budget what in general moved it; never its sentence. Templates are handed these values and no others.

Text and HTML say the same. The same bundle gives the same bytes.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from connectors.mail import Letter, compose
from core.i18n import LANGUAGES, N_, _, day, ngettext, speaking
from core.keys import link_secret
from core.settings import Settings
from services.budgets.dirty import CAUSES
from services.follow_ups.words import kind_label
from services.reminders.bundle import Bundle, Came, Heard, Task
from services.reminders.mail_check import checked, templates_in_force, written
from services.reminders.mail_samples import DAY, samples
from services.reminders.mail_templates import Templates

#: What sort of news a notice brings; one of an unknown sort is still told of.
NEWS = {
    "budget_near": N_("A budget is nearly used up"),
    "budget_within_tolerance": N_("A budget is over its ceiling, within the tolerance"),
    "budget_over": N_("A budget is over its ceiling"),
    "budget_unpriced": N_("A budget cannot be calculated in full"),
    "order_accepted": N_("An order was accepted"),
    "order_rejected": N_("An order was rejected"),
    "order_failed": N_("An order could not be delivered"),
    "order_to_place": N_("An order is to be placed outside Avain"),
    "order_cancellation_failed": N_("A provider could not be told that an order is cancelled"),
    "order_month_waits": N_("The next month of a service could not be ordered"),
    "order_proposal": N_("An order no longer says what is planned"),
    "order_changed": N_("A provider proposes changes to an order"),
    "order_answer_held": N_("A provider's answer waits for you"),
    "delivered_held": N_("A provider's report of what was delivered waits for you"),
    "invoice_held": N_("An invoice waits for you"),
    "choice_conflict": N_("The source names another provider than was chosen"),
    "entry_replaced": N_("The source now states something else than was entered here"),
    "family_proposal": N_("A family proposes a choice"),
    "family_rating": N_("A family has rated a service"),
    "family_wish": N_("A family has sent a wish"),
    "digest_undelivered": N_("A daily e-mail could not be delivered"),
}
#: Causes that may stand beside it: they are the same for everybody.
_CAUSES = frozenset(CAUSES.values())
OTHER_NEWS = N_("Something happened that you should look at")

#: What somebody hears of first: what is theirs, then what came to them and why.
_SECTIONS: Final[tuple[tuple[Came, str | None, str, str], ...]] = (
    ("own", "new", N_("To follow up"), ""),
    ("own", "overdue", N_("Reminded of before, still open"), ""),
    ("handed", None, N_("Handed over to you"), ""),
    ("away", None, N_("For a colleague who is away"), ""),
    (
        "unreachable",
        None,
        N_("For a colleague who cannot be reached by e-mail"),
        N_("Their e-mail address is missing or takes no mail, or they no longer work here. Therefore it comes to you."),
    ),
)
_CAME: Final[dict[Came, str]] = {
    "handed": N_("handed over to you"),
    "away": N_("for a colleague who is away"),
    "unreachable": N_("for a colleague who cannot be reached by e-mail"),
}

#: Numbers of ours: they say nothing about anybody.
_NUMBER = re.compile(r"(HB|T)-\d{4}-\d{6,12}")
_PAGES = {"HB": "cases", "T": "orders"}


@dataclass(frozen=True)
class Line:
    """One row of the mail: what to look at, until when (empty: no day), and where."""

    what: str
    due: str
    link: str


@dataclass(frozen=True)
class Section:
    """Rows under one heading. `note`, and `link` to all of them with its `link_text`, where there is one."""

    heading: str
    lines: list[Line]
    note: str = ""
    link: str = ""
    link_text: str = ""

    @property
    def has_due(self) -> bool:
        """Whether its rows have days."""
        return any(line.due for line in self.lines)


@dataclass(frozen=True)
class Writing:
    """What all mails of the installation share. `language`: of people whose own is unknown. `secret` keeps Message-IDs from being guessed:
    a report of a mail that could not be delivered is known by it.
    """

    sender: str
    base_url: str
    language: str
    secret: bytes
    templates: Templates


def writing(configured: Settings) -> Writing:
    """As the settings have it. Raises ConfigurationError for templates that cannot be used."""
    return Writing(
        sender=configured.mail.sender,
        base_url=configured.follow_ups.base_url.rstrip("/"),
        language=configured.language,
        secret=link_secret(configured),
        templates=templates_in_force(configured.mail_templates, _samples),
    )


def check_templates(configured: Settings) -> None:
    """Read and try the organisation's templates, if it has any. Raises ConfigurationError: the file, the line, and what to do."""
    if configured.mail_templates is not None:
        checked(configured.mail_templates, _samples)


def write(bundle: Bundle, local_date: date, now: datetime, how: Writing) -> tuple[str, str]:
    """The Message-ID and the whole message (7-bit, CRLF) for one person's day, in that person's language.

    Raises Permanent for an address that could smuggle in a header.
    """
    view = _view(bundle, local_date, how.base_url, how.language)
    text, html = written(how.templates, view)
    letter = Letter(
        sender=how.sender,
        recipient=bundle.person.email,
        subject=view["subject"],
        text=text,
        html=html,
        message_id=_message_id(bundle.person.external_id, local_date, how),
        written_at=now,
        list_id=f"reminders.avain.{_domain(how.sender)}",
    )
    return letter.message_id, compose(letter).decode("ascii")


def _samples() -> Iterable[dict[str, Any]]:
    for language in LANGUAGES:
        for bundle in samples(language, [*NEWS, "of an unknown sort"]):
            yield _view(bundle, DAY, "https://avain.invalid", language)


def _view(bundle: Bundle, local_date: date, base: str, language: str) -> dict[str, Any]:
    """The values a template writes with; docs/reminder-mails.md names them."""
    spoken = bundle.person.language if bundle.person.language in LANGUAGES else language
    with speaking(spoken):
        count = len(bundle)
        return {
            "language": spoken,
            "subject": ngettext(
                "Avain: {count} matter waits for you", "Avain: {count} matters wait for you", count
            ).format(count=count),
            "heading": _("Reminders of {date}").format(date=day(local_date)),
            "count": count,
            "sections": [section for section in _sections(bundle, base) if section.lines],
            "words": {"matter": _("Matter"), "due_column": _("Due"), "due": _("due")},
            "footer": _(
                "This message was sent by a machine; answers to it are not read. Acknowledge reminders in Avain."
            ),
        }


def _sections(bundle: Bundle, base: str) -> list[Section]:
    told = [
        Section(
            _(heading),
            [_task_line(task, base) for task in bundle.tasks if task.came == came and why in (None, task.why)],
            _(note),
        )
        for came, why, heading, note in _SECTIONS
    ]
    units = [
        Section(
            _unit_heading(number, len(bundle.units)),
            [_task_line(task, base, open_for_long=True) for task in one.tasks],
            link=f"{base}/unit?id={one.unit_id}" if one.unit_id is not None else "",
            link_text=_("How the unit is doing") if one.unit_id is not None else "",
        )
        for number, one in enumerate(bundle.units, 1)
    ]
    return [*told, *units, Section(_("News"), [_news_line(one, base) for one in bundle.news])]


def _unit_heading(number: int, count: int) -> str:
    """Units have numbers in mails: a unit's name may tell what its clients' trouble is."""
    if count == 1:
        return _("Left open by your unit's workers")
    return _("Left open by the workers of your unit {number} of {count}").format(number=number, count=count)


def _task_line(task: Task, base: str, *, open_for_long: bool = False) -> Line:
    what = f"{task.number}, {kind_label(task.kind)}"
    if task.came != "own" and task.why == "overdue" and not open_for_long:
        before = _("reminded of before")
        what = f"{what} ({before})"
    return Line(what, day(task.due), f"{base}/follow-ups/{task.id}")


def _news_line(news: Heard, base: str) -> Line:
    label = _(NEWS.get(news.kind, OTHER_NEWS))
    if news.cause in _CAUSES:
        label = f"{label} ({_(news.cause)})"
    if news.came in _CAME:
        label = f"{label} ({_(_CAME[news.came])})"
    number = _NUMBER.search(news.subject)
    if number is None:
        return Line(label, "", f"{base}/notices/{news.id}")
    return Line(f"{number[0]}, {label}", "", f"{base}/{_PAGES[number[1]]}/{number[0]}")


def _message_id(external_id: str, local_date: date, how: Writing) -> str:
    """One per person and day, for ever the same; it does not tell who the person is, and nobody else can make it."""
    said = f"digest|{external_id}|{local_date}|{how.sender}".encode()  # the secret signs links as well
    return f"<digest.{local_date}.{hmac.new(how.secret, said, hashlib.sha256).hexdigest()[:32]}@{_domain(how.sender)}>"


def _domain(sender: str) -> str:
    return sender.rpartition("@")[2]
