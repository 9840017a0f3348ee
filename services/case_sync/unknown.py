"""Records that name what Avain does not know, or that stand twice in a file: found in the database, rejected with a sentence."""

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.rejection import Rejection, quote
from connectors.transports.base import SourceFile
from core.errors import Message
from core.i18n import N_
from services.case_sync import comparing
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


def reject_duplicates(session: Session, run_id: int, source: str, files: Sequence[SourceFile]) -> None:
    """Record those that a later record of the same file replaces."""
    if not session.execute(comparing.REPEATED).scalar_one():
        return
    rows = session.execute(comparing.DUPLICATES, {"source": source}).mappings().all()
    said = N_("The case stands in the file again (at {later}); the later one is used.")
    _reject(session, run_id, source, files, ((row, None, Message(said, later=row["later"])) for row in rows))


def reject_unknown(session: Session, run_id: int, source: str, files: Sequence[SourceFile]) -> None:
    """Leave out the cases that name a worker, unit, service or provider Avain does not have. The rest goes on."""
    rows = session.execute(comparing.UNKNOWN_CODES).mappings().all()
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
    _reject(session, run_id, source, files, ((row, row["field"], sentences[row["field"], row["code"]]) for row in rows))
    session.execute(comparing.LEAVE_OUT, {"ids": [row["external_id"] for row in rows]})


def _reject(
    session: Session,
    run_id: int,
    source: str,
    files: Sequence[SourceFile],
    found: Iterable[tuple[Mapping[Any, Any], str | None, Message]],
) -> None:
    """One insert per file."""
    by_file: defaultdict[int, list[Rejection]] = defaultdict(list)
    for row, field, reason in found:
        by_file[row["file"]].append(Rejection(row["place"], field, row["external_id"], reason))
    for rank, rejections in by_file.items():
        file = files[min(rank, len(files) - 1)]  # a run approved later knows an archive, not the files that were in it
        reject(session, run_id, source, file.name, file.sha256, rejections)
