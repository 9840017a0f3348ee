"""The set-based statements of a merge, in the order they run. Each says what rows go in and come out.

They work on three temporary tables of the transaction. `sync_case` has one row per case of the source that the run is about, with
`state`: new, changed, unchanged, gone (known, and missing from a snapshot) or rejected. `sync_decision` and `sync_item` hold the
parts of new and changed cases, with our ids where the source's codes are known.
"""

from typing import Final

from sqlalchemy import text

CREATE: Final = (
    text(
        """
        CREATE TEMPORARY TABLE sync_case (
            external_id text PRIMARY KEY, position bigint, file_name text, file_sha256 text, place text, record_hash bytea,
            record jsonb, case_id bigint, worker_id bigint, co_worker_id bigint, unit_id bigint, state text NOT NULL
        ) ON COMMIT DROP
        """
    ),
    text(
        """
        CREATE TEMPORARY TABLE sync_decision (
            case_external_id text, external_id text, number text, stand_date date, decided_on date, valid daterange,
            granted_amount numeric, baseline text, baseline_service_id bigint, baseline_quantity numeric, baseline_unit text
        ) ON COMMIT DROP
        """
    ),
    text(
        """
        CREATE TEMPORARY TABLE sync_item (
            case_external_id text, external_id text, decision text, service text, service_id bigint, quantity numeric, unit text,
            period daterange, provider text, provider_id bigint, follow_up jsonb
        ) ON COMMIT DROP
        """
    ),
)

DROP: Final = text("DROP TABLE sync_case, sync_decision, sync_item")

#: Fresh temporary tables have no statistics, and the planner would take them for small.
ANALYZE: Final = text("ANALYZE sync_case, sync_decision, sync_item")

#: Rows in: the staged records of the run. Rows out: one per case, the last of several; unchanged ones without their content.
COMPARE: Final = text(
    """
    INSERT INTO sync_case
    SELECT staged.external_id, staged.position, staged.file_name, staged.file_sha256, staged.place, staged.record_hash,
           CASE WHEN state <> 'unchanged' THEN record END, staged.case_id, worker.id, co_worker.id, unit.id, state
    FROM (
        SELECT DISTINCT ON (one.external_id) one.*, known.id AS case_id,
               CASE WHEN known.id IS NULL THEN 'new'
                    WHEN known.gone_at IS NULL AND known.record_hash = one.record_hash THEN 'unchanged' ELSE 'changed' END AS state
        FROM case_staging AS one
        LEFT JOIN client_case AS known ON known.source = :source AND known.external_id = one.external_id
        WHERE one.run_id = :run_id
        ORDER BY one.external_id, one.position DESC
    ) AS staged
    LEFT JOIN worker ON worker.external_id = staged.record ->> 'responsible_worker'
    LEFT JOIN worker AS co_worker ON co_worker.external_id = staged.record ->> 'co_worker'
    LEFT JOIN unit ON unit.code = staged.record ->> 'unit'
    """
)

#: Rows in: decisions of new and changed cases. Rows out: the same, with the id of the replaced service.
SPREAD_DECISIONS: Final = text(
    """
    INSERT INTO sync_decision
    SELECT sync_case.external_id, said.external_id, said.number, said.stand_date, said.decided_on,
           CASE WHEN coalesce(said.valid_from, said.valid_to) IS NOT NULL THEN daterange(said.valid_from, said.valid_to, '[]') END,
           said.granted_amount, said.baseline ->> 'service', service.id, (said.baseline ->> 'quantity')::numeric,
           said.baseline ->> 'unit'
    FROM sync_case
    CROSS JOIN LATERAL jsonb_to_recordset(sync_case.record -> 'decisions') AS said(
        external_id text, number text, stand_date date, decided_on date, valid_from date, valid_to date, granted_amount numeric,
        baseline jsonb)
    LEFT JOIN service ON service.code = said.baseline ->> 'service'
    WHERE sync_case.state IN ('new', 'changed')
    """
)

#: Rows in: planned services of new and changed cases. Rows out: the same, with the ids of service and provider.
SPREAD_ITEMS: Final = text(
    """
    INSERT INTO sync_item
    SELECT sync_case.external_id, said.external_id, said.decision, said.service, service.id, said.quantity, said.unit,
           daterange(said.start, said."end", '[]'), said.provider, provider.id, said.follow_up
    FROM sync_case
    CROSS JOIN LATERAL jsonb_to_recordset(sync_case.record -> 'plan_items') AS said(
        external_id text, decision text, service text, quantity numeric, unit text, start date, "end" date, provider text,
        follow_up jsonb)
    LEFT JOIN service ON service.code = said.service
    LEFT JOIN provider ON provider.business_id = said.provider
    WHERE sync_case.state IN ('new', 'changed')
    """
)

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

