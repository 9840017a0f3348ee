"""What people enter where the client information system says nothing: a decision's number, what it grants or replaces, and the goals.

The source stays the master: where it states a value nothing can be entered, and once it states one, its value takes the place of what was
entered (services/case_sync/applying.py). Whoever enters something says what they saw: what somebody else changed meanwhile is never
written over unseen.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from connectors.cases.record import MAX_GOALS
from core.errors import InputError, Message, NotFound
from core.logging import redact
from core.units import UNITS
from services import audit
from services.budgets.ceiling import IMPLAUSIBLE
from services.budgets.dirty import mark_decisions

_LONGEST_NUMBER: Final = 64
_LONGEST_GOAL: Final = 1000
_CENT: Final = Decimal("0.01")
_FINEST: Final = Decimal("0.0001")


class ChangedMeanwhileError(InputError):
    """What the form showed is not what is kept by now: nothing was written."""


@dataclass(frozen=True)
class Basis:
    """What makes the ceiling: an amount granted (gross euros), or a quantity of a service that is replaced. All None: not known yet."""

    granted_amount: Decimal | None = None
    service: str | None = None
    quantity: Decimal | None = None
    unit: str | None = None

    @property
    def seen(self) -> str:
        """Its written form, which a form carries to say what it showed."""
        values = (self.granted_amount, self.service, self.quantity, self.unit)
        return "|".join("" if value is None else _plain(value) for value in values)


#: Rows in: a decision of a case. Rows out: what is kept of it, held until the transaction ends.
_DECISION = text(
    """
    SELECT decision.id, client_case.number AS case_number, decision.number, decision.number_from_source, decision.basis_from_source,
           decision.granted_amount, service.code AS service, decision.baseline_quantity, decision.baseline_unit,
           decision.ended_at IS NOT NULL OR client_case.gone_at IS NOT NULL OR client_case.status = 'closed' AS over
    FROM decision
    JOIN client_case ON client_case.id = decision.case_id
    LEFT JOIN service ON service.id = decision.baseline_service_id
    WHERE decision.id = :decision AND client_case.id = :case
    FOR NO KEY UPDATE OF decision
    """
)
_SET_NUMBER = text("UPDATE decision SET number = :number WHERE id = :id")
#: Rows in: a decision and a basis. Rows changed: the decision, if the service is known.
_SET_BASIS = text(
    """
    UPDATE decision SET granted_amount = :granted_amount, baseline_quantity = :quantity, baseline_unit = :unit,
           baseline_service_id = (SELECT id FROM service WHERE code = :service)
    WHERE id = :id AND (CAST(:service AS text) IS NULL OR EXISTS (SELECT FROM service WHERE code = :service))
    """
)
#: Rows in: a case. Rows out: its goals, held until the transaction ends.
_GOALS = text(
    """
    SELECT id, number AS case_number, goals, goals_from_source, gone_at IS NOT NULL OR status = 'closed' AS over
    FROM client_case WHERE id = :case FOR NO KEY UPDATE
    """
)
_SET_GOALS = text("UPDATE client_case SET goals = :goals WHERE id = :id")
#: Rows in: a case. Rows out: another decision of it that has the number.
_SAME_NUMBER = text("SELECT 1 FROM decision WHERE case_id = :case AND id <> :id AND number = :number")


def enter_number(
    session: Session, case_id: int, decision_id: int, number: str, *, seen: str, actor: str, now: datetime
) -> None:
    """Keep the number of the official decision; '' takes back what was entered. `seen`: the number the form showed.

    Raises InputError where the source states one, the decision or case is over, or the number is none; ChangedMeanwhileError; NotFound.
    """
    row = _decision(session, case_id, decision_id)
    _must_be_open(row, stated=row.number_from_source)
    wanted = number.strip() or None
    if (row.number or "") != seen:
        raise ChangedMeanwhileError(
            Message(
                "Somebody has changed this meanwhile: now it is {value}. Nothing was saved; look, and save again.",
                value=row.number or "–",
            )
        )
    if wanted == row.number:
        return
    if wanted is not None:
        _check_text(wanted, _LONGEST_NUMBER)
        if session.execute(_SAME_NUMBER, {"case": case_id, "id": row.id, "number": wanted}).scalar():
            raise InputError("Another decision of this case has the number {number} already.", number=wanted)
    session.execute(_SET_NUMBER, {"id": row.id, "number": wanted})
    audit.record(
        session, actor, "decision.number_entered", f"case:{row.case_number}", now=now, decision=row.id, before=row.number, after=wanted
    )  # fmt: skip
    mark_decisions(session, [row.id], "entered")


def enter_basis(
    session: Session, case_id: int, decision_id: int, basis: Basis, *, seen: str, actor: str, now: datetime
) -> None:
    """Keep what a decision grants or replaces; an empty basis takes back what was entered. `seen`: `Basis.seen` of what the form showed.

    The budget is calculated anew by a worker. Raises InputError as `enter_number`, and where the basis is neither the one nor the other.
    """
    row = _decision(session, case_id, decision_id)
    _must_be_open(row, stated=row.basis_from_source)
    known = Basis(row.granted_amount, row.service, row.baseline_quantity, row.baseline_unit)
    if known.seen != seen:
        raise ChangedMeanwhileError(
            Message(
                "Somebody has changed meanwhile what this decision grants or replaces. Nothing was saved; look at what stands there now,"
                " and save again."
            )
        )
    check_basis(basis)
    if basis.seen == known.seen:
        return
    if not session.execute(_SET_BASIS, {"id": row.id, **asdict(basis)}).rowcount:  # type: ignore[attr-defined]
        raise NotFound("There is no service {service}.", service=basis.service)
    audit.record(
        session, actor, "decision.basis_entered", f"case:{row.case_number}", now=now,
        decision=row.id, before=_told(known), after=_told(basis),
    )  # fmt: skip
    mark_decisions(session, [row.id], "entered")


def enter_goals(session: Session, case_id: int, goals: Sequence[str], *, seen: str, actor: str, now: datetime) -> None:
    """Keep the goals of the client's plan, in their order; none takes back what was entered. `seen`: `goals_seen` of what the form showed.

    The audit trail tells how many there were and are, never what they say. Raises InputError as `enter_number`.
    """
    row = session.execute(_GOALS, {"case": case_id}).one()
    _must_be_open(row, stated=row.goals_from_source)
    wanted = [" ".join(one.split()) for one in goals if one.strip()]
    if goals_seen(row.goals) != seen:
        raise ChangedMeanwhileError(
            Message(
                "Somebody has changed the goals meanwhile. Nothing was saved; look at what stands there now, and save again."
            )
        )
    if wanted == row.goals:
        return
    if len(wanted) > MAX_GOALS:
        raise InputError("At most {count} goals can be kept.", count=MAX_GOALS)
    for goal in wanted:
        _check_text(goal, _LONGEST_GOAL)
    session.execute(_SET_GOALS, {"id": row.id, "goals": wanted})
    audit.record(
        session, actor, "case.goals_entered", f"case:{row.case_number}", now=now, before=len(row.goals), after=len(wanted)
    )  # fmt: skip


def goals_seen(goals: Sequence[str]) -> str:
    """The written form of goals, which a form carries to say what it showed."""
    return "\n".join(goals)


def check_basis(basis: Basis) -> None:
    """Raise InputError unless it is an amount, or a service with quantity and unit, or nothing, and can be true."""
    amount, replaced = basis.granted_amount, (basis.service, basis.quantity, basis.unit)
    if amount is not None and any(part is not None for part in replaced):
        raise InputError("Say either what is granted or what is replaced, not both.")
    if amount is not None:
        if amount < 0 or amount >= IMPLAUSIBLE:
            raise InputError("The granted amount cannot be {amount} €.", amount=str(amount))
        if amount != amount.quantize(_CENT):
            raise InputError("The granted amount has more than two decimals.")
    elif any(part is not None for part in replaced):
        _check_replaced(basis)


def _check_replaced(basis: Basis) -> None:
    if basis.service is None or basis.quantity is None or basis.unit is None:
        raise InputError("What is replaced needs a service, a quantity and a unit.")
    if basis.quantity <= 0 or basis.quantity >= IMPLAUSIBLE:
        raise InputError("The replaced quantity cannot be {quantity}.", quantity=str(basis.quantity))
    if basis.quantity != basis.quantity.quantize(_FINEST):
        raise InputError("The replaced quantity has more than four decimals.")
    if basis.unit not in UNITS:
        raise InputError("There is no unit {name}.", name=basis.unit)


def _decision(session: Session, case_id: int, decision_id: int) -> Row[Any]:
    row = session.execute(_DECISION, {"case": case_id, "decision": decision_id}).one_or_none()
    if row is None:
        raise NotFound("The case has no such decision.")
    return row


def _must_be_open(row: Row[Any], *, stated: bool) -> None:
    if stated:
        raise InputError("The client information system states this itself. Change it there.")
    if row.over:
        raise InputError("The case or the decision has ended; nothing more is entered to it.")


def _check_text(value: str, longest: int) -> None:
    if len(value) > longest:
        raise InputError("That is longer than {count} characters.", count=longest)
    if not value.isprintable():
        raise InputError("That holds characters that cannot be printed.")
    if redact(value) != value:
        raise InputError("That holds a henkilötunnus. Leave it out.")


def _told(basis: Basis) -> dict[str, str | None]:
    return {name: None if value is None else _plain(value) for name, value in asdict(basis).items()}


def _plain(value: Decimal | str) -> str:
    """One written form for equal numbers, however many zeros they end with."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value
