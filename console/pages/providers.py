"""Providers: who they are, on what contract, what they offer; edited as a whole, by the rules of `avain provider import`."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from starlette.responses import Response

from console.forms import Form, Sent
from console.pages import provider_form
from console.roles import READERS
from console.visit import Here, Pages, Visit
from core.errors import InputError, Message, NotFound
from core.i18n import _
from services.access.people import PRICE_MANAGER
from services.compare.words import facts_in_words
from services.labels import channel_name
from services.orders.sending.testing import call_test
from services.prices.rises import rule_in_words
from services.reference_data import overview
from services.reference_data.editing import ChangedMeanwhileError, FieldInputError, NeedsYesError
from services.reference_data.provider_editing import (
    StoredProvider,
    edit_provider,
    stored_provider,
    usage,
)

pages = Pages()
_NEW: Final = {"country": "FI", "language": "fi", "channel": "email", "endpoint_scheme": "0216", "active": "on"}


@pages.get("/providers", roles=READERS)
def providers(visit: Here) -> Response:
    """All of them, with what is wrong with each."""
    rows = overview.providers(visit.session, visit.today)
    missing = overview.without_next_year(visit.session, visit.today)
    visit.saw("providers", "providers.listed", count=len(rows))
    return visit.page(
        "reference/providers.html", rows=rows, missing=missing, year=visit.today.year + 1, may_write=_may_write(visit)
    )


@pages.get("/providers/new", roles=(PRICE_MANAGER,))
def new_provider(visit: Here) -> Response:
    """An empty form."""
    return _form(visit, Form(dict(_NEW)), None)


@pages.post("/providers/new", roles=(PRICE_MANAGER,))
def add_provider(visit: Here, sent: Sent) -> Response:
    """A new provider."""
    return _save(visit, Form(sent), None)


@pages.get("/providers/{business_id}", roles=READERS)
def provider(visit: Here, business_id: str) -> Response:
    """One provider, as it is kept; no secrets of its channel."""
    stored = _stored(visit, business_id)
    visit.saw(f"provider:{business_id}", "provider.viewed")
    return _shown(visit, stored)


@pages.post("/providers/{business_id}/test-order", roles=(PRICE_MANAGER,))
def send_test_order(visit: Here, business_id: str) -> Response:
    """Have a document that is no order sent the way the provider's orders go; its run says what came of it."""
    stored = _stored(visit, business_id)
    connections = visit.settings.orders.connections
    try:
        with visit.session.begin_nested():
            tried = call_test(visit.session, business_id, connections=connections, actor=visit.actor, now=visit.now)
    except InputError as refused:
        return _shown(visit, stored, status=422, refused=refused.message)
    return visit.go(f"/runs/called/{tried.work_id}")


@pages.get("/providers/{business_id}/edit", roles=(PRICE_MANAGER,))
def edit_form(visit: Here, business_id: str) -> Response:
    """The form, as the provider is kept."""
    stored = _stored(visit, business_id)
    visit.saw(f"provider:{business_id}", "provider.viewed")
    return _form(visit, Form({**provider_form.fields_of(stored.shown), "version": stored.version}), stored)


@pages.post("/providers/{business_id}/edit", roles=(PRICE_MANAGER,))
def save_provider(visit: Here, business_id: str, sent: Sent) -> Response:
    """The provider as the form states it."""
    return _save(visit, Form({**sent, "business_id": business_id}), _stored(visit, business_id))


def _shown(visit: Visit, stored: StoredProvider, *, status: int = 200, refused: Message | None = None) -> Response:
    shown = stored.shown
    return visit.page(
        "reference/provider.html",
        status=status,
        provider=shown,
        facts=facts_in_words(shown["facts"]),
        contract=overview.contract_state(overview.rules_of(shown["contract"]), visit.today),
        contracts=[
            (one.number, one.first, one.until - timedelta(days=1), rule_in_words(one).text())
            for one in overview.rules_of(shown["contract"])
        ],
        vat={code: _(words) for code, words in provider_form.VAT},
        lists=overview.lists_in_force(visit.session, stored.id, visit.today),
        usage=usage(visit.session, stored.id, visit.today),
        missing=overview.without_next_year(visit.session, visit.today, stored.id).get(shown["business_id"], []),
        year=visit.today.year + 1,
        may_write=_may_write(visit),
        refused=refused,
    )


