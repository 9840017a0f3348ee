"""One follow-up, as the people see it who have something to do with it: what it is about, since when, who did what.

Whoever may see the case may see it. So may, until it is written down, the colleague it was handed to, and whoever a mail told of it: a
supervisor above, or who stands in for a supervisor; of the case itself they are shown no more than this. A mail once read opens nothing to
who would not be told any more: whose standing in is over, or who works elsewhere now.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from core.i18n import language
from core.identity import Sealer
from models.follow_up import FollowUp
from services.access.cases import STANDS_FOR, CaseAccess, access_to_case, visible_cases
from services.access.non_disclosure import HIDDEN
from services.access.people import Person
from services.follow_ups.findings import NOTED, RATED, RECORDED
from services.follow_ups.notes import open_note
from services.follow_ups.words import AWAITED
from services.labels import SERVICE_NAME
from services.reminders.gathering import hear_of

_UNFINISHED: Final = (
    "(follow_up.state IN ('open', 'snoozed') OR follow_up.state = 'acknowledged' AND written_down_at IS NULL)"
)
#: Rows in: a follow-up, a person, a language. Rows out: everything its page tells, and by what else than the case the person may see it.
_ONE: Final = text(
    f"""
    SELECT follow_up.id, follow_up.kind, follow_up.state, follow_up.due, follow_up.planned_for, follow_up.announced_on, follow_up.announced_times,
           follow_up.escalated_on, follow_up.settled_at, follow_up.settled_by, follow_up.rating, follow_up.rated_by, follow_up.findings,
           follow_up.sealed_note IS NOT NULL AS has_note, follow_up.written_down_at, follow_up.written_down_by,
           client_case.number AS case_number, client_case.goals, plan_item.id AS item_id, plan_item.external_id AS item, purchase_order.number AS order_number,
           purchase_order.state AS order_state, purchase_order.handed_over_at IS NOT NULL AS ticked,
           handed.external_id AS handed_to, handed.name AS handed_to_name, owner.external_id AS worker, owner.name AS worker_name,
           {SERVICE_NAME} AS service,
           coalesce(ordered.name, chosen.name) AS provider,
           {HIDDEN} AS non_disclosure,
           NOT {HIDDEN} AND follow_up.handed_to_id IN ({STANDS_FOR}) AND {_UNFINISHED} AS is_handed,
           NOT {HIDDEN} AND {_UNFINISHED} AND EXISTS (SELECT FROM digest WHERE digest.worker_id = :me AND (
               digest.local_date = follow_up.announced_on AND items -> 'announced' @> to_jsonb(follow_up.id)
               OR digest.local_date = follow_up.escalated_on AND items -> 'escalated' @> to_jsonb(follow_up.id))) AS was_told
    FROM follow_up
    JOIN client_case ON client_case.id = follow_up.case_id
    JOIN client ON client.id = client_case.client_id
    LEFT JOIN worker owner ON owner.id = client_case.responsible_worker_id
    LEFT JOIN worker handed ON handed.id = follow_up.handed_to_id
    LEFT JOIN purchase_order ON purchase_order.id = follow_up.order_id
    LEFT JOIN provider ordered ON ordered.id = purchase_order.provider_id
    LEFT JOIN plan_item ON plan_item.id = follow_up.plan_item_id
    LEFT JOIN service ON service.id = plan_item.service_id
    LEFT JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
    LEFT JOIN provider chosen ON chosen.id = choice.provider_id
    WHERE follow_up.id = :id
    """  # noqa: S608 - our own words
)
#: Rows in: a follow-up. Rows out: what people did about it, in order.
_EVENTS: Final = text(
    "SELECT act, actor, reason, details, at FROM follow_up_event WHERE follow_up_id = :id ORDER BY follow_up_event.id"
)
#: Rows in: none. Rows out: workers who can be handed something.
_COLLEAGUES: Final = text("SELECT external_id, name FROM worker WHERE active")

#: How people come to it who may give it to a colleague.
_MAY_GIVE: Final = frozenset({"own", "deputy", "supervisor", "everything", "told"})


@dataclass(frozen=True)
class Event:
    """Something somebody did. `details`: what the audit trail tells too."""

    act: str
    actor: str
    reason: str
    details: dict[str, Any]
    at: datetime


@dataclass(frozen=True)
class Shown:
    """A follow-up, and how the reader comes to it: as to its case (`CaseAccess.how`), `told`, or `beside` one that was handed to them: then they
    look and do nothing. `access`: None, the case is not theirs to see.
    """

    id: int
    kind: str
    state: str
    due: date
    planned_for: date
    announced_on: date | None
    announced_times: int
    escalated_on: date | None
    settled_at: datetime | None
    settled_by: str | None
    rating: int | None
    rated_by: str | None
    findings: dict[str, Any]
    has_note: bool
    written_down_at: datetime | None
    written_down_by: str | None
    case_number: str
    goals: list[str] | None
    item_id: int | None
    item: str | None
    order_number: str | None
    order_state: str | None
    ticked: bool
    handed_to: str | None
    handed_to_name: str | None
    worker: str | None
    worker_name: str | None
    service: str | None
    provider: str | None
    non_disclosure: bool
    how: str
    access: CaseAccess | None
    events: list[Event] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        """Whether something is waited for, from the day `planned_for` on; else that is the day it was planned for."""
        return self.kind in AWAITED

    @property
    def is_open(self) -> bool:
        """Whether something can still be done about it."""
        return self.state in {"open", "snoozed"}

    @property
    def noted(self) -> tuple[str, ...]:
        """What can be noted of it."""
        return NOTED.get(self.kind, ())

    @property
    def is_rated(self) -> bool:
        """Whether a service is rated here."""
        return self.kind in RATED

    @property
    def is_recorded(self) -> bool:
        """Whether what was found belongs in the client's record."""
        return self.state == "acknowledged" and self.kind in RECORDED

    @property
    def may_act(self) -> bool:
        """Whether the reader may do anything about it."""
        return self.how != "beside"

    @property
    def may_give(self) -> bool:
        """Whether the reader may have a colleague do it; who was handed it may only give it back."""
        return self.how in _MAY_GIVE

    @property
    def may_read_note(self) -> bool:
        """Whether the reader may read free words: who may read names freely, and while it is theirs, who was handed it."""
        return self.how in {"own", "deputy"}


