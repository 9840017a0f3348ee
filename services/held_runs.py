"""A person's word on a run that was held, of either kind of source: apply exactly what it read, or let it be."""

from datetime import datetime

from sqlalchemy.orm import Session

from core.errors import InputError
from core.faults import fault_point
from core.settings import Settings
from services import case_sync, prices, visiting
from services.sources import all_sources
from services.work.holding import Held, held_run


def approve(
    session: Session, run_id: int, actor: str, note: str, configured: Settings, *, now: datetime
) -> dict[str, int]:
    """Apply a held run; the figures of what was done. Raises NotFound, InputError (see case_sync.approve_run, prices.approve)."""
    prices.hold_provider_of_run(session, run_id)
    held = held_run(session, run_id)
    price_list = _price_list_of(session, held)
    if price_list is None:
        counts = case_sync.approve_run(session, run_id, actor, note, configured, now=now).counts
    else:
        counts = prices.approve(session, price_list, actor, note, now).counts
    configured_now = {one.name: one for one in all_sources(configured.sources)}
    if held.source in configured_now:
        visiting.applied(session, configured, configured_now[held.source], run_id, held.arguments, now=now)
    fault_point("approve.recorded")
    return counts


def discard(session: Session, run_id: int, actor: str, note: str, *, now: datetime) -> None:
    """Let a held run be; nothing of it is applied. Raises NotFound, InputError."""
    prices.hold_provider_of_run(session, run_id)
    price_list = _price_list_of(session, held_run(session, run_id))
    if price_list is None:
        case_sync.discard_run(session, run_id, actor, note, now=now)
    else:
        prices.discard(session, price_list, actor, note, now)


def waiting_price_list(session: Session, source: str, sha256: str) -> int | None:
    """The price list that waits with a held run's content, by its number; None: none waits any more."""
    try:
        return prices.list_of_run(session, source, sha256)
    except InputError:
        return None


def _price_list_of(session: Session, held: Held) -> int | None:
    """The price list that a held run left waiting; None for a run of cases."""
    if held.kind != "import_prices":
        return None
    return prices.list_of_run(session, held.source, held.arguments["files"][-1]["sha256"])
