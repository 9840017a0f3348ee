"""Reports of delivered quantities that wait for a person: a document for each order, since each has a responsible worker of its own."""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256
from json import dumps
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import N_
from models.answer import IncomingDocument
from services.orders.news import OrderNews, tell_workers
from services.orders.replies.delivered import TakenReport

_WAITS: Final = N_("What was reported as delivered of {order} waits for you: {reason}")
#: Rows in: orders. Rows out: their providers.
_PROVIDERS: Final = text("SELECT id, provider_id FROM purchase_order WHERE id = ANY(:ids)")


def keep_held(
    session: Session, source: str, file_name: str, taken: Iterable[TakenReport], *, run_id: int | None = None
) -> int:
    """Keep what goes beyond each order until somebody decides, and tell who is responsible. The same is kept once, whatever brings it again.

    Returns how many documents wait newly.
    """
    by_order: dict[int, list[TakenReport]] = defaultdict(list)
    for one in taken:
        if one.state == "held" and one.order_id is not None:
            by_order[one.order_id].append(one)
    if not by_order:
        return 0
    digests = {order: _digest(held) for order, held in by_order.items()}
    column = IncomingDocument.sha256
    known = select(column).where(IncomingDocument.source == source, column.in_(digests.values()))  # type: ignore[call-overload, attr-defined]
    before = set(session.execute(known).scalars())
    providers = {row.id: row.provider_id for row in session.execute(_PROVIDERS, {"ids": list(by_order)})}
    rows = {
        order: IncomingDocument(
            source=source,
            file_name=file_name,
            sha256=digests[order],
            kind="delivered",
            provider_id=providers[order],
            order_id=order,
            state="held",
            reason=held[0].reason.to_json() if held[0].reason else None,
            content={"held": [one.report.to_json() for one in held]},
            run_id=run_id,
        )
        for order, held in by_order.items()
        if digests[order] not in before
    }
    session.add_all(rows.values())
    session.flush()  # the news name them
    news = []
    for order, row in rows.items():
        first = by_order[order][0]
        message = Message(_WAITS, order=first.report.number, reason=first.reason)
        news.append(OrderNews(order, "delivered_held", f"incoming:{row.id}", message))
    tell_workers(session, news)
    return len(rows)


def _digest(held: Iterable[TakenReport]) -> str:
    """Of what is told, not of where in a file it stands."""
    told = [{**one.report.to_json(), "row": None} for one in held]
    return sha256(dumps(told, sort_keys=True).encode()).hexdigest()
