"""Tasks of statements for families: plan those of many cases, then write them a chunk of cases at a time."""

from core.clock import business_now
from core.faults import fault_point
from services.statements import bulk
from services.statements.bulk import Wanted
from services.statements.freshness import make_fresh
from services.statements.printing import form
from workers.task import Lease, work_task


@work_task("plan_statements")
def plan_statements(lease: Lease) -> None:
    """Choose the cases and call for a Work for each chunk of them."""
    with lease.closing() as closing:
        chosen = bulk.call_chunks(closing.session, Wanted.from_json(lease.arguments))
        closing.report("succeeded" if chosen.ids else "nothing_to_do", counts=chosen.counts)


@work_task("write_statements")
def write_statements(lease: Lease) -> None:
    """Print a chunk with no transaction open, record it, then write the files: what somebody can read has been recorded."""
    wanted, settings = Wanted.from_json(lease.arguments), lease.settings
    cases = lease.arguments.get("cases", [])
    with lease.transaction() as session:
        make_fresh(session, ids=cases, now=business_now(session), settings=settings.budgets)
    with lease.transaction() as session:
        found = bulk.read_chunk(session, cases)
        on = form(session, wanted.language, settings.organisation.name, settings.statements, today=wanted.today)
    chunk = bulk.print_chunk(found, on)
    with lease.transaction() as session:
        bulk.record_chunk(session, wanted, chunk.papers, now=business_now(session))
    fault_point("statements.recorded")
    bulk.write_chunk(settings.statement_folder, wanted, chunk.papers)
    fault_point("statements.written")
    with lease.closing() as closing:
        closing.report("partly" if chunk.failed else "succeeded", counts=chunk.counts, message=chunk.message)
