"""The demo's steps about what comes back: a Peppol answer, a coach who answers by the letter's link, the hand-over, deliveries, invoices."""

import html
import http.client
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from string import Template
from typing import Any, Final
from urllib.parse import urlencode

from core.i18n import HELSINKI, _
from demo.console_steps import plain
from demo.order_steps import mails
from demo.story import Story, money_of, money_sum, print_budgets, read_budgets

ANSWERED_AT: Final = datetime(2026, 11, 17, 10, 0, 1, tzinfo=HELSINKI)
#: What providers send; `$order` and the like are filled in.
_LETTERS: Final = Path(__file__).parent / "data" / "answers"
_REPLY_LINK: Final = re.compile(r"https://avain-esimerkki\.invalid(/reply/\S+)")
_FIELD: Final = re.compile(r'name="seen" value="([^"]*)"')
_FIRST, _LAST = date(2026, 11, 23), date(2026, 11, 30)


def answers(story: Story) -> None:
    """Case 3's provider accepts by a Peppol order response, case 1's coach by the link in the letter; then the hand-over is ticked."""
    by_case = _orders_by_case(story)
    _papers_of_letters(story)
    tukipolku, coach = by_case["LC-1003"]["number"], by_case["LC-1001"]["number"]
    _arrives(story, "vastaus-peppol.xml", order=tukipolku, today="2026-11-17", starts="2026-11-30")
    story.place.clock(ANSWERED_AT)
    story.place.wait(lambda: _state(story, tukipolku) == "accepted", "order response")
    story.check(True, _("a Peppol order response accepts case 3's order"), tukipolku)  # noqa: FBT003 - waited for
    page = _answered_by_link(story, coach)
    handed = story.place.avain("order", "handover", coach, "--as", "W-101", "--json")
    story.check(handed, _("the worker gave the contact details outside Avain, and ticked it"), "W-101")
    story.show("order", "list")
    story.report["answers"] = {"response": tukipolku, "link": coach, "page": page}


def _papers_of_letters(story: Story) -> None:
    """Each letter carries the order as an accessible PDF, which says nothing about a person."""
    secrets = [*story.cases.values(), *story.cases, "Aino Esimerkki", "Bo Påhittad", "Cecilia Keksitty"]
    kept = []
    for mail in (one for one in mails(story) if str(one["Subject"]).startswith("T-")):
        (part,) = [one for one in mail.iter_attachments() if one.get_content_type() == "application/pdf"]
        file = story.place.results / "orders" / str(part.get_filename())
        file.write_bytes(part.get_payload(decode=True))
        said = mail.get_body(("plain",)).get_content() + "".join(
            one.get_payload(decode=True).decode("utf-8", "replace") for one in mail.iter_attachments()
        )
        told = [secret for secret in secrets if secret in said]
        story.check(
            b"<pdfuaid:part>1</pdfuaid:part>" in file.read_bytes() and not told,
            _("{order}: the letter carries the order as an accessible PDF, and names no case and no person").format(
                order=file.stem
            ),
            told or "",
        )
        kept.append(file.name)
    story.check(len(kept) >= 2, _("orders by e-mail went out as PDF"), ", ".join(sorted(kept)))
    story.report["order_papers"] = sorted(kept)


def _answered_by_link(story: Story, order: str) -> str:
    """The coach opens the link of the letter and accepts, over HTTP; looking alone changes nothing. What the page says then."""
    letter = next(mail for mail in mails(story) if mail["Subject"] == order)
    found = _REPLY_LINK.search(letter.get_body(("plain",)).get_content())
    story.check(found, _("the letter holds a link to answer by"))
    path = found[1] if found else ""
    status, page = _http(story, "GET", path)
    story.check(
        status == 200 and order in page and story.cases["LC-1001"] not in page and _state(story, order) == "sent",
        _("without signing in the coach sees the order, and no case or person; looking answers nothing"),
    )
    seen = _FIELD.search(page)
    form = {"answer": "accept", "starts_on": "23.11.2026", "seen": seen[1] if seen else ""}
    status, _page = _http(story, "POST", path, form)
    accepted = story.place.query(
        "SELECT starts_on FROM purchase_order WHERE number = %(number)s AND state = 'accepted'", number=order
    )
    story.check(
        status == 303 and accepted and accepted[0]["starts_on"] == _FIRST,
        _("the coach accepts with a first day, by a button"),
        order,
    )
    changed, _page = _http(story, "GET", path[:-3] + ("abc" if not path.endswith("abc") else "xyz"))
    story.check(changed >= 400, _("a link that was changed does not open"), changed)
    return _read(_http(story, "GET", path)[1])


