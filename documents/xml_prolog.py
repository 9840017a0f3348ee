"""What stands before the root element of an XML document: its encoding, settled from a short list, and no DOCTYPE.

The XML door (documents/xml.py) tells libxml2 the encoding that is settled here, so that the prolog that was judged is the one libxml2 reads.
"""

import re
from typing import Final

from core.errors import RefusedInput

#: The root element must begin within so many bytes.
PROLOG: Final = 64 * 1024
#: Encodings that are read, and the name libxml2 is told. All but UTF-16 spell ASCII as ASCII, so the prolog has one reading.
_ENCODINGS: Final = {
    "utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "utf-8", "ascii": "utf-8",
    "iso-8859-1": "iso-8859-1", "latin1": "iso-8859-1", "iso-8859-15": "iso-8859-15",
    "windows-1252": "windows-1252", "cp1252": "windows-1252",
}  # fmt: skip
_MARK: Final = b"\xef\xbb\xbf"
_UTF16: Final = {b"\xff\xfe": "utf-16le", b"\xfe\xff": "utf-16be"}
_DECLARED: Final = re.compile(r"""<\?xml[ \t\r\n][^>]*?encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z0-9._-]+)["']""")
_SPACE: Final = re.compile("[ \t\r\n]*")


def look_at_prolog(beginning: bytes) -> tuple[str, int]:
    """A document's encoding, and where its root element begins.

    Raises RefusedInput for what may not be in a prolog.
    """
    encoding = _settle_encoding(beginning)
    return encoding, _refuse_doctype(beginning, encoding)


def _settle_encoding(beginning: bytes) -> str:
    """The one encoding this document is read in; a byte order mark and a declaration must agree."""
    if beginning.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise RefusedInput(
            "The XML file is in UTF-32; only UTF-8, UTF-16, ISO-8859-1, ISO-8859-15 and Windows-1252 are read."
        )
    wide = _UTF16.get(beginning[:2])
    text = beginning[2:].decode(wide, "replace") if wide else beginning.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    declaration = _DECLARED.match(text)
    declared = declaration.group(1).lower() if declaration else None
    if wide:
        agrees = declared in (None, "utf-16", wide, wide.replace("16", "16-"))
        encoding = wide
    elif b"\0" in beginning[:4]:
        raise RefusedInput("The XML file looks like UTF-16 but does not start with a byte order mark.")
    else:
        encoding = _ENCODINGS.get(declared or "utf-8", "")
        agrees = (
            encoding == "utf-8" if beginning.startswith(b"\xef\xbb\xbf") else not (declared or "").startswith("utf-16")
        )
        if agrees and not encoding:
            raise RefusedInput(
                "The XML file declares the encoding {encoding}; only UTF-8, UTF-16, ISO-8859-1, ISO-8859-15 and Windows-1252 are read.",
                encoding=declared,
            )
    if not agrees:
        raise RefusedInput(
            "The XML file declares the encoding {encoding}, but its first bytes say otherwise.", encoding=declared
        )
    return encoding


def _refuse_doctype(beginning: bytes, encoding: str) -> int:
    """Read declaration, comments and instructions up to the root element, and say where that is (in an encoding of single bytes).

    What is malformed is left to libxml2 to describe.
    """
    text = (
        beginning.decode(encoding, "replace").removeprefix("\ufeff")
        if encoding.startswith("utf-16")
        else beginning.removeprefix(_MARK).decode("latin-1")
    )
    cut_off = len(beginning) == PROLOG
    position = 0
    while True:
        position = _SPACE.match(text, position).end()  # type: ignore[union-attr] # it also matches nothing
        if cut_off and len(text) - position < len("<!--"):
            ending, end = "", -1
        elif text.startswith("<?", position):
            ending, end = "?>", text.find("?>", position + 2)
        elif text.startswith("<!--", position):
            ending, end = "-->", text.find("-->", position + 4)
        elif text.startswith("<!", position):
            raise RefusedInput(
                "The XML file has a DOCTYPE (line {line}). Such files are refused, because they can make a reader load other files.",
                line=text.count("\n", 0, position) + 1,
            )
        else:
            return position + 3 * beginning.startswith(_MARK)
        if end < 0:
            if cut_off:
                raise RefusedInput("The XML file has no root element in its first {limit} bytes.", limit=PROLOG)
            return len(beginning)
        position = end + len(ending)
