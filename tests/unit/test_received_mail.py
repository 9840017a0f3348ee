"""Taking e-mails apart: what strangers write costs little and is not believed."""

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from core.errors import RefusedInput
from documents.received_mail import MailLimits, read_mail


def made(sender="Joku <Joku@Esimerkki.invalid>", *files, text="hei"):
    message = EmailMessage()
    if sender is not None:
        message["From"] = sender
    message["Date"] = "Mon, 16 Nov 2026 09:00:00 +0200"
    message.set_content(text)
    message.add_alternative("<table><tr><td>Hinta</table>", subtype="html")
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message


def test_attachments_are_taken_and_bodies_are_not():
    message = made(
        "Joku <Joku@Esimerkki.invalid>", ("Hinnasto 2027 – ä.XLSX", b"1"), ("esite.pdf", b"2"), ("../../b.csv", b"3")
    )
    message.add_attachment(b"logo", maintype="image", subtype="png", filename="logo.png")
    message.add_attachment(b"{}", maintype="application", subtype="json")
    mail = read_mail(message.as_bytes())
    assert [(one.name, one.content) for one in mail.tables] == [
        ("Hinnasto 2027 – ä.XLSX", b"1"),
        ("../../b.csv", b"3"),
        ("application.json", b"{}"),
    ]
    assert mail.others == ("esite.pdf",)
    assert mail.senders == ("joku@esimerkki.invalid",)
    assert mail.sent_at == datetime(2026, 11, 16, 7, tzinfo=UTC)


def test_a_forwarded_mail_is_looked_into():
    outer = EmailMessage()
    outer["From"] = "assistentti@alue.invalid"
    outer.set_content("FYI")
    outer.add_attachment(made("a@tuottaja.invalid", ("h.csv", b"x")))
    mail = read_mail(outer.as_bytes())
    assert mail.senders == ("assistentti@alue.invalid", "a@tuottaja.invalid")
    assert [one.name for one in mail.tables] == ["h.csv"]


@pytest.mark.parametrize(
    "sender",
    [
        "From: a@x.invalid, b@y.invalid",
        "From: a@x.invalid\r\nFrom: b@y.invalid",
        "From: undisclosed:;",
        "From: =?utf-8?b?broken",
        "From: a b@x.invalid@y.invalid",
        "X: y",
        "From: a\x1b[2J@x.invalid",
        "From: ä@x.invalid",
    ],
)
def test_a_sender_that_is_not_one_address_says_nothing(sender):
    assert read_mail(f"{sender}\r\nDate: nonsense\r\n\r\nhei".encode()).senders == ()


def test_names_are_read_as_programs_write_them():
    raw = (
        b'From: a@x.invalid\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b'--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename="=?iso-8859-1?Q?hinn=E4t.csv?="\r\n\r\na;b\r\n'
        b"--b\r\nContent-Disposition: attachment; filename*=utf-8''hinn%C3%A4t%202.csv\r\n\r\nc;d\r\n"
        b'--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename="=?x-none?B?!!?="\r\n\r\ne;f\r\n--b--\r\n'
    )
    assert [one.name for one in read_mail(raw).tables] == ["hinnät.csv", "hinnät 2.csv", "text.csv"]


def nested(depth):
    head = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(depth))
    return f"From: a@x.invalid\r\n{head}\r\nx".encode()


@pytest.mark.parametrize(
    ("content", "limits", "reason"),
    [
        (b"", MailLimits(), "not an e-mail"),
        (b"\x00\x01\x02", MailLimits(), "not an e-mail"),
        (b"no header at all\n", MailLimits(), "not an e-mail"),
        (made().as_bytes(), MailLimits(size=100), "larger than"),
        (made("a@x.invalid", ("a.csv", b"x" * 100)).as_bytes(), MailLimits(attachment=99), "99 bytes|at most 99"),
        (
            made("a@x.invalid", *[(f"{n}.csv", b"x") for n in range(4)]).as_bytes(),
            MailLimits(attachments=3),
            "more than 3",
        ),
        (
            made("a@x.invalid", *[(f"{n}.csv", b"x") for n in range(4)]).as_bytes(),
            MailLimits(parts=5),
            "more than 5 parts",
        ),
        (nested(12), MailLimits(), "deeper"),
        (nested(5000), MailLimits(), "deeper"),
    ],
)
def test_what_is_no_mail_or_too_much_is_refused(content, limits, reason):
    with pytest.raises(RefusedInput, match=reason):
        read_mail(content, limits=limits)


def test_mails_within_mails_end_somewhere():
    message = made("a@x.invalid", ("a.csv", b"x"))
    for _ in range(12):
        outer = EmailMessage()
        outer["From"] = "b@y.invalid"
        outer.add_attachment(message)
        message = outer
    with pytest.raises(RefusedInput, match="deeper"):
        read_mail(message.as_bytes())


def test_a_broken_encoding_is_what_it_is():
    raw = b"From: a@x.invalid\r\nContent-Type: text/csv; charset=x\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\n!!!"
    assert [one.name for one in read_mail(raw).tables] == ["a.csv"]


def test_names_are_as_long_as_people_can_read():
    mail = read_mail(made("a@b.invalid", ("x" * 5_000 + ".csv", b"1"), ("y" * 5_000 + ".pdf", b"2")).as_bytes())
    (table,), (other,) = mail.tables, mail.others
    assert (len(table.name), table.name[-4:], len(other)) == (200, ".csv", 200)


def test_only_the_mails_own_sender_is_its_sender():
    outer = made("joku@muualla.invalid")
    outer.add_attachment(made("toimisto@tuottaja.invalid"))
    mail = read_mail(outer.as_bytes())
    assert (mail.sender, mail.senders) == (
        "joku@muualla.invalid",
        ("joku@muualla.invalid", "toimisto@tuottaja.invalid"),
    )
    unsigned = made(None)
    unsigned.add_attachment(made("toimisto@tuottaja.invalid"))
    assert read_mail(unsigned.as_bytes()).sender is None
