"""A worker that is asked to stop: what it has in hand is due again at once, and the attempt does not count."""

import pytest
from sqlalchemy import text

from bench.broker_faults.avains_rig import AvainRig
from bench.broker_faults.rig import rig

pytestmark = pytest.mark.slow


def test_work_in_hand_is_given_back_when_the_worker_is_asked_to_stop():
    """SIGTERM in the middle of a long act; without REMAP_SIGTERM the worker would sit it out, and without giving back a lease be lost."""
    with rig() as made, AvainRig(made) as avain:
        worker = avain.worker(BENCH_SOFT_SECONDS="1")
        work = avain.call(1, prefix="long", seconds=300)
        avain.hint(work)
        assert made.started("long-0") is not None
        worker.term()
        assert worker.ended(60), worker.last_words()
        assert avain.outcomes() == {"retry": 1}
        with avain.engine.connect() as connection:
            row = connection.execute(
                text("SELECT attempts, token, next_at <= clock_timestamp() AS due FROM work WHERE id = ANY(:ids)"),
                {"ids": work},
            ).one()
        assert row == (0, None, True)
        assert not made.events("long-0", "end")
        avain.worker()
        avain.beat()
        assert made.started("long-0", times=2, within=60) is not None
