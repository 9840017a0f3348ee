"""Services, which may stand in for which, and the smallest step of each unit."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, get_args

from pydantic import ValidationError
from starlette.responses import Response

from console import fields
from console.forms import Form, Sent, spread
from console.roles import READERS
from console.visit import Here, Pages, Visit
from core.errors import Message, NotFound
from core.i18n import N_, _, number
from core.units import unit_name
from services.access.people import PRICE_MANAGER
from services.reference_data import overview
from services.reference_data.editing import ChangedMeanwhileError, FieldInputError, differences, version_of
from services.reference_data.faults import complaint, place_of
from services.reference_data.service_editing import (
    StoredService,
    around,
    edit_service,
    edit_unit_steps,
    stored_service,
    unit_steps,
)
from services.reference_data.services import ServiceEntry, Unit

pages = Pages()
_LABELS: Final = {
    "code": N_("Code"),
    "name_fi": N_("Name in Finnish"),
    "name_sv": N_("Name in Swedish"),
    "name_en": N_("Name in English"),
    "unit": N_("Unit"),
    "accounting_cost": N_("Account for orders"),
    "cpv": N_("CPV code"),
    "free_of_charge": N_("Free of charge for the family"),
    "alternatives": N_("May be replaced by"),
}
_UNITS: Final[tuple[str, ...]] = get_args(Unit)


@pages.get("/services", roles=READERS)
def services(visit: Here) -> Response:
    """All of them, and the steps of units."""
    visit.saw("services", "services.listed")
    return _list(visit, _steps_form(unit_steps(visit.session)))


@pages.post("/services/steps", roles=(PRICE_MANAGER,))
def save_steps(visit: Here, sent: Sent) -> Response:
    """The smallest steps; all budgets are calculated anew where one changes."""
    form = Form(sent)
    steps: dict[str, Decimal] = {}
    for name in [one for one in sent if one.startswith("step.")]:
        unit = name.removeprefix("step.")
        step = form.read(name, fields.decimal, unit_name(unit)) if unit in _UNITS else None
        if step is not None:
            steps[unit] = step
    if form.problems:
        return _list(visit, form, status=422)
    try:
        with visit.session.begin_nested():
            changed = edit_unit_steps(
                visit.session,
                steps,
                version=form.value("version"),
                budgets=visit.settings.budgets,
                actor=visit.actor,
                now=visit.now,
            )
    except ChangedMeanwhileError as error:
        both = [
            (unit_name(unit), _in_words(was), number(steps[unit]))
            for unit, was in error.kept.items()
            if unit in steps and Decimal(was) != steps[unit]
        ]
        return _list(visit, replace(form, values={**sent, "version": error.version}), both=both, status=409)
    except FieldInputError as error:
        form.wrong(error.field, str(error))
        return _list(visit, form, status=422)
    said = (
        Message("The steps were saved. All budgets are calculated anew.")
        if changed
        else Message("Nothing was changed.")
    )
    return visit.go("/services", said)


@pages.get("/services/new", roles=(PRICE_MANAGER,))
def new_service(visit: Here) -> Response:
    """An empty form."""
    return _form(visit, Form({"unit": "C62"}), None)


@pages.post("/services/new", roles=(PRICE_MANAGER,))
def add_service(visit: Here, sent: Sent) -> Response:
    """A new service."""
    return _save(visit, Form(sent), None)


@pages.get("/services/{code}", roles=READERS)
def service(visit: Here, code: str) -> Response:
    """One service, who offers it, and what it may stand in for."""
    stored = _stored(visit, code)
    visit.saw(f"service:{code}", "service.viewed")
    return visit.page(
        "reference/service.html",
        service=stored.entry,
        name=overview.service_name(stored.entry),
        around=around(visit.session, stored.id),
        may_write=_may_write(visit),
    )


@pages.get("/services/{code}/edit", roles=(PRICE_MANAGER,))
def edit_form(visit: Here, code: str) -> Response:
    """The form, as the service is kept."""
    stored = _stored(visit, code)
    visit.saw(f"service:{code}", "service.viewed")
    return _form(visit, Form({**_fields_of(stored.entry), "version": stored.version}), stored)


@pages.post("/services/{code}/edit", roles=(PRICE_MANAGER,))
def save_service(visit: Here, code: str, sent: Sent) -> Response:
    """The service as the form states it."""
    return _save(visit, Form({**sent, "code": code}), _stored(visit, code))


def _save(visit: Visit, form: Form, stored: StoredService | None) -> Response:
    entry = _entry_of(form)
    if entry is None:
        return _form(visit, form, stored)
    try:
        with visit.session.begin_nested():
            version = form.value("version") if stored else None
            changed = edit_service(visit.session, entry, version=version, actor=visit.actor, now=visit.now)
    except ChangedMeanwhileError as error:
        mine = entry.model_dump(mode="json")
        mine["alternatives"] = sorted(mine["alternatives"])
        both = [
            (_label(path), _in_words(was), _in_words(becomes))
            for path, (was, becomes) in differences(error.kept, mine).items()
        ]
        return _form(visit, replace(form, values={**form.values, "version": error.version}), stored, both, 409)
    except FieldInputError as error:
        form.wrong(error.field, str(error))
        return _form(visit, form, stored)
    said = Message("{name} was saved.", name=entry.name_fi) if changed else Message("Nothing was changed.")
    return visit.go(f"/services/{entry.code}", said)


def _entry_of(form: Form) -> ServiceEntry | None:
    names = ("code", "name_fi", "name_sv", "name_en", "unit", "accounting_cost", "cpv")
    raw: dict[str, Any] = {name: words for name in names if (words := form.text(name)) is not None}
    raw["free_of_charge"] = form.checked("free_of_charge")
    chosen = [name for name in form.values if name.startswith("alternative.") and form.checked(name)]
    raw["alternatives"] = [name.removeprefix("alternative.") for name in chosen]
    try:
        return ServiceEntry.model_validate(raw)
    except ValidationError as error:
        for one in error.errors():
            name = str(place_of(one)[0])
            form.wrong(name, f"{_label(name)}: {complaint(one)}")
        return None


def _fields_of(entry: Mapping[str, Any]) -> dict[str, str]:
    values = spread({name: value for name, value in entry.items() if name != "alternatives"})
    return values | {f"alternative.{code}": "on" for code in entry["alternatives"]}


def _form(
    visit: Visit,
    form: Form,
    stored: StoredService | None,
    both: list[tuple[str, str, str]] | None = None,
    status: int | None = None,
) -> Response:
    others = [one for one in overview.services(visit.session) if stored is None or one["code"] != stored.entry["code"]]
    return visit.page(
        "reference/service_form.html",
        status=status or (422 if form.problems else 200),
        form=form,
        stored=stored.entry if stored else None,
        name=overview.service_name(stored.entry) if stored else _("Add a service"),
        others=[(one["code"], overview.service_name(one)) for one in others],
        units=[(unit, f"{unit_name(unit)} ({unit})") for unit in _UNITS],
        label=_label,
        both=both or [],
    )


def _list(visit: Visit, form: Form, *, both: list[tuple[str, str, str]] | None = None, status: int = 200) -> Response:
    rows = overview.services(visit.session)
    return visit.page(
        "reference/services.html",
        status=status,
        rows=[{**row, "name": overview.service_name(row)} for row in rows],
        form=form,
        units=[name.removeprefix("step.") for name in sorted(form.values) if name.startswith("step.")],
        both=both or [],
        may_write=_may_write(visit),
    )


def _steps_form(steps: Mapping[str, str]) -> Form:
    """Every unit there is, also one without a step of its own."""
    shown = {f"step.{unit}": number(Decimal(steps[unit])) if unit in steps else "" for unit in _UNITS}
    return Form({**shown, "version": version_of(steps)})


def _stored(visit: Visit, code: str) -> StoredService:
    stored = None if "\0" in code else stored_service(visit.session, code)
    if stored is None:
        raise NotFound("There is no service {code}.", code=code)
    return stored


def _label(name: str) -> str:
    return _(_LABELS.get(name, name))


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(value) or "–"
    return "–" if value in (None, "") else str(value)


def _may_write(visit: Visit) -> bool:
    return visit.person.is_one_of(PRICE_MANAGER)
