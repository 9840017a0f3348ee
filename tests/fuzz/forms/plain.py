"""Bytes whatever they mean, and the words that readers stumble over: numbers, days and letters that look like what is expected."""

from random import Random
from typing import Final

#: Values as people, programs and attackers write them.
WORDS: Final = (
    "", " ", "0", "-0", "-1", "1", "12,5", "1.234", "1 234,50 €", "1.234.567,89", "00012", "+7", "1e5", "1E+999999999", "0E-999999999", "1e-400",
    "9" * 30, "9" * 400, "9" * 5000, "0." + "0" * 300 + "1", "9" * 40 + " h", "0," + "1" * 50, "NaN", "Infinity", "-inf", "0x10", "1_000", "½", "²", "٣", "१२", "１２", "Ⅷ", "45 min",
    "2026-11-16", "16.11.2026", "0000-00-00", "0001-01-01", "2026-02-30", "9999-12-31", "10000-01-01", "31.12.9999", "1.1.0001", "-2026-01-01",
    "2026-W47-1", "20261116", "2026-11-16T25:61:61", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-11-16T00:00:00Z", "46000", "2958466",
    "true", "false", "null", "None", "K", "E", "EUR", "SEK", "C62", "HUR", "h", "S", "AE",
    "=1+1", "@SUM(A1)", "+cmd|' /C calc'!A1", "-2+3", "\t=1", "{", "}", "{0}", "{msgid.__class__}", "%s", "%(x)d", "$" + "{jndi:ldap://127.0.0.1/x}", "<b>", "]]>", "&amp;", "&#0;", "&x;",
    "../../etc/passwd", "C:\\x", "file:///etc/passwd", "http://127.0.0.1/", "//x", "a\\b", "'", '"', '""', "';--", "\\", "\\N", "\\x00",
    "ÅÄÖ åäö", "İ", "ß", "ﬀ", "e\u0301", "😀", "\U0010ffff", "\u202e321", "\u200b", "\ufeff", "\u2028", "\x85", "\x0b", "\x0c", "\x1b[31m", "\x7f", "\u00a0", "\r", "\n", "\r\n", "\t",
    "131052-9074", "010199+900X", "1234567-1", "9999999-2", "0037" + "9" * 40, "T-2026-000123", "HB-2026-000001", "a@b.invalid", "a" * 64, "a" * 65, "x" * 1001, "ä" * 40_000,
)  # fmt: skip
#: What no text holds, for forms that can carry it.
UNTEXT: Final = ("\x00", "\x01", "\x1f", "\ud800", "\udfff\ud800", "\ufffe", "a\x00b")
_BYTES: Final = (
    b"\x00", b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\x80", b"\xc3", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\r", b"\n", b'"', b"'", b";", b"<", b">", b"&", b"{", b"[",
    b"<!DOCTYPE x>", b"<!--", b"-->", b"<![CDATA[", b"<?xml version='1.0' encoding='utf-7'?>", b"PK\x03\x04", b"\x1f\x8b", b"\x00" * 64, b"A" * 70_000,
)  # fmt: skip


def word(dice: Random) -> str:
    """A value."""
    return dice.choice(WORDS)


def changed(dice: Random, content: bytes) -> bytes:
    """The bytes with one piece of them gone, doubled, moved, inserted or turned over, or cut at the end."""
    data = bytearray(content)
    at = dice.randint(0, len(data))
    length = min(1 << dice.randint(0, 10), len(data) - at)
    match dice.randint(0, 6):
        case 0 if data:
            data[at % len(data)] ^= 1 << dice.randint(0, 7)
        case 1:
            del data[at : at + length]
        case 2:
            data[at:at] = data[at : at + length] * dice.choice((1, 2, 50))
        case 3:
            piece = data[at : at + length]
            del data[at : at + length]
            to = dice.randint(0, len(data))
            data[to:to] = piece
        case 4:
            data[at:at] = dice.choice(_BYTES)
        case 5:
            data[at : at + length] = dice.choice(WORDS).encode()
        case _:
            del data[at:]
    return bytes(data)


def garbage(dice: Random) -> bytes:
    """Bytes that begin as nothing in particular."""
    return b"".join(dice.choice(_BYTES + tuple(one.encode() for one in WORDS[:40])) for _ in range(dice.randint(0, 8)))
