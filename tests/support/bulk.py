"""Rows by the thousand for tests: collected, then written by COPY, a statement per table instead of one per row.

Rows bring their own ids, from far above those the database gives, so that nothing has to be asked back.
"""

from collections import defaultdict
from datetime import date, timedelta
from itertools import count
from typing import Any

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

_ids = count(1_000_000_000)

#: Tables by what they refer to.
_ORDER = (
    "unit_rule", "service", "provider", "price_source", "price_list", "price_key", "price", "client", "client_case", "decision",
    "plan_item", "choice", "purchase_order", "order_coverage", "order_line", "invoice", "invoice_line", "delivered",
)  # fmt: skip


def new_id() -> int:
    """An id no other row of this test run has."""
    return next(_ids)


def period(first: date | None, last: date | None) -> str:
    """The days from `first` to `last`, as PostgreSQL reads ranges; None is no bound."""
    return f"[{first or ''},{'' if last is None else last + timedelta(days=1)})"


class Rows:
    """Rows to be written and changes to rows that are there, until `flush`."""

    def __init__(self) -> None:
        self._new: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
        self._changes: dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]] = defaultdict(list)

    def add(self, table: str, id: int | None = None, **values: Any) -> int:
        """A new row; its id."""
        id = new_id() if id is None else id
        self._new[table][id] = {"id": id, **values}
        return id

    def change(self, table: str, id: int, **values: Any) -> None:
        """Other values in a row, written before the new rows are."""
        if id in self._new[table]:
            self._new[table][id].update(values)
        else:
            self._changes[table, tuple(values)].append({"id": id, **values})

    def flush(self, session: Session) -> None:
        """Write everything."""
        for (table, columns), rows in self._changes.items():
            sets = ", ".join(f"{name} = CAST(:{name} AS {_TYPES.get(name, 'text')})" for name in columns)
            session.execute(text(f"UPDATE {table} SET {sets} WHERE id = :id"), rows)
        connection = session.connection().connection.driver_connection
        assert connection is not None
        for table in _ORDER:
            by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
            for row in self._new[table].values():
                by_columns[tuple(row)].append(row)
            for columns, rows in by_columns.items():
                statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
                    sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
                )
                with connection.cursor() as cursor, cursor.copy(statement) as copy:
                    for row in rows:
                        copy.write_row(tuple(row.values()))
        assert set(self._new) <= set(_ORDER)
        self._new.clear()
        self._changes.clear()


#: Columns that are changed and are no text.
_TYPES = {
    "ended_at": "timestamptz",
    "superseded_at": "timestamptz",
    "superseded_by_list_id": "bigint",
    "gone_at": "timestamptz",
    "live": "boolean",
    "valid": "daterange",
    "period": "daterange",
    "granted_amount": "numeric",
    "baseline_quantity": "numeric",
    "quantity": "numeric",
    "net": "numeric",
    "vat": "numeric",
    "decided_on": "date",
}
