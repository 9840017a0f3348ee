"""A case told twice: what its events say for the oracle, and the rows that say the same to the database.

Each method is something that happens: it changes what is said so far, adds or changes rows, and remembers what a writer of Avain would
note as touched. Rows go in as sets (tests/support/bulk.py).
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from tests.support.budget_oracle import Bill, Decided, Frozen, Item, Order, Report, Tariff
from tests.support.bulk import Rows, new_id, period

#: When people did things; nothing is read from it.
WHEN = datetime(2027, 10, 1, tzinfo=UTC)
ISSUED = date(2027, 11, 1)


@dataclass
class Ground:
    """What all cases stand on: services by code, the price list that is being applied, a price for orders to cite."""

    services: dict[str, int]
    price_list: int
    price: int


@dataclass
class Touches:
    """What was touched, by what the writers of Avain would note it by."""

    decisions: set[int] = field(default_factory=set)
    orders: set[int] = field(default_factory=set)
    price_keys: set[int] = field(default_factory=set)

    def take(self, other: "Touches") -> None:
        """All of another's, which is empty then."""
        for mine, theirs in (
            (self.decisions, other.decisions),
            (self.orders, other.orders),
            (self.price_keys, other.price_keys),
        ):
            mine.update(theirs)
            theirs.clear()


@dataclass
class Offer:
    """A service at a provider (None: our own cost), and its prices so far."""

    service: int
    provider: int | None
    tariffs: list[Tariff] = field(default_factory=list)
    keys: dict[tuple[object, ...], int] = field(default_factory=dict)


