"""Letters' bytes, read by the standard library as a mail program would: what was put in comes out."""

import email
from email.policy import default

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import mime

LINES = st.lists(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=200), max_size=8)


@settings(max_examples=60)
@given(lines=LINES)
def test_text_comes_out_as_it_went_in(lines):
    text = "\n".join(lines)
    raw = mime.message([("Subject", "x")], mime.part(text, "plain"))
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert b"\n" not in raw.replace(b"\r\n", b"")
    read = email.message_from_bytes(raw, policy=default).get_content()
    assert read.replace("\r\n", "\n").rstrip("\n") == text.rstrip("\n")


@settings(max_examples=60)
@given(subject=st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), max_size=120))
def test_a_subject_comes_out_as_it_went_in(subject):
    raw = mime.message([("Subject", mime.unstructured(subject))], mime.part("x", "plain"))
    assert raw.isascii()
    assert email.message_from_bytes(raw, policy=default)["Subject"] == subject


@settings(max_examples=60)
@given(content=st.binary(max_size=400), name=st.sampled_from(["T-2026-000001.pdf", "tilaus äö.pdf", 'a"b.pdf']))
def test_files_come_out_as_they_went_in(content, name):
    both = mime.together("alternative", [mime.part("a", "plain"), mime.part("<p>a</p>", "html")], "<seed@x>")
    raw = mime.message([], mime.together("mixed", [both, mime.file_part(name, "application/pdf", content)], "<seed@x>"))
    read = email.message_from_bytes(raw, policy=default)
    (attached,) = read.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == (name, content)
    assert read.get_content_type() == "multipart/mixed"
    rich = read.get_body(("html",))
    assert rich is not None
    assert rich.get_content().strip() == "<p>a</p>"
    assert not read.defects
