"""Cancelling an order: what it covered is free again, and whoever may have it is told, by letter or by a person."""

import pytest
from typer.testing import CliRunner

from cli.main import app
from core.errors import InputError, NotFound
from demo.smtp_sink import SmtpSink
from services.orders import show
from services.orders.sending import ending
from services.work import history
from tests.support.delivering import deliver, notices, ordered, outcomes, parsed
from tests.support.in_process import InProcess
from tests.support.ordering import NOW, order
from workers.tasks.orders import tell_cancelled


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
    world, number = ordered(here)
    deliver(here)
    with here.transaction() as session:
        ending.cancel(session, number, actor="cli:enni", reason="the family moved", now=NOW)
    sink.recorder.script[:] = ["keep-and-drop", "drop"]
    for _ in range(3):
        assert here.do_due("tell_cancelled", tell_cancelled) == 1
    assert len(sink.messages) == 2
    (run,) = here.rows("SELECT id, message FROM run WHERE kind = 'tell_cancelled' AND outcome = 'failed'")
    assert "Ask the provider" in run.message["msgid"]
    assert notices(here, world) == [("order_cancellation_failed", f"order:{number}")]
    with here.transaction() as session:
        history.retry(session, run.id)
    assert here.do_due("tell_cancelled", tell_cancelled) == 1
    assert len(sink.messages) == 3


def test_a_provider_without_an_address_is_told_by_a_person(here: InProcess) -> None:
    _, number = ordered(here, "file")
    deliver(here)
    here.rows("UPDATE provider SET email = NULL RETURNING id")
    done = CliRunner().invoke(app, ["order", "cancel", number, "--reason", "changed plans"], catch_exceptions=False)
    assert "tell the provider" in done.stdout
    assert here.rows("SELECT state FROM purchase_order")[0].state == "cancelled"
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
