"""Papers are accessible, the same twice, and take any text as text."""

import os
import shutil
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import Permanent
from core.i18n import translate
from documents.pdf import page_count, render, rendering
from documents.pdf import printable as letters
from documents.pdf.fonts import FAMILIES, fonts
from documents.pdf.printable import ALL_KNOWN_UP_TO, LONGEST, MISSING, _has_glyph, printable, printable_text
from tests.support.pdf import alternatives, opened, root, tags_of, title, words

CREATED = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TEMPLATE = """
#import "base.typ": *
#show: paper
= #data.title
#paragraphs(data.texts)
== #data.heading
#figures(("Palvelu", "Euroa"), data.rows, right: (1,))
#stacked-bar(data.parts, data.alt)
#note(bullets(data.texts))
"""
PATTERNS = ("solid", "crossed", "slanted", "dotted", "empty")
DATA = {
    "reference": "HB-2026-000001",
    "heading": "Palvelut",
    "texts": ["Hei.", "Tämä on sinun budjettisi."],
    "rows": [["ADHD-valmennus", "1\u00a0056,00\u00a0€"]],
    "alt": "Laskutettu 100 euroa.",
    "parts": [
        {"share": 0.2, "pattern": name, "colour": "#0b4f6c", "label": name, "figure": "1 €"} for name in PATTERNS
    ],
}


@pytest.fixture(autouse=True)
def templates(tmp_path, monkeypatch):
    """The real base, and a template that uses all of it."""
    folder = tmp_path / "templates"
    shutil.copytree(rendering.TEMPLATES, folder)
    (folder / "tried.typ").write_text(TEMPLATE, "utf-8")
    monkeypatch.setattr(rendering, "TEMPLATES", folder)
    return folder


def made(language="fi", title="Henkilökohtainen budjettisi", **changed) -> bytes:
    return render("tried", {**DATA, **changed}, language=language, title=title, created=CREATED)


def test_a_paper_says_that_it_is_accessible_and_is_tagged():
    document = made()
    catalogue = root(document)
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/ViewerPreferences"]["/DisplayDocTitle"]
    assert title(document) == "Henkilökohtainen budjettisi"
    assert b"<pdfuaid:part>1</pdfuaid:part>" in catalogue["/Metadata"].get_data()
    names = [tag["/S"] for tag in tags_of(document)]
    assert {"/H1", "/H2", "/P", "/Table", "/TH", "/TD", "/Figure", "/L", "/LI"} <= set(names)
    assert alternatives(document) == [DATA["alt"]]


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_a_paper_knows_its_language_and_numbers_its_pages_in_it(language):
    document = made(language)
    assert root(document)["/Lang"] == language
    assert translate("Page {page} of {pages}", language).format(page=1, pages=1) in words(document)
    assert "HB-2026-000001" in words(document)
    assert page_count(document) == len(opened(document).pages) == 1
    assert page_count(b"%PDF") == 0


def test_the_same_is_the_same_to_the_byte_and_another_moment_is_not():
    assert made() == made()
    later = render("tried", DATA, language="fi", title="Henkilökohtainen budjettisi", created=CREATED.replace(hour=10))
    assert later != made()


@pytest.mark.parametrize(
    "name",
    [
        '#read("/etc/passwd")',
        "*_$x$ `raw` <label> @ref",
        "= Otsikko",
        "// huomautus",
        '#{ panic("x") }',
        "\\u{41} &amp;",
    ],
)
def test_text_is_never_markup(name):
    document = made(title=name, heading=name, texts=[name], alt=name, rows=[[name, name]], reference=name)
    assert words(document).count(name) >= 6
    assert "root:" not in words(document)
    assert title(document) == name


def test_a_template_reads_nothing_but_templates(templates, tmp_path):
    (tmp_path / "secret.txt").write_text("salainen", "utf-8")
    for path in ("../secret.txt", str(tmp_path / "secret.txt"), "/etc/hostname"):
        (templates / "tried.typ").write_text(f'#import "base.typ": *\n#show: paper\n#read("{path}")', "utf-8")
        with pytest.raises(Permanent, match="PDF"):
            made()


