"""Telling the price manager: an alarm is kept under a key that is unique for ever, and what is new of one occasion goes out as one letter.

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
from models.price_mail import PriceLetter
from services.work import call

#: What each sort of alarm is about, above its lines.
HEADINGS: Final = {
    "held": N_("Price lists that wait for you"),
    "refused": N_("Price lists that could not be used; the prices in force stay"),
    "mail_waiting": N_("E-mails of which nobody can tell whose price list they bring"),
    "missing_year": N_("Prices that are missing for the coming year"),
    "ending_soon": N_("Prices that will end, without any after them"),
}
_COMMANDS: Final = {
    "held": "avain price held",
    "refused": "avain rejected list",
    "mail_waiting": "avain price mail list",
}
#: So many lines of one sort are in a letter.
_LINES: Final = 100

#: Rows in: alarms. Rows out: those that were not told before.
_NEW = text(
    """
    INSERT INTO price_alarm (kind, subject, message)
    SELECT kind, subject, message FROM jsonb_to_recordset(:rows) AS alarm(kind text, subject text, message jsonb)
    ON CONFLICT (kind, subject) DO NOTHING RETURNING id, kind, subject
    """
).bindparams(bindparam("rows", type_=JSONB))


@dataclass(frozen=True)
class Alarm:
    """Something to be told once: `kind` (HEADINGS), `subject` of what (`price_list:7`), and the sentence."""

    kind: str
    subject: str
    message: Message


def tell(session: Session, alarms: Sequence[Alarm], settings: Settings, *, now: datetime) -> int:
    """Tell the price manager what was not told before, in one letter; how many alarms are new.

    Without a manager's address nothing is kept either, so that all of it is told once there is one.
    """
    manager = settings.prices.manager_email
    if manager is None or not alarms:
        return 0
    each = {(one.kind, one.subject): one for one in alarms}
    rows = [{"kind": one.kind, "subject": one.subject, "message": one.message.to_json()} for one in each.values()]
    new = session.execute(_NEW, {"rows": rows}).all()
    if not new:
        return 0
    fresh = [each[row.kind, row.subject] for row in new]
    message_id, document = write(fresh, settings, manager, now)
    letter = PriceLetter(recipient=manager, message_id=message_id, document=document)
    session.add(letter)
    session.flush()  # alarms and work refer to it
    session.execute(
        text("UPDATE price_alarm SET letter_id = :letter WHERE id = ANY(:ids)"),
        {"letter": letter.id, "ids": [row.id for row in new]},
    )
    call(session, "send_price_letter", f"send_price_letter:{letter.id}", subject_id=letter.id)
    return len(new)


def write(alarms: Sequence[Alarm], settings: Settings, manager: str, now: datetime) -> tuple[str, str]:
    """The Message-ID and the whole message (7-bit, CRLF), in the organisation's language."""
    subjects = "\n".join(sorted(f"{one.kind}|{one.subject}" for one in alarms))
    domain = settings.mail.sender.rpartition("@")[2]
    digest = hashlib.sha256(f"{subjects}|{manager}".encode()).hexdigest()[:24]
    with speaking(settings.language):
        sections = [
            {
                "heading": _(heading),
                "lines": [redact(one.message.text()) for one in alarms if one.kind == kind],
                "command": _COMMANDS.get(kind, ""),
            }
            for kind, heading in HEADINGS.items()
        ]
        subject = ngettext("Avain: {count} matter of price lists", "Avain: {count} matters of price lists", len(alarms))
        body = _template().render(
            sections=[one for one in sections if one["lines"]],
            limit=_LINES,
            more=_("More of these: {count}"),
            look=_("Look at them with:"),
            footer=_("This message was sent by a machine; answers to it are not read."),
        )
        letter = Letter(
            sender=settings.mail.sender,
            recipient=manager,
            subject=subject.format(count=len(alarms)),
            text=body,
            message_id=f"<prices.{digest}@{domain}>",
            written_at=now,
            list_id=f"prices.avain.{domain}",
        )
    return letter.message_id, compose(letter).decode("ascii")


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
