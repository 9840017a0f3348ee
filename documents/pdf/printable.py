"""Text as it can be printed: typst refuses a PDF/UA document for one character that no font of it can show.

Names and goals come from elsewhere and may hold anything. What commands a printer or turns the order of letters around is left out; what the
fonts lack is printed as □, so that a reader sees that something stands there; a text nobody would print is cut, a word nobody could break
may break.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import typst

from documents.pdf.fonts import FAMILIES, fonts

#: What stands for a character the fonts lack.
MISSING: Final = "□"
#: A single text is cut after so many characters.
LONGEST: Final = 2_000
#: Up to here (Latin, with the letters of every language of Finland) the fonts have every character; a test asks them all.
ALL_KNOWN_UP_TO: Final = 0x24F
#: Of these they have none (kana, ideographs, hangul): asking for each would cost a long name half a minute.
NONE_KNOWN: Final = (range(0x3040, 0xA000), range(0xAC00, 0xD7A4), range(0x20000, 0x40000))
#: A word longer than this may be broken anywhere after so many letters: no line could hold it.
_LONGEST_WORD: Final = 40
_LONG_WORDS: Final = re.compile(rf"\S{{{_LONGEST_WORD},}}")
_PARTS: Final = re.compile(r"(\S{10})(?=\S)")
_MAY_BREAK: Final = "\u200b"
_PROBE: Final = (
    '#set document(title: "-")\n#set text(font: (' + ", ".join(f'"{one}"' for one in FAMILIES) + "))\n#sys.inputs.text"
)


def printable(value: Any) -> Any:
    """The same data (texts, numbers, lists, mappings as JSON knows them) with every text as it can be printed."""
    if isinstance(value, str):
        return printable_text(value)
    if isinstance(value, Mapping):
        return {name: printable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [printable(one) for one in value]
    return value


def printable_text(text: str) -> str:
    """One text: no control or steering characters, white space single, what the fonts lack as □, at most `LONGEST` characters."""
    cut = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    shown = "".join(map(_shown, unicodedata.normalize("NFC", cut)))
    # only plain spaces are gathered: those that hold a figure and its unit together stay
    return _LONG_WORDS.sub(lambda word: _PARTS.sub(rf"\1{_MAY_BREAK}", word[0]), re.sub(" {2,}", " ", shown)).strip(" ")


def _shown(character: str) -> str:
    if " " <= character <= "~":
        return character
    category = unicodedata.category(character)
    if character in "\t\n\r\v\f\x85" or category in {"Zl", "Zp"}:
        return " "
    if category in {"Cc", "Cf"}:
        return ""
    return character if ord(character) <= ALL_KNOWN_UP_TO or _has_glyph(character) else MISSING


@lru_cache(maxsize=4096)
def _has_glyph(character: str) -> bool:
    """Whether typst can show it, which only typst knows: one small document for each unusual character a process meets."""
    if unicodedata.category(character) in {"Cs", "Co", "Cn"} or any(ord(character) in part for part in NONE_KNOWN):
        return False
    probe = typst.Compiler(
        input=_PROBE.encode(), font_paths=fonts(), ignore_system_fonts=True, sys_inputs={"text": character}
    )
    try:
        probe.compile(pdf_standards="ua-1", timestamp=0)
    except typst.TypstError:
        return False
    return True
