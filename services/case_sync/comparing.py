"""The statements that compare what a run read with what is known, in the order they run. Each says what rows go in and come out.

They work on the run's own tables (tables.py): `staged_case`, `staged_decision`, `staged_item` hold what was read, `staged_same` the
hashes of records that were not even read, and `sync_case` what the comparison says.
"""

from typing import Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import bindparam

#: Every word of the run about a case: a record, that it is as known, that it is gone.
_WORDS: Final = """
    SELECT position, kind, file, place, external_id, record_hash, responsible_worker, co_worker, supervisor, unit FROM staged_case
    UNION ALL
    SELECT same.position, 'same', same.file, same.place, known.external_id, same.record_hash, NULL, NULL, NULL, NULL
    FROM staged_same AS same
    JOIN client_case AS known ON known.source = :source AND known.record_hash = same.record_hash AND known.gone_at IS NULL
"""

#: Rows in: the words of the run. Rows out: one per case, by the last word about it. That a case is gone is
#: no news where it is unknown or gone already.
COMPARE: Final = text(
    f"""
    INSERT INTO sync_case (position, external_id, case_id, worker_id, co_worker_id, supervisor_id, unit_id, state)
    SELECT said.position, said.external_id,
           coalesce(known.id, nextval(pg_get_serial_sequence('client_case', 'id'))), worker.id, co_worker.id, supervisor.id, unit.id,
           CASE WHEN said.kind = 'gone' THEN 'gone'
                WHEN known.id IS NULL THEN 'new'
                WHEN known.gone_at IS NULL AND known.record_hash = said.record_hash THEN 'unchanged' ELSE 'changed' END
    FROM (SELECT DISTINCT ON (external_id) position, kind, external_id, record_hash, responsible_worker, co_worker, supervisor, unit
          FROM ({_WORDS}) AS word ORDER BY external_id, position DESC) AS said
    LEFT JOIN client_case AS known ON known.source = :source AND known.external_id = said.external_id
    LEFT JOIN worker ON worker.external_id = said.responsible_worker
    LEFT JOIN worker AS co_worker ON co_worker.external_id = said.co_worker
    LEFT JOIN worker AS supervisor ON supervisor.external_id = said.supervisor
    LEFT JOIN unit ON unit.code = said.unit
    WHERE said.kind <> 'gone' OR (known.id IS NOT NULL AND known.gone_at IS NULL)
    ORDER BY said.position -- before ids are taken: new cases are listed as they stand in the files
    """  # noqa: S608 - put together from our own words
)

#: Rows out: how many hashes were taken for known ones and are not (the case was changed or marked as gone by another hand meanwhile).
MISTAKEN: Final = text(
    """
    SELECT count(*) FROM staged_same AS same
    WHERE NOT EXISTS (SELECT FROM client_case AS known WHERE known.source = :source AND known.record_hash = same.record_hash
                      AND known.gone_at IS NULL)
    """
)

#: Rows out: how many words there are about cases that another word is about.
REPEATED: Final = text(
    """
    SELECT (SELECT count(*) FROM staged_case WHERE kind = 'record') + (SELECT count(*) FROM staged_same)
         - (SELECT count(*) FROM sync_case WHERE state <> 'gone')
    """
)

#: How a statement knows the run's files: rank, name and sha256 of each. A run approved later knows an archive, not what was in it.
_FILES: Final = (
    "jsonb_to_recordset(:files) AS named(rank integer, name text, sha256 text) ON named.rank = least(file, :last)"
)

#: Rows in: records that another record with the same id follows in the same file. Rows out: rejections that say where that one stands.
REJECT_REPEATED: Final = text(
    f"""
    INSERT INTO rejected_record (run_id, source, file_name, file_sha256, position, external_id, reason)
    SELECT :run_id, :source, named.name, named.sha256, place, external_id, jsonb_set(:reason, '{{params,later}}', to_jsonb(later))
    FROM (
        SELECT external_id, file, place, position, lead(place) OVER (PARTITION BY external_id, file ORDER BY position) AS later
        FROM ({_WORDS}) AS word WHERE kind <> 'gone'
    ) AS staged
    JOIN {_FILES}
    WHERE later IS NOT NULL ORDER BY position
    """  # noqa: S608 - put together from our own words
).bindparams(bindparam("files", type_=JSONB), bindparam("reason", type_=JSONB))

#: Rows in: cases of the source. Rows out: those in neither the staged nor the rejected records of this run, as `gone`.
FIND_GONE: Final = text(
    """
    INSERT INTO sync_case (external_id, case_id, state)
    SELECT known.external_id, known.id, 'gone' FROM client_case AS known
    WHERE known.source = :source AND known.gone_at IS NULL
      AND NOT EXISTS (SELECT FROM sync_case WHERE sync_case.external_id = known.external_id)
      AND NOT EXISTS (SELECT FROM rejected_record AS bad WHERE bad.run_id = :run_id AND bad.external_id = known.external_id)
    """
)

