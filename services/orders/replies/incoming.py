"""What comes in about orders: each file is recognised by what it holds, taken once, and stops no other.

A file is known by its bytes: one that comes again, under whatever name, does nothing. One that cannot be read is kept as refused with a
sentence; as it changed nothing, it is read anew when it is brought again.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import select, text
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.orm import Session

from connectors.transports.base import SourceFile
from core.errors import AvainError, Message, RefusedInput
from core.i18n import N_
from core.settings import Settings
from documents.delivered_csv import DeliveredReport, read_delivered
from documents.invoice import Invoice, is_invoice, read_invoice
from documents.order_response import OrderResponse, ResponseLine, read_response
from models.answer import IncomingDocument
from services.invoices.taking import take_invoice
from services.orders.replies import answers
from services.orders.replies.answer_values import Answer, LineAnswer
from services.orders.replies.delivered import Report, TakenReport, take_delivered
from services.orders.replies.delivered_held import keep_held

log = structlog.get_logger()
#: No document about orders is larger; what is, is not even read.
MOST_BYTES: Final = 20 * 1024 * 1024
#: So many sentences about rows of one file are kept.
_MOST_SENTENCES: Final = 100

_TOO_LARGE: Final = N_("The file is larger than the {count} MB that a document about orders may have.")
_PDF: Final = N_(
    "The file is a PDF for people. Avain reads answers and invoices as XML, and delivered quantities as CSV."
)
_SOME: Final = N_("Rows that were not taken: {count}. The first of them: {reason}")

#: Rows in: an order. Rows out: its provider.
_PROVIDER: Final = text("SELECT provider_id FROM purchase_order WHERE id = :id")

Read = OrderResponse | DeliveredReport | Invoice


@dataclass(frozen=True)
class Opened:
    """A file that was read: what it says, or why nothing can be made of it."""

    file: SourceFile
    said: Read | None = None
    refused: Message | None = None


def open_file(file: SourceFile) -> Opened:
    """Read a fetched file; no transaction is open meanwhile. A fault of ours in reading one must not stop the others.

    Raises Permanent when the fetched copy is gone.
    """
    if file.size > MOST_BYTES:
        return Opened(file, refused=Message(_TOO_LARGE, count=MOST_BYTES // 1024 // 1024))
    try:
        return Opened(file, read(file.read()))
    except RefusedInput as refused:
        return Opened(file, refused=refused.message)
    except (AvainError, MemoryError):
        raise
    except Exception as unknown:
        log.exception("incoming_crashed", sha256=file.sha256)
        return _crashed(file, unknown)


def _crashed(file: SourceFile, unknown: Exception) -> Opened:
    error = type(unknown).__name__
    return Opened(
        file, refused=Message("An unexpected error ({error}) while it was read; the log has the details.", error=error)
    )


def read(content: bytes) -> Read:
    """What a file says, by what it holds. Raises RefusedInput for anything but a whole document of a known kind."""
    start = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"%pdf"):
        raise RefusedInput(_PDF)
    if start.startswith(b"<") and not start.startswith((b"<!doctype html", b"<html")):
        return read_invoice(content) if is_invoice(content) else read_response(content)
    return read_delivered(content)


def take_each(session: Session, source: str, opened: Sequence[Opened], **over: Any) -> list[IncomingDocument | None]:
    """`take_file` for each of them. A fault of ours in taking one must not stop the others: that one is refused. What a database may do to
    any of them (lost, locked) is raised: all are taken again.
    """
    rows: list[IncomingDocument | None] = []
    for one in opened:
        try:
            with session.begin_nested():
                rows.append(take_file(session, source, one, **over))
        except (AvainError, MemoryError, OperationalError, InternalError):
            raise
        except Exception as unknown:
            log.exception("incoming_crashed", sha256=one.file.sha256)
            rows.append(take_file(session, source, _crashed(one.file, unknown), **over))
    return rows


def take_file(
    session: Session,
    source: str,
    opened: Opened,
    *,
    provider: str | None = None,
    run_id: int | None = None,
    now: datetime,
    settings: Settings,
) -> IncomingDocument | None:
    """Record a file and do what it says; None: it was taken before. `provider`: whose files the source brings (a business id), if one's."""
    row = _row(session, source, opened.file, run_id)
    if row is None:
        return None
    if opened.said is None:
        _refuse(row, opened.refused)
    elif isinstance(opened.said, OrderResponse):
        _take_response(session, row, opened.said, provider, now)
    elif isinstance(opened.said, Invoice):
        _take_invoice(session, row, opened.said, provider, now=now, settings=settings)
    else:
        _take_delivered(session, row, opened.said, provider, now)
    session.add(row)
    session.flush()  # the next file may be the same under another name
    return row


def counts_of(rows: Sequence[IncomingDocument | None]) -> dict[str, int]:
    """`files`, and how many of them were applied, held (also in part), refused or said before."""
    states = Counter("repeated" if row is None else "held" if row.content.get("waiting") else row.state for row in rows)
    return {"files": len(rows), **{state: states[state] for state in ("applied", "held", "refused", "repeated")}}


