"""Finds English that stayed in a Finnish or Swedish page, by the catalogue that should have translated it."""

import re
from collections.abc import Iterable
from functools import lru_cache

from babel.messages.pofile import read_po

from core.settings import ROOT

_BLANK = re.compile(r"\{[^}]*\}")
#: So many letters of a sentence with blanks must be its own, or anything would be it.
_TELLING = 12


@lru_cache(maxsize=2)
def _english(language: str) -> tuple[frozenset[str], re.Pattern[str]]:
    """Texts that read otherwise in `language`, and a pattern of the sentences with blanks that do."""
    with (ROOT / "locale" / language / "LC_MESSAGES" / "avain.po").open("rb") as file:
        catalogue = read_po(file)
    plain: set[str] = set()
    sentences: set[str] = set()
    for message in catalogue:
        ids = [message.id] if isinstance(message.id, str) else list(message.id or ())
        told = [message.string] if isinstance(message.string, str) else list(message.string or ())
        for one in ids:
            # what is written alike in both, if only for its case, tells nothing
            if not one or one in told:
                continue
            text = " ".join(one.split())
            own = _BLANK.sub("", text)
            if own == text:
                plain.add(text)
            elif sum(letter.isalpha() for letter in own) >= _TELLING:
                sentences.add(".+?".join(re.escape(part) for part in _BLANK.split(text)))
    return frozenset(plain), re.compile("|".join(sorted(sentences)) or "(?!)")


def english_in(texts: Iterable[str], language: str) -> list[str]:
    """Those of the page's texts that are English. For an English page: none."""
    if language == "en":
        return []
    plain, sentences = _english(language)
    return [text for text in dict.fromkeys(texts) if text in plain or sentences.fullmatch(text)]
