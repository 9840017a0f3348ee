"""One file of a price source: matched, planned, then applied or held; every rejected row kept with its reason."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.prices.row import PriceDocument
from connectors.rejection import Rejection
from core.clock import local_date
from core.errors import InputError, Message
from core.i18n import N_
from core.source_settings import PriceListSource
from models.price import PriceList, PriceSource
from models.provider import Provider
from services import rejected
from services.prices.apply import apply_plan
from services.prices.matching import Catalogue, match_rows
from services.prices.plan import World, make_plan
from services.prices.values import OPEN, InForce, Key, Plan, PriceRule

#: Rows in: a provider, or none for our own unit costs. Rows out: its price versions in force, of the past and the future too.
_IN_FORCE = text(
    """
    SELECT price.id, price_key_id, service_id, unit, base_quantity, time_class, minimum_quantity, territory, extra,
           lower(valid) AS first, upper(valid) AS until, amount, vat_category, vat_rate, vat_inclusive
    FROM price JOIN price_key ON price_key.id = price_key_id
    WHERE provider_id IS NOT DISTINCT FROM CAST(:provider_id AS bigint) AND superseded_at IS NULL
    """
)

#: Rows in: a provider and a day. Rows out: service and unit of open plans that chose it.
_IN_USE = text(
    """
    SELECT DISTINCT service_id, unit
    FROM choice
    JOIN plan_item ON plan_item.id = plan_item_id AND plan_item.ended_at IS NULL AND upper(plan_item.period) > :today
    WHERE choice.provider_id = :provider_id AND choice.ended_at IS NULL
    """
)

#: Rows out: service and unit that open decisions measure their ceiling by.
_BASELINES_IN_USE = text(
    """
    SELECT DISTINCT baseline_service_id, baseline_unit FROM decision
    WHERE ended_at IS NULL AND baseline_service_id IS NOT NULL AND (valid IS NULL OR upper_inf(valid) OR upper(valid) > :today)
    """
)

#: Rows in: a provider. Rows out: its contracts with their price rules.
_CONTRACTS = text(
    "SELECT number, lower(valid) AS first, upper(valid) AS until, price_rule FROM contract WHERE provider_id = :id"
)

_NOTHING_USABLE = N_("No row of the price list could be used.")


@dataclass(frozen=True)
class Prepared:
    """A list ready to be applied or shown: its source, the plan, and every rejected row."""

    source_id: int
    source: str
    document: PriceDocument
    plan: Plan
    rejections: list[Rejection]

    @property
    def counts(self) -> dict[str, int]:
        """`read, added, changed, unchanged, ended, missing, rejected`."""
        read = len(self.document.rows) + len(self.document.rejections)
        return {"read": read, **self.plan.counts, "rejected": len(self.rejections)}


@dataclass(frozen=True)
class ImportResult:
    """What came of a file: `outcome` as a Run's (succeeded, partly, held, refused, nothing_to_do), and why it waits."""

    outcome: str
    price_list_id: int | None
    counts: dict[str, int]
    message: Message | None = None
    reasons: list[Message] = field(default_factory=list)


def prepare(
    session: Session, source: str, configured: PriceListSource, document: PriceDocument, today: date
) -> Prepared:
    """Match and plan one file. Writes nothing but the source's row. Raises InputError when its provider is not known."""
    provider = _provider(session, source, configured)
    provider_id = provider.id if provider else None
    catalogue = Catalogue(session, provider_id)
    stated, unmatched = match_rows(
        document.rows, catalogue, business_id=provider.business_id if provider else None, today=today
    )
    rejections = document.rejections + unmatched
    world = World(
        today,
        catalogue.codes,
        _contracts(session, provider_id),
        _in_use(session, provider_id, today),
        catalogue.services_of(one.external_id for one in rejections),
        any(not catalogue.services_of([one.external_id]) for one in rejections),
    )
    plan = make_plan(provider_id, stated, _in_force(session, provider_id), world)
    return Prepared(_source_id(session, source, configured, provider_id), source, document, plan, rejections)


def import_price_list(
    session: Session, source: str, configured: PriceListSource, document: PriceDocument, *, run_id: int, now: datetime
) -> ImportResult:
    """Apply one file, or hold it where a person must look first; the same content is not recorded twice.

    `document` was read to its end. Raises InputError when the source's provider is not known.
    """
    prepared = prepare(session, source, configured, document, local_date(now))
    known = _known(session, prepared)
    if known is not None:
        return known
    counts = prepared.counts
    rejected.reject(session, run_id, source, document.file_name, document.sha256, prepared.rejections)
    rejected.settle_earlier(session, source, run_id, now)
    state = _state(prepared)
    price_list = _keep(session, prepared, state, run_id)
    if state == "refused":
        return ImportResult("refused", price_list.id, counts, Message(_NOTHING_USABLE))
    if state == "held":
        return ImportResult("held", price_list.id, counts, prepared.plan.reasons[0], prepared.plan.reasons)
    apply_plan(session, prepared.plan, price_list.id, run_id)
    return ImportResult("partly" if prepared.rejections else "succeeded", price_list.id, counts)


