"""Runs on pages: lists, one run with its steps and attempts, and how far it is."""

import pytest
from sqlalchemy import text

from core.errors import Message
from services.work import close, expire_leases, fail
from services.work.history import show_progress
from tests.support.console_runs import acts, calculation, gave_up, of_source
from tests.support.queries import recording
from tests.support.work import BOOM, called, claimed, lapse, make_due


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
        (link,) = operator.get("/runs").all("//main//a[@href='/dead-work']")
        assert link.text_content() == "Work that was given up and that nobody has acted on: 3"


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
