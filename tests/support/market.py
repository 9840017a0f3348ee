"""A small market for comparisons: family work and what may stand in for it, at two providers."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from core.budget_settings import Budgets
from models.case import Case, Choice, Decision, PlanItem
from models.provider import Provider
from models.service import Service
from services.compare import Comparison, Offer, compare_case, compare_service
from services.follow_ups.ratings import count_ratings
from tests.factories.base import unique
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.follow_up import make_follow_up
from tests.factories.price import make_price, make_price_key
from tests.factories.provider import make_provider
from tests.factories.service import make_alternative, make_service

TODAY = date(2026, 11, 16)
NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
SETTINGS = Budgets(tolerance=Decimal("0.05"), near_limit=Decimal("0.90"))


class Market:
    """Family work at 89.50 €, ADHD coaching at two providers, a support person by the hour."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.family_work = make_service(session, code="PERHETYO-T", name_fi="perhetyö", name_sv="familjearbete")
        self.coaching = make_service(session, code="ADHD-T", name_fi="ADHD-valmennus")
        self.support = make_service(session, code="TUKI-T", name_fi="tukihenkilö", unit="HUR")
        make_alternative(session, self.family_work, self.coaching)
        make_alternative(session, self.family_work, self.support)
        self.one = make_provider(session, name="Yksi Oy (keksitty)", facts={"home_visits": True})
        self.two = make_provider(session, name="Kaksi Oy (keksitty)")
        self.own = make_price(session, self.family_work, amount="89.50")
        self.cheap = make_price(session, self.coaching, self.one, "88.00", last=date(2027, 12, 31))
        make_price(session, self.coaching, self.two, "93.00")
        make_price(session, self.support, self.two, "49.00")

    def sold_alone(self, amount: str, *, provider: Provider | None = None, **key: Any) -> Provider:
        """Coaching at another provider, priced as `key` says."""
        seller = provider or make_provider(self.session, name=unique("Muu Oy (keksitty)"))
        dates = {name: key.pop(name) for name in ("first", "last") if name in key}
        made = make_price_key(self.session, self.coaching, seller, **key)
        make_price(self.session, self.coaching, seller, amount, key=made, **dates)
        return seller

    def decided(self, case: Case | None = None, **over: Any) -> Decision:
        """A decision that replaces fourteen visits of family work."""
        stated = {
            "baseline_service_id": self.family_work.id,
            "baseline_quantity": Decimal(14),
            "baseline_unit": "C62",
        }
        return make_decision(self.session, case or make_case(self.session), **{**stated, **over})


def ask(session: Session, **over: Any) -> Comparison:
    """Twelve visits of family work, three months from today on."""
    values: dict[str, Any] = {
        "baseline": "perhetyo-t", "quantity": Decimal(12), "today": TODAY, "settings": SETTINGS, **over,
    }  # fmt: skip
    return compare_service(session, **values)


def case_of(session: Session, decision: Decision) -> str:
    """The number of a decision's case."""
    return session.get_one(Case, decision.case_id).number


def compared(session: Session, decision: Decision, **over: Any) -> list[Comparison]:
    """The comparisons of a decision's case."""
    return compare_case(session, case_of(session, decision), **{"today": TODAY, "settings": SETTINGS, **over})


def reason_of(told: Comparison | Offer) -> str:
    """Why something cannot be told, in English."""
    assert told.reason is not None
    return told.reason.text("en")


def answer(session: Session, item: PlanItem, *ratings: int, on: date = TODAY, one_family: bool = False) -> None:
    """Answers to follow-ups of a planned service, all given on one day; a night has counted them.

    The first is the item's own; each other comes from another family with the same service and the same choices, unless all are of `one_family`.
    """
    for number, rating in enumerate(ratings):
        make_follow_up(
            session,
            item if one_family or not number else _of_another_family(session, item),
            planned_for=date(2026, 1, 1 + number),
            state="acknowledged",
            rating=rating,
            rated_by="child",
            settled_at=datetime(on.year, on.month, on.day, 12, tzinfo=UTC),
        )
    count_ratings(session)


def _of_another_family(session: Session, item: PlanItem) -> PlanItem:
    made = make_plan_item(
        session, make_decision(session, make_case(session)), session.get_one(Service, item.service_id)
    )
    for choice in session.scalars(select(Choice).where(col(Choice.plan_item_id) == item.id)):
        make_choice(
            session,
            made,
            session.get_one(Provider, choice.provider_id),
            chosen_at=choice.chosen_at,
            ended_at=choice.ended_at,
        )
    return made


def choice_on(session: Session, item: PlanItem, provider: Provider, first: date, before: date | None = None) -> Choice:
    """A choice that held from a day on, until another day."""
    return make_choice(
        session,
        item,
        provider,
        chosen_at=datetime(first.year, first.month, first.day, tzinfo=UTC),
        ended_at=None if before is None else datetime(before.year, before.month, before.day, tzinfo=UTC),
    )
