"""The evening before the day: what is known of a world by then, read from its sources by Avain itself.

    python -m tests.chaos.whole.eve FOLDER EVENING        FOLDER holds services.toml, providers.toml, workers.toml and choices.json

Runs as a process of its own with an installation's environment; Work is done here, one after the other, with nobody else about.
"""

import json
import sys
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

import workers.queue
import workers.tasks
from connectors.transports.sftp import SftpFiles
from core.clock import move_business_clock
from core.database import database_owner_url, transaction
from core.settings import ROOT, settings
from schedules.jobs import jobs
from services.jobs import call_due_slots
from services.orders.approving.choosing import choose
from services.sources import all_sources, call_fetch
from tests.support.reference_data import import_all
from tests.support.visits import do_all


def main() -> None:
    """Make the tables, read everything, let families choose, and have the jobs' slots count from now on."""
    folder, evening = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
    workers.queue.publish = lambda rows: 0
    defaults = SftpFiles.__init__.__kwdefaults__
    assert defaults is not None
    defaults["settled_after"] = 0  # the files were put there whole
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = database_owner_url()
    command.upgrade(config, "head")
    with transaction() as session:
        move_business_clock(session, evening)
        import_all(session, folder, evening)
    for kind in ("prices", "cases", "absences"):
        with transaction() as session:
            for source in all_sources(settings().sources):
                if source.kind == kind:
                    call_fetch(session, source, "eve")
        do_all()
    _choose(json.loads((folder / "choices.json").read_text("utf-8")), evening)
    do_all()
    with transaction() as session:
        call_due_slots(session, jobs(settings().follow_ups), evening)


def _choose(choices: dict[str, str], now: datetime) -> None:
    with transaction() as session:
        items = session.execute(
            text(
                "SELECT plan_item.id AS item, provider.id AS provider FROM jsonb_each_text(CAST(:choices AS jsonb)) AS chosen (in_case, business_id)"
                " JOIN client_case ON client_case.external_id = in_case JOIN plan_item ON plan_item.case_id = client_case.id"
                " JOIN provider ON provider.business_id = chosen.business_id ORDER BY plan_item.id"
            ),
            {"choices": json.dumps(choices)},
        ).all()
        assert len(items) == len(choices)
        for one in items:
            choose(
                session,
                one.item,
                one.provider,
                chosen_by="parent",
                actor="cli:test",
                reason="",
                now=now,
                budgets=settings().budgets,
            )


if __name__ == "__main__":
    main()
