"""An answer to a provider whose list has rows that could not be used: what is wrong with each, and what to do. A person sends it.

It quotes of the list what the reasons quote, and nothing else: the position of a row is enough to find it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.drafts import draft
from connectors.mail import address_problem
from connectors.transports.spooling import plain_name
from core.errors import InputError, Message, NotFound
from core.i18n import N_, _, speaking
from core.logging import redact
from core.settings import Settings

#: A letter with more rows than this is not read; the rest is counted.
LONGEST: Final = 200

#: Rows in: a list. Rows out: it, with its provider.
_LIST = text(
    """
    SELECT price_list.id, file_name, sha256, run_id, provider.name AS provider, provider.email, provider.language
    FROM price_list JOIN price_source ON price_source.id = source_id LEFT JOIN provider ON provider.id = provider_id
    WHERE price_list.id = :id
    """
)

#: Rows in: a run and a file. Rows out: what it rejected, in the order of the file.
_ROWS = text(
    """
    SELECT position, field, external_id, reason FROM rejected_record
    WHERE run_id = :run_id AND file_sha256 = :sha256 AND NOT taken ORDER BY id
    """
)

#: What the provider can do about a row, by the field that is wrong.
_ADVICE: Final = {
    "price": N_("Write the price as a number of euros, for example 60,00."),
    "service": N_("Use the service's code or name as it stands in our contract."),
    "unit": N_("Write the unit, for example: visit, hour, 45 min, month, km."),
    "valid_from": N_("Write days like 1.1.2027; of one service only one price may be valid on a day."),
    "valid_to": N_("Write days like 31.12.2027, not before the first day."),
    "vat_rate": N_("Write the VAT rate that is agreed in our contract, or leave it out."),
    "vat_category": N_("Write the VAT category that is agreed in our contract, or leave it out."),
    "vat_inclusive": N_("Say in the column's title whether prices include VAT."),
    "currency": N_("Give prices in euros."),
    "provider": N_("Leave out the rows of other companies."),
}
_OTHERWISE: Final = N_("Correct the row.")


@dataclass(frozen=True)
class Reply:
    """A draft: its bytes, to whom (None: no address is known), in what language, about how many rows; what it says, for those who write it elsewhere."""

    content: bytes
    recipient: str | None
    language: str
    rows: int
    subject: str = ""
    text: str = ""


def write_reply(session: Session, price_list_id: int, settings: Settings, field_name: Any) -> Reply:
    """The draft for a list. `field_name` puts a field's name in words (services.labels). Raises NotFound, InputError (nothing to write)."""
    found = session.execute(_LIST, {"id": price_list_id}).one_or_none()
    if found is None:
        raise NotFound("There is no price list {id}.", id=price_list_id)
    if found.provider is None:
        raise InputError("Price list {id} holds our own unit costs: there is nobody to write to.", id=price_list_id)
    rows = session.execute(_ROWS, {"run_id": found.run_id, "sha256": found.sha256}).all()
    if not rows:
        raise InputError("No row of price list {id} was rejected.", id=price_list_id)
    recipient = found.email if found.email and address_problem(found.email) is None else None
    with speaking(found.language):
        told = [
            {
                "position": _plain(row.position),
                "about": _plain(": ".join(filter(None, (field_name(row.field) if row.field else "", row.external_id)))),
                "reason": _plain(Message.from_json(row.reason).text()),
                "advice": _(_ADVICE.get(row.field or "", _OTHERWISE)),
            }
            for row in rows[:LONGEST]
        ]
        body = _render(
            greeting=_("Hello,"),
            intro=_("thank you for the price list {file}. These rows of it could not be used:").format(
                file=_plain(plain_name(found.file_name))
            ),
            row=_("Row"),
            rows=told,
            more=_("More rows: {count}").format(count=len(rows) - LONGEST) if len(rows) > LONGEST else "",
            request=_(
                "Please correct them and send the whole price list again. Until then the former prices stay in force."
            ),
            closing=_("With kind regards"),
            organisation=_plain(settings.organisation.name),
        )
        subject = _("Your price list, rows to correct: {count}").format(count=len(rows))
    sender = settings.prices.manager_email or settings.mail.sender
    content = draft(sender=sender, recipient=recipient, subject=subject, text=body)
    return Reply(content, recipient, found.language, len(rows), subject, body)


def _plain(text_: str) -> str:
    """One line that can be printed, without a henkilötunnus: what the provider wrote reaches nobody's terminal or sheet as a command."""
    shown = "".join(letter if letter.isprintable() else " " for letter in redact(text_))
    return " ".join(shown.split()).lstrip("=+@\t")


def _render(**values: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "price_mail" / "templates"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - plain text
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("reply.txt").render(**values)
