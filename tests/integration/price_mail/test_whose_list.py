"""Whose a mailed list is: by its sender, by what the file says, or by a person's word; what nobody can place waits."""

import io
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from openpyxl import Workbook

from core.errors import InputError, NotFound
from tests.support.price_mail import HOUR, KAVERIPAJA, TUKIPOLKU, County, csv, from_december, mail


def test_two_providers_lists_and_a_broken_mail_in_one_folder(county: County):
    county.put("1.eml", mail(TUKIPOLKU, ("hinnasto.csv", csv(HOUR.format("49,00")))))
    county.put("2.eml", mail(KAVERIPAJA, ("priser.csv", csv(HOUR.format("52,00")))))
    county.put("3.eml", b"\x00\x01")
    county.put("note.txt", b"no mail")
    assert county.read() == [
        ("fetch_prices", "succeeded"),
        ("read_price_mail", "partly"),
        ("import_prices", "succeeded"),
        ("import_prices", "succeeded"),
    ]
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "49.0000", "9999998-4 TUKIHENKILO": "52.0000"}
    assert county.mails("--all") == {"1.eml": "taken", "2.eml": "taken", "3.eml": "waiting"}
    assert county.spooled() == []
    assert {one["source"] for one in county.avain("price", "list")} == {"posti/9999998-4", "posti/9999997-6"}
    assert county.read() == [("fetch_prices", "succeeded"), ("read_price_mail", "partly")], "only what waits"


def test_the_provider_is_known_by_what_the_file_says(county: County):
    county.put(
        "1.eml",
        mail("assistentti@muualla.invalid", ("a.csv", csv(HOUR.format("49,00"), above="Tukipolku Oy;9999997-6\n"))),
    )
    own = csv(HOUR.format("52,00"), above="Asiakas;9999999-2;FI99999984\n")
    county.put("2.eml", mail(None, ("b.csv", own)))
    county.read()
    assert county.mails("--all") == {"1.eml": "taken", "2.eml": "taken"}
    assert {one["source"] for one in county.avain("price", "held")} == {"posti/9999997-6", "posti/9999998-4"}


def theirs(price: str, *, sender: str, sent: str = "Mon, 16 Nov 2026 09:00:00 +0200") -> bytes:
    """A list that names Tukipolku, with a price that may count by itself."""
    return mail(sender, (f"{price}.csv", csv(HOUR.format(price), above="Y-tunnus 9999997-6\n")), sent=sent)


def test_a_list_that_anybody_may_have_sent_waits_for_the_price_manager(county: County):
    county.configure(rest='[prices]\nmanager_email = "hinnat@avain-esimerkki.invalid"')
    county.put("1.eml", theirs("49,00", sender="huijari@muualla.invalid"))
    assert county.read()[-1] == ("import_prices", "held")
    assert county.amounts() == {}
    (held,) = county.avain("price", "held")
    (letter,) = county.process.rows("SELECT document FROM letter")
    assert "huijari" not in letter.document
    county.avain("price", "approve", str(held["id"]), "--note", "soitettu heille")
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "49.0000"}
    county.put("2.eml", theirs("49,00", sender="muu@muualla.invalid", sent="Tue, 17 Nov 2026 09:00:00 +0200"))
    assert county.read()[-1] == ("import_prices", "nothing_to_do"), "what changes nothing needs nobody"


def test_a_sender_within_a_forwarded_mail_proves_nothing(county: County):
    outer = EmailMessage(policy=SMTP)
    outer["From"], outer["Date"] = "huijari@muualla.invalid", "Mon, 16 Nov 2026 09:00:00 +0200"
    outer.set_content("Välitetty")
    outer.add_attachment(message_from_bytes(mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00")))), policy=SMTP))
    county.put("1.eml", outer.as_bytes())
    assert county.read()[-1] == ("import_prices", "held")


def test_a_person_who_says_whose_it_is_is_believed(county: County):
    both = [(f"{name}.csv", csv(HOUR.format(price), above="9999997-6\n")) for name, price in (("a", 49), ("b", 50))]
    county.put("1.eml", mail("joku@muualla.invalid", *both))
    county.read()
    county.avain("price", "mail", "assign", "1.eml", "9999997-6", "--attachment", "b.csv", "--note", "soitettu")
    assert county.work()[-1] == ("import_prices", "succeeded")


@pytest.mark.parametrize("own_first", [True, False])
def test_a_strangers_mail_takes_no_place_of_the_providers_own(county: County, own_first: bool):
    """Neither of one that came with it nor of one that waits; once that is decided, the stranger's is looked at."""
    sent = ["Mon, 16 Nov 2026 09:00:00 +0200", "Mon, 16 Nov 2026 10:00:00 +0200"]
    own, strange = sent if own_first else reversed(sent)
    county.put("own.eml", theirs("49,00", sender=TUKIPOLKU, sent=own))
    county.put("strange.eml", theirs("48,00", sender="huijari@muualla.invalid", sent=strange))
    county.read()
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "49.0000"}
    if not own_first:
        assert county.mails("--all") == {"own.eml": "taken", "strange.eml": "overtaken"}
        return
    assert county.mails("--all") == {"own.eml": "taken", "strange.eml": "waiting"}
    county.put("dear.eml", from_december("60,00"))
    assert ("import_prices", "held") in county.read()
    county.put("late.eml", theirs("47,00", sender="huijari@muualla.invalid", sent="Wed, 18 Nov 2026 09:00:00 +0200"))
    county.read()
    assert county.mails()["late.eml"] == "waiting"
    (held,) = county.avain("price", "held")
    county.avain("price", "discard", str(held["id"]), "--note", "ei sovittu")
    assert county.read()[-1] == ("import_prices", "held")
    assert "late.eml" not in county.mails()


def test_a_sender_and_a_file_that_disagree_wait_and_a_person_says(county: County):
    county.put("1.eml", mail(KAVERIPAJA, ("a.csv", csv(HOUR.format("49,00"), above="9999997-6\n"))))
    assert county.read()[-1] == ("read_price_mail", "partly")
    (waits,) = county.avain("price", "mail", "list")
    assert "Tukipolku" in waits["reason"]
    assert "Kaveripaja" in waits["reason"]
    with pytest.raises(NotFound):
        county.avain("price", "mail", "assign", "1.eml", "1234567-1")
    county.avain("price", "mail", "assign", "1.eml", "9999997-6", "--note", "soitettu", "--as", "testi")
    assert county.work()[-1] == ("import_prices", "succeeded")
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "49.0000"}
    assert county.mails() == {}
    (event,) = county.process.rows("SELECT actor, details FROM audit_event WHERE action = 'price_mail.assigned'")
    assert (event.actor, event.details["provider"]) == ("cli:testi", "9999997-6")