class Told:
    """One case, so far."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.case = new_id()
        self.number = f"HB-ORACLE-{self.case}"
        self.goes_on = True
        self.decisions: list[Decided] = []
        self.frozen: dict[int, Frozen] = {}
        self.touches = Touches()
        self._choices: dict[int, int] = {}
        self._list_of: dict[int, int] = {}
        self._in_force: dict[int, int] = {}

    def __str__(self) -> str:
        return f"case {self.number}"

    def open(self, rows: Rows) -> None:
        client = rows.add("client", source="oracle", external_id=str(self.case))
        rows.add(
            "client_case", self.case, number=self.number, source="oracle", external_id=str(self.case), client_id=client,
            status="open", goals="{}", record_hash=b"",
        )  # fmt: skip

    def close(self, rows: Rows) -> None:
        """Closed, or gone from its source."""
        self.goes_on = False
        rows.change("client_case", self.case, **({"status": "closed"} if self.case % 2 else {"gone_at": WHEN}))
        self._case_touched()

    # decisions

    def decide(self, decided: Decided, rows: Rows) -> Offer:
        """A decision; the service it replaces, whose own unit costs are still to come."""
        service = rows.add("service", code=f"BASELINE-{decided.name}", name_fi="x", name_sv="", name_en="", unit="C62")
        rows.add(
            "decision", decided.name, case_id=self.case, external_id=str(decided.name), number=f"P-{decided.name}",
            decided_on=decided.decided_on, valid=_validity(decided), granted_amount=decided.granted,
            baseline_service_id=service, baseline_quantity=decided.quantity, baseline_unit=decided.unit,
        )  # fmt: skip
        self.decisions.append(decided)
        self._case_touched()
        return Offer(service, None)

    def refer(self, decided: Decided, offer: Offer, tariffs: list[Tariff], rows: Rows) -> None:
        """Our own unit costs of what the decision replaces."""
        for one in tariffs:
            self.price(offer, one, rows)
        decided.references = offer.tariffs

    def regrant(self, decided: Decided, amount: Decimal, rows: Rows) -> None:
        decided.granted = amount
        rows.change("decision", decided.name, granted_amount=amount)
        self._case_touched()

    def rebase(self, decided: Decided, quantity: Decimal, rows: Rows) -> None:
        decided.quantity = quantity
        rows.change("decision", decided.name, baseline_quantity=quantity)
        self._case_touched()

    def revalidate(self, decided: Decided, first: date | None, last: date | None, rows: Rows) -> None:
        decided.first, decided.last = first, last
        rows.change("decision", decided.name, valid=_validity(decided))
        self._case_touched()

    def end_decision(self, decided: Decided, rows: Rows) -> None:
        decided.ended = True
        rows.change("decision", decided.name, ended_at=WHEN)
        self._case_touched()

    def _case_touched(self) -> None:
        """As a sync does: it writes a case as a whole."""
        self.touches.decisions.update(one.name for one in self.decisions)

    # prices

    def offer(self, service: str, rows: Rows) -> Offer:
        """A service at a provider of its own."""
        provider = new_id()
        rows.add(
            "provider", provider, business_id=str(provider), name="Esimerkki (keksitty)", country="FI", language="fi", channel="email",
            channel_settings="{}", facts="{}",
        )  # fmt: skip
        return Offer(self.ground.services[service], provider)

    def price(self, offer: Offer, one: Tariff, rows: Rows) -> None:
        key = _key(one)
        if key not in offer.keys:
            offer.keys[key] = rows.add(
                "price_key", provider_id=offer.provider, service_id=offer.service, unit=one.unit, base_quantity=one.base_quantity,
                minimum_quantity=one.minimum_quantity, time_class=one.time_class, territory=one.territory, extra=one.extra,
            )  # fmt: skip
        rows.add(
            "price", one.name, price_key_id=offer.keys[key], valid=period(one.first, one.last), amount=one.amount,
            vat_category="S" if one.vat_rate else "E", vat_rate=one.vat_rate, vat_inclusive=one.inclusive,
            price_list_id=self.ground.price_list, position="2",
        )  # fmt: skip
        self._list_of[one.name] = self.ground.price_list
        offer.tariffs.append(one)
        self.touches.price_keys.add(offer.keys[key])

    def reprice(self, offer: Offer, old: Tariff, amount: Decimal, rows: Rows) -> None:
        """The provider puts a price right."""
        self._supersede(offer, old, rows)
        self.price(offer, replace(old, name=new_id(), amount=amount), rows)

    def shorten(self, offer: Offer, old: Tariff, last: date | None, rows: Rows) -> None:
        """A price ends earlier, or again when it ended: a copy of it, which is cited as the price it is a copy of."""
        self._supersede(offer, old, rows)
        copy = rows.add(
            "price", price_key_id=offer.keys[_key(old)], valid=period(old.first, last), amount=old.amount,
            vat_category="S" if old.vat_rate else "E", vat_rate=old.vat_rate, vat_inclusive=old.inclusive,
            price_list_id=self._list_of[old.name], position="2", copied_by_list_id=self.ground.price_list, original_id=old.name,
        )  # fmt: skip
        self._in_force[old.name] = copy
        offer.tariffs.append(replace(old, last=last))

    def _supersede(self, offer: Offer, old: Tariff, rows: Rows) -> None:
        offer.tariffs.remove(next(one for one in offer.tariffs if one.name == old.name))
        row = self._in_force.get(old.name, old.name)
        rows.change("price", row, superseded_at=WHEN, superseded_by_list_id=self.ground.price_list)
        self.touches.price_keys.add(offer.keys[_key(old)])

    # the plan

    def plan(self, decided: Decided, item: Item, rows: Rows) -> None:
        decided.items.append(item)
        rows.add(
            "plan_item", item.name, case_id=self.case, decision_id=decided.name, external_id=str(item.name),
            service_id=self.ground.services[item.service], quantity=item.quantity, unit=item.unit, period=period(item.first, item.last),
        )  # fmt: skip
        self._case_touched()

    def choose(self, decided: Decided, item: Item, offer: Offer, rows: Rows) -> None:
        if item.tariffs is not None:
            rows.change("choice", self._choices[item.name], ended_at=WHEN)
        item.tariffs = offer.tariffs
        self._choices[item.name] = rows.add(
            "choice",
            plan_item_id=item.name,
            provider_id=offer.provider,
            chosen_by="parent",
            actor="x",
            reason="",
            chosen_at=WHEN,
        )
        self.touches.decisions.add(decided.name)

    def end_item(self, item: Item, rows: Rows) -> None:
        item.ended = True
        rows.change("plan_item", item.name, ended_at=WHEN)
        self._case_touched()

    def replan(self, item: Item, quantity: Decimal, rows: Rows) -> None:
        item.quantity = quantity
        rows.change("plan_item", item.name, quantity=quantity)
        self._case_touched()

    # orders and what comes of them

    def send(self, decided: Decided, order: Order, offer: Offer, rows: Rows) -> None:
        decided.orders.append(order)
        first = min(one.first for one in order.covers)
        rows.add(
            "purchase_order", order.name, number=str(order.name), decision_id=decided.name, provider_id=offer.provider,
            period=period(first, order.last), issue_date=ISSUED, state=order.state, channel="email", client_reference=str(order.name),
            total_net=0, total_vat=0, total_gross=0, document=b"<Order/>", document_sha256="0", chosen_by="parent",
            approved_by="x", approved_at=WHEN, approval_reason="",
        )  # fmt: skip
        for place, one in enumerate(order.lines, start=1):
            rows.add(
                "order_line", one.name, order_id=order.name, line_number=place, plan_item_id=one.item, price_id=self.ground.price,
                extra=one.extra, period=period(one.first, one.last), quantity=one.quantity, unit=one.unit, amount=1, base_quantity=1,
                vat_category="S" if one.vat_rate else "E", vat_rate=one.vat_rate, net=one.net, vat=one.vat, gross=one.gross,
            )  # fmt: skip
        for cover in order.covers:
            rows.add(
                "order_coverage", cover.name, order_id=order.name, plan_item_id=cover.item, period=period(cover.first, cover.last),
                live=cover.live,
            )  # fmt: skip
        self.touches.orders.add(order.name)

    def reject(self, order: Order, state: str, rows: Rows) -> None:
        """Rejected, failed or cancelled: its days are free again."""
        order.state = state
        rows.change("purchase_order", order.name, state=state)
        for cover in order.covers:
            cover.live = False
            rows.change("order_coverage", cover.name, live=False)
        self.touches.orders.add(order.name)

    def close_order(self, order: Order, rows: Rows) -> None:
        order.state = "closed"
        rows.change("purchase_order", order.name, state="closed")
        self.touches.orders.add(order.name)

    def bill(self, decided: Decided, order: Order, bill: Bill, offer: Offer, rows: Rows) -> None:
        decided.bills.append(bill)
        invoice = new_id()
        rows.add(
            "invoice", invoice, provider_id=offer.provider, number=str(invoice), kind="credit" if bill.credit else "invoice",
            issue_date=ISSUED, final=bill.final,
        )  # fmt: skip
        for one in bill.entries:
            rows.add(
                "invoice_line", invoice_id=invoice, order_line_id=one.line, quantity=one.quantity, net=one.net, vat=one.vat,
                gross=one.gross,
            )  # fmt: skip
        self.touches.orders.add(order.name)

    def deliver(self, decided: Decided, order: Order, report: Report, rows: Rows) -> None:
        decided.reports.append(report)
        first, last = order.covers[0].first, order.covers[0].last
        rows.add(
            "delivered", report.name, order_line_id=report.line, period=period(first, last), quantity=report.quantity
        )
        self.touches.orders.add(order.name)

    def correct(self, order: Order, report: Report, rows: Rows) -> None:
        report.in_force = False
        rows.change("delivered", report.name, superseded_at=WHEN)
        self.touches.orders.add(order.name)


def _key(one: Tariff) -> tuple[object, ...]:
    return one.unit, one.base_quantity, one.minimum_quantity, one.time_class, one.territory, one.extra


def _validity(decided: Decided) -> str | None:
    """As a sync writes it: nothing where nothing is said."""
    return period(decided.first, decided.last) if decided.first or decided.last else None
