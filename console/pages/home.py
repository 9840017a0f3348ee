"""Today: where everybody begins. What waits for a person, by role; a role's sections stand there also when they are empty."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import Response

from console.roles import EVERYBODY
from console.visit import Here, Pages, Visit
from core.clock import local_date
from core.errors import Message
from core.i18n import ngettext
from schedules import jobs
from services import heartbeats
from services.access.people import OPERATOR, PRICE_MANAGER, SUPERVISOR, WORKER
from services.audit_of_case import cases_of_orders
from services.budgets.words import state_name
from services.follow_ups.words import KINDS
from services.lights import Light, colour_name, lights
from services.orders.words import ASKING, incoming_name
from services.reminders import operators
from services.reminders.message import NEWS, OTHER_NEWS
from services.today import (
    Section,
    for_operator,
    for_price_manager,
    for_supervisor,
    for_worker,
    late_since,
    unplaced_invoices,
)
from services.work.history import given_up_count

pages = Pages()

#: What is wrong comes first.
_GRAVITY: Final = {"bad": 0, "care": 1, "good": 2, "off": 3}
#: So many lights are shown until somebody asks for all of them.
_LIGHTS: Final = 12

All = Annotated[list[str] | None, Query(alias="all")]


@dataclass(frozen=True)
class Machinery:
    """What an operator looks at: lights, the gravest first, work that was given up, and who is alive."""

    lights: list[Light]
    more: int
    given_up: int
    alive: list[heartbeats.Sign]
    silent: list[heartbeats.Sign]
    reminders: operators.State


@pages.get("/", roles=EVERYBODY)
def today(visit: Here, everything: All = None) -> Response:
    """What waits for this person, by role."""
    full = frozenset(everything or ())
    works = visit.person.is_one_of(WORKER)
    calendar = jobs.calendar(visit.settings.follow_ups)
    late = late_since(visit.today, visit.settings.orders.answer_working_days, calendar)
    sections: dict[str, Section] = {}
    if works:
        sections |= for_worker(
            visit.session,
            visit.person,
            visit.today,
            late=late,
            everything=full,
            families=visit.settings.family.enabled,
        )
    if visit.person.is_one_of(SUPERVISOR) and not visit.person.everything:  # who sees everything has seen these above
        sections |= for_supervisor(visit.session, visit.person, visit.today, late=late, everything=full)
    if sections:
        _note(visit, sections)
    if visit.person.is_one_of(PRICE_MANAGER):
        days = visit.settings.prices.ending_soon_days
        sections |= for_price_manager(visit.session, visit.today, ending_days=days, everything=full)
    if visit.person.is_one_of(SUPERVISOR, PRICE_MANAGER):
        sections |= unplaced_invoices(visit.session, everything=full)
    machinery = None
    if visit.person.is_one_of(OPERATOR):
        sections |= for_operator(visit.session, everything=full)
        machinery = _machinery(visit, everything="lights" in full)
    return visit.page("today.html", sections=sections, machinery=machinery, **_words(visit))


def _words(visit: Visit) -> dict[str, Any]:
    """How the page says what the database keeps."""
    return {
        "kinds": KINDS,
        "news": NEWS,
        "other_news": OTHER_NEWS,
        "state_name": state_name,
        "colour_name": colour_name,
        "asking": ASKING,
        "incoming_name": incoming_name,
        "message": Message.from_json,
        "next_year": visit.today.year + 1,
        "waited": lambda since: _waited((visit.today - local_date(since)).days),
        "names": lambda signs: ", ".join(sorted(one.name for one in signs)),
    }


def _waited(days: int) -> str:
    return ngettext("{count} day", "{count} days", max(days, 0)).format(count=max(days, 0))


def _note(visit: Visit, sections: dict[str, Section]) -> None:
    """Lists of cases are looked at: one event for all of them."""
    named = [row["number"] for one in sections.values() for row in one.rows if row.get("number")]
    orders = {one for one in named if one.startswith("T-")}  # some news name an order
    shown = [*named, *(cases_of_orders(visit.session, orders) if orders else ())]
    shown = [one for one in dict.fromkeys(shown) if one not in orders]
    visit.saw_cases("cases:today", "cases.listed", shown)


def _machinery(visit: Visit, *, everything: bool) -> Machinery:
    told = sorted(lights(visit.session, visit.settings, visit.now), key=lambda one: _GRAVITY[one.colour])
    shown = told if everything else told[:_LIGHTS]
    signs = heartbeats.signs(visit.session)
    return Machinery(
        shown,
        len(told) - len(shown),
        given_up_count(visit.session),
        [one for one in signs if one.alive],
        [one for one in signs if not one.alive],
        operators.state(visit.session, visit.today),
    )
