"""Price lists of one provider given as rows, and what is in force after them."""

from datetime import UTC, date, datetime
from decimal import Decimal

from sqlalchemy import text

from connectors.prices.row import PriceDocument, PriceRow
from core.source_settings import PriceListSource
from services import prices
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.price import make_run

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
TODAY = date(2026, 11, 16)
YEAR = date(2026, 1, 1)


def row(service, amount, position, *, unit="C62", first=YEAR, **over):
    return PriceRow(service, unit, Decimal(amount), position, valid_from=first, **over)


class Importing:
    """Lists of one source, each with a file of its own."""

    def __init__(self, session, provider):
        self.session, self.provider, self.number, self.runs = session, provider, 0, []

    def __call__(
        self, *rows, now=NOW, source="tukipolku", rejections=(), sha256=None, settings=None, doubt=None, **said
    ):
        self.number += 1
        document = PriceDocument(
            f"lista-{self.number}.csv", sha256 or f"{self.number:064d}", list(rows), list(rejections), **said
        )
        configured = PriceListSource(
            kind="provider", provider=self.provider.business_id, path="unused", **(settings or {})
        )
        run = make_run(self.session)
        self.runs.append(run.id)
        return prices.import_price_list(self.session, source, configured, document, run_id=run.id, now=now, doubt=doubt)

    @property
    def run(self):
        return self.runs[-1]


def in_force(session):
    """(service, unit, extra, first, until, amount) of everything in force."""
    rows = session.execute(
        text(
            "SELECT code, price_key.unit, extra, lower(valid) AS first, upper(valid) AS until, trim_scale(amount) AS amount FROM price"
            " JOIN price_key ON price_key.id = price_key_id JOIN service ON service.id = service_id"
            " WHERE superseded_at IS NULL ORDER BY 1, 2, 3, 4"
        )
    )
    return [tuple(one) for one in rows]


def reasons(result):
    return " ".join(one.text("en") for one in result.reasons)


def use(session, service, provider, *, first=date(2026, 11, 9), last=date(2027, 1, 31)):
    """An open plan that chose the provider."""
    decision = make_decision(session, make_case(session), granted_amount=Decimal(1500))
    item = make_plan_item(session, decision, service, first=first, last=last)
    make_choice(session, item, provider)
    return decision, item
