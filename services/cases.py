"""Cases as people look at them: lists and one case with all its parts. Read only."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import NotFound
from services.access.non_disclosure import HIDDEN


@dataclass(frozen=True)
class CaseLine:
    """A case in a list."""

    number: str
    source: str
    external_id: str
    status: str
    worker: str | None
    unit: str | None
    services: list[str]
    gone_at: datetime | None


@dataclass(frozen=True)
class ItemView:
    """A planned service; `name` is how commands call it (`HB-2026-000001/I-1`), `provider` who was chosen, if anybody.

    `chosen_by` says whose choice it was, `chosen_at` when, `recorded_by` who wrote it down, `why` in whose words.
    """

    id: int
    name: str
    decision: str
    service: str
    quantity: Decimal
    unit: str
    first: date
    last: date
    provider: str | None
    chosen_by: str | None
    chosen_at: datetime | None
    recorded_by: str | None
    why: str | None
    ended: bool


@dataclass(frozen=True)
class DecisionView:
    """A decision and its basis: an amount granted, or a service replaced. What is not from the source may be entered here."""

    id: int
    external_id: str
    number: str | None
    number_from_source: bool
    stand_date: date | None
    decided_on: date | None
    valid_from: date | None
    valid_to: date | None
    granted_amount: Decimal | None
    baseline: str | None
    baseline_quantity: Decimal | None
    baseline_unit: str | None
    basis_from_source: bool
    ended: bool


@dataclass(frozen=True)
class OtherCase:
    """Another case of the same client, perhaps of another source."""

    number: str
    source: str
    status: str
    worker: str | None
    unit: str | None
    gone_at: datetime | None


@dataclass(frozen=True)
class CaseView:
    """A case with its decisions and planned services, and the client's other cases as far as they can be known."""

    number: str
    source: str
    external_id: str
    status: str
    worker: str | None
    co_worker: str | None
    supervisor: str | None
    unit: str | None
    non_disclosure: bool
    assessment_date: date | None
    plan_date: date | None
    kykyviisari_date: date | None
    support_person: bool
    goals: list[str]
    goals_from_source: bool
    gone_at: datetime | None
    held_at: datetime | None
    decisions: list[DecisionView]
    items: list[ItemView]
    other_cases: list[OtherCase]


#: Rows in: a worker, unit or neither; gone and closed ones only if wanted. Rows out: cases, newest first.
_LIST = text(
    """
    SELECT number, source, client_case.external_id, status, worker.external_id AS worker, unit.code AS unit,
           ARRAY(SELECT DISTINCT service.code FROM plan_item JOIN service ON service.id = service_id
                 WHERE case_id = client_case.id AND ended_at IS NULL ORDER BY service.code) AS services, gone_at
    FROM client_case
    LEFT JOIN worker ON worker.id = responsible_worker_id
    LEFT JOIN unit ON unit.id = client_case.unit_id
    WHERE (:everything OR (status = 'open' AND gone_at IS NULL))
      AND (CAST(:worker AS text) IS NULL OR worker.external_id = :worker) AND (CAST(:unit AS text) IS NULL OR unit.code = :unit)
    ORDER BY client_case.id LIMIT :limit
    """
)

#: Rows in: a number. Rows out: the case.
_CASE = text(
    f"""
    SELECT client_case.id, number, client_case.source, client_case.external_id, status, worker.external_id AS worker,
           co_worker.external_id AS co_worker,
           coalesce(supervisor.external_id, of_unit.external_id) AS supervisor, unit.code AS unit, {HIDDEN} AS non_disclosure, assessment_date, plan_date, kykyviisari_date,
           support_person, goals, goals_from_source, gone_at,
           (SELECT held_at FROM case_hold WHERE case_id = client_case.id AND ended_at IS NULL) AS held_at
    FROM client_case
    JOIN client ON client.id = client_id
    LEFT JOIN worker ON worker.id = responsible_worker_id
    LEFT JOIN worker AS co_worker ON co_worker.id = co_worker_id
    LEFT JOIN worker AS supervisor ON supervisor.id = client_case.supervisor_id
    LEFT JOIN unit ON unit.id = client_case.unit_id
    LEFT JOIN unit AS supervised ON supervised.id = coalesce(worker.unit_id, client_case.unit_id)
    LEFT JOIN worker AS of_unit ON of_unit.id = supervised.supervisor_id
    WHERE number = :number
    """  # noqa: S608 - our own words
)

