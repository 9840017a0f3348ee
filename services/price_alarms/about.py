"""What became of one list, in the words of an alarm."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.transports.spooling import plain_name
from core.errors import Message
from services.alarms import Alarm
from services.prices import ImportResult

#: Rows in: a list, or none: all that wait. Rows out: what it is, whose, and why it waits.
_LISTS = text(
    """
    SELECT price_list.id, price_source.name AS source, sha256, file_name, provider.name AS provider
    FROM price_list JOIN price_source ON price_source.id = source_id LEFT JOIN provider ON provider.id = provider_id
    WHERE CASE WHEN CAST(:id AS bigint) IS NULL THEN state = 'held' ELSE price_list.id = :id END
    ORDER BY price_list.id
    """
)


def about_list(session: Session, result: ImportResult) -> list[Alarm]:
    """The alarm of a list that was held or refused; none of any other."""
    if result.outcome not in {"held", "refused"} or result.price_list_id is None:
        return []
    row = session.execute(_LISTS, {"id": result.price_list_id}).one()
    reason = result.message or Message("No row of the price list could be used.")
    if result.outcome == "refused":
        return [about_refused(row.source, row.file_name, row.sha256, reason)]
    values = {**_named(row), "reason": reason, "count": len(result.reasons) - 1}
    if len(result.reasons) > 1:
        message = Message("List {id} of {provider} ({file}): {reason} Other reasons: {count}.", **values)
    else:
        message = Message("List {id} of {provider} ({file}): {reason}", **values)
    return [Alarm("held", f"price_list:{row.id}", message)]


def about_refused(source: str, file_name: str, sha256: str, reason: Message) -> Alarm:
    """The alarm of a file of which nothing could be used; the same bytes are told of once."""
    message = Message("{source}, {file}: {reason}", source=source, file=plain_name(file_name), reason=reason)
    return Alarm("refused", f"{source}:{sha256}", message)


def waiting(session: Session) -> list[Alarm]:
    """Alarms of all lists that wait."""
    return [
        Alarm("held", f"price_list:{row.id}", Message("List {id} of {provider} ({file}) waits.", **_named(row)))
        for row in session.execute(_LISTS, {"id": None})
    ]


def _named(row: Any) -> dict[str, Any]:
    provider = row.provider or Message("own unit cost")
    return {"id": row.id, "provider": provider, "file": plain_name(row.file_name)}
