"""Reports of undelivered mails as servers write them, and as nobody should."""

from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from documents import delivery_report
from documents.delivery_report import read_reports
from tests.support.bounced import MESSAGE_ID, RECIPIENT, report


def read(content: bytes):
    return list(read_reports(content))


@pytest.mark.parametrize("headers_only", [False, True])
def test_a_report_says_which_mail_for_whom_and_why(headers_only):
    (found,) = read(report(headers_only=headers_only))
    assert found.message_id == MESSAGE_ID
    (one,) = found.recipients
    assert (one.addresses, one.action, one.status, one.for_good) == ({RECIPIENT}, "failed", "5.1.1", True)


def test_a_delay_and_a_passing_failure_are_not_for_good():
    each: tuple[dict[str, Any], ...] = (
        {"action": "delayed", "status": "4.4.1"},
        {"status": "4.4.7"},
        {"action": "relayed"},
        {"status": ""},
    )
    for over in each:
        assert [one.recipients[0].for_good for one in read(report(**over))] == [False]


def test_the_address_it_was_sent_to_counts_beside_the_one_it_was_forwarded_to():
    (found,) = read(report(recipient="Elsewhere@Other.invalid", original=RECIPIENT.upper()))
    assert found.recipients[0].addresses == {"elsewhere@other.invalid", RECIPIENT}


def test_an_mbox_holds_several():
    box = b"".join(
        b"From MAILER-DAEMON Mon Dec  7 08:00:00 2026\n" + one + b"\n" for one in (report(), b"x: y\n\nz", report())
    )
    assert [one is not None for one in read(box)] == [True, False, True]


def test_of_a_huge_mbox_so_many_are_read(monkeypatch):
    monkeypatch.setattr(delivery_report, "MOST_MAILS", 3)
    assert len(read(b"From a\nb: c\n\nd\n" * 9)) == 3


def plain() -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["Subject"] = "somebody@other.invalid", "Poissa"
    mail.set_content(f"Message-ID: {MESSAGE_ID}\nFinal-Recipient: rfc822; {RECIPIENT}\nAction: failed\nStatus: 5.1.1\n")
    return mail.as_bytes()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\xff" * 500,
        plain(),
        report().replace(b"message/delivery-status", b"text/plain"),
        report().replace(b"multipart/report", b"multipart/mixed"),
        report(message_id="<a b@c>"),
        report(message_id=""),
        report(recipient="nobody"),
        report()[:400],
        b"Content-Type: multipart/report; boundary=x\n\n" + b"--x\n" * 5000,
        b"Content-Type: multipart/report; boundary=a\n\n" * 40,
        report() + b"x" * (delivery_report._LARGEST + 1),
    ],
)
def test_what_is_no_report_is_none(content):
    assert read(content) == [None]
