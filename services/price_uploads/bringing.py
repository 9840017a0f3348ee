"""What people do with a list they bring: hand it over, say whose it is, have it read again, let it be. All of it is audited."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.prices.forms import form_of
from connectors.transports.spooling import plain_name
from core.errors import InputError, Message, NotFound
from models.price_upload import PriceUpload
from services import audit
from services.sources import CONSOLE, OWN
from services.work import call_again

#: What nobody has decided for so long is forgotten; the list it may have become waits on.
_KEPT: Final = timedelta(days=60)
_LONGEST_NAME: Final = 200

#: Rows in: an upload. Rows out: it without its content, and where the reading of it stands: its newest Work.
_ONE: Final = text(
    """
    SELECT upload.id, file_name, sha256, size, content IS NOT NULL AS kept, actor, upload.state, chosen, insisted, upload.business_id, reason,
           columns, price_list_id, recorded_at, provider.name AS provider, work.under_way,
           work.seconds
    FROM price_upload AS upload
    LEFT JOIN provider ON provider.business_id = coalesce(upload.business_id, upload.chosen)
    LEFT JOIN LATERAL (
        SELECT token IS NOT NULL AS under_way, extract(epoch FROM clock_timestamp() - greatest(created_at, next_at)) AS seconds
        FROM work WHERE kind IN ('read_price_upload', 'import_prices') AND work.arguments ->> 'request' = 'upload-' || upload.id
            AND done_at IS NULL AND dead_at IS NULL
        ORDER BY work.id DESC LIMIT 1
    ) AS work ON upload.state = 'reading'
    WHERE upload.id = :id
    """
)
#: Rows out: uploads that want something of a person, or are being read; those refused only for a while.
_OPEN: Final = text(
    """
    SELECT upload.id, file_name, actor, upload.state, reason, recorded_at, provider.name AS provider
    FROM price_upload AS upload LEFT JOIN provider ON provider.business_id = coalesce(upload.business_id, upload.chosen)
    WHERE content IS NOT NULL AND upload.state IN ('reading', 'asking', 'refused') ORDER BY upload.id DESC LIMIT 100
    """
)
#: Rows in: a moment. Rows changed: uploads whose content nobody needs any more.
_FORGET: Final = text(
    """
    UPDATE price_upload SET content = NULL
    WHERE content IS NOT NULL AND (
        state = 'discarded' OR recorded_at < :before
        OR state = 'read' AND EXISTS (SELECT FROM price_list WHERE price_list.id = price_list_id AND price_list.state <> 'held'))
    """
)


@dataclass(frozen=True)
class Upload:
    """An upload as people see it. `kept`: it can be read again; `under_way`: a worker has it (None: it waits for none); `seconds` since it was called for."""

    id: int
    file_name: str
    sha256: str
    size: int
    kept: bool
    actor: str
    state: str
    chosen: str | None
    insisted: bool
    business_id: str | None
    reason: Message | None
    columns: list[dict[str, Any]]
    price_list_id: int | None
    recorded_at: datetime
    provider: str | None
    under_way: bool | None
    seconds: float


def bring(
    session: Session, content: bytes, *, file_name: str, chosen: str | None, actor: str, limit: int, now: datetime
) -> int:
    """Keep a file and have it read; its number. `chosen`: whose it is (a business id or OWN), None: the file says so.

    Raises InputError, RefusedInput for what can be told at once: nothing in it, too large, no price list at all.
    """
    name = plain_name(file_name)[-_LONGEST_NAME:]
    if not content:
        raise InputError("The file {name} is empty.", name=name)
    if len(content) > limit:
        raise InputError(
            "The file {name} has more than {limit} MB, the most that is accepted.", name=name, limit=limit // 1024**2
        )
    form_of(content)
    _must_be_known(session, chosen)
    upload = PriceUpload(
        file_name=name,
        sha256=sha256(content).hexdigest(),
        size=len(content),
        content=content,
        actor=actor,
        chosen=chosen,
    )
    session.add(upload)
    session.flush()  # its number is needed
    _call(session, upload.id)
    audit.record(
        session,
        actor,
        "price_upload.brought",
        f"price_upload:{upload.id}",
        now=now,
        sha256=upload.sha256,
        size=upload.size,
    )
    return upload.id


def read_again(
    session: Session, upload_id: int, *, chosen: str | None, insisted: bool = False, actor: str, now: datetime
) -> None:
    """Have a kept file read anew, as that of `chosen` if that is said. Raises NotFound, InputError (it is kept no more, or decided)."""
    upload = _locked(session, upload_id)
    _must_be_known(session, chosen)
    if upload.price_list_id is not None:
        state = session.execute(
            text("SELECT state FROM price_list WHERE id = :id"), {"id": upload.price_list_id}
        ).scalar_one()
        if state not in {"held", "refused"}:
            raise InputError("The list has been decided: it is not read again. Upload the file once more.")
    upload.state, upload.chosen, upload.insisted = "reading", chosen or upload.chosen, insisted
    upload.reason = None
    session.flush()  # the worker may be quick
    _call(session, upload_id)
    audit.record(session, actor, "price_upload.read_again", f"price_upload:{upload_id}", now=now, chosen=chosen)


def discard(session: Session, upload_id: int, *, actor: str, now: datetime) -> None:
    """Let a file be that has not become a list. Raises NotFound, InputError."""
    upload = _locked(session, upload_id)
    if upload.state not in {"reading", "asking", "refused"}:
        raise InputError("The file is a price list by now: it is decided there.")
    upload.state, upload.content = "discarded", None
    audit.record(session, actor, "price_upload.discarded", f"price_upload:{upload_id}", now=now)


def forget_decided(session: Session, now: datetime) -> None:
    """Forget the contents nobody needs any more."""
    session.execute(_FORGET, {"before": now - _KEPT})


def upload_of(session: Session, upload_id: int) -> Upload:
    """One upload. Raises NotFound."""
    row = session.execute(_ONE, {"id": upload_id}).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such upload.")
    values = dict(row)
    return Upload(
        **{
            **values,
            "reason": Message.from_json(values["reason"]) if values["reason"] else None,
            "seconds": float(values["seconds"] or 0),
        }
    )


def uploads_open(session: Session) -> list[dict[str, Any]]:
    """Files that wait for a person or a worker, the newest first: `id, file_name, actor, state, reason, recorded_at, provider`."""
    rows = [dict(row) for row in session.execute(_OPEN).mappings()]
    for row in rows:
        row["reason"] = Message.from_json(row["reason"]) if row["reason"] else None
    return rows


def _call(session: Session, upload_id: int) -> None:
    key = f"read_price_upload:{upload_id}"
    call_again(session, "read_price_upload", key, source=CONSOLE, request=f"upload-{upload_id}", upload=upload_id)


def _locked(session: Session, upload_id: int) -> PriceUpload:
    upload = session.get(PriceUpload, upload_id, with_for_update=True)
    if upload is None:
        raise NotFound("There is no such upload.")
    if upload.content is None or upload.state == "discarded":
        raise InputError("The file is kept no more. Upload it once more.")
    return upload


def _must_be_known(session: Session, chosen: str | None) -> None:
    if chosen is None or chosen == OWN:
        return
    found = session.execute(
        text("SELECT active FROM provider WHERE business_id = :business_id"), {"business_id": chosen}
    ).scalar_one_or_none()
    if not found:
        raise NotFound("There is no active provider {business_id}.", business_id=chosen)
