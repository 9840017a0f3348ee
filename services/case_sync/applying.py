"""The statements that apply a run, in the order they run. Each says what rows go in and come out.

New cases are inserted plainly: nobody else writes cases of this source (its lane), and asking for conflicts costs a third more.
"""

from typing import Final

from sqlalchemy import text

from services.access.non_disclosure import HIDDEN

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

#: Clients of new and changed cases: of several words about one the last, but of non-disclosure any: what a source says only in passing hides.
_SAID: Final = """
    SELECT DISTINCT ON (client) client, sealed, blind, bool_or(non_disclosure) OVER (PARTITION BY client) AS non_disclosure
    FROM staged_case JOIN sync_case USING (position)
    WHERE state IN ('new', 'changed') ORDER BY client, position DESC
"""

#: Rows in: clients of new and changed cases. Rows changed: those known and not as said.
CLIENTS: Final = text(
    f"""
    UPDATE client SET non_disclosure = said.non_disclosure, sealed_identity = said.sealed, blind_index = said.blind
    FROM ({_SAID}) AS said
    WHERE client.source = :source AND client.external_id = said.client
      AND (client.non_disclosure, client.blind_index, client.sealed_identity)
          IS DISTINCT FROM (said.non_disclosure, said.blind, said.sealed)
    """  # noqa: S608 - a constant
)

#: Rows in: clients of new and changed cases. Rows out: a row for each that is not known yet.
NEW_CLIENTS: Final = text(
    f"""
    INSERT INTO client (source, external_id, non_disclosure, sealed_identity, blind_index)
    SELECT :source, client, non_disclosure, sealed, blind FROM ({_SAID}) AS said
    WHERE NOT EXISTS (SELECT FROM client AS known WHERE known.source = :source AND known.external_id = said.client)
    """  # noqa: S608 - a constant
)

#: Rows in: new cases, and the first of as many numbers (services/numbers.py). Rows out: their rows, numbered in the files' order.
NEW_CASES: Final = text(
    """
    INSERT INTO client_case (id, number, source, external_id, client_id, responsible_worker_id, co_worker_id, supervisor_id, unit_id, status,
        assessment_date, plan_date, kykyviisari_date, support_person, goals, goals_from_source, record_hash, synced_run_id, closed_at)
    SELECT fresh.case_id, :prefix || CASE WHEN n < 1000000 THEN lpad(n::text, 6, '0') ELSE n::text END, :source, said.external_id, client.id, fresh.worker_id, fresh.co_worker_id, fresh.supervisor_id, fresh.unit_id,
           said.status, said.assessment_date, said.plan_date, said.kykyviisari_date, said.support_person, said.goals,
           said.goals <> '{}', said.record_hash, :run_id, CASE said.status WHEN 'closed' THEN CAST(:now AS timestamptz) END
    FROM (SELECT *, :first - 1 + row_number() OVER (ORDER BY position) AS n FROM sync_case WHERE state = 'new') AS fresh
    JOIN staged_case AS said ON said.position = fresh.position
    JOIN client ON client.source = :source AND client.external_id = said.client
    """
)

#: Rows in: cases whose client came under non-disclosure, and changed cases that their source gives to another client. Rows changed: links to
#: their budgets, which end for good: they were handed to whoever it was then, and do not live again when the word is taken back.
END_LINKS: Final = text(
    f"""
    UPDATE family_link SET ended_at = :now, ended_by = 'avain:source'
    FROM client_case JOIN client ON client.id = client_case.client_id
    LEFT JOIN (
        SELECT sync_case.case_id, said.client FROM sync_case JOIN staged_case AS said ON said.position = sync_case.position
        WHERE sync_case.state = 'changed'
    ) AS fresh ON fresh.case_id = client_case.id
    WHERE family_link.case_id = client_case.id AND family_link.ended_at IS NULL AND family_link.expires_at > :now
      AND ({HIDDEN} OR fresh.client <> client.external_id)
    """  # noqa: S608 - a constant
)

