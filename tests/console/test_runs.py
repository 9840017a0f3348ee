"""Runs on pages: lists, one run with its steps and attempts, how far it is, and what a person does about a failure."""

import re

import pytest
from sqlalchemy import text

from core.errors import Message
from models.audit import AuditEvent
from services.work import call, close, expire_leases, fail
from services.work.history import show_progress
from tests.support.browsing import settings_for
from tests.support.queries import recording
from tests.support.work import BOOM, called, claimed, lapse, make_due, state

SOURCES = {"cases": {"a": {"path": "/nowhere/*.xml"}}, "prices": {"p": {"kind": "own", "path": "/nowhere/p.csv"}}}


@pytest.fixture
def app(app, monkeypatch):
    """The application with a case source `a` and a price source `p`; nobody is hinted."""
    monkeypatch.setattr("console.visit.hint", lambda _ids: 0)
    console = app.state.console
    configured = settings_for().model_copy(update={"sources": type(console.settings.sources).model_validate(SOURCES)})
    object.__setattr__(console, "settings", configured)
    return app


@pytest.fixture
def operator(sign_in):
    return sign_in("operator")


def of_source(session, kind="sync_cases", source="a", request="r-1", **more):
    """Work of a request, in its source's lane."""
    arguments = {"source": source, "request": request, **more}
    work_id = call(session, kind, f"{kind}:{source}:{request}", lane=f"source:{source}", **arguments)
    assert work_id is not None
    return work_id


def calculation(session):
    """A calculation of budgets, called for."""
    work_id = call(session, "recompute_budgets", "recompute_budgets")
    assert work_id is not None
    return work_id


def gave_up(session, kind="sync_cases", source="a", message=BOOM):
    """The last run of work that was given up."""
    work = claimed(session, of_source(session, kind, source))
    fail(session, work, message, final=True)
    return work.run_id


def acts(session):
    return [one.action for one in session.query(AuditEvent).order_by(AuditEvent.id) if not one.action.startswith("con")]


class TestList:
    def test_newest_first_with_words(self, session, operator):
        run = gave_up(session)
        other = claimed(session, called(session, "other"))
        page = operator.get("/runs")
        assert page.status == 200
        rows = page.all("//table//tbody/tr/th/a/text()")
        assert rows[:2] == [str(other.run_id), str(run)]
        assert "synchronising cases" in page.text
        assert "failed for good" in page.text
        assert "boom" in page.text
        assert "under way" in page.text
        assert acts(session) == ["runs.listed"]

    def test_narrowed_down(self, session, operator):
        run = gave_up(session)
        claimed(session, called(session, "other"))
        for query in ("kind=sync_cases", "outcome=failed", "source=a", "kind=sync_cases&outcome=failed&source=a"):
            assert operator.get(f"/runs?{query}").all("//tbody/tr/th/a/text()") == [str(run)], query
        assert operator.get("/runs?outcome=under_way").all("//tbody/tr/td[1]/text()") == ["delivering an order"]
        assert "There are no such runs." in operator.get("/runs?source=p").text

    @pytest.mark.parametrize("query", ["kind=x", "outcome=x", "source=x"])
    def test_what_does_not_exist(self, operator, query):
        page = operator.get(f"/runs?{query}")
        assert page.status == 404
        assert "there is no x" in page.text

    @pytest.mark.parametrize("before", ["0", "x", str(2**63)])
    def test_a_page_that_is_none(self, operator, before):
        assert operator.get(f"/runs?before={before}").status == 400

    def test_pages_go_by_id(self, session, operator):
        session.execute(
            text(
                "INSERT INTO work (id, kind, key, queue, arguments) VALUES (900, 'send_digest', 'k', 'reminders', '{}')"
            )
        )
        session.execute(
            text(
                """
                INSERT INTO run (work_id, kind, attempt, token, host, counts, outcome, finished_at)
                SELECT 900, 'send_digest', n, gen_random_uuid(), 'h', '{}', 'succeeded', clock_timestamp() FROM generate_series(1, 120) n
                """
            )
        )
        seen = []
        path = "/runs?kind=send_digest"
        for _ in range(3):
            page = operator.get(path)
            seen += [int(one) for one in page.all("//tbody/tr/th/a/text()")]
            older = page.all("//a[@rel='next']/@href")
            path = older[0] if older else ""
        assert path == ""
        assert len(seen) == 120
        assert seen == sorted(seen, reverse=True)

    def test_a_constant_number_of_statements(self, session, operator):
        def count():
            with recording(session) as statements:
                operator.get("/runs")
            return len(statements)

        gave_up(session)
        once = count()
        for number in range(20):
            claimed(session, called(session, f"more-{number}"))
        assert count() == once

    def test_given_up_work_is_told_once_for_all(self, session, operator):
        for number in range(3):
            fail(session, claimed(session, called(session, f"k{number}")), BOOM, final=True)
        card = operator.get("/runs").all("//section[h2[@id='given-up']]//li")
        assert len(card) == 1
        assert re.sub(r"\s+", " ", card[0].text_content()).startswith("3 × delivering an order: boom")