def invoiced(story: Story) -> None:
    """After the first weeks: delivered quantities as CSV, an invoice by Peppol, one as Finvoice; the budgets move by exactly that."""
    place, by_case, before = story.place, _orders_by_case(story), _by_case(read_budgets(story))
    coach, support = by_case["LC-1001"], by_case["LC-1003"]
    day = date.fromisoformat(story.report["escalation"]["day"])
    bills = {"LC-1001": _bill(coach, Decimal(1), day), "LC-1003": _bill(support, Decimal(2), day)}
    _arrives(story, "toteuma.csv", order=coach["number"], quantity="2", first=_FIRST, last=_LAST)
    _arrives(story, "lasku-finvoice.xml", encoding="iso-8859-15", **bills["LC-1001"])
    _arrives(story, "lasku-peppol.xml", **bills["LC-1003"])
    _arrives(story, "lasku-peppol.xml", named="lasku-peppol-uudelleen.xml", **bills["LC-1003"])
    place.clock(datetime.combine(day, time(10, 0, 1), HELSINKI))
    place.wait(lambda: len(_incoming(story)) == 4, "incoming")
    place.settled()
    states = [f"{row['kind']} {row['state']}" for row in _incoming(story)]
    booked = place.query("SELECT count(*) AS n FROM invoice")[0]["n"]
    story.check(
        states.count("invoice applied") == booked == 2 and states.count("delivered applied") == 1,
        _(
            "a CSV of what was delivered, a Peppol invoice and a Finvoice were taken; the file that came twice counts once"
        ),
        ", ".join(states),
    )
    after = _by_case(read_budgets(story))
    for case, bill in bills.items():
        number, amount = story.cases[case], Decimal(bill["amount"])
        was, now = before[number], after[number]
        story.check(
            Decimal(now["invoiced"]) == Decimal(was["invoiced"]) + amount
            and Decimal(now["ordered"]) == Decimal(was["ordered"]) - amount
            and now["free"] == was["free"]
            and money_sum(now),
            _("{case}: what was billed moved from ordered to invoiced, to the cent; what is free stays").format(
                case=number
            ),
            money_of(bill["amount"]),
        )
    reported = after[story.cases["LC-1001"]]["delivered"]
    story.check(
        Decimal(reported) == Decimal(bills["LC-1001"]["amount"]),  # two visits were given, one was billed
        _("what was delivered is shown as a part of what is ordered"),
        money_of(reported),
    )
    story.show("invoice", "list", "--state", "applied")
    print_budgets(story, list(after.values()))
    story.report["budgets_after"] = list(after.values())
    story.report["billed"] = {
        story.cases[case]: {
            "order": bill["order"],
            "amount": bill["amount"],
            "left": after[story.cases[case]]["ordered"],
        }
        for case, bill in bills.items()
    }


def _arrives(story: Story, letter: str, *, named: str = "", encoding: str = "utf-8", **values: Any) -> None:
    """A provider's file lies where Avain collects."""
    folder = story.place.home / "in" / "incoming"
    folder.mkdir(exist_ok=True)
    filled = Template((_LETTERS / letter).read_text("utf-8")).substitute(values)
    (folder / (named or letter)).write_bytes(filled.encode(encoding))


def _bill(order: dict[str, Any], quantity: Decimal, today: date) -> dict[str, Any]:
    """What an invoice over so much of an order's line says."""
    amount = f"{quantity * order['amount']:.2f}"
    comma = {
        f"{name}_comma": value.replace(".", ",") for name, value in (("amount", amount), ("quantity", f"{quantity}"))
    }
    price = f"{order['amount']:.2f}"
    return {
        "order": order["number"], "reference": order["client_reference"], "line": order["line"], "unit": order["unit"], "quantity": f"{quantity}",
        "price": price, "price_comma": price.replace(".", ","), "amount": amount, **comma,
        "first": today.replace(day=1), "last": today, "today": today, "due": today + timedelta(days=14), "today_digits": f"{today:%Y%m%d}",
    }  # fmt: skip


def _orders_by_case(story: Story) -> dict[str, dict[str, Any]]:
    """The orders, each with the line that holds most of it, by the source's name of the case."""
    rows = story.place.query(
        """
        SELECT DISTINCT ON (purchase_order.id) client_case.external_id, purchase_order.number, client_reference, line_number AS line,
               order_line.unit, order_line.amount / order_line.base_quantity AS amount
        FROM purchase_order
        JOIN decision ON decision.id = purchase_order.decision_id
        JOIN client_case ON client_case.id = decision.case_id
        JOIN order_line ON order_line.order_id = purchase_order.id
        ORDER BY purchase_order.id, order_line.quantity DESC
        """
    )
    return {row["external_id"]: row for row in rows}


def _by_case(budgets: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["case"]: one for one in budgets}


def _incoming(story: Story) -> list[dict[str, Any]]:
    return story.place.query("SELECT file_name, kind, state FROM incoming_document ORDER BY id")


def _state(story: Story, order: str) -> str:
    return str(
        story.place.query("SELECT state FROM purchase_order WHERE number = %(number)s", number=order)[0]["state"]
    )


def _read(page: str) -> str:
    """What the main part of a page says."""
    main = page.partition("<main")[2].partition(">")[2].partition("</main>")[0]
    return plain(html.unescape(re.sub(r"<[^>]+>", " ", main)))


def _http(story: Story, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
    """Ask the demo's console, as a telephone anywhere would."""
    host = f"127.0.0.1:{story.place.console_port}"
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        headers = {"Origin": f"http://{host}", "Content-Type": "application/x-www-form-urlencoded"} if form else {}
        connection.request(method, path, urlencode(form) if form else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