#: Rows in: changed cases, also those that came back. Rows changed: what the source owns of them. Goals entered here stay while
#: the source has none; goals the source once gave go when it takes them back.
CHANGED_CASES: Final = text(
    """
    UPDATE client_case SET
        client_id = client.id, responsible_worker_id = sync_case.worker_id, co_worker_id = sync_case.co_worker_id, supervisor_id = sync_case.supervisor_id,
        unit_id = sync_case.unit_id, status = said.status, assessment_date = said.assessment_date, plan_date = said.plan_date,
        kykyviisari_date = said.kykyviisari_date, support_person = said.support_person,
        goals = CASE WHEN said.goals <> '{}' OR goals_from_source THEN said.goals ELSE client_case.goals END,
        goals_from_source = said.goals <> '{}', record_hash = said.record_hash, synced_run_id = :run_id, gone_at = NULL,
        closed_at = CASE said.status WHEN 'closed' THEN coalesce(client_case.closed_at, :now) END
    FROM sync_case
    JOIN staged_case AS said ON said.position = sync_case.position
    JOIN client ON client.source = :source AND client.external_id = said.client
    WHERE sync_case.state = 'changed' AND client_case.id = sync_case.case_id
    """
)

_DECISIONS: Final = """
    INSERT INTO decision (case_id, external_id, number, number_from_source, stand_date, decided_on, valid, granted_amount, baseline_service_id,
                          baseline_quantity, baseline_unit, basis_from_source)
    SELECT sync_case.case_id, said.external_id, said.number, said.number IS NOT NULL, said.stand_date, said.decided_on, said.valid, said.granted_amount,
           service.id, said.baseline_quantity, said.baseline_unit, said.granted_amount IS NOT NULL OR service.id IS NOT NULL
    FROM staged_decision AS said JOIN sync_case USING (position)
    LEFT JOIN service ON service.code = said.baseline_service
    WHERE sync_case.state = :state
"""

#: Rows in: decisions of new cases. Rows out: their rows.
NEW_DECISIONS: Final = text(_DECISIONS).bindparams(state="new")

#: Rows in: decisions of changed cases. Rows out: their rows, made or brought up to date; a vanished one that is back runs again. Number
#: and basis are the source's where it states them; what was entered here stays where it never did.
CHANGED_DECISIONS: Final = text(
    _DECISIONS
    + """
    ON CONFLICT (case_id, external_id) DO UPDATE SET
        number = CASE WHEN excluded.number_from_source OR decision.number_from_source THEN excluded.number ELSE decision.number END,
        number_from_source = excluded.number_from_source, stand_date = excluded.stand_date, decided_on = excluded.decided_on, valid = excluded.valid,
        (granted_amount, baseline_service_id, baseline_quantity, baseline_unit) = (
            SELECT excluded.granted_amount, excluded.baseline_service_id, excluded.baseline_quantity, excluded.baseline_unit
            WHERE excluded.basis_from_source OR decision.basis_from_source
            UNION ALL
            SELECT decision.granted_amount, decision.baseline_service_id, decision.baseline_quantity, decision.baseline_unit
            WHERE NOT (excluded.basis_from_source OR decision.basis_from_source)
        ),
        basis_from_source = excluded.basis_from_source, ended_at = NULL
    """
).bindparams(state="changed")

_ITEMS: Final = """
    INSERT INTO plan_item (case_id, decision_id, external_id, service_id, quantity, unit, period, follow_up_rhythm)
    SELECT sync_case.case_id, decision.id, said.external_id, service.id, said.quantity, said.unit, said.period, said.follow_up
    FROM staged_item AS said JOIN sync_case USING (position)
    JOIN decision ON decision.case_id = sync_case.case_id AND decision.external_id = said.decision
    JOIN service ON service.code = said.service
    WHERE sync_case.state = :state
"""

#: Rows in: planned services of new cases. Rows out: their rows.
NEW_ITEMS: Final = text(_ITEMS).bindparams(state="new")

#: Rows in: planned services of changed cases. Rows out: their rows, made or brought up to date.
CHANGED_ITEMS: Final = text(
    _ITEMS
    + """
    ON CONFLICT (case_id, external_id) DO UPDATE SET
        decision_id = excluded.decision_id, service_id = excluded.service_id, quantity = excluded.quantity, unit = excluded.unit,
        period = excluded.period, follow_up_rhythm = excluded.follow_up_rhythm, ended_at = NULL
    """
).bindparams(state="changed")

