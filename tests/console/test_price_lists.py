"""A list's page: the plan as it was shown is applied, discarded or rolled back, or nothing is; mails, columns, templates, replies."""

import email
import io
from decimal import Decimal

import openpyxl
import pytest

from tests.support.price_desk import KAVERIPAJA, TUKIPOLKU, desk, listed, number_of
from tests.support.price_mail import csv, mail

__all__ = ["desk"]

PRICE = "TUKIHENKILO;h;{};1.1.2026"
FROM_DECEMBER = "TUKIHENKILO;h;{};1.12.2026"


def apply(desk, content, **fields):
    """Bring a list and apply it; its number."""
    page = desk.bring(content, **fields)
    number = number_of(page)
    page = desk.manager.submit(page, f"/prices/lists/{number}/approve", fields)
    assert "Applied." in page.text, page.text
    return number


@pytest.fixture
def held(desk):
    """A rise that the contract does not allow."""
    apply(desk, listed(PRICE.format("50,00")))
    return desk.bring(listed(FROM_DECEMBER.format("60,00")))


def test_a_doubtful_list_needs_a_note(desk, held):
    assert "Why it waits" in held.text
    assert "+20 %" in held.text
    action = f"/prices/lists/{number_of(held)}/approve"
    page = desk.manager.submit(held, action, {"note": " "})
    assert page.status == 422
    assert "A note is needed" in page.text
    assert page.all("//textarea[@id='note' and @aria-invalid='true' and @aria-describedby='problem']")
    page = desk.manager.submit(page, action, {"note": "sovittu puhelimessa"})
    assert "Applied." in page.text
    (event,) = desk.county.process.rows(
        "SELECT reason FROM audit_event WHERE action = 'price_list.approved' ORDER BY id DESC LIMIT 1"
    )
    assert event.reason == "sovittu puhelimessa"
    assert "€50.00€60.00+20 %" in page.text  # what it has changed, afterwards


def test_a_second_click_and_the_back_button_do_no_harm(desk, held):
    action = f"/prices/lists/{number_of(held)}/approve"
    desk.manager.submit(held, action, {"note": "sovittu"})
    page = desk.manager.submit(held, action, {"note": "sovittu"})
    assert page.status == 200
    assert "does not wait for anybody: it is applied" in page.text
    page = desk.manager.submit(held, f"/prices/lists/{number_of(held)}/discard", {"note": "ei sittenkään"})
    assert "does not wait for anybody: it is applied" in page.text
    assert len(desk.county.process.rows("SELECT FROM audit_event WHERE action = 'price_list.approved'")) == 2


def test_another_plan_than_the_one_that_was_shown_is_not_applied(desk, held):
    action = f"/prices/lists/{number_of(held)}/approve"
    page = desk.manager.submit(held, action, {"note": "sovittu", "shown": "0" * 32})
    assert page.status == 422
    assert "The plan has changed since it was shown" in page.text
    assert page.form(action)["note"] == "sovittu"
    assert desk.price() == "50.0000"


def test_where_the_world_has_moved_the_list_is_planned_anew(desk, held):
    desk.county.process.rows(
        """UPDATE contract SET price_rule = '{"kind": "free"}' FROM provider
        WHERE provider.id = provider_id AND business_id = :id RETURNING contract.id""",
        id=TUKIPOLKU,
    )
    page = desk.manager.submit(held, f"/prices/lists/{number_of(held)}/approve", {"note": "sovittu"})
    assert "What this plan rests on has changed since it was made: contract SOP-2026-12" in page.text
    assert page.answer.url.path == "/prices/upload/2"
    desk.county.work()
    page = desk.manager.get("/prices/upload/2")
    assert "Nothing about it is doubtful" in page.text  # the contract allows it now
    assert number_of(page) != number_of(held)
    desk.manager.submit(page, f"/prices/lists/{number_of(page)}/approve")
    assert "60" in "".join(
        str(row.amount) for row in desk.county.process.rows("SELECT amount FROM price WHERE superseded_at IS NULL")
    )


