"""A person's word on a run that was held, of either kind of source: apply exactly what it read, or let it be."""

from datetime import datetime

from sqlalchemy.orm import Session

from core.settings import Settings
from services import case_sync, prices
from services.work.holding import held_run


def approve(
    session: Session, run_id: int, actor: str, note: str, configured: Settings, *, now: datetime
) -> dict[str, int]:
    """Apply a held run; the figures of what was done. Raises NotFound, InputError (see case_sync.approve_run, prices.approve)."""
    price_list = _price_list_of(session, run_id)
    if price_list is None:
        return case_sync.approve_run(session, run_id, actor, note, configured, now=now).counts
    return prices.approve(session, price_list, actor, note, now).counts


def discard(session: Session, run_id: int, actor: str, note: str, *, now: datetime) -> None:
    """Let a held run be; nothing of it is applied. Raises NotFound, InputError."""
    price_list = _price_list_of(session, run_id)
    if price_list is None:
        case_sync.discard_run(session, run_id, actor, note, now=now)
    else:
        prices.discard(session, price_list, actor, note, now)


def _price_list_of(session: Session, run_id: int) -> int | None:
    """The price list that a held run left waiting; None for a run of cases."""
    held = held_run(session, run_id)
    if held.kind != "import_prices":
        return None
    return prices.list_of_run(session, held.source, held.arguments["files"][-1]["sha256"])
