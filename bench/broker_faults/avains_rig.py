"""The rig with Avain on it: PostgreSQL, migrated, Work to do, Avain's worker and beat."""

import json
from typing import Any, Self

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from bench.broker_faults.avain_kind import KIND
from bench.broker_faults.rig import AVAIN, Process, Rig
from core import embedded
from core.database import make_engine
from core.settings import ROOT
from services.work.calling import Call, call_many
from services.work.kinds import KINDS

AVAIN_QUEUE = KINDS[KIND].queue


class AvainRig:
    """Use as a context manager: a migrated database beside the rig's Valkey."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    def __enter__(self) -> Self:
        self.services = embedded.start(self.rig.home, durable=False)
        config = Config(str(ROOT / "alembic.ini"))
        config.attributes["url"] = self.services.database_owner_url
        command.upgrade(config, "head")
        self.engine = make_engine(self.services.database_url)
        owner = make_url(self.services.database_owner_url)
        with psycopg.connect(
            host=str(owner.query["host"]), user=owner.username, dbname=owner.database, autocommit=True
        ) as admin:
            admin.execute("CREATE TABLE bench_effect (work_id bigint NOT NULL)")
            admin.execute("GRANT INSERT, SELECT ON bench_effect TO PUBLIC")
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.dispose()

    @property
    def _environment(self) -> dict[str, str]:
        return {"AVAIN_DATABASE_URL": self.services.database_url, "AVAIN_REDIS_URL": self.services.redis_url}

    def worker(self, **environment: str) -> Process:
        """Avain's worker of every queue, two slots."""
        return self.rig.ready(self.rig.run(AVAIN, "worker", **self._environment | environment))

    def beat(self) -> Process:
        """Avain's beat, which ticks."""
        return self.rig.run(AVAIN, "beat", **self._environment)

    def call(self, count: int, *, prefix: str = "work", seconds: float = 0.0) -> list[int]:
        """Call for `count` Works; their ids."""
        with Session(self.engine) as session, session.begin():
            return call_many(
                session, [Call(KIND, f"{prefix}-{n}", arguments={"seconds": seconds}) for n in range(count)]
            )

    def hint(self, ids: list[int]) -> None:
        """Publish hints for Works, as the tick does."""
        app = self.rig.sender()
        with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
            for work_id in ids:
                app.send_task(KIND, kwargs={"work_id": work_id}, queue=AVAIN_QUEUE, producer=producer)

    def count(self, query: str, **values: Any) -> int:
        """The one number a query gives."""
        with self.engine.connect() as connection:
            return int(connection.execute(text(query), values).scalar_one())

    def undone(self, ids: list[int]) -> int:
        """How many of these Works are not done."""
        return self.count("SELECT count(*) FROM work WHERE id = ANY(:ids) AND done_at IS NULL", ids=ids)

    def all_done(self, ids: list[int]) -> bool:
        """Whether all of them are done."""
        return self.undone(ids) == 0

    def outcomes(self) -> dict[str, int]:
        """Outcome → number of Runs of our kind."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT coalesce(outcome, 'open') AS outcome, count(*) AS n FROM run WHERE kind = :kind GROUP BY 1"
                ),
                {"kind": KIND},
            )
            return {row.outcome: row.n for row in rows}

    def books(self, ids: list[int]) -> dict[str, float | int | str | None]:
        """What became of the Works.

        lost: never done; booked twice; begun again: their first process was killed; acted twice: it was killed between act and booking.
        """
        starts, ends = self.rig.runs("start"), self.rig.runs("end")
        return {
            "works": len(ids),
            "lost": self.undone(ids),
            "booked_twice": self.count(
                "SELECT count(*) FROM (SELECT work_id FROM bench_effect GROUP BY 1 HAVING count(*) > 1) AS twice"
            ),
            "not_booked": len(ids)
            - self.count("SELECT count(DISTINCT work_id) FROM bench_effect WHERE work_id = ANY(:ids)", ids=ids),
            "begun_again": sum(count > 1 for count in starts.values()),
            "acted_twice": sum(count > 1 for count in ends.values()),
            "runs": json.dumps(self.outcomes(), sort_keys=True),
        }
