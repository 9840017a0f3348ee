"""Bringing price lists: recognised or chosen, read by a worker, seen before anything is applied; broken files say what is wrong."""

import pytest
from pydantic import ValidationError

from core.clock import business_now
from core.errors import InputError
from core.settings import settings
from core.source_settings import Sources
from services.price_uploads import forget_decided
from services.sources import call_fetch, find_source
from tests.support.attacks import zip_bomb
from tests.support.catalogues import PROVIDER, catalogue, line, price
from tests.support.price_desk import KAVERIPAJA, TUKIPOLKU, csv, desk, listed, number_of
from tests.support.price_files import xlsx
from workers.tasks.price_uploads import read_price_upload

__all__ = ["desk"]

#: A right business id of nobody.
STRANGER = "9999989-6"
PRICE = "TUKIHENKILO;h;{};1.1.2026"
HEAD = ("Palvelukoodi", "Yksikkö", "Taksa", "Voimassa alkaen")


def test_a_list_is_brought_seen_and_applied(desk):
    page = desk.send(listed(PRICE.format("49,50")))
    assert page.answer.url.path == "/prices/upload/1"
    assert "The list waits to be read." in page.text
    assert page.all("//noscript")  # without JavaScript the page looks again by itself
    assert page.all("//script[contains(@src, 'follow.js')]")
    desk.county.work()
    page = desk.manager.get("/prices/upload/1")
    assert page.answer.url.path.startswith("/prices/lists/")
    assert "Nothing about it is doubtful" in page.text
    assert "new professional support personhour €49.50" in page.text
    assert desk.price() is None  # nothing is applied before somebody has said so
    page = desk.manager.submit(page, f"/prices/lists/{number_of(page)}/approve")
    assert "Applied." in page.text
    assert desk.price() == "49.5000"
    assert desk.events() == [
        "price_upload.brought", "price_list.viewed", "price_list.approved", "price_list.viewed",
    ]  # fmt: skip
    assert desk.county.process.rows("SELECT actor FROM audit_event WHERE action = 'price_list.approved'")[0].actor == (
        "user:sub-price_manager"
    )


def test_the_file_is_kept_until_the_list_is_decided_and_then_forgotten(desk):
    page = desk.bring(listed(PRICE.format("49,50")))
    assert _kept(desk) == [True]
    desk.manager.submit(page, f"/prices/lists/{number_of(page)}/approve")
    with desk.county.process.transaction() as session:
        forget_decided(session, business_now(session))
    assert _kept(desk) == [False]
    assert desk.county.spooled() == []


def test_a_provider_is_chosen_where_the_file_does_not_say(desk):
    page = desk.bring(csv(PRICE.format("50,00")))
    assert "does not say whose price list it is" in page.text
    page = desk.manager.submit(page, "/prices/upload/1/read", {"provider": KAVERIPAJA})
    desk.county.work()
    page = desk.manager.get("/prices/upload/1")
    assert page.text.startswith("Price list of Kaveripaja")
    page = desk.bring(csv(PRICE.format("50,00")), provider=TUKIPOLKU)
    assert page.text.startswith("Price list of Tukipolku")


def test_what_stands_above_the_table_and_who_was_chosen_contradict_each_other(desk):
    page = desk.bring(listed(PRICE.format("50,00")), provider=KAVERIPAJA)
    assert "hinnasto.csv names Tukipolku Oy (keksitty), but Kaveripaja Osk (keksitty) was chosen" in page.text
    page = desk.manager.submit(page, "/prices/upload/1/read", {"insisted": "yes"})
    desk.county.work()
    assert desk.manager.get("/prices/upload/1").text.startswith("Price list of Kaveripaja")


def test_a_file_whose_rows_name_another_provider_is_theirs_or_nobodys(desk):
    content = f"Palvelukoodi;Hinta;Yksikkö;Y-tunnus\nTUKIHENKILO;50,00;h;{TUKIPOLKU}\n".encode()
    page = desk.bring(content, provider=KAVERIPAJA)
    desk.manager.submit(page, "/prices/upload/1/read", {"insisted": "yes"})
    desk.county.work()
    page = desk.manager.get("/prices/upload/1")
    assert "but Kaveripaja Osk (keksitty) was chosen" in page.text
    desk.manager.submit(page, "/prices/upload/1/read", {"provider": TUKIPOLKU})
    desk.county.work()
    assert desk.manager.get("/prices/upload/1").text.startswith("Price list of Tukipolku")


