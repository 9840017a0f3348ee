"""Own unit costs (oman toiminnan yksikkökustannukset): by year with their provenance, entered for several services at once, ended.

What is entered is a price list of its own: its plan is shown first, and applied exactly as it was shown (services/prices/own_costs.py).
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, get_args

from fastapi import Query
from starlette.responses import Response

from console import fields
from console.forms import Form, Sent
from console.paging import Id
from console.roles import READERS
from console.visit import Here, Pages, Visit
from core.errors import InputError, Message, NotFound
from core.i18n import _, day
from core.units import unit_name
from services.access.people import PRICE_MANAGER
from services.labels import counts_in_words
from services.prices import own_costs
from services.prices.words import amount_in_words, change_in_words, effect_in_words, per_what
from services.reference_data.overview import service_name, services
from services.reference_data.services import Unit

pages = Pages()
_UNITS: Final[tuple[str, ...]] = get_args(Unit)
#: What a plan's page keeps of the form it came from, so that it can be gone back to.
_OF_THE_FORM: Final = ("year", "first", "last", "all")

_YEARS: Final = (2000, 2100)
_YEAR_DIGITS: Final = 4
Year = Annotated[int | None, Query(ge=_YEARS[0], le=_YEARS[1])]


@pages.get("/unit-costs", roles=READERS)
def unit_costs(visit: Here, year: Year = None) -> Response:
    """A year's costs, each with the file and run it comes from, and what is missing."""
    shown = year or visit.today.year
    rows = own_costs.of_year(visit.session, shown)
    missing = [one for one in own_costs.wanted(visit.session, shown) if not one["priced"]]
    visit.saw("unit_costs", "unit_costs.listed", year=shown)
    return visit.page(
        "reference/unit_costs.html",
        year=shown,
        rows=[_row(one, visit.today) for one in rows],
        missing=[(service_name(one), one["code"], unit_name(one["unit"]), one["decisions"]) for one in missing],
        others=own_costs.other_sources(visit.settings.sources),
        may_write=visit.person.is_one_of(PRICE_MANAGER),
    )


@pages.get("/unit-costs/new", roles=(PRICE_MANAGER,))
def new_costs(visit: Here, year: Year = None, every: Annotated[str, Query(alias="all")] = "") -> Response:
    """Fields for the costs of a year: every service that needs one, or every service there is."""
    wanted = year or visit.today.year
    days = {"first": day(date(wanted, 1, 1)), "last": day(date(wanted, 12, 31))}
    return _form(visit, Form({"year": str(wanted), **days, "all": every}))


@pages.post("/unit-costs/new", roles=(PRICE_MANAGER,))
def change_costs(visit: Here, sent: Sent) -> Response:
    """The fields again, as they were filled in before the plan was shown."""
    return _form(visit, Form(sent))


@pages.post("/unit-costs/plan", roles=(PRICE_MANAGER,))
def plan_costs(visit: Here, sent: Sent) -> Response:
    """What the entered costs would change. Nothing is written."""
    form = Form(sent)
    costs = _costs(form)
    if form.problems:
        return _form(visit, form)
    return _plan(visit, own_costs.list_of(costs), form, kept=_kept(sent))


@pages.post("/unit-costs/apply", roles=(PRICE_MANAGER,))
def apply_costs(visit: Here, sent: Sent) -> Response:
    """Exactly what was shown, or what it would be by now."""
    content = sent.get("content", "")
    try:
        with visit.session.begin_nested():
            entered = own_costs.enter(
                visit.session,
                content,
                seen=sent.get("seen", ""),
                note=sent.get("note", ""),
                budgets=visit.settings.budgets,
                actor=visit.actor,
                now=visit.now,
            )
    except own_costs.SeenOtherError as error:
        return _plan_page(visit, error.look, Form(sent, {"": str(error)}), _kept(sent), 409)
    except InputError as error:
        form = Form(sent, {"note": str(error)})
        return _plan(visit, content, form, kept=_kept(sent))
    said = Message(
        "The unit costs were entered ({figures}). Run {run} says what was done.",
        figures=counts_in_words({name: count for name, count in entered.counts.items() if count}),
        run=entered.run_id,
    )
    return visit.go(f"/unit-costs?year={_year_of(sent, visit)}", said)


@pages.get("/unit-costs/{price_id}/end", roles=(PRICE_MANAGER,))
def end_form(visit: Here, price_id: Id) -> Response:
    """When a cost shall end."""
    return _end_form(visit, _cost(visit, price_id), Form({"last": day(visit.today)}))


@pages.post("/unit-costs/{price_id}/end", roles=(PRICE_MANAGER,))
def plan_end(visit: Here, price_id: Id, sent: Sent) -> Response:
    """What ending it would change. Nothing is written."""
    cost, form = _cost(visit, price_id), Form(sent)
    last = form.read("last", fields.day, _("Last day"))
    try:
        if last is None:
            form.wrong("last", _("{field}: is missing").format(field=_("Last day")))
            return _end_form(visit, cost, form)
        content = own_costs.list_that_ends(cost, last, visit.today)
    except InputError as error:
        form.wrong("last", str(error))
        return _end_form(visit, cost, form)
    return _plan(visit, content, Form(), kept={"year": str(last.year)})