def shown(session: Session, person: Person, follow_up_id: int, today: date) -> Shown:
    """A follow-up with its history. Raises NotFound alike for one that does not exist, and one that is not theirs."""
    values = {**visible_cases(person, today), "id": follow_up_id, "language": language()}
    row = session.execute(_ONE, values).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such page.")
    found = dict(row)
    is_handed, was_told = found.pop("is_handed"), found.pop("was_told")
    access, how = None, "handed" if is_handed else "told"
    try:
        access = access_to_case(session, person, found["case_number"], today)
        how = "beside" if access.how == "handed" and not is_handed else access.how
    except NotFound:
        if not is_handed and not (was_told and person.worker_id in hear_of(session, follow_up_id, today)):
            raise NotFound("There is no such page.") from None
    if access is None:
        found["goals"] = None
    events = [Event(**one) for one in session.execute(_EVENTS, {"id": follow_up_id}).mappings()]
    return Shown(**found, how=how, access=access, events=events)


def colleagues(session: Session, follow_up: Shown) -> list[tuple[str, str]]:
    """Whom it can be handed to, by name: external id and name. Who was handed it can give it back to the responsible worker, to nobody else."""
    holder = follow_up.handed_to or follow_up.worker
    rows = session.execute(_COLLEAGUES).all()
    return sorted(
        (
            (row.external_id, row.name)
            for row in rows
            if row.external_id != holder and (follow_up.may_give or row.external_id == follow_up.worker)
        ),
        key=lambda one: one[1].casefold(),
    )


def note_of(session: Session, follow_up: Shown, sealer: Sealer | None) -> str:
    """The free words that were kept, for who may read them. Raises InputError where they cannot be opened, or are not for this reader."""
    if not follow_up.may_read_note:
        raise InputError("What was noted is read by the responsible worker and whoever stands in.")
    return open_note(session.get_one(FollowUp, follow_up.id), sealer)
