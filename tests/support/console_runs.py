"""Work and runs as the tests of their pages want them."""

from models.audit import AuditEvent
from services.work import call, fail
from tests.support.work import BOOM, claimed


def of_source(session, kind="sync_cases", source="a", request="r-1", **more):
    """Work of a request, in its source's lane."""
    arguments = {"source": source, "request": request, **more}
    work_id = call(session, kind, f"{kind}:{source}:{request}", lane=f"source:{source}", **arguments)
    assert work_id is not None
    return work_id


def calculation(session):
    """A calculation of budgets, called for."""
    work_id = call(session, "recompute_budgets", "recompute_budgets")
    assert work_id is not None
    return work_id


def gave_up(session, kind="sync_cases", source="a", message=BOOM):
    """The last run of work that was given up."""
    work = claimed(session, of_source(session, kind, source))
    fail(session, work, message, final=True)
    return work.run_id


def acts(session):
    return [one.action for one in session.query(AuditEvent).order_by(AuditEvent.id) if not one.action.startswith("con")]
