"""Records that name what Avain does not know, or that stand twice in a file: found in the database, rejected with a sentence."""

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.rejection import Rejection, quote
from core.errors import Message
from core.i18n import N_
from services.case_sync import statements
from services.rejected import reject

#: Per field: the sentence, the sentence when something known looks like it, and the statement that lists what is known.
_SERVICE: Final = (
    N_("The service {code} is not known to Avain."),
    N_("The service {code} is not known to Avain; similar: {similar}"),
    text("SELECT code FROM service"),
)
_WORKER: Final = (
    N_("The worker {code} is not known to Avain."),
    N_("The worker {code} is not known to Avain; similar: {similar}"),
    text("SELECT external_id FROM worker"),
)
_UNIT: Final = (
    N_("The unit {code} is not known to Avain."),
    N_("The unit {code} is not known to Avain; similar: {similar}"),
    text("SELECT code FROM unit"),
)
_PROVIDER: Final = (
    N_("The provider {code} is not known to Avain."),
    N_("The provider {code} is not known to Avain; similar: {similar}"),
    text("SELECT business_id FROM provider"),
)
_FIELDS: Final = {
    "responsible_worker": _WORKER,
    "co_worker": _WORKER,
    "unit": _UNIT,
    "decisions.baseline.service": _SERVICE,
    "plan_items.service": _SERVICE,
    "plan_items.provider": _PROVIDER,
}


def reject_duplicates(session: Session, run_id: int, source: str) -> None:
    """Record those that a later record of the same file replaces."""
    rows = session.execute(statements.DUPLICATES, {"run_id": run_id}).mappings().all()
    said = N_("The case stands in the file again (at {later}); the later one is used.")
    _reject(session, run_id, source, ((row, None, Message(said, later=row["later"])) for row in rows))


def reject_unknown(session: Session, run_id: int, source: str) -> None:
    """Leave out the cases that name a worker, unit, service or provider Avain does not have. The rest goes on."""
    rows = session.execute(statements.UNKNOWN_CODES).mappings().all()
    if not rows:
        return
    listings = {_FIELDS[row["field"]][2] for row in rows}
    known = {listing: sorted(session.execute(listing).scalars()) for listing in listings}
    sentences: dict[tuple[str, str], Message] = {}  # 7,000 records may name one code
    for field, code in {(row["field"], row["code"]) for row in rows}:
        plain, with_similar, listing = _FIELDS[field]
        similar = difflib.get_close_matches(code, known[listing], n=3)
        sentences[field, code] = (
            Message(with_similar, code=quote(code), similar=", ".join(similar))
            if similar
            else Message(plain, code=quote(code))
        )
    _reject(session, run_id, source, ((row, row["field"], sentences[row["field"], row["code"]]) for row in rows))
    session.execute(statements.LEAVE_OUT, {"ids": [row["external_id"] for row in rows]})


def _reject(
    session: Session, run_id: int, source: str, found: Iterable[tuple[Mapping[Any, Any], str | None, Message]]
) -> None:
    """One insert per file."""
    files: defaultdict[tuple[str, str], list[Rejection]] = defaultdict(list)
    for row, field, reason in found:
        files[row["file_name"], row["file_sha256"]].append(Rejection(row["place"], field, row["external_id"], reason))
    for (name, sha256), rejections in files.items():
        reject(session, run_id, source, name, sha256, rejections)
