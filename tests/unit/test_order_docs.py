"""What docs/orders/ shows can be used as it stands."""

import re
from decimal import Decimal
from pathlib import Path

import typer

from cli.main import app
from connectors.channels import registry
from core.channel_settings import PLACEHOLDERS
from core.settings import ROOT, load
from documents.delivered_csv import read_delivered
from documents.invoice import read_invoice
from documents.order_response import read_response
from services.reference_data.providers import ProvidersFile
from services.reference_data.reading import read_file

DOCS = ROOT / "docs/orders"


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", (DOCS / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_response_shown_is_read() -> None:
    (shown,) = blocks("answers.md", "xml")
    response = read_response(shown.encode())
    assert (response.code, response.order_number) == ("AP", "T-2026-000001")
    assert response.promised is not None


def test_the_report_shown_is_read() -> None:
    (shown,) = blocks("answers.md", "csv")
    report = read_delivered(shown.encode())
    assert report.faults == ()
    assert [(row.line, row.quantity) for row in report.rows] == [
        (1, Decimal(4)),
        (2, Decimal("80.5")),
        (None, Decimal(12)),
    ]


def test_every_placeholder_is_told() -> None:
    told = dict(re.findall(r"^\| `{(\w+)}` \| (.*) \|$", (DOCS / "channels.md").read_text("utf-8"), re.MULTILINE))
    assert told == PLACEHOLDERS


def test_every_channel_is_told() -> None:
    table = (DOCS / "channels.md").read_text("utf-8").partition("|---|")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(registry.CHANNELS)


def test_the_connections_shown_are_settings_the_providers_shown_can_use(tmp_path: Path) -> None:
    shown = blocks("channels.md", "toml")
    settings = tmp_path / "avain.toml"
    settings.write_text("".join(one for one in shown if one.startswith("# avain.toml\n")), "utf-8")
    connections = load(settings).orders.connections
    assert {one.kind for one in connections.values()} == {"sftp", "https"}
    file = tmp_path / "providers.toml"
    file.write_text("".join(one for one in shown if one.startswith("# providers.toml")), "utf-8")
    assert [one.unreachable(connections) for one in read_file(file, ProvidersFile).provider] == [None, None]
    assert len(shown) == 3


def test_the_invoice_shown_is_read() -> None:
    (shown,) = blocks("invoices.md", "xml")
    invoice = read_invoice(shown.encode())
    assert invoice.objection is None
    assert (invoice.seller, invoice.order, invoice.gross) == ("9999996-8", "T-2026-000001", Decimal("264.00"))
    assert (invoice.lines[0].quantity, invoice.lines[0].unit, invoice.lines[0].order_line) == (Decimal(3), "C62", "1")


def test_the_source_shown_is_a_setting(tmp_path: Path) -> None:
    (shown,) = blocks("answers.md", "toml")
    settings = tmp_path / "avain.toml"
    settings.write_text(shown, "utf-8")
    assert load(settings).sources.incoming


def test_the_commands_shown_exist() -> None:
    root = typer.main.get_command(app)
    pages = [DOCS.parent / "orders.md", *DOCS.glob("*.md")]
    shown = {tuple(words) for page in pages for words in re.findall(r"avain (\w+) ([\w-]+)", page.read_text("utf-8"))}
    assert shown
    for group, name in shown:
        assert name in root.commands[group].commands, f"avain {group} {name}"  # type: ignore[attr-defined]