class TestRun:
    def test_a_failure_says_what_and_what_to_do(self, session, operator):
        work = claimed(session, called(session))
        fail(session, work, Message("The server {host} is away.", host="h"), final=True)
        page = operator.get(f"/runs/{work.run_id}")
        assert page.status == 200
        assert "The server h is away." in page.text
        assert "It was given up and is not tried again by itself." in page.text
        assert acts(session) == ["run.viewed"]

    def test_attempts_and_success_on_retry(self, session, operator):
        work_id = called(session)
        fail(session, claimed(session, work_id), BOOM, final=False)
        make_due(session, work_id)
        again = claimed(session, work_id)
        close(session, again, "succeeded", counts={"rows": 3}, reply="ACK 7")
        page = operator.get(f"/runs/{again.run_id}")
        assert "succeeded on retry" in page.text
        assert "ACK 7" in page.text
        assert "Every attempt at this work, newest first" in page.text

    def test_it_is_tried_again_by_itself(self, session, operator):
        work_id = called(session)
        work = claimed(session, work_id)
        fail(session, work, BOOM, final=False)
        assert "It is tried again by itself at" in operator.get(f"/runs/{work.run_id}").text

    def test_lost(self, session, operator):
        work_id = called(session)
        work = claimed(session, work_id)
        lapse(session, work_id)
        expire_leases(session)
        page = operator.get(f"/runs/{work.run_id}")
        assert "lost: the process died" in page.text
        assert "It is tried again by itself at" in page.text

    @pytest.mark.parametrize(
        ("outcome", "advice"),
        [
            ("refused", "Nothing of it was applied."),
            ("partly", "What was left out stands among the rejected records."),
            ("held", "a person must look at the reason"),
        ],
    )
    def test_advice(self, session, operator, outcome, advice):
        work = claimed(session, of_source(session))
        close(session, work, outcome, counts={"read": 2, "gone": 1}, message=BOOM)
        page = operator.get(f"/runs/{work.run_id}")
        assert advice in page.text
        assert "read 2, gone 1" in page.text

    def test_a_step_that_needs_a_person_is_led_to_from_the_others(self, session, operator):
        fetch = claimed(session, of_source(session, "fetch_cases"))
        close(session, fetch, "succeeded", counts={"files": 1})
        sync = claimed(session, of_source(session, "sync_cases"))
        close(session, sync, "held", message=BOOM)
        led = f"//p[contains(@class, 'care')]/a[@href='/runs/{sync.run_id}']"
        assert operator.get(f"/runs/{fetch.run_id}").all(led)
        page = operator.get(f"/runs/{sync.run_id}")
        assert page.all(led) == []
        operator.submit(page, f"/runs/{sync.run_id}/discard", {"note": "half an export"})
        page = operator.get(f"/runs/{fetch.run_id}")
        assert page.all(led) == []

    def test_e_mails_nobody_can_place_are_no_rejected_records(self, session, operator):
        work = claimed(session, of_source(session, "read_price_mail", "p"))
        close(session, work, "partly", message=BOOM)
        page = operator.get(f"/runs/{work.run_id}")
        assert "rejected records" not in page.text
        assert page.all("//main//p/a[@href='/prices/mail']")

    def test_steps_of_a_request_in_their_order(self, session, operator):
        fetch = claimed(session, of_source(session, "fetch_cases"))
        close(session, fetch, "succeeded", counts={"files": 1})
        sync = of_source(session, "sync_cases")
        page = operator.get(f"/runs/{fetch.run_id}")
        assert page.all("//table[.//th='Step']/tbody/tr/th/text()") == ["fetching cases", "synchronising cases"]
        assert page.all("//*[@data-progress]/@data-progress") == [f"/runs/{fetch.run_id}/progress"]
        work = claimed(session, sync)
        close(session, work, "succeeded", counts={"read": 5})
        page = operator.get(f"/runs/{fetch.run_id}")
        assert page.all("//*[@data-progress]") == []
        assert page.all("//script") == []
        assert page.all(f"//a[@href='/runs/{work.run_id}']")

    def test_a_constant_number_of_statements(self, session, operator):
        def count(run):
            with recording(session) as statements:
                operator.get(f"/runs/{run}")
            return len(statements)

        work_id = of_source(session)
        work = claimed(session, work_id)
        fail(session, work, BOOM, final=False)
        once = count(work.run_id)
        for _ in range(3):
            make_due(session, work_id)
            fail(session, claimed(session, work_id), BOOM, final=False)
        assert count(work.run_id) == once

    def test_budgets_that_were_calculated_next(self, session, operator):
        sync = claimed(session, of_source(session))
        close(session, sync, "succeeded", counts={"read": 5})
        calculated = claimed(session, calculation(session)).run_id
        assert operator.get(f"/runs/{sync.run_id}").all(f"//a[@href='/runs/{calculated}']")

    @pytest.mark.parametrize(("path", "status"), [("/runs/999999", 404), ("/runs/x", 404), (f"/runs/{2**63}", 404)])
    def test_there_is_none(self, operator, path, status):
        assert operator.get(path).status == status

    @pytest.mark.parametrize("language", ["fi", "sv", "en"])
    def test_in_three_languages(self, session, operator, language):
        run = gave_up(session)
        for path in ("/runs", f"/runs/{run}", "/sources", "/sources/a", "/sources/p", "/rejected"):
            page = operator.get(f"{path}?lang={language}")
            assert page.status == 200, path
            assert page.all("//html/@lang") == [language]


