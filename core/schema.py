"""The database's shape: which revision it has, which this version wants, and bringing it there as the owner."""

from contextlib import nullcontext
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from core.database import database_owner_url, engine
from core.settings import ROOT


def alembic_configuration(url: str | None = None) -> Any:
    """Alembic's Config for migrations/ of this checkout; `url` instead of the configured owner's."""
    from alembic.config import Config  # noqa: PLC0415 - only commands about the shape need alembic

    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = url or database_owner_url()
    return config


def upgrade(url: str | None = None) -> None:
    """Run the migrations that are still to come, on the configured database or that of `url`."""
    from alembic import command  # noqa: PLC0415

    command.upgrade(alembic_configuration(url), "head")


def revisions(connection: Connection | None = None) -> tuple[str | None, str | None]:
    """`(current, wanted)` revisions; current is None for an empty database. Asks over `connection`, if one is handed in."""
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    with nullcontext(connection) if connection is not None else engine().connect() as asked:
        return MigrationContext.configure(asked).get_current_revision(), wanted_revision()


@lru_cache(maxsize=1)
def wanted_revision() -> str | None:
    """The revision that this process's version of Avain wants."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    return ScriptDirectory(str(ROOT / "migrations")).get_current_head()


def steps_after(revision: str) -> int | None:
    """How many migrations a database of this revision still lacks; None where this version of Avain does not know the revision."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    order = [one.revision for one in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()]
    return order.index(revision) if revision in order else None
