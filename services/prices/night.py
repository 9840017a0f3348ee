"""The end of a night's imports: when the last of them has ended, however it ended, the budgets they touched are calculated once.

What a list changed is noted in its own transaction, without calling for the calculation. Whoever ends last calls: the night's Work is
locked while it is looked, so of two that end at the same moment one sees the other's end.

Nobody waits long for one that does not end: what was called for an hour ago, or is put off for more than a quarter of an hour (a source
that may be asked only in the evening), keeps the others' budgets waiting no more. When it ends it calls for its own. Whatever is left
over, the budgets' own slot takes later that night.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.budgets.recompute import anything_noted
from services.work import call_again
from services.work.lease import Ended, when_given_up

KINDS = ("fetch_prices", "read_price_mail", "import_prices")

#: Rows in: a Work. Rows out: the night's request it belongs to.
_REQUEST = text("SELECT arguments ->> 'request' FROM work WHERE id = :id AND arguments ? 'night'")

_LOCK = text("SELECT id FROM work WHERE key = :request FOR UPDATE")

#: Rows in: a night's request, and a Work that ends now. Rows out: whether others of that night have not ended, and will soon.
_OTHERS = text(
    """
    SELECT EXISTS (SELECT FROM work WHERE kind = ANY(:kinds) AND arguments ->> 'request' = :request AND id <> :work_id
                   AND done_at IS NULL AND dead_at IS NULL AND created_at > clock_timestamp() - interval '1 hour'
                   AND (token IS NOT NULL OR next_at < clock_timestamp() + interval '15 minutes'))
    """
)


def end_one(session: Session, request: str, work_id: int) -> bool:
    """Note, last thing in the transaction that ends it, that Work of a night ends; True when the night's recomputation was called for."""
    session.execute(_LOCK, {"request": request})
    values = {"kinds": list(KINDS), "request": request, "work_id": work_id}
    if session.execute(_OTHERS, values).scalar_one() or not anything_noted(session):
        return False
    call_again(session, "recompute_budgets", "recompute_budgets")
    return True


@when_given_up("fetch_prices")
@when_given_up("read_price_mail")
@when_given_up("import_prices")
def given_up(session: Session, ended: Ended) -> None:
    """A list that could not be had must not keep the others' budgets waiting."""
    request = session.execute(_REQUEST, {"id": ended.work_id}).scalar_one_or_none()
    if request is not None:
        end_one(session, request, ended.work_id)