class TestProgress:
    def test_how_far(self, session, operator):
        before = claimed(session, of_source(session, request="r-0"))
        close(session, before, "succeeded", counts={"read": 20_000})
        work = claimed(session, of_source(session))
        show_progress(session, work, {"read": 5_000})
        answer = operator.client.get(f"/runs/{work.run_id}/progress")
        assert answer.headers["content-type"] == "application/json"
        told = answer.json()
        assert told["line"].startswith("synchronising cases … read 5,000")
        assert (told["count"], told["total"], told["done"], told["at"]) == (5_000, 20_000, False, None)
        page = operator.get(f"/runs/{work.run_id}")
        (bar,) = page.all("//progress")
        assert (bar.get("max"), bar.get("value")) == ("20000", "5000")
        assert page.all("//script/@src")[0].startswith("/static/progress.js?v=")
        assert acts(session) == ["run.viewed"], "asking how far it is, is not a view"

    def test_of_work_without_a_source(self, session, operator):
        work = claimed(session, calculation(session))
        show_progress(session, work, {"recomputed": 7})
        told = operator.client.get(f"/runs/{work.run_id}/progress").json()
        assert told["line"].startswith("calculating budgets … calculated 7")
        assert (told["count"], told["total"], told["done"]) == (7, None, False)
        close(session, work, "succeeded")
        assert operator.client.get(f"/runs/{work.run_id}/progress").json()["done"]

    def test_between_two_steps_and_at_the_end(self, session, operator):
        fetch = claimed(session, of_source(session, "fetch_cases"))
        close(session, fetch, "succeeded", counts={"files": 1})
        of_source(session, "sync_cases")
        told = operator.client.get(f"/runs/{fetch.run_id}/progress").json()
        assert (told["line"], told["done"]) == ("waiting for a worker", False)

    def test_waiting_for_the_next_attempt(self, session, operator):
        work = claimed(session, of_source(session))
        fail(session, work, BOOM, final=False)
        told = operator.client.get(f"/runs/{work.run_id}/progress").json()
        assert (told["line"], told["done"]) == ("waiting for the next attempt", False)

    def test_what_was_called_for_leads_on_to_its_run(self, session, operator):
        work_id = of_source(session)
        page = operator.get(f"/runs/called/{work_id}")
        assert "waiting for a worker" in page.text
        assert operator.client.get(f"/runs/called/{work_id}/progress").json()["at"] is None
        run = claimed(session, work_id).run_id
        assert operator.client.get(f"/runs/called/{work_id}/progress").json()["at"] == f"/runs/{run}"
        assert operator.get(f"/runs/called/{work_id}").answer.url.path == f"/runs/{run}"
        assert operator.get("/runs/called/999999").status == 404


class TestRetry:
    def test_given_up_work_is_due_again(self, session, operator):
        run = gave_up(session)
        page = operator.submit(operator.get(f"/runs/{run}"), f"/runs/{run}/retry")
        assert "It is due again, with all its attempts." in page.text
        work_id = session.execute(text("SELECT work_id FROM run WHERE id = :id"), {"id": run}).scalar_one()
        assert state(session, work_id).dead_at is None
        assert acts(session) == ["run.viewed", "run.retried", "run.viewed"]

    def test_what_is_not_given_up_says_so(self, session, operator):
        work = claimed(session, called(session))
        csrf = operator.get("/").form("/logout")
        page = operator.post(f"/runs/{work.run_id}/retry", csrf)
        assert page.status == 422
        assert "is not given up" in page.text
        assert "run.retried" not in acts(session)


