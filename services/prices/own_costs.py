"""The organisation's own unit costs, entered by hand: a price list made on a page, planned and applied like any other.

What was entered becomes a file: a JSON price list (docs/prices/json.md) with only the prices that were entered. Its bytes are kept in the
Work that applied it, its sha256 with the list, so that a figure leads to it as it leads to any provider's file. Nothing is overwritten:
what was in force ends and stands beside the new version. A ceiling that was calculated before is frozen and does not move.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.prices import read_price_list
from connectors.prices.amounts import read_price
from core.budget_settings import Budgets
from core.clock import local_date
from core.errors import InputError, Message
from core.i18n import HELSINKI, N_
from core.source_settings import PriceListSource, Sources
from services import audit
from services.lanes import take_lane
from services.prices.apply import apply_plan, hold_provider
from services.prices.basis import basis_of
from services.prices.effect import effect_of
from services.prices.importing import keep_list
from services.prices.keeping import substance
from services.prices.preparing import Prepared, prepare
from services.work import close

#: The source of what is entered on a page; no configured source can have this name.
SOURCE: Final = "console:own"
#: How such a list is judged: like that of any source of own unit costs. It is fetched from nowhere.
_CONFIGURED: Final = PriceListSource(kind="own", path="console")
#: So many changes are told in the audit trail.
_TOLD: Final = 100

#: Rows in: a name. Rows out: none; the source exists afterwards, so that it can be held.
_MAKE_SOURCE: Final = text(
    "INSERT INTO price_source (name, kind, provider_id) VALUES (:name, 'own', NULL) ON CONFLICT (name) DO NOTHING"
)

#: Rows in: the first and last day of a year. Rows out: our own prices in force on some day of it, with their provenance.
_OF_YEAR: Final = text(
    """
    SELECT price.id, service.code AS service, service.name_fi, service.name_sv, service.name_en, price_key.unit, base_quantity, time_class,
           minimum_quantity, territory, extra, amount, vat_category, vat_rate, vat_inclusive, lower(valid) AS first, upper(valid) - 1 AS last,
           price_source.name AS source, file_name, price.position, sha256, run_id, price_list_id, price_list.recorded_at
    FROM price
    JOIN price_key ON price_key.id = price_key_id
    JOIN service ON service.id = service_id
    JOIN price_list ON price_list.id = price_list_id
    JOIN price_source ON price_source.id = source_id
    WHERE price_key.provider_id IS NULL AND superseded_at IS NULL AND valid && daterange(:first, :last, '[]')
    ORDER BY service.code, price_key.unit, extra, time_class, minimum_quantity, lower(valid)
    """
)

#: Rows in: the first and last day of a year. Rows out: services that a ceiling may be measured by (something may stand in for them, or a
#: decision replaces them) or that have a price of our own, with the unit they are counted in, and whether the year has a price for it.
_WANTED: Final = text(
    """
    SELECT service.code, service.name_fi, service.name_sv, service.name_en, coalesce(newest.unit, decided.unit, service.unit) AS unit,
           newest.amount, newest.base_quantity, newest.last, coalesce(decided.decisions, 0) AS decisions,
           EXISTS (
               SELECT FROM price_key JOIN price ON price.price_key_id = price_key.id AND superseded_at IS NULL
               WHERE price_key.provider_id IS NULL AND price_key.service_id = service.id AND extra = ''
                 AND valid && daterange(:first, :last, '[]')) AS priced
    FROM service
    LEFT JOIN LATERAL (
        SELECT price_key.unit, amount, base_quantity, upper(valid) - 1 AS last
        FROM price_key JOIN price ON price.price_key_id = price_key.id AND superseded_at IS NULL
        WHERE price_key.provider_id IS NULL AND price_key.service_id = service.id AND extra = '' AND time_class = 'weekday'
        ORDER BY lower(valid) DESC, minimum_quantity, price.id LIMIT 1
    ) AS newest ON true
    LEFT JOIN (
        SELECT baseline_service_id, min(baseline_unit) AS unit, count(*) AS decisions FROM decision
        WHERE ended_at IS NULL AND baseline_service_id IS NOT NULL AND (valid IS NULL OR upper_inf(valid) OR upper(valid) > :first)
        GROUP BY baseline_service_id
    ) AS decided ON decided.baseline_service_id = service.id
    WHERE CAST(:all AS boolean) OR newest.unit IS NOT NULL OR decided.decisions > 0
       OR EXISTS (SELECT FROM service_alternative WHERE baseline_id = service.id)
    ORDER BY service.code
    """
)

#: Rows in: a price. Rows out: it, if it is one of our own and in force.
_ONE: Final = text(
    """
    SELECT price.id, service.code AS service, service.name_fi, service.name_sv, service.name_en, price_key.unit, base_quantity, time_class,
           minimum_quantity, territory, extra, amount, vat_category, vat_rate, vat_inclusive, lower(valid) AS first, upper(valid) - 1 AS last
    FROM price
    JOIN price_key ON price_key.id = price_key_id AND price_key.provider_id IS NULL
    JOIN service ON service.id = service_id
    WHERE price.id = :id AND superseded_at IS NULL
    """
)


@dataclass(frozen=True)
class Cost:
    """A unit cost as somebody enters it: euros per `unit` (UN/ECE). `first` None: from today; `last` None: until further notice."""

    service: str
    unit: str
    amount: Decimal
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Look:
    """What entering a list would do: its plan, its effect on budgets (effect.py), and `seen`, which says exactly this plan."""

    content: str
    prepared: Prepared
    effect: dict[str, Any] | None
    seen: str

    @property
    def reasons(self) -> list[Message]:
        """Why somebody must say why before it is applied."""
        return self.prepared.plan.reasons


@dataclass(frozen=True)
class Entered:
    """What was applied: the list's and the run's number, and the figures."""

    price_list_id: int
    run_id: int
    counts: dict[str, int]


class SeenOtherError(InputError):
    """The plan is another one than was shown; `look` is what it is now."""

    def __init__(self, look: Look) -> None:
        super().__init__(N_("Prices have changed since this was shown to you. Look at it again."))
        self.look = look


def of_year(session: Session, year: int) -> list[dict[str, Any]]:
    """Our own unit costs of a year, each with its provenance. Keys as in the statement."""
    return [dict(row) for row in session.execute(_OF_YEAR, _days(year)).mappings()]


def wanted(session: Session, year: int, *, every: bool = False) -> list[dict[str, Any]]:
    """Services that need a unit cost: `code, name_*, unit, amount` (the newest known) `, last, decisions, priced` (in that year)."""
    return [dict(row) for row in session.execute(_WANTED, {**_days(year), "all": every}).mappings()]


def one_cost(session: Session, price_id: int) -> dict[str, Any] | None:
    """A unit cost of our own that is in force."""
    row = session.execute(_ONE, {"id": price_id}).mappings().one_or_none()
    return None if row is None else dict(row)


def other_sources(configured: Sources) -> list[str]:
    """Names of configured sources that bring own unit costs too: what they say when they are read next holds from then on."""
    return sorted(name for name, one in configured.prices.items() if one.kind == "own")


def problem_of(amount: Decimal) -> Message | None:
    """Why an amount can be no unit cost, or None."""
    read = read_price(amount)
    return read if isinstance(read, Message) else None


def list_of(costs: Sequence[Cost]) -> str:
    """Entered costs as a price list in JSON, in one way of writing."""
    return _written([_item(one.service, one.unit, one.amount, one.first, one.last) for one in costs])


def list_that_ends(cost: dict[str, Any], last: date, today: date) -> str:
    """A price list that lets one price (`one_cost`) end: after `last`, and from today on if that is before today."""
    if last < today:
        raise InputError("The last day is past already. What was in force on past days stays.")
    if cost["last"] is not None and last > cost["last"]:
        raise InputError(
            "The price ends on {last} as it is; a longer one is a new price.", last=cost["last"].isoformat()
        )
    first = cost["first"] if cost["first"] > today else None
    if first is not None and last < first:
        raise InputError("The last day is before the first day ({first}).", first=first.isoformat())
    item = _item(cost["service"], cost["unit"], cost["amount"], first, last)
    item |= {
        "base_quantity": str(cost["base_quantity"]),
        "minimum_quantity": str(cost["minimum_quantity"]),
        "time_class": cost["time_class"],
        "vat": {"category": cost["vat_category"], "rate": str(cost["vat_rate"]), "inclusive": cost["vat_inclusive"]},
    }
    item |= {name: cost[name] for name in ("extra", "territory") if cost[name]}
    return _written([item])


def look(session: Session, content: str, *, budgets: Budgets, now: datetime) -> Look:
    """What a list would do if it were entered now. Nothing is left behind. Raises InputError where it cannot be used."""
    undone = session.begin_nested()
    try:
        prepared = _prepared(session, content, now)
        effect = None if prepared.plan.empty else effect_of(session, prepared.plan, now=now, settings=budgets)
        return Look(content, prepared, effect, _seen(session, prepared))
    finally:
        undone.rollback()


def enter(
    session: Session, content: str, *, seen: str, note: str, budgets: Budgets, actor: str, now: datetime
) -> Entered:
    """Apply exactly what was shown, as a Run of its own.

    Raises SeenOtherError when the plan is not the one that was `seen`; InputError when it must be given a reason and has no `note`.
    """
    session.execute(_MAKE_SOURCE, {"name": SOURCE})
    name = _file_name(now)
    digest = sha256(content.encode()).hexdigest()
    claimed = take_lane(session, "import_prices", SOURCE, "entered", file=name, sha256=digest, content=content)
    hold_provider(session, None)
    prepared = _prepared(session, content, now)
    if _seen(session, prepared) != seen:
        raise SeenOtherError(look(session, content, budgets=budgets, now=now))
    if prepared.plan.empty:
        raise InputError("These prices are in force already: there is nothing to change.")
    if prepared.plan.held and not note.strip():
        raise InputError("Say why, because this needs a person's word: {reason}", reason=prepared.plan.reasons[0])
    price_list = keep_list(session, prepared, "applied", claimed.run_id)
    apply_plan(session, prepared.plan, price_list.id, claimed.run_id)
    close(session, claimed, "succeeded", counts=prepared.counts, reply=name)
    told = [
        [one.sign, one.service, one.unit, one.first.isoformat(), _plain(one.old), _plain(one.new)]
        for one in prepared.plan.changes[:_TOLD]
    ]
    audit.record(
        session,
        actor,
        "unit_costs.entered",
        f"price_list:{price_list.id}",
        now=now,
        reason=note.strip(),
        run=claimed.run_id,
        changes=told,
        **prepared.counts,
    )
    return Entered(price_list.id, claimed.run_id, prepared.counts)


def _prepared(session: Session, content: str, now: datetime) -> Prepared:
    session.execute(_MAKE_SOURCE, {"name": SOURCE})
    document = read_price_list(content.encode(), file_name=_file_name(now))
    if document.rejections:
        first = document.rejections[0]
        raise InputError("{position}: {reason}", position=first.position, reason=first.reason)
    prepared = prepare(session, SOURCE, _CONFIGURED, document, local_date(now))
    if prepared.rejections:
        bad = prepared.rejections[0]
        raise InputError("{position}: {reason}", position=bad.external_id or bad.position, reason=bad.reason)
    if prepared.refusal is not None:
        raise InputError(prepared.refusal)
    return prepared


def _seen(session: Session, prepared: Prepared) -> str:
    rests_on = json.dumps(basis_of(session, prepared.plan).to_json(), sort_keys=True)
    return sha256(f"{substance(prepared.plan)}{rests_on}".encode()).hexdigest()[:32]


def _item(service: str, unit: str, amount: Decimal, first: date | None, last: date | None) -> dict[str, Any]:
    item: dict[str, Any] = {"service": service, "unit": unit, "price": f"{amount:f}"}
    if first is not None:
        item["valid_from"] = first.isoformat()
    if last is not None:
        item["valid_to"] = last.isoformat()
    return item


def _written(prices: list[dict[str, Any]]) -> str:
    document = {"version": 1, "complete": False, "prices": prices}
    # one line: a form's hidden field may come back with its line ends written in another way
    return json.dumps(document, ensure_ascii=False, sort_keys=True)


def _file_name(now: datetime) -> str:
    return f"konsoli-{now.astimezone(HELSINKI):%Y-%m-%dT%H-%M}.json"


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def _days(year: int) -> dict[str, date]:
    return {"first": date(year, 1, 1), "last": date(year, 12, 31)}