def test_a_list_of_a_stranger_and_of_several(desk):
    page = desk.bring(f"Palvelukoodi;Hinta;Yksikkö;Y-tunnus\nTUKIHENKILO;50,00;h;{STRANGER}\n".encode())
    assert f"says it is the price list of {STRANGER}, which is not a known provider" in page.text
    page = desk.bring(csv(PRICE.format("50,00"), above=f"{TUKIPOLKU} {KAVERIPAJA}\n"))
    assert "names several providers" in page.text


def test_our_own_unit_costs_are_brought_too(desk):
    page = desk.bring(
        "Palvelukoodi;Yksikkö;Hinta;Voimassa alkaen\nPERHETYO;h;60,00;1.1.2026\n".encode(), provider="own"
    )
    assert page.text.startswith("Price list of own unit cost"), page.text


def test_an_unknown_column_is_mapped_once_and_remembered(desk):
    rows = [(*HEAD, "Muuta"), ("TUKIHENKILO", "h", 51, "1.1.2026", "uusi")]
    page = desk.bring(xlsx(rows), "hinnasto.xlsx", provider=TUKIPOLKU)
    assert "No price table was found" in page.text
    assert "For example: 51" in page.text
    said = {"title": ["Taksa", "Muuta"], "meaning": ["price", "-"]}
    page = desk.manager.submit(page, "/prices/upload/1/read", said)
    desk.county.work()
    page = desk.manager.get("/prices/upload/1")
    assert "€51.00" in page.text
    assert "Columns that were passed over" not in page.text
    rows[1] = ("TUKIHENKILO", "h", 51.5, "1.1.2026", "uusi")
    assert "€51.50" in desk.bring(xlsx(rows), "hinnasto.xlsx", provider=TUKIPOLKU).text
    page = desk.manager.get("/prices/columns")
    assert "taksaprice" in page.text
    assert desk.events().count("price_column.learnt") == 2


def test_an_unknown_column_beside_a_known_table_is_mapped_on_the_lists_page(desk):
    rows = [("Palvelukoodi", "Yksikkö", "Hinta", "Extrataksa"), ("TUKIHENKILO", "h", 51, 60)]
    page = desk.bring(xlsx(rows), "hinnasto.xlsx", provider=TUKIPOLKU)
    assert "Columns that were passed over" in page.text
    assert "For example: 60" in page.text
    first = number_of(page)
    page = desk.manager.submit(page, "/prices/upload/1/read", {"title": "Extrataksa", "meaning": "price_evening"})
    desk.county.work()
    page = desk.manager.get("/prices/upload/1")
    assert number_of(page) != first
    assert "€60.00" in page.text
    assert "Columns that were passed over" not in page.text
    assert "discarded" in desk.manager.get(f"/prices/lists/{first}").text


def test_a_column_is_remembered_for_a_provider_only(desk):
    page = desk.bring(xlsx([HEAD, ("TUKIHENKILO", "h", 51, "1.1.2026")]), "hinnasto.xlsx")
    page = desk.manager.submit(page, "/prices/upload/1/read", {"title": "Taksa", "meaning": "price"})
    assert page.status == 422
    assert "Choose the provider first" in page.text


def _encrypted() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 512


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


