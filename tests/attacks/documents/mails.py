"""E-mails: parts without number, headers that cost minutes, names and senders that are something else."""

from typing import Final

from tests.attacks.documents import Attack, Attacks

_HEAD: Final = b"From: a@b.invalid\r\nMIME-Version: 1.0\r\n"


def _alone(content: bytes, says: str | None = None) -> Attack:
    return Attack(lambda *_: content, says)


def _header(line: bytes) -> Attack:
    """A valid mail with one header more, before all others, and the same in an attachment."""

    def make(seed: bytes, _: str) -> bytes:
        return line + b"\r\n" + seed + b"\r\n" + line + b"\r\n"

    return Attack(make)


def _parts(count: int, part: bytes) -> bytes:
    return (
        _HEAD
        + b'Content-Type: multipart/mixed; boundary="=_x"\r\n\r\n'
        + (b"--=_x\r\n" + part + b"\r\n") * count
        + b"--=_x--\r\n"
    )


def _deep(depth: int) -> bytes:
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level) for level in range(depth)
    )
    return _HEAD + opened


_FILE: Final = b'Content-Disposition: attachment; filename="%s"\r\n\r\nPalvelukoodi;Hinta\r\nX;1,00\r\n'

MAILS: Final[Attacks] = {
    "parts in parts": _alone(_deep(40), "parts within parts"),
    "mails in mails": _alone(_HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 30, "parts within parts|not an e-mail"),
    "mails in mails without end": _alone(_HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 5_000, "parts within parts|not an e-mail"),
    "boundaries without number": _alone(_HEAD + b'X: boundary="x"\r\n' * 1_000 + b"\r\n", "parts within parts"),
    "parts without number": _alone(_parts(5_000, b"\r\nx"), "more than 200 parts"),
    "files without number": _alone(_parts(50, _FILE % b"a.csv"), "more than 20 attachments"),
    "parameters without number": _header(b'Content-Type: multipart/mixed; a="' + b";" * 500_000),
    "parameters of a file without number": _alone(_parts(10, b'Content-Disposition: attachment; a="' + b";" * 50_000 + b"\r\n\r\nx")),
    "pieces of a name without number": _alone(
        _parts(1, b"Content-Disposition: attachment" + b"".join(b";\r\n filename*%d*=a" % number for number in range(20_000)) + b"\r\n\r\nx")
    ),
    "encoded words without number": _alone(_parts(1, _FILE % (b"=?utf-8?q?a?=" * 50_000))),
    "comments in comments": _header(b"From: " + b"(" * 300_000),
    "addresses without number": _header(b"From: " + b"a@b.invalid, " * 30_000),
    "quotation marks": _header(b"From: " + b'"\\' * 100_000),
    "a header without end": _header(b"Subject: " + b"x" * 3_000_000),
    "headers without number": _alone(b"X: y\r\n" * 100_000 + b"\r\n"),
    "continued without end": _alone(b"From: a@b.invalid\r\nX: y\r\n" + b" z\r\n" * 200_000 + b"\r\n"),
    "a year beyond calendars": _header(b"Date: Mon, 01 Jan 99999999999999999999 00:00:00 +9999"),
    "an unknown character set": _alone(_parts(1, b'Content-Type: text/csv; charset="x-nix"; name="a.csv"\r\nContent-Transfer-Encoding: base64\r\n\r\n====')),
    "lies in uuencode": _alone(_parts(1, b"Content-Transfer-Encoding: uuencode\r\n" + _FILE % b"a.csv" + b"begin 644 /etc/passwd\r\nM" + b"A" * 100)),
    "lies in base64": _alone(_parts(1, b"Content-Transfer-Encoding: base64\r\n" + _FILE % b"a.csv" + b"=" * 100_000)),
    "too many bytes": _alone(b"From: a@b.invalid\r\n\r\n" + b"x" * (49 * 1024 * 1024), "larger than"),
    "no mail at all": _alone(bytes(100_000), "not an e-mail"),
    "nothing": _alone(b"", "not an e-mail"),
}  # fmt: skip

#: Reports are many in a file, and one that cannot be understood is passed over: nothing of these is refused.
REPORTS: Final[Attacks] = {
    **{name: Attack(attack.make) for name, attack in MAILS.items()},
    "an mbox of nothings": _alone(b"From x\r\n" * 50_000),
    "recipients without number": Attack(
        lambda seed, _: seed.replace(
            b"Final-Recipient",
            b"Final-Recipient: rfc822; a@b.invalid\r\nStatus: 5.1.1\r\n\r\n" * 5_000 + b"Final-Recipient",
            1,
        )
    ),
}
