"""Sources and their rejected records on pages: real files, read by the tasks a worker runs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from connectors.rejection import Rejection
from console.app import create_app
from core import database as real
from core.embedded import Embedded
from core.errors import Message
from core.settings import settings
from services.rejected import reject
from services.work import call, claim
from tests.factories.worker import make_worker
from tests.support.browsing import Browser, Opener
from tests.support.case_xml import case, export
from tests.support.in_process import MOST_ROUNDS
from tests.support.queries import recording
from tests.support.sources import BODIES, County
from tests.support.sources import county as a_county
from workers.tasks.sources import look_at_source

PRICES = "Palvelukoodi;Yksikkö;Hinta;Voimassa alkaen\nNEPSY;h;49,00;1.1.2026\nNEPSY;h;kallis;1.1.2026\n"


class Console:
    """A county and people at its console."""

    def __init__(self, county: County, opener: Opener) -> None:
        self.county, self._opener = county, opener

    def sign_in(self, *roles: str) -> Browser:
        with self.county.here.transaction() as session:
            self._opener._session = session
            return self._opener.sign_in(*roles)

    def work(self) -> None:
        """What a worker does with all that is due."""
        bodies = {**BODIES, "look_at_source": look_at_source}
        for _ in range(MOST_ROUNDS):
            if not sum(self.county.here.do_due(kind, body) for kind, body in bodies.items()):
                break

    def acts(self) -> list[str]:
        rows = self.county.here.rows("SELECT action FROM audit_event WHERE action NOT LIKE 'console.%' ORDER BY id")
        return [row.action for row in rows]


@pytest.fixture
def console(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    """A case source `a` and a price source `own`."""
    with a_county(database, tmp_path, monkeypatch) as county:
        prices = tmp_path / "own.csv"
        prices.write_text(PRICES)
        more = f'[sources.prices.own]\nkind = "own"\npath = "{prices}"\nencoding = "utf-8"\nmax_rejected = 1\n'
        county.configure(rest=more)
        app = create_app(settings(), transaction=real.transaction)
        with county.here.transaction() as session, Opener(app, session) as opener:
            yield Console(county, opener)


@pytest.fixture
def operator(console: Console) -> Browser:
    return console.sign_in("operator")


def run_of(session: Session) -> int:
    """A run of anything."""
    work_id = call(session, "read_price_mail", "k")
    assert work_id is not None
    claimed = claim(session, work_id)
    assert claimed is not None
    return claimed.run_id


def rejecting(console: Console) -> None:
    """A file of which one record is right and three are wrong, two of them in the same way."""
    console.county.put(
        export(case("LC-71"), case("LC-72", worker="W-8"), case("LC-73", worker="W-9"), case("LC-74", status="odd"))
    )
    assert console.county.night() == [("fetch_cases", "succeeded"), ("sync_cases", "partly")]


class TestList:
    def test_how_each_is(self, console: Console, operator: Browser) -> None:
        rejecting(console)
        page = operator.get("/sources")
        assert page.status == 200
        assert page.all("//tbody/tr/th/a/text()") == ["a", "own"]
        (row,) = page.all("//tbody/tr[th/a='a']")
        said = re.sub(r"\s+", " ", row.text_content())
        assert "cases, snapshot" in said
        assert "1.xml" in said
        assert "ago" in said
        assert "done in part" in said
        assert row.xpath(".//a[@href='/rejected?source=a']/text()") == ["3"]
        assert page.tree.xpath("normalize-space(//tbody/tr[th/a='own']/td[3])") == "–", "it was never read"
        assert page.all("//tbody/tr[th/a='a']/td[2]/span[contains(@class, 'light ')]")
        assert console.acts() == [], "names of sources and figures lead to nobody"

    def test_none_is_configured(self, sign_in) -> None:
        assert "No source is configured yet." in sign_in("operator").get("/sources").text

    def test_a_constant_number_of_statements(self, console: Console, operator: Browser, monkeypatch) -> None:
        from services import source_overview
        from services.sources import all_sources, find_source

        names = all_sources(settings().sources)
        with console.county.here.transaction() as session:

            def count(sources) -> int:
                with recording(session) as statements:
                    source_overview.overview(session, sources)
                return len(statements)

            assert count(names) == count([find_source(settings().sources, "a")])


class TestOne:
    def test_settings_history_and_state(self, console: Console, operator: Browser) -> None:
        rejecting(console)
        page = operator.get("/sources/a")
        assert "Held when more than this share of the cases vanishes" in page.text
        assert "100 %" in page.text
        assert "1.xml" in page.text
        kinds = page.all("//table[caption='Latest runs of a']/tbody/tr/td[1]/text()")
        assert kinds == ["synchronising cases", "fetching cases"]
        none = operator.get("/sources/x")
        assert (none.status, "There is no source x." in none.text) == (404, True)

    def test_no_secret_of_it(self, console: Console, operator: Browser) -> None:
        console.county.configure(
            rest="""
            [sources.cases.b]
            kind = "fhir"
            fhir = { base_url = "https://fhir.example.test/r4", bearer_token = "hush-hush" }
            [sources.prices.c]
            kind = "own"
            transport = { kind = "https", url = "https://prices.example.test/list.csv?key=hush-hush" }
            """
        )
        app = create_app(settings(), transaction=real.transaction)
        with console.county.here.transaction() as session, Opener(app, session) as opener:
            browser = opener.sign_in("operator")
            session.commit()
            for name in ("b", "c"):
                page = browser.get(f"/sources/{name}")
                assert page.status == 200
                assert "example.test" in page.text
                assert "hush" not in page.answer.text

    def test_left_alone_is_said(self, console: Console, operator: Browser) -> None:
        hours = "00:00-00:01"
        from services.gentleness import outside_hours

        with console.county.here.transaction() as session:
            from core.clock import business_now

            if outside_hours([hours], business_now(session)) is None:
                hours = "12:00-12:01"
        console.county.configure(f'gentle = {{ hours = ["{hours}"] }}')
        app = create_app(settings(), transaction=real.transaction)
        with console.county.here.transaction() as session, Opener(app, session) as opener:
            browser = opener.sign_in("operator")
            session.commit()
            assert "The source may be asked only at" in browser.get("/sources/a").text
            browser.submit(browser.get("/sources/a"), "/sources/a/read")
            console.county.here.do_due("fetch_cases", BODIES["fetch_cases"])
            run = console.county.value("SELECT max(id) FROM run")
            page = browser.get(f"/runs/{run}")
            assert "put off" in page.text
            assert "It goes on by itself at" in page.text


class TestReading:
    def test_read_now_leads_to_its_run(self, console: Console, operator: Browser) -> None:
        console.county.put(export(case("LC-71")))
        page = operator.submit(operator.get("/sources/a"), "/sources/a/read")
        assert page.answer.url.path.startswith("/runs/called/")
        assert "waiting for a worker" in page.text
        console.work()
        page = operator.get(page.answer.url.path)
        assert page.answer.url.path.startswith("/runs/")
        assert page.all("//table[.//th='Step']/tbody/tr/th/text()")[:2] == ["fetching cases", "synchronising cases"]
        assert page.all("//*[@data-progress]") == []
        assert console.county.cases() == {"LC-71": "open"}
        rows = console.county.here.rows("SELECT actor, details FROM audit_event WHERE action = 'source.run_called'")
        assert rows[0].actor == "user:sub-operator"
        assert rows[0].details["request"].startswith("page-")
        operator.submit(operator.get("/sources/a"), "/sources/a/read", {"at_any_hour": "true", "anew": "true"})
        arguments = console.county.value(
            "SELECT arguments FROM work WHERE kind = 'fetch_cases' ORDER BY id DESC LIMIT 1"
        )
        assert (arguments["now"], arguments["anew"]) == (True, True)

    def test_who_may(self, console: Console) -> None:
        manager, auditor = console.sign_in("price_manager"), console.sign_in("auditor")
        page = manager.get("/sources/a")
        assert page.all("//main//form") == []
        assert manager.post("/sources/a/read", page.form("/logout")).status == 403
        assert manager.submit(manager.get("/sources/own"), "/sources/own/read").status == 200
        page = auditor.get("/sources/own")
        assert page.status == 200
        assert page.all("//main//form") == []
        for what in ("read", "look"):
            assert auditor.post(f"/sources/own/{what}", page.form("/logout")).status == 403
        rejecting(console)
        path = manager.get("/rejected").all("//tbody/tr[1]/th/a/@href")[0]
        page = manager.get(path)
        assert page.all("//main//form") == []
        for what in ("retry", "discard"):
            assert manager.post(f"{path}/{what}", {**page.form("/logout"), "note": "x"}).status == 403


class TestLooking:
    def test_cases_are_shown_with_invented_values(self, console: Console, operator: Browser) -> None:
        console.county.put(export(case("LC-71"), case("LC-72", status="odd")))
        assert "Nobody has looked at it from here yet." in operator.get("/sources/a").text
        page = operator.submit(operator.get("/sources/a"), "/sources/a/look")
        console.work()
        run = operator.get(page.answer.url.path)
        assert "looking at a source" in run.text
        page = operator.get("/sources/a")
        assert "1 of 2 records are valid" in page.text
        assert "Files at the source: 1.xml" in page.text
        (sample,) = page.all("//pre[@class='sample']/text()")
        assert "responsibleWorker" in sample
        assert "LC-71" not in sample
        assert console.county.value("SELECT findings::text FROM source_look").count("LC-71") == 0
        assert console.county.cases() == {}, "nothing was applied"
        assert "source.look_called" in console.acts()

    def test_prices_are_shown_as_they_are(self, console: Console, operator: Browser) -> None:
        operator.submit(operator.get("/sources/own"), "/sources/own/look")
        console.work()
        page = operator.get("/sources/own")
        assert "1 of 2 records are valid" in page.text
        assert "NEPSY" in page.all("//h3[.='Sample']/following::table[1]//td/text()")

    def test_what_went_wrong_is_said(self, console: Console, operator: Browser) -> None:
        operator.submit(operator.get("/sources/a"), "/sources/a/look")
        console.work()
        run = console.county.value("SELECT max(id) FROM run")
        page = operator.get(f"/runs/{run}")
        assert "refused" in page.text
        assert "There are no files at the source." in page.text
        console.county.put(b"<cases")
        operator.submit(operator.get("/sources/a"), "/sources/a/look")
        console.work()
        run = console.county.value("SELECT max(id) FROM run")
        assert "refused" in operator.get(f"/runs/{run}").text
        assert console.county.value("SELECT count(*) FROM source_look") == 0


class TestHeld:
    def test_it_is_approved_with_a_note(self, console: Console, operator: Browser) -> None:
        console.county.config.write_text(console.county.config.read_text().replace("max_gone = 1", "max_gone = 0.1"))
        settings.cache_clear()
        app = create_app(settings(), transaction=real.transaction)
        console.county.put(export(case("A"), case("B")))
        console.county.night()
        console.county.put(export(case("A")))
        assert console.county.night()[-1] == ("sync_cases", "held")
        with console.county.here.transaction() as session, Opener(app, session) as opener:
            browser = opener.sign_in("operator")
            session.commit()
            held = browser.get("/sources").all("//tbody/tr[th/a='a']/td[last()]/a/@href")[0]
            page = browser.get(held)
            assert "gone 1" in page.text
            refused = browser.submit(page, f"{held}/approve", {"note": ""})
            assert refused.status == 422
            assert refused.all("//textarea[@aria-invalid='true']/@id") == ["approve-note"]
            assert console.county.cases() == {"A": "open", "B": "open"}
            done = browser.submit(page, f"{held}/approve", {"note": "B moved away"})
            assert "It was applied, exactly as it was read." in done.text
            assert console.county.cases() == {"A": "open", "B": "gone"}
            again = browser.submit(page, f"{held}/approve", {"note": "once more"})
            assert again.status == 422
            assert "does not wait any more" in again.text


class TestRejected:
    def test_equal_faults_are_one_line(self, console: Console, operator: Browser) -> None:
        rejecting(console)
        page = operator.get("/rejected")
        assert page.all("//tbody/tr/td[1]/text()") == ["2", "1"]
        assert page.all("//tbody/tr/td[last()]/text()") == ["LC-72", "LC-74"]
        assert "Nothing is open." in operator.get("/rejected?source=own").text
        assert operator.get("/rejected?source=x").status == 404
        members = operator.get(page.all("//tbody/tr[1]/th/a/@href")[0])
        assert members.all("//tbody/tr/td[3]/text()") == ["LC-72", "LC-73"]
        assert operator.get("/rejected/999999").status == 404
        assert console.acts() == ["rejected.listed", "rejected.listed", "rejected.viewed"]

    def test_pages_of_a_group(self, console: Console, operator: Browser) -> None:
        console.county.put(export(*(case(f"LC-{number}", worker="W-9") for number in range(150))))
        console.county.night()
        page = operator.get(operator.get("/rejected").all("//tbody/tr[1]/th/a/@href")[0])
        assert len(page.all("//tbody/tr")) == 100
        page = operator.get(page.all("//a[@rel='next']/@href")[0])
        assert len(page.all("//tbody/tr")) == 50
        assert page.all("//a[@rel='next']") == []

    def test_the_group_is_let_rest(self, console: Console, operator: Browser) -> None:
        rejecting(console)
        path = operator.get("/rejected").all("//tbody/tr[1]/th/a/@href")[0]
        page = operator.get(path)
        refused = operator.submit(page, f"{path}/discard", {"note": " ", "group": "true"})
        assert refused.status == 422
        assert refused.all("//textarea[@aria-invalid='true']")
        assert refused.all("//form[contains(@action, 'discard')]//input[@name='group']/@checked"), (
            "what was chosen stays"
        )
        done = operator.submit(page, f"{path}/discard", {"note": "left the county", "group": "true"})
        assert "Rejected records that were let rest: 2" in done.text
        assert done.all("//tbody/tr/td[1]/text()") == ["1"]
        again = operator.submit(page, f"{path}/discard", {"note": "again"})
        assert again.status == 422
        assert "There is no open rejected record" in again.text
        assert "left the county" in operator.get(path).text

    def test_a_list_that_came_by_mail_is_read_with_all_others(self, console: Console) -> None:
        console.county.configure(rest=f'[sources.prices.posti]\nkind = "mail"\npath = "{console.county.exports}"\n')
        with console.county.here.transaction() as session:
            reject(
                session, run_of(session), "posti/9999997-6", "a.csv", "0", [Rejection("2", None, None, Message("bad"))]
            )
        app = create_app(settings(), transaction=real.transaction)
        with console.county.here.transaction() as session, Opener(app, session) as opener:
            browser = opener.sign_in("price_manager")
            session.commit()
            path = browser.get("/rejected").all("//tbody/tr[1]/th/a/@href")[0]
            page = browser.get(path)
            assert page.all(f"//form[@action='{path}/retry']") == []
            assert page.all("//main//a[@href='/sources/posti']")
            refused = browser.post(f"{path}/retry", page.form("/logout"))
            assert refused.status == 422
            assert "come by e-mail" in refused.text
            share = browser.get("/sources/posti/9999997-6")
            assert share.status == 200
            assert share.all("//main//form") == []
            for what in ("read", "look"):
                refused = browser.post(f"/sources/posti/{what}", page.form("/logout"))
                assert refused.status == 200
            assert browser.get("/sources/a/9999997-6").status == 404

    def test_one_is_tried_again(self, console: Console, operator: Browser) -> None:
        rejecting(console)
        with console.county.here.transaction() as session:
            make_worker(session, external_id="W-8")
            make_worker(session, external_id="W-9")
        path = operator.get("/rejected").all("//tbody/tr[1]/th/a/@href")[0]
        page = operator.submit(operator.get(path), f"{path}/retry")
        assert page.answer.url.path.startswith("/runs/called/")
        console.work()
        assert console.county.cases() == {"LC-71": "open", "LC-72": "open"}
        assert "rejected.retried" in console.acts()
