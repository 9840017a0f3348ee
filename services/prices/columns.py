"""What a provider's own column titles mean: said once by a person, remembered, and told to every reading of its lists.

Each word on it is audited: a title that is taken for another column changes prices.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from connectors.prices.table.words import COLUMNS, compared
from core.errors import InputError, NotFound
from models.price import ColumnName
from services import audit
from services.names import must_be_one_of

#: Longer is no title (as the reader of tables has it).
_LONGEST = 80

#: Rows in: a business id. Rows out: the provider's titles and what they mean.
_MEANINGS = text(
    """
    SELECT title, meaning FROM price_column_name JOIN provider ON provider.id = provider_id WHERE business_id = :business_id
    """
)

#: Rows out: all titles, with their providers.
_ALL = text(
    """
    SELECT business_id, provider.name AS provider, title, meaning FROM price_column_name JOIN provider ON provider.id = provider_id
    """
)


def column_meanings(session: Session, provider_id: int) -> dict[str, str]:
    """Title, as the reader compares it → our column; '' for one that means nothing to us. In the order of the titles."""
    found = session.execute(
        select(ColumnName.title, ColumnName.meaning).where(ColumnName.provider_id == provider_id)  # type: ignore[call-overload]
    )
    return dict(sorted((row.title, row.meaning) for row in found))


def all_columns(session: Session) -> list[dict[str, str]]:
    """What is remembered of all providers: `business_id, provider, title, meaning`, by provider and title."""
    rows = [dict(row) for row in session.execute(_ALL).mappings()]
    return sorted(rows, key=lambda row: (row["provider"].casefold(), row["title"]))


def meanings_for_reading(session: Session, business_id: str | None) -> Mapping[str, str]:
    """The same for `Reading.columns` of a source, by the business id of its provider; nothing for one that has none."""
    return {row.title: row.meaning for row in session.execute(_MEANINGS, {"business_id": business_id})}


def learn_column(session: Session, provider_id: int, title: str, meaning: str, *, actor: str, now: datetime) -> None:
    """Remember what a title means ('': nothing to us), instead of what it meant before. Raises InputError, NotFound for an unknown column."""
    name = _compared(title)
    if meaning:
        must_be_one_of("--set", meaning, COLUMNS)
    row = {"provider_id": provider_id, "title": name, "meaning": meaning}
    session.execute(
        insert(ColumnName)
        .values(**row)
        .on_conflict_do_update(index_elements=["provider_id", "title"], set_={"meaning": meaning})
    )
    audit.record(session, actor, "price_column.learnt", f"provider:{provider_id}", now=now, title=name, meaning=meaning)


def forget_column(session: Session, provider_id: int, title: str, *, actor: str, now: datetime) -> None:
    """Forget what a title means. Raises NotFound where nothing is remembered of it."""
    name = _compared(title)
    found = session.execute(
        delete(ColumnName)
        .where(ColumnName.provider_id == provider_id, ColumnName.title == name)  # type: ignore[arg-type]
        .returning(ColumnName.id)  # type: ignore[call-overload]
    ).all()
    if not found:
        raise NotFound("Nothing is remembered of the title {title}.", title=title)
    audit.record(session, actor, "price_column.forgotten", f"provider:{provider_id}", now=now, title=name)


def _compared(title: str) -> str:
    name = compared(title)
    if not name or len(title) > _LONGEST:
        raise InputError("{title} is not the title of a column.", title=title)
    return name
