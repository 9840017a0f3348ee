"""Documents that came in about orders, as the console lists them: those of cases a person may see; operators see every one."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from core.errors import InputError, Message
from models.answer import INCOMING_STATES
from services.access.cases import AMONG, VISIBLE, tied_cases, visible_cases
from services.access.people import OPERATOR, Person
from services.orders.replies.delivered import Report
from services.orders.replies.incoming_held import LISTED, IncomingLine

PAGE: Final = 30


@dataclass(frozen=True)
class Incoming(IncomingLine):
    """A document and the case it is about. `reports`: what it tells was delivered, as far as a person must decide on it."""

    case_number: str | None
    reports: tuple[Report, ...]


def _listed(seen: str) -> TextClause:
    """Rows in: a person, a state, where to go on from, perhaps one document. Rows out: documents, the latest first."""
    return text(
        f"""
        SELECT {LISTED}, client_case.number AS case_number, document.content -> 'held' AS held
        FROM incoming_document AS document
        LEFT JOIN purchase_order ON purchase_order.id = document.order_id
        LEFT JOIN decision ON decision.id = purchase_order.decision_id
        LEFT JOIN client_case ON client_case.id = decision.case_id
        LEFT JOIN provider ON provider.id = document.provider_id
        WHERE {seen}
          AND (:state = '' OR document.state = :state)
          AND (CAST(:before AS bigint) IS NULL OR document.id < :before)
          AND (CAST(:only AS bigint) IS NULL OR document.id = :only)
        ORDER BY document.id DESC LIMIT :limit
        """  # noqa: S608 - our own words
    )


_EVERY: Final = _listed("true")
_AMONG_FEW: Final = _listed(f"client_case.id = {AMONG}")
_AMONG_MANY: Final = _listed(f"(client_case.id IS NOT NULL AND {VISIBLE})")


def documents_of(
    session: Session, person: Person, state: str, today: date, *, before: int | None = None
) -> list[Incoming]:
    """Documents in a state ('' for any), the latest first, one more than a page. At most two queries. Raises InputError."""
    if state and state not in INCOMING_STATES:
        raise InputError("There is no state of documents called {state}.", state=state)
    return _read(session, person, today, state=state, before=before, limit=PAGE + 1)


def document_seen(session: Session, person: Person, document: int, today: date) -> Incoming | None:
    """One of them; None where there is none that the person may see."""
    found = _read(session, person, today, state="", only=document, limit=1)
    return found[0] if found else None


def _read(session: Session, person: Person, today: date, **wanted: Any) -> list[Incoming]:
    values = {**visible_cases(person, today), "ids": None, "before": None, "only": None, **wanted}
    if person.is_one_of(OPERATOR):
        statement = _EVERY
    else:
        values["ids"] = tied_cases(session, values)
        statement = _AMONG_MANY if values["ids"] is None else _AMONG_FEW
    return [_incoming(dict(row)) for row in session.execute(statement, values).mappings()]


def _incoming(row: dict[str, Any]) -> Incoming:
    held = row.pop("held") if row["kind"] == "delivered" else row.pop("held") and None
    reason = row.pop("reason")
    return Incoming(
        **row,
        reason=Message.from_json(reason) if reason else None,
        reports=tuple(Report.from_json(one) for one in held or ()),
    )
