"""Reports that a mail could not be delivered, as a mail server writes them (RFC 3464)."""

MESSAGE_ID = "<digest.2026-12-07.0123456789abcdef@avain-esimerkki.invalid>"
RECIPIENT = "w-101@avain-esimerkki.invalid"
_REPORT = """\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.invalid>
To: avain@avain-esimerkki.invalid
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_report"

--=_report
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.invalid (invented).

--=_report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.invalid
Arrival-Date: Mon, 7 Dec 2026 08:00:05 +0200 (EET)

Final-Recipient: rfc822; {recipient}
{original}Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: Recipient address rejected

--=_report
Content-Type: {kind}

From: avain@avain-esimerkki.invalid
To: {recipient}
Subject: Avain
Message-ID: {message_id}

{body}
--=_report--
"""


def report(
    *,
    message_id: str = MESSAGE_ID,
    recipient: str = RECIPIENT,
    original: str = "",
    action: str = "failed",
    status: str = "5.1.1",
    headers_only: bool = False,
) -> bytes:
    """A report on one mail to one recipient, with the mail or its headers."""
    return (
        _REPORT.format(
            message_id=message_id,
            recipient=recipient,
            original=f"Original-Recipient: rfc822;{original}\n" if original else "",
            action=action,
            status=status,
            kind="text/rfc822-headers" if headers_only else "message/rfc822",
            body="" if headers_only else "Muistutukset\n",
        )
        .replace("\n", "\r\n")
        .encode("ascii")
    )
