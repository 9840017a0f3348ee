"""What people do about follow-ups: answers, refusals, colleagues, the text for the case record, corrections; two at once."""

import threading
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.database import make_engine
from core.errors import InputError, NotFound
from core.i18n import speaking
from core.identity import KeyRing, Sealer
from models.audit import AuditEvent
from models.case import Case, Choice, Client, Decision
from models.follow_up import FollowUp, FollowUpEvent
from models.provider import Provider
from schedules.working_days import WorkingDays
from services.follow_ups.acknowledging import acknowledge, find, not_needed, snooze
from services.follow_ups.acting import correct, hand_over_to, write_down
from services.follow_ups.notes import open_note
from services.follow_ups.record_text import record_text
from services.orders.replies import hand_over
from tests.factories.base import added
from tests.factories.follow_up import make_follow_up, make_followed
from tests.factories.order import make_order
from tests.factories.worker import make_worker

NOW = datetime(2026, 12, 7, 7, 0, tzinfo=UTC)
LATER = date(2026, 12, 14)
SEALER = Sealer(KeyRing("k1", {"k1": b"s" * 32}), b"i" * 32)
HENKILOTUNNUS = "010190-900P"


def events(session, follow_up):
    session.flush()
    return session.scalars(select(FollowUpEvent).filter_by(follow_up_id=follow_up.id).order_by(text("id"))).all()


def of_kind(session, kind, **over):
    return make_follow_up(session, make_followed(session).item, kind=kind, **over)


def test_everything_that_can_be_found_and_its_text_in_three_languages(session):
    followed = make_followed(session)
    due = make_follow_up(session, followed.item, kind="final")
    found = {
        "runs_as_agreed": "partly", "supports_goals": "yes", "new_ways_in_daily_use": "no", "family_present": "yes",
        "end_result": "need_met", "kykyviisari_date": "2026-12-01", "kykyviisari_reference": "KV-2026/12.a_1",
    }  # fmt: skip
    acknowledge(session, due.id, actor="worker:W-1", now=NOW, rating=5, rated_by="child", findings=found)
    assert due.findings == found
    (event,) = events(session, due)
    assert (event.act, event.actor, event.at, event.details["rating"]) == ("acknowledged", "worker:W-1", NOW, 5)
    told = record_text(session, due.id, "en")
    lines = told.splitlines()
    assert lines[0].endswith(f"Final evaluation, {followed.case.number}")
    assert lines[1].startswith("Service: ")
    assert (
        lines[2]
        == "The service runs partly as agreed. It supports the agreed goals. Tools and new ways are not in daily use. The family was present."
    )
    assert lines[3] == "Rating 5/5, given by the child."
    assert lines[4].endswith("reference KV-2026/12.a_1.")
    assert lines[5:] == ["At the end: the need is met.", "Followed up by: W-1"]
    assert followed.worker.name not in told
    with speaking("en"):
        assert {record_text(session, due.id, language).count("\n") for language in ("fi", "sv", "en")} == {6}
        with pytest.raises(InputError, match="languages"):
            record_text(session, due.id, "de")
    with pytest.raises(NotFound):
        record_text(session, 0, "fi")


def test_the_text_says_nothing_of_what_was_not_found(session):
    due = of_kind(session, "plan_review")
    with pytest.raises(InputError, match="not acknowledged"):
        record_text(session, due.id, "en")
    acknowledge(
        session, due.id, actor="worker:W-1", now=NOW, findings={"kykyviisari_date": "2026-12-01", "runs_as_agreed": " "}
    )
    assert record_text(session, due.id, "en").splitlines()[2:] == [
        "Kykyviisari was done on 2026-12-01.",
        "Followed up by: W-1",
    ]


