"""Who saw and did what for one case, and the extract for a client who asks: for the supervisor of its people, and for auditors by number.

Looking here is in the trail as well, and so is handing out an extract.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from starlette.responses import Response

from console import fields, paging
from console.forms import Form, Sent
from console.paging import Key
from console.visit import Here, Pages, Visit
from core.clock import local_date
from core.errors import InputError, Message, NotFound
from core.i18n import HELSINKI, _
from core.logging import redact
from services import audit_extract, audit_of_case
from services.access.cases import supervised_case
from services.access.people import AUDITOR, SUPERVISOR
from services.audit_actions import action_name
from services.audit_of_case import Case
from services.audit_purposes import purpose_of

pages = Pages()
_MEDIA_TYPES: Final = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True)
class _Typed:
    """What the list is narrowed to, as it stands in the address."""

    actor: str = ""
    action: str = ""
    first: str = ""
    last: str = ""


@pages.get("/cases/{number}/audit", roles=(SUPERVISOR,))
def of_supervised(  # noqa: PLR0917 - what the list is narrowed down by
    visit: Here, number: str, actor: str = "", action: str = "", first: str = "", last: str = "", before: Key = None
) -> Response:
    """For the supervisor of the case's people; whoever is not is answered as if there were no such case."""
    case = _supervised(visit, number)
    return _page(visit, case, f"/cases/{case.number}/audit", _Typed(actor, action, first, last), before=before)


@pages.post("/cases/{number}/audit/extract", roles=(SUPERVISOR,))
def extract_of_supervised(visit: Here, number: str, sent: Sent) -> Response:
    """A file, in Finnish, to be handed to the client."""
    case = _supervised(visit, number)
    return _extract(visit, case, f"/cases/{case.number}/audit", Form(sent))


@pages.get("/audit/cases/{number}", roles=(AUDITOR,))
def by_number(  # noqa: PLR0917 - what the list is narrowed down by
    visit: Here, number: str, actor: str = "", action: str = "", first: str = "", last: str = "", before: Key = None
) -> Response:
    """For an auditor, who sees the trail of every case, and nothing else of it."""
    case = audit_of_case.case_of(visit.session, number)
    return _page(visit, case, f"/audit/cases/{case.number}", _Typed(actor, action, first, last), before=before)


@pages.post("/audit/cases/{number}/extract", roles=(AUDITOR,))
def extract_by_number(visit: Here, number: str, sent: Sent) -> Response:
    """A file, in Finnish, to be handed to the client."""
    case = audit_of_case.case_of(visit.session, number)
    return _extract(visit, case, f"/audit/cases/{case.number}", Form(sent))


def _supervised(visit: Visit, number: str) -> Case:
    access = supervised_case(visit.session, visit.person, number, visit.today)
    if access is None:
        raise NotFound("There is no case {case} that you can see.", case=number)
    return audit_of_case.case_of(visit.session, access.number)


def _page(
    visit: Visit, case: Case, path: str, typed: _Typed, *, before: int | None = None, form: Form | None = None
) -> Response:
    said = {name: value.strip() for name, value in vars(typed).items() if value.strip()}
    if any(redact(value) != value for value in said.values()):
        # led on, so that it stays neither in the address nor, as what was looked for, in the trail
        return visit.go(path, Message("That holds a henkilötunnus. Leave it out."), wrong=True)
    refused, found = "", []
    try:
        found = audit_of_case.entries(visit.session, case, _wanted(typed), before=before, limit=audit_of_case.PAGE + 1)
    except InputError as error:
        refused, said = str(error), {}
    leaf = paging.leaf(found, audit_of_case.PAGE, path, said, before=before)
    visit.saw(
        f"case:{case.number}",
        "audit.case_viewed",
        count=len(leaf.rows),
        **{f"of_{name}": value for name, value in said.items()},
    )
    known = audit_of_case.choices(visit.session, case)
    return visit.page(
        "audit/case.html",
        status=422 if refused or (form is not None and form.problems) else 200,
        case=case,
        path=path,
        leaf=leaf,
        typed=typed,
        refused=refused,
        actors=dict(known.actors),
        actions=sorted(known.actions, key=action_name),
        purpose_of=purpose_of,
        form=form or Form(),
        forms=audit_extract.FORMS,
        years=visit.settings.audit.request_years,
    )


def _wanted(typed: _Typed) -> audit_of_case.Wanted:
    """What the list is narrowed to. Raises InputError."""
    first = fields.day(typed.first, _("From the day"))
    last = fields.day(typed.last, _("To the day"))
    try:
        return audit_of_case.Wanted(
            fields.words(typed.actor, _("Who")) or None,
            fields.words(typed.action, _("Act")) or None,
            None if first is None else datetime.combine(first, time(), HELSINKI),
            None if last is None else datetime.combine(last + timedelta(days=1), time(), HELSINKI),
        )
    except OverflowError:
        raise InputError(
            "{field}: there is no such day. Write it for example so: 21.11.2026", field=_("To the day")
        ) from None


def _extract(visit: Visit, case: Case, path: str, form: Form) -> Response:
    try:
        days = audit_extract.period(
            fields.day(form.value("first"), _("From the day")),
            fields.day(form.value("last"), _("To the day")),
            fields.words(form.value("why"), _("Special reason")),
            today=local_date(visit.now),
            years=visit.settings.audit.request_years,
        )
        kind = form.value("form")
        extract = audit_extract.extract_of(visit.session, case.number, days, now=visit.now, settings=visit.settings)
        made = audit_extract.make(extract, kind)
    except InputError as error:
        form.wrong("extract", str(error))
        return _page(visit, case, path, _Typed(), form=form)
    audit_extract.note_made(visit.session, visit.actor, extract, made, kind, now=visit.now)
    return visit.file(made.content, name=made.name, media_type=_MEDIA_TYPES[kind])
