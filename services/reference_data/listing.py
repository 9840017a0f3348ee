"""Reference data as people list it: one statement a table, plain dictionaries out."""

from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Rows out: services by code, each with the codes of its alternatives.
_SERVICES = text(
    """
    SELECT code, name_fi AS name, unit,
           coalesce((SELECT array_agg(other.code ORDER BY other.code) FROM service_alternative
                     JOIN service AS other ON other.id = alternative_id WHERE baseline_id = service.id), '{}') AS alternatives
    FROM service ORDER BY code
    """
)

#: Rows out: providers by name, each with the codes of its services and its contracts' numbers and last day.
_PROVIDERS = text(
    """
    SELECT business_id, name, channel, language, active, facts,
           coalesce((SELECT array_agg(code ORDER BY code) FROM provider_service
                     JOIN service ON service.id = service_id WHERE provider_id = provider.id), '{}') AS services,
           coalesce((SELECT array_agg(number ORDER BY number) FROM contract WHERE provider_id = provider.id), '{}') AS contracts,
           (SELECT max(upper(valid)) - 1 FROM contract WHERE provider_id = provider.id) AS contract_until
    FROM provider ORDER BY name
    """
)

#: Rows in: today. Rows out: workers by id, with unit, its supervisor, and absences that are on or still to come.
_WORKERS = text(
    """
    SELECT worker.external_id AS id, worker.name, worker.email, worker.language, worker.active, unit.code AS unit,
           supervisor.external_id AS supervisor, worker.subject, coalesce(worker.active AND worker.email = worker.refused_email, false) AS refused,
           coalesce((SELECT jsonb_agg(jsonb_build_object(
                                'first', lower(period), 'last', upper(period) - 1, 'deputy', deputy.external_id) ORDER BY period)
                     FROM absence LEFT JOIN worker AS deputy ON deputy.id = deputy_id
                     WHERE worker_id = worker.id AND cancelled_at IS NULL AND upper(period) > :today), '[]') AS away
    FROM worker
    LEFT JOIN unit ON unit.id = worker.unit_id
    LEFT JOIN worker AS supervisor ON supervisor.id = unit.supervisor_id
    ORDER BY worker.external_id
    """
)


def services(session: Session) -> list[dict[str, Any]]:
    """`code, name, unit, alternatives`."""
    return [dict(row) for row in session.execute(_SERVICES).mappings()]


def providers(session: Session) -> list[dict[str, Any]]:
    """`business_id, name, channel, language, active, facts, services, contracts, contract_until`."""
    return [dict(row) for row in session.execute(_PROVIDERS).mappings()]


def workers(session: Session, today: date) -> list[dict[str, Any]]:
    """`id, name, email, language, active, unit, supervisor, subject, refused, away`: absences are `first, last, deputy`, days as ISO; `refused`: a
    mail server wants nothing for this address.
    """
    return [dict(row) for row in session.execute(_WORKERS, {"today": today}).mappings()]
