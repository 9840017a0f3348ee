"""The daily e-mail: counts, case and order numbers, kinds, due dates, links. Nothing else may enter it.

That somebody is a client at all is secret, and e-mail is not protected (Tietosuojavaltuutettu 423/49/2009): no name, no service, no
provider, no personal identity code. What is not on the lists here cannot be written: of a notice only its sort and a number of
known form are shown, and of a budget what in general moved it; never its sentence.

Text and HTML say the same. The same bundle gives the same bytes.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from connectors.mail import Letter, compose
from core.i18n import N_, _, day, ngettext, speaking
from core.settings import FollowUps, Mail
from services.budgets.dirty import CAUSES
from services.reminders.gathering import Bundle, Heard, Task

KINDS = {
    "start": N_("Start check"),
    "interval": N_("Follow-up"),
    "before_end": N_("Check before the end"),
    "final": N_("Final evaluation"),
    "plan_review": N_("Review of the plan"),
}

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
    "order_unanswered": N_("An order has not been answered"),
    "hand_over_open": N_("The family's contact details have not been handed over"),
    "delivered_held": N_("A provider's report of what was delivered waits for you"),
    "invoice_held": N_("An invoice waits for you"),
    "choice_conflict": N_("The source names another provider than was chosen"),
    "entry_replaced": N_("The source now states something else than was entered here"),
    "digest_undelivered": N_("A daily e-mail could not be delivered"),
}
#: Causes that may stand beside it: they are the same for everybody.
_CAUSES = frozenset(CAUSES.values())
OTHER_NEWS = N_("Something happened that you should look at")

_SECTIONS = (
    ("new", N_("To follow up")),
    ("overdue", N_("Reminded of before, still open")),
    ("escalated", N_("Left open by your unit's workers")),
)

#: Numbers of ours: they say nothing about anybody.
_NUMBER = re.compile(r"(HB|T)-\d{4}-\d{6,12}")
_PAGES = {"HB": "cases", "T": "orders"}


@dataclass(frozen=True)
class Line:
    """One row of the mail."""

    reference: str
    what: str
    due: str
    link: str


@dataclass(frozen=True)
class Section:
    """Rows under one heading."""

    heading: str
    lines: list[Line]


def write(bundle: Bundle, local_date: date, now: datetime, settings: FollowUps, mail: Mail) -> tuple[str, str]:
    """The Message-ID and the whole message (7-bit, CRLF) for one person's day, in that person's language.

    Raises Permanent for an address that could smuggle in a header.
    """
    with speaking(bundle.person.language):
        view = _view(bundle, local_date, settings)
        letter = Letter(
            sender=mail.sender,
            recipient=bundle.person.email,
            subject=view["subject"],
            text=_template("digest.txt").render(view),
            html=_template("digest.html").render(view),
            message_id=_message_id(bundle.person.external_id, local_date, mail.sender),
            written_at=now,
            list_id=f"reminders.avain.{_domain(mail.sender)}",
        )
    return letter.message_id, compose(letter).decode("ascii")


def kind_label(kind: str) -> str:
    """A follow-up's kind in the present reader's language."""
    return _(KINDS[kind])


def _view(bundle: Bundle, local_date: date, settings: FollowUps) -> dict[str, Any]:
    base = settings.base_url.rstrip("/")
    count = len(bundle.tasks) + len(bundle.news)
    stood_in = sum(task.stood_in for task in bundle.tasks) + sum(one.stood_in for one in bundle.news)
    sections = [
        Section(_(heading), [_task_line(task, base) for task in bundle.tasks if task.why == why])
        for why, heading in _SECTIONS
    ]
    sections.append(Section(_("News"), [_news_line(one, base) for one in bundle.news]))
    return {
        "language": bundle.person.language if bundle.person.language in {"fi", "sv", "en"} else "fi",
        "subject": ngettext("Avain: {count} matter waits for you", "Avain: {count} matters wait for you", count).format(
            count=count
        ),
        "heading": _("Reminders of {date}").format(date=day(local_date)),
        "sections": [section for section in sections if section.lines],
        "stood_in": ngettext(
            "{count} of these belongs to a worker who cannot be reached by e-mail; therefore it comes to you.",
            "{count} of these belong to workers who cannot be reached by e-mail; therefore they come to you.",
            stood_in,
        ).format(count=stood_in)
        if stood_in
        else "",
        "columns": {"reference": _("Number"), "what": _("What"), "due": _("Due"), "link": _("Link")},
        "due_label": _("due"),
        "open_label": _("Open in Avain"),
        "footer": _("This message was sent by a machine; answers to it are not read. Acknowledge reminders in Avain."),
    }


def _task_line(task: Task, base: str) -> Line:
    return Line(task.case_number, kind_label(task.kind), day(task.due), f"{base}/follow-ups/{task.id}")


def _news_line(news: Heard, base: str) -> Line:
    label = _(NEWS.get(news.kind, OTHER_NEWS))
    if news.cause in _CAUSES:
        label = f"{label} ({_(news.cause)})"
    number = _NUMBER.search(news.subject)
    if number is None:
        return Line("", label, "", f"{base}/notices/{news.id}")
    return Line(number[0], label, "", f"{base}/{_PAGES[number[1]]}/{number[0]}")


def _message_id(external_id: str, local_date: date, sender: str) -> str:
    """One per person and day, for ever the same; it does not tell who the person is."""
    digest = hashlib.sha256(f"{external_id}|{local_date}|{sender}".encode()).hexdigest()[:16]
    return f"<digest.{local_date}.{digest}@{_domain(sender)}>"


def _domain(sender: str) -> str:
    return sender.rpartition("@")[2]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _template(name: str) -> Template:
    return _environment().get_template(name)
