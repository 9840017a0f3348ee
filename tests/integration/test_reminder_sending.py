"""A composed mail goes out once, as it was composed; what becomes of one that does not."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from core.errors import Message, Permanent
from models.base import table_of
from models.follow_up import Digest
from services.follow_ups.acknowledging import acknowledge
from services.reminders import sending
from services.work.lease import Ended
from tests.factories.follow_up import make_follow_up, make_followed, make_notice
from tests.support.composing import DUE, at, composed, mail_days
from tests.support.work import claimed


def one_digest(session):
    followed = make_followed(session)
    make_follow_up(session, followed.item)
    make_notice(session, followed.worker)
    composed(session)
    return session.scalars(select(Digest)).one()


def begun(session, digest) -> sending.Outgoing:
    outgoing = sending.begin(session, digest.id, at(DUE))
    assert outgoing is not None
    return outgoing


def recipient(session, digest) -> str:
    return str(session.scalars(text("SELECT external_id FROM worker WHERE id = :id"), {"id": digest.worker_id}).one())


def test_a_mail_is_sent_as_composed_and_once(session):
    digest = one_digest(session)
    outgoing = begun(session, digest)
    assert outgoing.message == digest.document.encode()
    (work_id,) = session.scalars(text("SELECT id FROM work WHERE kind = 'send_digest'"))
    taken = sending.Taken(claimed(session, work_id), outgoing, "250 ok", at(DUE))
    assert not sending.record_and_begin(session, taken, None)
    assert sending.begin(session, digest.id, at(DUE)) is None
    session.refresh(digest)
    assert (digest.state, digest.sent_at) == ("sent", at(DUE))


def test_a_mail_of_unknown_fate_is_repeated_once_then_a_person_decides(session):
    digest = one_digest(session)
    first = begun(session, digest)
    again = begun(session, digest)
    assert (again.message, again.again) == (first.message, True)  # same bytes, same Message-ID
    with pytest.raises(Permanent, match="2026-12-07"):
        sending.begin(session, digest.id, at(DUE))


def test_a_clear_refusal_leaves_no_doubt(session):
    digest = one_digest(session)
    for _ in range(5):
        sending.record_not_taken(session, begun(session, digest))


def test_a_mail_whose_day_has_passed_becomes_part_of_the_next(session):
    digest = one_digest(session)
    next_day = DUE + timedelta(days=1)
    assert sending.begin(session, digest.id, at(next_day)) is None
    (mail,) = composed(session, next_day).values()
    assert mail.items == digest.items


def test_what_a_supervisor_should_have_heard_the_next_mail_tells(session):
    followed = make_followed(session)
    make_follow_up(session, followed.item)
    supervisor = followed.supervisor.external_id
    escalated = next(day for day in mail_days(DUE, 20) if supervisor in composed(session, day))
    digest = session.scalars(select(Digest).order_by(table_of(Digest).c.id.desc()).limit(1)).one()
    (next_day,) = mail_days(escalated + timedelta(days=1), 1)
    assert sending.begin(session, digest.id, at(next_day)) is None
    assert composed(session, next_day)[supervisor].items == digest.items


def test_what_was_settled_before_sending_is_not_sent(session):
    followed = make_followed(session)
    due = make_follow_up(session, followed.item)
    composed(session)
    acknowledge(session, due.id, actor="a", now=at(DUE))
    session.flush()
    assert sending.begin(session, session.scalars(select(Digest)).one().id, at(DUE)) is None


def test_giving_up_tells_the_supervisor_and_keeps_the_news(session):
    digest = one_digest(session)
    session.flush()
    sending.give_up(session, Ended(1, "send_digest", digest.id, Message("550 no such user")))
    sending.give_up(session, Ended(1, "send_digest", digest.id, Message("550 no such user")))
    told = session.execute(text("SELECT kind, told_at FROM notice ORDER BY id")).all()
    assert [tuple(row) for row in told] == [("budget_over", None), ("digest_undelivered", None)]


def test_what_was_given_up_and_is_tried_again_by_a_person_is_sent(session):
    digest = one_digest(session)
    first = begun(session, digest)
    sending.give_up(session, Ended(1, "send_digest", digest.id, Message("550 we do not want this")))
    outgoing = begun(session, digest)
    assert outgoing.message == first.message
    assert session.scalars(text("SELECT told_at FROM notice WHERE kind = 'budget_over'")).one() is not None
    with pytest.raises(Permanent, match="2026-12-07"):  # nothing is repeated but by a person
        begun(session, digest)


def test_what_was_given_up_and_is_tried_again_on_a_later_day_is_told_by_the_next_mail(session):
    digest = one_digest(session)
    sending.give_up(session, Ended(1, "send_digest", digest.id, Message("550 we do not want this")))
    next_day = DUE + timedelta(days=1)
    assert sending.begin(session, digest.id, at(next_day)) is None
    session.refresh(digest)
    assert digest.state == "expired"
    mail = composed(session, next_day)[recipient(session, digest)]
    assert mail.items == digest.items


def test_what_the_next_mail_has_told_is_not_told_again_by_one_given_up(session):
    digest = one_digest(session)
    sending.give_up(session, Ended(1, "send_digest", digest.id, Message("550 we do not want this")))
    next_day = DUE + timedelta(days=1)
    mail = composed(session, next_day)[recipient(session, digest)]
    assert mail.items["news"] == digest.items["news"]
    assert sending.begin(session, digest.id, at(next_day)) is None
    assert session.scalars(text("SELECT told_at FROM notice WHERE kind = 'budget_over'")).one() is not None


def test_a_supervisor_is_not_told_that_they_were_not_reached(session):
    followed = make_followed(session)
    make_notice(session, followed.supervisor)
    composed(session)
    digest = session.scalars(select(Digest)).one()
    sending.give_up(session, Ended(1, "send_digest", digest.id, Message("550 no such user")))
    assert session.scalars(text("SELECT kind FROM notice")).all() == ["budget_over"]


def test_a_recipient_without_address_ends_the_sending(session):
    digest = one_digest(session)
    session.execute(text("UPDATE worker SET email = NULL"))
    with pytest.raises(Permanent):
        sending.begin(session, digest.id, at(DUE))


def test_who_is_gone_when_the_mails_turn_comes_is_not_written_to(session):
    digest = one_digest(session)
    announced = digest.items["announced"]
    session.execute(text("UPDATE worker SET active = false WHERE id = :id"), {"id": digest.worker_id})
    with pytest.raises(Permanent):
        sending.begin(session, digest.id, at(DUE))
    sending.give_up(session, Ended(1, "send_digest", digest.id, Message("gone")))
    told_again = text("SELECT announced_times FROM follow_up WHERE id = ANY(:ids)")
    assert set(session.scalars(told_again, {"ids": announced})) == {0}