#: Rows in: a case. Rows out: its decisions, as the source orders them.
_DECISIONS = text(
    """
    SELECT decision.id, external_id, number, number_from_source, stand_date, decided_on, lower(valid) AS valid_from,
           upper(valid) - 1 AS valid_to, granted_amount, service.code AS baseline, baseline_quantity, baseline_unit, basis_from_source, ended_at IS NOT NULL AS ended
    FROM decision LEFT JOIN service ON service.id = baseline_service_id WHERE case_id = :id ORDER BY decision.id
    """
)

#: Rows in: a case. Rows out: its planned services with the provider chosen now.
_ITEMS = text(
    """
    SELECT plan_item.id, CAST(:number AS text) || '/' || plan_item.external_id AS name, decision.external_id AS decision,
           service.code AS service, quantity, plan_item.unit, lower(period) AS first, upper(period) - 1 AS last,
           provider.name AS provider, choice.chosen_by, choice.chosen_at, choice.actor AS recorded_by,
           choice.reason AS why, plan_item.ended_at IS NOT NULL AS ended
    FROM plan_item
    JOIN decision ON decision.id = decision_id
    JOIN service ON service.id = service_id
    LEFT JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
    LEFT JOIN provider ON provider.id = choice.provider_id
    WHERE plan_item.case_id = :id ORDER BY plan_item.id
    """
)


#: Rows in: a case. Rows out: other cases of its client. Another source knows the client by another reference: there only the blind index
#: of the henkilötunnus tells, which exists where identity is sealed.
_OTHERS = text(
    """
    SELECT other.number, other.source, other.status, worker.external_id AS worker, unit.code AS unit, other.gone_at
    FROM client_case AS this
    JOIN client ON client.id = this.client_id
    JOIN client AS same ON same.id = client.id OR same.blind_index = client.blind_index
    JOIN client_case AS other ON other.client_id = same.id AND other.id <> this.id
    LEFT JOIN worker ON worker.id = other.responsible_worker_id
    LEFT JOIN unit ON unit.id = other.unit_id
    WHERE this.id = :id ORDER BY other.id
    """
)


#: Rows in: a number. Rows out: whether the case's client is under non-disclosure.
_NON_DISCLOSURE = text(
    f"SELECT {HIDDEN} FROM client_case JOIN client ON client.id = client_id WHERE number = :number"  # noqa: S608 - our own words
)


def list_cases(
    session: Session, *, worker: str | None = None, unit: str | None = None, everything: bool = False, limit: int = 200
) -> list[CaseLine]:
    """Open cases (with `everything`, closed and gone ones too) of a worker or unit, by their ids at the source."""
    values = {"worker": worker, "unit": unit, "everything": everything, "limit": limit}
    return [CaseLine(**row) for row in session.execute(_LIST, values).mappings()]


def case_view(session: Session, number: str) -> CaseView:
    """One case with all its parts. Raises NotFound."""
    row = session.execute(_CASE, {"number": number}).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no case {case}.", case=number)
    values = dict(row)
    own = {"id": values.pop("id"), "number": number}
    return CaseView(
        **values,
        decisions=[DecisionView(**one) for one in session.execute(_DECISIONS, own).mappings()],
        items=[ItemView(**one) for one in session.execute(_ITEMS, own).mappings()],
        other_cases=[OtherCase(**one) for one in session.execute(_OTHERS, own).mappings()],
    )


def is_non_disclosure(session: Session, number: str) -> bool:
    """Whether the client of a case is under non-disclosure (turvakielto)."""
    return bool(session.execute(_NON_DISCLOSURE, {"number": number}).scalar())
