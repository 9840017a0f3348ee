"""Who handled a case: for the supervisor of its people and for auditors; the extract a client is handed."""

import io
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import select, text

from core.clock import business_now, local_date
from models.audit import AuditEvent
from models.case import Client
from services import audit
from tests.factories.answer import make_incoming
from tests.factories.case import make_case, make_decision, make_plan_item
from tests.factories.follow_up import make_follow_up
from tests.factories.order import make_order
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker
from tests.support.pdf import root, tags_of, title, words
from tests.support.queries import recording


class Trail:
    """A case with an order and a follow-up, its people, and ways to note what they do."""

    def __init__(self, session):
        self.session = session
        self.now = business_now(session)
        self.boss = make_worker(session, external_id="BOSS", name="Eeva Esihenkilö", language="en")
        unit = make_unit(session, name="Perhepalvelut", supervisor_id=self.boss.id)
        self.worker = make_worker(session, external_id="W-1", name="Aino Työntekijä", unit_id=unit.id, language="en")
        self.case = make_case(session, number="HB-2026-000077", responsible_worker_id=self.worker.id)
        decision = make_decision(session, self.case)
        self.provider = make_provider(session, name="Tukipolku (keksitty)")
        self.order = make_order(
            session, decision, self.provider, number="T-2026-000077", sent_at=self.now, handed_over_at=self.now
        )
        item = make_plan_item(session, decision, make_service(session))
        self.follow_up = make_follow_up(session, item)
        self.document = make_incoming(session, self.order)

    def note(self, action="case.viewed", subject="case:HB-2026-000077", actor="worker:W-1", ago=0, **details):
        audit.record(self.session, actor, action, subject, now=self.now - timedelta(days=ago), **details)

    def everything(self):
        """One event of each sort that concerns the case, and some that do not."""
        self.note(how="own")
        self.note("order.viewed", "order:T-2026-000077")
        self.note("follow_up.viewed", f"follow_up:{self.follow_up.id}", case="HB-2026-000077")
        self.note("incoming.applied", f"incoming:{self.document.id}", reason="Matti Muun asia")
        self.note("cases.listed", "cases:mine", cases=["HB-2026-000001", "HB-2026-000077"], count=2)
        self.note("family.viewed", actor="family:link-5")
        self.note("order.answered", "order:T-2026-000077", actor="provider")
        self.note("budget.statement_made", actor="cli:pekka")
        self.note("case.viewed", "case:HB-2026-000078")
        self.note("order.viewed", "order:T-2026-000078")
        self.note("follow_up.viewed", f"follow_up:{self.follow_up.id + 1000}")
        self.note("cases.listed", "cases:mine", cases=["HB-2026-0000777"], count=1)


#: What `Trail.everything` notes of the case, the newest first.
ACTS = [
    "made a statement for a family",
    "answered an order T-2026-000077",
    "looked at My budget",
    "looked at a list of cases the case was one of those shown",
    "applied a document about orders that was held",
    "looked at a follow-up",
    "looked at an order T-2026-000077",
    "looked at a case",
]


@pytest.fixture
def trail(session):
    return Trail(session)


@pytest.fixture
def boss(trail, sign_in):
    return sign_in("supervisor", worker="BOSS")


def acts(page):
    return [" ".join(cell.text_content().split()) for cell in page.all("//tbody/tr/th")]


def who(page):
    return [" ".join(cell.text_content().split()) for cell in page.all("//tbody/tr/td[2]")]


