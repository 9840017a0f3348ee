"""Canaries: values that may stand in the database and nowhere else, and a search for them in whatever leaves it."""

from sqlalchemy import JSON, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlmodel import SQLModel

from tests.canaries.readings import folded, readings

#: A name and a henkilötunnus, both invented; and the word for a service that tells what the trouble is.
NAME, CODE, SERVICE = "Kanarialintu", "131052-908T", "perhetyökanaria"
CANARY = f"{NAME} {CODE} {SERVICE}"
_SEARCHED = (NAME, CODE, CODE.replace("-", ""), SERVICE)
#: What rows are found and told apart by, and what a mail is addressed and written by.
_KEPT = frozenset({"email", "external_id", "kind", "language", "number", "state", "timezone"})
#: Tables of machinery, and of the installation.
_PASSED_OVER = frozenset({"work", "run", "clock", "audit_event", "counter", "heartbeat"})


def fill(session: Session) -> set[str]:
    """Put a canary into every column of every row that takes a text or JSON; the columns reached, as `table.column`.

    What the database does not allow (a check, a reference, a table whose rows nobody changes) stays as it was.
    """
    reached = set()
    for table in SQLModel.metadata.sorted_tables:
        if table.name in _PASSED_OVER or not session.execute(text(f"SELECT 1 FROM {table.name} LIMIT 1")).first():
            continue
        for column in table.columns:
            if column.name in _KEPT or column.primary_key or column.foreign_keys:
                continue
            value = _value(column.type, column.unique or False)
            if value is None:
                continue
            where = f"{table.name}.{column.name}"
            try:
                with session.begin_nested():
                    done = session.execute(
                        text(f"UPDATE {table.name} SET {column.name} = {value} RETURNING 1"),
                        {"canary": f"{CANARY} {where}"},
                    ).all()
            except DBAPIError:
                continue
            if done:
                reached.add(where)
    session.expire_all()
    return reached


def _value(kind: object, unique: bool) -> str | None:
    if isinstance(kind, (JSON, JSONB)):
        said = "'msgid', CAST(:canary AS text), 'params', jsonb_build_object('who', CAST(:canary AS text))"
        return f"jsonb_build_object({said}, 'note', CAST(:canary AS text))"
    if isinstance(kind, Text) or getattr(kind, "length", 0) is None:
        return "CAST(:canary AS text) || ' ' || id" if unique else "CAST(:canary AS text)"
    return None


def found(content: bytes | str) -> list[str]:
    """Which canaries something holds, however it is wrapped."""
    whole = "\n".join(readings(content))
    return [one for one in _SEARCHED if folded(one) in whole]
