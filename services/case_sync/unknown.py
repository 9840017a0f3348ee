"""Records that name what Avain does not know, or that stand twice in a file: found in the database, rejected with a sentence. And those
whose worker mail cannot reach: taken in, and reported.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from connectors.rejection import quote, quote_code
from connectors.transports.base import SourceFile
from core.errors import Message
from core.i18n import N_
from services.case_sync import comparing

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
    "supervisor": _WORKER,
    "unit": _UNIT,
    "decisions.baseline.service": _SERVICE,
    "plan_items.service": _SERVICE,
    "plan_items.provider": _PROVIDER,
}

#: What so many cases of one reading name is a code, also where it is written as surnames may be.
_FEWEST_OF_A_CODE: Final = 5
#: Looking for codes that are like an unknown one takes time; who sees that so many are unknown needs no such help.
_MOST_COMPARED: Final = 200


def reject_duplicates(session: Session, run_id: int, source: str, files: Sequence[SourceFile]) -> None:
    """Record those that a later record of the same file replaces."""
    if not session.execute(comparing.REPEATED).scalar_one():
        return
    said = Message(N_("The case stands in the file again (at {later}); the later one is used."), later="")
    session.execute(comparing.REJECT_REPEATED, {**_names(run_id, source, files), "reason": said.to_json()})


def reject_unknown(session: Session, run_id: int, source: str, files: Sequence[SourceFile]) -> None:
    """Leave out the cases that name a worker, unit, service or provider Avain does not have. The rest goes on."""
    session.execute(comparing.FIND_UNKNOWN)
    unknown = session.execute(comparing.UNKNOWN_CODES).all()
    if not unknown:
        return
    listings = {_FIELDS[one.field][2] for one in unknown} if len(unknown) <= _MOST_COMPARED else set()
    known = {listing: sorted(session.execute(listing).scalars()) for listing in listings}
    said = [
        {"field": one.field, "code": one.code, "reason": _reason(one.field, one.code, one.cases, known).to_json()}
        for one in unknown
    ]
    session.execute(comparing.REJECT_UNKNOWN, {**_names(run_id, source, files), "said": said})
    session.execute(comparing.LEAVE_OUT)


def report_unreachable(session: Session, run_id: int, source: str, files: Sequence[SourceFile]) -> None:
    """Tell of the open cases whose responsible worker has no e-mail address. They are taken in: a budget needs no address, reminders do."""
    if session.execute(comparing.ALL_REACHABLE).scalar_one():
        return
    said = Message(
        N_(
            "The responsible worker {worker} has no e-mail address: only the supervisor, if there is one, hears of the case. It was taken in. "
            "To give an address: avain worker import FILE"
        ),
        worker="",
    )
    values = {**_names(run_id, source, files), "reason": said.to_json()}
    session.execute(comparing.REPORT_UNREACHABLE, values)


def _reason(field: str, code: str, cases: int, known: Mapping[TextClause, Sequence[str]]) -> Message:
    plain, with_similar, listing = _FIELDS[field]
    similar = difflib.get_close_matches(code, known.get(listing, ()), n=3)
    if similar:
        return Message(with_similar, code=quote(code), similar=", ".join(similar))
    return Message(plain, code=quote(code) if cases >= _FEWEST_OF_A_CODE else quote_code(code))


def _names(run_id: int, source: str, files: Sequence[SourceFile]) -> dict[str, Any]:
    """What every rejection says beside its reason."""
    named = [{"rank": rank, "name": one.name, "sha256": one.sha256} for rank, one in enumerate(files)]
    return {"run_id": run_id, "source": source, "files": named, "last": len(files) - 1}
