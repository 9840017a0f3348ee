"""Lists of orders in the console: those of cases a person may see, the newest first, a page at a time.

Who sees few cases is served from those; who sees a great part of the organisation's from the newest orders backwards, so that the database
looks at a page's worth of rows either way.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from core.errors import InputError
from services.access.cases import AMONG, VISIBLE, tied_cases, visible_cases
from services.access.people import Person
from services.orders.show import STATE_NAMES

PAGE: Final = 50


@dataclass(frozen=True)
class Wanted:
    """What a list is narrowed to: a state, a provider's business id, a case's number, a responsible worker's external id; '' for any."""

    state: str = ""
    provider: str = ""
    case: str = ""
    worker: str = ""


@dataclass(frozen=True)
class Listed:
    """An order in a list; `proposals`: how many open proposals to take it back. Days are both included."""

    id: int
    number: str
    case_number: str
    provider: str
    worker: str | None
    state: str
    first_day: date
    last_day: date
    total_gross: Decimal
    approved_at: datetime
    proposals: int


_COLUMNS: Final = """
    purchase_order.id, purchase_order.number, client_case.number AS case_number, provider.name AS provider,
    (SELECT name FROM worker WHERE worker.id = client_case.responsible_worker_id) AS worker, purchase_order.state,
    lower(purchase_order.period) AS first_day, upper(purchase_order.period) - 1 AS last_day, total_gross, approved_at,
    (SELECT count(*) FROM order_proposal WHERE order_proposal.order_id = purchase_order.id AND settled_at IS NULL) AS proposals
"""


def _list(seen: str) -> TextClause:
    """Rows in: a person, what the list is narrowed to, the id a page ended with. Rows out: the orders that follow, the newest first."""
    return text(
        f"""
        SELECT {_COLUMNS}
        FROM purchase_order
        JOIN decision ON decision.id = purchase_order.decision_id
        JOIN client_case ON client_case.id = decision.case_id
        JOIN provider ON provider.id = purchase_order.provider_id
        WHERE {seen}
          AND (CAST(:before AS bigint) IS NULL OR purchase_order.id < :before)
          AND (:state = '' OR purchase_order.state = :state)
          AND (:provider = '' OR purchase_order.provider_id = (SELECT id FROM provider WHERE business_id = :provider))
          AND (:case = '' OR client_case.number = :case)
          AND (:worker = '' OR client_case.responsible_worker_id = (SELECT id FROM worker WHERE external_id = :worker))
        ORDER BY purchase_order.id DESC LIMIT :limit
        """  # noqa: S608 - our own words
    )


_AMONG_FEW: Final = _list(f"client_case.id = {AMONG}")
_AMONG_MANY: Final = _list(VISIBLE)

#: Rows in: a case. Rows out: its orders, the newest first.
_OF_CASE: Final = text(
    f"""
    SELECT {_COLUMNS}
    FROM purchase_order
    JOIN decision ON decision.id = purchase_order.decision_id
    JOIN client_case ON client_case.id = decision.case_id
    JOIN provider ON provider.id = purchase_order.provider_id
    WHERE decision.case_id = :case_id ORDER BY purchase_order.id DESC
    """  # noqa: S608 - our own words
)

#: Rows out: providers that anything was ever ordered from.
_PROVIDERS: Final = text(
    "SELECT business_id, name FROM provider WHERE EXISTS (SELECT FROM purchase_order WHERE provider_id = provider.id)"
)


def orders_of(
    session: Session, person: Person, wanted: Wanted, today: date, *, before: int | None = None
) -> list[Listed]:
    """Orders of cases that a person may see, the newest first, one more than a page. At most two queries.

    Raises InputError for a state that does not exist.
    """
    if wanted.state and wanted.state not in STATE_NAMES:
        raise InputError("There is no state of orders called {state}.", state=wanted.state)
    who = visible_cases(person, today)
    ids = tied_cases(session, who)
    values: dict[str, Any] = {
        **who,
        "ids": ids,
        "before": before,
        "state": wanted.state,
        "provider": wanted.provider,
        "case": wanted.case.upper(),
        "worker": wanted.worker,
        "limit": PAGE + 1,
    }
    rows = session.execute(_AMONG_MANY if ids is None else _AMONG_FEW, values).mappings()
    return [Listed(**row) for row in rows]


def orders_of_case(session: Session, case_id: int) -> list[Listed]:
    """All orders of a case, the newest first. One query."""
    return [Listed(**row) for row in session.execute(_OF_CASE, {"case_id": case_id}).mappings()]


def providers_ordered_from(session: Session) -> dict[str, str]:
    """Names by business id of the providers that a list can be narrowed to, in the order of their names. One query."""
    rows = session.execute(_PROVIDERS).all()
    return {row.business_id: row.name for row in sorted(rows, key=lambda one: one.name.casefold())}
