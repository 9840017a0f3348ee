"""Work: what is stuck, and what lost the other half it belongs to.

Everything that must be done is a row of `work`, and what it is about is a row elsewhere: written together, so that neither is ever without the
other. Moments are those of the snapshot, not of the clock: what was renewed since cannot be seen.
"""

from typing import Any, Final

from sqlalchemy import text

from core.errors import Message
from core.i18n import N_
from services.consistency.findings import NAMED, Looked, Sort, Thing, names
from services.consistency.scope import Scope
from services.labels import kind_message
from services.work.gate import ASKED_ABOUT, ORDERING
from services.work.kinds import EFFECTS, NUMBERING, QUEUES

#: Seconds after which somebody should have noticed that a process fell silent: the tick looks every second.
_SILENT: Final = 120
#: Seconds that due Work may wait while workers serve its queue, and how long they must have served it by then.
_WAITING, _SERVING = 2 * 3600, 3600

_TELL: Final = N_("This is a mistake in Avain: keep the log, and tell whoever looks after it.")
SILENT: Final = Sort(
    "work_silent",
    N_("Work held by a process that fell silent, and nobody took it back"),
    N_("Start the scheduler: avain beat. If one runs, see its log."),
)
WAITING: Final = Sort(
    "work_waiting",
    N_("Work that has been due for hours while workers serve its queue"),
    N_("See what they do: avain run list. Start more of them, or start them anew."),
)
SUBJECT: Final = Sort("work_without_subject", N_("Work about something that is not there any more"), _TELL)
UNHELD: Final = Sort("run_without_work", N_("Attempts that are under way in the history, but in nobody's hands"), _TELL)
UNRECORDED: Final = Sort("work_without_run", N_("Work in somebody's hands, of which the history knows nothing"), _TELL)
ORDER: Final = Sort(
    "order_without_work",
    N_("Purchase orders that wait to be delivered, and nothing will do it"),
    N_("Have one sent: avain order resend NUMBER"),
)
MAIL: Final = Sort(
    "mail_without_work",
    N_("E-mails that were written and wait to be sent, and nothing will do it"),
    _TELL,
)

#: What Work of a kind is about, by its `subject_id`.
_ABOUT: Final = {
    "deliver_order": "purchase_order",
    "tell_cancelled": "purchase_order",
    "send_test_order": "provider",
    "send_digest": "digest",
    "send_letter": "letter",
}
_OPEN: Final = "done_at IS NULL AND dead_at IS NULL"
#: Rows out: Work that is not ended, in nobody's or somebody's hands; each half by an index of its own, whatever has been done in years.
_NOT_ENDED: Final = (
    f"(SELECT * FROM work WHERE {_OPEN} AND token IS NULL UNION ALL SELECT * FROM work WHERE token IS NOT NULL)"  # noqa: S608
)