@pytest.mark.parametrize("role", ["supervisor", "auditor"])
def test_everything_about_a_case_and_nothing_else(session, trail, sign_in, role):
    trail.everything()
    browser = sign_in(role, worker="BOSS" if role == "supervisor" else None)
    path = "/cases/HB-2026-000077/audit" if role == "supervisor" else "/audit/cases/HB-2026-000077"
    page = browser.get(path)
    assert page.status == 200
    assert acts(page) == ACTS
    assert who(page) == [
        "Whoever looks after the server, as pekka",
        "The provider, on the page that its order leads to",
        "The client or family, by a link and a code",
        *["Aino Työntekijä Perhepalvelut"] * 4,
        "Aino Työntekijä responsible worker, Perhepalvelut",
    ]
    assert "To follow up whether the service helps and suits the family." in page.text
    assert "HB-2026-000001" not in page.text
    assert "Matti" not in page.text
    event = session.scalars(select(AuditEvent).order_by(text("id DESC"))).first()
    assert (event.action, event.subject, event.details) == (
        "audit.case_viewed", "case:HB-2026-000077", {"count": len(ACTS)},
    )  # fmt: skip
    assert acts(browser.get(path))[0] == "looked at who has handled a client's data"


def test_only_the_supervisor_of_its_people_sees_it(session, trail, sign_in):
    other = make_worker(session, external_id="OTHER", language="en")
    make_unit(session, supervisor_id=other.id)
    # her own case, but another's unit: what she may see of it as a worker is not this
    mine = make_case(session, number="HB-2026-000090", responsible_worker_id=other.id)
    for path in ("HB-2026-000077", mine.number, "HB-2026-999999", "%00"):
        page = sign_in("supervisor", "worker", worker="OTHER").get(f"/cases/{path}/audit")
        assert page.status == 404, path
    assert sign_in("auditor").get("/audit/cases/HB-2026-999999").status == 404
    assert (
        "Who has handled this case"
        not in sign_in("supervisor", "worker", worker="OTHER").get(f"/cases/{mine.number}").text
    )
    assert "Who has handled this case" in sign_in("supervisor", worker="BOSS").get("/cases/HB-2026-000077").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("actor=family:", ["looked at My budget"]),
        ("actor=provider", ["answered an order T-2026-000077"]),
        ("action=order.viewed", ["looked at an order T-2026-000077"]),
        ("actor=worker:W-1&action=case.viewed", ["looked at a case"]),
        ("last=2020-01-01", []),
    ],
)
def test_narrowed_down(trail, boss, query, found):
    trail.everything()
    page = boss.get(f"/cases/HB-2026-000077/audit?{query}")
    assert acts(page) == found


def test_narrowed_down_by_days(trail, boss):
    trail.note("choice.made", ago=3)
    trail.note("case.viewed", ago=2)
    trail.note("budget.viewed")
    day = local_date(trail.now - timedelta(days=2))
    page = boss.get(f"/cases/HB-2026-000077/audit?first={day}&last={day}")
    assert acts(page) == ["looked at a case"]


@pytest.mark.parametrize("query", ["first=x", "last=9999-12-31", "actor=%00"])
def test_what_cannot_be_read_is_said(boss, query):
    assert boss.get(f"/cases/HB-2026-000077/audit?{query}").status == 422


def test_nobody_is_looked_for_by_henkilotunnus(trail, boss):
    page = boss.get("/cases/HB-2026-000077/audit", params={"actor": "131052-9074"})
    assert page.answer.url.query == b""
    assert "131052" not in page.answer.text


def test_a_reason_shows_nobody_else(trail, boss):
    trail.note("order.approved", "order:T-2026-000077", reason="kuten HB-2026-000078, ei HB-2026-000077")
    page = boss.get("/cases/HB-2026-000077/audit")
    assert "Reason given: kuten [redacted], ei HB-2026-000077" in page.text


def test_page_by_page_with_as_many_statements(session, trail, boss):
    path = "/cases/HB-2026-000077/audit"

    def count():
        with recording(session) as statements:
            boss.get(path)
        return len(statements)

    trail.note()
    once = count()
    for _ in range(210):
        trail.note()
    assert count() == once
    seen, at = 0, path
    while at:
        page = boss.get(at)
        seen += len([one for one in acts(page) if one == "looked at a case"])
        at = (page.all("//a[@rel='next']/@href") or [""])[0]
    assert seen == 211


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_in_three_languages(trail, boss, language):
    trail.everything()
    page = boss.get(f"/cases/HB-2026-000077/audit?lang={language}")
    assert page.all("//html/@lang") == [language]