@pytest.mark.parametrize(
    ("kind", "wrong", "said"),
    [
        ("start", {"findings": {"end_result": "need_met"}}, "final evaluation only"),
        ("plan_review", {"findings": {"runs_as_agreed": "yes"}}, "not noted here"),
        ("plan_review", {"rating": 3, "rated_by": "adult"}, "no service is rated"),
        ("start", {"findings": {"kykyviisari_reference": "KV-1"}}, "goes with its day"),
        ("start", {"findings": {"kykyviisari_date": "1.12.2026"}}, "written as"),
        ("start", {"findings": {"kykyviisari_date": "2026-12-08"}}, "after it was done"),
        ("start", {"findings": {"kykyviisari_date": "1999-12-31"}}, "before the year 2000"),
        ("start", {"findings": {"kykyviisari_date": "2026-12-01", "kykyviisari_reference": "Maija M"}}, "at most 40"),
        ("start", {"findings": {"kykyviisari_date": "2026-12-01", "kykyviisari_reference": "x" * 41}}, "at most 40"),
        ("start", {"findings": {"kykyviisari_date": "2026-12-01", "kykyviisari_reference": HENKILOTUNNUS}}, "henkilötunnus"),
        ("start", {"note": "perhe kertoi"}, "identity is sealed"),
        ("start", {"note": "x" * 4_001, "sealer": SEALER}, "shorter"),
        ("order_unanswered", {"note": "soitettu", "sealer": SEALER}, "Nothing is noted"),
        ("order_unanswered", {"findings": {"family_present": "yes"}}, "not noted here"),
        ("approval", {}, "approving or declining"),
    ],
)  # fmt: skip
def test_what_cannot_be_noted_is_refused_with_a_sentence(session, kind, wrong, said):
    due = of_kind(session, kind)
    with pytest.raises(InputError, match=said):
        acknowledge(session, due.id, actor="worker:W-1", now=NOW, **wrong)
    session.refresh(due)
    assert (due.state, events(session, due)) == ("open", [])


@pytest.mark.parametrize(
    "reference",
    [
        "010190_900P", "010190.900P", "010190/900p", "010190900P", "KV010190-900P", "KV_010190--900P_1", "01.01.90-900P", "010190A900P",
        "010190_900\uff30", "\u0660\u0661\u0660\u0661\u0669\u0660-900P", "\uff10\uff11\uff10\uff11\uff19\uff10_900P",
    ],
)  # fmt: skip
def test_a_henkilotunnus_does_not_hide_in_a_reference(session, reference):
    due = of_kind(session, "start")
    with pytest.raises(InputError):
        acknowledge(session, due.id, actor="worker:W-1", now=NOW, findings={"kykyviisari_date": "2026-12-01", "kykyviisari_reference": reference})  # fmt: skip


def test_free_words_are_sealed_and_stay_in_their_row(session):
    due, other = of_kind(session, "start"), of_kind(session, "start")
    acknowledge(session, due.id, actor="worker:W-1", now=NOW, note=" Äiti kertoi. ", sealer=SEALER)
    session.flush()
    assert "Äiti".encode() not in bytes(due.sealed_note)
    assert open_note(due, SEALER) == "Äiti kertoi."
    assert open_note(other, SEALER) == ""
    other.sealed_note = due.sealed_note
    for moved, sealer in ((other, SEALER), (due, None), (due, Sealer(KeyRing("k2", {"k2": b"t" * 32}), b"i" * 32))):
        with pytest.raises(InputError, match="cannot be opened"):
            open_note(moved, sealer)
    kept = [*events(session, due), *session.scalars(select(AuditEvent).filter_by(subject=f"follow_up:{due.id}"))]
    assert all("Äiti" not in str(one.details) for one in kept)
    assert events(session, due)[0].details["note"] is True


def test_a_hand_over_is_ticked_with_its_order(session):
    followed = make_followed(session)
    choice = session.scalars(select(Choice).filter_by(plan_item_id=followed.item.id)).one()
    order = make_order(session, session.get_one(Decision, followed.item.decision_id), session.get_one(Provider, choice.provider_id), state="approved")  # fmt: skip
    due = added(session, FollowUp(case_id=followed.case.id, order_id=order.id, kind="hand_over", planned_for=LATER, due=LATER, findings={}))  # fmt: skip
    with pytest.raises(InputError, match="after the order has reached"):
        acknowledge(session, due.id, actor="worker:W-1", now=NOW)
    order.state = "accepted"
    session.flush()
    acknowledge(session, due.id, actor="worker:W-1", now=NOW)
    session.refresh(order)
    assert (order.handed_over_by, due.state) == ("worker:W-1", "acknowledged")
    with pytest.raises(InputError, match="nothing to write down"):
        write_down(session, due.id, actor="worker:W-1", now=NOW)
    assert find(session, str(due.id)) == due.id


