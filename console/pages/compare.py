"""Comparing before there is a case: twelve visits of family work, three months – what does the same money buy?

Everything asked stands in the address and nothing of it is about anybody, so that a worker can send the page to a colleague.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import Response

from console import fields, offers
from console.roles import CASE_ROLES
from console.templating import NATIVE
from console.visit import Here, Pages, Visit
from core.errors import InputError, Message
from core.i18n import LANGUAGES, _, language, speaking
from core.units import UNITS
from services.access.people import PRICE_MANAGER
from services.compare import Comparison, compare_service
from services.compare.annex import annex
from services.compare.asking import DECIMALS, MOST_MONTHS, TOO_MUCH, USUAL_MONTHS
from services.compare.reading import ServiceName, baselines

pages = Pages()
ROLES: Final = (*CASE_ROLES, PRICE_MANAGER)

#: Units people can choose; of those that read alike, one.
_UNITS: Final = ("C62", "HUR", "MIN", "DAY", "WEE", "MON", "KMT", "LS")
_MOST_DIGITS: Final = 4

Asked = Annotated[str, Query()]


@dataclass
class Form:
    """What was asked, as it was written, and the sentence beside each field that cannot be read."""

    baseline: str
    quantity: str
    unit: str
    months: str
    problems: dict[str, Message] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing was asked yet."""
        return not (self.baseline or self.quantity or self.unit or self.months)


@pages.get("/compare", roles=ROLES)
def compare(  # noqa: PLR0917 - the fields of the form
    visit: Here,
    baseline: Asked = "",
    quantity: Asked = "",
    unit: Asked = "",
    months: Asked = "",
    show: Asked = "",
) -> Response:
    """The form, and what is asked with it."""
    form, services = Form(baseline, quantity, unit, months), baselines(visit.session)
    found = None if form.empty else _asked(visit, form, services)
    return _page(visit, form, services, found, everything=show == "all")


@pages.get("/compare.pdf", roles=ROLES)
def printed(  # noqa: PLR0917 - the fields of the form
    visit: Here,
    baseline: Asked = "",
    quantity: Asked = "",
    unit: Asked = "",
    months: Asked = "",
    language: Asked = "",
) -> Response:
    """The same on one page of paper; what cannot be read comes back as the form."""
    form, services = Form(baseline, quantity, unit, months), baselines(visit.session)
    with speaking(in_language(language)):
        found = _asked(visit, form, services)
        if found is not None:
            paper = annex(found, made_by=visit.person.name, now=visit.now, language=in_language(language))
            return offers.paper(visit, paper, case="")
    return _page(visit, form, services, None, everything=False)


def in_language(wanted: str) -> str:
    """The language a paper is made in: the one that is asked for, else the reader's."""
    return wanted if wanted in LANGUAGES else language()


def _asked(visit: Visit, form: Form, services: list[ServiceName]) -> Comparison | None:
    """The comparison; None where a field cannot be read, which then says so."""
    amount, months = _quantity(form), _months(form)
    if form.unit and form.unit.upper() not in UNITS:
        form.problems["unit"] = Message("That is not a unit that is known.")
    if not form.baseline.strip():
        form.problems["baseline"] = Message("Choose the service that would be replaced.")
    elif form.baseline.casefold() not in {one.code.casefold() for one in services}:
        form.problems["baseline"] = Message("There is no such service to replace. Choose one of the list.")
    if form.problems or amount is None or months is None:
        return None
    return compare_service(
        visit.session,
        baseline=form.baseline,
        quantity=amount,
        unit=form.unit.upper() or None,
        months=months,
        today=visit.today,
        settings=visit.settings.budgets,
    )


def _quantity(form: Form) -> Decimal | None:
    try:
        amount = fields.decimal(form.quantity, _("Quantity"))
    except InputError as error:
        form.problems["quantity"] = error.message
        return None
    if amount is None:
        form.problems["quantity"] = Message("Say how much of it, for example 12.")
    elif not 0 < amount < TOO_MUCH:
        form.problems["quantity"] = Message("The quantity must be more than nothing and less than can be true.")
    elif -int(amount.normalize().as_tuple().exponent) > DECIMALS:
        form.problems["quantity"] = Message("The quantity may have at most {count} decimals.", count=DECIMALS)
    return amount


def _months(form: Form) -> int | None:
    typed = form.months.strip() or str(USUAL_MONTHS)
    plain = typed.isascii() and typed.isdigit() and len(typed) <= _MOST_DIGITS
    if plain and 1 <= int(typed) <= MOST_MONTHS:
        return int(typed)
    form.problems["months"] = Message("Write a whole number of months, from 1 to {count}.", count=MOST_MONTHS)
    return None


def _page(
    visit: Visit, form: Form, services: list[ServiceName], found: Comparison | None, *, everything: bool
) -> Response:
    known: dict[str, Any] = {"form": form, "services": services, "units": _UNITS, "usual_months": USUAL_MONTHS}
    if form.unit and form.unit not in _UNITS and "unit" not in form.problems:
        known["units"] = (*_UNITS, form.unit.upper())
    if found is not None:
        known |= {
            "about": offers.about(found),
            "remarks": offers.remarks(found),
            "rows": offers.rows_of(found.offers, everything=everything),
        }
    status = 422 if form.problems else 200
    return visit.page("compare/compare.html", status=status, found=found, languages=NATIVE, **known)
