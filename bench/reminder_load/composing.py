"""How many workers' e-mails one core composes in a second: from what is due in the tables to mails that are stored, with the Work that sends them.

As many workers as asked for, in units of ten with a supervisor each; every worker has five follow-ups that came due today. Measured is what the
daily job does, until its commit: who hears what, the mails in text and HTML as they will travel, storing them, marking what was announced.
Afterwards what was stored is read again. Names, numbers and addresses are invented.
"""

import time
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.database import transaction
from core.follow_up_settings import Storm
from core.settings import Settings
from services.reminders.daily import compose_due
from services.reminders.message import writing

_TODAY: Final = date(2026, 12, 7)
_EACH: Final = 5
#: Nothing is held: so many mails are what is asked for.
_CALM: Final = Storm(max_first=10**9, max_factor=10**9, max_percent=100)

#: Rows in: how many workers. They, their units and supervisors, a case each with what came due in it. Languages in turn.
_WORLD: Final = (
    """
    INSERT INTO unit (code, name) SELECT 'KM-' || n, 'Yksikkö ' || n || ' (keksitty)' FROM generate_series(0, (:count - 1) / 10) AS n
    """,
    """
    INSERT INTO worker (external_id, name, email, language, unit_id, active)
    SELECT 'KM-' || n, 'Työntekijä ' || n || ' (keksitty)', 'tyontekija.' || n || '@esimerkki.invalid', (ARRAY['fi', 'sv', 'en'])[n % 3 + 1], unit.id, true
    FROM generate_series(0, :count - 1) AS n JOIN unit ON unit.code = 'KM-' || n / 10
    """,
    """
    UPDATE unit SET supervisor_id = worker.id FROM worker WHERE worker.unit_id = unit.id AND worker.external_id = unit.code || '0'
    """,
    """
    INSERT INTO client (source, external_id) SELECT 'km', external_id FROM worker WHERE external_id LIKE 'KM-%'
    """,
    """
    INSERT INTO client_case (number, source, external_id, client_id, responsible_worker_id, status, goals, record_hash)
    SELECT 'HB-2026-9' || lpad(worker.id::text, 7, '0'), 'km', worker.external_id, client.id, worker.id, 'open', '{}', ''
    FROM worker JOIN client ON client.source = 'km' AND client.external_id = worker.external_id
    """,
    """
    INSERT INTO follow_up (case_id, kind, planned_for, due, state, findings)
    SELECT client_case.id, (ARRAY['start', 'interval', 'before_end', 'final', 'plan_review'])[n], CAST(:today AS date) - n, :today, 'open', '{}'
    FROM client_case CROSS JOIN generate_series(1, :each) AS n WHERE client_case.source = 'km'
    """,
)

#: Rows out: mails of the day, the Work of each, what they announce, and their bytes.
_COMPOSED: Final = text(
    """
    SELECT count(*) AS mails, count(work.id) AS work, sum(jsonb_array_length(items -> 'announced')) AS announced, sum(length(document)) AS bytes
    FROM digest LEFT JOIN work ON work.kind = 'send_digest' AND work.subject_id = digest.id WHERE local_date = :today
    """
)


def compose_rate(count: int) -> dict[str, Any]:
    """Mails composed per second, in the database this process is configured for, which is filled for it."""
    with transaction() as session:
        for statement in _WORLD:
            session.execute(text(statement), {"count": count, "today": _TODAY, "each": _EACH})
    with transaction() as session:
        _settle(session)
    began = time.perf_counter()
    with transaction() as session:
        composed = _compose(session)
    seconds = time.perf_counter() - began
    with transaction() as session:
        found = session.execute(_COMPOSED, {"today": _TODAY}).one()
    assert (found.mails, found.work, found.announced) == (count, count, _EACH * count), found
    assert composed == count
    return {"compose_per_s": count / seconds, "compose_mails": count, "compose_bytes_each": int(found.bytes) // count}


def _settle(session: Session) -> None:
    for table in ("worker", "client_case", "follow_up", "digest", "work"):
        session.execute(text(f"ANALYZE {table}"))


def _compose(session: Session) -> int:
    settings = Settings()
    follow_ups = settings.follow_ups.model_copy(update={"storm": _CALM})
    now = datetime(2026, 12, 7, 6, tzinfo=UTC)
    composed = compose_due(session, _TODAY, now, follow_ups, writing(settings), documents=False)
    return len(composed.mails)
