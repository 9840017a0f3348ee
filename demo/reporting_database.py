"""The demo's second client information system: a reporting database that shows Avain two views, and nothing else.

It stands in the demo's own PostgreSQL, as a database with an owner of its own; Avain's role there may SELECT from the views alone.
"""

from typing import Final

import psycopg
from sqlalchemy import make_url

from core.embedded import Embedded

_NAME: Final = "raportointi"
_READER: Final = "avain_lukija"

_TABLES: Final = """
    CREATE SCHEMA asiakas;
    CREATE TABLE asiakas.asiakkuus (tunnus text PRIMARY KEY, asiakasviite text, nimi text, turvakielto boolean, omatyontekija text,
                                    tila text, suunnitelma_pvm date);
    CREATE TABLE asiakas.paatos (tunnus text PRIMARY KEY, asiakkuus text REFERENCES asiakas.asiakkuus, numero text, kannanotto date,
                                 paatospaiva date, alkaa date, paattyy date, myonnetty numeric);
    INSERT INTO asiakas.asiakkuus VALUES ('RP-2001', 'R-77', 'Keksitty Nimi', true, 'W-103', 'A', '2026-11-02');
    INSERT INTO asiakas.paatos VALUES
        ('RP-2001-1', 'RP-2001', 'HB 2026/91', '2026-11-10', '2026-11-12', '2026-11-16', '2027-05-15', 600.00);
    CREATE SCHEMA avain;
    CREATE VIEW avain.asiakkuudet AS
        SELECT tunnus AS asiakkuus, asiakasviite AS asiakas, turvakielto, omatyontekija, tila, suunnitelma_pvm AS suunnitelma
        FROM asiakas.asiakkuus;
    CREATE VIEW avain.paatokset AS
        SELECT asiakkuus, tunnus AS paatos, numero, kannanotto, paatospaiva, alkaa, paattyy, myonnetty FROM asiakas.paatos;
"""


def make(running: Embedded) -> str:
    """Make the database and its reader; the reader's URL."""
    owner = make_url(running.database_owner_url).set(drivername="postgresql")
    with psycopg.connect(owner.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {_READER} LOGIN".encode())
        connection.execute(f"CREATE DATABASE {_NAME}".encode())
    with psycopg.connect(owner.set(database=_NAME).render_as_string(hide_password=False)) as connection:
        connection.execute(_TABLES.encode())
        connection.execute(f"GRANT USAGE ON SCHEMA avain TO {_READER}".encode())
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA avain TO {_READER}".encode())
    return owner.set(database=_NAME, username=_READER).render_as_string(hide_password=False)


def refuses(url: str) -> bool:
    """Whether the reader is kept from what stands behind the views, and from writing."""
    for statement in ("SELECT nimi FROM asiakas.asiakkuus", "DELETE FROM avain.asiakkuudet"):
        try:
            with psycopg.connect(url) as connection:
                connection.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege:
            continue
        return False
    return True