#: Rows in: changed cases. Rows changed: decisions they no longer have, ended.
END_DECISIONS: Final = text(
    """
    UPDATE decision SET ended_at = :now FROM sync_case
    WHERE sync_case.state = 'changed' AND decision.case_id = sync_case.case_id AND decision.ended_at IS NULL
      AND NOT EXISTS (SELECT FROM staged_decision AS said WHERE said.position = sync_case.position
                      AND said.external_id = decision.external_id)
    """
)

#: Rows in: changed cases. Rows changed: planned services they no longer have, ended.
END_ITEMS: Final = text(
    """
    UPDATE plan_item SET ended_at = :now FROM sync_case
    WHERE sync_case.state = 'changed' AND plan_item.case_id = sync_case.case_id AND plan_item.ended_at IS NULL
      AND NOT EXISTS (SELECT FROM staged_item AS said WHERE said.position = sync_case.position
                      AND said.external_id = plan_item.external_id)
    """
)

#: Rows in: planned services of changed cases. Rows changed: the source's own choices that it no longer states.
END_CHOICES: Final = text(
    """
    UPDATE choice SET ended_at = :now
    FROM staged_item AS said
    JOIN sync_case ON sync_case.position = said.position AND sync_case.state = 'changed'
    JOIN plan_item ON plan_item.case_id = sync_case.case_id AND plan_item.external_id = said.external_id
    LEFT JOIN provider ON provider.business_id = said.provider
    WHERE choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL AND choice.chosen_by = 'source'
      AND choice.provider_id IS DISTINCT FROM provider.id
    """
)

#: Rows in: planned services for which the source names a provider. Rows out: a choice where nobody has chosen.
CHOICES: Final = text(
    """
    INSERT INTO choice (plan_item_id, provider_id, chosen_by, actor, reason, chosen_at)
    SELECT plan_item.id, provider.id, 'source', 'source:' || CAST(:source AS text), '', :now
    FROM staged_item AS said
    JOIN sync_case ON sync_case.position = said.position AND sync_case.state IN ('new', 'changed')
    JOIN plan_item ON plan_item.case_id = sync_case.case_id AND plan_item.external_id = said.external_id
    JOIN provider ON provider.business_id = said.provider
    WHERE NOT EXISTS (SELECT FROM choice WHERE choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL)
    """
)

#: Rows in: cases that are gone. Rows changed: marked, nothing is deleted.
GONE: Final = text(
    """
    UPDATE client_case SET gone_at = :now, synced_run_id = :run_id FROM sync_case
    WHERE sync_case.state = 'gone' AND client_case.id = sync_case.case_id
    """
)

#: Rows in: cases under non-disclosure. Rows changed: follow-ups of theirs that a colleague was handed are the responsible worker's again, and
#: announced to them afresh: whoever only helps sees nothing of such a case (ADR 0014). That is told in the follow-up's history.
TAKE_BACK: Final = text(
    f"""
    WITH back AS (
        UPDATE follow_up SET handed_to_id = NULL, announced_on = NULL, announced_times = 0, escalated_on = NULL
        FROM client_case JOIN client ON client.id = client_case.client_id
        WHERE {HIDDEN} AND follow_up.case_id = client_case.id AND follow_up.handed_to_id IS NOT NULL
          AND (follow_up.state IN ('open', 'snoozed') OR (follow_up.state = 'acknowledged' AND follow_up.written_down_at IS NULL))
        RETURNING follow_up.id, client_case.responsible_worker_id
    )
    INSERT INTO follow_up_event (follow_up_id, act, actor, reason, details, at)
    SELECT back.id, 'handed_over', 'avain', '', jsonb_build_object('to', worker.external_id), :now
    FROM back LEFT JOIN worker ON worker.id = back.responsible_worker_id
    """  # noqa: S608 - a constant
)

#: In the order of their references.
APPLY: Final = (
    HOLD_ITEMS,
    CLIENTS,
    NEW_CLIENTS,
    NEW_CASES,
    END_LINKS,
    CHANGED_CASES,
    NEW_DECISIONS,
    CHANGED_DECISIONS,
    END_DECISIONS,
    NEW_ITEMS,
    CHANGED_ITEMS,
    END_ITEMS,
    END_CHOICES,
    CHOICES,
    GONE,
    TAKE_BACK,
)
