"""A plan into versions: only changed rows are written, nothing is overwritten.

A price that ends is superseded and a shortened copy with its own provenance stands beside it. If anything the plan rests on has
moved meanwhile, nothing is applied.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from core.errors import InputError
from core.i18n import N_
from services.budgets import dirty
from services.prices.values import OPEN, New, Plan

#: Rows in: ids of price versions. Rows out: those that were in force until now.
_SUPERSEDE = text(
    """
    UPDATE price SET superseded_at = clock_timestamp(), superseded_by_list_id = :list_id
    WHERE id = ANY(:ids) AND superseded_at IS NULL
    RETURNING id
    """
)

#: Rows in: superseded versions and the day before which each is kept. Rows out: none; shortened copies with the same provenance.
_KEEP_SHORTENED = text(
    """
    INSERT INTO price (price_key_id, valid, amount, vat_category, vat_rate, vat_inclusive, price_list_id, position)
    SELECT price_key_id, daterange(lower(valid), keep_until), amount, vat_category, vat_rate, vat_inclusive, price_list_id, position
    FROM jsonb_to_recordset(:rows) AS ending(price_id bigint, keep_until date)
    JOIN price ON price.id = price_id
    """
).bindparams(bindparam("rows", type_=JSONB))

_FRESH = """
    jsonb_to_recordset(:rows) AS fresh(
        service_id bigint, unit text, base_quantity numeric(12, 4), time_class text, minimum_quantity numeric(12, 4), territory text, extra text,
        first date, until date, amount numeric(12, 4), vat_category text, vat_rate numeric(6, 4), vat_inclusive boolean, position text
    )
"""

#: Rows in: new prices. Rows out: none; their keys exist afterwards.
_MAKE_KEYS = text(
    f"""
    INSERT INTO price_key (provider_id, service_id, unit, base_quantity, time_class, minimum_quantity, territory, extra)
    SELECT DISTINCT CAST(:provider_id AS bigint), service_id, unit, base_quantity, time_class, minimum_quantity, territory, extra
    FROM {_FRESH}
    WHERE NOT EXISTS (
        SELECT FROM price_key WHERE provider_id IS NOT DISTINCT FROM CAST(:provider_id AS bigint)
          AND (price_key.service_id, price_key.unit, price_key.base_quantity, price_key.time_class, price_key.minimum_quantity,
               price_key.territory, price_key.extra)
            = (fresh.service_id, fresh.unit, fresh.base_quantity, fresh.time_class, fresh.minimum_quantity, fresh.territory, fresh.extra)
    )
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - our own words
).bindparams(bindparam("rows", type_=JSONB))

#: Rows in: new prices, whose keys exist. Rows out: the key of each.
_INSERT = text(
    f"""
    INSERT INTO price (price_key_id, valid, amount, vat_category, vat_rate, vat_inclusive, price_list_id, position)
    SELECT price_key.id, daterange(first, until), amount, vat_category, vat_rate, vat_inclusive, :list_id, position
    FROM {_FRESH}
    JOIN price_key USING (service_id, unit, base_quantity, time_class, minimum_quantity, territory, extra)
    WHERE provider_id IS NOT DISTINCT FROM CAST(:provider_id AS bigint)
    RETURNING price_key_id
    """  # noqa: S608 - our own words
).bindparams(bindparam("rows", type_=JSONB))

#: Rows in: an applied list. Rows out: lists of its source that waited and now wait for nothing.
_DISCARD_WAITING = text(
    """
    UPDATE price_list SET state = 'discarded'
    WHERE source_id = (SELECT source_id FROM price_list WHERE id = :list_id) AND id <> :list_id AND state = 'held'
    RETURNING id
    """
)

_WORLD_MOVED = N_("The prices in force have changed since this plan was made. Run the source again for a new plan.")


def apply_plan(session: Session, plan: Plan, price_list_id: int, run_id: int | None) -> list[int]:
    """Write the versions of a plan under a list, note the budgets they can move; returns the ids of the price keys touched.

    Raises InputError, and then the caller's transaction must be rolled back, when what the plan rests on is no longer so.
    """
    ended = [ending.price_id for ending in plan.endings]
    if len(session.execute(_SUPERSEDE, {"ids": ended, "list_id": price_list_id}).all()) != len(ended):
        raise InputError(_WORLD_MOVED)
    kept = [
        {"price_id": ending.price_id, "keep_until": ending.keep_until.isoformat()}
        for ending in plan.endings
        if ending.keep_until is not None
    ]
    if kept:
        session.execute(_KEEP_SHORTENED, {"rows": kept})
    touched = {ending.price_key_id for ending in plan.endings} | set(_insert(session, plan, price_list_id))
    session.execute(_DISCARD_WAITING, {"list_id": price_list_id})
    dirty.mark_price_keys(session, sorted(touched), "prices", run_id)
    return sorted(touched)


def _insert(session: Session, plan: Plan, price_list_id: int) -> Sequence[int]:
    if not plan.new:
        return []
    rows = [_row(new) for new in plan.new]
    session.execute(_MAKE_KEYS, {"rows": rows, "provider_id": plan.provider_id})
    try:
        with session.begin_nested():
            return (
                session.execute(_INSERT, {"rows": rows, "provider_id": plan.provider_id, "list_id": price_list_id})
                .scalars()
                .all()
            )
    except IntegrityError as error:
        if "ex_price_valid" in str(error.orig):  # a price this plan does not know of claims the same days
            raise InputError(_WORLD_MOVED) from error
        raise


def _row(new: New) -> dict[str, Any]:
    """A version as JSON; amounts as text, which keeps every digit."""
    return {
        "service_id": new.key.service_id,
        "unit": new.key.unit,
        "base_quantity": str(new.key.base_quantity),
        "time_class": new.key.time_class,
        "minimum_quantity": str(new.key.minimum_quantity),
        "territory": new.key.territory,
        "extra": new.key.extra,
        "first": new.first.isoformat(),
        "until": None if new.until == OPEN else new.until.isoformat(),
        "amount": str(new.amount),
        "vat_category": new.vat_category,
        "vat_rate": str(new.vat_rate),
        "vat_inclusive": new.vat_inclusive,
        "position": new.position,
    }
