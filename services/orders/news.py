"""Telling the responsible worker of an order what came of it: in the daily e-mail, and on the console's first page (services/notices)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from services import notices

#: SQL: who hears of a case, `client_case` with its `unit` if it has one: the responsible worker, else a supervisor. NULL: nobody.
WHO_HEARS: Final = "coalesce(client_case.responsible_worker_id, client_case.supervisor_id, unit.supervisor_id)"

#: Rows in: orders. Rows out: for each its number and who hears of its decision's case. Orders of whose case nobody is in charge are
#: left out.
_WORKERS: Final = text(
    f"""
    SELECT purchase_order.id, purchase_order.number, {WHO_HEARS} AS worker_id
    FROM purchase_order JOIN decision ON decision.id = purchase_order.decision_id
    JOIN client_case ON client_case.id = decision.case_id LEFT JOIN unit ON unit.id = client_case.unit_id
    WHERE purchase_order.id = ANY(:ids) AND {WHO_HEARS} IS NOT NULL
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class OrderNews:
    """What happened to an order; `event` tells repetitions apart (services/notices.News)."""

    order_id: int
    kind: str
    event: str
    message: Message


def tell_workers(session: Session, news: Sequence[OrderNews]) -> int:
    """Keep news for whoever is responsible for each order. Returns how many are new."""
    if not news:
        return 0
    found = {row.id: row for row in session.execute(_WORKERS, {"ids": [one.order_id for one in news]})}
    return notices.tell(
        session,
        [
            notices.News(row.worker_id, one.kind, f"order:{row.number}", one.event, one.message)
            for one in news
            if (row := found.get(one.order_id)) is not None
        ],
    )


def tell_worker(session: Session, order_id: int, kind: str, event: str, message: Message) -> int:
    """Keep one piece of news about one order."""
    return tell_workers(session, [OrderNews(order_id, kind, event, message)])
