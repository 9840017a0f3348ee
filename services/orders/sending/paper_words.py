"""A purchase order in words: what documents/pdf's template `order` sets. Everything is in the reader's language, so call it inside `speaking(…)`."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from core.i18n import N_, _, day, money, number
from core.units import amount, unit_price, what_is_priced
from services.orders.sending.paper_values import Link, Paper, PaperLine

#: VAT without a rate, by its UNCL 5305 category.
_WITHOUT_RATE: Final = {
    "E": N_("exempt from VAT"),
    "Z": N_("VAT 0 %"),
    "AE": N_("reverse charge"),
    "O": N_("outside VAT"),
}


def in_words(paper: Paper) -> dict[str, Any]:
    """The data of the template: headings, facts, tables and sentences, all finished texts."""
    return {
        "reference": paper.number,
        "heading": _heading(paper),
        "draft": "" if paper.number else _("Nothing has been ordered yet. This is what would be ordered."),
        "parties": [_buyer(paper), _seller(paper)],
        "facts": list(_facts(paper)),
        "lines_heading": _("What is ordered"),
        "line_headings": [
            _("Line"),
            _("Service"),
            _("Period"),
            _("Quantity at most"),
            _("Unit price"),
            _("Total with VAT"),
        ],
        "lines": [_line(line) for line in paper.lines],
        "sums_heading": _("Together"),
        "sum_headings": [_("VAT"), _("Without VAT"), _("VAT, euros"), _("Total with VAT")],
        "sums": _sums(paper),
        "maximum": _maximum(paper),
        "sections": [
            one for one in (_answer(paper), _contact(paper), _report(paper), _invoice(paper), *_terms(paper)) if one
        ],
    }


def _heading(paper: Paper) -> str:
    return _("Purchase order {number}").format(number=paper.number) if paper.number else _("Purchase order")


def _buyer(paper: Paper) -> dict[str, Any]:
    buyer = paper.buyer
    return _party(
        _("Buyer"),
        {
            _("Name"): buyer.name,
            _("Business ID"): buyer.business_id,
            _("Unit"): buyer.unit or "",
            _("Ask by e-mail"): buyer.mail or "",
        },
    )


def _seller(paper: Paper) -> dict[str, Any]:
    return _party(_("Provider"), {_("Name"): paper.seller.name, _("Business ID"): paper.seller.business_id})


def _party(heading: str, facts: Mapping[str, str]) -> dict[str, Any]:
    return {"heading": heading, "facts": [_fact(label, text) for label, text in facts.items() if text]}


def _facts(paper: Paper) -> Iterable[dict[str, str]]:
    if paper.number:
        yield _fact(_("Order number"), paper.number)
        yield _fact(_("Date of order"), day(paper.issue_date))
    if paper.client_reference:
        yield _fact(
            _("Client reference"),
            _("{reference}. It stands for the client. Quote it, and never a name.").format(
                reference=paper.client_reference
            ),
        )
    decision = _("{decision}, {date}") if paper.decision_date else "{decision}"
    yield _fact(_("Decision"), decision.format(decision=paper.decision_number, date=day(paper.decision_date)))
    if paper.contract:
        yield _fact(_("Contract"), paper.contract)
    yield _fact(_("Period"), _days(paper.first, paper.last))


def _fact(label: str, text: str) -> dict[str, str]:
    return {"label": label, "text": text}


def _days(first: Any, last: Any) -> str:
    return day(first) if first == last else f"{day(first)}–{day(last)}"


def _line(line: PaperLine) -> list[str]:
    return [
        number(line.number),
        what_is_priced(line.service, line.extra),
        _days(line.first, line.last),
        amount(line.quantity, line.unit),
        _price(line),
        money(line.gross),
    ]


def _price(line: PaperLine) -> str:
    price = unit_price(line.price, line.unit, line.base_quantity)
    if not line.vat_rate:
        return price
    return (_("{price} with VAT") if line.vat_inclusive else _("{price}, VAT 0 %")).format(price=price)


def _sums(paper: Paper) -> list[list[str]]:
    """A row for each VAT, and one for all where there are several."""
    rows = [(_vat(*kind), sums) for kind, sums in paper.by_vat.items()]
    if len(rows) != 1:
        rows.append((_("All"), paper.total))
    return [[label, money(sums.net), money(sums.vat), money(sums.gross)] for label, sums in rows]


def _vat(category: str, rate: Decimal) -> str:
    if not rate:
        return _(_WITHOUT_RATE.get(category, _WITHOUT_RATE["Z"]))
    return _("VAT {percent} %").format(percent=number(rate * 100))


def _maximum(paper: Paper) -> list[str]:
    return [
        _("This order is a maximum: {money} with VAT, and of each line no more than its quantity.").format(
            money=money(paper.total.gross)
        ),
        _("Only what was delivered is invoiced. More of anything needs a new order."),
    ]


def _answer(paper: Paper) -> dict[str, Any]:
    """How to answer; nothing while there is nothing to be answered."""
    if not paper.number:
        return {}
    sentences = [
        _("Say whether you take the order and when you start, what you would change, or that you have no room."),
    ]
    if paper.reply:
        sentences.append(
            _("Answer on this page until {date}. You need no password:").format(date=day(paper.reply.expires))
        )
    elif paper.buyer.mail:
        sentences.append(
            _("Answer by the channel the order came by, or to {mail}. Quote the order number.").format(
                mail=paper.buyer.mail
            )
        )
    else:
        sentences.append(_("Answer by the channel the order came by. Quote the order number."))
    return _section(_("How to answer"), sentences, link=paper.reply)


def _contact(paper: Paper) -> dict[str, Any]:
    """How provider and client find each other: never by this paper."""
    if not paper.number:
        return {}
    return _section(
        _("Contact details of the client"),
        [
            _(
                "They do not stand here. Once you have accepted, the responsible worker gives them to you separately and safely."
            ),
            _("Do not send any information about a client by e-mail."),
        ],
    )


def _report(paper: Paper) -> dict[str, Any]:
    """Where what was delivered is told; nothing where there is no such page."""
    if not paper.report:
        return {}
    told = _("Tell on this page what was delivered, until {date}. You need no password:")
    return _section(_("What was delivered"), [told.format(date=day(paper.report.expires))], link=paper.report)


def _invoice(paper: Paper) -> dict[str, Any]:
    sentences = []
    if paper.invoicing and paper.invoicing.operator:
        sentences.append(
            _("E-invoice address: {address}, operator {operator}.").format(
                address=paper.invoicing.address, operator=paper.invoicing.operator
            )
        )
    elif paper.invoicing:
        sentences.append(_("E-invoice address: {address}.").format(address=paper.invoicing.address))
    if paper.number:
        sentences.append(
            _("Quote the order number {number} on the invoice, and nothing that tells who the client is.").format(
                number=paper.number
            )
        )
        sentences.append(_("If you receive the same order number twice, it is one and the same order."))
    return _section(_("Invoice"), sentences) if sentences else {}


def _terms(paper: Paper) -> Iterable[dict[str, Any]]:
    """The buyer's own terms, a paragraph a line."""
    for heading, text in (
        (_("If the client does not come"), paper.no_show),
        (_("Cancelling the order"), paper.cancellation),
    ):
        paragraphs = [line.strip() for line in text.splitlines() if line.strip()]
        if paragraphs:
            yield _section(heading, paragraphs)


def _section(heading: str, sentences: list[str], *, link: Link | None = None) -> dict[str, Any]:
    return {"heading": heading, "sentences": sentences, "link": link.url if link else ""}
