"""What the database itself must refuse, whoever asks: constraints, triggers, and what the application's account may not do.

Alembic compares tables and columns. It sees neither exclusion constraints nor check constraints, triggers or grants, and all of Avain's promises end
in one of them. A backup that was restored by hand, or a trigger switched off for a repair, may have lost one.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint, UniqueConstraint, text

from core.errors import Message
from core.i18n import N_
from models import metadata
from services.consistency.findings import Looked, Sort, Thing, names
from services.consistency.scope import Scope

_BACK: Final = N_(
    "Have it made again as in a new database of this version: compare with pg_dump --schema-only of one (docs/consistency.md)."
)
CONSTRAINT: Final = Sort("constraint_missing", N_("Constraints that are missing or not in force"), _BACK)
TRIGGER: Final = Sort("trigger_missing", N_("Triggers that are missing or switched off"), _BACK)
GRANT: Final = Sort(
    "grant_too_much",
    N_("What the account of the application could change although it must never be changed"),
    N_("Take it away again: REVOKE … FROM avain_app, as the owner of the tables."),
)

READER: Final = Sort(
    "reader_sees_too_much",
    N_("What the account that only reads could see or change beyond the views made for it"),
    N_("Take it away again: REVOKE … FROM avain_reader, as the owner of the tables."),
)

#: Constraints that models/ cannot say, by table.
EXCLUSIONS: Final = {"ex_price_valid": "price", "ex_order_coverage_live": "order_coverage"}
#: Triggers by table: what insert-only tables stand on, and references that are checked by statement (ADR 0004).
TRIGGERS: Final = {
    "audit_event": ("audit_event_insert_only", "audit_event_purge"),
    "audit_seal": ("audit_seal_insert_only", "audit_seal_purge"),
}
#: Tables whose rows stay as they were written, whatever happens; and of others the columns that do.
UNCHANGED: Final = (
    "audit_event", "audit_seal", "budget_line", "deep_check", "family_rating", "follow_up_event", "invoice", "invoice_line", "number_gap", "order_line", "price_key", "removed_case",
)  # fmt: skip
UNCHANGED_COLUMNS: Final = {
    "purchase_order": ("number", "document", "document_sha256", "total_gross"),
    "order_paper": ("content", "sha256"),
    "order_coverage": ("period", "plan_item_id"),
    "price": ("amount", "valid"),
    "budget_version": ("free", "ceiling"),
    "delivered": ("quantity",),
}
#: Tables of which no row is ever deleted by the application.
UNDELETED: Final = (
    *UNCHANGED,
    *UNCHANGED_COLUMNS,
    "client_case",
    "decision",
    "client",
    "incoming_document",
    "order_response",
    "order_approval",
    "case_hold",
)
#: The application's account (deploy/create-app-role.sh).
_ROLE: Final = "avain_app"

#: Rows out: constraints in force, and unique indexes that can be relied on, by table and name.
_CONSTRAINTS: Final = text(
    """
    SELECT relname, conname AS name FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
    WHERE relnamespace = CAST('public' AS regnamespace) AND convalidated
    UNION
    SELECT of.relname, self.relname FROM pg_index JOIN pg_class AS of ON of.oid = indrelid JOIN pg_class AS self ON self.oid = indexrelid
    WHERE of.relnamespace = CAST('public' AS regnamespace) AND indisunique AND indisvalid
    """
)
#: Rows out: triggers that fire, by table and name.
_TRIGGERS: Final = text(
    """
    SELECT relname, tgname AS name FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE relnamespace = CAST('public' AS regnamespace) AND NOT tgisinternal AND tgenabled IN ('O', 'A')
    """
)
#: Rows in: tables, columns ('': any) and what may not be done. Rows out: those among them that may be. None where there is no such account.
_GRANTED: Final = text(
    f"""
    SELECT what, relation, field FROM unnest(CAST(:whats AS text[]), CAST(:tables AS text[]), CAST(:columns AS text[])) AS asked(what, relation, field)
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = '{_ROLE}') AND to_regclass(relation) IS NOT NULL AND CASE
        WHEN what = 'UPDATE' AND field = '' THEN has_any_column_privilege('{_ROLE}', relation, 'UPDATE')
        WHEN what = 'UPDATE' THEN has_column_privilege('{_ROLE}', relation, field, 'UPDATE')
        ELSE has_table_privilege('{_ROLE}', relation, what) END
    ORDER BY relation, what, field
    """  # noqa: S608 - our own words
)
#: Rows out: what the reader's account, where there is one, may do to tables of the application; and to its views other than read.
_READ: Final = text(
    """
    SELECT its.nspname || '.' || relname AS name
    FROM pg_class JOIN pg_namespace AS its ON its.oid = relnamespace JOIN pg_roles AS reader ON rolname = 'avain_reader'
    WHERE its.nspname IN ('public', 'reporting') AND relkind IN ('r', 'p', 'v', 'm', 'f')
      AND ((its.nspname = 'public' AND has_any_column_privilege(reader.oid, pg_class.oid, 'SELECT'))
           OR has_any_column_privilege(reader.oid, pg_class.oid, 'INSERT, UPDATE, REFERENCES')
           OR has_table_privilege(reader.oid, pg_class.oid, 'DELETE, TRUNCATE, TRIGGER'))
    ORDER BY 1
    """
)


def shape(scope: Scope) -> Looked:
    """Every sort of fault of the database's own guards."""
    looked = Looked(Message("What the database must refuse"))
    scope.tell(looked.name, 0)
    wanted = set(_constraints()) | {(table, name) for name, table in EXCLUSIONS.items()}
    there = {(row.relname, row.name) for row in scope.session.execute(_CONSTRAINTS)}
    looked.found(CONSTRAINT, _named(wanted - there))
    triggers = set(_triggers())
    fire = {(row.relname, row.name) for row in scope.session.execute(_TRIGGERS)}
    looked.found(TRIGGER, _named(triggers - fire))
    asked = list(_never())
    values = dict(zip(("whats", "tables", "columns"), map(list, zip(*asked, strict=True)), strict=True))
    granted = scope.session.execute(_GRANTED, values).all()
    looked.found(
        GRANT, names(f"{row.what} {row.relation}" + (f" ({row.field})" if row.field else "") for row in granted)
    )
    looked.found(READER, names(row.name for row in scope.session.execute(_READ)))
    looked.examined = len(wanted) + len(triggers) + len(asked)
    return looked