def test_a_paper_for_the_client_in_finnish(session, trail, boss):
    trail.everything()
    trail.note(how="own")
    path = "/cases/HB-2026-000077/audit"
    page = boss.get(path)
    made = boss.submit(page, f"{path}/extract", {"form": "pdf"}).answer
    assert made.headers["content-type"] == "application/pdf"
    today = local_date(business_now(session))
    assert f"lokitiedot-HB-2026-000077-{today}.pdf" in made.headers["content-disposition"]
    said = words(made.content)
    assert root(made.content)["/Lang"] == "fi"
    assert title(made.content) == "Kuka on käsitellyt tietojasi"
    for part in (
        "703/2023",
        "Aino Työntekijä, omatyöntekijä, Perhepalvelut",
        "(2 kertaa)",
        "Tukipolku (keksitty)",
        "tilaus T-2026-000077: mikä palvelu",
        "yhteystietosi tilausta T-2026-000077 varten",
        "Asiakas tai perhe",
    ):
        assert part in said, part
    for part in ("HB-2026-000001", "Matti", "worker:", "follow_up", "W-1"):
        assert part not in said, part
    assert len(tags_of(made.content, "/TH")) >= 7
    event = session.scalars(select(AuditEvent).order_by(text("id DESC"))).first()
    assert (event.action, event.actor, event.subject) == ("audit.extract_made", "worker:BOSS", "case:HB-2026-000077")
    assert event.details["count"] == len(ACTS) + 2  # it was looked at once before
    assert event.details["form"] == "pdf"


def test_a_workbook_with_every_event(trail, sign_in):
    trail.everything()
    trail.note(actor="cli:=1+1")
    browser = sign_in("auditor")
    path = "/audit/cases/HB-2026-000077"
    made = browser.submit(browser.get(path), f"{path}/extract", {"form": "xlsx"}).answer
    book = openpyxl.load_workbook(io.BytesIO(made.content))
    assert book.sheetnames == ["Tämä ote", "Käytetty", "Annettu"]
    rows = list(book["Käytetty"].iter_rows(values_only=True))
    assert rows[0] == ("Päivä", "Kello", "Kuka", "Rooli", "Yksikkö", "Mitä on tehty", "Miksi")
    assert len(rows) == len(ACTS) + 3
    assert rows[1][2:5] == ("Aino Työntekijä", "omatyöntekijä", "Perhepalvelut")
    assert [row[1] for row in list(book["Annettu"].iter_rows(values_only=True))[1:]]
    assert not any(str(value).startswith("=") for sheet in book for row in sheet.iter_rows() for value in row)


def test_turvakielto_is_said_where_the_paper_is_made(session, trail, boss):
    session.get(Client, trail.case.client_id).non_disclosure = True
    session.flush()
    page = boss.get("/cases/HB-2026-000077/audit")
    assert "Hand it over in person only." in page.text


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"form": "pdf", "first": "2026-11-05", "last": "2026-11-01"}, "The first day is after the last."),
        ({"form": "doc"}, "An extract is made as one of these: pdf, xlsx"),
        ({"form": "pdf", "why": "131052-9074"}, "That holds a henkilötunnus. Leave it out."),
        ({"form": "pdf", "first": "yesterday"}, "that is not a day"),
    ],
)
def test_an_extract_that_cannot_be_made(session, trail, boss, fields, why):
    path = "/cases/HB-2026-000077/audit"
    page = boss.submit(boss.get(path), f"{path}/extract", fields)
    assert page.status == 422
    assert why in page.text
    assert not session.scalars(select(AuditEvent).filter_by(action="audit.extract_made")).all()
