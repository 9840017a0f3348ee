"""A person's word on a list that waits: apply exactly what was planned, or discard it. Both with a note, both audited."""

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from models.price import PriceList, PriceSource
from services import audit
from services.prices.apply import apply_plan, hold_provider
from services.prices.basis import must_still_hold
from services.prices.keeping import Kept
from services.prices.values import Plan

#: Rows in: a source. Rows changed: its runs that were held for a person, who has decided.
_SETTLE = text(
    """
    UPDATE run SET acknowledged = :note FROM work
    WHERE work.id = run.work_id AND run.kind = 'import_prices' AND run.outcome = 'held' AND run.acknowledged IS NULL
      AND work.arguments ->> 'source' = :source
    """
)


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
    """Apply a held list exactly as planned. Raises NotFound, InputError (not held, no note, or what it rests on has changed)."""
    price_list = _held(session, price_list_id, note)
    kept = Kept.from_json(price_list.plan or {})
    plan = kept.plan
    hold_provider(session, plan.provider_id)
    must_still_hold(session, plan, kept.basis)
    price_list.state, price_list.plan = "applied", None
    apply_plan(session, plan, price_list.id, price_list.run_id)
    _settle(session, price_list, f"approved: {note.strip()}")
    audit.record(
        session, actor, "price_list.approved", f"price_list:{price_list.id}", now=now, reason=note, **plan.counts
    )
    return plan


def discard(session: Session, price_list_id: int, actor: str, note: str, now: datetime) -> None:
    """Let a held list be: the prices in force stay. Raises NotFound, InputError."""
    price_list = _held(session, price_list_id, note)
    price_list.state, price_list.plan = "discarded", None
    _settle(session, price_list, f"discarded: {note.strip()}")
    audit.record(session, actor, "price_list.discarded", f"price_list:{price_list.id}", now=now, reason=note)


def settle_held_runs(session: Session, source: str, note: str) -> None:
    """Runs of a source that were held wait no more: a person has decided, or a later run was applied."""
    session.execute(_SETTLE, {"source": source, "note": note})


def _settle(session: Session, price_list: PriceList, note: str) -> None:
    name = select(PriceSource.name).where(PriceSource.id == price_list.source_id)  # type: ignore[call-overload]
    settle_held_runs(session, session.execute(name).scalar_one(), note)


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
