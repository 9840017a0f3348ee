"""Who a client is, where the installation keeps it sealed: opened for one reader at a time, and each time noted in the audit trail.

The responsible worker and whoever stands in read the name freely; everybody else says why first. What was read is in no address, title, log or
audit detail.
"""

from datetime import datetime
from typing import Final, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import ConfigurationError, InputError, Message
from core.identity import Sealer, SealError, client_row
from core.logging import redact
from services import audit
from services.access.cases import CaseAccess

Part = Literal["name", "henkilotunnus"]
PARTS: Final[tuple[Part, ...]] = ("name", "henkilotunnus")
_LONGEST_REASON: Final = 500

#: Rows in: a case. Rows out: its client's reference, and what is sealed.
_SEALED = text(
    """
    SELECT client.source, client.external_id, client.sealed_identity
    FROM client_case JOIN client ON client.id = client_case.client_id WHERE client_case.id = :case
    """
)


class NeedsReasonError(InputError):
    """The person has not said why they need to know."""


def read_identity(
    session: Session,
    access: CaseAccess,
    sealer: Sealer | None,
    part: Part,
    *,
    actor: str,
    now: datetime,
    reason: str = "",
) -> str | None:
    """The client's name or henkilötunnus; None where the source has not told it. Recorded, whether there is something to see or not.

    Raises NeedsReasonError for somebody who may not read freely and gives no reason, InputError where nothing is kept or it cannot be opened.
    """
    if sealer is None:
        raise InputError("This installation keeps nothing of who clients are.")
    said = reason.strip()
    if not said and not access.names_freely:
        raise NeedsReasonError(Message("Say why you need to know; it is recorded."))
    if len(said) > _LONGEST_REASON:
        raise NeedsReasonError(Message("Say it shorter, in at most {count} characters.", count=_LONGEST_REASON))
    row = session.execute(_SEALED, {"case": access.case_id}).one()
    found = None
    if row.sealed_identity is not None:
        place = client_row(row.source, row.external_id)
        try:
            opened = sealer.unseal(bytes(row.sealed_identity), table="client", row=place, column="sealed_identity")
        except (SealError, ConfigurationError):
            # the place names the client's reference at the source: not for a page
            raise InputError(
                "Who the client is cannot be opened here: the key is missing, or what was sealed has been changed. Tell those who"
                " look after Avain."
            ) from None
        found = opened.get(part)
    audit.record(
        session, actor, "case.identity_viewed", f"case:{access.number}", now=now, reason=redact(said), part=part, how=access.how
    )  # fmt: skip
    return found
