"""Taking orders to providers through real channels: once, whatever happens; and where that cannot be known, once more and then a person."""

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import text

from core.errors import InputError, NotFound
from demo.smtp_sink import SmtpSink
from services.orders import ending, show
from services.work import history
from tests.factories.worker import make_worker
from tests.support.in_process import InProcess
from tests.support.ordering import NOW, World, make_world, order
from tests.support.pdf import words
from workers.tasks.orders import deliver_order, tell_cancelled

TASK = "workers.tasks.orders.deliver_order"


@pytest.fixture
def sink(here: InProcess) -> Iterator[SmtpSink]:
    with SmtpSink() as made:
        here.configure(mail__port=made.port, mail__sender="avain@county.invalid", mail__timeout_seconds=5)
        yield made


def ordered(here: InProcess, channel: str = "email") -> tuple[World, str]:
    """One approved order waiting to be delivered."""
    with here.transaction() as session:
        world = make_world(session, channel=channel)
        (made,) = order(session, world.item).orders
        return world, made.number


def deliver(here: InProcess, times: int = 1) -> None:
    for _ in range(times):
        assert here.do_due("deliver_order", deliver_order) == 1


def state(here: InProcess, number: str) -> str:
    with here.transaction() as session:
        return show.order_view(session, number).state


def attempts(here: InProcess, number: str) -> list[show.Attempt]:
    with here.transaction() as session:
        return show.delivery_attempts(session, number)


def outcomes(here: InProcess, number: str) -> list[str | None]:
    return [one.outcome for one in attempts(here, number)]


def work_of(here: InProcess, number: str) -> int:
    (row,) = here.rows("SELECT id FROM work WHERE key = :key", key=f"deliver_order:{number}")
    return int(row.id)


def parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def notices(here: InProcess, world: World) -> list[tuple[str, str]]:
    found = here.rows(
        "SELECT kind, subject FROM notice WHERE worker_id = :id AND kind LIKE 'order%'", id=world.worker.id
    )
    return [(row.kind, row.subject) for row in found]


def test_an_order_arrives_by_e_mail_as_it_was_stored(here: InProcess, sink: SmtpSink) -> None:
    world, number = ordered(here)
    deliver(here)
    (received,) = sink.messages
    assert received.recipients == (world.provider.email,)
    message = parsed(received.content)
    assert message["Subject"] == number
    pdf, attachment = message.iter_attachments()
    assert (pdf.get_filename(), attachment.get_filename()) == (f"{number}.pdf", f"{number}.xml")
    with here.transaction() as session:
        assert attachment.get_content() == show.order_document(session, number)
    assert message["Message-ID"].startswith(f"<{number}.")
    kept = {row.kind: row.content for row in here.rows("SELECT kind, content FROM order_paper")}
    assert kept == {"mail": received.content, "pdf": pdf.get_content()}
    assert pdf.get_content().startswith(b"%PDF")
    assert state(here, number) == "sent"
    (attempt,) = attempts(here, number)
    assert (attempt.outcome, attempt.reply) == ("succeeded", "250 OK kept")
    assert here.rows("SELECT sent_at FROM purchase_order")[0].sent_at is not None


def test_the_e_mail_names_nobody(here: InProcess, sink: SmtpSink) -> None:
    world, _ = ordered(here)
    deliver(here)
    message = parsed(sink.messages[0].content)
    body = message.get_body()
    assert body is not None
    pdf, attachment = message.iter_attachments()
    everything = (
        str(message.items()) + body.get_content() + attachment.get_content().decode() + words(pdf.get_content())
    )
    (client,) = here.rows("SELECT external_id FROM client WHERE id = :id", id=world.case.client_id)
    for secret in (
        world.case.number,
        world.case.external_id,
        client.external_id,
        world.worker.name,
        world.worker.external_id,
    ):
        assert secret not in everything
    outside_the_order = str(message.items()) + body.get_content()
    assert world.service.name_fi not in outside_the_order
    assert str(world.decision.number) not in outside_the_order


def test_what_was_done_is_not_done_again(here: InProcess, sink: SmtpSink) -> None:
    _, number = ordered(here)
    deliver(here)
    here.rows("UPDATE work SET done_at = NULL WHERE kind = 'deliver_order' RETURNING id")
    deliver(here)
    assert len(sink.messages) == 1
    assert outcomes(here, number) == ["succeeded", "nothing_to_do"]


def test_put_off_is_tried_again(here: InProcess, sink: SmtpSink) -> None:
    sink.recorder.script[:] = ["451", "451"]
    _, number = ordered(here)
    deliver(here)
    assert state(here, number) == "approved"
    deliver(here, 2)
    assert outcomes(here, number) == ["retry", "retry", "succeeded"]
    assert len(sink.messages) == 1
    assert state(here, number) == "sent"