#: Rows in: new and changed cases. Rows out: the first code in each that Avain does not know, with the field it stands in.
FIND_UNKNOWN: Final = text(
    """
    INSERT INTO sync_unknown (position, external_id, file, place, field, code)
    SELECT DISTINCT ON (position) position, staged_case.external_id, file, place, field, code
    FROM (
        SELECT position, 1 AS rank, 'responsible_worker' AS field, responsible_worker AS code
        FROM sync_case JOIN staged_case USING (position) WHERE worker_id IS NULL
        UNION ALL
        SELECT position, 2, 'co_worker', co_worker FROM sync_case JOIN staged_case USING (position) WHERE co_worker_id IS NULL
        UNION ALL
        SELECT position, 3, 'supervisor', supervisor FROM sync_case JOIN staged_case USING (position) WHERE supervisor_id IS NULL
        UNION ALL
        SELECT position, 4, 'unit', unit FROM sync_case JOIN staged_case USING (position) WHERE unit_id IS NULL
        UNION ALL
        SELECT position, 5, 'decisions.baseline.service', baseline_service FROM staged_decision
        WHERE NOT EXISTS (SELECT FROM service WHERE service.code = baseline_service)
        UNION ALL
        SELECT position, 6, 'plan_items.service', service FROM staged_item
        WHERE NOT EXISTS (SELECT FROM service AS known WHERE known.code = service)
        UNION ALL
        SELECT position, 7, 'plan_items.provider', provider FROM staged_item
        WHERE NOT EXISTS (SELECT FROM provider AS known WHERE known.business_id = provider)
    ) AS said
    JOIN sync_case USING (position) JOIN staged_case USING (position)
    WHERE sync_case.state IN ('new', 'changed') AND code IS NOT NULL
    ORDER BY position, rank, code
    """
)

#: Rows out: each unknown code once, for a million cases may name one, and how many do.
UNKNOWN_CODES: Final = text(
    "SELECT field, code, count(*) AS cases FROM sync_unknown GROUP BY field, code ORDER BY field, code"
)

#: Rows in: cases that name an unknown code, and what is said of each code. Rows out: their rejections.
REJECT_UNKNOWN: Final = text(
    f"""
    INSERT INTO rejected_record (run_id, source, file_name, file_sha256, position, field, external_id, reason)
    SELECT :run_id, :source, named.name, named.sha256, place, field, external_id, reason
    FROM sync_unknown
    JOIN jsonb_to_recordset(:said) AS said(field text, code text, reason jsonb) USING (field, code)
    JOIN {_FILES}
    ORDER BY position
    """  # noqa: S608 - put together from our own words
).bindparams(bindparam("files", type_=JSONB), bindparam("said", type_=JSONB))

#: Rows in: cases that name an unknown code. Rows changed: they are rejected, so that nothing of them is applied.
LEAVE_OUT: Final = text(
    "UPDATE sync_case SET state = 'rejected' FROM sync_unknown WHERE sync_case.position = sync_unknown.position"
)

#: Rows out: whether mail can reach every active worker.
ALL_REACHABLE: Final = text("SELECT NOT EXISTS (SELECT FROM worker WHERE active AND email IS NULL)")

#: Rows in: open cases the run is about, also unchanged ones. Rows out: a report of each whose responsible worker has no e-mail address.
REPORT_UNREACHABLE: Final = text(
    f"""
    INSERT INTO rejected_record (run_id, source, file_name, file_sha256, position, field, external_id, reason, taken)
    SELECT :run_id, :source, named.name, named.sha256, place, 'responsible_worker', sync_case.external_id,
           jsonb_set(:reason, '{{params,worker}}', to_jsonb(worker.external_id)), true
    FROM sync_case
    JOIN ({_WORDS}) AS word USING (position)
    LEFT JOIN (SELECT position, status FROM staged_case) AS said USING (position)
    LEFT JOIN client_case AS known ON known.id = sync_case.case_id
    JOIN worker ON worker.id = coalesce(sync_case.worker_id, known.responsible_worker_id) AND worker.active AND worker.email IS NULL
    JOIN {_FILES}
    WHERE sync_case.state IN ('new', 'changed', 'unchanged') AND coalesce(said.status, known.status) = 'open'
    ORDER BY position
    """  # noqa: S608 - put together from our own words
).bindparams(bindparam("files", type_=JSONB), bindparam("reason", type_=JSONB))

#: Rows out: how many cases are in each state, how many the source had until now, how many records of the run were rejected, and
#: whether one of them could not be told apart by an id.
COUNTS: Final = text(
    """
    SELECT (SELECT coalesce(jsonb_object_agg(state, number), '{}')
            FROM (SELECT state, count(*) AS number FROM sync_case GROUP BY state) AS counted) AS states,
           (SELECT count(*) FROM client_case WHERE source = :source AND gone_at IS NULL) AS known,
           (SELECT count(*) FROM rejected_record WHERE run_id = :run_id AND NOT taken) AS rejected
    """
)

#: Rows out: whether a rejected record of the run could not be told apart by an id.
NAMELESS: Final = text("SELECT EXISTS (SELECT FROM rejected_record WHERE run_id = :run_id AND external_id IS NULL)")

#: Rows out: whether a known case the run would touch was written by a later one.
MOVED: Final = text(
    """
    SELECT EXISTS (SELECT FROM sync_case JOIN client_case ON client_case.id = sync_case.case_id
                   WHERE state IN ('changed', 'gone') AND client_case.synced_run_id > :run_id)
    """
)

#: Rows in: what earlier runs rejected of the source. Rows changed: those this run read again, or heard that they are gone, settled: what
#: is still wrong with them was recorded anew.
SETTLE_READ: Final = text(
    """
    UPDATE rejected_record SET settled_at = :now
    WHERE source = :source AND run_id < :run_id AND settled_at IS NULL
      AND external_id IN (SELECT external_id FROM sync_case
                          UNION SELECT external_id FROM staged_case WHERE kind = 'gone'
                          UNION SELECT external_id FROM rejected_record WHERE run_id = :run_id)
    """
)
