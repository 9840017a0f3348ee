"""A list beside all it is judged by: what would change, what cannot be used, why it must wait or may not be used at all."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.prices.row import PriceDocument
from connectors.rejection import Rejection, quote
from core.errors import InputError, Message
from core.i18n import N_
from core.source_settings import PriceListSource
from models.price import PriceSource
from models.provider import Provider
from services.prices.matching import Catalogue, match_document
from services.prices.plan import World, make_plan
from services.prices.unchanged import rows_in_force, set_aside_unchanged
from services.prices.values import OPEN, Plan, PriceRule

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
    "SELECT number, lower(valid) AS first, upper(valid) AS until, price_rule FROM contract WHERE provider_id = :id ORDER BY id"
)

#: Rows in: a source and the sha256 of a file. Rows out: what became of the file when it was applied last, by this source.
_LAST_OF_CONTENT = text(
    """
    SELECT state FROM price_list
    WHERE source_id = :source_id AND sha256 = :sha256 AND state IN ('applied', 'rolled_back') AND rolls_back_list_id IS NULL
    ORDER BY applied_order DESC LIMIT 1
    """
)

_NOTHING_USABLE = N_("No row of the price list could be used.")
#: So few rejected rows are never many, however short the list.
_FEW = 3
#: The id of a provider that is not there.
NO_PROVIDER: Final = -1


@dataclass(frozen=True)
class Prepared:
    """A list ready to be applied or shown: its source, the plan, and every rejected row. `refusal`: why nothing of it may be used."""

    source_id: int
    source: str
    document: PriceDocument
    plan: Plan
    rejections: list[Rejection]
    refusal: Message | None = None

    @property
    def counts(self) -> dict[str, int]:
        """`read, added, changed, unchanged, ended, missing, rejected`."""
        read = len(self.document.rows) + len(self.document.removals) + len(self.document.rejections)
        return {"read": read, **self.plan.counts, "rejected": len(self.rejections)}

    @property
    def state(self) -> str:
        """What becomes of it: applied, held or refused."""
        return "refused" if self.refusal else "held" if self.plan.held else "applied"


def prepare(
    session: Session,
    source: str,
    configured: PriceListSource,
    document: PriceDocument,
    today: date,
    *,
    doubt: Message | None = None,
) -> Prepared:
    """Match and plan one file; with a `doubt` about where it comes from, whatever it changes waits. Writes nothing but the source's row.

    Raises InputError when its provider is not known.
    """
    provider = _provider(session, source, configured)
    provider_id = provider.id if provider else None
    row_id = source_id(session, source, configured, provider_id)
    refusal = _not_theirs(session, provider, document)
    if refusal is not None:
        return Prepared(row_id, source, document, Plan(provider_id, day=today), document.rejections, refusal)
    catalogue = Catalogue(session, provider_id)
    matched = match_document(document, catalogue, business_id=provider.business_id if provider else None, today=today)
    rejections = document.rejections + matched.rejections
    contracts = _contracts(session, provider_id)
    same, stated, in_force = set_aside_unchanged(matched.stated, rows_in_force(session, provider_id), today)
    world = World(
        today,
        catalogue.codes,
        _referenced(contracts, document),
        in_use=_in_use(session, provider_id, today),
        spared=catalogue.services_of(one.external_id for one in rejections),
        unsure=any(not catalogue.services_of([one.external_id]) for one in rejections),
        complete=document.complete,
        removed=matched.removed,
        alert_fall=configured.alert_fall,
        allow_backdating=configured.allow_backdating,
    )
    plan = make_plan(provider_id, stated, in_force, world, unchanged=same)
    prepared = Prepared(row_id, source, document, plan, rejections)
    if not matched.stated and not matched.removed:
        nothing = Plan(provider_id, day=today)  # what it seems to leave out stays: a refused list ends no price
        return replace(prepared, plan=nothing, refusal=Message(_NOTHING_USABLE))
    more = _reasons(session, prepared, contracts, configured.max_rejected)
    if doubt is not None and not plan.empty:
        more.insert(0, doubt)
    return replace(prepared, plan=replace(plan, held=[*(one.to_json() for one in more), *plan.held]))


def _reasons(
    session: Session, prepared: Prepared, contracts: list[PriceRule] | None, max_rejected: Decimal
) -> list[Message]:
    """What about a list as a whole must wait for a person."""
    if prepared.plan.empty:
        return []
    found: list[Message] = []
    document, rejected, read = prepared.document, len(prepared.rejections), prepared.counts["read"]
    if rejected > _FEW and rejected > max_rejected * read:
        found.append(
            Message(
                "{rejected} of {read} rows were rejected; more than the agreed share of {limit} per cent must be approved.",
                rejected=rejected,
                read=read,
                limit=f"{(max_rejected * 100).normalize():f}",
            )
        )
    if document.contract and contracts is not None and not _named(contracts, document.contract):
        found.append(
            Message(
                "The list refers to contract {contract}, which this provider does not have.",
                contract=quote("".join(document.contract.split())),
            )
        )
    content = {"source_id": prepared.source_id, "sha256": document.sha256}
    if session.execute(_LAST_OF_CONTENT, content).scalar_one_or_none() == "rolled_back":
        found.append(Message("This very list was applied before and rolled back."))
    return found


def _not_theirs(session: Session, provider: Provider | None, document: PriceDocument) -> Message | None:
    """Why a list that says whose it is must not be used for this source."""
    if document.business_id is None:
        return None
    digits = _digits(document.business_id)
    if provider is not None:
        if _digits(provider.business_id) == digits:
            return None
        return Message(
            "The list is of another provider ({business_id}); the source is that of {expected}.",
            business_id=quote(document.business_id),
            expected=provider.business_id,
        )
    known = session.execute(select(Provider.business_id)).scalars()  # type: ignore[call-overload]
    if any(_digits(one) == digits for one in known):
        return Message(
            "The list is of a provider ({business_id}); the source is that of our own unit costs.",
            business_id=quote(document.business_id),
        )
    return None


def _digits(business_id: str) -> str:
    """`1234567-1`, `FI12345671` and the OVT `003712345671` are the same."""
    digits = "".join(character for character in business_id if character.isdigit())
    return digits.removeprefix("0037")[:8] if len(digits) >= 12 else digits


def _referenced(contracts: list[PriceRule] | None, document: PriceDocument) -> list[PriceRule] | None:
    """The contracts that rises are judged by: the one the list refers to, if the provider has it."""
    if contracts is None or not document.contract:
        return contracts
    return _named(contracts, document.contract) or contracts


def _named(contracts: list[PriceRule], number: str) -> list[PriceRule]:
    wanted = "".join(number.split()).casefold()
    return [one for one in contracts if "".join(one.number.split()).casefold() == wanted]


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


def current_provider(session: Session, configured: PriceListSource) -> int | None:
    """The id of the provider a source is configured for; None for our own unit costs, NO_PROVIDER where there is none such."""
    if configured.kind == "own":
        return None
    found = session.execute(select(Provider.id).where(Provider.business_id == configured.provider))  # type: ignore[call-overload]
    provider_id: int | None = found.scalar_one_or_none()
    return NO_PROVIDER if provider_id is None else provider_id


def source_id(session: Session, source: str, configured: PriceListSource, provider_id: int | None) -> int:
    """The source's row, made or corrected from the settings."""
    row = session.execute(select(PriceSource).where(PriceSource.name == source)).scalar_one_or_none()  # type: ignore[arg-type]
    if row is None:
        row = PriceSource(name=source, kind=configured.kind, provider_id=provider_id)
        session.add(row)
    row.kind, row.provider_id = configured.kind, provider_id
    session.flush()  # its id is needed
    return row.id


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