CATALOGUE = b'<?xml version="1.0"?><!DOCTYPE Catalogue [<!ENTITY a "aaaa">]><Catalogue xmlns="urn:oasis:names:specification:ubl:schema:xsd:Catalogue-2">&a;</Catalogue>'


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (_encrypted(), "a.xlsx", "password"),
        (b"<!doctype html><html><body>Kirjaudu</body></html>", "a.xlsx", "web page instead of a price list"),
        (b"%PDF-1.7 ...", "a.pdf", "from which no prices can be read"),
        (b"", "a.csv", "is empty"),
        (bytes(range(256)) * 40, "a.csv", ""),
        (CATALOGUE, "a.xml", ""),
        (b"<Order/>", "a.xml", "XML whose root element is Order"),
        (_cut(xlsx([HEAD])), "a.xlsx", ""),
        (b'{"version": 1, "prices": [', "a.json", ""),
        (b"Palvelukoodi;Hinta\n", "a.csv", "The price table is empty"),
        (b"Hei!\nMoi!\n", "a.csv", "No price table was found"),
    ],
)
def test_each_broken_file_says_what_is_wrong_and_loses_nothing(desk, content, name, sentence):
    applied = desk.bring(listed(PRICE.format("49,50")))
    desk.manager.submit(applied, f"/prices/lists/{number_of(applied)}/approve")
    page = desk.send(content, name, provider=TUKIPOLKU)
    if page.status == 200:
        desk.county.work()
        page = desk.manager.get("/prices/upload/2")
        assert "Nothing of it was used: the prices in force stay." in page.text
    else:
        assert page.status == 422
        assert page.all(
            "//input[@type='file' and @aria-invalid='true' and contains(@aria-describedby, 'file-problem')]"
        )
        assert page.all(f"//option[@value='{TUKIPOLKU}' and @selected]")
    (said,) = page.all("//p[@role='alert']")
    assert said.text_content().strip()
    assert sentence in said.text_content()
    assert desk.price() == "49.5000"
    assert desk.county.spooled() == []


def test_a_zip_bomb_is_refused(desk):
    page = desk.bring(zip_bomb(300 * 1024 * 1024, "xl/workbook.xml"), "a.xlsx", provider=TUKIPOLKU)
    assert "Nothing of it was used" in page.text


def test_no_file_is_a_sentence_beside_the_field(desk):
    form = desk.manager.get("/prices/upload")
    page = desk.manager.submit(form, "/prices/upload", {"provider": TUKIPOLKU})
    assert page.status == 422
    assert "Choose a file." in page.text


def test_a_file_that_is_too_large_is_refused(desk, monkeypatch):
    desk.county.configure(console__max_upload_mb=1)
    page = desk.send(b"Palvelukoodi;Hinta\n" + b"x" * (1024 * 1024), "suuri.csv")
    assert page.status == 422
    assert "more than 1 MB" in page.text
    page = desk.send(b"x" * (3 * 1024 * 1024), "suuri.csv")
    assert page.status == 413


def test_a_list_of_a_year_that_has_passed_waits_with_the_reason(desk):
    applied = desk.bring(listed(PRICE.format("49,50")))
    desk.manager.submit(applied, f"/prices/lists/{number_of(applied)}/approve")
    page = desk.bring(listed("TUKIHENKILO;h;40,00;1.1.2026;31.1.2026").replace(b"alkaen\n", b"alkaen;Voimassa asti\n"))
    assert "would change the price of past days" in page.text


def test_what_was_discarded_may_be_brought_again(desk):
    content = listed(PRICE.format("49,50"))
    page = desk.bring(content)
    page = desk.manager.submit(page, f"/prices/lists/{number_of(page)}/discard", {"note": "tarkistetaan"})
    assert "Discarded." in page.text
    page = desk.bring(content)
    assert "waits for a person" in page.text


def test_a_list_that_changes_nothing_says_so(desk):
    content = listed(PRICE.format("49,50"))
    page = desk.bring(content)
    desk.manager.submit(page, f"/prices/lists/{number_of(page)}/approve")
    page = desk.bring(content)
    assert "applied" in page.text
    assert desk.price() == "49.5000"


def test_a_file_is_let_be(desk):
    page = desk.bring(csv(PRICE.format("50,00")))
    assert "Uploaded files that are no list yet" in desk.manager.get("/prices").text
    page = desk.manager.submit(page, "/prices/upload/1/discard")
    assert "Discarded." in page.text
    assert "It was discarded." in desk.manager.get("/prices/upload/1").text
    assert "The file is kept no more" in desk.manager.post("/prices/upload/1/discard", {"csrf": _csrf(desk)}).text
    page = desk.manager.post("/prices/upload/1/read", {"csrf": _csrf(desk), "provider": TUKIPOLKU})
    assert page.status == 422
    assert desk.manager.get("/prices/upload/99").status == 404


