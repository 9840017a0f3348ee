"""One file of a price source: matched, planned, then applied or held; every rejected row kept with its reason."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.prices.row import PriceDocument
from core.budget_settings import Budgets
from core.clock import local_date
from core.errors import Message
from core.source_settings import PriceListSource
from models.price import PriceList
from services import rejected
from services.prices.apply import apply_plan, hold_provider
from services.prices.approval import settle_held_runs
from services.prices.basis import basis_of
from services.prices.effect import effect_of
from services.prices.keeping import Kept, substance
from services.prices.preparing import NO_PROVIDER, Prepared, current_provider, prepare

#: Rows in: a source. Rows out: its list that was read last; what undoes a list was never read.
_LAST = text("SELECT max(id) FROM price_list WHERE source_id = :id AND rolls_back_list_id IS NULL")


@dataclass(frozen=True)
class ImportResult:
    """What came of a file: `outcome` as a Run's (succeeded, partly, held, refused, nothing_to_do), and why it waits."""

    outcome: str
    price_list_id: int | None
    counts: dict[str, int]
    message: Message | None = None
    reasons: list[Message] = field(default_factory=list)


def import_price_list(
    session: Session,
    source: str,
    configured: PriceListSource,
    document: PriceDocument,
    *,
    run_id: int,
    now: datetime,
    budgets: Budgets | None = None,
    doubt: Message | None = None,
    asked: bool = False,
) -> ImportResult:
    """Apply one file, or hold it where a person must look first; the same content is not recorded twice.

    `document` was read to its end. `budgets`: the limits by which what is held shows its effect. `doubt`: why a person must look
    whatever it would change. `asked`: a person brought this very file, so that what was discarded before is planned again. Raises InputError when the source's provider is not known.
    """
    # Before anything is compared: what another source's list or an approval changes of the provider meanwhile would go unseen.
    provider_id = current_provider(session, configured)
    if provider_id != NO_PROVIDER:
        hold_provider(session, provider_id)
    prepared = prepare(session, source, configured, document, local_date(now), doubt=doubt)
    known = _known(session, prepared, asked=asked)
    if known is not None:
        return known
    counts, plan = prepared.counts, prepared.plan
    rejected.reject(session, run_id, source, document.file_name, document.sha256, prepared.rejections)
    rejected.settle_earlier(session, source, run_id, now)
    kept = None
    if prepared.state == "held":
        kept = Kept(plan, basis_of(session, plan), effect_of(session, plan, now=now, settings=budgets or Budgets()))
    price_list = keep_list(session, prepared, prepared.state, run_id, kept.to_json() if kept else None)
    if prepared.state == "refused":
        return ImportResult("refused", price_list.id, counts, prepared.refusal)
    if prepared.state == "held":
        return ImportResult("held", price_list.id, counts, plan.reasons[0], plan.reasons)
    apply_plan(session, plan, price_list.id, run_id)
    settle_held_runs(session, source, "overtaken")
    return ImportResult("partly" if prepared.rejections else "succeeded", price_list.id, counts)


def is_applied(session: Session, result: ImportResult) -> bool:
    """Whether what the file says is in force: it was applied now, or the same content was before."""
    state = select(PriceList.state).where(PriceList.id == result.price_list_id)  # type: ignore[call-overload]
    return bool(session.execute(state).scalar_one_or_none() == "applied")


def _known(session: Session, prepared: Prepared, *, asked: bool) -> ImportResult | None:
    """What came of the same content the last time, where nothing has changed since: it is not recorded a second time.

    Content that was applied is passed over only while it would still change nothing; what waits keeps its place, with the plan as of
    today, as long as that comes to the same; what a person discarded does not come back every night.
    """
    last_id = session.execute(_LAST, {"id": prepared.source_id}).scalar_one_or_none()
    last = session.get(PriceList, last_id) if last_id is not None else None
    if (
        last is None
        or last.sha256 != prepared.document.sha256
        or last.counts.get("rejected") != len(prepared.rejections)
    ):
        return None
    plan, counts, state = prepared.plan, prepared.counts, prepared.state
    if last.state in ("applied", "rolled_back") and state == "applied" and plan.empty:
        return ImportResult(
            "nothing_to_do", last.id, counts, Message("The price list is the same as the one applied last.")
        )
    if last.state == state == "held" and (last.plan or {}).get("substance") == substance(plan):
        effect = (last.plan or {}).get("effect")
        last.plan, last.counts = Kept(plan, basis_of(session, plan), effect).to_json(), counts
        session.flush()  # approval reads it in a statement of its own
        return ImportResult("held", last.id, counts, plan.reasons[0], plan.reasons)
    if last.state == state == "refused":
        return ImportResult("refused", last.id, counts, prepared.refusal)
    if last.state == "discarded" and state == "held" and not asked:
        return ImportResult("nothing_to_do", last.id, counts, Message("The same price list was discarded by a person."))
    return None


def keep_list(
    session: Session, prepared: Prepared, state: str, run_id: int, plan: dict[str, Any] | None = None
) -> PriceList:
    """The list's row. A newer file takes the place of one that waits: only the latest can be approved."""
    if state == "held":
        session.execute(
            text("UPDATE price_list SET state = 'discarded', plan = NULL WHERE source_id = :id AND state = 'held'"),
            {"id": prepared.source_id},
        )
    price_list = PriceList(
        source_id=prepared.source_id,
        run_id=run_id,
        file_name=prepared.document.file_name,
        sha256=prepared.document.sha256,
        catalogue=prepared.document.catalogue,
        state=state,
        counts=prepared.counts,
        plan=plan,
    )
    session.add(price_list)
    session.flush()  # prices refer to it
    return price_list
