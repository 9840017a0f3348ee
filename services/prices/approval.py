"""A person's word on a list that waits: apply exactly what was planned, or discard it. Both with a note, both audited."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from models.price import PriceList, PriceSource
from services import audit
from services.prices.apply import apply_plan
from services.prices.values import Plan


def list_of_run(session: Session, source: str, sha256: str) -> int:
    """The list that waits with the content a held run read: equal content read again keeps its place. Raises InputError."""
    found: int | None = session.execute(
        select(PriceList.id)  # type: ignore[call-overload]
        .join(PriceSource, PriceSource.id == PriceList.source_id)
        .where(PriceSource.name == source, PriceList.state == "held", PriceList.sha256 == sha256)
    ).scalar_one_or_none()
    if found is None:
        raise InputError(
            "No price list of that run waits any more. Those that do: {command}", command="avain price held"
        )
    return found


def approve(session: Session, price_list_id: int, actor: str, note: str, now: datetime) -> Plan:
    """Apply a held list exactly as planned. Raises NotFound, InputError (not held, no note, or the world has moved)."""
    price_list = _held(session, price_list_id, note)
    plan = Plan.from_json(price_list.plan or {})
    price_list.state, price_list.plan = "applied", None
    apply_plan(session, plan, price_list.id, price_list.run_id)
    audit.record(
        session, actor, "price_list.approved", f"price_list:{price_list.id}", now=now, reason=note, **plan.counts
    )
    return plan


def discard(session: Session, price_list_id: int, actor: str, note: str, now: datetime) -> None:
    """Let a held list be: the prices in force stay. Raises NotFound, InputError."""
    price_list = _held(session, price_list_id, note)
    price_list.state, price_list.plan = "discarded", None
    audit.record(session, actor, "price_list.discarded", f"price_list:{price_list.id}", now=now, reason=note)


def _held(session: Session, price_list_id: int, note: str) -> PriceList:
    """The list, locked until the transaction ends, so that two people cannot both decide."""
    if not note.strip():
        raise InputError("A note is needed: say why.")
    price_list = session.execute(
        select(PriceList).where(PriceList.id == price_list_id).with_for_update()  # type: ignore[arg-type]
    ).scalar_one_or_none()
    if price_list is None:
        raise NotFound("There is no price list {id}.", id=price_list_id)
    if price_list.state != "held":
        raise InputError(
            "Price list {id} does not wait for anybody: it is {state}.", id=price_list_id, state=price_list.state
        )
    return price_list