def test_refused_is_failed_and_the_worker_hears_of_it(here: InProcess, sink: SmtpSink) -> None:
    sink.recorder.script[:] = ["550"]
    world, number = ordered(here)
    deliver(here)
    assert state(here, number) == "failed"
    assert outcomes(here, number) == ["failed"]
    assert notices(here, world) == [("order_failed", f"order:{number}")]
    assert here.do_due("deliver_order", deliver_order) == 0


def test_every_failure_is_told(here: InProcess, sink: SmtpSink) -> None:
    sink.recorder.script[:] = ["550", "550"]
    world, number = ordered(here)
    deliver(here)
    with here.transaction() as session:
        ending.resend(session, number, actor="cli:enni", now=NOW)
    deliver(here)
    assert state(here, number) == "failed"
    assert notices(here, world) == [("order_failed", f"order:{number}")] * 2


def test_without_a_responsible_worker_the_supervisor_hears_of_it(here: InProcess, sink: SmtpSink) -> None:
    assert who_hears_without_a_worker(here, sink, "UPDATE unit SET supervisor_id = :id")


def test_a_supervisor_of_the_case_itself_goes_before_that_of_the_unit(here: InProcess, sink: SmtpSink) -> None:
    assert who_hears_without_a_worker(
        here,
        sink,
        "WITH other AS (UPDATE unit SET supervisor_id = (SELECT min(id) FROM worker)) UPDATE client_case SET supervisor_id = :id",
    )


def who_hears_without_a_worker(here: InProcess, sink: SmtpSink, named: str) -> bool:
    """Whether a supervisor whom the statement `named` names hears, alone, of an order that failed."""
    sink.recorder.script[:] = ["550"]
    world, _ = ordered(here)
    with here.transaction() as session:
        supervisor = make_worker(session)
        session.execute(text("UPDATE client_case SET responsible_worker_id = NULL"))
        session.execute(text(named), {"id": supervisor.id})
    deliver(here)
    assert notices(here, world) == []
    (told,) = here.rows("SELECT worker_id FROM notice WHERE kind = 'order_failed'")
    return bool(told.worker_id == supervisor.id)


def test_an_order_lost_with_its_last_attempt_is_told_with_that_attempt(here: InProcess) -> None:
    world, number = ordered(here, "file")
    here.rows("UPDATE work SET attempts = 7 WHERE kind = 'deliver_order' RETURNING id")
    here.die_doing(work_of(here, number), TASK, "work.claimed")
    assert state(here, number) == "failed"
    (told,) = here.rows(
        "SELECT event, run.id FROM notice, run WHERE worker_id = :id AND notice.kind = 'order_failed' AND run.kind = 'deliver_order'",
        id=world.worker.id,
    )
    assert told.event == f"run:{told.id}"


def test_resending_goes_on_with_the_same_number_and_bytes(here: InProcess, sink: SmtpSink) -> None:
    sink.recorder.script[:] = ["550"]
    _, number = ordered(here)
    deliver(here)
    for _ in range(2):  # after a failure, and when the provider says it never came
        with here.transaction() as session:
            ending.resend(session, number, actor="cli:enni", now=NOW)
        deliver(here)
        assert state(here, number) == "sent"
    first, second = sink.messages
    assert first.content == second.content


def test_resending_uses_the_address_the_provider_has_now(here: InProcess, sink: SmtpSink) -> None:
    sink.recorder.script[:] = ["reject-recipient"]
    _, number = ordered(here)
    deliver(here)
    (former,) = here.rows("SELECT content FROM order_paper WHERE kind = 'mail'")
    here.rows("UPDATE provider SET email = 'new@provider.invalid' RETURNING id")
    with here.transaction() as session:
        ending.resend(session, number, actor="cli:enni", now=NOW)
    deliver(here)
    (received,) = sink.messages
    assert received.recipients == ("new@provider.invalid",)
    assert parsed(received.content)["Message-ID"] != parsed(former.content)["Message-ID"], "another letter"
    papers = here.rows("SELECT kind, superseded_at IS NULL AS present FROM order_paper ORDER BY id")
    assert [(one.kind, one.present) for one in papers] == [
        ("pdf", False), ("mail", False), ("pdf", True), ("mail", True),
    ]  # fmt: skip
    assert here.rows("SELECT link_epoch FROM purchase_order")[0].link_epoch == 2, "the former links open no more"


def test_in_doubt_it_is_repeated_to_whom_it_went(here: InProcess, sink: SmtpSink) -> None:
    sink.recorder.script[:] = ["keep-and-drop"]
    world, _ = ordered(here)
    deliver(here)
    here.rows("UPDATE provider SET email = 'new@provider.invalid' RETURNING id")
    deliver(here)
    first, second = sink.messages
    assert first == second
    assert second.recipients == (world.provider.email,)


