"""Links that a provider was sent and that must open no more, such as after a letter went astray; and new ones in their place.

The letter that was kept is superseded with them: an order that is sent again is a new letter with new links.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from core.settings import Settings
from services import audit
from services.orders.sending.paper_values import Link
from services.orders.sending.papers import links
from services.orders.show import state_name

#: In these a letter has gone out and the next one is not on its way.
WITH_LINKS: Final = ("sent", "received", "accepted", "changed", "rejected", "failed", "closed")

#: Rows in: a number. Rows out: the order, held until the transaction ends.
_ORDER: Final = text(
    "SELECT id, number, state, upper(period) - 1 AS last_day FROM purchase_order WHERE number = :number FOR NO KEY UPDATE"
)

#: Rows in: an order. Rows changed: it, whose former links open no more, and the letter they stand in. Rows out: the epoch of new links.
_END_LINKS: Final = text(
    """
    WITH put_away AS (
        UPDATE order_paper SET superseded_at = :now WHERE order_id = :id AND kind IN ('pdf', 'mail') AND superseded_at IS NULL)
    UPDATE purchase_order SET link_epoch = link_epoch + 1 WHERE id = :id RETURNING link_epoch
    """
)


def revoke(session: Session, number: str, *, actor: str, reason: str, now: datetime) -> None:
    """Let no link open any more that went out with an order. Raises NotFound, InputError (no reason; nothing went out, or it is on its way)."""
    order = _held(session, number, WITH_LINKS)
    _end(session, order, "order.links_revoked", actor=actor, reason=reason, now=now)


def renew(
    session: Session, number: str, *, settings: Settings, actor: str, reason: str, now: datetime
) -> tuple[Link, Link]:
    """The same, and new links: to answer, and to tell what was delivered. Whoever is shown them hands them to the provider.

    Raises as `revoke`.
    """
    order = _held(session, number, WITH_LINKS)
    epoch = _end(session, order, "order.links_renewed", actor=actor, reason=reason, now=now)
    return links(order.number, order.last_day, epoch=epoch, settings=settings, now=now)


def _held(session: Session, number: str, allowed: Collection[str]) -> Any:
    order = session.execute(_ORDER, {"number": number}).one_or_none()
    if order is None:
        raise NotFound("There is no purchase order {order}.", order=number)
    if order.state not in allowed:
        raise InputError("{order} is {state} and has no links.", order=number, state=state_name(order.state))
    return order


def _end(session: Session, order: Any, action: str, *, actor: str, reason: str, now: datetime) -> int:
    if not reason.strip():
        raise InputError("A note is needed: say why.")
    epoch: int = session.execute(_END_LINKS, {"id": order.id, "now": now}).scalar_one()
    audit.record(session, actor, action, f"order:{order.number}", now=now, reason=reason, epoch=epoch)
    return epoch
