"""Telling the price manager and the operator: an alarm is kept under a key that is unique for ever, and what is new of one occasion goes out as one letter.

The letter is composed here and stored with its Message-ID, in the transaction of whatever it tells of; sending it is Work of its own.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from connectors.mail import Letter, compose
from core.errors import Message
from core.i18n import N_, _, ngettext, speaking
from core.logging import redact
from core.settings import Settings
from models.alarm import StoredLetter
from services.work import call


@dataclass(frozen=True)
class Sort:
    """A sort of alarm: whom it is for, what stands above its lines, the command that shows more, and what its letters are called in their
    headers where that is not what all letters of the reader are called.
    """

    reader: str
    heading: str
    command: str = ""
    series: str = ""


SORTS: Final = {
    "held": Sort("price manager", N_("Price lists that wait for you"), "avain price held"),
    "refused": Sort(
        "price manager", N_("Price lists that could not be used; the prices in force stay"), "avain rejected list"
    ),
    "mail_waiting": Sort(
        "price manager",
        N_("E-mails of which nobody can tell whose price list they bring"),
        "avain price mail list",
    ),
    "missing_year": Sort("price manager", N_("Prices that are missing for the coming year")),
    "ending_soon": Sort("price manager", N_("Prices that will end, without any after them")),
    "reminders_held": Sort(
        "operator", N_("Reminders that are held until somebody looks"), "avain reminder send --dry-run"
    ),
    "address_refused": Sort(
        "operator", N_("Workers whose e-mail address was refused; they get no reminders"), "avain worker address-ok"
    ),
    "reminders_unheard": Sort("operator", N_("Reminders that reach nobody"), "avain doctor"),
    "work_failed": Sort(
        "operator", N_("Finally failed: not tried again by itself"), "avain run list --failed", series="work"
    ),
    "work_recovered": Sort("operator", N_("Works again"), series="work"),
    "left_alone": Sort(
        "operator", N_("Does not work; left alone, and tried again by itself"), "avain doctor", series="work"
    ),
    "answers_again": Sort("operator", N_("Works again, and what waited goes on"), series="work"),
    "audit_broken": Sort(
        "operator",
        N_("The audit trail is not as it was sealed: keep everything as it is, and look"),
        "avain audit verify",
    ),
    "consistency": Sort(
        "operator",
        N_("What is kept does not agree with itself: find out why before anything else"),
        "avain doctor --deep",
        series="consistency",
    ),
}
#: What a reader's letters are called in their headers, but for sorts with a series of their own.
_SERIES: Final = {"price manager": "prices", "operator": "reminders"}
#: So many lines of one sort are in a letter.
_LINES: Final = 100

#: Rows in: alarms. Rows out: those that were not told before.
_NEW = text(
    """
    INSERT INTO alarm (kind, subject, message)
    SELECT kind, subject, message FROM jsonb_to_recordset(:rows) AS told(kind text, subject text, message jsonb)
    ON CONFLICT (kind, subject) DO NOTHING RETURNING id, kind, subject
    """
).bindparams(bindparam("rows", type_=JSONB))


@dataclass(frozen=True)
class Reader:
    """Who is told, and where."""

    name: str
    address: str


@dataclass(frozen=True)
class Alarm:
    """Something to be told once: `kind` (SORTS), `subject` of what (`price_list:7`), and the sentence."""

    kind: str
    subject: str
    message: Message


def tell(session: Session, alarms: Sequence[Alarm], settings: Settings, *, now: datetime) -> int:
    """Tell the price manager and the operator what was not told before, each in one letter; how many alarms are new.

    Of who has no address nothing is kept either, so that all of it is told once there is one.
    """
    told = 0
    for reader in readers(settings):
        theirs = [one for one in alarms if SORTS[one.kind].reader == reader.name]
        if theirs:
            told += _tell(session, theirs, settings, reader, now)
    return told


def readers(settings: Settings) -> list[Reader]:
    """Who is told by letter, of those who have an address."""
    each = {"price manager": settings.prices.manager_email, "operator": settings.mail.operator_email}
    return [Reader(name, address) for name, address in each.items() if address is not None]


def _tell(session: Session, alarms: Sequence[Alarm], settings: Settings, reader: Reader, now: datetime) -> int:
    each = {(one.kind, one.subject): one for one in alarms}
    rows = [{"kind": one.kind, "subject": one.subject, "message": one.message.to_json()} for one in each.values()]
    new = session.execute(_NEW, {"rows": rows}).all()
    if not new:
        return 0
    fresh = [each[row.kind, row.subject] for row in new]
    message_id, document = write(fresh, settings, reader, now)
    letter = StoredLetter(recipient=reader.address, message_id=message_id, document=document)
    session.add(letter)
    session.flush()  # alarms and work refer to it
    session.execute(
        text("UPDATE alarm SET letter_id = :letter WHERE id = ANY(:ids)"),
        {"letter": letter.id, "ids": [row.id for row in new]},
    )
    call(session, "send_letter", f"send_letter:{letter.id}", subject_id=letter.id)
    return len(new)


def write(alarms: Sequence[Alarm], settings: Settings, reader: Reader, now: datetime) -> tuple[str, str]:
    """The Message-ID and the whole message (7-bit, CRLF), in the organisation's language."""
    subjects = "\n".join(sorted(f"{one.kind}|{one.subject}" for one in alarms))
    domain = settings.mail.sender.rpartition("@")[2]
    # with the moment: in a database restored from a copy the same id is given anew, and names another list or run than the letter that left told of
    told = f"{subjects}|{reader.address}|{now.isoformat()}"
    digest = hashlib.sha256(told.encode()).hexdigest()[:24]
    with speaking(settings.language):
        sections = [
            {
                "heading": _(sort.heading),
                "lines": [redact(one.message.text()) for one in alarms if one.kind == kind],
                "command": sort.command,
            }
            for kind, sort in SORTS.items()
        ]
        body = _template().render(
            sections=[one for one in sections if one["lines"]],
            limit=_LINES,
            more=_("More of these: {count}"),
            look=_("Look at them with:"),
            footer=_("This message was sent by a machine; answers to it are not read."),
        )
        series = SORTS[alarms[0].kind].series or _SERIES[reader.name]
        letter = Letter(
            sender=settings.mail.sender,
            recipient=reader.address,
            subject=_subject(reader.name, alarms),
            text=body,
            message_id=f"<{series}.{digest}@{domain}>",
            written_at=now,
            list_id=f"{series}.avain.{domain}",
        )
    return letter.message_id, compose(letter).decode("ascii")


def _subject(reader: str, alarms: Sequence[Alarm]) -> str:
    count, failed = len(alarms), sum(one.kind == "work_failed" for one in alarms)
    if reader == "price manager":
        subject = ngettext("Avain: {count} matter of price lists", "Avain: {count} matters of price lists", count)
    elif failed:
        count = failed
        subject = ngettext("Avain: {count} job finally failed", "Avain: {count} jobs finally failed", count)
    elif left := sum(one.kind == "left_alone" for one in alarms):
        count = left
        subject = ngettext("Avain: {count} connection does not work", "Avain: {count} connections do not work", count)
    elif alarms[0].kind == "answers_again":
        subject = ngettext("Avain: {count} connection works again", "Avain: {count} connections work again", count)
    elif alarms[0].kind == "work_recovered":
        subject = ngettext("Avain: {count} job works again", "Avain: {count} jobs work again", count)
    elif alarms[0].kind == "consistency":
        subject = ngettext(
            "Avain: {count} thing is not as it should be", "Avain: {count} things are not as they should be", count
        )
    else:
        subject = ngettext("Avain: {count} matter of reminders", "Avain: {count} matters of reminders", count)
    return subject.format(count=count)


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - plain text
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("letter.txt")
