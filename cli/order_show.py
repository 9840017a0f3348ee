"""`avain order show`: one order in full, as its page in the console tells it: lines, what was answered, delivered and billed, every attempt."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from cli.common import As, Json, actor, console, emit, table, transaction
from core.clock import business_now
from core.i18n import N_, _, day, moment, money
from core.units import amount, unit_price
from services.labels import outcome_name

if TYPE_CHECKING:
    from services.orders.show import Attempt, OrderView
    from services.orders.story import Answer, AnswerLine, Billed, Line


def show(
    order: Annotated[str, typer.Argument(metavar=_("ORDER"), help=_("The order's number, T-2026-000001."))],
    xml: Annotated[bool, typer.Option("--xml", help=_("Print the document as it was sent."))] = False,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """What was ordered and what came of it. Looking is recorded, as the law on access logs wants."""
    from services import audit
    from services.orders import show as reading
    from services.orders import story

    with transaction() as session:
        document = reading.order_document(session, order) if xml else b""
        view = reading.order_view(session, order)
        lines = {one.line_number: one for one in story.lines_of(session, view.id)}
        items = {one.line_number: one.item for one in reading.order_lines(session, order)}
        attempts = reading.delivery_attempts(session, order)
        answers, billed = story.answers_of(session, view.id), story.billed_on(session, view.id)
        audit.record(session, actor(as_), "order.viewed", f"order:{order}", now=business_now(session))
    if xml:
        typer.echo(document.decode(), nl=False)
        return
    data = {
        **asdict(view),
        "lines": [{**asdict(line), "item": items[number]} for number, line in lines.items()],
        "attempts": [{**asdict(one), "message": one.message.text() if one.message else None} for one in attempts],
        "answers": [{**asdict(one), "reason": one.reason.text() if one.reason else None} for one in answers],
        "invoices": [asdict(one) for one in billed],
    }
    emit(data, as_json, lambda: _render(view, list(lines.values()), attempts, answers, billed))


def _render(
    view: "OrderView", lines: "list[Line]", attempts: "list[Attempt]", answers: "list[Answer]", billed: "list[Billed]"
) -> None:
    from services.orders.show import state_name

    out = console()
    out.print(
        Text.assemble((view.number, "bold"), f"  {view.provider}  {state_name(view.state)}  {money(view.total_gross)}")
    )
    out.print(
        _("Approved by {who}, {when}; sent {sent}").format(
            who=view.approved_by, when=moment(view.approved_at), sent=moment(view.sent_at)
        )
    )
    for title, said in _facts(view):
        out.print(f"{_(title)}: {said}")
    out.print(_lines(lines))
    if answers:
        out.print(_answers(answers))
        for one in answers:
            if one.lines:
                out.print(_answer_lines(one))
    if billed:
        out.print(_billed(billed))
    out.print(_attempts(attempts))


def _facts(view: "OrderView") -> list[tuple[str, str]]:
    """What has happened to it beside that, as far as anything has."""
    told: list[tuple[str, str]] = []
    if view.starts_on:
        told.append((N_("Begins, the provider says"), day(view.starts_on)))
    if view.handed_over_at:
        told.append((N_("Contact details given"), f"{moment(view.handed_over_at)}, {view.handed_over_by}"))
    if view.replaces:
        told.append((N_("Takes the place of"), view.replaces))
    if view.cancelled_at:
        told.append((N_("Cancelled by"), f"{view.cancelled_by}, {moment(view.cancelled_at)}"))
    if view.closed_at:
        told.append((N_("Closed"), moment(view.closed_at)))
    return told


def _lines(lines: "list[Line]") -> Any:
    rows: list[list[Any]] = [
        [
            one.line_number,
            one.service,
            f"{day(one.first_day)}–{day(one.last_day)}",
            amount(one.quantity, one.unit),
            unit_price(one.amount, one.unit, one.base_quantity),
            money(one.gross),
            amount(one.delivered, one.unit),
            money(one.invoiced),
        ]
        for one in lines
    ]
    columns = [_("Line"), _("Service"), _("Period"), _("Quantity"), _("Price"), _("Total")]
    return table(_("Lines"), [*columns, _("Reported so far"), _("Invoiced")], rows, right=[0, 3, 4, 5, 6, 7])


def _answers(answers: "list[Answer]") -> Any:
    from services.orders import words

    rows = [
        [
            moment(one.answered_at),
            words.answer_name(one.code),
            "–" if one.starts_on is None else day(one.starts_on),
            words.settled_name(one.state),
            one.reason or one.note,
        ]
        for one in answers
    ]
    columns = [_("Day"), _("Answer"), _("First day"), _("State"), _("Note")]
    return table(_("What the provider answered"), columns, rows)


def _answer_lines(answer: "Answer") -> Any:
    from services.orders import words

    rows = [
        [
            one.line_number or "–",
            one.service or "–",
            words.answer_line_name(one.code),
            amount(one.quantity, one.unit),
            money(one.amount),
            _days(one),
        ]
        for one in answer.lines
    ]
    columns = [_("Line"), _("Service"), _("Answer"), _("Quantity"), _("Price"), _("Period")]
    title = _("Lines of the answer of {moment}").format(moment=moment(answer.answered_at))
    return table(title, columns, rows, right=[0, 3, 4])


def _days(line: "AnswerLine") -> str:
    if line.first_day is None or line.last_day is None:
        return "–"
    return f"{day(line.first_day)}–{day(line.last_day)}"


def _billed(billed: "list[Billed]") -> Any:
    from services.orders import words

    rows = [
        [one.number, words.invoice_name(one.kind), day(one.issue_date), money(one.gross), words.match_name(one.match)]
        for one in billed
    ]
    columns = [_("Number"), _("Kind"), _("Day"), _("Of this order"), _("Beside the order")]
    return table(_("Invoices"), columns, rows, right=[3])


def _attempts(attempts: "list[Attempt]") -> Any:
    rows = [
        [one.attempt, moment(one.started_at), outcome_name(one.outcome), one.message or one.reply] for one in attempts
    ]
    return table(_("Delivery attempts"), [_("Attempt"), _("Started"), _("Outcome"), _("Reply")], rows)
