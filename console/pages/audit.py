"""The audit trail, for auditors: who did and saw what, newest first. Looking at it is itself noted in it."""

from datetime import datetime, time, timedelta

from starlette.responses import Response

from console import fields, paging
from console.paging import Key
from console.visit import Here, Pages
from core.errors import InputError, Message
from core.i18n import HELSINKI, _
from core.logging import redact
from services import audit
from services.access.people import AUDITOR
from services.audit_actions import known_actions

pages = Pages()


@pages.get("/audit", roles=(AUDITOR,))
def list_events(
    visit: Here, *, subject: str = "", actor: str = "", action: str = "", day: str = "", before: Key = None
) -> Response:
    """Events of a subject, an actor, an action, a day; a page at a time."""
    typed = {"subject": subject.strip(), "actor": actor.strip(), "action": action, "day": day}
    if any(redact(value) != value for value in typed.values()):
        # led on, so that it stays neither in the address nor, as what was looked for, in the trail
        return visit.go("/audit", Message("That holds a henkilötunnus. Leave it out."), wrong=True)
    refused: Message | None = None
    events = []
    try:
        wanted = audit.Wanted(
            _subject(fields.words(subject, _("Case or other subject"))),
            fields.words(actor, _("Who")) or None,
            fields.words(action, _("Act")) or None,
            _bounds(day),
        )
        events = audit.listed(visit.session, wanted, before=before, limit=audit.PAGE + 1)
    except InputError as error:
        refused = error.message
    leaf = paging.leaf(events, audit.PAGE, "/audit", typed, before=before)
    said = {name: value for name, value in typed.items() if value}
    if refused is None:
        visit.saw(
            "audit", "audit.listed", count=len(leaf.rows), **{f"of_{name}": value for name, value in said.items()}
        )
    return visit.page(
        "audit.html",
        status=200 if refused is None else 422,
        leaf=leaf,
        wanted=typed,
        actions=known_actions(),
        refused=refused,
        whole_case=_case(typed["subject"]),
    )


def _case(typed: str) -> str:
    """The number of the case that is looked for, or ''."""
    kind, colon, name = typed.partition(":")
    number = name if colon and kind == "case" else typed.upper() if not colon else ""
    return number if number.isprintable() else ""


def _subject(typed: str) -> str | None:
    """A subject as it stands in the trail; of a case its number is enough."""
    if not typed:
        return None
    return typed if ":" in typed else f"case:{typed.upper()}"


def _bounds(typed: str) -> tuple[datetime, datetime] | None:
    """The first moment of a day in Helsinki, and of the next. Raises InputError."""
    found = fields.day(typed, _("Day"))
    if found is None:
        return None
    try:
        first = datetime.combine(found, time(), HELSINKI)
        return first, datetime.combine(found + timedelta(days=1), time(), HELSINKI)
    except OverflowError:
        raise InputError("{field}: there is no such day. Write it for example so: 21.11.2026", field=_("Day")) from None