def test_a_hand_over_ticked_here_and_at_its_order_at_once_is_ticked_by_one(database):
    engine = make_engine(database.database_url)
    with Session(engine) as session:
        followed = make_followed(session)
        provider = session.scalars(select(Choice).filter_by(plan_item_id=followed.item.id)).one().provider_id
        order = make_order(session, session.get_one(Decision, followed.item.decision_id), session.get_one(Provider, provider), state="accepted")  # fmt: skip
        due = added(session, FollowUp(case_id=followed.case.id, order_id=order.id, kind="hand_over", planned_for=LATER, due=LATER, findings={})).id  # fmt: skip
        number, order_id = order.number, order.id
        session.commit()
    told: list[str] = []

    def here() -> None:
        with Session(engine) as session:
            try:
                acknowledge(session, due, actor="worker:W-2", now=NOW)
            except InputError as refused:
                told.append(str(refused))

    other = threading.Thread(target=here)
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with Session(engine) as at_the_order, Session(engine) as looking:
        at_the_order.execute(text("SELECT FROM purchase_order WHERE id = :id FOR NO KEY UPDATE"), {"id": order_id})
        other.start()
        while not looking.scalar(waiting) and other.is_alive():
            looking.rollback()
        hand_over.tick(at_the_order, number, actor="worker:W-1", now=NOW)
        at_the_order.commit()
    other.join(20)
    engine.dispose()
    assert told == [f"Follow-up {due} is settled already (acknowledged); nothing was changed."]


def test_a_colleague_takes_over_and_gives_back(session):
    followed = make_followed(session)
    colleague = make_worker(session, external_id="W-77")
    gone = make_worker(session, external_id="W-78", active=False)
    due = make_follow_up(session, followed.item, announced_on=LATER, announced_times=2, escalated_on=LATER)
    mine = followed.worker.external_id

    def give(to, reason="loma"):
        return hand_over_to(session, due.id, to, actor="worker:W-1", now=NOW, reason=reason)

    for to, said in ((gone.external_id, "not active"), (mine, "already")):
        with pytest.raises(InputError, match=said):
            give(to)
    for nobody in ("W-none", "W-1\x00"):
        with pytest.raises(NotFound):
            give(nobody)
    for reason, said in (
        (" ", "reason is needed"),
        ("x" * 501, "shorter"),
        (f"soita {HENKILOTUNNUS}", "henkilötunnus"),
    ):
        with pytest.raises(InputError, match=said):
            give("W-77", reason)
    give("W-77")
    assert (due.handed_to_id, due.announced_on, due.announced_times, due.escalated_on) == (colleague.id, None, 0, None)
    with pytest.raises(InputError, match="already"):
        give("W-77")
    give(mine)
    assert due.handed_to_id is None
    assert [(one.act, one.reason, one.details) for one in events(session, due)] == [
        ("handed_over", "loma", {"to": "W-77"}), ("handed_over", "loma", {"to": mine}),
    ]  # fmt: skip
    not_needed(session, due.id, actor="worker:W-1", now=NOW, reason="päättyi")
    with pytest.raises(InputError, match="settled already"):
        give("W-77")


def test_of_a_client_under_non_disclosure_nothing_is_handed_over(session):
    due, colleague = of_kind(session, "interval"), make_worker(session)
    case = session.get_one(Case, due.case_id)
    session.get_one(Client, case.client_id).non_disclosure = True
    session.flush()
    with pytest.raises(InputError, match="turvakielto"):
        hand_over_to(session, due.id, colleague.external_id, actor="worker:W-1", now=NOW, reason="holiday")
    assert due.handed_to_id is None