def test_retrying_the_run_of_a_failed_order_sends_it(here: InProcess, sink: SmtpSink) -> None:
    sink.recorder.script[:] = ["550"]
    _, number = ordered(here)
    deliver(here)
    (run,) = here.rows("SELECT id FROM run WHERE kind = 'deliver_order'")
    with here.transaction() as session:
        history.retry(session, run.id)
    deliver(here)
    assert state(here, number) == "sent"


def test_of_unknown_fate_it_is_sent_once_more_as_the_same_message(here: InProcess, sink: SmtpSink) -> None:
    sink.recorder.script[:] = ["keep-and-drop"]
    _, number = ordered(here)
    deliver(here)
    assert state(here, number) == "sending"
    deliver(here)
    assert state(here, number) == "sent"
    first, second = sink.messages
    assert first == second


def test_of_unknown_fate_twice_a_person_decides(here: InProcess, sink: SmtpSink) -> None:
    sink.recorder.script[:] = ["keep-and-drop", "keep-and-drop"]
    world, number = ordered(here)
    deliver(here, 3)
    assert state(here, number) == "failed"
    assert len(sink.messages) == 2
    assert outcomes(here, number) == ["retry", "retry", "failed"]
    assert "Ask the provider" in str(attempts(here, number)[-1].message)
    assert notices(here, world) == [("order_failed", f"order:{number}")]


def test_a_clear_refusal_in_between_leaves_no_doubt(here: InProcess, sink: SmtpSink) -> None:
    sink.recorder.script[:] = ["451", "drop", "451", "451"]
    _, number = ordered(here)
    deliver(here, 5)
    assert state(here, number) == "sent"
    assert len(sink.messages) == 1


@pytest.mark.parametrize(
    ("fault_point", "copies"),
    [
        ("work.claimed", 1),
        ("delivery.paper", 1),
        ("delivery.sending", 1),
        ("delivery.sent", 2),
        ("work.before_close", 2),
    ],
)
def test_killed_while_mailing(here: InProcess, sink: SmtpSink, fault_point: str, copies: int) -> None:
    _, number = ordered(here)
    here.die_doing(work_of(here, number), TASK, fault_point)
    deliver(here)
    assert state(here, number) == "sent"
    assert len(sink.messages) == copies
    assert len({received.content for received in sink.messages}) == 1
    assert outcomes(here, number) == ["lost", "succeeded"]


@pytest.mark.parametrize("fault_point", ["delivery.sending", "delivery.sent", "work.before_close"])
def test_killed_again_and_again_while_writing_a_file(here: InProcess, tmp_path: Path, fault_point: str) -> None:
    world, number = ordered(here, "file")
    for _ in range(2):
        here.die_doing(work_of(here, number), TASK, fault_point)
    deliver(here)
    assert state(here, number) == "sent"
    folder = tmp_path / "outbox" / world.provider.business_id
    assert [path.name for path in folder.iterdir()] == [f"{number}.xml"]
    with here.transaction() as session:
        assert (folder / f"{number}.xml").read_bytes() == show.order_document(session, number)


def test_a_file_of_other_content_in_its_place_needs_a_person(here: InProcess, tmp_path: Path) -> None:
    world, number = ordered(here, "file")
    place = tmp_path / "outbox" / world.provider.business_id / f"{number}.xml"
    place.parent.mkdir(parents=True)
    place.write_text("<Other/>")
    deliver(here)
    assert state(here, number) == "failed"
    assert place.read_text() == "<Other/>"


def test_placed_elsewhere_is_recorded_as_sent(here: InProcess) -> None:
    _, number = ordered(here, "external")
    deliver(here)
    assert state(here, number) == "sent"


def test_a_channel_that_is_gone_fails_with_a_sentence(here: InProcess) -> None:
    _, number = ordered(here, "external")
    here.rows("UPDATE purchase_order SET channel = 'pigeon' RETURNING id")
    deliver(here)
    assert state(here, number) == "failed"
    assert "no order channel pigeon" in str(attempts(here, number)[0].message)


def test_a_cancelled_order_is_not_sent_and_can_be_ordered_anew(here: InProcess, sink: SmtpSink) -> None:
    world, number = ordered(here)
    with here.transaction() as session:
        done = ending.cancel(session, number, actor="cli:enni", reason="moved away", now=NOW)
    assert (done.went_out, done.letter, done.person_tells) == (False, False, False)
    deliver(here)
    assert not sink.messages
    assert outcomes(here, number) == ["nothing_to_do"]
    with here.transaction() as session:
        (again,) = order(session, world.item).orders
    assert again.number != number


