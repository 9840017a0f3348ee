"""Somebody who must not be found (turvakielto): every surface of the console, held against everybody who may not see the case.

Whoever adds a page is walked over here without doing anything for it: what no line of `MAY_STAND` allows must not stand on any page of
people who only help, who work elsewhere, or who look after machinery, prices and the trail.
"""

import io
import zipfile
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import text

from core.errors import Message
from models.base import days
from models.case import Client
from models.family import FamilyProposal, FamilyWish
from models.follow_up import FollowUp, Notice
from models.worker import Absence
from services import audit
from services.follow_ups import calendar
from tests.console.test_choosing import Scene
from tests.console.who_may import ANYBODY, FAMILIES, TABLE
from tests.factories.answer import make_incoming
from tests.factories.base import added
from tests.factories.case import make_case, make_choice
from tests.factories.follow_up import make_follow_up
from tests.factories.order import make_order, make_order_line
from tests.factories.worker import make_unit, make_worker
from tests.support.browsing import Browser, Opener
from tests.support.families import come_in
from tests.support.market import NOW, TODAY
from tests.support.pdf import words

CASE, ORDER = "HB-2026-900077", "T-2026-900077"
#: What tells of this case: everything that could lead to somebody, by what it is.
SECRETS: Final = {
    "case": CASE,
    "order": ORDER,
    "case at the source": "ASIAKKUUS-77",
    "client at the source": "ASIAKAS-77",
    "goal": "Tavoitekanaria",
    "decision": "P-KANARIA-77",
    "item": "I-KANARIA-77",
    "reference": "viitekanaria77",
    "why": "syykanaria",
}
#: Where something may stand nevertheless, and why.
MAY_STAND: Final = {
    # what was done, and about which case: without it nobody could look into who has looked (ADR 14). No word of the client's.
    ("auditor", "/audit"): {"case", "order"},
    ("auditor", "/audit/cases/{number}"): {"case", "order"},
    # which order a document is about that waits: it names nobody, and opens no page of the operator's
    ("operator", "/incoming"): {"order"},
}
PAGES: Final = sorted(
    path
    for (method, path), who in TABLE.items()
    if method == "GET" and who not in {ANYBODY, FAMILIES} and path != "/logout"
)


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    """Business time: 16 November 2026."""
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)


