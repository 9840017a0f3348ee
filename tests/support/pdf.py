"""What a PDF says and how it is tagged, as a reader and a screen reader meet it."""

import io
import unicodedata
from typing import Any

import pypdf


def opened(document: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(document))


def words(document: bytes) -> str:
    """All its text in one line, without the places where a word may break."""
    said = " ".join(page.extract_text() for page in opened(document).pages).replace("\u200b", "")
    return " ".join(unicodedata.normalize("NFC", said).split())


def root(document: bytes) -> Any:
    """Its catalogue: language, tags, metadata."""
    return opened(document).trailer["/Root"]


def title(document: bytes) -> str | None:
    metadata = opened(document).metadata
    return metadata.title if metadata else None


def tags(node: Any, found: list[Any] | None = None) -> list[Any]:
    """Every element of the structure tree, outside first."""
    found = [] if found is None else found
    node = node.get_object()
    if isinstance(node, list):
        for one in node:
            tags(one, found)
    elif isinstance(node, dict):
        if "/S" in node:
            found.append(node)
        if "/K" in node:
            tags(node["/K"], found)
    return found


def tags_of(document: bytes, name: str = "") -> list[Any]:
    """The elements of one name (`/Figure`), or all."""
    return [tag for tag in tags(root(document)["/StructTreeRoot"]) if name in ("", tag["/S"])]


def alternatives(document: bytes) -> list[str]:
    """What is said instead of each picture."""
    return [str(tag["/Alt"]) for tag in tags_of(document, "/Figure")]
