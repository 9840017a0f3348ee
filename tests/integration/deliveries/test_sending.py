"""Taking orders to providers through real channels: once, whatever happens; and where that cannot be known, once more and then a person."""

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from core.errors import InputError
from core.keys import link_secret
from core.settings import settings
from demo.smtp_sink import SmtpSink
from services.orders import show
from services.orders.sending import ending, reply_links
from services.orders.sending.delivery import begin_delivery, record_delivery
from services.work import history
from tests.factories.worker import make_worker
from tests.support.delivering import (
    TASK,
    attempts,
    deliver,
    notices,
    ordered,
    outcomes,
    parsed,
    state,
    work_of,
)
from tests.support.in_process import InProcess
from tests.support.ordering import NOW
from tests.support.pdf import words
from workers.tasks.orders import deliver_order
from workers.tick import expire


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


def test_the_links_of_the_letter_open_this_order(here: InProcess, sink: SmtpSink) -> None:
    _, number = ordered(here)
    deliver(here)
    body = parsed(sink.messages[0].content).get_body()
    assert body is not None
    found = dict(re.findall(r"https://avain\.invalid/(reply|delivered)/(\S+)", body.get_content()))
    for purpose, token in found.items():
        opened = reply_links.opened(link_secret(settings()), token)
        assert (opened.number, opened.purpose, opened.epoch) == (number, purpose, 1)
        assert opened.expires.strftime("%-d.%-m.%Y") in body.get_content()
    assert set(found) == {"reply", "delivered"}


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


@pytest.mark.parametrize("answer", ["421", "450", "451"])
def test_put_off_is_tried_again(here: InProcess, sink: SmtpSink, answer: str) -> None:
    sink.recorder.script[:] = [answer, answer]
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


def test_killed_after_it_arrived_it_is_recorded_and_not_sent_again(here: InProcess, sink: SmtpSink) -> None:
    """Its line in the journal outlived the process; on each channel at every step: tests/chaos/test_orders_killed.py."""
    _, number = ordered(here)
    here.die_doing(work_of(here, number), TASK, "delivery.sent")
    assert (state(here, number), outcomes(here, number)) == ("sent", ["lost", "succeeded"])
    assert here.rows("SELECT done_at FROM work WHERE kind = 'deliver_order'")[0].done_at is not None
    assert len(sink.messages) == 1


def test_what_was_called_for_again_meanwhile_is_done_again(
    here: InProcess, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, number = ordered(here)
    work_id = work_of(here, number)

    def called_again_before() -> int:
        here.rows("UPDATE work SET generation = generation + 1 WHERE id = :id RETURNING id", id=work_id)
        return expire()

    monkeypatch.setattr("tests.support.in_process.expire", called_again_before)
    here.die_doing(work_id, TASK, "delivery.sent")
    assert outcomes(here, number) == ["lost"]
    deliver(here)
    assert state(here, number) == "sent"
    assert len(sink.messages) == 2


def test_killed_twice_while_writing_a_file_where_the_journal_cannot_be_read(
    here: InProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.effects.witnessed.gone_by", lambda *_: [])
    world, number = ordered(here, "file")
    for _ in range(2):
        here.die_doing(work_of(here, number), TASK, "delivery.sent")
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


def test_a_channel_that_is_gone_fails_with_a_sentence(here: InProcess) -> None:
    _, number = ordered(here, "external")
    here.rows("UPDATE purchase_order SET channel = 'pigeon' RETURNING id")
    deliver(here)
    assert state(here, number) == "failed"
    assert "no order channel pigeon" in str(attempts(here, number)[0].message)


@pytest.mark.parametrize("settled", ["sending", "accepted", "cancelled", "closed"])
def test_what_is_under_way_or_settled_is_left_alone(here: InProcess, settled: str) -> None:
    _, number = ordered(here)
    here.rows("UPDATE purchase_order SET state = :state RETURNING id", state=settled)
    with here.transaction() as session, pytest.raises(InputError, match="cannot be sent again"):
        ending.resend(session, number, actor="cli:enni", now=NOW)


def test_a_provider_may_answer_before_it_is_recorded_as_sent(here: InProcess) -> None:
    _, number = ordered(here, "file")
    with here.transaction() as session:
        delivery = begin_delivery(session, here.rows("SELECT id FROM purchase_order")[0].id, settings())
        assert delivery is not None
    here.rows("UPDATE purchase_order SET state = 'accepted' RETURNING id")
    with here.transaction() as session:
        record_delivery(session, delivery, NOW)
    (row,) = here.rows("SELECT state, sent_at FROM purchase_order")
    assert (row.state, row.sent_at) == ("accepted", NOW)
    assert state(here, number) == "accepted"