#: Rows in: records that another record with the same id follows in the same file. Rows out: where both stand.
DUPLICATES: Final = text(
    """
    SELECT external_id, file_name, file_sha256, place, later FROM (
        SELECT *, lead(place) OVER (PARTITION BY external_id, file_name, file_sha256 ORDER BY position) AS later
        FROM case_staging WHERE run_id = :run_id
    ) AS staged
    WHERE later IS NOT NULL ORDER BY position
    """
)

#: Rows in: new and changed cases. Rows out: the first code in each that Avain does not know, with the field it stands in.
UNKNOWN_CODES: Final = text(
    """
    SELECT DISTINCT ON (position) external_id, file_name, file_sha256, place, field, code
    FROM sync_case JOIN (
        SELECT external_id AS id, 1 AS rank, 'responsible_worker' AS field, record ->> 'responsible_worker' AS code
        FROM sync_case WHERE worker_id IS NULL
        UNION ALL SELECT external_id, 2, 'co_worker', record ->> 'co_worker' FROM sync_case WHERE co_worker_id IS NULL
        UNION ALL SELECT external_id, 3, 'unit', record ->> 'unit' FROM sync_case WHERE unit_id IS NULL
        UNION ALL SELECT case_external_id, 4, 'decisions.baseline.service', baseline
                  FROM sync_decision WHERE baseline_service_id IS NULL
        UNION ALL SELECT case_external_id, 5, 'plan_items.service', service FROM sync_item WHERE service_id IS NULL
        UNION ALL SELECT case_external_id, 6, 'plan_items.provider', provider FROM sync_item WHERE provider_id IS NULL
    ) AS said ON said.id = sync_case.external_id
    WHERE state IN ('new', 'changed') AND code IS NOT NULL
    ORDER BY position, rank, code
    """
)

#: Rows in: external ids. Rows changed: their cases are rejected, so that nothing of them is applied.
LEAVE_OUT: Final = text("UPDATE sync_case SET state = 'rejected' WHERE external_id = ANY(:ids)")

#: Rows out: how many cases are in each state, and how many the source had until now.
COUNTS: Final = text(
    """
    SELECT (SELECT coalesce(jsonb_object_agg(state, number), '{}')
            FROM (SELECT state, count(*) AS number FROM sync_case GROUP BY state) AS counted) AS states,
           (SELECT count(*) FROM client_case WHERE source = :source AND gone_at IS NULL) AS known
    """
)

#: Rows out: how many records are staged and rejected so far, and whether a rejected one could not be told apart by an id.
SO_FAR: Final = text(
    """
    SELECT (SELECT count(*) FROM case_staging WHERE run_id = :run_id) AS staged,
           count(*) AS rejected, coalesce(bool_or(external_id IS NULL), false) AS nameless
    FROM rejected_record WHERE run_id = :run_id
    """
)

#: Rows in: clients of new and changed cases. Rows out: their rows, made or brought up to date.
CLIENTS: Final = text(
    """
    INSERT INTO client (source, external_id, non_disclosure, sealed_identity, blind_index)
    SELECT DISTINCT ON (who ->> 'external_id') :source, who ->> 'external_id', coalesce((who ->> 'non_disclosure')::boolean, false),
           decode(who ->> 'sealed', 'base64'), decode(who ->> 'blind', 'base64')
    FROM (SELECT record -> 'client' AS who, position FROM sync_case WHERE state IN ('new', 'changed')) AS said
    ORDER BY who ->> 'external_id', position DESC
    ON CONFLICT (source, external_id) DO UPDATE SET
        non_disclosure = excluded.non_disclosure,
        sealed_identity = excluded.sealed_identity,
        blind_index = excluded.blind_index
    """
)

#: Rows in: new cases and as many numbers, in the files' order. Rows out: their rows; `sync_case` learns their ids.
NEW_CASES: Final = text(
    """
    WITH made AS (
        INSERT INTO client_case (number, source, external_id, client_id, responsible_worker_id, co_worker_id, unit_id, status,
            assessment_date, plan_date, kykyviisari_date, support_person, goals, goals_from_source, record_hash, synced_run_id)
        SELECT numbered.number, :source, fresh.external_id, client.id, worker_id, co_worker_id, unit_id, record ->> 'status',
               (record ->> 'assessment_date')::date, (record ->> 'plan_date')::date, (record ->> 'kykyviisari_date')::date,
               (record ->> 'support_person')::boolean, ARRAY(SELECT jsonb_array_elements_text(record -> 'goals')),
               record -> 'goals' <> '[]', record_hash, :run_id
        FROM (SELECT *, row_number() OVER (ORDER BY position) AS rank FROM sync_case WHERE state = 'new') AS fresh
        JOIN unnest(CAST(:numbers AS text[])) WITH ORDINALITY AS numbered(number, rank) USING (rank)
        JOIN client ON client.source = :source AND client.external_id = record -> 'client' ->> 'external_id'
        RETURNING id, external_id
    )
    UPDATE sync_case SET case_id = made.id FROM made WHERE made.external_id = sync_case.external_id
    """
)