def test_written_down_once_and_again_after_a_correction(session):
    due = of_kind(session, "interval")
    with pytest.raises(InputError, match="nothing to write down"):
        write_down(session, due.id, actor="worker:W-1", now=NOW)
    with pytest.raises(InputError, match="Only an acknowledged"):
        correct(session, due.id, actor="worker:W-1", now=NOW, reason="väärin")
    acknowledge(session, due.id, actor="worker:W-1", now=NOW, rating=2, rated_by="parent", findings={"supports_goals": "no"}, note="yksi", sealer=SEALER)  # fmt: skip
    write_down(session, due.id, actor="worker:W-1", now=NOW)
    assert due.written_down_by == "worker:W-1"
    with pytest.raises(InputError, match="before"):
        write_down(session, due.id, actor="worker:W-1", now=NOW)
    same: dict[str, Any] = {"rating": 2, "rated_by": "parent", "findings": {"supports_goals": "no"}}
    for reason, said in (("", "reason is needed"), ("väärin", "kept already")):
        with pytest.raises(InputError, match=said):
            correct(session, due.id, actor="worker:W-1", now=NOW, reason=reason, **same, note="yksi", sealer=SEALER)
    with pytest.raises(InputError, match="1 to 5"):
        correct(session, due.id, actor="worker:W-1", now=NOW, reason="väärin", rating=9, rated_by="parent")
    correct(session, due.id, actor="worker:W-7", now=NOW, reason="kirjasin väärin", rating=4, rated_by="parent", note="kaksi", sealer=SEALER)  # fmt: skip
    assert (due.rating, due.findings, due.written_down_at, due.settled_by) == (4, {}, None, "worker:W-1")
    assert open_note(due, SEALER) == "kaksi"
    last = events(session, due)[-1]
    assert (last.act, last.actor, last.reason) == ("corrected", "worker:W-7", "kirjasin väärin")
    assert last.details["before"] == {"rating": 2, "rated_by": "parent", "supports_goals": "no"}
    assert last.details["after"] == {"rating": 4, "rated_by": "parent"}
    assert last.details["was_written_down"] == NOW.isoformat()
    correct(session, due.id, actor="worker:W-7", now=NOW, reason="muistiinpano pois", rating=4, rated_by="parent", note="", sealer=SEALER)  # fmt: skip
    assert due.sealed_note is None


def test_put_off_for_a_year_at_most(session):
    due = of_kind(session, "start")
    with pytest.raises(InputError, match="a year at most"):
        snooze(session, due.id, actor="a", now=NOW, reason="syy", until=date(2028, 1, 3), calendar=WorkingDays())


@pytest.mark.parametrize("nothing", ["HB-2026-999999", "99999999999999999999", "\x00", "²"])
def test_what_is_no_follow_up_is_said(session, nothing):
    with pytest.raises(NotFound):
        find(session, nothing)


def test_of_two_people_at_once_the_second_meets_what_the_first_has_done(database):
    engine = make_engine(database.database_url)
    with Session(engine) as session:
        due = make_follow_up(session, make_followed(session).item).id
        session.commit()
    told: list[str] = []
    began = threading.Event()

    def second() -> None:
        with Session(engine) as session:
            began.set()
            try:
                acknowledge(session, due, actor="worker:W-2", now=NOW)
            except InputError as refused:
                told.append(str(refused))

    other = threading.Thread(target=second)
    with Session(engine) as session:
        not_needed(session, due, actor="worker:W-1", now=NOW, reason="päättyi")
        other.start()
        began.wait(5)
        session.commit()
    other.join(20)
    assert told == [f"Follow-up {due} is settled already (not needed); nothing was changed."]
    with Session(engine) as session:
        rows = session.execute(
            text("SELECT act, actor FROM follow_up_event WHERE follow_up_id = :id"), {"id": due}
        ).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [("not_needed", "worker:W-1")]


def test_a_check_stands_for_the_late_ones_before_it(session):
    item = make_followed(session).item
    days = {
        "start": date(2026, 11, 20), "interval": date(2026, 11, 27), "before_end": date(2026, 12, 4), "final": date(2026, 12, 18),
    }  # fmt: skip
    checks = {kind: make_follow_up(session, item, kind=kind, planned_for=day) for kind, day in days.items()}
    put_off = make_follow_up(session, item, kind="interval", planned_for=date(2026, 11, 24), state="snoozed")
    other = of_kind(session, "start", planned_for=date(2026, 11, 20))
    acknowledge(session, checks["before_end"].id, actor="worker:W-1", now=NOW)
    session.expire_all()
    assert {kind: one.state for kind, one in checks.items()} == {
        "start": "dropped", "interval": "dropped", "before_end": "acknowledged", "final": "open",
    }  # fmt: skip
    assert (put_off.state, other.state) == ("snoozed", "open")
