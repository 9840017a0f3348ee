"""However a provider splits an order into invoices and credit notes, budgets are right to the cent; the oracle is plain arithmetic."""

from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.budget_settings import Budgets
from services.budgets import dirty
from tests.support.billing import NOW, Billing
from tests.support.budgets import current_version, recompute_dirty
from tests.support.invoices import Row, finvoice, peppol

#: Lines of the order: quantity, net, VAT in percent. The price of a unit is never whole cents.
ORDERED = {1: ("12", "1000.00", "0"), 2: ("80", "45.67", "25.5"), 3: ("7", "333.33", "0")}
MOVES = st.lists(
    st.tuples(
        st.sampled_from(["invoice", "invoice", "credit"]),
        st.sampled_from(sorted(ORDERED)),
        st.decimals(Decimal("0.01"), Decimal("1.20"), places=2),
        st.booleans(),
    ),
    max_size=8,
)


@dataclass
class Expected:
    """The books of one order as a person would keep them."""

    net: dict[int, Decimal] = field(default_factory=lambda: dict.fromkeys(ORDERED, Decimal(0)))
    vat: dict[int, Decimal] = field(default_factory=lambda: dict.fromkeys(ORDERED, Decimal(0)))
    closed: bool = False

    def gross(self, line: int) -> Decimal:
        return self.net[line] + self.vat[line]

    @property
    def billed(self) -> Decimal:
        return sum(map(self.gross, ORDERED), Decimal(0))

    def may(self, kind: str, line: int, net: Decimal, vat: Decimal) -> bool:
        if kind == "credit":
            return net <= self.net[line] and vat <= self.vat[line]
        return self.billed + net + vat <= sum(map(ordered, ORDERED), Decimal(0))

    def book(self, kind: str, line: int, net: Decimal, vat: Decimal) -> None:
        sign = -1 if kind == "credit" else 1
        self.net[line] += sign * net
        self.vat[line] += sign * vat
        self.closed |= self.billed == sum(map(ordered, ORDERED), Decimal(0))

    @property
    def bound(self) -> Decimal:
        return (
            Decimal(0)
            if self.closed
            else sum((max(ordered(n) - self.gross(n), Decimal(0)) for n in ORDERED), Decimal(0))
        )


def tax(net: Decimal, percent: str) -> Decimal:
    return (net * Decimal(percent) / 100).quantize(Decimal("0.01"), "ROUND_HALF_UP")


def ordered(line: int) -> Decimal:
    _, net, percent = ORDERED[line]
    return Decimal(net) + tax(Decimal(net), percent)


def one_order(session) -> Billing:
    billing = Billing(session)
    billing.order = billing.make_order()
    for number, (quantity, net, percent) in ORDERED.items():
        vat = tax(Decimal(net), percent)
        billing.add_line(
            billing.order, str(Decimal(net) + vat), line_number=number, quantity=Decimal(quantity),
            vat_rate=Decimal(percent) / 100, net=Decimal(net), vat=vat,
        )  # fmt: skip
    return billing


@given(moves=MOVES)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_split_of_an_order_keeps_the_figures(session, moves):
    with session.begin_nested() as undone:
        billing, books = one_order(session), Expected()
        others = Decimal("1056.00")  # the order that every test has
        for kind, line, part, as_finvoice in moves:
            _, whole, percent = ORDERED[line]
            net = (Decimal(whole) * part / 3).quantize(Decimal("0.01"), "ROUND_HALF_UP")
            vat = tax(net, percent)
            row = Row(str(net), "0.001", percent=percent, order_line=str(line))
            row.unit = "LS"  # a lump sum has no price of a unit
            form = finvoice if as_finvoice else peppol
            outcome = billing.take(form=form, credit=kind == "credit", rows=[row])
            fits = books.may(kind, line, net, vat)
            assert (outcome.state == "applied") == fits, outcome.reason
            if fits:
                books.book(kind, line, net, vat)
        dirty.mark_orders(session, [billing.order.id])
        recompute_dirty(session, now=NOW, settings=Budgets())
        version = current_version(session, billing.decision.id)
        assert version.invoiced == books.billed >= 0
        assert version.ordered == books.bound + others
        assert version.invoiced + version.ordered >= 0
        undone.rollback()