class TestAcknowledge:
    def test_with_a_note(self, session, operator):
        run = gave_up(session)
        page = operator.submit(operator.get(f"/runs/{run}"), f"/runs/{run}/acknowledge", {"note": "known since May"})
        assert "Somebody has seen that: known since May" in page.text
        assert page.all(f"//form[@action='/runs/{run}/acknowledge']") == []

    def test_a_note_that_cannot_be_kept_is_refused_beside_the_field(self, session, operator):
        run = gave_up(session)
        page = operator.submit(operator.get(f"/runs/{run}"), f"/runs/{run}/acknowledge", {"note": "a\0b"})
        assert page.status == 422
        assert "characters that cannot be printed" in page.text
        assert acts(session).count("run.acknowledged") == 0

    def test_without_a_note_it_says_so_beside_the_field(self, session, operator):
        run = gave_up(session)
        page = operator.submit(operator.get(f"/runs/{run}"), f"/runs/{run}/acknowledge", {"note": " "})
        assert page.status == 422
        (field,) = page.all("//textarea[@aria-invalid='true']")
        assert (
            page.all(f"//*[@id='{field.get('aria-describedby')}']")[0].text_content().startswith("Only given-up work")
        )

    def test_twice(self, session, operator):
        run = gave_up(session)
        page = operator.get(f"/runs/{run}")
        operator.submit(page, f"/runs/{run}/acknowledge", {"note": "first"})
        again = operator.submit(page, f"/runs/{run}/acknowledge", {"note": "second"})
        assert again.status == 422
        assert "was acknowledged already: first" in again.text
        assert acts(session).count("run.acknowledged") == 1


class TestHeld:
    def test_what_is_not_held_is_not_decided(self, session, operator):
        run = gave_up(session)
        csrf = operator.get("/").form("/logout")
        for what in ("approve", "discard"):
            page = operator.post(f"/runs/{run}/{what}", {**csrf, "note": "x"})
            assert page.status == 422
            assert "was not held for anybody" in page.text

    def test_a_price_list_is_decided_on_its_own_page(self, session, operator):
        work = claimed(session, of_source(session, "import_prices", "p"))
        close(session, work, "held", message=BOOM)
        page = operator.get(f"/runs/{work.run_id}")
        assert page.all("//form[contains(@action, 'approve')]") == []
        page = operator.post(f"/runs/{work.run_id}/approve", {**operator.get("/").form("/logout"), "note": "x"})
        assert page.status == 422
        assert "on the page of that list" in page.text

    def test_discarding_needs_a_note(self, session, operator):
        work = claimed(session, of_source(session))
        close(session, work, "held", counts={"read": 3, "gone": 2}, message=BOOM)
        page = operator.get(f"/runs/{work.run_id}")
        assert "What it would do: read 3, gone 2" in page.text
        refused = operator.submit(page, f"/runs/{work.run_id}/discard", {"note": ""})
        assert refused.status == 422
        assert "A note is needed: say why." in refused.text
        done = operator.submit(page, f"/runs/{work.run_id}/discard", {"note": "half an export"})
        assert "It was discarded; nothing of it was applied." in done.text
        assert "It was discarded: half an export" in done.text


class TestRoles:
    def test_an_auditor_only_looks(self, session, sign_in):
        run = gave_up(session)
        auditor = sign_in("auditor")
        page = auditor.get(f"/runs/{run}")
        assert page.status == 200
        assert page.all("//main//form") == []
        csrf = page.form("/logout")
        for path in (f"/runs/{run}/retry", f"/runs/{run}/acknowledge", f"/runs/{run}/approve", f"/runs/{run}/discard"):
            assert auditor.post(path, csrf).status == 403, path

    def test_a_price_manager_has_a_say_in_prices_alone(self, session, sign_in):
        of_cases, of_prices = gave_up(session), gave_up(session, "fetch_prices", "p")
        manager = sign_in("price_manager")
        page = manager.get(f"/runs/{of_cases}")
        assert page.all("//main//form") == []
        csrf = page.form("/logout")
        assert manager.post(f"/runs/{of_cases}/retry", csrf).status == 403
        assert manager.post(f"/runs/{of_cases}/acknowledge", {**csrf, "note": "x"}).status == 403
        assert manager.submit(manager.get(f"/runs/{of_prices}"), f"/runs/{of_prices}/retry").status == 200
