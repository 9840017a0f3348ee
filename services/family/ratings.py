"""How good families find their services, 1 to 5: said on their own page, shown to the worker, counted beside providers by night.

Rows are only added, so that two browsers at once do no harm: of each voice the latest counts (services/follow_ups/ratings.py).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import InputError, Message, NotFound
from core.i18n import HELSINKI, N_, _, language
from models.family import FAMILY_VOICES, FamilyRating
from services import audit
from services.family.sessions import FamilyCase
from services.family.telling import tell_worker
from services.labels import SERVICE_NAME

#: What each face means, the best last.
FACES: Final = {
    1: N_("Very bad"),
    2: N_("Bad"),
    3: N_("So-so"),
    4: N_("Good"),
    5: N_("Very good"),
}
#: So often a day somebody changes their mind about one service.
_MOST_A_DAY: Final = 20

#: Rows in: a case, a day. Rows out: its planned services that have begun and that somebody is chosen for, with who is, those under way first.
_RATABLE: Final = text(
    f"""
    SELECT plan_item.id, plan_item.external_id AS item, {SERVICE_NAME} AS service, choice.provider_id, provider.name AS provider,
           upper(plan_item.period) <= :today OR plan_item.ended_at IS NOT NULL AS over,
           (SELECT max(rated_at) FROM family_rating WHERE family_rating.plan_item_id = plan_item.id) AS rated_at
    FROM plan_item
    JOIN service ON service.id = plan_item.service_id
    JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
    JOIN provider ON provider.id = choice.provider_id
    WHERE plan_item.case_id = :case AND lower(plan_item.period) <= :today
    ORDER BY over, plan_item.id DESC
    """  # noqa: S608 - our own words
)

#: Rows in: a planned service, a voice, the first moment of a day. Rows out: how often it was rated since.
_SINCE: Final = text(
    "SELECT count(*) FROM family_rating WHERE plan_item_id = :item AND voice = :voice AND rated_at >= :since"
)

#: Rows in: a case, or one planned service of it. Rows out: of each service and voice the latest rating, the newest first.
_LATEST: Final = text(
    f"""
    SELECT own.plan_item_id, plan_item.external_id AS item, {SERVICE_NAME} AS service, own.voice, own.rating, own.rated_at, provider.name AS provider
    FROM (
        SELECT DISTINCT ON (plan_item_id, voice) * FROM family_rating
        WHERE plan_item_id IN (SELECT id FROM plan_item WHERE plan_item.case_id = :case OR plan_item.id = :item)
        ORDER BY plan_item_id, voice, id DESC
    ) AS own
    JOIN plan_item ON plan_item.id = own.plan_item_id
    JOIN service ON service.id = plan_item.service_id
    LEFT JOIN provider ON provider.id = own.provider_id
    ORDER BY own.id DESC
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class Ratable:
    """A service that a family can rate: it has begun, and somebody gives it. `rated_at`: when it was rated last, by whomever."""

    id: int
    item: str
    service: str
    provider_id: int
    provider: str
    over: bool
    rated_at: datetime | None


@dataclass(frozen=True)
class Rated:
    """What one voice of a family says of a service, and of whom it said so."""

    plan_item_id: int
    item: str
    service: str
    voice: str
    rating: int
    rated_at: datetime
    provider: str | None


def face(rating: int) -> str:
    """A rating in the reader's language: `Very good`."""
    return _(FACES[rating])


def ratable(session: Session, case: FamilyCase, today: date) -> list[Ratable]:
    """The services of a case that can be rated, those under way first."""
    rows = session.execute(_RATABLE, {"case": case.case_id, "today": today, "language": language()}).mappings()
    return [Ratable(**row) for row in rows]


def latest_of_case(session: Session, case_id: int) -> list[Rated]:
    """Of each service of a case and each voice the latest rating."""
    return _latest(session, case=case_id)


def latest_of_item(session: Session, plan_item_id: int) -> list[Rated]:
    """Of each voice the latest rating of one planned service, the newest first."""
    return _latest(session, item=plan_item_id)


def _latest(session: Session, *, case: int | None = None, item: int | None = None) -> list[Rated]:
    rows = session.execute(_LATEST, {"case": case, "item": item, "language": language()}).mappings()
    return [Rated(**row) for row in rows]


def rate(
    session: Session, case: FamilyCase, item: str, rating: int | None, voice: str, *, actor: str, now: datetime
) -> FamilyRating:
    """Keep a rating of a planned service (by what the source calls it) and tell the worker, once a day.

    Raises NotFound for a service that is not this case's or has not begun, InputError for values there are not.
    """
    if rating not in FACES:
        raise InputError("Choose one of the five faces.")
    if voice not in FAMILY_VOICES:
        raise InputError("Say who answers.")
    today = local_date(now)
    found = next((one for one in ratable(session, case, today) if one.item == item), None)
    if found is None:
        raise NotFound("This service cannot be rated: it has not begun, or nobody is chosen for it.")
    midnight = now.astimezone(HELSINKI).replace(hour=0, minute=0, second=0, microsecond=0)
    if session.execute(_SINCE, {"item": found.id, "voice": voice, "since": midnight}).scalar_one() >= _MOST_A_DAY:
        raise InputError("This service has been rated many times today. Come back tomorrow.")
    kept = FamilyRating(
        case_id=case.case_id,
        plan_item_id=found.id,
        provider_id=found.provider_id,
        voice=voice,
        rating=rating,
        rated_by=actor,
        rated_at=now,
    )
    session.add(kept)
    audit.record(
        session, actor, "family.rated", f"case:{case.number}", now=now, plan_item=found.id, voice=voice, rating=rating
    )
    said = Message("A family has rated a service. The rating stands on the page of the case.")
    tell_worker(session, case.case_id, "family_rating", f"rated {found.id} {today}", said)
    return kept
