"""A person's word on a list that waits: apply exactly what was planned, or discard it. Both with a note, both audited."""

from datetime import datetime

from sqlalchemy import TextClause, select, text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from models.price import PriceList, PriceSource
from services import audit
from services.prices.apply import apply_plan, hold_provider
from services.prices.basis import must_still_hold
from services.prices.keeping import Kept, fingerprint, state_in_words
from services.prices.values import Plan

#: Rows in: a source. Rows changed: its runs that were held for a person, who has decided.
_SETTLE = text(
    """
    UPDATE run SET acknowledged = :note FROM work
    WHERE work.id = run.work_id AND run.kind = 'import_prices' AND run.outcome = 'held' AND run.acknowledged IS NULL
      AND work.arguments ->> 'source' = :source
    """
)

#: Rows in: a run. Rows out: the provider whose list it read; none for our own unit costs.
_PROVIDER_OF_RUN = text(
    """
    SELECT provider_id FROM run JOIN work ON work.id = run.work_id JOIN price_source ON price_source.name = work.arguments ->> 'source'
    WHERE run.id = :id AND run.kind = 'import_prices'
    """
)

#: Rows in: a list. Rows out: its source's provider; none for our own unit costs.
_PROVIDER_OF = text(
    "SELECT provider_id FROM price_list JOIN price_source ON price_source.id = source_id WHERE price_list.id = :id"
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


def approve(
    session: Session, price_list_id: int, actor: str, note: str, now: datetime, *, shown: str | None = None
) -> Plan:
    """Apply a held list exactly as planned. `shown` is the fingerprint of the plan that the person saw (keeping.py).

    Raises NotFound, InputError (not held, no note where something is doubtful, another plan than `shown`, or what it rests on has changed).
    """
    _hold_provider_of(session, price_list_id)
    price_list = _held(session, price_list_id)
    kept = Kept.from_json(price_list.plan or {})
    plan = kept.plan
    if shown is not None and shown != fingerprint(price_list.plan or {}):
        raise InputError("The plan has changed since it was shown. Look at it again.")
    if plan.doubts or not plan.held:
        _must_say_why(note)
    must_still_hold(session, plan, kept.basis)
    price_list.state, price_list.plan = "applied", None
    apply_plan(session, plan, price_list.id, price_list.run_id)
    _settle(session, price_list, f"approved: {note.strip()}" if note.strip() else "approved")
    audit.record(
        session, actor, "price_list.approved", f"price_list:{price_list.id}", now=now, reason=note, **plan.counts
    )
    return plan


def discard(session: Session, price_list_id: int, actor: str, note: str, now: datetime) -> None:
    """Let a held list be: the prices in force stay. Raises NotFound, InputError."""
    _hold_provider_of(session, price_list_id)
    _must_say_why(note)
    price_list = _held(session, price_list_id)
    price_list.state, price_list.plan = "discarded", None
    _settle(session, price_list, f"discarded: {note.strip()}")
    audit.record(session, actor, "price_list.discarded", f"price_list:{price_list.id}", now=now, reason=note)


def settle_held_runs(session: Session, source: str, note: str) -> None:
    """Runs of a source that were held wait no more: a person has decided, or a later run was applied."""
    session.execute(_SETTLE, {"source": source, "note": note})


def _settle(session: Session, price_list: PriceList, note: str) -> None:
    name = select(PriceSource.name).where(PriceSource.id == price_list.source_id)  # type: ignore[call-overload]
    settle_held_runs(session, session.execute(name).scalar_one(), note)


def _hold_provider_of(session: Session, price_list_id: int) -> None:
    """Keep imports off while a person decides: first the provider, then the list, as they do, so that neither waits for the other for ever."""
    _hold_found(session, _PROVIDER_OF, price_list_id)


def hold_provider_of_run(session: Session, run_id: int) -> None:
    """The same for the list that a run read, before the run is locked; nothing for a run of cases."""
    _hold_found(session, _PROVIDER_OF_RUN, run_id)


def _hold_found(session: Session, statement: TextClause, number: int) -> None:
    found = session.execute(statement, {"id": number}).one_or_none()
    if found is not None:
        hold_provider(session, found.provider_id)


def _must_say_why(note: str) -> None:
    if not note.strip():
        raise InputError("A note is needed: say why.")


def _held(session: Session, price_list_id: int) -> PriceList:
    """The list, locked until the transaction ends, so that two people cannot both decide."""
    price_list = session.execute(
        select(PriceList).where(PriceList.id == price_list_id).with_for_update()  # type: ignore[arg-type]
    ).scalar_one_or_none()
    if price_list is None:
        raise NotFound("There is no price list {id}.", id=price_list_id)
    if price_list.state != "held":
        raise InputError(
            "Price list {id} does not wait for anybody: it is {state}.",
            id=price_list_id,
            state=state_in_words(price_list.state),
        )
    return price_list
