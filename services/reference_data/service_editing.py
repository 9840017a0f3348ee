"""A service as a page edits it, and the smallest step of each unit; written by the same entries as an import."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.i18n import N_
from services import audit
from services.budgets import dirty
from services.reference_data.editing import (
    AddedMeanwhileError,
    ChangedMeanwhileError,
    FieldInputError,
    adding,
    differences,
    version_of,
)
from services.reference_data.services import ServiceEntry, write_services

#: Rows in: a code. Rows out: the service, shaped like an entry of `services.toml`.
_STORED: Final = """
    SELECT id, jsonb_build_object(
        'code', code, 'name_fi', name_fi, 'name_sv', name_sv, 'name_en', name_en, 'unit', unit, 'accounting_cost', accounting_cost, 'cpv', cpv,
        'free_of_charge', free_of_charge, 'alternatives', coalesce((
            SELECT jsonb_agg(other.code ORDER BY other.code) FROM service_alternative JOIN service AS other ON other.id = alternative_id
            WHERE baseline_id = service.id), '[]')
    ) AS entry
    FROM service WHERE code = :code
"""
_READ: Final = text(_STORED)
_HOLD: Final = text(f"{_STORED} FOR NO KEY UPDATE OF service")
_DROP_ALTERNATIVES: Final = text(
    "DELETE FROM service_alternative WHERE baseline_id = :id AND alternative_id IN (SELECT id FROM service WHERE code = ANY(:codes))"
)
#: Rows in: a service. Rows out: who offers it, and whether that is an active provider.
_OFFERED_BY: Final = text(
    """
    SELECT business_id, name, active FROM provider_service JOIN provider ON provider.id = provider_id
    WHERE service_id = :id ORDER BY name, business_id
    """
)
#: Rows in: a service. Rows out: codes of those it may stand in for.
_STANDS_IN_FOR: Final = text(
    "SELECT code FROM service_alternative JOIN service ON service.id = baseline_id WHERE alternative_id = :id ORDER BY code"
)
_STEPS: Final = text("SELECT unit, CAST(trim_scale(step) AS text) AS step FROM unit_rule ORDER BY unit")
#: Two people's steps are written one after the other.
_HOLD_STEPS: Final = text("LOCK TABLE unit_rule IN SHARE ROW EXCLUSIVE MODE")
_WRITE_STEP: Final = text(
    "INSERT INTO unit_rule (unit, step) VALUES (:unit, :step) ON CONFLICT (unit) DO UPDATE SET step = excluded.step"
)


@dataclass(frozen=True)
class StoredService:
    """A service as it is kept, shaped like `[[service]]` of the file."""

    id: int
    entry: dict[str, Any]

    @property
    def version(self) -> str:
        """What a form made from it carries."""
        return version_of(self.entry)


@dataclass(frozen=True)
class Around:
    """What belongs to a service elsewhere: its providers (business_id, name, active), and the services it may stand in for."""

    providers: list[dict[str, Any]]
    stands_in_for: list[str]


def stored_service(session: Session, code: str, *, hold: bool = False) -> StoredService | None:
    """The service of this code; with `hold` nobody else changes it until the transaction ends."""
    row = session.execute(_HOLD if hold else _READ, {"code": code}).one_or_none()
    return None if row is None else StoredService(row.id, row.entry)


def around(session: Session, service_id: int) -> Around:
    """Who offers a service, and what it may stand in for."""
    providers = [dict(row) for row in session.execute(_OFFERED_BY, {"id": service_id}).mappings()]
    return Around(providers, list(session.execute(_STANDS_IN_FOR, {"id": service_id}).scalars()))


def edit_service(
    session: Session, entry: ServiceEntry, *, version: str | None, actor: str, now: datetime
) -> dict[str, list[Any]]:
    """Write a service as a page states it; what changed, by path. `version` None: it is a new one.

    Raises ChangedMeanwhileError, FieldInputError (a code there is already, an alternative nobody knows). No budget depends on what a
    service is called, its unit or its alternatives: plans and prices have units of their own.
    """
    stored = stored_service(session, entry.code, hold=True)
    if version is None and stored is not None:
        raise FieldInputError(
            "code", N_("There is a service of this code already: {name}."), name=stored.entry["name_fi"]
        )
    if version is not None and (stored is None or stored.version != version):
        raise ChangedMeanwhileError(stored.entry if stored else {}, stored.version if stored else "")
    try:
        with session.begin_nested(), adding(new=stored is None) as imported:
            unknown = write_services(session, [entry], imported)
    except (IntegrityError, AddedMeanwhileError) as error:
        raise FieldInputError("code", N_("Somebody else has just added this one. Open it from the list.")) from error
    if unknown:
        raise FieldInputError("alternatives", N_("There is no service {code}."), code=unknown[0])
    dropped = sorted(set(stored.entry["alternatives"]) - set(entry.alternatives)) if stored else []
    if stored is not None and dropped:
        session.execute(_DROP_ALTERNATIVES, {"id": stored.id, "codes": dropped})
    written = stored_service(session, entry.code)
    changed = differences(stored.entry if stored else {}, written.entry if written else {})
    if changed:
        action = "service.added" if stored is None else "service.changed"
        audit.record(session, actor, action, f"service:{entry.code}", now=now, changes=changed)
    return changed


def unit_steps(session: Session) -> dict[str, str]:
    """The smallest part a quantity of a unit is divided into, by unit."""
    return {row.unit: row.step for row in session.execute(_STEPS)}


def edit_unit_steps(
    session: Session, steps: dict[str, Decimal], *, version: str, budgets: Budgets, actor: str, now: datetime
) -> dict[str, list[Any]]:
    """Write steps by unit; what changed. Every budget is calculated anew, because its quantities are divided by them.

    Raises ChangedMeanwhileError, FieldInputError when a step is not more than zero.
    """
    session.execute(_HOLD_STEPS)
    stored = unit_steps(session)
    if version_of(stored) != version:
        raise ChangedMeanwhileError(stored, version_of(stored))
    for unit, step in steps.items():
        if step <= 0 or step > 1_000 or step != round(step, 4):
            raise FieldInputError(f"step.{unit}", N_("A step is more than zero, with at most four decimals."))
    changed = {
        unit: [stored.get(unit), f"{step.normalize():f}"]
        for unit, step in steps.items()
        if unit not in stored or Decimal(stored[unit]) != step
    }
    if changed:
        dirty.mark_recalculated(
            session, settings=budgets
        )  # what is calculated by so far is remembered at the latest now
        session.execute(_WRITE_STEP, [{"unit": unit, "step": steps[unit]} for unit in changed])
        dirty.mark_recalculated(session, settings=budgets)
        audit.record(session, actor, "unit_steps.changed", "unit_rule", now=now, changes=changed)
    return changed
