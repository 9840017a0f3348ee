"""Purchase orders on paper for tests: one to change at will. Everything is invented."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from services.orders.sending.paper_values import Buyer, Invoicing, Link, Paper, PaperLine, Seller

FIRST, LAST = date(2026, 11, 16), date(2027, 2, 15)
COACHING = PaperLine(
    number=1,
    service="ADHD-valmennus",
    first=FIRST,
    last=LAST,
    quantity=Decimal(12),
    unit="C62",
    price=Decimal("88.00"),
    base_quantity=Decimal(1),
    vat_inclusive=False,
    vat_category="E",
    vat_rate=Decimal(0),
    net=Decimal("1056.00"),
    vat=Decimal("0.00"),
    gross=Decimal("1056.00"),
)
TRAVEL = replace(
    COACHING,
    number=2,
    extra="travel",
    quantity=Decimal(48),
    unit="KMT",
    price=Decimal("0.4567"),
    vat_category="S",
    vat_rate=Decimal("0.255"),
    net=Decimal("21.92"),
    vat=Decimal("5.59"),
    gross=Decimal("27.51"),
)
REPLY = Link("https://avain.esimerkki.invalid/vastaus/" + "Ab9-_x" * 20, date(2026, 12, 16))


def a_paper(**changes: Any) -> Paper:
    """A usual order of two lines, answered by a link, with `changes`."""
    paper = Paper(
        number="T-2026-000123",
        issue_date=date(2026, 11, 10),
        buyer=Buyer("Esimerkin hyvinvointialue", "1234567-1", "Palveluohjaus", "palveluohjaus@hva.test"),
        seller=Seller("Valmennus & Tuki Oy", "0123456-2"),
        decision_number="2026/451",
        decision_date=date(2026, 11, 9),
        contract="HVA-2026-77",
        client_reference="7F3K9Q2MX47F3K9Q",
        first=FIRST,
        last=LAST,
        lines=(COACHING, TRAVEL),
        invoicing=Invoicing("003712345671", "Esimerkkivälittäjä"),
        no_show="Käynnistä, jota ei peruta edellisenä päivänä, voi laskuttaa puolet.",
        cancellation="Irtisanomisaika on kaksi viikkoa.\nMaksetaan vain annetut käynnit.",
        reply=REPLY,
    )
    return replace(paper, **changes)
