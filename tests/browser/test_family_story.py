"""One child's service from beginning to end, as everybody in it sees it: the family on its telephone, the worker, the supervisor, the provider.

A family comes in by link and code, sees the picture and proposes; the worker confirms, the supervisor approves, the provider accepts by the
page its letter leads to, the contact details are handed over. Three months later the child says with a face how good it was, and the worker's
final evaluation ends it: the need is met. Everything in Finnish, and each page of it is read by axe-core.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from email import message_from_bytes, policy
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, expect

from core.i18n import HELSINKI
from tests.browser import looking
from tests.browser.conftest import PHONE
from tests.browser.looking import Watched
from tests.browser.town import Town, alone
from tests.browser.words import english_in
from tests.support.case_xml import case, decision, export, item

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("family")]

#: The invented child's case at its source.
CHILD = "ISO-LAPSI"
#: Lower than what the service costs: who confirmed the family's choice cannot approve it as well.
LIMIT = "500"
#: Whom the worker thought of: Nepsypolku. The family would rather have the other.
FIRST_CHOICE = "9911111-3"
PROVIDER = "Esimerkkivalmennus"
MORE_PRICES = f"""
[sources.prices.nepsypolku]
provider = "{FIRST_CHOICE}"
path = "in/prices/nepsypolku.csv"
"""
LAST_DAY = datetime(2027, 2, 26, 9, 0, tzinfo=HELSINKI)


@pytest.fixture(scope="module")
def county(open_town: Callable[[str], AbstractContextManager[Town]]) -> Iterator[Town]:
    """The county with one more case, for whose planned service the worker has thought of somebody."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVAIN_ORDERS__APPROVAL_LIMIT", LIMIT)
        patch.setenv("AVAIN_LANGUAGE", "fi")  # a choice's reason is kept in the installation's language
        with open_town(MORE_PRICES) as made, alone():
            planned = item(service="NEPSY-VALMENNUS", quantity="10", start="2026-11-30", end="2027-02-26")
            basis = decision(standDate="2026-11-05", validFrom="2026-11-16", validTo="2027-03-31")
            made.bring_case(
                export(case(CHILD, basis, planned, more='<unit code="U-1"/><goal>Omat vahvuudet löytyvät</goal>'))
            )
            chosen = ("--provider", FIRST_CHOICE, "--by", "worker", "--reason", "puhuu perheen kieltä", "--as", "W-101")
            made.avain("case", "choose", made.cases[CHILD], *chosen)
            made.settle()
            yield made


class Reader:
    """Somebody in the story. Every page they come to is looked at as it stands."""

    def __init__(self, watched: Watched, axe: str) -> None:
        self.watched, self.page, self._axe = watched, watched.page, axe

    def open(self, path: str) -> str:
        """Go to an address; what stands there."""
        self.watched.open(path)
        return self._read()

    def press(self, what: str | Locator) -> str:
        """Follow a link or press a button, with a finger or the mouse; what stands on the page it leads to."""
        with self.page.expect_navigation():
            (self.page.locator(what) if isinstance(what, str) else what).click()
        return self._read()

    def _read(self) -> str:
        page = self.page
        wrong = [f"English: {text}" for text in english_in(looking.texts(page), "fi")]
        wrong += [f"scrolls sideways: {one}" for one in looking.too_wide(page)]
        grave = [one for one in looking.axe_says(page, self._axe) if one["impact"] in looking.GRAVE]
        assert not wrong, f"{page.url}: {wrong}"
        assert not grave, f"{page.url}: {looking.in_words(grave)}"
        return looking.plain(page.inner_text("main"))


@pytest.fixture
def somebody(browser, axe) -> Callable[..., Reader]:
    return lambda *roles, **how: Reader(browser(*roles, **how), axe)


