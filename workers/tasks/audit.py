"""The tasks that seal the audit trail and verify its newest month."""

from datetime import timedelta

from core.clock import business_now, local_date
from core.database import statements
from core.errors import Message
from core.i18n import N_
from services.audit_seals.anchoring import DatabaseBehindError, anchor
from services.audit_seals.sealing import look, note, seal_some
from services.audit_seals.state import note as note_verified
from services.audit_seals.verifying import verify
from services.effects import disown
from workers.task import Lease, work_task

#: What an anchor file that knows more than the database means for what leaves it (services/effects).
_SET_BACK = N_("The database was set back to an earlier point: the audit trail was anchored further than it goes.")


@work_task("seal_audit")
def seal(lease: Lease) -> None:
    """Chain what was committed since the last time, batch by batch, then anchor the head of the chain."""
    with lease.transaction() as session:
        what = look(session)
    count, after, more = 0, None, True
    while more:
        with lease.transaction() as session:
            sealed = seal_some(session, what, after)
        count, after, more = count + sealed.count, sealed.after, sealed.after is not None
    with lease.transaction() as session:
        note(session, what)
    try:
        with lease.closing() as closing:
            anchored = anchor(closing.session, lease.settings.audit_anchors, moment=what.moment)
            closing.report("succeeded" if count else "nothing_to_do", counts={"sealed": count, "anchored": anchored})
    except DatabaseBehindError:
        with lease.transaction() as session:
            disown(session, Message(_SET_BACK), now=business_now(session))
        raise


@work_task("verify_audit")
def check(lease: Lease) -> None:
    """Verify from the month that was yesterday on; what is broken is kept for the doctor and told to the operator."""
    with statements() as session:
        month = local_date(look(session).moment - timedelta(days=1)).replace(day=1)
        found = verify(session, lease.settings.audit_anchors, first=month)
    with lease.closing() as closing:
        note_verified(closing.session, found, lease.settings, now=business_now(closing.session))
        counts = {"verified": found.events, "broken": int(found.broken is not None)}
        closing.report(
            "partly" if found.broken else "succeeded",
            counts=counts,
            message=None if found.broken is None else found.broken.message,
        )