def test_a_list_is_discarded_with_a_note(desk, held):
    action = f"/prices/lists/{number_of(held)}/discard"
    page = desk.manager.submit(held, action)
    assert page.status == 422
    assert page.all("//textarea[@id='why-not' and @aria-invalid='true']")
    page = desk.manager.submit(held, action, {"note": "virhe"})
    assert "Discarded." in page.text
    assert desk.price() == "50.0000"


def test_rolling_back_shows_first_what_it_would_change(desk, held):
    number = number_of(held)
    desk.manager.submit(held, f"/prices/lists/{number}/approve", {"note": "sovittu"})
    action = f"/prices/lists/{number}/rollback"
    page = desk.manager.get(action)
    assert "Prices that end: 2. Prices that are in force again: 1." in page.text
    assert "€60.00" in page.text
    assert (
        len(desk.county.process.rows("SELECT FROM price WHERE superseded_at IS NULL")) == 2
    )  # nothing is done by looking
    shown = page
    page = desk.manager.submit(shown, action)
    assert page.status == 422
    assert "A note is needed" in page.text
    page = desk.manager.submit(shown, action, {"note": "väärä", "shown": "0"})
    assert "has changed since it was shown" in page.text
    assert page.form(action)["note"] == "väärä"
    page = desk.manager.submit(shown, action, {"note": "väärä vuosi"})
    assert "Rolled back:" in page.text
    assert "rolled back" in page.text
    assert [
        str(row.amount) for row in desk.county.process.rows("SELECT amount FROM price WHERE superseded_at IS NULL")
    ] == ["50.0000"]
    page = desk.manager.submit(shown, action, {"note": "väärä vuosi"})
    assert "The list is rolled back." in page.text
    page = desk.manager.get(action)
    assert "was rolled back already" in page.text


def test_a_later_list_stands_in_the_way_of_rolling_back(desk, held):
    desk.manager.submit(held, f"/prices/lists/{number_of(held)}/approve", {"note": "sovittu"})
    page = desk.manager.get(f"/prices/lists/{number_of(held) - 1}/rollback")
    assert "changed the same prices later" in page.text


def test_rejected_rows_are_told_and_answered(desk):
    page = desk.bring(listed(PRICE.format("49,00"), "TUKIHENKILO;h;ilmainen;1.1.2027", "OUTO;h;50,00;1.1.2026"))
    number = number_of(page)
    assert "2 rows were left out" in page.text
    assert "OUTO" in page.text
    page = desk.manager.get(f"/prices/lists/{number}/reply")
    assert "toimisto@tukipolku.invalid" in page.text
    (text,) = page.all("//textarea[@readonly]")
    assert "ilmainen" in text.text
    answer = desk.manager.client.get(f"/prices/lists/{number}/reply.eml")
    assert answer.headers["content-type"] == "message/rfc822"
    assert f"hinnasto-{number}.eml" in answer.headers["content-disposition"]
    assert email.message_from_bytes(answer.content)["X-Unsent"] == "1"
    assert "price_list.reply_drafted" in desk.events()


def test_a_list_without_rejected_rows_needs_no_reply(desk):
    page = desk.bring(listed(PRICE.format("49,00")))
    number = number_of(page)
    page = desk.manager.get(f"/prices/lists/{number}/reply")
    assert "No row of price list" in page.text
    assert desk.manager.get(f"/prices/lists/{number}/reply.eml").status == 400
    assert desk.manager.get("/prices/lists/999").status == 404


def test_a_template_is_made_for_a_provider(desk):
    answer = desk.manager.client.get(f"/prices/template/{TUKIPOLKU}/xlsx")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert "TUKIHENKILO" in str([[cell.value for cell in row] for row in book.worksheets[0].iter_rows()])
    assert desk.manager.client.get(f"/prices/template/{TUKIPOLKU}/csv").headers["content-type"].startswith("text/csv")
    assert desk.manager.get(f"/prices/template/{TUKIPOLKU}/pdf").status == 404
    assert desk.manager.get("/prices/template/1234567-8/csv").status == 404