def test_from_the_family_s_proposal_to_a_need_that_is_met(somebody: Callable[..., Reader], county: Town) -> None:
    number = county.cases[CHILD]
    mine, case_page = f"/my/{number}", f"/cases/{number}"
    worker, supervisor = somebody("worker", worker="W-101"), somebody("supervisor", worker="W-900")
    family = somebody(signed_in=False, width=PHONE["width"])

    _come_in(family, worker, number)
    expect(family.page.locator("svg.bar").first).to_be_visible()
    assert "Omat vahvuudet löytyvät" in family.page.inner_text("main")

    family.press(family.page.locator(f"a[href^='{mine}/propose']").first)
    family.page.locator("label.offer", has_text=PROVIDER).locator("input").check()
    family.page.locator("input[name=voice][value=parent]").check()
    family.press(f"form[action='{mine}/propose'] button")
    expect(family.page.locator(".flash[role=status]")).to_be_visible()
    assert PROVIDER in worker.open("/"), "it waits on the worker's first page"

    worker.open(case_page)
    worker.press(f"form[action^='{case_page}/proposals/'][action$='/confirm'] button")
    assert "vahvist" in family.open(f"{mine}/propose")
    (choice,) = county.process.rows(
        "SELECT choice.id, chosen_by, actor FROM choice JOIN plan_item ON plan_item.id = plan_item_id"
        " JOIN client_case ON client_case.id = case_id WHERE client_case.number = :number AND choice.ended_at IS NULL",
        number=number,
    )
    assert (choice.chosen_by, choice.actor) == ("parent", "worker:W-101")

    assert _approved(worker, number) is None, "who confirmed the choice may not approve so much alone"
    order = _approved(supervisor, number)
    assert order is not None
    county.settle()
    assert order in worker.open(f"/orders/{order}")
    assert PROVIDER in family.open(mine)
    said_before = looking.plain(family.page.locator("main").inner_text())

    provider = somebody(signed_in=False)
    told = provider.open(_reply_address(county, order))
    assert number not in told, "the provider hears of no case"
    provider.page.locator("#f-starts_on").fill("30.11.2026")
    provider.press(provider.page.locator("form", has=provider.page.locator("input[value=accept]")).locator("button"))
    expect(provider.page.locator(".flash[role=status]")).to_be_visible()
    county.settle()
    assert family.open(mine) != said_before, "the family sees that the provider has accepted"

    worker.open(f"/orders/{order}")
    worker.press(f"form[action='/orders/{order}/hand-over'] button")
    assert worker.page.locator(f"form[action='/orders/{order}/hand-over']").count() == 0

    county.tick(LAST_DAY)
    family.watched.open(mine)
    assert urlsplit(family.page.url).path == "/my/in", "the link was for some days"
    _come_in(family, worker, number)
    family.open(f"{mine}/child")
    family.press(f"a[href='{mine}/rate?voice=child']")
    family.page.locator("input[name=voice][value=child]").check()
    family.page.locator("input[name=rating][value='5']").check(force=True)
    family.press(f"form[action='{mine}/rate'] button")
    expect(family.page.locator(".flash[role=status]")).to_be_visible()
    assert "5/5" in worker.open(case_page)

    final = _follow_up(county, number)
    worker.open(f"/follow-ups/{final}")
    form = worker.page.locator(f"form[action='/follow-ups/{final}/acknowledge']")
    expect(form.locator("input[name=rating][value='5']")).to_be_checked()
    expect(form.locator("input[name=rated_by][value=child]")).to_be_checked()
    form.locator("input[name=runs_as_agreed][value=yes]").check()
    form.locator("input[name=end_result][value=need_met]").check()
    worker.press(form.locator("button"))
    record = worker.page.locator("#record-text").input_value()
    assert "5/5" in record
    assert "tarpeeseen on vastattu" in record
    worker.press(f"form[action='/follow-ups/{final}/written'] button")
    (kept,) = county.process.rows(
        "SELECT state, rating, rated_by, findings ->> 'end_result' AS ended, written_down_by FROM follow_up WHERE id = :id",
        id=final,
    )
    assert tuple(kept) == ("acknowledged", 5, "child", "need_met", "worker:W-101")
    county.call("count_units")
    assert "5" in supervisor.open("/unit")
    family.open(mine)


def _come_in(family: Reader, worker: Reader, number: str) -> None:
    """The worker makes a link and hands the paper over; the family types what stands on it."""
    worker.open(f"/cases/{number}")
    worker.press(f"form[action='/cases/{number}/links'] button")
    address, code = worker.page.locator(".paper code").all_inner_texts()
    family.open(urlsplit(address.strip()).path)
    family.page.locator("input[name=code]").fill(code)
    family.press("form[action='/my/in'] button")
    assert urlsplit(family.page.url).path == f"/my/{number}", family.page.inner_text("main")


def _approved(who: Reader, number: str) -> str | None:
    """The number of the order that was made; None if it was not theirs to approve."""
    who.open("/orders/waiting")
    row = who.page.locator("tr", has=who.page.locator(f"a[href='/cases/{number}']"))
    row.locator("input[name=item]").check()
    who.press("form[action='/orders/waiting/approve'] button:not([formaction])")
    if who.page.locator("#refused").count():
        return None
    made = re.search(r"T-\d{4}-\d+", who.page.locator(".flash[role=status]").inner_text())
    assert made is not None
    return made[0]


def _reply_address(county: Town, order: str) -> str:
    """Where the letter to the provider leads it."""
    letters = [message_from_bytes(one.read_bytes(), policy=policy.default) for one in (county.home / "mail").glob("*")]
    (letter,) = [one for one in letters if one["Subject"] == order]
    body = letter.get_body(("plain",))
    assert body is not None
    found = re.search(r"https?://\S+?(/reply/\S+)", body.get_content())
    assert found is not None
    return found[1]


def _follow_up(county: Town, number: str) -> int:
    """The final evaluation that has come due."""
    (row,) = county.process.rows(
        "SELECT follow_up.id FROM follow_up JOIN client_case ON client_case.id = case_id"
        " WHERE client_case.number = :number AND kind = 'final' AND state = 'open'",
        number=number,
    )
    return int(row.id)
