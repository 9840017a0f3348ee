"""What families do by themselves: how they come in, what they propose, rate and wish. Secrets are kept as digests only."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.base import euros, json_object, primary_key, reference, text, timestamp

#: Who comes in by a link: the client (and whoever acts with them), or a support person, who only looks.
HOLDERS = ("client", "support")
PROPOSAL_STATES = ("open", "confirmed", "declined", "withdrawn", "overtaken")
#: Who in the family says it; those of Choice.chosen_by and of a rating.
FAMILY_VOICES = ("child", "parent", "adult")


class FamilyLink(SQLModel, table=True):
    """A link to one case, opened together with a code that is handed over in person. `token` is the sha256 of the link's secret,
    `code` a keyed digest of the code: eight digits alone would be found by trying them all.
    """

    __tablename__ = "family_link"
    __table_args__ = (
        CheckConstraint("holder IN ('" + "', '".join(HOLDERS) + "')", name="holder"),
        Index("ix_family_link_case", "case_id", "id"),
    )

    id: int = primary_key()
    case_id: int = reference("client_case.id", index=False)
    holder: str = text()
    token: bytes = Field(sa_type=LargeBinary, unique=True)
    code: bytes = Field(sa_type=LargeBinary)
    wrong_codes: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    made_by: str = text()
    made_at: datetime = timestamp(nullable=False)
    expires_at: datetime = timestamp(nullable=False)
    used_at: datetime | None = timestamp()
    ended_at: datetime | None = timestamp()
    ended_by: str | None = text(nullable=True)


class FamilySession(SQLModel, table=True):
    """Somebody of a family at one browser: by a link, or by logging in (`blind_index`: of the henkilötunnus they logged in with).

    Times are the machine's. What they may see is looked up at every click: a link that ended, or turvakielto, ends it at once.
    """

    __tablename__ = "family_session"
    __table_args__ = (
        CheckConstraint("(link_id IS NULL) <> (blind_index IS NULL)", name="one_way_in"),
        Index("ix_family_session_expires_at", "expires_at"),
    )

    id: int = primary_key()
    cookie: bytes = Field(sa_type=LargeBinary, unique=True)
    link_id: int | None = reference("family_link.id", nullable=True)
    blind_index: bytes | None = Field(default=None, sa_type=LargeBinary)
    csrf: str = text()
    flash: dict[str, Any] | None = json_object(nullable=True)
    created_at: datetime = timestamp(nullable=False, machine=True)
    seen_at: datetime = timestamp(nullable=False, machine=True)
    expires_at: datetime = timestamp(nullable=False)
    ended_at: datetime | None = timestamp()


class FamilyProposal(SQLModel, table=True):
    """A choice a family proposes: a provider for a planned service. The worker confirms it (then it is a Choice) or says why not.

    `offer`: what was on the screen (total, quantity and unit, ids of the prices, the choice made before), as JSON carries it.
    `decided_why`: a worker's words; of what was overtaken, by what (services/family/proposals.py).
    """

    __tablename__ = "family_proposal"
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(PROPOSAL_STATES) + "')", name="state"),
        CheckConstraint("voice IN ('" + "', '".join(FAMILY_VOICES) + "')", name="voice"),
        Index("uq_family_proposal_open", "plan_item_id", unique=True, postgresql_where=sql("state = 'open'")),
        Index("ix_family_proposal_waiting", "id", postgresql_where=sql("state = 'open'")),
        Index("ix_family_proposal_case", "case_id", "id"),
    )

    id: int = primary_key()
    case_id: int = reference("client_case.id", index=False)
    plan_item_id: int = reference("plan_item.id")
    provider_id: int = reference("provider.id", index=False)
    voice: str = text()
    total: Decimal | None = euros(nullable=True)
    offer: dict[str, Any] = json_object()
    state: str = text(default="open")
    proposed_by: str = text()
    proposed_at: datetime = timestamp(nullable=False)
    decided_by: str | None = text(nullable=True)
    decided_at: datetime | None = timestamp()
    decided_why: str = text(default="")
    choice_id: int | None = reference("choice.id", nullable=True)


class FamilyRating(SQLModel, table=True):
    """How good a planned service is, 1 to 5, as somebody of the family says. Rows are only added; each voice's latest counts."""

    __tablename__ = "family_rating"
    __table_args__ = (
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        CheckConstraint("voice IN ('" + "', '".join(FAMILY_VOICES) + "')", name="voice"),
        Index("ix_family_rating_item", "plan_item_id", "voice", "id"),
    )

    id: int = primary_key()
    case_id: int = reference("client_case.id")
    plan_item_id: int = reference("plan_item.id", index=False)
    provider_id: int | None = reference("provider.id", nullable=True, index=False)
    voice: str = text()
    rating: int
    rated_by: str = text()
    rated_at: datetime = timestamp(nullable=False)


class FamilyWish(SQLModel, table=True):
    """What a family wishes: ticks of a fixed list, and words that are sealed, shown to the worker, and removed once they are written
    down in the client information system (or after `family.wish_days`).
    """

    __tablename__ = "family_wish"
    __table_args__ = (
        Index("ix_family_wish_case", "case_id", "id"),
        Index("ix_family_wish_waiting", "id", postgresql_where=sql("noted_at IS NULL")),
        Index("ix_family_wish_words", "written_at", postgresql_where=sql("sealed_words IS NOT NULL")),
        UniqueConstraint("place"),
    )

    id: int = primary_key()
    case_id: int = reference("client_case.id", index=False)
    voice: str = text()
    ticks: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    place: str = text()
    sealed_words: bytes | None = Field(default=None, sa_type=LargeBinary)
    written_by: str = text()
    written_at: datetime = timestamp(nullable=False)
    seen_at: datetime | None = timestamp()
    seen_by: str | None = text(nullable=True)
    noted_at: datetime | None = timestamp()
    noted_by: str | None = text(nullable=True)
