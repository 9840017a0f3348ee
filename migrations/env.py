"""Runs migrations as the database's owner, under a short lock timeout so that a migration waits instead of blocking everyone."""

from alembic import context
from sqlalchemy import Connection, event, text

from core.database import database_owner_url, make_engine
from models import metadata


def run() -> None:
    """Apply what the command asks for, on a connection handed in by the caller or on one of our own."""
    given = context.config.attributes.get("connection")
    if given is not None:
        migrate(given)
        return
    engine = make_engine(context.config.attributes.get("url") or database_owner_url())
    try:
        with engine.connect() as connection:
            migrate(connection)
            connection.commit()
    finally:
        engine.dispose()


def migrate(connection: Connection) -> None:
    """Bring the database to what the command asks for."""
    event.listen(connection, "begin", _alone_with_the_shape)
    try:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            compare_type=True,
            compare_server_default=False,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    finally:
        event.remove(connection, "begin", _alone_with_the_shape)


def _alone_with_the_shape(connection: Connection) -> None:
    """Each migration's transaction waits a short while for locks only, and takes the row of the shape first: a backup is never made in the
    middle of one (services/backup/making.py).
    """
    connection.execute(
        text(
            """
            DO $$ BEGIN
                SET lock_timeout = '5s';
                IF to_regclass('public.alembic_version') IS NOT NULL THEN
                    LOCK TABLE public.alembic_version IN ROW EXCLUSIVE MODE;
                END IF;
            END $$
            """
        )
    )


run()