def _save(visit: Visit, form: Form, stored: StoredProvider | None) -> Response:
    entry = provider_form.entry_of(form)
    if entry is None:
        return _form(visit, form, stored)
    try:
        with visit.session.begin_nested():
            changed = edit_provider(
                visit.session,
                entry,
                version=form.value("version") if stored else None,
                sure=form.checked("sure"),
                actor=visit.actor,
                now=visit.now,
                today=visit.today,
                connections=visit.settings.orders.connections,
            )
    except ChangedMeanwhileError as error:
        both = provider_form.where_they_differ(error.kept, entry)
        form = replace(form, values={**form.values, "version": error.version})
        return _form(visit, form, stored, both=both, status=409)
    except NeedsYesError as error:
        form.wrong("sure", str(error))
        return _form(visit, form, stored, consequences=[one.text() for one in error.consequences])
    except FieldInputError as error:
        form.wrong(_field_of(form, error.field), str(error))
        return _form(visit, form, stored)
    said = Message("{name} was saved.", name=entry.name) if changed else Message("Nothing was changed.")
    return visit.go(f"/providers/{entry.business_id}", said)


def _field_of(form: Form, place: str) -> str:
    """The field of the form for a contract or service that is named by its number or code."""
    group, _dot, key = place.partition(".")
    named = {"contract": "number", "service": "service"}.get(group)
    if not key or named is None:
        return place
    return next((f"{group}.{at}.{named}" for at in form.rows(group) if form.text(f"{group}.{at}.{named}") == key), "")


def _form(
    visit: Visit,
    form: Form,
    stored: StoredProvider | None,
    *,
    both: list[tuple[str, str, str]] | None = None,
    consequences: list[str] | None = None,
    status: int | None = None,
) -> Response:
    """The form, with one empty sub-form each for another contract and service."""
    services = overview.services(visit.session)
    groups = {group: form.rows(group) for group in ("contract", "service")}
    return visit.page(
        "reference/provider_form.html",
        status=status or (422 if form.problems else 200),
        form=form,
        stored=stored.shown if stored else None,
        groups={group: _with_one_more(form, group, rows) for group, rows in groups.items()},
        label=provider_form.label,
        options={
            "services": [
                ("", "–"),
                *((one["code"], f"{one['code']} {overview.service_name(one)}") for one in services),
            ],
            "rules": [(code, _(words)) for code, words in provider_form.RULES],
            "vat": [(code, _(words)) for code, words in provider_form.VAT],
            "channels": [(code, channel_name(code)) for code in provider_form.CHANNELS],
            "connections": [("", "–"), *((name, name) for name in _connections(visit, form))],
            "profiles": [(code, _(words)) for code, words in provider_form.PROFILES],
            "xml": [("", _("as the organisation says")), ("true", _("yes")), ("false", _("no"))],
            "periods": [(code, _(words)) for code, words in provider_form.PERIODS],
            "languages": provider_form.READERS,
            "yes_no": [("", _("not known")), ("yes", _("yes")), ("no", _("no"))],
            "schemes": [("0216", "0216 (OVT)"), ("0088", "0088 (GLN)")],
        },
        both=both or [],
        consequences=consequences or [],
    )


def _with_one_more(form: Form, group: str, rows: list[int]) -> list[int]:
    """The numbers of a group's sub-forms, with an empty one at the end."""
    key = {"contract": "number", "service": "service"}[group]
    filled = [
        at
        for at in rows
        if form.text(f"{group}.{at}.{key}") or any(p.startswith(f"{group}.{at}.") for p in form.problems)
    ]
    return [*filled, max(rows, default=-1) + 1]


def _connections(visit: Visit, form: Form) -> list[str]:
    """Those of avain.toml, and the one that is stated, which may have gone from there."""
    return sorted({*visit.settings.orders.connections, form.value("channel_settings.connection")} - {""})


def _stored(visit: Visit, business_id: str) -> StoredProvider:
    stored = None if "\0" in business_id else stored_provider(visit.session, business_id)
    if stored is None:
        raise NotFound("There is no provider {business_id}.", business_id=business_id)
    return stored


def _may_write(visit: Visit) -> bool:
    return visit.person.is_one_of(PRICE_MANAGER)