class Hidden(Scene):
    """A case of W-1's with something on every page: W-2 helps, W-3 was handed a follow-up, W-4 stands in for W-1, W-5 leads the unit."""

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self.case.number, self.case.external_id = CASE, SECRETS["case at the source"]
        self.case.goals = [SECRETS["goal"]]
        self.client = session.get_one(Client, self.case.client_id)
        self.client.external_id = SECRETS["client at the source"]
        self.decision.number, self.item.external_id = SECRETS["decision"], SECRETS["item"]
        people = {
            name: make_worker(session, external_id=name, language="en") for name in ("W-2", "W-3", "W-4", "W-5", "W-6")
        }
        self.unit.supervisor_id = people["W-5"].id
        make_unit(session, supervisor_id=people["W-6"].id)
        self.case.co_worker_id = people["W-2"].id
        session.add(Absence(worker_id=self.worker.id, deputy_id=people["W-4"].id, period=days(TODAY, TODAY), actor="t"))
        make_choice(session, self.item, self.one)
        self.order = make_order(
            session, self.decision, self.one, number=ORDER, client_reference=SECRETS["reference"], approval_reason=SECRETS["why"], state="accepted"
        )  # fmt: skip
        make_order_line(session, self.order, self.item, self.cheap, "1056.00")
        self.invoice = make_incoming(
            session, self.order, reason=Message("It is dearer than the order.").to_json(), number="L-77"
        )
        due = TODAY - timedelta(days=7)
        self.handed = make_follow_up(session, self.item, planned_for=due, handed_to_id=people["W-3"].id)
        self.answered = make_follow_up(
            session,
            self.item,
            kind="final",
            planned_for=due,
            handed_to_id=people["W-3"].id,
            state="acknowledged",
            settled_at=NOW,
            settled_by="worker:W-3",
        )
        self.ticking = FollowUp(
            case_id=self.case.id, order_id=self.order.id, kind="hand_over", planned_for=due, due=due, findings={}
        )
        added(session, self.ticking)
        self.notices = [
            added(session, Notice(worker_id=one.id, kind="budget_over", subject=f"case:{CASE}", event=f"e-{one.id}", message={}, recorded_at=NOW))
            for one in (self.worker, people["W-2"], people["W-3"])
        ]  # fmt: skip
        proposal = FamilyProposal(case_id=self.case.id, plan_item_id=self.item.id, provider_id=self.one.id, voice="child", proposed_by="t", proposed_at=NOW)  # fmt: skip
        session.add_all(
            [proposal, FamilyWish(case_id=self.case.id, voice="child", place="t", written_by="t", written_at=NOW)]
        )
        for subject in (f"case:{CASE}", f"order:{ORDER}"):
            audit.record(session, "worker:W-1", "case.viewed", subject, now=NOW)
        self.feeds = {name: calendar.make(session, name, now=NOW, actor="t") for name in ("W-1", "W-2", "W-3", "W-6")}
        session.flush()

    def hide(self, by: str) -> None:
        """The word comes: with this record of the client, or with another source's record of the same person."""
        self.client.blind_index = b"the same person"
        other = Client(
            source="another", external_id="X-1", blind_index=b"the same person", non_disclosure=by == "another"
        )
        self.session.add(other)
        self.client.non_disclosure = by == "own"
        self.session.flush()

    def lift(self) -> None:
        """The word is taken back."""
        self.session.execute(text("UPDATE client SET non_disclosure = false"))
        self.session.expire_all()

    def addresses(self, path: str) -> list[str]:
        """A page's addresses that lead to the case, if it leads to one, and those that look for it."""
        ids = {
            "number": ORDER if path.startswith("/orders") else CASE, "decision": self.decision.id, "follow_up": self.handed.id,
            "document": self.invoice.id,
            "business_id": self.one.business_id, "code": "ADHD-T", "name": "cases:test", "form": "long",
        }  # fmt: skip
        if path == "/notices/{notice}":
            return [f"/notices/{one.id}" for one in self.notices]
        named = "/".join(
            str(ids.get(part[1:-1].partition(":")[0], 1)) if part[:1] == "{" else part for part in path.split("/")
        )
        queries = {
            "/cases": [f"?q={CASE}", f"?q={SECRETS['case at the source']}", "?every=1", "?worker=W-1&every=1"],
            "/orders": [f"?case={CASE}", "?worker=W-1", "?state=accepted"],
            "/follow-ups": ["?which=unit", "?which=overdue", "?worker=W-1", "?which=to_write_down"],
            "/orders/preview": [f"?item={self.item.id}", f"?case={CASE}"],
            "/orders/preview/order.pdf": [f"?item={self.item.id}"],
            "/orders/preview/order.xml": [f"?item={self.item.id}"],
            "/orders/waiting": [f"?case={CASE}", "?declined=1"],
            "/audit": [f"?subject=case:{CASE}"],
        }
        return [named, *(named + query for query in queries.get(path, []))]


@pytest.fixture
def hidden(session) -> Hidden:
    return Hidden(session)


def standing(browser: Browser, address: str) -> set[str]:
    """Which of the secrets stand in what an address answers, also inside a PDF or a workbook. An address that is refused may say it again."""
    answer = browser.client.get(address, follow_redirects=False)
    kind = answer.headers.get("content-type", "")
    said = answer.text + answer.headers.get("location", "") + answer.headers.get("content-disposition", "")
    if kind.startswith("application/pdf"):
        said += words(answer.content)
    elif "openxmlformats" in kind:
        with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
            said += "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    assert answer.status_code != 500, address
    said = said.casefold()
    return {
        name for name, secret in SECRETS.items() if secret.casefold() in said and not (secret in address and answer.status_code in {303, 403, 404})
    } - asked_for(address)  # fmt: skip


def asked_for(address: str) -> set[str]:
    """What somebody typed into a field stands in that field again, found or not."""
    return {name for name, secret in SECRETS.items() if "?" in address and secret in address}


def surfaces(
    opener: Opener, scene: Hidden, role: str, worker: str | None, pages: Iterable[str] = PAGES
) -> dict[str, set[str]]:
    """Page → what tells of the case on it, for one person, their calendar among the pages."""
    browser = opener.sign_in(role, worker=worker, subject=f"{role} {worker}")
    found: dict[str, set[str]] = {}
    for path in pages:
        for address in scene.addresses(path):
            found.setdefault(path, set()).update(standing(browser, address))
    if worker in scene.feeds:
        found["calendar"] = standing(browser, f"/calendar/{scene.feeds[worker]}.ics")
    return {path: names for path, names in found.items() if names}


