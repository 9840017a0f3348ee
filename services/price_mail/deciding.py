"""A person's word on a mail that waits: whose price list it brings, or that it brings none. Both audited."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.errors import InputError, Message, NotFound
from core.i18n import N_
from models.price_mail import PriceMail
from models.provider import Provider
from services import audit
from services.source_memory import forget
from services.work.lease import Ended, when_given_up

#: Rows in: perhaps a state. Rows out: mails with the provider they were taken for, the latest last.
_LISTED = text(
    """
    SELECT price_mail.id, source, file_name, sender, sent_at, state, reason, attachments, provider.name AS provider, note, recorded_at
    FROM price_mail LEFT JOIN provider ON provider.id = provider_id
    WHERE CAST(:everything AS boolean) OR state IN ('waiting', 'assigned')
    ORDER BY price_mail.id DESC LIMIT :limit
    """
)

_STATES = {
    "waiting": N_("waits for a person"),
    "assigned": N_("assigned, to be read"),
    "taken": N_("taken"),
    "overtaken": N_("overtaken by a newer one"),
    "discarded": N_("discarded"),
}

#: Rows in: a Work that was given up. Rows out: the mail whose list it was to import, which waits again.
_PUT_BACK = text(
    """
    UPDATE price_mail SET state = 'waiting', provider_id = NULL, chosen = NULL, reason = CAST(:reason AS jsonb)
    FROM work WHERE work.id = :work_id AND price_mail.id = CAST(work.arguments ->> 'mail' AS bigint) AND state = 'taken'
    RETURNING price_mail.source, price_mail.sha256
    """
)


def state_in_words(state: str) -> Message:
    """A mail's state (models/price_mail.py) as people read it."""
    return Message(_STATES[state])


def listed(session: Session, *, everything: bool = False, limit: int = 100) -> list[dict[str, Any]]:
    """Mails that wait, or all of them: `id, source, file_name, sender, sent_at, state, reason, attachments, provider, note, recorded_at`."""
    rows = session.execute(_LISTED, {"everything": everything, "limit": limit}).mappings()
    return [dict(row) for row in reversed(list(rows))]


def find(session: Session, named: str) -> PriceMail:
    """A mail by its number or its file's name, locked until the transaction ends. Raises NotFound, InputError (several of that name)."""
    by_number = named.isdecimal() and len(named) < 19
    where = PriceMail.id == int(named) if by_number else PriceMail.file_name == named
    found = list(session.execute(select(PriceMail).where(where).with_for_update()).scalars())  # type: ignore[arg-type]
    if not found:
        raise NotFound(
            "There is no e-mail {mail}. Those there are: {command}", mail=named, command="avain price mail list --all"
        )
    open_ones = [one for one in found if one.state in ("waiting", "assigned")]
    if len(open_ones or found) > 1:
        raise InputError("Several e-mails have the name {mail}. Name one by its number.", mail=named)
    return (open_ones or found)[0]


def assign(
    session: Session, named: str, provider: str, *, attachment: str | None, actor: str, note: str, now: datetime
) -> PriceMail:
    """Say whose list a mail brings (a business id), and perhaps which of its files; it is read so the next time its source is.

    A mail that was taken before may be taken anew, for as long as it lies in its folder. Raises NotFound, InputError.
    """
    mail = find(session, named)
    if mail.state == "discarded":
        raise InputError("E-mail {id} was discarded.", id=mail.id)
    found = session.execute(select(Provider).where(Provider.business_id == provider)).scalar_one_or_none()  # type: ignore[arg-type]
    if found is None or not found.active:
        raise NotFound("There is no active provider {business_id}.", business_id=provider)
    names = [one["name"] for one in mail.attachments if one["sha256"]]
    if not names:
        raise InputError("E-mail {id} brings no file that could be a price list. Discard it.", id=mail.id)
    if attachment is not None and attachment not in names:
        raise NotFound("The e-mail has no file {name}; it has: {names}", name=attachment, names=", ".join(names))
    mail.state, mail.provider_id, mail.chosen, mail.reason, mail.note = (
        "assigned",
        found.id,
        attachment,
        None,
        note or None,
    )
    forget(session, mail.source, mail.sha256)
    audit.record(
        session, actor, "price_mail.assigned", f"price_mail:{mail.id}", now=now, reason=note, provider=provider
    )
    return mail


@when_given_up("import_prices")
def put_back(session: Session, ended: Ended) -> None:
    """A mail is taken once, so one whose list could not be imported would be lost: it waits again, and is looked at the next night."""
    reason = Message("Its list could not be imported: {reason}", reason=ended.message)
    values = {"work_id": ended.work_id, "reason": json.dumps(reason.to_json())}
    for row in session.execute(_PUT_BACK, values):
        forget(session, row.source, row.sha256)


def discard(session: Session, named: str, *, actor: str, note: str, now: datetime) -> PriceMail:
    """Let a mail be: nothing of it is imported. Raises NotFound, InputError (no note, or it was taken)."""
    if not note.strip():
        raise InputError("A note is needed: say why.")
    mail = find(session, named)
    if mail.state not in ("waiting", "assigned"):
        raise InputError(
            "E-mail {id} does not wait for anybody: it is {state}.", id=mail.id, state=state_in_words(mail.state)
        )
    mail.state, mail.note = "discarded", note
    audit.record(session, actor, "price_mail.discarded", f"price_mail:{mail.id}", now=now, reason=note)
    return mail
