"""Every address about a case, held against everybody who is not to see it: other cases' numbers, and ids of other cases under a number of
one's own. Whoever adds an address about cases is walked over here without doing anything for it.
"""

from datetime import date, timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import text

from models.base import days
from models.case import Client
from models.family import FamilyLink, FamilyProposal, FamilyWish
from models.worker import Absence
from services.access import Person, access_to_case
from tests.console.test_choosing import Scene
from tests.console.test_who_may import csrf_of
from tests.console.who_may import TABLE
from tests.factories.case import make_case, make_plan_item
from tests.factories.follow_up import make_follow_up
from tests.factories.worker import make_unit, make_worker
from tests.support.browsing import ORIGIN, Browser, Opener
from tests.support.market import NOW, TODAY

PATHS = sorted(key for key in TABLE if key[1].startswith("/cases/{number}"))
#: What would be done, if it could be.
_FIELDS = {
    "value": "999", "seen": "", "granted_amount": "1", "reason": "because", "chosen_by": "family", "shown": "0", "part": "name",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    """Business time: 16 November 2026."""
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)
    monkeypatch.setattr("console.visit.hint", lambda _ids: 0)


class Town(Scene):
    """W-1's case with a decision and an item (see Scene), and one of W-2, who works in another unit."""

    def __init__(self, session) -> None:
        super().__init__(session)
        self.other_unit = make_unit(session, code="U-2")
        self.stranger = make_worker(session, external_id="W-2", unit_id=self.other_unit.id, language="en")
        self.hers = make_case(session, number="HB-2026-900002", responsible_worker_id=self.stranger.id)
        self.her_decision = self.decided(self.hers)
        self.her_item = make_plan_item(session, self.her_decision, self.coaching, external_id="I-SECRET")
        link = FamilyLink(case_id=self.hers.id, holder="client", token=b"t", code=b"c", made_by="t", made_at=NOW, expires_at=NOW + timedelta(days=1))  # fmt: skip
        proposal = FamilyProposal(case_id=self.hers.id, plan_item_id=self.her_item.id, provider_id=self.one.id, voice="child", proposed_by="t", proposed_at=NOW)  # fmt: skip
        wish = FamilyWish(case_id=self.hers.id, voice="child", place="t", written_by="t", written_at=NOW)
        session.add_all([link, proposal, wish])
        session.flush()
        self.of_hers = {"link": link.id, "proposal": proposal.id, "wish": wish.id}

    def away(self, first: date, last: date, *, cancelled: bool = False) -> None:
        """W-2 is away, and W-1 stands in."""
        period = days(first, last)
        self.session.add(Absence(worker_id=self.stranger.id, deputy_id=self.worker.id, period=period, actor="t", cancelled_at=NOW if cancelled else None))  # fmt: skip
        self.session.flush()


@pytest.fixture
def town(session) -> Town:
    return Town(session)


def walk(app, browser, town, *, number, decision, item) -> list[tuple[str, str, int, str]]:
    """Every address of a case: method, pattern, status, what was said."""
    token, told = csrf_of(browser, app), []
    for method, pattern in PATHS:
        ids = {"decision": decision, "item": quote(item), **town.of_hers}
        path = pattern.replace("{item:path}", "{item}").format(number=number, **ids)
        # as whoever knows what stands there would send it: then only whose it is can speak against it
        sent = {**_FIELDS, "csrf": token, "provider": str(town.one.id), "seen": town.her_decision.number}
        answer = (
            browser.client.get(path, follow_redirects=False)
            if method == "GET"
            else browser.client.post(path, data=sent, headers={"origin": ORIGIN}, follow_redirects=False)
        )
        told.append((method, pattern, answer.status_code, answer.text))
    return told


def signed_in(app, session) -> Browser:
    """W-1, who leads a unit as well."""
    return Opener(app, session).sign_in("worker", "supervisor", worker="W-1")


def kept(session) -> list[str]:
    """Everything that a page about a case could change."""
    statements = (
        "SELECT id, goals FROM client_case", "SELECT id, number, granted_amount, baseline_quantity FROM decision", "SELECT id, ended_at FROM choice",
        "SELECT id, ceiling FROM budget_version", "SELECT case_id, count(*), count(ended_at) FROM family_link GROUP BY case_id",
        "SELECT id, state FROM family_proposal", "SELECT id, seen_at, noted_at FROM family_wish", "SELECT subject FROM audit_event WHERE subject LIKE 'case:%'",
    )  # fmt: skip
    return [str(sorted(map(tuple, session.execute(text(statement)).all()), key=str)) for statement in statements]


