"""One piece of news, where the link of an e-mail leads: the sentence, and the way to what it is about."""

from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from console.paging import Id
from console.roles import EVERYBODY
from console.visit import Here, Pages, Visit
from core.errors import Message
from core.i18n import _
from services import notices
from services.audit_of_case import cases_of_orders
from services.reminders.message import NEWS, OTHER_NEWS

pages = Pages()

#: Where the page is of what a notice is about; of anything else there is none that every reader may open.
_PAGES: Final = {"case": "/cases/{}", "item": "/cases/{}/compare", "order": "/orders/{}"}


@pages.get("/notices/{notice}", roles=EVERYBODY)
def notice(visit: Here, notice: Id) -> Response:
    """What somebody should hear. Whom it was not written to is told the same as of one that does not exist."""
    found = notices.read_notice(visit.session, visit.person, notice, visit.today)
    number, way = _subject(found.subject)
    visit.saw_cases(f"notice:{found.id}", "notice.viewed", _cases(visit, found.subject), kind=found.kind)
    said = Message.from_json(found.message)
    return visit.page(
        "follow_ups/notice.html",
        notice=found,
        title=_(NEWS.get(found.kind, OTHER_NEWS)),
        said=said.text() if said.msgid else "",
        number=number,
        way=way,
    )


def _cases(visit: Visit, subject: str) -> list[str]:
    """The case it is about; none where it is about something else."""
    kind, _colon, name = subject.partition(":")
    if kind == "order":
        return cases_of_orders(visit.session, [name])
    return [name.partition("/")[0]] if kind in {"case", "item"} else []


def _subject(subject: str) -> tuple[str, str | None]:
    """What it is about, as people call it, and the address of its page."""
    kind, _colon, name = subject.partition(":")
    number = name.partition("/")[0] if kind == "item" else name
    return number, _PAGES[kind].format(quote(number, safe="")) if kind in _PAGES else None
