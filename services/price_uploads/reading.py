"""What a worker makes of a file that a person brought: whose list it is, and what became of it."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from connectors.prices.mailed import MailedList, open_list
from connectors.prices.row import Reading
from connectors.prices.table.looking import Seen, columns_of
from core.errors import Message
from documents.received_mail import Attached
from services.price_mail.whose import Known, known_providers
from services.prices.columns import meanings_for_reading
from services.prices.importing import ImportResult
from services.sources import OWN, call_reading, uploads_of
from services.work.lease import Ended, when_given_up

#: Rows in: an upload. Rows out: it, while it is to be read.
_TO_READ: Final = text(
    """
    SELECT id, file_name, sha256, content, chosen, insisted FROM price_upload
    WHERE id = :id AND state = 'reading' AND content IS NOT NULL
    """
)
#: Rows in: an upload that is being read. Rows changed: it, with what came of it.
_SAY: Final = text(
    """
    UPDATE price_upload SET state = :state, reason = :reason, business_id = coalesce(:business_id, business_id), columns = coalesce(:columns, columns),
        price_list_id = coalesce(:price_list_id, price_list_id)
    WHERE id = :id AND state = 'reading' RETURNING id
    """
).bindparams(bindparam("reason", type_=JSONB(none_as_null=True)), bindparam("columns", type_=JSONB(none_as_null=True)))
_UPLOAD_OF_WORK: Final = text("SELECT CAST(arguments ->> 'upload' AS bigint) FROM work WHERE id = :id")


@dataclass(frozen=True)
class Kept:
    """A file that is to be read. `chosen`: whose it is, as a person said; `insisted`: whatever stands in its letterhead."""

    id: int
    file_name: str
    sha256: str
    content: bytes
    chosen: str | None
    insisted: bool
    meanings: dict[str, str]

    @property
    def reading(self) -> Reading:
        """How it is read."""
        return Reading(columns=self.meanings)


def kept_file(session: Session, upload_id: int) -> Kept | None:
    """The file of an upload; None when it is not to be read any more."""
    row = session.execute(_TO_READ, {"id": upload_id}).mappings().one_or_none()
    return None if row is None else Kept(**row, meanings=dict(meanings_for_reading(session, row["chosen"])))


def put_down(kept: Kept, spool: Path, own: Sequence[str]) -> tuple[MailedList, list[Seen]]:
    """Copy it to a folder of its own below the spool and read it to its end: what it is, and its columns nobody knows."""
    shutil.rmtree(spool, ignore_errors=True)  # an earlier attempt's
    attached = Attached(kept.file_name, kept.content)
    return open_list(attached, spool, reading=kept.reading, own=own), columns_of(kept.content, kept.reading)


def sort(session: Session, kept: Kept, one: MailedList, columns: Sequence[Seen]) -> str | Message:
    """Have the list imported as its provider's, which is returned; else the sentence that says why a person must look, who is asked.

    Where it cannot be read for its columns' titles alone, that provider's own titles may explain them: so it is asked whose it is first.
    """
    known = known_providers(session)
    whose = _whose(kept, one, known)
    if one.reason is not None:
        _say(session, kept.id, "refused", reason=one.reason, columns=columns)
        return one.reason
    if isinstance(whose, Message):
        _say(session, kept.id, "asking", reason=whose, columns=columns)
        return whose
    if kept.chosen is None and dict(meanings_for_reading(session, whose)):
        columns = columns_of(kept.content, Reading(columns=meanings_for_reading(session, whose)))
    _say(session, kept.id, "reading", business_id=whose, columns=columns)
    request = f"upload-{kept.id}"
    call_reading(session, uploads_of(whose), request, files=[one.file.to_json()], upload=kept.id)
    return whose


def imported(session: Session, upload_id: int, result: ImportResult) -> None:
    """Note which list a file became, and why it cannot be used, if that is so."""
    reason = result.message if result.outcome in {"refused", "nothing_to_do"} else None
    _say(session, upload_id, "read", reason=reason, price_list_id=result.price_list_id)


def refused(session: Session, upload_id: int, reason: Message) -> None:
    """Note that nothing of a file can be used."""
    _say(session, upload_id, "refused", reason=reason)


@when_given_up("read_price_upload")
@when_given_up("import_prices")
def given_up(session: Session, ended: Ended) -> None:
    """A person looks at the page of the file: it must not say for ever that it is being read."""
    upload_id = session.execute(_UPLOAD_OF_WORK, {"id": ended.work_id}).scalar_one_or_none()
    if upload_id is not None:
        refused(session, upload_id, ended.message)


def _say(
    session: Session,
    upload_id: int,
    state: str,
    *,
    reason: Message | None = None,
    business_id: str | None = None,
    columns: Sequence[Seen] | None = None,
    price_list_id: int | None = None,
) -> None:
    values: dict[str, Any] = {
        "id": upload_id,
        "state": state,
        "reason": reason.to_json() if reason else None,
        "business_id": business_id,
        "columns": None if columns is None else [asdict(one) for one in columns],
        "price_list_id": price_list_id,
    }
    session.execute(_SAY, values)


def _whose(kept: Kept, one: MailedList, known: Known) -> str | Message:
    """Whose list a file is: what the person said, unless the file says otherwise; else what the file says."""
    named = one.stated or one.near
    providers = sorted(found for found in named if found in known.names)
    if kept.chosen is not None:
        others = sorted(one.stated - {kept.chosen}) or [found for found in providers if kept.chosen not in providers]
        if not others or (kept.insisted and not one.stated):
            return kept.chosen
        return Message(
            "{file} names {provider}, but {chosen} was chosen. Say which of them is right.",
            file=one.name,
            provider=", ".join(map(known.named, others)),
            chosen=Message("own unit cost") if kept.chosen == OWN else known.named(kept.chosen),
        )
    strangers = sorted(one.stated - set(providers))
    if strangers:
        return Message(
            "{file} says it is the price list of {business_id}, which is not a known provider.",
            file=one.name,
            business_id=", ".join(strangers),
        )
    if len(providers) == 1:
        return providers[0]
    if providers:
        names = ", ".join(map(known.named, providers))
        return Message("{file} names several providers: {providers}.", file=one.name, providers=names)
    return Message("{file} does not say whose price list it is. Choose the provider.", file=one.name)
