"""Opening the mails of a visit: taking each apart and reading what hangs on it. No transaction is open meanwhile."""

from collections.abc import Collection
from pathlib import Path

from connectors.prices.mailed import open_list
from connectors.prices.row import Reading
from connectors.transports.base import SourceFile
from connectors.transports.spooling import plain_name
from core.errors import Permanent, RefusedInput
from documents.received_mail import DEFAULT_LIMITS, read_mail
from services.price_mail.taking import Opened


def open_mail(file: SourceFile, spool: Path, *, reading: Reading, own: Collection[str]) -> Opened:
    """One mail; its lists are copied to folders of their own below `spool`. What cannot be understood is told in `refused`."""
    try:
        with file.path.open("rb") as content:
            mail = read_mail(content.read(DEFAULT_LIMITS.size + 1))
    except FileNotFoundError as gone:  # the spool was cleared, or is another machine's
        raise Permanent("The fetched copy of {name} is gone. Run the source again.", name=file.name) from gone
    except RefusedInput as refused:
        return Opened(file, refused=refused.message)
    lists = [
        open_list(one, spool.with_name(f"{spool.name}-{file.sha256[:16]}-{number}"), reading=reading, own=own)
        for number, one in enumerate(mail.tables, 1)
    ]
    return Opened(file, mail.senders, mail.sent_at, tuple(lists), tuple(map(plain_name, mail.others)))
