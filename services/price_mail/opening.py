"""Opening the mails of a visit: taking each apart and reading what hangs on it. No transaction is open meanwhile."""

import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

from connectors.prices.mailed import MailedList, open_list
from connectors.prices.row import Reading
from connectors.transports.base import SourceFile
from connectors.transports.spooling import plain_name
from core.errors import Message, RefusedInput
from documents.received_mail import DEFAULT_LIMITS, read_mail
from services.price_mail.taking import Opened

#: For so long one mail's attachments are read; what was begun is ended.
SECONDS: Final = 120.0


def open_mail(file: SourceFile, spool: Path, *, reading: Reading, own: Collection[str]) -> Opened:
    """One mail; its lists are copied to folders of their own below `spool`. What cannot be understood is told in `refused`, and what would
    take too long: a stranger's mail must not keep all others waiting.
    """
    until = time.monotonic() + SECONDS
    try:
        mail = read_mail(file.read(DEFAULT_LIMITS.size + 1))
    except RefusedInput as refused:
        return Opened(file, refused=refused.message)
    lists: list[MailedList] = []
    for number, one in enumerate(mail.tables, 1):
        if time.monotonic() > until:
            refusal = Message("Its attachments could not be read in {seconds} seconds.", seconds=int(SECONDS))
            return Opened(file, mail.senders, mail.sent_at, tuple(lists), refused=refusal)
        folder = spool.with_name(f"{spool.name}-{file.sha256[:16]}-{number}")
        lists.append(open_list(one, folder, reading=reading, own=own))
    return Opened(
        file, mail.senders, mail.sent_at, tuple(lists), tuple(map(plain_name, mail.others)), sender=mail.sender
    )
