"""What a comparison has to know: the decision and its plan, services and their alternatives, prices in force with their origin."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.i18n import language
from services.budgets.quantities import DEFAULT_STEP
from services.compare.pricing import Tariff
from services.names import check_case


@dataclass(frozen=True)
class ServiceName:
    """A service: its code, its name in the reader's language, its usual unit."""

    id: int
    code: str
    name: str
    unit: str


@dataclass(frozen=True)
class Wanted:
    """A planned service: how much, on which days (`after` is the day after the last), from whom if that is chosen already."""

    item: str
    service_id: int
    quantity: Decimal
    unit: str
    first: date
    after: date
    provider_id: int | None


@dataclass(frozen=True)
class Stated:
    """What a decision says; `ceiling` is that of its budget, where it has been calculated."""

    decision_id: int
    number: str
    decided_on: date | None
    granted_amount: Decimal | None
    baseline_id: int | None
    quantity: Decimal | None
    unit: str | None
    ceiling: Decimal | None


@dataclass(frozen=True)
class Seller:
    """A provider with its prices for one service in one unit, and facts for choosing. `provider_id` None: our own unit cost."""

    service: ServiceName
    unit: str
    provider_id: int | None
    provider: str | None
    facts: dict[str, Any]
    tariffs: tuple[Tariff, ...]


_NAMED = "service.id, service.code, coalesce(nullif(CASE :language WHEN 'sv' THEN name_sv WHEN 'en' THEN name_en END, ''), name_fi) AS name, service.unit"

#: Rows in: a case number. Rows out: its decisions that have not ended.
_DECISIONS = text(
    """
    SELECT decision.id AS decision_id, coalesce(decision.number, decision.external_id) AS number, decision.decided_on,
           decision.granted_amount, decision.baseline_service_id AS baseline_id, decision.baseline_quantity AS quantity,
           decision.baseline_unit AS unit, budget.ceiling
    FROM client_case
    JOIN decision ON decision.case_id = client_case.id AND decision.ended_at IS NULL
    LEFT JOIN budget ON budget.decision_id = decision.id
    WHERE client_case.number = :case
    ORDER BY decision.id
    """
)

#: Rows in: decisions. Rows out: what is planned on them, with the provider chosen now.
_WANTED = text(
    """
    SELECT plan_item.decision_id, plan_item.external_id AS item, plan_item.service_id, plan_item.quantity, plan_item.unit,
           lower(plan_item.period) AS first, upper(plan_item.period) AS after, choice.provider_id
    FROM plan_item
    LEFT JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
    WHERE plan_item.decision_id = ANY(:decisions) AND plan_item.ended_at IS NULL
    ORDER BY plan_item.id
    """
)

#: Rows in: a service that may be replaced, services that are wanted anyway, a period. Rows out: the prices of active providers
#: for these and for every alternative, and our own unit cost of the first, that hold on any of the days.
_PRICES = text(
    f"""
    SELECT {_NAMED}, price_key.unit AS priced_unit, provider.id AS provider_id, provider.name AS provider,
           coalesce(provider.facts, '{{}}') AS facts,
           price.id AS price_id, price.amount, base_quantity, minimum_quantity, vat_rate, vat_inclusive,
           lower(valid) AS valid_from, upper(valid) AS valid_before,
           price_source.name AS source, price_list.file_name, price.position, price_list.sha256, price_list.run_id
    FROM service
    JOIN price_key ON price_key.service_id = service.id AND time_class = 'weekday' AND territory = '' AND extra = ''
    JOIN price ON price.price_key_id = price_key.id AND price.superseded_at IS NULL AND price.valid && daterange(:first, :after)
    JOIN price_list ON price_list.id = price.price_list_id
    JOIN price_source ON price_source.id = price_list.source_id
    LEFT JOIN provider ON provider.id = price_key.provider_id
    WHERE (service.id = :baseline OR service.id = ANY(:wanted)
           OR service.id IN (SELECT alternative_id FROM service_alternative WHERE baseline_id = :baseline))
      AND (provider.active OR price_key.provider_id IS NULL AND service.id = :baseline)
    ORDER BY service.code, provider.name, provider.id, price_key.unit, price.id
    """  # noqa: S608 - our own words
)


def service_called(session: Session, code: str) -> ServiceName:
    """A service by its code, in any case of letters. Raises NotFound."""
    row = session.execute(
        text(f"SELECT {_NAMED} FROM service WHERE lower(code) = lower(:code)"),  # noqa: S608 - our own words
        {"code": code, "language": language()},
    ).one_or_none()
    if row is None:
        raise NotFound("There is no service {code}. Show all with: avain service list", code=code)
    return ServiceName(row.id, row.code, row.name, row.unit)


def service_of(session: Session, id: int) -> ServiceName:
    """A service by its id."""
    row = session.execute(
        text(f"SELECT {_NAMED} FROM service WHERE id = :id"),  # noqa: S608 - our own words
        {"id": id, "language": language()},
    ).one()
    return ServiceName(row.id, row.code, row.name, row.unit)


def decisions_of(session: Session, case: str) -> list[Stated]:
    """What the decisions of a case say. Raises NotFound for a case number that does not exist."""
    check_case(session, case)
    return [Stated(**row) for row in session.execute(_DECISIONS, {"case": case}).mappings()]


def wanted_on(session: Session, decisions: Collection[int]) -> dict[int, list[Wanted]]:
    """What is planned, by decision."""
    wanted: dict[int, list[Wanted]] = {decision: [] for decision in decisions}
    for row in session.execute(_WANTED, {"decisions": list(decisions)}).mappings():
        values = dict(row)
        wanted[values.pop("decision_id")].append(Wanted(**values))
    return wanted


def sellers_of(
    session: Session, baseline_id: int | None, wanted: Collection[int], first: date, after: date
) -> list[Seller]:
    """Who offers the baseline, its alternatives and the wanted services, at what prices, on any day from `first` to `after`."""
    rows = session.execute(
        _PRICES,
        {
            "baseline": baseline_id,
            "wanted": list(wanted),
            "first": first,
            "after": after,
            "language": language(),
        },
    )
    sellers: dict[tuple[int, int | None, str], Seller] = {}
    tariffs: dict[tuple[int, int | None, str], list[Tariff]] = {}
    for row in rows:
        key = (row.id, row.provider_id, row.priced_unit)
        service = ServiceName(row.id, row.code, row.name, row.unit)
        sellers.setdefault(key, Seller(service, row.priced_unit, row.provider_id, row.provider, row.facts, ()))
        tariffs.setdefault(key, []).append(
            Tariff(
                price_id=row.price_id,
                unit=row.priced_unit,
                amount=row.amount,
                base_quantity=row.base_quantity,
                minimum_quantity=row.minimum_quantity,
                vat_rate=row.vat_rate,
                vat_inclusive=row.vat_inclusive,
                valid_from=row.valid_from,
                valid_before=row.valid_before,
                source=row.source,
                file_name=row.file_name,
                position=row.position,
                sha256=row.sha256,
                run_id=row.run_id,
            )
        )
    return [
        Seller(one.service, one.unit, one.provider_id, one.provider, one.facts, tuple(tariffs[key]))
        for key, one in sellers.items()
    ]


def steps(session: Session) -> dict[str, Decimal]:
    """The smallest part of each unit that has a rule; others: `DEFAULT_STEP`."""
    return {row.unit: row.step for row in session.execute(text("SELECT unit, step FROM unit_rule"))}


def step_for(unit: str, rules: dict[str, Decimal]) -> Decimal:
    """The smallest part a unit can be divided into."""
    return rules.get(unit, Decimal(DEFAULT_STEP))