def test_a_provider_is_told_by_letter_that_its_order_is_cancelled(here: InProcess, sink: SmtpSink) -> None:
    world, number = ordered(here)
    deliver(here)
    with here.transaction() as session:
        done = ending.cancel(session, number, actor="cli:enni", reason="the family moved", now=NOW)
    assert (done.letter, done.person_tells) == (True, False)
    sink.recorder.script[:] = ["451", "keep-and-drop"]
    for _ in range(3):
        assert here.do_due("tell_cancelled", tell_cancelled) == 1
    _, first, again = sink.messages
    assert first == again, "of unknown fate, the same letter once more"
    assert first.recipients == (world.provider.email,)
    message = parsed(first.content)
    body = message.get_body()
    assert body is not None
    assert message["Subject"] == number
    assert number in body.get_content()
    assert "moved" not in body.get_content()
    (row,) = here.rows("SELECT cancelled_by, cancelled_at, unclear_sends FROM purchase_order")
    assert (row.cancelled_by, row.cancelled_at, row.unclear_sends) == ("cli:enni", NOW, 0)


def test_a_cancellation_in_doubt_twice_is_a_persons_matter(here: InProcess, sink: SmtpSink) -> None:
    _, number = ordered(here)
    deliver(here)
    with here.transaction() as session:
        ending.cancel(session, number, actor="cli:enni", reason="the family moved", now=NOW)
    sink.recorder.script[:] = ["keep-and-drop", "drop"]
    for _ in range(3):
        assert here.do_due("tell_cancelled", tell_cancelled) == 1
    assert len(sink.messages) == 2
    (run,) = here.rows("SELECT id, message FROM run WHERE kind = 'tell_cancelled' AND outcome = 'failed'")
    assert "Ask the provider" in run.message["msgid"]
    with here.transaction() as session:
        history.retry(session, run.id)
    assert here.do_due("tell_cancelled", tell_cancelled) == 1
    assert len(sink.messages) == 3


def test_a_provider_without_an_address_is_told_by_a_person(here: InProcess) -> None:
    _, number = ordered(here, "file")
    deliver(here)
    here.rows("UPDATE provider SET email = NULL RETURNING id")
    with here.transaction() as session:
        done = ending.cancel(session, number, actor="cli:enni", reason="changed plans", now=NOW)
    assert (done.went_out, done.letter, done.person_tells) == (True, False, True)
    assert here.do_due("tell_cancelled", tell_cancelled) == 0


def test_what_was_sent_before_is_told_also_while_it_waits_to_be_sent_again(here: InProcess, sink: SmtpSink) -> None:
    _, number = ordered(here)
    deliver(here)
    assert len(sink.messages) == 1
    with here.transaction() as session:
        ending.resend(session, number, actor="cli:enni", now=NOW)
        assert ending.cancel(session, number, actor="cli:enni", reason="changed plans", now=NOW).letter


@pytest.mark.parametrize("answered", ["received", "accepted", "changed"])
def test_an_answered_order_can_be_cancelled_too(here: InProcess, answered: str) -> None:
    world, number = ordered(here)
    here.rows("UPDATE purchase_order SET state = :state, sent_at = now() RETURNING id", state=answered)
    with here.transaction() as session:
        assert ending.cancel(session, number, actor="cli:enni", reason="changed plans", now=NOW).letter
        assert order(session, world.item).orders


@pytest.mark.parametrize("ended", ["sending", "rejected", "cancelled", "closed"])
def test_what_is_under_way_or_ended_is_not_cancelled(here: InProcess, ended: str) -> None:
    _, number = ordered(here)
    here.rows("UPDATE purchase_order SET state = :state RETURNING id", state=ended)
    with here.transaction() as session, pytest.raises(InputError, match="cannot be cancelled"):
        ending.cancel(session, number, actor="cli:enni", reason="x", now=NOW)


@pytest.mark.parametrize("settled", ["sending", "accepted", "cancelled", "closed"])
def test_what_is_under_way_or_settled_is_left_alone(here: InProcess, settled: str) -> None:
    _, number = ordered(here)
    here.rows("UPDATE purchase_order SET state = :state RETURNING id", state=settled)
    with here.transaction() as session, pytest.raises(InputError, match="cannot be sent again"):
        ending.resend(session, number, actor="cli:enni", now=NOW)


def test_cancelling_needs_a_reason_and_an_order(here: InProcess) -> None:
    _, number = ordered(here)
    with here.transaction() as session:
        with pytest.raises(InputError, match="needs a reason"):
            ending.cancel(session, number, actor="cli:enni", reason=" ", now=NOW)
        with pytest.raises(NotFound):
            ending.cancel(session, "T-1999-000001", actor="cli:enni", reason="x", now=NOW)
        with pytest.raises(NotFound):
            show.order_document(session, "T-1999-000001")
        with pytest.raises(NotFound):
            show.order_view(session, "T-1999-000001")
