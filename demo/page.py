"""The demo's one page: the story a social worker would follow, in Finnish, self-contained, readable without script."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.errors import Message
from core.i18n import day, money, number, speaking

UNITS = {"C62": "käyntiä", "HUR": "tuntia", "MON": "kuukautta", "DAY": "päivää", "LS": "kertaa", "KMT": "km"}


def write_page(file: Path, report: dict[str, Any]) -> None:
    """Write the page from what the steps noted."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "euros": lambda value: money(None if value is None else Decimal(str(value))),
        "amount": lambda value: "–" if value is None else number(Decimal(str(value))),
        "day": lambda value: day(None if value is None else date.fromisoformat(str(value)[:10])),
        "unit": lambda code: UNITS.get(code, code),
        "reason": lambda stored: Message.from_json(stored).text("fi"),
    }
    with speaking("fi"):
        page = templates.get_template("page.html.j2").render(
            report=report, bars=[_bar(one) for one in report["budgets_after"]]
        )
    file.write_text(page, "utf-8")


def _bar(budget: dict[str, Any]) -> dict[str, Any]:
    """One budget as a bar: parts of the ceiling in per cent, and the words that say the same."""
    ceiling = Decimal(budget["ceiling"])
    whole = max(ceiling, ceiling - min(Decimal(0), Decimal(budget["free"])))
    parts, start = [], Decimal(0)
    for name, label in (
        ("invoiced", "laskutettu"),
        ("ordered", "tilattu"),
        ("planned", "suunniteltu"),
        ("free", "jäljellä"),
    ):
        share = max(Decimal(0), Decimal(budget[name])) / whole * 100
        if share:
            parts.append(
                {"name": name, "label": label, "start": f"{start:.2f}", "width": f"{share:.2f}", "euros": budget[name]}
            )
        start += share
    return {"case": budget["case"], "ceiling": budget["ceiling"], "free": budget["free"], "parts": parts}
