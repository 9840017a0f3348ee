"""A plan into versions: only changed rows are written, nothing is overwritten.

A price that ends is superseded and a shortened copy with its own provenance stands beside it. If anything the plan rests on has
moved meanwhile, nothing is applied. Plans come in by COPY and are written by statements over sets, however long they are.
"""

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import InputError
from core.i18n import N_
from services.budgets import dirty
from services.case_sync.copying import connection_of
from services.prices.values import OPEN, Ending, New, Plan

#: Rows in: a provider. Rows out: it, held until the transaction ends: lists are applied to a provider one after the other. Our own unit
#: costs have none: their sources stand for it.
_HOLD_PROVIDER: Final = text("SELECT id FROM provider WHERE id = :id FOR NO KEY UPDATE")
_HOLD_OWN: Final = text("SELECT id FROM price_source WHERE kind = 'own' ORDER BY id FOR NO KEY UPDATE")

#: Rows in: a list. Rows changed: it, as the one applied last.
_ORDER: Final = text(
    "UPDATE price_list SET applied_order = (SELECT coalesce(max(applied_order), 0) + 1 FROM price_list) WHERE id = :list_id"
)

_TABLES: Final = (
    "CREATE TEMPORARY TABLE ending_price (price_id bigint, keep_until date) ON COMMIT DROP",
    """
    CREATE TEMPORARY TABLE fresh_price (
        service_id bigint, unit text, base_quantity numeric(12, 4), time_class text, minimum_quantity numeric(12, 4), territory text, extra text,
        first date, until date, amount numeric(12, 4), vat_category text, vat_rate numeric(6, 4), vat_inclusive boolean, position text
    ) ON COMMIT DROP
    """,
)

#: Rows in: `ending_price`. Rows out: those versions that were in force until now.
_SUPERSEDE: Final = text(
    """
    UPDATE price SET superseded_at = clock_timestamp(), superseded_by_list_id = :list_id
    FROM ending_price WHERE price.id = ending_price.price_id AND superseded_at IS NULL
    RETURNING price_key_id
    """
)

#: Rows in: `ending_price`, superseded, with the day before which each is kept. Rows out: shortened copies with the same provenance.
_KEEP_SHORTENED: Final = text(
    """
    INSERT INTO price (price_key_id, valid, amount, vat_category, vat_rate, vat_inclusive, price_list_id, position, copied_by_list_id, original_id)
    SELECT price_key_id, daterange(lower(valid), keep_until), amount, vat_category, vat_rate, vat_inclusive, price_list_id, position, :list_id,
           coalesce(original_id, id)
    FROM ending_price JOIN price ON price.id = price_id
    WHERE keep_until IS NOT NULL
    """
)

#: What a key is, beside its provider.
_KEY: Final = "service_id, unit, base_quantity, time_class, minimum_quantity, territory, extra"