def test_a_worker_that_cannot_read_it_says_so_on_the_page(desk):
    page = desk.send(listed(PRICE.format("50,00")))
    desk.county.process.rows("UPDATE provider SET active = false RETURNING id")
    desk.county.work()
    page = desk.manager.get("/prices/upload/1")
    assert "does not say whose" in page.text


def test_an_import_that_is_given_up_says_so_on_the_page(desk):
    desk.send(listed(PRICE.format("50,00")))
    desk.county.process.do_due("read_price_upload", read_price_upload)
    desk.county.process.rows(
        "UPDATE provider SET business_id = :new WHERE business_id = :old RETURNING id", new=STRANGER, old=TUKIPOLKU
    )
    desk.county.work()
    page = desk.manager.get("/prices/upload/1")
    assert f"The provider {TUKIPOLKU} of the source console/{TUKIPOLKU} is not known" in page.text
    assert "Read it again" in page.text


def test_a_worker_that_dies_in_the_midst_of_it_loses_nothing(desk):
    desk.send(listed(PRICE.format("50,00")))
    (work,) = desk.county.process.rows("SELECT id FROM work WHERE kind = 'read_price_upload'")
    desk.county.process.die_doing(work.id, "workers.tasks.price_uploads.read_price_upload", "price_upload.read")
    assert "waits to be read" in desk.manager.get("/prices/upload/1").text
    desk.county.work()
    assert desk.manager.get("/prices/upload/1").text.startswith("Price list of Tukipolku")
    assert desk.county.spooled() == []


def test_a_catalogue_says_itself_whose_it_is(desk):
    ours = PROVIDER.replace("003701234562", "003799999976")
    content = catalogue(
        line("TUKIHENKILO", price("55.00", unit="HUR", start="2026-12-01")), provider=ours, contract="SOP-2026-12"
    )
    page = desk.bring(content, "luettelo.xml")
    assert page.text.startswith("Price list of Tukipolku"), page.text


def test_a_source_that_reads_the_same_providers_lists_is_told_of(desk):
    desk.county.configure(
        rest=f'[sources.prices.tukipolku]\nprovider = "{TUKIPOLKU}"\npath = "{desk.county.folder}/tukipolku.csv"\n'
    )
    page = desk.bring(listed(PRICE.format("50,00")))
    assert "The source tukipolku reads the price lists of this provider too" in page.text


def test_the_name_of_uploads_is_kept_for_them():
    with pytest.raises(ValidationError, match="uploaded in the console"):
        Sources.model_validate({"prices": {"console": {"kind": "own", "path": "x.csv"}}})


def test_uploads_are_no_source_to_be_fetched_from(desk):
    shared = find_source(settings().sources, f"console/{TUKIPOLKU}")
    with desk.county.process.transaction() as session, pytest.raises(InputError, match="uploaded in the console"):
        call_fetch(session, shared, "now")


def test_only_a_price_manager_brings_lists_and_others_read_them(desk):
    page = desk.bring(listed(PRICE.format("50,00")))
    number = number_of(page)
    for role in ("operator", "auditor"):
        browser = desk.browser(role)
        shown = browser.get(f"/prices/lists/{number}")
        assert shown.status == 200
        assert not shown.all("//main//form")
        assert browser.get("/prices").status == 200
        assert browser.get("/prices/upload").status == 403
        assert browser.post(f"/prices/lists/{number}/approve", {"note": "x"}).status == 403
    assert desk.browser("worker").get("/prices").status == 403
    assert desk.price() is None


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_pages_read_in_three_languages(desk, language):
    page = desk.bring(csv(PRICE.format("50,00")))
    for path in ("/prices", "/prices/upload", "/prices/upload/1", "/prices/columns", "/prices/mail"):
        page = desk.manager.get(f"{path}?lang={language}")
        assert page.status == 200
        assert page.all("//html/@lang") == [language]


def _csrf(desk) -> str:
    return desk.manager.get("/prices/upload").form("/prices/upload")["csrf"]


def _kept(desk) -> list[bool]:
    return [
        row.kept for row in desk.county.process.rows("SELECT content IS NOT NULL AS kept FROM price_upload ORDER BY id")
    ]