def is_applied(session: Session, result: ImportResult) -> bool:
    """Whether what the file says is in force: it was applied now, or the same content was before."""
    state = select(PriceList.state).where(PriceList.id == result.price_list_id)  # type: ignore[call-overload]
    return bool(session.execute(state).scalar_one_or_none() == "applied")


def _state(prepared: Prepared) -> str:
    if len(prepared.rejections) == prepared.counts["read"]:
        return "refused"
    return "held" if prepared.plan.held else "applied"


def _known(session: Session, prepared: Prepared) -> ImportResult | None:
    """What came of the same content the last time, where nothing has changed since: it is not recorded a second time.

    Content that was applied is passed over only while it would still change nothing; what waits keeps its place with a fresh plan;
    what a person discarded does not come back every night.
    """
    last = session.execute(
        select(PriceList).where(PriceList.source_id == prepared.source_id).order_by(PriceList.id.desc()).limit(1)  # type: ignore[attr-defined,arg-type]
    ).scalar_one_or_none()
    if (
        last is None
        or last.sha256 != prepared.document.sha256
        or last.counts.get("rejected") != len(prepared.rejections)
    ):
        return None
    plan, counts, state = prepared.plan, prepared.counts, _state(prepared)
    if last.state == state == "applied" and not plan.new and not plan.endings:
        return ImportResult(
            "nothing_to_do", last.id, counts, Message("The price list is the same as the one applied last.")
        )
    if last.state == state == "held":
        last.plan, last.counts = plan.to_json(), counts
        session.flush()  # approval reads it in a statement of its own
        return ImportResult("held", last.id, counts, plan.reasons[0], plan.reasons)
    if last.state == state == "refused":
        return ImportResult("refused", last.id, counts, Message(_NOTHING_USABLE))
    if last.state == "discarded" and state == "held":
        return ImportResult("nothing_to_do", last.id, counts, Message("The same price list was discarded by a person."))
    return None


def _keep(session: Session, prepared: Prepared, state: str, run_id: int) -> PriceList:
    """The list's row. A newer file takes the place of one that waits: only the latest can be approved."""
    if state == "held":
        session.execute(
            text("UPDATE price_list SET state = 'discarded' WHERE source_id = :id AND state = 'held'"),
            {"id": prepared.source_id},
        )
    price_list = PriceList(
        source_id=prepared.source_id,
        run_id=run_id,
        file_name=prepared.document.file_name,
        sha256=prepared.document.sha256,
        state=state,
        counts=prepared.counts,
        plan=prepared.plan.to_json() if state == "held" else None,
    )
    session.add(price_list)
    session.flush()  # prices refer to it
    return price_list


def _provider(session: Session, source: str, configured: PriceListSource) -> Provider | None:
    if configured.kind == "own":
        return None
    provider = session.execute(
        select(Provider).where(Provider.business_id == configured.provider)  # type: ignore[arg-type]
    ).scalar_one_or_none()
    if provider is None:
        raise InputError(
            "The provider {business_id} of the source {source} is not known. Add it with: avain provider import",
            business_id=configured.provider,
            source=source,
        )
    return provider


def _source_id(session: Session, source: str, configured: PriceListSource, provider_id: int | None) -> int:
    """The source's row, made or corrected from the settings."""
    row = session.execute(select(PriceSource).where(PriceSource.name == source)).scalar_one_or_none()  # type: ignore[arg-type]
    if row is None:
        row = PriceSource(name=source, kind=configured.kind, provider_id=provider_id)
        session.add(row)
    row.kind, row.provider_id = configured.kind, provider_id
    session.flush()  # its id is needed
    return row.id


def _in_force(session: Session, provider_id: int | None) -> list[InForce]:
    return [
        InForce(
            row.id,
            row.price_key_id,
            _key(row),
            row.first,
            row.until or OPEN,
            row.amount,
            row.vat_category,
            row.vat_rate,
            row.vat_inclusive,
        )
        for row in session.execute(_IN_FORCE, {"provider_id": provider_id})
    ]


def _key(row: Any) -> Key:
    return Key(
        row.service_id,
        row.unit,
        row.base_quantity,
        row.time_class,
        row.minimum_quantity or Decimal(0),
        row.territory,
        row.extra,
    )


def _in_use(session: Session, provider_id: int | None, today: date) -> set[tuple[int, str]]:
    rows = (
        session.execute(_BASELINES_IN_USE, {"today": today})
        if provider_id is None
        else session.execute(_IN_USE, {"provider_id": provider_id, "today": today})
    )
    return {(row[0], row[1]) for row in rows}


def _contracts(session: Session, provider_id: int | None) -> list[PriceRule] | None:
    if provider_id is None:
        return None
    rows = session.execute(_CONTRACTS, {"id": provider_id})
    return [PriceRule(row.number, row.first or date.min, row.until or OPEN, row.price_rule) for row in rows]