def _constraints() -> Iterable[tuple[str, str]]:
    """Constraints and unique indexes that models/ say, by table and name."""
    for table in metadata.tables.values():
        for one in table.constraints:
            if isinstance(one, PrimaryKeyConstraint | ForeignKeyConstraint | UniqueConstraint | CheckConstraint):
                yield table.name, str(one.name)
        yield from ((table.name, str(one.name)) for one in table.indexes if isinstance(one, Index) and one.unique)


def _triggers() -> Iterable[tuple[str, str]]:
    """Triggers by table and name: the listed ones, and those of every column that is checked by statement."""
    for table, listed in TRIGGERS.items():
        yield from ((table, name) for name in listed)
    for one in metadata.tables.values():
        targets = {column.info["refers_to"].split(".")[0] for column in one.columns if "refers_to" in column.info}
        if targets:
            yield from ((one.name, f"{one.name}_{event}_references") for event in ("insert", "update"))
        yield from ((target, f"{target}_keep_referenced") for target in targets)


def _never() -> Iterable[tuple[str, str, str]]:
    """What the account may never do: what, to which table, to which column ('': any)."""
    for table in UNCHANGED:
        yield "UPDATE", table, ""
    for table, columns in UNCHANGED_COLUMNS.items():
        yield from (("UPDATE", table, column) for column in columns)
    for table in UNDELETED:
        yield from ((what, table, "") for what in ("DELETE", "TRUNCATE"))


def _named(missing: Iterable[tuple[str, str]]) -> list[Thing]:
    return [Thing(f"{table}.{name}") for table, name in sorted(missing)]