#: Who sees the case without the word, and nothing with it: who only helps.
HELPERS: Final[list[tuple[str, str | None]]] = [("worker", "W-2"), ("worker", "W-3")]
#: Where helpers meet the case while there is no such word: else the walk would find nothing because there is nothing.
TELLING: Final = {
    "/", "/cases", "/cases/{number}", "/cases/{number}/compare.pdf", "/orders", "/orders/{number}", "/orders/{number}/order.pdf",
    "/follow-ups/{follow_up}", "/notices/{notice}", "/incoming",
}  # fmt: skip
#: Who never sees it.
OTHERS: Final[list[tuple[str, str | None]]] = [
    ("worker", "W-6"),
    ("supervisor", "W-6"),
    ("price_manager", None),
    ("operator", None),
    ("auditor", None),
]


@pytest.mark.parametrize(("by", "everybody"), [("own", HELPERS + OTHERS), ("another", HELPERS)])
def test_nothing_of_the_case_stands_on_any_page_of_who_may_not_see_it(session, app, hidden, by, everybody):
    with Opener(app, session) as opener:
        for role, worker in HELPERS:
            before = surfaces(opener, hidden, role, worker, TELLING)
            assert TELLING | ({"calendar"} if worker == "W-3" else set()) == set(before), worker
        hidden.hide(by)
        leaks: dict[tuple[str, str | None, str], set[str]] = {}
        for role, worker in everybody:
            for path, names in surfaces(opener, hidden, role, worker).items():
                if more := names - MAY_STAND.get((role, path), set()):
                    leaks[role, worker, path] = more
        assert leaks == {}
        for role, worker in (("worker", "W-1"), ("worker", "W-4"), ("supervisor", "W-5")):
            assert surfaces(opener, hidden, role, worker, ["/cases/{number}"]), (role, worker)
        hidden.lift()
        assert surfaces(opener, hidden, "worker", "W-2", ["/cases/{number}"])


@pytest.mark.parametrize("by", ["own", "another"])
def test_who_sees_the_case_is_told_on_every_page_about_it(session, app, hidden, by):
    addresses = [f"/cases/{CASE}", f"/orders/{ORDER}", f"/follow-ups/{hidden.handed.id}", f"/cases/{CASE}/audit"]
    with Opener(app, session) as opener:
        browser = opener.sign_in("worker", "supervisor", worker="W-1")
        hidden.case.supervisor_id = hidden.worker.id
        session.flush()
        for address in addresses:
            assert "turvakielto" not in browser.get(address).text, address
        hidden.hide(by)
        for address in addresses:
            assert "Non-disclosure (turvakielto)" in browser.get(address).text, address
        listed = browser.get("/cases").all("//tr[.//a[contains(@href, '900077')]]")[0].text_content()
        assert "non-disclosure" in listed
        assert "Give the provider no address" in browser.get(f"/orders/{ORDER}").text, (
            "where contact details are ticked"
        )
        assert "Give the provider no address" in browser.get(f"/follow-ups/{hidden.ticking.id}").text


def test_other_cases_of_the_person_are_not_even_counted(session, app, hidden):
    """The supervisor above one case may not see that of another unit: without the word there is one more, with it there is none."""
    hidden.hide("another")
    elsewhere = make_case(session, responsible_worker_id=make_worker(session).id)
    session.get_one(Client, elsewhere.client_id).blind_index = hidden.client.blind_index
    session.flush()
    with Opener(app, session) as opener:
        browser = opener.sign_in("worker", worker="W-1")
        assert "case of another unit" not in browser.get(f"/cases/{CASE}").text
        hidden.lift()
        assert "1 case of another unit" in browser.get(f"/cases/{CASE}").text


@pytest.mark.parametrize("holder", ["client", "support"])
def test_the_family_s_open_page_ends_with_the_word(session, family_app, hidden, holder):
    browser = come_in(family_app, session, hidden.case, holder)
    paths = [
        path.replace("{number}", CASE) for (method, path), who in TABLE.items() if method == "GET" and who == FAMILIES
    ]
    assert CASE in browser.get(f"/my/{CASE}").answer.text
    hidden.hide("another")
    for path in paths:
        answer = browser.client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/my/in"), path