def _row(session: Session, source: str, file: SourceFile, run_id: int | None) -> IncomingDocument | None:
    """The row of a file that is to be taken; None where it was before."""
    found = session.execute(
        select(IncomingDocument)
        .where(IncomingDocument.source == source, IncomingDocument.sha256 == file.sha256)  # type: ignore[arg-type]
        .with_for_update()
    ).scalar_one_or_none()
    if found is not None:
        return found if found.state == "refused" else None
    return IncomingDocument(
        source=source, file_name=file.name, sha256=file.sha256, kind="unknown", state="refused", run_id=run_id
    )


def _refuse(row: IncomingDocument, reason: Message | None) -> None:
    row.state, row.reason = "refused", None if reason is None else reason.to_json()


def _take_response(
    session: Session, row: IncomingDocument, said: OrderResponse, provider: str | None, now: datetime
) -> None:
    row.kind, row.number, row.sender = "response", said.id, said.seller.business_id
    row.content = {"order": said.order_number, "code": said.code, "issued_on": said.issue_date.isoformat()}
    if _is_anothers(row, said.seller.business_id, provider):
        return
    session.add(row)
    session.flush()  # the answer names it
    answer = answer_of(said, incoming_id=row.id)
    if provider is not None:  # also where the document names an address only
        answer = replace(answer, business_id=provider)
    taken = answers.take(session, answer, now=now)
    row.state, row.order_id = taken.state, taken.order_id
    row.reason = None if taken.reason is None else taken.reason.to_json()
    if taken.order_id is not None:
        row.provider_id = session.execute(_PROVIDER, {"id": taken.order_id}).scalar_one()


def _take_invoice(
    session: Session, row: IncomingDocument, said: Invoice, provider: str | None, *, now: datetime, settings: Settings
) -> None:
    row.kind, row.number, row.sender = "invoice", said.number, said.seller
    if not _is_anothers(row, said.seller, provider):
        row.reason = None
        take_invoice(session, said, row, now=now, settings=settings)


def _is_anothers(row: IncomingDocument, seller: str | None, provider: str | None) -> bool:
    """Whether a document is not of the provider whose files the source brings; then it is refused."""
    if provider is None or seller in {None, provider}:
        return False
    _refuse(row, Message("The source brings documents of {provider}, and this one is another's.", provider=provider))
    return True


def answer_of(said: OrderResponse, *, incoming_id: int | None = None) -> Answer:
    """A Peppol order response as an answer. What people wrote in it is left out: it may tell of a client."""
    promised = said.promised
    return Answer(
        number=said.order_number,
        code=said.code,
        external_id=said.id,
        issued_on=said.issue_date,
        starts_on=promised.start if promised else None,
        ends_on=promised.end if promised else None,
        lines=tuple(map(_line, said.lines)),
        business_id=said.seller.business_id,
        endpoint=said.seller.endpoint,
        incoming_id=incoming_id,
    )


def _line(said: ResponseLine) -> LineAnswer:
    number = said.order_line_id or ""
    known = number.isascii() and number.isdecimal() and len(number) <= 4
    return LineAnswer(
        int(number) if known else None,
        said.code,
        quantity=said.quantity,
        unit=said.unit_code,
        amount=said.price,
        base_quantity=said.base_quantity,
        first=said.period.start if said.period else None,
        last=said.period.end if said.period else None,
    )


def _take_delivered(
    session: Session, row: IncomingDocument, said: DeliveredReport, provider: str | None, now: datetime
) -> None:
    row.kind, row.sender = "delivered", provider
    session.add(row)
    session.flush()  # the reports name it
    reports = [Report(one.order, one.line, one.first, one.last, one.quantity, one.row) for one in said.rows]
    taken = take_delivered(
        session, reports, told_by="csv", now=now, business_id=provider, incoming_id=row.id, run_id=row.run_id
    )
    keep_held(session, row.source, row.file_name, taken, run_id=row.run_id)
    _settle_delivered(row, taken, said.faults)


def _settle_delivered(row: IncomingDocument, taken: Sequence[TakenReport], faults: Sequence[Message]) -> None:
    """Say on a file's row what became of its reports. What waits has documents of its own; of what was refused, the sentences are kept."""
    states = Counter(one.state for one in taken)
    held = [one.reason for one in taken if one.state == "held" and one.reason is not None]
    refused = [*faults, *(_with_row(one) for one in taken if one.state == "refused")]
    row.state = "applied" if states["applied"] or held else "repeated" if states["repeated"] else "refused"
    row.content = {
        "applied": states["applied"],
        "waiting": len(held),
        "refused": [one.to_json() for one in refused[:_MOST_SENTENCES]],
    }
    left = [*held, *refused]
    row.reason = Message(_SOME, count=len(left), reason=left[0]).to_json() if left else None


def _with_row(one: TakenReport) -> Message:
    reason: Any = one.reason
    return Message("Row {row}: {reason}", row=one.report.row, reason=reason) if one.report.row else reason
