"""The page of one case, as it is shown after looking and again after a form that could not be saved: what was typed stays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from markupsafe import Markup
from starlette.responses import Response

from console import budget_picture, case_family
from console.fields import as_typed
from console.visit import Visit
from core import keys
from core.errors import ConfigurationError, InputError, Message
from core.i18n import _, money
from core.units import UNITS, amount, unit_name
from services.access import CaseAccess
from services.access.cases import supervised_case, visible_among
from services.access.identity import read_identity
from services.access.people import SUPERVISOR
from services.budgets import words
from services.budgets.show import BudgetView, budgets_of_case
from services.case_entries import Basis, goals_seen
from services.cases import CaseView, DecisionView, ItemView, case_view
from services.family import link_words, ratings, wishes
from services.family import links as family_links
from services.family.links import Link
from services.follow_ups import findings
from services.follow_ups.listing import follow_ups_of_case
from services.follow_ups.words import kind_label, state_label
from services.labels import chooser_name, status_name
from services.names import people, service_names
from services.orders.listing import orders_of_case
from services.orders.show import state_name as order_state
from services.orders.words import TONES as ORDER_TONES

#: How a state is marked: with its word and with a colour.
TONES: Final = {"over": "bad", "unpriced": "bad", "within_tolerance": "care", "near": "care", "ok": "good"}
#: Of several codes for a visit one is offered.
UNIT_CHOICES: Final = tuple(code for code in UNITS if code not in {"H87", "E48", "ACT"})


@dataclass(frozen=True)
class Typed:
    """What somebody typed into one of the page's forms that was not saved, why, and beside which field that is said ('': the form)."""

    form: str
    values: Mapping[str, str]
    problem: str
    field: str = ""


@dataclass(frozen=True)
class Card:
    """A decision as the page shows it, with its budget and planned services."""

    decision: DecisionView
    name: str
    items: tuple[ItemView, ...]
    budget: BudgetView | None
    picture: Markup | None
    remarks: list[str]
    basis: str
    basis_seen: str
    over: bool


@dataclass(frozen=True)
class Who:
    """What the page says of the client: a name, or why there is none. `free`: no reason has to be given."""

    free: bool
    name: str | None = None
    problem: str = ""


@dataclass(frozen=True)
class Links:
    """The family's links to "My budget", and why none can be made, if none can; with the words for them."""

    listed: list[Link]
    refused: Message | None
    tones = link_words.TONES
    state = staticmethod(link_words.link_state)
    holder = staticmethod(link_words.holder_name)
    who = staticmethod(link_words.actor_of_link)


@dataclass(frozen=True)
class _Named:
    """What the reader calls services, workers and units."""

    services: Mapping[str, str]
    people: Mapping[str, str] = field(default_factory=dict)

    def service(self, code: str | None) -> str:
        return "–" if code is None else self.services.get(code, code)

    def worker(self, external_id: str | None) -> str:
        return "–" if external_id is None else self.people.get(f"worker:{external_id}", external_id)

    def unit(self, code: str | None) -> str:
        return "–" if code is None else self.people.get(f"unit:{code}", code)

    def actor(self, actor: str | None) -> str:
        return "–" if actor is None else self.people.get(actor, actor)


def show(visit: Visit, access: CaseAccess, *, typed: Typed | None = None) -> Response:
    """The page, and one event in the audit trail. With `typed` it says what could not be saved, with status 422."""
    visit.saw(f"case:{access.number}", "case.viewed", how=access.how)
    view = case_view(visit.session, access.number)
    named = _Named(service_names(visit.session), people(visit.session))
    budgets = {one.decision_id: one for one in budgets_of_case(visit.session, access.number)}
    visible = visible_among(visit.session, visit.person, [one.number for one in view.other_cases], visit.today)
    cards = [_card(view, one, budgets.get(one.id), named) for one in view.decisions]
    who = _who(visit, access)
    family_part = case_family.part(visit, access)
    ahead, done = follow_ups_of_case(visit.session, access.case_id)
    of_family = _family_links(visit, access, view)
    return visit.page(
        "cases/case.html",
        status=422 if typed else 200,
        case=view,
        access=access,
        named=named,
        cards=cards,
        orders=orders_of_case(visit.session, access.case_id),
        order_state=order_state,
        order_tones=ORDER_TONES,
        follow_ups=ahead,
        looked_at=done,
        follow_up_kind=kind_label,
        follow_up_state=state_label,
        answered={name: findings.QUESTIONS[name] for name in findings.FINDINGS},
        answer_label=findings.answer_label,
        rater_label=findings.rater_label,
        others=[one for one in view.other_cases if one.number in visible],
        # under non-disclosure a case is one that there is not, to whoever may not see it (ADR 14): not even counted
        hidden=0 if view.non_disclosure else len([one for one in view.other_cases if one.number not in visible]),
        who=who,
        links=of_family,
        family_part=family_part,
        tick_label=wishes.tick_label,
        face=ratings.face,
        link=_link(visit.settings.console.case_url, view),
        typed=typed,
        homeless=typed is not None and typed.form not in _forms(view, cards, who, of_family, family_part),
        audited=visit.person.is_one_of(SUPERVISOR)
        and supervised_case(visit.session, visit.person, access.number, visit.today) is not None,
        over=view.gone_at is not None or view.status == "closed",
        goals_seen=goals_seen(view.goals),
        service_choices=sorted(named.services.items(), key=lambda one: one[1].casefold()),
        unit_choices=[(code, unit_name(code)) for code in UNIT_CHOICES],
        **tools(),
    )


