"""What a day leaves: the rows of every table that holds facts of the business, by natural key.

Every table of the models is either compared or named with the reason why not, and so is every column (tests/unit/test_chaos_tables.py): a
new one has to be decided about. Of moments only that there is one is kept; of references what they point to; ids nowhere; numbers that
people see stand for what they number.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Column, DateTime, Engine, Table, select, text

import models  # noqa: F401 - fills the metadata
from models.base import metadata

Left = dict[str, Counter[str]]

#: Tables that are not compared, and why not.
LEFT_OUT: Final[Mapping[str, str]] = {
    "work": "how it came to its end differs; the verdict asks of each whether it did",
    "run": "attempts and their times",
    "heartbeat": "processes",
    "let_go": "which Work a person let go after a restore; there is none in a day",
    "breaker": "which ways out were left alone for a while",
    "put_off": "which Work waited meanwhile",
    "deep_check": "what each check looked at; the verdict makes one of its own",
    "host_turn": "pacing by machine time",
    "missed_slots": "depends on when a beat was there to look",
    "remembered": "moments at which beats looked",
    "business_clock": "moved by the test",
    "case_staging": "what each run read, by run",
    "decision_staging": "what each run read, by run",
    "item_staging": "what each run read, by run",
    "source_memory": "what a server said of its file the last time it was asked",
    "source_look": "what a person saw who tried a source",
    "failing_job": "what failed on the way and works again",
    "audit_seal": "in the order of writing; `avain audit verify` looks through it",
    "audit_sealing": "how far sealing is",
    "console_session": "tokens",
    "login_request": "tokens",
    "entry_link": "tokens",
    "calendar_feed": "tokens",
    "family_session": "tokens",
    "family_link": "tokens",
}


@dataclass(frozen=True)
class Compared:
    """A table that is compared: `key`, the columns by which other rows speak of its rows; `only`, a condition on its rows; `without`, columns
    and why they are left out.
    """

    key: tuple[str, ...] = ()
    only: str = "true"
    without: Mapping[str, str] | None = None


_BYTES = "holds its own number, Message-ID or date; the verdict compares it with what arrived"

COMPARED: Final[Mapping[str, Compared]] = {
    "absence": Compared(),
    "alarm": Compared(
        # the operator is told of a fault: of a way out or a source that is left alone, of Work that was given up
        only="kind NOT IN ('left_alone', 'work_failed')",
        without={"subject": "holds an id", "message": "holds an id"},
    ),
    "audit_event": Compared(
        only="action NOT LIKE 'run.%' AND action <> 'order.resent' AND action NOT LIKE 'source.%' AND action NOT IN ('job.triggered', 'dead_work.retried', 'order.recorded_sent')",
        without={
            "xid": "a transaction's number",
            "details": "ids and counts of one run",
            "purged_by": "nothing is purged in a day",
        },
    ),
    "budget": Compared(
        key=("decision_id",), without={"ceiling_basis": "holds ids of prices; the price itself is compared"}
    ),
    "budget_dirty": Compared(),
    "budget_line": Compared(
        only="version_id IN (SELECT id FROM budget_version WHERE superseded_at IS NULL)", key=("version_id",)
    ),
    "budget_version": Compared(
        only="superseded_at IS NULL",
        key=("budget_id",),
        without={
            "ceiling_basis": "holds ids of prices; the price itself is compared",
            "cause": "which of several changes came last",
        },
    ),
    "choice": Compared(key=("plan_item_id", "provider_id", "chosen_by")),
    "client": Compared(key=("source", "external_id")),
    "client_case": Compared(key=("source", "external_id"), without={"synced_run_id": "a Run"}),
    "contract": Compared(key=("provider_id", "number")),
    "counter": Compared(),
    "decision": Compared(key=("case_id", "external_id")),
    "delivered": Compared(),
    "digest": Compared(without={"message_id": _BYTES, "document": _BYTES}),
    "digest_day": Compared(),
    "effects": Compared(without={"home": "names this very database", "instance": "drawn at random"}),
    "family_proposal": Compared(),
    "family_rating": Compared(),
    "family_wish": Compared(),
    "follow_up": Compared(key=("case_id", "plan_item_id", "order_id", "kind", "planned_for")),
    "follow_up_event": Compared(),
    "incoming_document": Compared(key=("source", "sha256")),
    "invoice": Compared(key=("provider_id", "number")),
    "invoice_line": Compared(),
    "job_state": Compared(),
    "letter": Compared(
        key=("recipient", "state"),
        only="recipient <> 'paivystys@avain-esimerkki.invalid'",
        without={"message_id": _BYTES, "document": _BYTES},
    ),
    # that an order or a mail failed, and was sent again by a person, is told on top of all else
    "notice": Compared(
        key=("worker_id", "kind", "subject", "event"), only="kind NOT IN ('order_failed', 'digest_undelivered')"
    ),
    "number_gap": Compared(),
    "order_approval": Compared(key=("plan_item_id", "choice_id", "provider_id")),
    "order_coverage": Compared(),
    "order_decline": Compared(),
    "order_line": Compared(key=("order_id", "line_number")),
    "order_paper": Compared(without={"content": _BYTES, "sha256": _BYTES}),
    "order_proposal": Compared(),
    "order_response": Compared(key=("order_id", "incoming_id")),
    "order_response_line": Compared(),
    "plan_item": Compared(key=("case_id", "external_id")),
    "price": Compared(
        key=("price_key_id", "valid", "amount"), without={"original_id": "the copy is compared as it is"}
    ),
    "price_column_name": Compared(),
    "price_key": Compared(
        key=(
            "provider_id",
            "service_id",
            "unit",
            "base_quantity",
            "time_class",
            "minimum_quantity",
            "territory",
            "extra",
        )
    ),
    "price_list": Compared(
        key=("source_id", "sha256"),
        only="state <> 'refused'",
        without={"counts": "of a run", "plan": "holds ids", "applied_order": "in which order lists came"},
    ),
    "price_mail": Compared(key=("source", "sha256")),
    "price_source": Compared(key=("name",)),
    "price_upload": Compared(),
    "processed_file": Compared(without={"reading": "tells of the server's port"}),
    "provider": Compared(key=("business_id",)),
    "provider_rating": Compared(),
    "provider_service": Compared(),
    "purchase_order": Compared(
        key=("decision_id", "provider_id", "period"),
        without={
            "number": "in which order they were made; the verdict looks for gaps",
            "client_reference": "drawn at random",
            "document": _BYTES,
            "document_sha256": _BYTES,
            "unclear_sends": "attempts",
        },
    ),
    "rejected_record": Compared(only="settled_at IS NULL"),
    "sent_elsewhere": Compared(),
    "service": Compared(key=("code",)),
    "service_alternative": Compared(),
    "unit": Compared(key=("code",)),
    "unit_count": Compared(),
    "unit_rule": Compared(),
    "worker": Compared(key=("external_id",)),
}

#: Columns that hold ids and say nowhere of what.
_PLAIN: Final = {("order_coverage", "service_id"): "service"}
#: What of a digest's items are ids, and of which table.
_ITEMS: Final = {"announced": "follow_up", "escalated": "follow_up", "news": "notice"}
_NUMBERS: Final = re.compile(r"\b(?:HB|T)-\d{4}-\d{6,}\b")
_VERSIONS: Final = re.compile(r"\bbudget version \d+\b")


def refers_to(column: "Column[Any]") -> str | None:
    """The table whose rows a column names by their ids."""
    if (column.table.name, column.name) in _PLAIN:
        return _PLAIN[column.table.name, column.name]
    checked = column.info.get("refers_to")
    if checked is not None:
        return str(checked).partition(".")[0]
    return next((key.column.table.name for key in column.foreign_keys), None)


def compared_columns(table: Table) -> "list[Column[Any]]":
    """The columns of a table that are compared, in some form."""
    without = COMPARED[table.name].without or {}
    return [
        column
        for column in table.columns
        if column.name not in without
        and not (column.name == "id" and column.primary_key)
        and refers_to(column) not in LEFT_OUT
        and not (isinstance(column.type, DateTime) and not column.nullable)
    ]


@dataclass(frozen=True)
class _Shape:
    """How the values of a column are told."""

    name: str
    target: str | None
    moment: bool

    @classmethod
    def of(cls, column: "Column[Any]") -> "_Shape":
        """That of a column."""
        return cls(column.name, refers_to(column), isinstance(column.type, DateTime))


def left(engine: Engine) -> Left:
    """What is in the tables: by table, its rows as texts, each with how often it is there."""
    with engine.connect() as connection:
        read = {
            name: [
                dict(row)
                for row in connection.execute(
                    select(metadata.tables[name]).where(text(compared.only if not compared.key else "true"))
                ).mappings()
            ]
            for name, compared in COMPARED.items()
        }
        shown = {
            name: set(connection.execute(text(f"SELECT id FROM {name} WHERE {compared.only}")).scalars())
            for name, compared in COMPARED.items()
            if compared.key
        }
    return _Reader(read).left(shown)


class _Reader:
    """Rows of all tables, by which each is told without ids."""

    def __init__(self, read: Mapping[str, list[dict[str, Any]]]) -> None:
        self._read = read
        self._by_id = {name: {row["id"]: row for row in rows} for name, rows in read.items() if COMPARED[name].key}
        self._keys: dict[tuple[str, int], str] = {}
        self._shapes = {
            name: [_Shape.of(metadata.tables[name].columns[one]) for one in compared.key]
            for name, compared in COMPARED.items()
        }
        cases = {row["number"]: f"case({row['external_id']})" for row in read["client_case"]}
        orders = {row["number"]: self._key("purchase_order", row["id"]) for row in read["purchase_order"]}
        self._numbered = cases | orders

    def left(self, shown: Mapping[str, set[int]]) -> Left:
        """Rows as texts; `shown` are the ids of those that are compared, where a table has ids."""
        found: Left = {}
        for name, rows in self._read.items():
            columns = [_Shape.of(column) for column in compared_columns(metadata.tables[name])]
            found[name] = Counter(
                self._told(name, row, columns, shown) for row in rows if name not in shown or row["id"] in shown[name]
            )
        return found

    def _told(self, name: str, row: Mapping[str, Any], columns: Iterable[_Shape], shown: Mapping[str, set[int]]) -> str:
        values = {column.name: self._value(column, row[column.name]) for column in columns}
        if name == "digest":
            values["items"] = {
                what: sorted(self._key(_ITEMS[what], one) for one in ids if one in shown[_ITEMS[what]])
                if what in _ITEMS
                else ids
                for what, ids in row["items"].items()
            }
        return self._unnumbered(json.dumps(values, ensure_ascii=False, sort_keys=True, default=str))

    def _value(self, column: _Shape, value: Any) -> Any:
        if value is None:
            return None
        if column.target is not None:
            return self._key(column.target, value)
        if column.moment:
            return "at some time"
        if isinstance(value, Decimal):
            return f"{value.normalize():f}"
        if isinstance(value, bytes | memoryview):
            return bytes(value).hex()
        return value if isinstance(value, dict | list | str | int | float | bool) else str(value)

    def _key(self, table: str, id_: int) -> str:
        """A row by its natural key."""
        known = self._keys.get((table, id_))
        if known is None:
            row = self._by_id[table][id_]
            parts = [str(self._value(shape, row[shape.name])) for shape in self._shapes[table]]
            known = self._keys[table, id_] = f"{table}({', '.join(parts)})"
        return known

    def _unnumbered(self, told: str) -> str:
        return _VERSIONS.sub("budget version", _NUMBERS.sub(lambda found: self._numbered.get(found[0], found[0]), told))


def differences(before: Left, after: Left, *, most: int = 3) -> list[str]:
    """How the tables differ, as sentences: of each table how many rows are missing and how many are too many, with a few of them."""
    found = []
    for name in sorted(before.keys() | after.keys()):
        missing, more = (
            before.get(name, Counter()) - after.get(name, Counter()),
            after.get(name, Counter()) - before.get(name, Counter()),
        )
        if missing or more:
            shown = [f"missing: {row}" for row in sorted(missing)[:most]] + [
                f"too many: {row}" for row in sorted(more)[:most]
            ]
            found.append(
                f"table {name}: {missing.total()} rows are missing and {more.total()} too many: " + "; ".join(shown)
            )
    return found