def _plan(visit: Visit, content: str, form: Form, *, kept: dict[str, str]) -> Response:
    try:
        look = own_costs.look(visit.session, content, budgets=visit.settings.budgets, now=visit.now)
    except InputError as error:
        if any(name.startswith("cost.") for name in kept):
            return _form(visit, Form(kept, {"": str(error)}))
        raise
    return _plan_page(visit, look, form, kept, 422 if form.problems else 200)


def _plan_page(visit: Visit, look: own_costs.Look, form: Form, kept: dict[str, str], status: int) -> Response:
    plan = look.prepared.plan
    if not look.reasons and "note" in form.problems:  # there is no field to write a reason in
        form = Form(form.values, {"": form.problems["note"]})
    names = {one["code"]: service_name(one) for one in services(visit.session)}
    return visit.page(
        "reference/unit_costs_plan.html",
        status=status,
        form=form,
        content=look.content,
        seen=look.seen,
        kept=kept,
        goes_back=any(name.startswith("cost.") for name in kept),
        year=_year_of(kept, visit),
        changes=[change_in_words(one, names.get(one.service)) for one in plan.changes],
        unchanged=plan.unchanged,
        reasons=[one.text() for one in look.reasons],
        effect=effect_in_words(look.effect) if look.effect is not None else [],
        others=own_costs.other_sources(visit.settings.sources),
    )


def _form(visit: Visit, form: Form) -> Response:
    year = _year_of(form.values, visit)
    wanted = own_costs.wanted(visit.session, year, every=form.checked("all"))
    numbers = {form.value(f"cost.{at}.service"): at for at in form.rows("cost")}
    values, problems = dict(form.values), dict(form.problems)
    rows = []
    for at, one in enumerate(wanted):
        was = numbers.get(one["code"])  # the same service may stand in another place by now
        for name, otherwise in (("amount", ""), ("unit", one["unit"])):
            values[f"cost.{at}.{name}"] = form.values.get(f"cost.{was}.{name}", otherwise)
            if problem := form.problem(f"cost.{was}.{name}"):
                problems[f"cost.{at}.{name}"] = problem
        newest = None if one["amount"] is None else f"{amount_in_words(one['amount'])}/{unit_name(one['unit'])}"
        rows.append((at, one["code"], service_name(one), newest, one["last"], one["priced"]))
    return visit.page(
        "reference/unit_costs_form.html",
        status=422 if problems else 200,
        form=Form(values, problems),
        year=year,
        rows=rows,
        units=[(unit, unit_name(unit)) for unit in ("C62", "HUR", "DAY", "WEE", "MON", "LS", "KMT", "MIN")],
    )


def _costs(form: Form) -> list[own_costs.Cost]:
    """What was entered; rows without an amount are left out. Notes what is wrong in the form."""
    first = form.read("first", fields.day, _("First day"))
    last = form.read("last", fields.day, _("Last day"))
    if first is not None and last is not None and last < first:
        form.wrong("last", _("{field}: is before the first day").format(field=_("Last day")))
    found = []
    for at in form.rows("cost"):
        name, code, unit = f"cost.{at}.amount", form.text(f"cost.{at}.service"), form.text(f"cost.{at}.unit")
        amount = form.read(name, fields.decimal, code or "")
        if amount is None or code is None:
            continue
        problem = own_costs.problem_of(amount)
        if problem is not None:
            form.wrong(name, f"{code}: {problem.text()}")
        elif unit not in _UNITS:
            form.wrong(f"cost.{at}.unit", _("{field}: is not one of the choices").format(field=f"{code}, {_('Unit')}"))
        else:
            found.append(own_costs.Cost(code, unit, _plain(amount), first, last))
    if not found and not form.problems:
        form.wrong("", _("No cost was entered."))
    return found


def _end_form(visit: Visit, cost: dict[str, Any], form: Form) -> Response:
    row = _row(cost, visit.today)
    return visit.page("reference/unit_costs_end.html", status=422 if form.problems else 200, form=form, row=row)


def _row(one: dict[str, Any], today: date) -> dict[str, Any]:
    return {
        **one,
        "name": service_name(one),
        "amount": amount_in_words(one["amount"]),
        "per": per_what(
            one["unit"], one["base_quantity"], one["time_class"], one["minimum_quantity"], one["territory"]
        ),
        "may_end": one["last"] is None or one["last"] >= today,
    }


def _cost(visit: Visit, price_id: int) -> dict[str, Any]:
    cost = own_costs.one_cost(visit.session, price_id)
    if cost is None:
        raise NotFound("That unit cost is not in force any more.")
    return cost


def _kept(sent: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in sent.items() if name in _OF_THE_FORM or name.startswith("cost.")}


def _year_of(values: Any, visit: Visit) -> int:
    written = values.get("year", "")
    plain = written.isascii() and written.isdigit() and len(written) == _YEAR_DIGITS
    return int(written) if plain and _YEARS[0] <= int(written) <= _YEARS[1] else visit.today.year


def _plain(amount: Decimal) -> Decimal:
    return Decimal(f"{amount.normalize():f}")
