"""From data to the bytes of an accessible PDF. The same data, template and moment give the same bytes: their sha256 can be compared."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import typst

from core.errors import Permanent
from core.i18n import N_, translate
from documents.pdf.fonts import fonts
from documents.pdf.printable import printable

TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
#: Of how many; the template puts the numbers in, which only it knows.
_PAGE_OF: Final = N_("Page {page} of {pages}")
_PAGES: Final = re.compile(rb"<xmpTPg:NPages>([0-9]+)</xmpTPg:NPages>")


def render(template: str, data: Mapping[str, Any], *, language: str, title: str, created: datetime) -> bytes:
    """Set `data` by a template (`statement` for templates/statement.typ) and return a PDF/UA-1 document.

    `data` is what JSON can hold; its texts are printed as they are, never read as markup. `reference`, if there, stands in the footer of
    every page. `language` (fi, sv, en) is what a screen reader is told, `title` what a reader's window shows; `created` (aware) is the
    document's date. Raises Permanent when the template refuses its data.
    """
    source = TEMPLATES / f"{template}.typ"
    shared = {"language": language, "title": title, "page_of": translate(_PAGE_OF, language)}
    inputs = {"data": json.dumps(printable({**data, **shared}), ensure_ascii=False)}
    return _compiled(source, inputs, created)


def page_count(document: bytes) -> int:
    """How many pages a document of `render` has, as it says itself."""
    found = _PAGES.search(document)
    return int(found[1]) if found else 0


def _compiled(source: Path, inputs: dict[str, str], created: datetime) -> bytes:
    # the root is the folder of templates: they can read each other and nothing else
    compiler = typst.Compiler(
        input=source, root=TEMPLATES, font_paths=fonts(), ignore_system_fonts=True, sys_inputs=inputs
    )
    try:
        made = compiler.compile(format="pdf", pdf_standards="ua-1", timestamp=int(created.timestamp()))
    except typst.TypstError as error:
        raise Permanent("The PDF could not be made: {error}", error=error.message) from error
    if not isinstance(made, bytes):  # pages as separate files exist for pictures only
        raise TypeError(type(made).__name__)
    return made
