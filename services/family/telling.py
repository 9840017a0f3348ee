"""Telling the worker that something came from a family: the daily e-mail names the case and what sort of thing it is, nothing else."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from services import notices
from services.orders.news import WHO_HEARS

#: Rows in: a case. Rows out: its number and who hears of it.
_HEARER: Final = text(
    f"""
    SELECT client_case.number, {WHO_HEARS} AS worker_id
    FROM client_case LEFT JOIN unit ON unit.id = client_case.unit_id WHERE client_case.id = :case
    """  # noqa: S608 - our own words
)


def tell_worker(session: Session, case_id: int, kind: str, event: str, message: Message) -> None:
    """Keep one piece of news for whoever answers for the case, if anybody does. `event` tells repetitions apart (services/notices.News)."""
    row = session.execute(_HEARER, {"case": case_id}).one()
    if row.worker_id is not None:
        notices.tell(session, [notices.News(row.worker_id, kind, f"case:{row.number}", event, message)])
