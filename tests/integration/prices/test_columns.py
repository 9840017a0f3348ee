"""What a provider's own column titles mean: said once, remembered, used by every reading of its lists; the template with its services."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli.common import CHANGES_PENDING, DONE
from cli.main import app
from connectors.prices import read_price_list
from core.errors import InputError, NotFound
from core.settings import settings
from services.prices.columns import column_meanings, forget_column, learn_column, meanings_for_reading
from tests.factories.provider import make_provider
from tests.support.price_rows import NOW
from tests.support.price_source import County

FOREIGN = "Apu;Mitta;Taksa;Voimassa alkaen;Huom\n"


def test_titles_are_remembered_per_provider(session: Any) -> None:
    one, other = make_provider(session), make_provider(session)
    learn_column(session, one.id, " TAKSA: ", "price", actor="cli:test", now=NOW)
    learn_column(session, one.id, "Huom", "", actor="cli:test", now=NOW)
    learn_column(session, one.id, "Taksa", "price_evening", actor="cli:test", now=NOW)
    assert column_meanings(session, one.id) == {"huom": "", "taksa": "price_evening"}
    assert meanings_for_reading(session, one.business_id) == {"huom": "", "taksa": "price_evening"}
    assert meanings_for_reading(session, other.business_id) == meanings_for_reading(session, None) == {}
    forget_column(session, one.id, "taksa", actor="cli:test", now=NOW)
    assert column_meanings(session, one.id) == {"huom": ""}
    told = session.execute(
        text("SELECT action, subject, details ->> 'title' AS title FROM audit_event ORDER BY id")
    ).all()
    assert [(row.action, row.title) for row in told] == [
        ("price_column.learnt", "taksa"), ("price_column.learnt", "huom"), ("price_column.learnt", "taksa"),
        ("price_column.forgotten", "taksa"),
    ]  # fmt: skip
    assert {row.subject for row in told} == {f"provider:{one.id}"}


def test_what_cannot_be_said_of_a_title(session: Any) -> None:
    provider = make_provider(session)
    with pytest.raises(NotFound, match="price"):
        learn_column(session, provider.id, "Taksa", "prise", actor="cli:test", now=NOW)
    for title in ("", " : ", "x" * 81):
        with pytest.raises(InputError):
            learn_column(session, provider.id, title, "price", actor="cli:test", now=NOW)
    with pytest.raises(NotFound):
        forget_column(session, provider.id, "Taksa", actor="cli:test", now=NOW)


@pytest.fixture
def provider(county: County) -> str:
    """The business id of the provider of the source `tukipolku`."""
    business_id = settings().sources.prices["tukipolku"].provider
    assert business_id is not None
    return business_id


def test_a_list_with_titles_of_its_own_is_read_after_they_were_said(county: County, provider: str) -> None:
    county.write((FOREIGN + "TUKIHENKILO;h;51,00;1.1.2027;hei\n").encode())
    words = ("price", "columns", provider, "--set", "Apu=service_code", "--set", "Mitta=unit", "--set", "Taksa=price")
    assert county.avain(*words, "--ignore", "Huom", "--dry-run")["dry_run"] is True
    assert county.avain("price", "columns", provider)["columns"] == {}
    shown = county.avain(*words, "--ignore", "Huom", "--as", "tuija")["columns"]
    assert shown == {"apu": "service_code", "huom": "", "mitta": "unit", "taksa": "price"}
    assert [
        one["sign"] for one in county.avain("source", "plan", "tukipolku", "--now", code=CHANGES_PENDING)["changes"]
    ]
    county.night()
    with county.process.transaction() as session:
        read = session.execute(text("SELECT counts ->> 'read' FROM price_list")).scalars().all()
    assert read == ["1"]
    assert county.avain("price", "columns", provider, "--forget", "Apu")["columns"] == {
        "huom": "", "mitta": "unit", "taksa": "price",
    }  # fmt: skip


def test_columns_for_people_and_a_word_that_is_no_pair(county: County, provider: str) -> None:
    shown = CliRunner().invoke(app, ["price", "columns", provider, "--ignore", "Huom"], env={"COLUMNS": "200"})
    assert shown.exit_code == DONE
    assert "huom" in shown.output
    assert "vat_inclusive" in shown.output
    wrong = CliRunner().invoke(app, ["price", "columns", provider, "--set", "Taksa"])
    assert isinstance(wrong.exception, InputError)


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_a_template_with_the_services_of_a_provider(county: County, provider: str, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"hinnasto.{form}"
    made = county.avain("source", "template", "--format", form, "--provider", provider, "-o", str(path))
    document = read_price_list(path.read_bytes(), file_name=path.name)
    assert made["services"] == len(document.rejections) > 0  # every price is still open
    assert {one.field for one in document.rejections} <= {"price", "unit"}
    again = CliRunner().invoke(app, ["source", "template", "--format", form, "-o", str(path)])
    assert isinstance(again.exception, InputError)
    nowhere = CliRunner().invoke(app, ["source", "template", "-o", str(tmp_path / "no" / "x.xlsx")])
    assert isinstance(nowhere.exception, InputError)


def test_a_template_without_services(county: County, tmp_path: Path) -> None:
    path = tmp_path / "hinnasto.xlsx"
    shown = CliRunner().invoke(app, ["source", "template", "-o", str(path)])
    assert shown.exit_code == DONE
    assert path.read_bytes().startswith(b"PK")
    assert json.dumps(str(path))[1:-1].rpartition("/")[2] in shown.output.replace("\n", "")
