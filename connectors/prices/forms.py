"""Which form a price list has: its content says, not its name. And the sentence for what is no price list at all."""

import codecs
import re
from typing import Final, Literal

from core.errors import RefusedInput
from documents.delimited import WORKBOOKS

Form = Literal["table", "json", "ubl_catalogue"]

#: So much is looked at.
_BEGINNING: Final = 16 * 1024
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: UTF-16 without a mark, as far as XML and JSON go: they begin with these.
_UNMARKED: Final = ((b"<\x00", "utf-16-le"), (b"\x00<", "utf-16-be"), (b"{\x00", "utf-16-le"), (b"\x00{", "utf-16-be"))
_HTML: Final = re.compile(r"<!doctype\s+html|<(?:html|head|body|script|title|meta|table)[\s>/]", re.IGNORECASE)
_ROOT: Final = re.compile(r"<(?![?!])(?:[\w.\-]+:)?(?P<name>[\w.\-]+)")
_COMMENT: Final = re.compile(r"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_JSON: Final = re.compile(r"\{|\[\s*[\[{\]\"]")
#: First bytes of what providers send instead of a table → what it is.
_OTHERS: Final = ((b"%PDF", "PDF"), (b"{\\rtf", "RTF"), (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"))


def form_of(content: bytes) -> Form:
    """The form of a file's content. Raises RefusedInput for a web page, for other XML, and for pictures of a list."""
    if content.startswith(WORKBOOKS):
        return "table"
    for beginning, name in _OTHERS:
        if content.startswith(beginning):
            raise RefusedInput("The file is {kind}, from which no prices can be read. Ask for XLSX or CSV.", kind=name)
    text = _beginning(content).lstrip("\ufeff \t\r\n")
    if _JSON.match(text):
        return "json"
    return _markup(text) if text.startswith("<") else "table"


def _markup(text: str) -> Form:
    root = _ROOT.search(_COMMENT.sub("", text))
    name = root["name"] if root else ""
    if _HTML.match(text) or name.casefold() == "html":
        raise RefusedInput(
            "The server sent a web page instead of a price list: perhaps an error or a login. Open the address in a browser."
        )
    if name == "Catalogue":
        return "ubl_catalogue"
    raise RefusedInput(
        "The file is XML whose root element is {name}. A price list in XML is a Peppol catalogue (UBL Catalogue).",
        name=name or "–",
    )


def _beginning(content: bytes) -> str:
    start = content[:_BEGINNING]
    for mark, encoding in (*_MARKS, *_UNMARKED):
        if start.startswith(mark):
            return start.decode(encoding, "replace")
    return start.decode("latin-1")  # only ASCII is looked for
