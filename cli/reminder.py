"""`avain reminder`: what is due, today's mails; what people do about follow-ups is in cli/follow_ups.py."""

import email
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import follow_ups
from cli.common import As, DryRun, Json, actor, console, emit, sub_app, transaction
from core.clock import business_now, business_today
from core.errors import InputError
from core.i18n import _, moment

if TYPE_CHECKING:
    from services.reminders.daily import Composed

app = sub_app(_("Follow-ups and reminders."))

app.command("due", help=_("Open follow-ups that are due."))(follow_ups.due)


@app.command("send", help=_("Write today's e-mails now to everybody who has none of today yet."))
def send(
    *,
    release: Annotated[
        bool, typer.Option("--release", help=_("Let them go out although they are held as far too many."))
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    as_: As = None,
) -> None:
    """Does at once what the daily job does; `--dry-run` shows every mail as it would go, also where they would be held."""
    from core.settings import settings
    from services import audit
    from services.follow_ups.planning import plan
    from services.reminders import guard
    from services.reminders.daily import compose_due
    from services.reminders.message import writing
    from services.reminders.operators import tell_operator

    configured = settings()
    with transaction(dry_run=dry_run) as session:
        today, now = business_today(session), business_now(session)
        guard.must_be_mail_day(today, configured.follow_ups)
        guard.hold_day(session, today)
        plan(session, None, today, configured.follow_ups, configured.orders)
        if release:
            guard.release(session, configured.follow_ups, today, actor=actor(as_), now=now)
        composed = compose_due(
            session, today, now, configured.follow_ups, writing(configured), only_look=dry_run, documents=dry_run
        )
        if not dry_run:
            tell_operator(session, configured, composed.unheard, today, now=now)
        if composed.held is None:
            audit.record(session, actor(as_), "reminders.sent", f"day:{today}", now=now, counts=composed.counts)

    mails = [{"worker": mail.worker, "to": mail.recipient, **mail.items} for mail in composed.mails]
    if dry_run:
        for entry, mail in zip(mails, composed.mails, strict=True):
            entry["text"] = _readable(mail.document)
    held = {"held_because": composed.held.text()} if composed.held else {}
    emit({**composed.counts, **held, "sent": mails}, as_json, lambda: _show(composed, dry_run=dry_run))
    if composed.held is not None and not dry_run:
        raise typer.Exit(1)


def _show(composed: "Composed", *, dry_run: bool) -> None:
    if dry_run:
        for mail in composed.mails:
            console().rule(f"{mail.worker} <{mail.recipient}>")
            console().print(_readable(mail.document), markup=False)
    if composed.held is not None:
        console().print(_("Held: {reason}").format(reason=composed.held.text()))
        console().print(_("Look at them with: {command}").format(command="avain reminder send --dry-run"))
        console().print(_("Let them go out with: {command}").format(command="avain reminder send --release"))
    console().print(
        _(
            "{mails} e-mails, {announced} follow-ups, {escalated} passed on, {news} news, {unreachable} reach nobody"
        ).format(**composed.counts)
    )


app.command("ack", help=_("Acknowledge a follow-up, with what was found."))(follow_ups.acknowledge)
app.command("snooze", help=_("Put a follow-up off to a later day, with a reason."))(follow_ups.snooze)
app.command(
    "handover",
    help=_("Tick that contact details were handed over (T-…), or hand a follow-up over to a colleague (--to)."),
)(follow_ups.hand_over)
app.command("text", help=_("The text for the case record about an acknowledged follow-up."))(follow_ups.record)
app.command("written", help=_("Tick that a follow-up is written down in the client information system."))(
    follow_ups.written
)


@app.command("calendar", help=_("A worker's private calendar address: whether there is one, a new one, none any more."))
def calendar(
    worker: Annotated[str, typer.Argument(metavar=_("WORKER"), help=_("The worker's id."))],
    *,
    new: Annotated[bool, typer.Option("--new", help=_("Make a new address; the one before ends."))] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help=_("End the address."))] = False,
    as_json: Json = False,
    as_: As = None,
) -> None:
    """`avain reminder calendar W-101 --new`: the address is printed once and cannot be looked up."""
    from core.settings import settings
    from services import names
    from services.follow_ups import calendar as feed

    if new and revoke:
        raise InputError("Either --new or --revoke.")
    address = None
    with transaction() as session:
        names.must_exist(session, _("WORKER"), worker, "worker")
        now = business_now(session)
        if revoke:
            feed.revoke(session, worker, now=now, actor=actor(as_))
        elif new:
            token = feed.make(session, worker, now=now, actor=actor(as_))
            address = f"{settings().console.origin}/calendar/{token}.ics"
        found = feed.state(session, worker)
    shown = {
        "worker": worker,
        "address": address,
        "made": found.made if found else None,
        "fetched": found.fetched if found else None,
    }

    def render() -> None:
        if address:
            console().print(address, soft_wrap=True)
        elif found:
            fetched = moment(found.fetched) if found.fetched else _("not yet")
            console().print(_("Made {made}, last fetched: {fetched}").format(made=moment(found.made), fetched=fetched))
        else:
            console().print(_("{worker} has no calendar address.").format(worker=worker))

    emit(shown, as_json, render)


@app.command("template", help=_("Write Avain's own templates of the daily e-mail, to be edited."))
def template(
    folder: Annotated[Path, typer.Argument(metavar=_("FOLDER"), help=_("Where to; files that are there stay."))],
    as_json: Json = False,
) -> None:
    """`avain reminder template mails`; then `templates = "mails"` under [follow_ups] in avain.toml."""
    from services.reminders.mail_templates import write_built_in

    written = write_built_in(folder)
    emit(
        {"folder": folder, "written": written},
        as_json,
        lambda: console().print(
            _(
                "Written: {files}. Name the folder in avain.toml: [follow_ups] templates; avain doctor tries them."
            ).format(files=", ".join(str(folder / name) for name in written))
        ),
    )


def _readable(document: str) -> str:
    """A mail as a person reads it: subject and text."""
    message = email.message_from_string(document, policy=default)
    body = message.get_body(("plain",))
    return f"{message['Subject']}\n\n{body.get_content() if body else ''}"