#: Rows in: known cases that will be touched. Rows out: their planned services, held until the merge is committed, so that none is
#: ordered or chosen on a plan, choice or case that is just being replaced. In the order in which approvals hold them: neither waits
#: for the other for ever.
HOLD_ITEMS: Final = text(
    """
    SELECT plan_item.id FROM plan_item JOIN sync_case ON sync_case.case_id = plan_item.case_id
    WHERE sync_case.state IN ('changed', 'gone')
    ORDER BY plan_item.id FOR NO KEY UPDATE OF plan_item
    """
)

#: Rows in: changed cases, also those that came back. Rows changed: what the source owns of them. Goals entered here stay while
#: the source has none; goals the source once gave go when it takes them back.
CHANGED_CASES: Final = text(
    """
    UPDATE client_case SET
        client_id = client.id, responsible_worker_id = said.worker_id, co_worker_id = said.co_worker_id, unit_id = said.unit_id,
        status = record ->> 'status', assessment_date = (record ->> 'assessment_date')::date,
        plan_date = (record ->> 'plan_date')::date, kykyviisari_date = (record ->> 'kykyviisari_date')::date,
        support_person = (record ->> 'support_person')::boolean,
        goals = CASE WHEN record -> 'goals' <> '[]' OR goals_from_source
                     THEN ARRAY(SELECT jsonb_array_elements_text(record -> 'goals')) ELSE goals END,
        goals_from_source = record -> 'goals' <> '[]',
        record_hash = said.record_hash, synced_run_id = :run_id, gone_at = NULL
    FROM sync_case AS said
    JOIN client ON client.source = :source AND client.external_id = record -> 'client' ->> 'external_id'
    WHERE said.state = 'changed' AND client_case.id = said.case_id
    """
)

#: Rows in: decisions of new and changed cases. Rows out: their rows, made or brought up to date; a vanished one that is back runs
#: again. The basis is the source's where it states one; what was entered here stays where it never did.
DECISIONS: Final = text(
    """
    INSERT INTO decision (case_id, external_id, number, stand_date, decided_on, valid, granted_amount, baseline_service_id,
                          baseline_quantity, baseline_unit, basis_from_source)
    SELECT sync_case.case_id, said.external_id, said.number, said.stand_date, said.decided_on, said.valid, said.granted_amount,
           said.baseline_service_id, said.baseline_quantity, said.baseline_unit,
           said.granted_amount IS NOT NULL OR said.baseline_service_id IS NOT NULL
    FROM sync_decision AS said JOIN sync_case ON sync_case.external_id = said.case_external_id
    WHERE sync_case.state IN ('new', 'changed')
    ON CONFLICT (case_id, external_id) DO UPDATE SET
        number = excluded.number, stand_date = excluded.stand_date, decided_on = excluded.decided_on, valid = excluded.valid,
        (granted_amount, baseline_service_id, baseline_quantity, baseline_unit) = (
            SELECT excluded.granted_amount, excluded.baseline_service_id, excluded.baseline_quantity, excluded.baseline_unit
            WHERE excluded.basis_from_source OR decision.basis_from_source
            UNION ALL
            SELECT decision.granted_amount, decision.baseline_service_id, decision.baseline_quantity, decision.baseline_unit
            WHERE NOT (excluded.basis_from_source OR decision.basis_from_source)
        ),
        basis_from_source = excluded.basis_from_source, ended_at = NULL
    """
)

#: Rows in: planned services of new and changed cases. Rows out: their rows, made or brought up to date.
ITEMS: Final = text(
    """
    INSERT INTO plan_item (case_id, decision_id, external_id, service_id, quantity, unit, period, follow_up_rhythm)
    SELECT sync_case.case_id, decision.id, said.external_id, said.service_id, said.quantity, said.unit, said.period, said.follow_up
    FROM sync_item AS said
    JOIN sync_case ON sync_case.external_id = said.case_external_id
    JOIN decision ON decision.case_id = sync_case.case_id AND decision.external_id = said.decision
    WHERE sync_case.state IN ('new', 'changed')
    ON CONFLICT (case_id, external_id) DO UPDATE SET
        decision_id = excluded.decision_id, service_id = excluded.service_id, quantity = excluded.quantity, unit = excluded.unit,
        period = excluded.period, follow_up_rhythm = excluded.follow_up_rhythm, ended_at = NULL
    """
)