@pytest.mark.parametrize(
    "number",
    ["HB-2026-900002", "hb-2026-900002", "HB-2026-900002%20", "%48B-2026-900002", "HB-2026-900002%00", "HB%E2%80%902026-900002", "%EF%BC%A8B-2026-900002", "HB-2026-99999", "2", "%25", "HB-2026-90000_"],
)  # fmt: skip
def test_a_case_of_others_is_one_that_there_is_not(family_app, session, town, number):
    before, browser = kept(session), signed_in(family_app, session)
    told = walk(family_app, browser, town, number=number, decision=town.her_decision.id, item="I-SECRET")
    assert [one[:3] for one in told if one[2] != 404] == []
    for _, pattern, _, said in told:
        assert "I-SECRET" not in said, pattern
        assert "There is no case" in said, pattern
    assert kept(session) == before, "nothing was done, and looking in vain is no view of the case"


def test_ids_of_another_case_lead_nowhere_under_ones_own(family_app, session, town):
    browser = signed_in(family_app, session)
    before = kept(session)[:-1]
    told = walk(family_app, browser, town, number=town.case.number, decision=town.her_decision.id, item="I-SECRET")
    reached = {pattern: status for _, pattern, status, _ in told if pattern.count("{") > 1}
    assert set(reached.values()) <= {404, 422}, reached
    for _, pattern, _, said in told:
        assert town.hers.number not in said, pattern
        assert "I-SECRET" not in said or "{item" in pattern, pattern
    session.expire_all()
    after = kept(session)[:-1]
    assert str(town.hers.id) + ", []" in after[0]
    own_link = f"({town.case.id}, 1, 0), "  # made by the walk, for one's own case
    assert [one.replace(own_link, "").replace(own_link[:-2], "") for one in after[1:]] == before[1:]


def test_a_case_is_seen_while_a_follow_up_of_it_is_in_ones_hands_and_no_name_with_it(session, town, sign_in):
    browser = sign_in("worker", worker="W-1")
    path, one = f"/cases/{town.hers.number}", make_follow_up(session, town.her_item)

    def seen() -> bool:
        session.flush()
        listed = {town.hers.number in browser.get(at).text for at in ("/cases", "/cases?q=HB-2026-900002")}
        assert listed == {browser.get(path).status == 200}
        return listed == {True}

    assert not seen()
    one.handed_to_id = town.worker.id
    assert seen()
    access = access_to_case(session, _person(town), town.hers.number, TODAY)
    assert (access.how, access.names_freely) == ("handed", False)
    for state, theirs in (
        ("snoozed", True),
        ("acknowledged", False),
        ("not_needed", False),
        ("dropped", False),
        ("open", True),
    ):
        one.state = state
        assert seen() is theirs, state
    session.get_one(Client, town.hers.client_id).non_disclosure = True
    assert not seen(), (
        "of a client under non-disclosure only the responsible worker, the deputy and the supervisor see anything"
    )
    assert browser.get(f"/follow-ups/{one.id}").status == 404
    session.get_one(Client, town.hers.client_id).non_disclosure = False
    one.handed_to_id = town.stranger.id
    assert not seen()
    town.away(TODAY, TODAY)
    assert seen(), "whoever stands in for a colleague does what the colleague was handed"


def _person(town) -> Person:
    return Person(
        1, "sub", "W", frozenset({"worker", "supervisor"}), town.worker.id, "W-1", "en", everything=False, csrf=""
    )


@pytest.mark.parametrize(
    ("first", "last", "cancelled", "sees"),
    [
        (-1, 1, False, True),
        (0, 0, False, True),
        (-9, -1, False, False),
        (1, 9, False, False),
        (-1, 1, True, False),
    ],
)  # fmt: skip
def test_a_deputy_sees_the_case_on_the_days_of_the_absence_only(  # noqa: PLR0917 - fixtures
    town, sign_in, first, last, cancelled, sees
):
    browser = sign_in("worker", worker="W-1")
    town.away(TODAY + timedelta(days=first), TODAY + timedelta(days=last), cancelled=cancelled)
    assert browser.get(f"/cases/{town.hers.number}").status == (200 if sees else 404)
    for path in ("/", "/cases", "/cases?q=HB-2026-900002", "/cases?worker=W-2"):
        assert ("HB-2026-900002" in browser.get(path).text) is sees, path
