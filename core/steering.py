"""Characters that are no text: what commands a terminal, turns the order of letters around, or cannot be kept at all.

Names and titles come from elsewhere and may hold anything. Where they are shown as lines (terminals, logs, pages, letters), somebody's name must not
write other lines, or turn around the price that stands behind it; PostgreSQL takes neither NUL nor half a character.
"""

from typing import Final

#: For `str.translate`: control characters but tab and line feed (C0, DEL, C1), marks that turn letters around (UAX 9), halves of characters.
STEERING: Final[dict[int, None]] = dict.fromkeys(
    (
        *range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
    )
)  # fmt: skip
_ESCAPED: Final = {code: f"\\u{code:04x}" for code in STEERING if code >= 0x7F}
_ESCAPED_LINE: Final = {
    **{code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in STEERING}, 0x0A: "\\n", 0x0D: "\\r",
}  # fmt: skip


def unsteered(text: str) -> str:
    """A text without them."""
    return text if text.isprintable() else text.translate(STEERING)  # nearly all are, and asking costs a fiftieth


def escaped_json(document: str) -> str:
    """A JSON document in which they are spelled out; those below 0x20 its writer has spelled already."""
    return document.translate(_ESCAPED)


def escaped_line(text: str) -> str:
    """A text on one line, with them spelled out as Python does: nothing is lost, and nothing begins a line of its own."""
    return text if text.isprintable() else text.translate(_ESCAPED_LINE)