def test_our_templates_evaluate_and_fetch_nothing():
    for path in rendering.TEMPLATES.glob("*.typ"):
        source = path.read_text("utf-8")
        assert not any(word in source for word in ("eval(", "read(", "@preview", "@local", "image(", "plugin(")), path


def test_data_that_a_template_cannot_use_is_said():
    with pytest.raises(Permanent, match="glitter"):
        made(parts=[{"share": 1, "pattern": "glitter", "colour": "#000000", "label": "", "figure": ""}])


def test_what_no_font_has_is_printed_as_a_box_and_never_stops_a_paper():
    name = "Ääkköset Ǩǩ Привет \x00\x07\x1b[2J\u202eabc\u2066 😀漢\ud800\ue000 e\u0301\u2028uusi\trivi"
    shown = printable_text(name)
    assert shown == f"Ääkköset Ǩǩ Привет [2Jabc {MISSING * 4} é uusi rivi"
    document = made(title=name, texts=[name], alt=name, heading=name, rows=[[name, name]], reference=name)
    assert f"abc {MISSING * 4} é uusi rivi" in words(document)


def test_long_texts_are_cut_and_long_words_break():
    assert len(printable_text("a b " * LONGEST)) <= LONGEST
    assert printable_text("x " * LONGEST).endswith("…")
    word = "elämänhallintavalmennus" * 8
    document = made(texts=[word], heading=word, rows=[[word, word]])
    assert "".join(words(document).split()).count(word) >= 3
    for page in opened(document).pages:
        right = float(page.mediabox.right)
        places: list[float] = []

        def note(_text: str, _user: Any, matrix: Any, _font: Any, _size: Any, into: list[float] = places) -> None:
            into.append(matrix[4])

        page.extract_text(visitor_text=note)
        assert max(places) < right


def test_what_is_no_text_stays_and_a_space_that_binds_stays():
    assert printable({"a": [1, 2.5, None, True, ("x  y",)]}) == {"a": [1, 2.5, None, True, ["x y"]]}
    assert printable_text("1\u00a0056,00\u00a0€") == "1\u00a0056,00\u00a0€"
    assert printable_text("") == ""


def test_the_fonts_have_every_letter_that_is_not_asked_for():
    assert [chr(code) for code in range(0xA1, ALL_KNOWN_UP_TO + 1) if not _has_glyph(chr(code))] == []
    assert _has_glyph(MISSING)
    assert _has_glyph("\u200b")
    assert _has_glyph("…")


def test_a_long_name_of_ideographs_is_not_asked_for_letter_by_letter(monkeypatch):
    monkeypatch.setattr("documents.pdf.printable.typst.Compiler", None)
    _has_glyph.cache_clear()
    assert set(printable_text("".join(map(chr, range(0x4E00, 0x5500))))) == {MISSING, "\u200b"}


@pytest.mark.parametrize("part", letters.NONE_KNOWN)
def test_the_fonts_have_no_letter_of_those_never_asked_for(monkeypatch, part):
    monkeypatch.setattr(letters, "NONE_KNOWN", ())
    _has_glyph.cache_clear()
    asked = [chr(one) for one in (*part[:: len(part) // 12], part[-1]) if unicodedata.category(chr(one)) != "Cn"]
    assert [one for one in asked if _has_glyph(one)] == []


def test_templates_name_the_fonts_that_are_inside_typst():
    assert set(FAMILIES) <= set(fonts().families())
    assert f'font: ("{FAMILIES[0]}", "{FAMILIES[1]}")' in (rendering.TEMPLATES / "base.typ").read_text("utf-8")


def test_a_fork_after_printing_is_refused_instead_of_waiting_for_ever(monkeypatch):
    fonts()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(RuntimeError, match="forked"):
        fonts()
