"""Reminders that came back: reports of mail servers (documents/delivery_report.py) and the mails of ours they are about.

Anybody can write a report, and one that is believed silences a worker. So one counts only where it names a mail that Avain sent, by the
Message-ID that only its recipient and the servers between have seen, and the very address that mail went to. It counts once: who
is written to again because a person said so is not silenced by an old report that is read again. It counts while servers may still be trying:
Message-IDs of former versions could be guessed by who knew a worker's id, and mails of long ago have been seen by many.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.mail_server import is_of_address
from core.clock import local_date
from core.errors import Message
from core.i18n import N_
from documents.delivery_report import DeliveryReport
from services.reminders.sending import bounce

#: Servers give up after five days (RFC 5321, 4.5.4.1); a maildrop may stand still over a holiday.
_LATEST: Final = timedelta(days=21)

#: Rows in: Message-IDs, the earliest day. Rows out: the daily mails of those, and where they went; what former versions sent does not say where.
_OURS = text(
    """
    SELECT id, message_id, lower(recipient) AS recipient FROM digest
    WHERE message_id = ANY(:ids) AND recipient IS NOT NULL AND local_date >= :earliest
    """
)

_CAME_BACK = N_("The e-mail came back: the receiving server says {status}.")


def take(session: Session, reports: Iterable[DeliveryReport | None], *, now: datetime) -> dict[str, int]:
    """Believe what can be believed. What became of how many mails: `bounced` (news), `known` (told before), `delayed` (still tried), `others`
    (reports on something else, and what is no report).
    """
    counts: Counter[str] = Counter(bounced=0, known=0, delayed=0, others=0)
    read = list(reports)
    ids = [one.message_id for one in read if one is not None]
    values = {"ids": ids, "earliest": local_date(now - _LATEST)}
    ours = {row.message_id: row for row in session.execute(_OURS, values)} if ids else {}
    for report in read:
        row = ours.get(report.message_id) if report is not None else None
        about = (
            []
            if report is None or row is None
            else [one for one in report.recipients if row.recipient in one.addresses]
        )
        if row is None or not about:
            counts["others"] += 1
            continue
        final = next((one for one in about if one.for_good), None)
        if final is None:
            counts["delayed"] += 1
            continue
        reason = Message(_CAME_BACK, status=final.status)
        new = bounce(session, row.id, reason, for_good=is_of_address(final.status), now=now)
        counts["bounced" if new else "known"] += 1
    return dict(counts)
