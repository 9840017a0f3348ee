"""What people come for, from the first key to the last, with the keyboard alone: in each language, wide and on a phone, with and without
JavaScript. Behind the console work real worker processes and beat.
"""

import os
from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from core.i18n import money, speaking
from tests.browser.conftest import WAYS
from tests.browser.hands import Hands
from tests.browser.looking import plain
from tests.browser.things import KAVERIPAJA
from tests.browser.town import Town
from tests.browser.workbooks import workbook
from tests.support.case_xml import case, decision, export, item
from tests.support.installation import installation
from workers import inline

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stories")]

#: A support person's hour there: 24 of them are more than case LC-1003 may cost.
TOO_DEAR = Decimal("60.00")
MANY = 20_000
#: A worker process may be busy with what the story before has called for.
PATIENCE = 25_000

#: Tells what the line about a run's progress says, each time it says something else.
_LISTEN = """
    addEventListener('DOMContentLoaded', () => {
        const line = document.querySelector('[data-line]');
        if (!line) return;
        heard(line.textContent);
        new MutationObserver(() => heard(line.textContent)).observe(line, {childList: true, characterData: true, subtree: true});
    });
"""


@pytest.fixture(scope="module")
def county(open_town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The county with a dearer support person, and with its worker processes."""
    with open_town() as made:
        made.replace_list(
            "kaveripaja.csv",
            "Tjänst;Enhet;Pris;Gäller från;Gäller till\n"
            f"professionell stödperson;timme;{str(TOO_DEAR).replace('.', ',')} €;1.1.2026;31.12.2027\n"
            "musikverkstad;timme;41,50 €;1.1.2026;31.12.2027\n",
        )
        settings = {name: value for name, value in os.environ.items() if name.startswith("AVAIN_")}
        # they run elsewhere
        settings["AVAIN_SOURCES__CASES__ISOVIENTI__PATH"] = f"{made.home}/in/iso/*.xml"
        with installation(made.database, tmp_path_factory.mktemp("workers"), **settings) as processes:
            for words in (("worker", "--group", "fetch"), ("worker", "--group", "inside"), ("beat",)):
                processes.start(*words)
            processes.wait(lambda: len(processes.rows("SELECT 1 FROM heartbeat WHERE kind = 'worker'")) == 2, 60)
            yield made


@pytest.fixture(
    params=WAYS, ids=lambda way: f"{way['language']}-{way['width']}-{'js' if way['javascript'] else 'no-js'}"
)
def way(request: pytest.FixtureRequest) -> dict[str, object]:
    return dict(request.param)


def test_comparing_without_a_case(browser, way):
    watched = browser("worker", worker="W-101", **way)
    page, hands = watched.page, Hands(watched.page)
    watched.open("/")
    hands.press("nav a[href='/compare']")
    hands.choose("#baseline", "PERHETYO")
    hands.write("#quantity", "24")
    hands.choose("#unit", "C62")
    hands.write("#months", "3")
    hands.press("form[action='/compare'] button")
    expect(page.locator("table.offers tbody tr").first).to_be_visible()
    cheapest = page.locator("tr.best")
    expect(cheapest).to_have_count(1)
    with speaking(str(way["language"])):
        assert plain(money(Decimal("2112.00"))) in plain(cheapest.inner_text()), "24 visits at 88 euros"


def test_choosing_over_the_tolerance_needs_a_reason(browser, county, way):
    number = county.cases["LC-1003"]
    watched = browser("worker", worker="W-103", **way)
    page, hands = watched.page, Hands(watched.page)
    watched.open(f"/cases/{number}/compare")
    row = page.locator("table.offers tr", has=page.locator("td.choice")).filter(has_text="Kaveripaja")
    hands.open(row.locator("td.choice details"))
    hands.choose(row.locator("select[name=chosen_by]"), "child")
    hands.press(row.locator("form button"))
    assert page.locator("[role=alert]").is_visible(), "without a reason it is refused"
    expect(row.locator("select[name=chosen_by]")).to_have_value("child")
    expect(row.locator("input[name=reason]")).to_have_attribute("aria-invalid", "true")
    reason = f"lapsi tuntee ohjaajan ({way['language']})"
    hands.write(row.locator("input[name=reason]"), reason)
    hands.press(row.locator("form button"))
    expect(page.locator(".flash[role=status]")).to_be_visible()
    assert reason in page.inner_text("main")
    (kept,) = county.process.rows(
        "SELECT chosen_by, reason, actor FROM choice WHERE ended_at IS NULL AND reason = :reason", reason=reason
    )
    assert (kept.chosen_by, kept.actor) == ("child", "worker:W-103")


def test_a_list_with_an_unknown_column_is_read_mapped_approved_and_moves_a_budget(browser, county, way):
    number, language = county.cases["LC-1004"], str(way["language"])
    rise = Decimal(43 + 3 * WAYS.index(way))
    owner = browser("worker", worker="W-101", **way)
    owner.open(f"/cases/{number}")
    with speaking(language):
        after = plain(money(20 * rise))
    assert after not in plain(owner.page.inner_text("main"))

    watched = browser("price_manager", **way)
    page, hands = watched.page, Hands(watched.page)
    watched.open("/prices")
    hands.press("a[href='/prices/upload']")
    column = f"Taksa {language}"
    hands.attach("input[type=file]", "uusi hinnasto.xlsx", workbook(column, support=str(TOO_DEAR), music=str(rise)))
    hands.choose("select[name=provider]", KAVERIPAJA)
    hands.press("form[action='/prices/upload'] button")
    form = page.locator("form[action$='/read']")
    form.wait_for(timeout=PATIENCE)
    field = form.locator(".column", has_text=column).locator("select")
    hands.choose(field, "price")
    hands.press(form.locator("button"))
    approve = page.locator("form[action$='/approve']")
    approve.wait_for(timeout=PATIENCE)
    assert plain(_amount(rise, language)) in plain(page.inner_text("main")), "the plan shows the new price"
    if approve.locator("textarea").count():
        hands.write(approve.locator("textarea"), "sovittu puhelimessa")
    hands.press(approve.locator("button"))
    expect(page.locator(".flash[role=status]")).to_be_visible()

    _until(owner.page, after)


def test_progress_moves_while_a_worker_imports_20_000_cases(browser, county):
    several = (case(f"ISO-{n}", decision(), item(service="NEPSY-VALMENNUS")) for n in range(MANY))
    (county.home / "in" / "iso" / "1.xml").write_bytes(export(*several))
    os.utime(county.home / "in" / "iso" / "1.xml", (1_700_000_000, 1_700_000_000))
    watched, plainly = browser("operator"), browser("operator", javascript=False, width=390)
    page, hands = watched.page, Hands(watched.page)
    seen: list[str] = []

    def heard(line: str) -> None:
        seen.append(line)

    page.expose_function("heard", heard)
    page.add_init_script(_LISTEN)
    watched.open("/sources")
    hands.press("main a[href='/sources/isovienti']")
    hands.press("form[action$='/read'] button")
    page.locator("main:has(dl.facts):not(:has([data-progress]))").wait_for(timeout=PATIENCE)
    assert len(set(seen)) > 1, f"the line moved: {seen}"
    plainly.open(page.url.removeprefix(county.origin))
    assert f"{MANY:,}".replace(",", "") in plainly.page.inner_text("main").replace(" ", "").replace(
        "\N{NO-BREAK SPACE}", ""
    )
    assert county.process.rows("SELECT count(*) FROM client_case WHERE source = 'isovienti'")[0][0] == MANY


def _amount(value: Decimal, language: str) -> str:
    with speaking(language):
        return money(value).replace("€", "").strip()


def _until(page: Page, text: str) -> None:
    """Look at the page again until it says so: budgets follow within a moment."""
    for _ in range(60):
        page.reload()
        if text in plain(page.inner_text("main")):
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"{page.url} does not say {text}:\n{page.inner_text('main')}")


def test_orders_are_approved_sent_again_answered_and_handed_over(browser, county):
    watched = browser("worker", worker="W-101", language="sv", width=390, javascript=False)
    page, hands = watched.page, Hands(watched.page)
    watched.open("/")
    hands.press("nav a[href='/orders']")
    hands.press("main a[href='/orders/waiting']")
    boxes = page.locator("input[name=item]")
    expect(boxes).to_have_count(2)
    for place in range(2):
        hands.tick(boxes.nth(place))
    hands.press("button[formaction='/orders/waiting/preview']")
    paper = page.request.get(str(page.locator("a[href^='/orders/preview/order.pdf']").first.get_attribute("href")))
    assert (paper.status, paper.body()[:5]) == (200, b"%PDF-")
    hands.write("#note", "sovittu esihenkilön kanssa")
    hands.press("form[action='/orders/waiting/approve'] button:not([formaction])")
    expect(page.locator(".flash[role=status]")).to_be_visible()
    ordered = [
        row.number
        for row in county.process.rows(
            "SELECT number FROM purchase_order WHERE approval_reason = 'sovittu esihenkilön kanssa' ORDER BY id"
        )
    ]
    assert len(ordered) == 2
    number = ordered[0]
    _sent(county, number)

    county.process.rows("UPDATE purchase_order SET state = 'failed' WHERE number = :number RETURNING id", number=number)
    watched.open("/orders")
    hands.choose("select[name=state]", "failed")
    hands.press("form[action='/orders'] button")
    hands.press(f"main a[href='/orders/{number}']")
    hands.write("#resend-note", "osoite korjattu")
    hands.press("form[action$='/resend'] button")
    expect(page.locator(".flash[role=status]")).to_be_visible()
    _sent(county, number)

    page.reload()
    hands.tick("input[name=code][value=AP]")
    hands.press("form[action$='/respond'] button")
    hands.press("form[action$='/hand-over'] button")
    expect(page.locator(".flash[role=status]")).to_be_visible()
    (order,) = county.process.rows(
        "SELECT state, handed_over_by FROM purchase_order WHERE number = :number", number=number
    )
    assert (order.state, order.handed_over_by) == ("accepted", "worker:W-101")


def _sent(county: Town, number: str) -> None:
    """Delivered as a worker process would: none of those that run here takes orders out."""
    (work,) = county.process.rows("SELECT id, kind FROM work WHERE key = :key", key=f"deliver_order:{number}")
    inline.do_now(work.id, work.kind)
    (order,) = county.process.rows("SELECT state FROM purchase_order WHERE number = :number", number=number)
    assert order.state == "sent"


def test_a_follow_up_is_acknowledged_copied_and_ticked_with_few_keys(browser, county, way):
    kind = ("start", "interval", "before_end")[WAYS.index(way)]
    (row,) = county.process.rows(
        "SELECT follow_up.id FROM follow_up JOIN client_case ON client_case.id = case_id JOIN worker ON worker.id = responsible_worker_id"
        " WHERE worker.external_id = 'W-101' AND kind = :kind AND state = 'open' ORDER BY follow_up.due, follow_up.id LIMIT 1",
        kind=kind,
    )
    watched = browser("worker", worker="W-101", **way)
    page, hands = watched.page, Hands(watched.page)
    watched.open("/follow-ups")
    # a list of their own first, then what is to be done, as a mail's link would lead there
    expect(page.locator("tbody tr").first).to_be_visible()
    watched.open(f"/follow-ups/{row.id}")
    form = page.locator(f"form[action='/follow-ups/{row.id}/acknowledge']")
    stops = _tab_stops(page)
    hands.tick(form.locator("input[name=runs_as_agreed][value=yes]"))
    hands.tick(form.locator("input[name=supports_goals][value=partly]"))
    hands.tick(form.locator("input[name=family_present][value=yes]"))
    hands.tick(form.locator("input[name=rating][value='5']"))
    hands.tick(form.locator("input[name=rated_by][value=child]"))
    hands.press(form.locator("button"))
    assert stops <= 12, "questions are one stop each"
    text = page.locator("#record-text").input_value()
    assert "5/5" in text
    if way["javascript"]:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        hands.reach("button[data-copies]")
        page.keyboard.press("Enter")
        expect(page.locator("#record-copied")).not_to_be_empty()
        assert page.evaluate("navigator.clipboard.readText()") == text
    else:
        expect(page.locator("button[data-copies]")).to_be_hidden()
    hands.press(f"form[action='/follow-ups/{row.id}/written'] button")
    (kept,) = county.process.rows("SELECT rating, rated_by, written_down_by FROM follow_up WHERE id = :id", id=row.id)
    assert tuple(kept) == (5, "child", "worker:W-101")


def _tab_stops(page: Page) -> int:
    """How often Tab is pressed from the beginning of the content to the button that acknowledges."""
    return int(
        page.evaluate(
            """() => {
                const main = document.getElementById('main'), seen = new Set();
                const all = [...main.querySelectorAll('a[href], summary, input:not([type=hidden]), select, textarea, button')];
                let count = 0;
                for (const one of all.filter(one => one.checkVisibility())) {
                    if (one.type === 'radio' && seen.has(one.name)) continue;
                    if (one.type === 'radio') seen.add(one.name);
                    count += 1;
                    if (one.tagName === 'BUTTON') return count;
                }
                return count;
            }"""
        )
    )