def test_mails_that_wait_are_assigned_or_discarded(desk):
    desk.county.put("a.eml", mail("joku@muualla.invalid", ("h.csv", csv(PRICE.format("47,00")))))
    desk.county.put(
        "b.eml",
        mail("joku@muualla.invalid", ("k.csv", csv(PRICE.format("46,00"))), sent="Tue, 17 Nov 2026 09:00:00 +0200"),
    )
    desk.county.read()
    assert "2 e-mails wait" in desk.manager.get("/prices").text
    page = desk.manager.get("/prices/mail")
    assert "Neither the sender's address" in page.text
    page = desk.manager.submit(page, "/prices/mail/1/assign")
    assert page.status == 422
    assert "Choose the provider." in page.text
    page = desk.manager.submit(page, "/prices/mail/1/assign", {"provider": TUKIPOLKU})
    assert "will be read as the price list of" in page.text
    desk.county.work()
    assert desk.price() is not None
    page = desk.manager.get("/prices/mail")
    other = page.all("//form[contains(@action, '/discard')]/@action")[0]
    page = desk.manager.submit(page, other)
    assert page.status == 422
    page = desk.manager.submit(page, other, {"note": "mainos"})
    assert "None waits." in page.text
    assert "mainos" in desk.manager.get("/prices/mail?everything=yes").text
    again = desk.manager.post(other, {"note": "mainos", "csrf": _csrf(desk)})
    assert "does not wait for anybody" in again.text
    assert desk.manager.post("/prices/mail/99/assign", {"provider": TUKIPOLKU, "csrf": _csrf(desk)}).status == 422


def test_titles_are_learnt_and_forgotten(desk):
    page = desk.manager.get("/prices/columns")
    page = desk.manager.submit(page, "/prices/columns", {"provider": "", "title": "Taksa", "meaning": "price"})
    assert page.status == 422
    assert page.form("/prices/columns")["title"] == "Taksa"
    page = desk.manager.submit(page, "/prices/columns", {"provider": KAVERIPAJA})
    assert "It is remembered what Taksa means." in page.text
    assert "taksapriceForget" in page.text.replace(" ", "")
    forget = page.form("/prices/columns/forget")
    page = desk.manager.post("/prices/columns/forget", forget)
    assert "Forgotten: taksa" in page.text
    page = desk.manager.post("/prices/columns/forget", forget)
    assert "Nothing is remembered of the title taksa." in page.text
    assert desk.events().count("price_column.forgotten") == 1


def test_the_overview_tells_what_waits_is_missing_and_ends(desk, held):
    page = desk.manager.get("/prices")
    assert "Lists that wait for a person" in page.text
    assert page.all(f"//a[@href='/prices/lists/{number_of(held)}']")
    assert "Price list missing for 2027" not in page.text  # until further notice
    desk.manager.submit(held, f"/prices/lists/{number_of(held)}/discard", {"note": "virhe"})
    until = listed("TUKIHENKILO;h;50,00;1.1.2026;31.12.2026").replace(b"alkaen\n", b"alkaen;Voimassa asti\n")
    page = desk.bring(until)
    desk.manager.submit(page, f"/prices/lists/{number_of(page)}/approve", {"note": "sovittu"})
    page = desk.manager.get("/prices")
    assert "Price list missing for 2027" in page.text
    assert "Prices that end soon" in page.text
    assert page.all(f"//a[@href='/prices/template/{TUKIPOLKU}/xlsx']")


def test_a_long_list_is_paged_and_quick(desk):
    rows = [f"TUKIHENKILO;{hours} min;{Decimal(hours) / 10:f};1.1.2026" for hours in range(6, 6000, 6)]
    page = desk.bring(listed(*rows), provider=TUKIPOLKU)
    assert "Page 1 of" in page.text, page.text[:500]
    number = number_of(page)
    page = desk.manager.get(f"/prices/lists/{number}?page=2&only=added")
    assert "Page 2 of" in page.text
    assert desk.manager.get(f"/prices/lists/{number}?page=0").status == 400
    assert "No price." in desk.manager.get(f"/prices/lists/{number}?page=5000").text
    desk.manager.submit(desk.manager.get(f"/prices/lists/{number}"), f"/prices/lists/{number}/approve")
    assert "Page 3 of" in desk.manager.get(f"/prices/lists/{number}?page=3").text


def _csrf(desk) -> str:
    return str(desk.manager.get("/prices/upload").form("/prices/upload")["csrf"])