def test_unknown_ones_wait_and_can_be_discarded(county: County):
    county.put("1.eml", mail("joku@muualla.invalid", ("a.csv", csv(HOUR.format("49,00")))))
    county.put("2.eml", mail("joku@muualla.invalid", ("esite.pdf", b"%PDF-1.7")))
    county.put("3.eml", mail("joku@muualla.invalid"))
    county.put("4.eml", mail(TUKIPOLKU, ("a.csv", csv(HOUR.format("49,00"), above="Oma Y-tunnus 1234567-1\n"))))
    county.read()
    assert county.mails() == {f"{n}.eml": "waiting" for n in (1, 2, 3)}
    assert county.amounts() == {"9999997-6 TUKIHENKILO": "49.0000"}, "a number that is no provider's says nothing"
    with pytest.raises(InputError, match="note"):
        county.avain("price", "mail", "discard", "2.eml", "--note", " ")
    with pytest.raises(InputError, match="no file"):
        county.avain("price", "mail", "assign", "2.eml", "9999997-6")
    for number in ("1.eml", "2.eml", "3.eml"):
        county.avain("price", "mail", "discard", number, "--note", "mainos")
    county.read()
    assert county.mails() == {}
    assert county.read() == [("fetch_prices", "nothing_to_do")]
    with pytest.raises(InputError, match="discarded"):
        county.avain("price", "mail", "assign", "1.eml", "9999997-6")


def test_a_file_of_an_unknown_company_is_not_its_senders(county: County):
    rows = "Palvelukoodi;Yksikkö;Hinta;Y-tunnus\nTUKIHENKILO;h;49,00;2345678-0\n".encode()
    county.put("1.eml", mail(TUKIPOLKU, ("a.csv", rows)))
    county.read()
    (waits,) = county.avain("price", "mail", "list")
    assert "2345678-0" in waits["reason"]


def test_a_provider_that_becomes_known_is_recognised_the_next_time(county: County):
    county.put("1.eml", mail("uusi@tukipolku.invalid", ("a.csv", csv(HOUR.format("49,00")))))
    county.read()
    assert county.mails() == {"1.eml": "waiting"}
    county.process.rows(
        "UPDATE provider SET email = 'Uusi@Tukipolku.invalid' WHERE business_id = '9999997-6' RETURNING id"
    )
    county.read()
    assert county.mails("--all") == {"1.eml": "taken"}


def workbook(*rows: tuple[Any, ...]) -> bytes:
    book, content = Workbook(), io.BytesIO()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(content)
    return content.getvalue()


def test_a_workbooks_letterhead_says_whose_it_is(county: County):
    head = (("Tukipolku Oy (keksitty)", "VAT FI99999976"), ("Palvelukoodi", "Yksikkö", "Hinta"))
    county.put("1.eml", mail(None, ("a.xlsx", workbook(*head, ("TUKIHENKILO", "h", 49.0)))))
    county.read()
    assert [one["source"] for one in county.avain("price", "held")] == ["posti/9999997-6"]


def test_one_mail_may_bring_the_lists_of_several_providers(county: County):
    files = [(f"{one}.csv", csv(HOUR.format("50,00"), above=f"Y-tunnus {one}\n")) for one in ("9999997-6", "9999998-4")]
    county.put("1.eml", mail("assistentti@alue.invalid", *files))
    county.read()
    assert {one["source"] for one in county.avain("price", "held")} == {"posti/9999997-6", "posti/9999998-4"}
