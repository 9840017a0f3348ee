"""A source of cases, and runs of it on a real database."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.settings import Settings
from core.source_settings import CaseSource, Sources
from models.case import Case, Choice, Decision, PlanItem
from services.case_sync import SyncResult, run_source
from tests.factories.price import make_run
from tests.support.case_xml import spooled

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
SOURCE = "lifecare"
#: Guards wide open: they have tests of their own.
OPEN = {"max_gone": Decimal(1), "max_rejected": Decimal(1)}


class World:
    """A source, and runs of it. `source`: what it is called; another name, and it is another source."""

    def __init__(self, session: Session, directory: Path) -> None:
        self.session, self.directory, self.source = session, directory, SOURCE
        self.runs: list[int] = []

    def settings(self, **over: Any) -> Settings:
        privacy = over.pop("privacy", {})
        source = CaseSource(path="unused", **{**OPEN, **over})
        return Settings(
            home=self.directory / "home", hash_key="h" * 32, sources=Sources(cases={self.source: source}), **privacy
        )

    def run(self, *contents: bytes, now: datetime = NOW, **over: Any) -> SyncResult:
        run = make_run(self.session, kind="sync_cases")
        self.session.execute(
            text("UPDATE work SET arguments = jsonb_build_object('source', CAST(:source AS text)) WHERE id = :id"),
            {"source": self.source, "id": run.work_id},
        )
        self.runs.append(run.id)
        result = run_source(
            self.session, run.id, self.source, spooled(self.directory, *contents), self.settings(**over), now=now
        )
        self.session.expire_all()
        return result

    def case(self, external_id: str) -> Case:
        return self.session.execute(select(Case).filter_by(external_id=external_id)).scalar_one()

    def decision(self, external_id: str = "D-1") -> Decision:
        return self.session.execute(select(Decision).filter_by(external_id=external_id)).scalar_one()

    def item(self, external_id: str = "I-1") -> PlanItem:
        return self.session.execute(select(PlanItem).filter_by(external_id=external_id)).scalar_one()

    def choices(self) -> list[tuple[int, str, bool]]:
        rows = self.session.execute(select(Choice).order_by(text("id"))).scalars()
        return [(one.provider_id, one.actor, one.ended_at is None) for one in rows]

    def scalar(self, sql: str) -> Any:
        return self.session.execute(text(sql)).scalar()
