"""A price list's plan as a file that people keep, look at, and have applied later: exactly as it was shown, or not at all.

The file holds the plan, what was rejected, what the plan rests on, and a hash of it all under the installation's own key: prices whose
provenance is a row of a list must not come from an editor. Applying is a Run of its own in the source's lane.
"""

import json
from datetime import date, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.orm import Session

from connectors.prices.row import PriceDocument
from connectors.rejection import Rejection
from core.clock import local_date
from core.errors import InputError, Message
from core.keys import record_hasher
from core.settings import Settings
from core.source_settings import PriceListSource
from services import audit, rejected, visiting
from services.lanes import take_lane
from services.prices.apply import apply_plan, hold_provider
from services.prices.approval import settle_held_runs
from services.prices.basis import Basis, basis_of, must_still_hold
from services.prices.importing import keep_list
from services.prices.preparing import Prepared, current_provider, source_id
from services.prices.values import Plan
from services.sources import find_source
from services.work import close

_FORMAT: Final = "avain price plan"
_VERSION: Final = 1
#: A plan of so many lines is written for eyes; of a longer one nobody reads the file.
_READABLE: Final = 2_000


class _Rejected(BaseModel):
    position: str
    field: str | None
    external_id: str | None
    reason: dict[str, Any]


class PlanFile(BaseModel):
    """A saved plan. `arguments` are those that the reading Work would have had (services/visiting)."""

    model_config = ConfigDict(extra="forbid")

    format: str
    version: int
    source: str
    file: str
    sha256: str
    made_at: datetime
    read: int
    plan: dict[str, Any]
    rejections: list[_Rejected]
    rests_on: dict[str, Any]
    effect: dict[str, Any] | None
    arguments: dict[str, Any]
    seal: str = ""


def save_plan(
    session: Session,
    prepared: Prepared,
    effect: dict[str, Any] | None,
    arguments: dict[str, Any],
    *,
    configured: Settings,
    now: datetime,
) -> str:
    """The plan of a list as a JSON text. Raises InputError where there is no plan: the list was refused."""
    if prepared.refusal is not None:
        raise InputError(prepared.refusal)
    saved = PlanFile(
        format=_FORMAT,
        version=_VERSION,
        source=prepared.source,
        file=prepared.document.file_name,
        sha256=prepared.document.sha256,
        made_at=now,
        read=prepared.counts["read"],
        plan=prepared.plan.to_json(),
        rejections=[
            _Rejected(position=one.position, field=one.field, external_id=one.external_id, reason=one.reason.to_json())
            for one in prepared.rejections
        ],
        rests_on=basis_of(session, prepared.plan).to_json(),
        effect=effect,
        arguments=arguments,
    )
    sealed = saved.model_copy(update={"seal": _seal(saved, configured)})
    readable = len(prepared.plan.changes) <= _READABLE
    return sealed.model_dump_json(indent=1 if readable else None) + "\n"


def read_plan(content: str, configured: Settings) -> PlanFile:
    """A saved plan. Raises InputError where the text is none, of a later version, of another installation, or was changed."""
    try:
        saved = PlanFile.model_validate_json(content)
    except ValidationError as error:
        raise InputError("The file is not a saved plan of a price list.") from error
    if saved.format != _FORMAT or saved.version != _VERSION:
        raise InputError("The plan was saved by another version of Avain. Make a new plan.")
    if saved.seal != _seal(saved, configured):
        raise InputError("The plan was changed after it was saved, or saved by another installation. Make a new plan.")
    return saved


def apply_saved(
    session: Session, saved: PlanFile, configured: Settings, *, actor: str, note: str, now: datetime
) -> dict[str, int]:
    """Apply exactly what was saved; the figures of what was done.

    Raises NotFound, InputError: the source is not configured (so) any more or being read, what the plan rests on has changed (named),
    a day that begins a price has passed, or the list must wait for a person and no `note` says why it may be applied.
    """
    source = find_source(configured.sources, saved.source)
    plan = Plan.from_json(saved.plan)
    settings = configured.sources.prices.get(source.name)
    if settings is None or current_provider(session, settings) != plan.provider_id:
        raise InputError("The source {source} is not the one of the plan any more.", source=saved.source)
    if plan.held and not note.strip():
        raise InputError(
            "This list must wait for a person ({reason}). To apply it all the same, say why with --note.",
            reason=plan.reasons[0],
        )
    _must_be_of_today(plan, settings, local_date(now))
    others = {name: value for name, value in saved.arguments.items() if name not in {"source", "request"}}
    claimed = take_lane(session, "import_prices", saved.source, "plan", **others)
    run_id = claimed.run_id
    hold_provider(session, plan.provider_id)
    must_still_hold(session, plan, Basis.from_json(saved.rests_on))
    rejections = [
        Rejection(one.position, one.field, one.external_id, Message.from_json(one.reason)) for one in saved.rejections
    ]
    prepared = _prepared(session, saved, settings, plan, rejections)
    rejected.reject(session, run_id, source.name, saved.file, saved.sha256, rejections)
    rejected.settle_earlier(session, source.name, run_id, now)
    counts = {**prepared.counts, "read": saved.read}
    price_list = keep_list(session, prepared, "applied", run_id)
    price_list.counts = counts
    session.flush()  # the statements that follow read it
    apply_plan(session, plan, price_list.id, run_id)
    settle_held_runs(session, source.name, "overtaken")
    visiting.applied(session, configured, source, run_id, saved.arguments, now=now)
    close(session, claimed, "partly" if rejections else "succeeded", counts=counts, reply=saved.file)
    audit.record(
        session,
        actor,
        "price_list.approved" if plan.held else "price_list.plan_applied",
        f"price_list:{price_list.id}",
        now=now,
        reason=note.strip(),
        **counts,
    )
    return counts


def _must_be_of_today(plan: Plan, settings: PriceListSource, today: date) -> None:
    """What began "today" when the plan was made would by now change past days."""
    if plan.day is None or plan.day >= today or settings.allow_backdating:
        return
    if any(new.first == plan.day for new in plan.new) or any(one.keep_until == plan.day for one in plan.endings):
        raise InputError(
            "The plan would change prices from {date} on, which was the day it was made. Make a new plan.",
            date=plan.day.isoformat(),
        )


def _prepared(
    session: Session, saved: PlanFile, settings: PriceListSource, plan: Plan, rejections: list[Rejection]
) -> Prepared:
    document = PriceDocument(saved.file, saved.sha256, [], [])
    row_id = source_id(session, saved.source, settings, plan.provider_id)
    return Prepared(row_id, saved.source, document, plan, rejections)


def _seal(saved: PlanFile, configured: Settings) -> str:
    text = json.dumps(saved.model_dump(mode="json", exclude={"seal"}), sort_keys=True, separators=(",", ":"))
    return record_hasher(configured).digest({"price plan": text}).hex()
