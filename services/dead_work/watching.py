"""Which jobs fail for good, and which work again: noticed from the rows of Work alone, however a work died.

A job is a kind of Work, of one source where it has one: `nightly_cases`, `fetch_prices of kaveripaja`, `deliver_order`. Scheduled jobs have
a kind each, so a slot, a run by hand and the next slot are the same job. It fails from the first of its works that is given up, and works
again when each of those was done, or let rest by a person; or, where the next time makes good what the last one missed, when any later one
went well. Beat looks every few seconds (workers/beat.py); what a job is and who hears of it: docs/dead-work.md.
"""

from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Whoever asked is looking at it, or the letter itself is what failed: the operator is not written about these.
NEVER_TOLD: Final = frozenset({"send_letter", "send_test_order", "look_at_source", "read_price_upload"})
#: Somebody else hears of each of these: the responsible worker of an order, the supervisor of an e-mail. The operator hears when several
#: fail: then it is not one address, it is a server.
TOLD_ELSEWHERE: Final = frozenset({"deliver_order", "tell_cancelled", "send_digest"})
SEVERAL: Final = 3
#: Each is about a thing of its own: that another went well makes nothing good.
_EACH_ITS_OWN: Final = frozenset({"deliver_order", "tell_cancelled", "plan_statements", "write_statements"})
#: About one thing each, but the next one says all that the last one missed.
_NEXT_SAYS_ALL: Final = frozenset({"send_digest"})
#: Of so many deaths is taken note at once; the next tick goes on.
_AT_ONCE: Final = 10_000

#: Rows in: kinds nobody is told of. Rows changed: works that died and were not noticed yet, and the jobs they are of. Two that watch at once
#: notice each work once. A version before this one does not write `dead_reason`: it is made up for here.
_NOTICE = text(
    """
    WITH died AS (
        SELECT id, kind, coalesce(arguments ->> 'source', '') AS source, dead_at, last_error FROM work
        WHERE dead_at IS NOT NULL AND noticed IS DISTINCT FROM dead_at
        ORDER BY id LIMIT :at_once FOR UPDATE SKIP LOCKED
    ), noticed AS (
        UPDATE work SET noticed = died.dead_at, dead_reason = coalesce(died.last_error ->> 'msgid', '')
        FROM died WHERE work.id = died.id
    ), jobs AS (
        SELECT kind, source, min(dead_at) AS since, min(run_id) AS first_run, max(run_id) AS last_run
        FROM died CROSS JOIN LATERAL (SELECT max(run.id + 0) AS run_id FROM run WHERE run.work_id = died.id) AS latest
        WHERE kind <> ALL(CAST(:never AS text[]))
        GROUP BY kind, source
    ), written AS (
        INSERT INTO failing_job (kind, source, since, first_run, last_run, changed_at)
        SELECT kind, source, since, first_run, last_run, clock_timestamp() FROM jobs ORDER BY kind, source
        ON CONFLICT (kind, source) DO UPDATE SET
            last_run = greatest(failing_job.last_run, excluded.last_run),
            since = CASE WHEN failing_job.recovered_at IS NULL THEN failing_job.since ELSE excluded.since END,
            first_run = CASE WHEN failing_job.recovered_at IS NULL THEN failing_job.first_run ELSE excluded.first_run END,
            changed_at = CASE WHEN failing_job.recovered_at IS NULL THEN failing_job.changed_at ELSE excluded.changed_at END,
            flaps = failing_job.flaps + CASE WHEN failing_job.recovered_at IS NULL THEN 0 ELSE 1 END,
            recovered_at = NULL
    )
    SELECT count(*) FROM died
    """
)

_WENT_WELL: Final = """
    run.kind = job.kind AND run.outcome IN ('succeeded', 'partly', 'nothing_to_do', 'held', 'refused')
    AND coalesce(work.arguments ->> 'source', '') = job.source"""

#: Rows in: kinds of which each is its own. Rows changed: jobs that failed and do no more. `well`: something went well since, it was not only
#: let rest; `on_retry`: what had failed was done itself.
_RECOVER = text(
    f"""
    WITH failing AS (
        SELECT id, kind, source, since, first_run, last_run FROM failing_job
        WHERE recovered_at IS NULL ORDER BY id FOR UPDATE SKIP LOCKED
    ), looked AS (
        SELECT job.id, job.kind <> ALL(CAST(:own AS text[])) AND EXISTS (
                   SELECT FROM run JOIN work ON work.id = run.work_id
                   WHERE {_WENT_WELL} AND run.id > job.last_run
                     AND (work.subject_id IS NULL OR job.kind = ANY(CAST(:says_all AS text[])))) AS next_went_well,
               EXISTS (
                   SELECT FROM work
                   WHERE kind = job.kind AND coalesce(arguments ->> 'source', '') = job.source AND noticed >= job.since
                     AND noticed IS NOT NULL AND done_at IS NULL AND acknowledged IS NULL) AS something_left
        FROM failing AS job
    ), over AS (
        SELECT job.id, next_went_well, NOT something_left AND EXISTS (
                   SELECT FROM run JOIN work ON work.id = run.work_id
                   WHERE {_WENT_WELL} AND run.id > job.first_run AND work.noticed >= job.since AND work.done_at IS NOT NULL
               ) AS was_done
        FROM looked JOIN failing AS job ON job.id = looked.id
        WHERE next_went_well OR NOT something_left
    )
    UPDATE failing_job SET
        recovered_at = clock_timestamp(), changed_at = clock_timestamp(), flaps = flaps + 1,
        well = next_went_well OR was_done, on_retry = was_done
    FROM over WHERE over.id = failing_job.id
    """  # noqa: S608 - our own words
)


def notice(session: Session) -> int:
    """Take note of works that died since the last look; how many."""
    values = {"never": sorted(NEVER_TOLD), "at_once": _AT_ONCE}
    return int(session.execute(_NOTICE, values).scalar_one())


def find_recovered(session: Session) -> int:
    """Find the jobs that failed and work again, or of which nothing is left to be done; how many."""
    values = {"own": sorted(_EACH_ITS_OWN), "says_all": sorted(_NEXT_SAYS_ALL)}
    return int(session.execute(_RECOVER, values).rowcount)  # type: ignore[attr-defined]