#: Rows in: `fresh_price`. Rows out: those keys of theirs that did not exist.
_MAKE_KEYS: Final = text(
    f"""
    INSERT INTO price_key (provider_id, {_KEY})
    SELECT CAST(:provider_id AS bigint), {_KEY} FROM fresh_price
    EXCEPT
    SELECT provider_id, {_KEY} FROM price_key WHERE provider_id IS NOT DISTINCT FROM CAST(:provider_id AS bigint)
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - our own words
)

#: Rows in: `fresh_price`, whose keys exist. Rows out: the key of each.
_INSERT: Final = text(
    f"""
    INSERT INTO price (price_key_id, valid, amount, vat_category, vat_rate, vat_inclusive, price_list_id, position)
    SELECT price_key.id, daterange(first, until), amount, vat_category, vat_rate, vat_inclusive, :list_id, position
    FROM fresh_price JOIN price_key USING ({_KEY})
    WHERE provider_id IS NOT DISTINCT FROM CAST(:provider_id AS bigint)
    RETURNING price_key_id
    """  # noqa: S608 - our own words
)

#: Rows in: an applied list. Rows changed: lists of its source that waited and now wait for nothing.
_DISCARD_WAITING: Final = text(
    """
    UPDATE price_list SET state = 'discarded', plan = NULL
    WHERE source_id = (SELECT source_id FROM price_list WHERE id = :list_id) AND id <> :list_id AND state = 'held'
    """
)

_WORLD_MOVED: Final = N_(
    "The prices in force have changed since this plan was made. Run the source again for a new plan."
)


def hold_provider(session: Session, provider_id: int | None) -> None:
    """Keep others from applying anything to a provider (None: to our own unit costs) until the transaction ends."""
    if provider_id is None:
        session.execute(_HOLD_OWN)
    else:
        session.execute(_HOLD_PROVIDER, {"id": provider_id})


def apply_plan(session: Session, plan: Plan, price_list_id: int, run_id: int | None) -> list[int]:
    """Write the versions of a plan under a list, note the budgets they can move; returns the ids of the price keys touched.

    Raises InputError, and then the caller's transaction must be rolled back, when what the plan rests on is no longer so.
    """
    hold_provider(session, plan.provider_id)
    touched = write_versions(session, plan, price_list_id)
    session.execute(_DISCARD_WAITING, {"list_id": price_list_id})
    dirty.mark_price_keys(session, touched, "prices", run_id, price_list_id=price_list_id)
    return touched


def write_versions(session: Session, plan: Plan, price_list_id: int) -> list[int]:
    """Only the versions, without what follows from them. The caller holds the provider. Returns and raises as `apply_plan`."""
    session.execute(_ORDER, {"list_id": price_list_id})
    for table in _TABLES:
        session.execute(text(table))
    _copy(session, "ending_price", map(_ending_line, plan.endings))
    _copy(session, "fresh_price", map(_fresh_line, plan.new))
    session.execute(text("ANALYZE ending_price, fresh_price"))
    values = {"list_id": price_list_id, "provider_id": plan.provider_id}
    touched: set[int] = set()
    if plan.endings:
        ended = session.execute(_SUPERSEDE, values).scalars().all()
        if len(ended) != len(plan.endings):
            raise InputError(_WORLD_MOVED)
        touched.update(ended)
        session.execute(_KEEP_SHORTENED, values)
    if plan.new:
        session.execute(_MAKE_KEYS, values)
        touched.update(_insert(session, values))
    session.execute(text("DROP TABLE ending_price, fresh_price"))
    return sorted(touched)


def _insert(session: Session, values: dict[str, int | None]) -> Iterable[int]:
    try:
        with session.begin_nested():
            return session.execute(_INSERT, values).scalars().all()
    except IntegrityError as error:
        if "ex_price_valid" in str(error.orig):  # a price this plan does not know of claims the same days
            raise InputError(_WORLD_MOVED) from error
        raise


def _copy(session: Session, table: str, lines: Iterable[str]) -> None:
    with connection_of(session).cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
        copy.write("".join(lines))


def _ending_line(ending: Ending) -> str:
    return f"{ending.price_id}\t{_day(ending.keep_until)}\n"


def _fresh_line(new: New) -> str:
    key = new.key
    return (
        f"{key.service_id}\t{_words(key.unit)}\t{key.base_quantity}\t{key.time_class}\t{key.minimum_quantity}\t{_words(key.territory)}\t"
        f"{key.extra}\t{_day(new.first)}\t{_day(new.until)}\t{new.amount}\t{new.vat_category}\t{new.vat_rate}\t"
        f"{'t' if new.vat_inclusive else 'f'}\t{_words(new.position)}\n"
    )


@lru_cache(maxsize=4096)
def _day(day: date | None) -> str:
    return r"\N" if day is None or day == OPEN else day.isoformat()


#: What means something to COPY.
_SPECIAL: Final = re.compile(r"[\\\t\n\r\0]")
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\0": ""})


def _words(words: str) -> str:
    """A list's own words as COPY takes them; PostgreSQL's texts hold no NUL."""
    return words.translate(_ESCAPES) if _SPECIAL.search(words) else words
