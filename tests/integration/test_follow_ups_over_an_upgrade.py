"""Follow-ups, mails and alarms over changes of the schema: back to the former version and up again, with everything there can be of them."""

from datetime import UTC, date, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import database as databases
from core.database import make_engine
from core.embedded import Embedded
from core.follow_up_settings import FollowUps
from models.alarm import ToldAlarm
from models.follow_up import Digest, FollowUp
from services.follow_ups import calendar
from services.follow_ups.acting import hand_over_to
from services.reminders import sending
from services.reminders.daily import compose_due
from services.work import call
from tests.factories.base import added
from tests.factories.follow_up import WRITING, make_follow_up, make_followed, make_notice
from tests.factories.worker import make_worker

ROOT = Path(__file__).resolve().parents[2]
#: Where follow-ups were of planned services alone, and only the price manager was written letters.
FORMER = "0017"
NOW = datetime(2026, 12, 7, 6, 0, tzinfo=UTC)
DAY = date(2026, 12, 7)


def test_back_to_the_former_version_and_up_again(database: Embedded) -> None:
    engine = make_engine(database.database_url)
    with Session(engine) as session:
        followed = make_followed(session)
        colleague = make_worker(session)
        kept = make_follow_up(session, followed.item, planned_for=DAY, announced_on=DAY, announced_times=1)
        given = make_follow_up(session, followed.item, kind="final", planned_for=DAY)
        make_follow_up(session, followed.item, kind="approval", planned_for=DAY)
        added(session, FollowUp(case_id=followed.case.id, kind="plan_review", planned_for=DAY, due=DAY, findings={}))
        hand_over_to(session, given.id, colleague.external_id, actor="worker:W-1", now=NOW, reason="loma")
        calendar.make(session, followed.worker.external_id, now=NOW, actor="worker:W-1")
        news = make_notice(session, followed.worker, told_at=NOW)
        items = {"announced": [kept.id], "escalated": [], "news": [news.id]}
        mail = added(session, Digest(worker_id=followed.worker.id, local_date=DAY, message_id="<a@b>", document="x", items=items, recipient="a@b.invalid"))  # fmt: skip
        back = Digest(worker_id=colleague.id, local_date=DAY, message_id="<c@d>", document="x", items=items, state="bounced", bounced_at=NOW)  # fmt: skip
        added(session, back)
        for kind in ("reminders_held", "reminders_unheard", "address_refused", "file_missing"):
            added(session, ToldAlarm(kind=kind, subject="x", message={"msgid": "x", "params": {}}))
        call(session, "send_letter", "letter:1", subject_id=1)
        session.commit()
        ids, colleagues, worker = (kept.id, given.id), colleague.id, followed.worker.id
        digest_id = mail.id
    engine.dispose()
    databases.engine().dispose()
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = database.database_owner_url
    command.downgrade(config, FORMER)
    former = make_engine(database.database_owner_url)
    with Session(former) as session:
        assert set(session.scalars(text("SELECT id FROM follow_up"))) == set(ids)
        assert session.scalars(text("SELECT kind FROM price_alarm")).all() == ["file_missing"], (
            "the operator's are not the price manager's"
        )
        assert session.scalars(text("SELECT kind FROM work")).all() == ["send_price_letter"]
    former.dispose()
    command.upgrade(config, "head")
    engine = make_engine(database.database_url)
    with Session(engine) as session:
        assert session.scalars(text("SELECT kind FROM work")).all() == ["send_letter"]
        sent = sending.begin(session, digest_id, datetime(2026, 12, 7, 6, 0, tzinfo=UTC))
        assert sent is not None, "a mail that the former version composed goes out"
        hand_over_to(session, ids[1], session.scalar(text("SELECT external_id FROM worker WHERE id = :id"), {"id": colleagues}), actor="worker:W-1", now=NOW, reason="loma")  # fmt: skip
        later = datetime(2026, 12, 8, 6, 0, tzinfo=UTC)
        composed = compose_due(session, later.date(), later, FollowUps(), WRITING, documents=False)
        assert [mail.items["announced"] for mail in composed.mails] == [[ids[1]]]
        assert worker != colleagues
    engine.dispose()
