"""Who hears of what is due: absences and deputies, supervisors and their weekly lists, what was handed over, who cannot be reached."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import text

from core.errors import Message
from core.follow_up_settings import FollowUps
from core.i18n import HELSINKI
from models.base import days
from models.worker import Absence
from services.reminders.bundle import Bundle
from services.reminders.daily import compose_due
from services.reminders.gathering import gather
from tests.factories.base import added
from tests.factories.follow_up import WRITING, make_follow_up, make_followed, make_notice
from tests.factories.worker import make_unit, make_worker

SETTINGS = FollowUps(repeat_working_days=3, max_repeats=1)
MONDAY = date(2026, 12, 7)


def gathered(session, today: date = MONDAY, settings: FollowUps = SETTINGS) -> dict[str, Bundle]:
    session.flush()
    session.expire_all()
    return {one.person.external_id: one for one in gather(session, today, settings).bundles}


def composed(session, today: date, settings: FollowUps = SETTINGS) -> dict[str, dict[str, list[int]]]:
    session.flush()
    now = datetime.combine(today, time(8), HELSINKI).astimezone(UTC)
    mails = compose_due(session, today, now, settings, WRITING).mails
    session.expire_all()
    return {mail.worker: mail.items for mail in mails}


def away(session, worker, deputy=None, first: date = MONDAY, last: date = MONDAY, **over) -> Absence:
    values = {"worker_id": worker.id, "deputy_id": deputy and deputy.id, "period": days(first, last), "actor": "test"}
    return added(session, Absence(**values, **over))


def left_open(session, item, **over):
    """Told as often as it may be, the last time two weeks ago."""
    return make_follow_up(session, item, **{"announced_on": date(2026, 11, 23), "announced_times": 2, **over})


def test_during_an_absence_the_deputy_hears_afterwards_the_worker_again(session):
    followed = make_followed(session)
    deputy = make_worker(session)
    due = make_follow_up(session, followed.item)
    news = make_notice(session, followed.worker)
    away(session, followed.worker, deputy, last=MONDAY + timedelta(days=2))
    bundle = gathered(session)[deputy.external_id]
    assert [(task.id, task.came) for task in bundle.tasks] == [(due.id, "away")]
    assert [(one.id, one.came) for one in bundle.news] == [(news.id, "away")]
    assert set(composed(session, MONDAY)) == {deputy.external_id}
    back = composed(session, MONDAY + timedelta(days=3))
    assert back == {followed.worker.external_id: {"announced": [due.id], "escalated": [], "news": []}}


def test_an_absence_that_was_called_off_or_is_over_counts_for_nothing(session):
    followed = make_followed(session)
    deputy = make_worker(session)
    make_follow_up(session, followed.item)
    away(session, followed.worker, deputy, cancelled_at=datetime(2026, 12, 1, tzinfo=UTC))
    away(session, followed.worker, deputy, first=MONDAY - timedelta(days=5), last=MONDAY - timedelta(days=1))
    away(session, followed.worker, deputy, first=MONDAY + timedelta(days=1), last=MONDAY + timedelta(days=1))
    assert set(gathered(session)) == {followed.worker.external_id}


def test_of_two_absences_at_once_the_one_with_a_deputy_counts(session):
    followed = make_followed(session)
    deputy = make_worker(session)
    make_follow_up(session, followed.item)
    away(session, followed.worker, deputy)
    away(session, followed.worker, source="hr")
    assert set(gathered(session)) == {deputy.external_id}


def test_deputies_who_are_away_themselves_and_in_a_circle(session):
    followed = make_followed(session)
    first, second = make_worker(session), make_worker(session)
    make_follow_up(session, followed.item)
    away(session, followed.worker, first)
    away(session, first, second)
    assert set(gathered(session)) == {second.external_id}
    away(session, first, followed.worker)  # entered later, so this one counts
    assert set(gathered(session)) == {followed.supervisor.external_id}


def test_what_was_handed_over_is_the_colleagues(session):
    followed = make_followed(session)
    colleague = make_worker(session)
    due = make_follow_up(session, followed.item, handed_to_id=colleague.id)
    left = left_open(session, followed.item, kind="interval", handed_to_id=colleague.id)
    bundles = gathered(session)
    assert [(task.id, task.came) for task in bundles[colleague.external_id].tasks] == [(due.id, "handed")]
    assert [task.id for unit in bundles[followed.supervisor.external_id].units for task in unit.tasks] == [left.id]
    colleague.active = False
    assert [task.id for task in gathered(session)[followed.supervisor.external_id].tasks] == [due.id]


@pytest.mark.parametrize(("language", "here"), [("xx", "xx"), ("", "")])
def test_a_language_nobody_knows_keeps_nobody_from_hearing(session, language, here):
    followed = make_followed(session)
    make_follow_up(session, followed.item)
    session.execute(
        text("UPDATE worker SET language = :language WHERE id = :id"), {"language": language, "id": followed.worker.id}
    )
    assert gathered(session)[followed.worker.external_id].person.language == here
    assert set(composed(session, MONDAY)) == {followed.worker.external_id}


def test_a_refused_address_is_not_written_to_until_it_changes(session):
    followed = make_followed(session)
    make_follow_up(session, followed.item)
    followed.worker.refused_email = followed.worker.email
    followed.worker.refused_reason = Message("550").to_json()
    bundle = gathered(session)[followed.supervisor.external_id]
    assert [task.came for task in bundle.tasks] == ["unreachable"]
    followed.worker.email = "uusi@avain-esimerkki.invalid"
    assert set(gathered(session)) == {followed.worker.external_id}


def test_a_circle_of_supervisors_ends_with_nobody_who_is_counted_by_name(session):
    followed = make_followed(session, email=None)
    other = make_unit(session)
    above = make_worker(session, unit_id=other.id, active=False)
    followed.supervisor.unit_id, followed.supervisor.email = other.id, "a@b.invalid, c@d.invalid"
    other.supervisor_id = above.id
    above.unit_id = followed.worker.unit_id
    make_follow_up(session, followed.item)
    make_notice(session, followed.worker)
    session.flush()
    found = gather(session, MONDAY, SETTINGS)
    assert (found.bundles, dict(found.unheard)) == ([], {followed.worker.external_id: 2})


def test_a_case_of_nobody_goes_to_the_supervisor_of_its_unit(session):
    followed = make_followed(session)
    due = make_follow_up(session, followed.item)
    followed.case.unit_id, followed.case.responsible_worker_id = followed.worker.unit_id, None
    (task,) = gathered(session)[followed.supervisor.external_id].tasks
    assert (task.id, task.came) == (due.id, "unreachable")


def test_supervisors_hear_weekly_by_unit_in_one_mail_with_their_own(session):
    followed = make_followed(session)
    other = make_followed(session)
    no_unit = make_followed(session)
    head = followed.supervisor
    other.case.supervisor_id = head.id
    no_unit.case.supervisor_id = head.id
    no_unit.worker.unit_id = None
    mine = make_follow_up(session, make_followed(session, worker=head).item)
    items = [left_open(session, one.item) for one in (followed, other, no_unit)]
    bundle = gathered(session)[head.external_id]
    assert [task.id for task in bundle.tasks] == [mine.id]
    units = [followed.worker.unit_id, other.worker.unit_id, None]
    assert [(unit.unit_id, [task.id for task in unit.tasks]) for unit in bundle.units] == [
        (unit, [item.id]) for unit, item in zip(units, items, strict=True)
    ]
    assert len(bundle) == 4
    told = composed(session, MONDAY)[head.external_id]
    assert (told["announced"], told["escalated"]) == ([mine.id], [one.id for one in items])
    week = [composed(session, MONDAY + timedelta(days=n)) for n in range(1, 5)]
    assert [sorted(mails) for mails in week] == [[], [], [head.external_id], []], "their own again; no list"
    assert composed(session, MONDAY + timedelta(days=7))[head.external_id]["escalated"] == [one.id for one in items]


def test_a_list_that_was_missed_comes_with_the_next_mail_and_the_next_on_its_day(session):
    followed = make_followed(session)
    left_open(session, followed.item)
    head = followed.supervisor.external_id
    wednesday = MONDAY + timedelta(days=2)
    assert set(composed(session, wednesday)) == {head}
    assert composed(session, wednesday + timedelta(days=2)) == {}
    assert set(composed(session, MONDAY + timedelta(days=7))) == {head}


def test_what_is_ripe_after_the_lists_day_waits_for_the_next(session):
    followed = make_followed(session)
    left_open(session, followed.item, announced_on=date(2026, 12, 4))  # ripe on Wednesday the 9th
    heard = [day for n in range(12) if composed(session, day := MONDAY + timedelta(days=n))]
    assert heard == [MONDAY + timedelta(days=7)]


def test_a_supervisor_who_left_it_open_is_not_who_hears_that(session):
    followed = make_followed(session)
    own = make_followed(session, worker=followed.supervisor)
    left = left_open(session, own.item)
    assert [task.id for task in gathered(session)[followed.supervisor.external_id].tasks] == [left.id], "repeated"
    top = make_unit(session)
    above = make_worker(session, unit_id=top.id)
    top.supervisor_id = above.id
    followed.supervisor.unit_id = top.id
    followed.case.supervisor_id = followed.supervisor.id
    own.case.supervisor_id = followed.supervisor.id
    bundles = gathered(session)
    assert set(bundles) == {above.external_id}
    assert [unit.unit_id for unit in bundles[above.external_id].units] == [top.id]


def test_what_was_passed_on_and_has_no_supervisor_any_more_is_the_workers_again(session):
    followed = make_followed(session)
    left = left_open(session, followed.item, escalated_on=date(2026, 11, 30))
    followed.supervisor.active = False
    assert [task.id for task in gathered(session)[followed.worker.external_id].tasks] == [left.id]


def test_many_that_were_due_long_ago_are_one_list_in_order(session):
    followed = make_followed(session)
    numbers = ("HB-2026-999999", "HB-2026-1000000", "HB-2026-1000001")
    ids = []
    for number in numbers:
        one = make_followed(session, worker=followed.worker)
        one.case.number = number
        ids.append(make_follow_up(session, one.item, planned_for=date(2026, 6, 1)).id)
    early = make_follow_up(session, followed.item, planned_for=date(2026, 5, 4))
    (bundle,) = gathered(session).values()
    assert [task.id for task in bundle.tasks] == [early.id, *ids]
    assert [task.number for task in bundle.tasks[1:]] == list(numbers)
    assert len(composed(session, MONDAY)) == 1


def test_a_clock_that_was_set_back_makes_nothing_twice_and_nothing_silent(session):
    followed = make_followed(session)
    due = make_follow_up(session, followed.item)
    passed = left_open(session, followed.item, kind="interval")
    ahead = date(2027, 12, 6)  # a year ahead by mistake; a Monday
    assert len(composed(session, ahead)) == 2
    assert composed(session, MONDAY) == {}, "told in a future that has been taken back"
    assert (due.announced_on, passed.escalated_on) == (MONDAY, MONDAY)
    heard = {day: mails for n in range(1, 8) if (mails := composed(session, day := MONDAY + timedelta(days=n)))}
    assert heard == {
        MONDAY + timedelta(days=3): {followed.worker.external_id: {"announced": [due.id], "escalated": [], "news": []}},
        MONDAY + timedelta(days=7): {
            followed.supervisor.external_id: {"announced": [], "escalated": [passed.id], "news": []}
        },
    }


def test_the_digest_keeps_where_it_went(session):
    followed = make_followed(session)
    make_follow_up(session, followed.item)
    composed(session, MONDAY)
    assert session.execute(text("SELECT recipient FROM digest")).scalar_one() == followed.worker.email
