"""Setting aside what a list says again, before anything is thought about it: most lists are mostly what they were yesterday.

Versions in force come out of the database as text, and are compared as text. Where the words are the same the price is; where they
are not, the values are made and compared for what they mean (plan.py). Nothing is decided here that plan.py would decide otherwise.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from sqlalchemy.orm import Session

from services.case_sync.copying import connection_of
from services.prices.values import OPEN, InForce, Key, Stated

#: Rows in: a provider, or none for our own unit costs. Rows out: its price versions in force, of the past and the future too; without
#: superfluous zeros, an open end as an empty text.
_IN_FORCE: Final = """
    COPY (
        SELECT price.id, price_key_id, service_id, unit, trim_scale(base_quantity), time_class, trim_scale(minimum_quantity), territory,
               extra, lower(valid), coalesce(CAST(upper(valid) AS text), ''), trim_scale(amount), vat_category, trim_scale(vat_rate),
               vat_inclusive
        FROM price JOIN price_key ON price_key.id = price_key_id
        WHERE provider_id IS NOT DISTINCT FROM %(provider_id)s AND superseded_at IS NULL
        ORDER BY price.id
    ) TO STDOUT
"""


class Row(NamedTuple):
    """A version in force, as text."""

    price_id: str
    price_key_id: str
    service_id: str
    unit: str
    base_quantity: str
    time_class: str
    minimum_quantity: str
    territory: str
    extra: str
    first: str
    until: str
    amount: str
    vat_category: str
    vat_rate: str
    vat_inclusive: str


def rows_in_force(session: Session, provider_id: int | None) -> list[tuple[str, ...]]:
    """The versions in force of a provider, or our own, as text in the order of `Row`."""
    with connection_of(session).cursor() as cursor, cursor.copy(_IN_FORCE, {"provider_id": provider_id}) as copy:
        return list(copy.rows())


def set_aside_unchanged(
    stated: Iterable[Stated], rows: Iterable[tuple[str, ...]], today: date
) -> tuple[int, list[Stated], list[InForce]]:
    """How many statements say what is in force, the other statements, and the versions those have to be compared with.

    Of a key only what stands alone is set aside: one statement, one version.
    """
    versions: dict[tuple[str, ...], tuple[str, ...] | list[tuple[str, ...]]] = {}
    for row in rows:
        key = row[2:9]
        known = versions.get(key)
        if known is None:
            versions[key] = row
        elif isinstance(known, list):
            known.append(row)
        else:
            versions[key] = [known, row]
    same: dict[tuple[str, ...], Stated] = {}
    rest: list[Stated] = []
    day = today.isoformat()
    for one in stated:
        key = _key_text(one.key)
        version = versions.get(key)
        if version is None or isinstance(version, list) or key in same or not _says(version, one, day):
            rest.append(one)
        else:
            same[key] = one
    doubtful = {_key_text(one.key) for one in rest} & same.keys()  # stated twice: looked at together
    rest.extend(same.pop(key) for key in doubtful)
    in_force = [
        to_version(row)
        for key, found in versions.items()
        if key not in same
        for row in (found if isinstance(found, list) else (found,))
    ]
    return len(same), rest, in_force


def _says(row: tuple[str, ...], one: Stated, today: str) -> bool:
    """Whether a statement asks for what is in force, as plan.py reads it."""
    if (row[11], row[12], row[13], row[14]) != (
        str(one.amount),
        one.vat_category,
        _text(one.vat_rate),
        "t" if one.vat_inclusive else "f",
    ):
        return False
    until = "" if one.until == OPEN else one.until.isoformat()
    if one.first is None:
        return row[9] <= today and (not row[10] or today < row[10]) and until in ("", row[10])
    return row[9] <= _day_text(one.first) and row[10] == until


def _key_text(key: Key) -> tuple[str, ...]:
    return (
        str(key.service_id),
        key.unit,
        _text(key.base_quantity),
        key.time_class,
        _text(key.minimum_quantity),
        key.territory,
        key.extra,
    )


@lru_cache(maxsize=4096)
def _text(value: Decimal) -> str:
    """A number as PostgreSQL's trim_scale writes it."""
    normal = value.normalize()
    return f"{normal:f}"


@lru_cache(maxsize=4096)
def _day_text(day: date) -> str:
    return day.isoformat()


def to_version(texts: tuple[str, ...]) -> InForce:
    """A row as the version it is."""
    row = Row(*texts)
    return InForce(
        int(row.price_id),
        int(row.price_key_id),
        Key(
            int(row.service_id),
            row.unit,
            Decimal(row.base_quantity),
            row.time_class,
            Decimal(row.minimum_quantity),
            row.territory,
            row.extra,
        ),
        _day(row.first),
        _day(row.until) if row.until else OPEN,
        Decimal(row.amount),
        row.vat_category,
        Decimal(row.vat_rate),
        row.vat_inclusive == "t",
    )


_day = lru_cache(maxsize=4096)(date.fromisoformat)
