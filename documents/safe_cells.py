"""Texts that a spreadsheet program would take for formulas, made harmless where Avain writes tables, and read back as they were.

`=HYPERLINK(…)` as the name of a service is text to us. In a CSV file that a person opens, it would run (CWE-1236). An apostrophe before
it makes a text of it; a workbook has cells of a text's own kind, but a person may copy them into a file that has not.
"""

from typing import Final

#: What a formula begins with in one program or another; a tab or line break before it is dropped by some.
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_APOSTROPHE: Final = "'"


def neutral(text: str) -> str:
    """A text as it may be written into a table: never a formula. Numbers and dates are written as what they are, not as texts."""
    return _APOSTROPHE + text if text.startswith(FORMULA_SIGNS) else text


def restored(text: str) -> str:
    """A text as it was before `neutral`."""
    return text[1:] if text[:1] == _APOSTROPHE and text[1:].startswith(FORMULA_SIGNS) else text
