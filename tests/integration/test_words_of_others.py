"""Names that others chose (providers, services, decisions, files) are shown as they are: never read as markup, never as commands."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from core.budget_settings import Budgets
from core.embedded import Embedded
from services.budgets import dirty
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.price import make_price, make_price_list, make_price_source
from tests.factories.provider import make_provider
from tests.factories.service import make_alternative, make_service
from tests.support.budgets import recompute_dirty
from tests.support.in_process import in_process

SHOWN = "[/] [bold]x[/bold] [link=file:///etc/passwd]y[/link]"
NASTY = f"{SHOWN}\x1b[31m\u202e"


@pytest.fixture
def case(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The number of a case all of whose names are hostile; its price ends before its plan does."""
    monkeypatch.setenv("COLUMNS", "2000")
    with in_process(database, tmp_path, monkeypatch) as process:
        with process.transaction() as session:
            family_work = make_service(session, name_fi=f"perhetyö{NASTY}")
            coaching = make_service(session, name_fi=f"valmennus{NASTY}")
            make_alternative(session, family_work, coaching)
            provider = make_provider(session, name=f"Oy{NASTY}")
            make_price(session, family_work, amount="89.50")
            listed = make_price_list(session, make_price_source(session, provider), file_name=f"{NASTY}.csv")
            make_price(session, coaching, provider, "88.00", price_list=listed, position=NASTY, last=date(2026, 12, 24))
            made = make_case(session)
            decision = make_decision(
                session, made, number=f"P-{NASTY}", baseline_service_id=family_work.id, baseline_quantity=Decimal(12), baseline_unit="C62"
            )  # fmt: skip
            make_choice(session, make_plan_item(session, decision, coaching, "12", external_id=NASTY), provider)
            dirty.mark_decisions(session, [decision.id], "cases")
            recompute_dirty(session, now=datetime(2026, 11, 16, 4, tzinfo=UTC), settings=Budgets())
        yield made.number


@pytest.mark.parametrize(
    "words", [["budget", "show"], ["budget", "explain"], ["compare", "--case"], ["case", "show"]], ids=" ".join
)
def test_they_are_shown_as_they_are(case: str, words: list[str]) -> None:
    result = CliRunner().invoke(app, [*words, case], catch_exceptions=False)
    assert result.exit_code == 0
    assert SHOWN in result.stdout
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
