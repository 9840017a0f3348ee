"""Databases that tests make as copies of another: what Avain takes for restored ones, until it is told that they are at home where they are."""

import psycopg
from sqlalchemy import make_url

from core.embedded import Embedded


def at_home(embedded: Embedded) -> None:
    """Let effects leave from this copy, as from a new installation."""
    url = make_url(embedded.database_owner_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as owner:
        owner.execute("UPDATE effects SET home = this_database(), paused_at = NULL, paused_by = NULL")