_COUNT: Final = text(f"SELECT count(*) FROM {_NOT_ENDED} AS work")  # noqa: S608 - our own words
_SILENT_WORK: Final = text(
    """
    SELECT key, kind, count(*) OVER () AS counted FROM work
    WHERE token IS NOT NULL AND lease_until < now() - make_interval(secs => :seconds) ORDER BY lease_until, id LIMIT :named
    """
)
#: Rows in: seconds of waiting and serving; kinds that are held on purpose. Rows out: due Work that is passed over although its queue is served and
#: nothing in its lane has been done lately.
_WAITING_WORK: Final = text(
    f"""
    SELECT key, kind, count(*) OVER () AS counted FROM work
    WHERE {_OPEN} AND token IS NULL AND queue = ANY(:queues) AND next_at < now() - make_interval(secs => :waiting) AND kind <> ALL(:held)
      AND EXISTS (SELECT FROM heartbeat WHERE kind = 'worker' AND work.queue = ANY(string_to_array(detail, ','))
                  AND seen_at > now() - interval '30 seconds' AND since < now() - make_interval(secs => :serving))
      AND (lane IS NULL OR NOT EXISTS (
          SELECT FROM work AS other JOIN run ON run.work_id = other.id
          WHERE other.lane = work.lane AND run.started_at > now() - make_interval(secs => :serving)))
    ORDER BY next_at, id LIMIT :named
    """  # noqa: S608 - our own words
)
_GONE: Final = text(
    " UNION ALL ".join(
        f"SELECT key, kind FROM {_NOT_ENDED} AS work WHERE kind = '{kind}' AND NOT EXISTS (SELECT FROM {table} WHERE {table}.id = work.subject_id)"  # noqa: S608
        for kind, table in _ABOUT.items()
    )
)
_UNHELD_RUNS: Final = text(
    """
    SELECT work.key, run.kind, count(*) OVER () AS counted FROM run JOIN work ON work.id = run.work_id
    WHERE run.finished_at IS NULL AND work.token IS DISTINCT FROM run.token ORDER BY run.id LIMIT :named
    """
)
_UNRECORDED_WORK: Final = text(
    """
    SELECT key, kind, count(*) OVER () AS counted FROM work
    WHERE token IS NOT NULL AND NOT EXISTS (SELECT FROM run WHERE run.work_id = work.id AND run.finished_at IS NULL AND run.token = work.token)
    ORDER BY id LIMIT :named
    """
)
_ORDERS: Final = text(
    f"""
    SELECT number, count(*) OVER () AS counted FROM purchase_order
    WHERE state IN ('approved', 'sending')
      AND NOT EXISTS (SELECT FROM work WHERE work.key = 'deliver_order:' || number AND subject_id = purchase_order.id AND {_OPEN})
    ORDER BY number LIMIT :named
    """  # noqa: S608 - our own words
)
_MAILS: Final = text(
    f"""
    SELECT name, count(*) OVER () AS counted FROM (
        SELECT message_id AS name FROM digest
        WHERE state IN ('composed', 'sending', 'repeated')
          AND digest.id NOT IN (SELECT subject_id FROM {_NOT_ENDED} AS work WHERE kind = 'send_digest' AND subject_id IS NOT NULL)
        UNION ALL
        SELECT message_id FROM letter
        WHERE state IN ('composed', 'sending', 'repeated')
          AND letter.id NOT IN (SELECT subject_id FROM {_NOT_ENDED} AS work WHERE kind = 'send_letter' AND subject_id IS NOT NULL)
    ) AS waiting ORDER BY name LIMIT :named
    """  # noqa: S608 - our own words
)


def works(scope: Scope) -> Looked:
    """Every sort of fault of Work."""
    looked = Looked(Message("Work under way and waiting"))
    scope.tell(looked.name, 0)
    looked.examined = scope.session.execute(_COUNT).scalar_one()
    ask = scope.session.execute
    named = {"named": NAMED}
    _note(looked, SILENT, ask(_SILENT_WORK, {**named, "seconds": _SILENT}).all())
    waiting = {"queues": list(QUEUES), "waiting": _WAITING, "serving": _SERVING, "held": _held(scope)}
    _note(looked, WAITING, ask(_WAITING_WORK, {**named, **waiting}).all())
    gone = ask(_GONE).all()
    looked.found(SUBJECT, [_thing(row) for row in gone])
    _note(looked, UNHELD, ask(_UNHELD_RUNS, named).all())
    _note(looked, UNRECORDED, ask(_UNRECORDED_WORK, named).all())
    for sort, statement in ((ORDER, _ORDERS), (MAIL, _MAILS)):
        rows = ask(statement, named).all()
        if rows:
            looked.found(sort, names(row[0] for row in rows), rows[0].counted)
    return looked


def _held(scope: Scope) -> list[str]:
    """Kinds that wait on purpose: what leaves this installation while that is paused, what gives out numbers in a restored one, and what orders by
    itself where providers are to be asked first.
    """
    state, asked = scope.session.execute(text(f"SELECT effects_state(), {ASKED_ABOUT}")).one()
    return [
        *(EFFECTS if state != "go" else ()),
        *(NUMBERING if state == "restored" else ()),
        *(ORDERING if asked else ()),
    ]


def _note(looked: Looked, sort: Sort, rows: Any) -> None:
    if rows:
        looked.found(sort, [_thing(row) for row in rows], rows[0].counted)


def _thing(row: Any) -> Thing:
    return Thing(row.key, kind_message(row.kind))
