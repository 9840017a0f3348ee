"""What a person does about a run: try it again, take note of a failure, decide what is held; and who may."""

from sqlalchemy import text

from services.work import close
from tests.support.console_runs import acts, gave_up, of_source
from tests.support.work import BOOM, called, claimed, state


class TestRetry:
    def test_given_up_work_is_due_again(self, session, operator):
        run = gave_up(session)
        page = operator.submit(operator.get(f"/runs/{run}"), f"/runs/{run}/retry")
        assert "It is due again, with all its attempts." in page.text
        work_id = session.execute(text("SELECT work_id FROM run WHERE id = :id"), {"id": run}).scalar_one()
        assert state(session, work_id).dead_at is None
        assert acts(session) == ["run.viewed", "run.retried", "run.viewed"]

    def test_what_then_goes_well_succeeded_on_retry(self, session, operator):
        run = gave_up(session)
        operator.submit(operator.get(f"/runs/{run}"), f"/runs/{run}/retry")
        work_id = session.execute(text("SELECT work_id FROM run WHERE id = :id"), {"id": run}).scalar_one()
        again = claimed(session, work_id)
        close(session, again)
        assert "succeeded on retry" in operator.get(f"/runs/{again.run_id}").text

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
