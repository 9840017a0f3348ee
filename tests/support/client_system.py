"""A client information system's database: base tables, views over them of another role, and a reader who may see the views alone."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from pydantic import SecretStr
from sqlalchemy import make_url

from connectors.cases.base import Found
from connectors.cases.record import FoundRecord
from connectors.cases.registry import case_connector, case_transport
from connectors.transports.base import Fetched, Visit
from core.embedded import Embedded
from core.source_settings import CaseSource, SqlView

TABLES = """
    CREATE SCHEMA inside;
    CREATE TABLE inside.person (id int PRIMARY KEY, hetu text, name text, hidden bool NOT NULL DEFAULT false);
    CREATE TABLE inside.client_case (
        id int PRIMARY KEY, person int REFERENCES inside.person, worker text, state char(1), goal text,
        planned timestamp, ended bool NOT NULL DEFAULT false, changed timestamptz NOT NULL
    );
    CREATE TABLE inside.decision (id int PRIMARY KEY, client_case int, number text, made date, amount numeric(10,3));
    CREATE TABLE inside.service (
        id int PRIMARY KEY, client_case int, decision int, code text, quantity numeric, unit text, first date, last date, provider text
    );
"""
VIEWS = """
    CREATE SCHEMA avain;
    CREATE VIEW avain.asiakkuudet AS
        SELECT 'AS-' || c.id AS asiakkuus, 'K-' || p.id AS asiakas, p.hidden AS turvakielto, p.hetu AS hetu, p.name AS nimi,
               c.worker AS omatyontekija, c.state AS tila, c.goal AS tavoite, c.planned AS suunnitelma, c.ended AS poistettu,
               c.changed AS muuttunut
        FROM inside.client_case c JOIN inside.person p ON p.id = c.person;
    CREATE VIEW avain.paatokset AS
        SELECT 'AS-' || client_case AS asiakkuus, 'P-' || id AS paatos, number AS numero, made AS paatospaiva, amount AS myonnetty
        FROM inside.decision;
    CREATE VIEW avain.palvelut AS
        SELECT 'AS-' || client_case AS asiakkuus, 'R-' || id AS rivi, 'P-' || decision AS paatos, code AS palvelu, quantity AS maara,
               unit AS yksikko, first AS alkaa, last AS paattyy, provider AS tuottaja
        FROM inside.service;
"""
PROFILE = """
[profile]
name = "raportointi"

[cases]
external_id = "asiakkuus"
client.external_id = "asiakas"
client.non_disclosure = "turvakielto"
client.identity.henkilotunnus = "hetu"
client.identity.name = "nimi"
responsible_worker = "omatyontekija"
status = { from = "tila", codes = "tila" }
goals = { from = "tavoite", split = "|" }
plan_date = "suunnitelma"
gone = { from = "poistettu", values = ["true"] }

[decisions]
case = "asiakkuus"
external_id = "paatos"
number = "numero"
decided_on = "paatospaiva"
granted_amount = "myonnetty"

[plan_items]
case = "asiakkuus"
external_id = "rivi"
decision = "paatos"
service = "palvelu"
quantity = "maara"
unit = "yksikko"
start = "alkaa"
end = "paattyy"
provider = "tuottaja"

[codes.tila]
A = "open"
P = "closed"
"""
QUERIES = {
    "cases": "SELECT * FROM avain.asiakkuudet ORDER BY asiakkuus",
    "decisions": "SELECT * FROM avain.paatokset",
    "plan_items": "SELECT * FROM avain.palvelut",
}

PEOPLE = """
    INSERT INTO inside.person (id, hetu, name) SELECT n, '131052-9074', 'Aino Keksitty' FROM generate_series(1, 3) AS n;
    INSERT INTO inside.client_case SELECT n, n, 'W-101', 'A', 'Arki sujuu|Koulu: 10::30 % ja \\:loma', '2026-10-19 13:00', false,
        timestamptz '2026-11-16 08:00+02' + n * interval '1 hour' FROM generate_series(1, 3) AS n;
    INSERT INTO inside.decision VALUES (1, 1, 'P1', '2026-11-09', 900.5), (2, 2, 'P2', '2026-11-10', NULL), (3, 2, 'P3', '2026-11-11', 10);
    INSERT INTO inside.service VALUES (1, 1, 1, 'NEPSY', 10.5, 'HUR', '2026-11-23', '2027-02-22', '9999994-1'),
        (2, 2, 3, 'ADHD', 12, 'C62', '2026-11-23', '2027-02-22', NULL);
"""


@dataclass(frozen=True)
class ClientSystem:
    """`url` is the reader's; `owner` and `reader` are roles."""

    admin_url: str
    owner_url: str
    url: str
    owner: str
    reader: str

    def change(self, statement: str) -> None:
        """What the client system's own people do."""
        with _connect(self.owner_url) as connection:
            connection.execute(statement.encode())

    def cut(self) -> None:
        """End the reader's connections, as a server does that goes down."""
        with _connect(self.admin_url) as connection:
            connection.execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{self.reader}'".encode()
            )


@contextmanager
def client_system(database: Embedded, *, views: str = VIEWS) -> Iterator[ClientSystem]:
    """The tables and views in a database of the test's own; the roles are gone after the block."""
    name = uuid.uuid4().hex[:8]
    owner, reader = f"clients_{name}", f"reader_{name}"
    with _connect(database.database_owner_url) as connection:
        for role in (owner, reader):
            connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        connection.execute(f"GRANT CREATE ON DATABASE {make_url(database.database_url).database} TO {owner}".encode())
    try:
        made = ClientSystem(database.database_owner_url, _as(database, owner), _as(database, reader), owner, reader)
        with _connect(made.owner_url) as connection:
            connection.execute(TABLES.encode())
            if views:
                connection.execute(views.encode())
                connection.execute(f"GRANT USAGE ON SCHEMA avain TO {reader}".encode())
                connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA avain TO {reader}".encode())
        yield made
    finally:
        with _connect(database.database_owner_url) as connection:
            connection.execute(f"DROP OWNED BY {owner}, {reader} CASCADE".encode())
            connection.execute(f"DROP ROLE {owner}, {reader}".encode())


def _as(database: Embedded, role: str) -> str:
    url = make_url(database.database_owner_url).set(drivername="postgresql", username=role)
    return url.render_as_string(hide_password=False)


def _connect(url: str) -> "psycopg.Connection[Any]":
    parsed = make_url(url)
    return psycopg.connect(
        host=str(parsed.query["host"]),
        port=str(parsed.query["port"]),
        user=parsed.username,
        dbname=parsed.database,
        autocommit=True,
    )


class Source:
    """The view as it would be configured."""

    def __init__(self, system: ClientSystem, folder: Path, *, profile: str = PROFILE, **over: Any) -> None:
        self.folder = folder
        (folder / "profile.toml").write_text(profile, "utf-8")
        view = SqlView(url=SecretStr(system.url), **{**QUERIES, **over})
        self.settings = CaseSource(kind="sql", sql=view, profile=Path("profile.toml"))

    def fetch(self, *, identity: Any = "none", **visit: Any) -> Fetched:
        way = case_transport(self.settings, self.folder, identity=identity)
        return way.fetch(Visit(self.folder / "spool", **visit))

    def read(self, fetched: Fetched, identity: Any = "none") -> list[Found]:
        connector = case_connector(self.settings, self.folder)
        return [found for _, found in connector.read(fetched.files, identity=identity)]

    def ids(self, fetched: Fetched) -> list[str]:
        return [one.record.external_id for one in self.read(fetched) if isinstance(one, FoundRecord)]