def _forms(
    view: CaseView, cards: list[Card], who: Who | None, links: Links | None, family: case_family.FamilyPart | None
) -> set[str]:
    """The forms that stand on the page. One that is open elsewhere may be none of them any more: the source states the value by now."""
    over = view.gone_at is not None or view.status == "closed"
    found = set() if over or view.goals_from_source else {"goals"}
    found |= {f"number-{one.decision.id}" for one in cards if not one.over and not one.decision.number_from_source}
    found |= family.forms if family is not None else set()
    found |= {f"basis-{one.decision.id}" for one in cards if not one.over and not one.decision.basis_from_source}
    found |= {"links"} if links is not None and links.refused is None else set()
    return found if who is None or who.problem else {*found, "identity"}


def _family_links(visit: Visit, access: CaseAccess, view: CaseView) -> Links | None:
    """None while "My budget" is off: then nothing is said of it at all."""
    if not visit.settings.family.enabled:
        return None
    return Links(
        family_links.listed(visit.session, access.case_id, now=visit.now),
        family_links.refusal(non_disclosure=view.non_disclosure, gone=view.gone_at is not None),
    )


def tools() -> dict[str, Any]:
    """What the templates of cases and budgets call."""
    return {
        "tones": TONES,
        "labels": budget_picture.LABELS,
        "parts_of": budget_picture.parts_of,
        "state_name": words.state_name,
        "status_name": status_name,
        "chooser_name": chooser_name,
        "amount": amount,
        "as_typed": as_typed,
    }


def _card(view: CaseView, decision: DecisionView, budget: BudgetView | None, named: _Named) -> Card:
    told = None if budget is None else words.with_names(budget, named.services)
    basis = Basis(decision.granted_amount, decision.baseline, decision.baseline_quantity, decision.baseline_unit)
    return Card(
        decision=decision,
        name=decision.number or decision.external_id,
        items=tuple(one for one in view.items if one.decision == decision.external_id),
        budget=told,
        picture=None if told is None else budget_picture.picture(told, f"budget-{decision.id}"),
        remarks=[] if told is None else words.remarks(told),
        basis=_basis(basis, named),
        basis_seen=basis.seen,
        over=decision.ended or view.gone_at is not None or view.status == "closed",
    )


def _basis(basis: Basis, named: _Named) -> str:
    if basis.granted_amount is not None:
        return _("granted: {amount}").format(amount=money(basis.granted_amount))
    if basis.service is None:
        return ""
    return _("instead of {service}, {quantity}").format(
        service=named.service(basis.service), quantity=amount(basis.quantity, basis.unit)
    )


def _who(visit: Visit, access: CaseAccess) -> Who | None:
    """None where the installation keeps nothing of who clients are: then nothing is said of it at all."""
    if visit.settings.privacy.identity != "sealed":
        return None
    if not access.names_freely:
        return Who(free=False)
    try:
        sealer = keys.sealer(visit.settings)
        name = read_identity(visit.session, access, sealer, "name", actor=visit.actor, now=visit.now)
    except (InputError, ConfigurationError) as error:
        return Who(free=True, problem=str(error))
    return Who(free=True, name=name)


def _link(template: str | None, view: CaseView) -> str | None:
    """The case in the client information system. Every value is quoted: an id with a slash or a question mark stays one value."""
    if template is None:
        return None
    for name, value in (("external_id", view.external_id), ("source", view.source), ("number", view.number)):
        template = template.replace("{" + name + "}", quote(value, safe=""))
    return template