#: Rows in: changed cases. Rows changed: decisions they no longer have, ended.
END_DECISIONS: Final = text(
    """
    UPDATE decision SET ended_at = :now FROM sync_case
    WHERE sync_case.state = 'changed' AND decision.case_id = sync_case.case_id AND decision.ended_at IS NULL
      AND NOT EXISTS (SELECT FROM sync_decision AS said WHERE said.case_external_id = sync_case.external_id
                      AND said.external_id = decision.external_id)
    """
)

#: Rows in: changed cases. Rows changed: planned services they no longer have, ended.
END_ITEMS: Final = text(
    """
    UPDATE plan_item SET ended_at = :now FROM sync_case
    WHERE sync_case.state = 'changed' AND plan_item.case_id = sync_case.case_id AND plan_item.ended_at IS NULL
      AND NOT EXISTS (SELECT FROM sync_item AS said WHERE said.case_external_id = sync_case.external_id
                      AND said.external_id = plan_item.external_id)
    """
)

_NAMED: Final = """
    sync_item AS said
    JOIN sync_case ON sync_case.external_id = said.case_external_id AND sync_case.state IN ('new', 'changed')
    JOIN plan_item ON plan_item.case_id = sync_case.case_id AND plan_item.external_id = said.external_id
"""

#: Rows in: planned services of new and changed cases. Rows changed: the source's own choices that it no longer states.
END_CHOICES: Final = text(
    f"""
    UPDATE choice SET ended_at = :now FROM {_NAMED}
    WHERE choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL AND choice.chosen_by = 'source'
      AND choice.provider_id IS DISTINCT FROM said.provider_id
    """  # noqa: S608 - put together from our own words
)

#: Rows in: planned services for which the source names a provider. Rows out: a choice where nobody has chosen.
CHOICES: Final = text(
    f"""
    INSERT INTO choice (plan_item_id, provider_id, chosen_by, actor, reason, chosen_at)
    SELECT plan_item.id, said.provider_id, 'source', 'source:' || CAST(:source AS text), '', :now FROM {_NAMED}
    WHERE said.provider_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM choice WHERE choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL)
    """  # noqa: S608 - put together from our own words
)

#: Rows in: cases missing from a snapshot. Rows changed: marked as gone, nothing is deleted.
GONE: Final = text(
    "UPDATE client_case SET gone_at = :now FROM sync_case WHERE sync_case.state = 'gone' AND client_case.id = sync_case.case_id"
)

#: Rows out: the decisions of every case the run touched.
TOUCHED_DECISIONS: Final = text(
    "SELECT decision.id FROM decision JOIN sync_case USING (case_id) WHERE state IN ('new', 'changed', 'gone') ORDER BY decision.id"
)

#: Rows in: what earlier runs rejected of the source. Rows changed: those this run read again, settled: what is still wrong with them
#: was recorded anew.
SETTLE_READ: Final = text(
    """
    UPDATE rejected_record SET settled_at = :now
    WHERE source = :source AND run_id < :run_id AND settled_at IS NULL
      AND external_id IN (SELECT external_id FROM case_staging WHERE run_id = :run_id
                          UNION SELECT external_id FROM rejected_record WHERE run_id = :run_id)
    """
)

#: Rows in: staged records of a run that is held. Rows deleted: those it would not apply (rejected, or replaced by a later one), which
#: have been recorded: merging the rest again must not find them again.
KEEP_WHAT_WOULD_BE_APPLIED: Final = text(
    """
    DELETE FROM case_staging WHERE run_id = :run_id
      AND NOT EXISTS (SELECT FROM sync_case WHERE sync_case.position = case_staging.position AND state <> 'rejected')
    """
)

#: Rows out: whether a known case the run would touch was written by a later one.
MOVED: Final = text(
    """
    SELECT EXISTS (SELECT FROM sync_case JOIN client_case ON client_case.id = sync_case.case_id
                   WHERE state IN ('changed', 'gone') AND client_case.synced_run_id > :run_id)
    """
)

#: Rows in: staged records of this run and of earlier, held ones of the source. All are deleted: they are applied or superseded.
CLEAR: Final = text(
    """
    DELETE FROM case_staging WHERE run_id = :run_id OR run_id IN (
        SELECT run.id FROM run JOIN work ON work.id = run.work_id
        WHERE work.kind = 'sync_cases' AND work.arguments ->> 'source' = :source AND run.id < :run_id)
    """
)
