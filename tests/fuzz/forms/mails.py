"""E-mails: headers lost, doubled and rewritten, parts in parts, boundaries and encodings that do not fit."""

from random import Random
from typing import Final

from tests.fuzz.forms import Form, plain

_HEADERS: Final = (
    "From: a@b.invalid", "From: =?utf-8?B?w4Q=?= <a@b.invalid>", "From: =?x?y?z?=", "From: a@b.invalid, c@d.invalid", "From: <@>", "From: " + "(" * 2000, 'From: "' + "\\" * 999, "From: a:;b@c.invalid;",
    "Date: Mon, 99 Foo 0000 99:99:99 +9999", "Date: 1 Jan 9999 23:59:59 -2359", "Date: 1 Jan 1 00:00:00 +2359", "Date: Mon, 16 Nov 2026 09:00:00 -0000", "Date: x", "Date: " + "9" * 400,
    "Content-Type: text/csv; charset=x", "Content-Type: text/csv; charset=utf-7", "Content-Type: text/plain; charset=hex", "Content-Type: text/csv; name*=utf-8''%ff%00", "Content-Type: text/csv; name*0=a; name*2=b",
    "Content-Type: multipart/mixed", "Content-Type: multipart/mixed; boundary=", 'Content-Type: multipart/mixed; boundary="x"', "Content-Type: message/rfc822", "Content-Type: message/delivery-status",
    "Content-Type: multipart/report; report-type=delivery-status; boundary=x", "Content-Type: text/rfc822-headers", "Content-Type: ; ;;", "Content-Type: a/b/c",
    "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: quoted-printable", "Content-Transfer-Encoding: uuencode", "Content-Transfer-Encoding: x", "Content-Transfer-Encoding: 8bit",
    'Content-Disposition: attachment; filename="../../x.csv"', "Content-Disposition: attachment; filename*=x''%", 'Content-Disposition: attachment; filename="=?utf-8?Q?=FF=00.csv?="', 'Content-Disposition: attachment; filename="=?utf-8?B?A?="',
    "Content-Disposition: attachment; filename*=utf-16''%00a", 'Content-Disposition: attachment; filename="a\x00b.csv"', "Content-Disposition: attachment",
    "Message-ID: <a@b>", "Message-ID: <" + "a" * 400 + "@b>", "Final-Recipient: rfc822; a@b.invalid", "Final-Recipient: ;", "Status: 5.1.1", "Status: 9.9.9", "Action: failed", "Action: " + "x" * 100,
    " folded", "\tfolded", ":", "x", "X" * 5000 + ": 1", "Received: " + "x" * 70_000, "From ", "begin 644 x",
)  # fmt: skip
_ENDS: Final = (b"\r\n", b"\n", b"\r", b"\n\r")


def line_changed(dice: Random, content: bytes) -> bytes:
    """A line lost, doubled, moved, replaced by a header, or put in."""
    lines = content.split(b"\n")
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(lines))
        match dice.randint(0, 5):
            case 0 if len(lines) > 1:
                del lines[at]
            case 1:
                lines[at:at] = [lines[at]] * dice.choice((1, 3, 60))
            case 2:
                lines.insert(dice.randrange(len(lines)), lines.pop(at))
            case 3:
                lines[at] = _header(dice)
            case 4:
                lines[at] = lines[at][: dice.randint(0, len(lines[at]))] + plain.word(dice).encode()
            case _:
                lines.insert(at, _header(dice))
    return b"\n".join(lines)


def headers_changed(dice: Random, content: bytes) -> bytes:
    """A header of the mail or of a part, told in another way."""
    lines = content.split(b"\n")
    headers = [at for at, line in enumerate(lines) if b":" in line[:40] and not line[:1].isspace()]
    if not headers:
        raise ValueError
    at = dice.choice(headers)
    name = lines[at].partition(b":")[0].lower()
    like = [one for one in _HEADERS if one.lower().startswith(name.decode("latin-1") + ":")]
    lines[at] = dice.choice(like).encode() if like else lines[at].partition(b":")[0] + b": " + plain.word(dice).encode()
    return b"\n".join(lines)


def wrapped(dice: Random, content: bytes) -> bytes:
    """Forwarded within another mail, several times over."""
    for number in range(dice.choice((1, 2, 9, 40))):
        content = (
            b"From: a@b.invalid\nContent-Type: multipart/mixed; boundary=b%d\n\n--b%d\nContent-Type: message/rfc822\n\n%b\n--b%d--\n"
            % (number, number, content, number)
        )
    return content


def ends_changed(dice: Random, content: bytes) -> bytes:
    """Lines that end in another way."""
    return content.replace(b"\r\n", b"\n").replace(b"\n", dice.choice(_ENDS))


def composed(dice: Random) -> bytes:
    """Headers and lines, in this order or another."""
    lines = [_header(dice) for _ in range(dice.randint(0, 12))]
    lines += [
        dice.choice((b"", b"--x", b"--x--", b"MTIz", b"=3D=", b".", _header(dice))) for _ in range(dice.randint(0, 12))
    ]
    return b"\n".join(lines)


def _header(dice: Random) -> bytes:
    return dice.choice(_HEADERS).encode("utf-8", "surrogatepass")


MAIL: Final = Form((line_changed, headers_changed, wrapped, ends_changed), composed)
