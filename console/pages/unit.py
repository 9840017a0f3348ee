"""A unit as its supervisor sees it: is it cost-neutral, how long do families wait, what do they say, what has been left open.

Another unit's supervisor is answered as if the unit did not exist. What is told of many cases comes from services/oversight, in which no
group of fewer than five stands.
"""

from starlette.responses import Response

from console import unit_picture
from console.visit import Here, Pages, Visit
from core.errors import InputError, NotFound
from services.access.people import SUPERVISOR
from services.budgets.words import state_name
from services.follow_ups.words import kind_label
from services.oversight import words
from services.oversight.months import Period
from services.oversight.report import IN_FILE, ON_PAGE, Report, report_on
from services.oversight.units import Unit, units_of
from services.oversight.workbook import write_workbook

pages = Pages()
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


# `from` is a word of Python, and `id` one of its functions: the parameters are read from the address itself
@pages.get("/unit", roles=(SUPERVISOR,))
def unit(visit: Here) -> Response:
    """One of the units somebody supervises, in months of their choice."""
    return _page(visit)


@pages.get("/unit.xlsx", roles=(SUPERVISOR,))
def workbook(visit: Here) -> Response:
    """The same as a workbook; months that cannot be read come back as the page, which says so."""
    query = visit.request.query_params
    chosen = _chosen(visit, units_of(visit.session, visit.person))
    try:
        period = Period.read(query.get("from", ""), query.get("to", ""), visit.today)
    except InputError:
        return _page(visit)
    if chosen is None:
        return _page(visit)
    report = _report(visit, chosen, period, IN_FILE)
    made = write_workbook(report)
    _note(visit, "unit.reported", report)
    return visit.file(made, name=f"avain-{chosen.id}-{period.first:%Y-%m}-{period.last:%Y-%m}.xlsx", media_type=_XLSX)


def _page(visit: Visit) -> Response:
    units = units_of(visit.session, visit.person)
    first, last = visit.request.query_params.get("from", ""), visit.request.query_params.get("to", "")
    problem = ""
    try:
        period = Period.read(first, last, visit.today)
    except InputError as error:
        period, problem = Period.usual(visit.today), str(error)
    chosen = _chosen(visit, units)
    report = None
    if chosen is not None:
        report = _report(visit, chosen, period, ON_PAGE)
        _note(visit, "unit.viewed", report)
    return visit.page(
        "unit/unit.html",
        status=422 if problem else 200,
        units=units,
        chosen=chosen,
        report=report,
        problem=problem,
        first=first if problem else f"{period.first:%Y-%m}",
        last=last if problem else f"{period.last:%Y-%m}",
        picture=None if report is None else unit_picture.picture(report.figures.euros),
        words=words,
        state_name=state_name,
        kind_label=kind_label,
    )


def _note(visit: Visit, action: str, report: Report) -> None:
    months = f"{report.period.first:%Y-%m}–{report.period.last:%Y-%m}"
    visit.saw_cases(f"unit:{report.unit.code}", action, report.cases, months=months)


def _report(visit: Visit, chosen: Unit, period: Period, limit: int) -> Report:
    return report_on(
        visit.session,
        chosen,
        period,
        today=visit.today,
        settings=visit.settings,
        me=visit.person.worker_id,
        limit=limit,
    )


def _chosen(visit: Visit, units: list[Unit]) -> Unit | None:
    """The unit of the address, else the first; None for somebody who supervises none. Raises NotFound for one that is not theirs."""
    wanted = visit.request.query_params.get("id", "")
    if not wanted:
        return units[0] if units else None
    for one in units:
        if str(one.id) == wanted:
            return one
    raise NotFound("There is no such unit that you supervise.")
