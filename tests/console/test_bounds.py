"""How much may be sent: by what a browser says of it, and by what it sends."""

from typing import Annotated

import pytest
from fastapi import File, Request, UploadFile

from tests.support.browsing import ORIGIN, Browser


@pytest.fixture
def browser(app, sign_in):
    """Somebody at a console with two ways to take in a body: a form, and as it comes."""

    async def form(file: Annotated[UploadFile, File()]) -> int:
        return len(await file.read())

    async def raw(request: Request) -> int:
        return len(await request.body())

    app.add_api_route("/form", form, methods=["POST"])
    app.add_api_route("/raw", raw, methods=["POST"])
    return sign_in("operator")


@pytest.fixture
def most(app):
    return app.state.console.settings.console.max_upload_mb * 1024 * 1024


def pieces(size: int):
    """A body of which nobody says how long it is."""
    for _ in range(size // 65536):
        yield b"x" * 65536


def test_a_body_within_the_bounds_comes_through(browser, most):
    assert browser.client.post("/form", files={"file": ("a.csv", b"x" * most)}).text == str(most)
    assert browser.client.post("/raw", content=pieces(most)).text == str(most)


def test_what_says_it_is_too_long_is_not_read(browser, most):
    answer = browser.client.post("/raw", content=b"x", headers={"content-length": str(most * 2)})
    assert answer.status_code == 413
    assert "20 MB" in answer.text
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("said", ["-1", "1e3", "٣", "", "1 2"])
def test_a_length_that_is_no_number_is_refused(browser, said):
    answer = browser.client.post("/raw", content=b"x", headers={"content-length": said.encode()})
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/form", "/raw"])
def test_what_turns_out_too_long_is_cut_off(browser, most, path):
    headers = {"content-type": "multipart/form-data; boundary=x"} if path == "/form" else {}

    def body():
        yield b'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
        yield from pieces(most + 3 * 1024 * 1024)

    answer = browser.client.post(path, content=body(), headers=headers)
    assert answer.status_code == 413
    assert "20 MB" in answer.text


def test_a_form_of_another_kind_is_refused_in_words(browser):
    answer = browser.client.post(
        "/logout", content=b"{", headers={"content-type": "application/json", "origin": ORIGIN}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("written", ["charset=punycode", 'CHARSET="utf-7"'])
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=B", "application/x-www-form-urlencoded"])
def test_a_form_is_read_in_utf_8_only(app, written, kind):
    """Forms are read before it is known who sends them: a megabyte of digits in Punycode takes Python ten minutes."""
    body = b'--B\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n' + b"9" * 60_000 + b"\r\n--B--\r\n"
    answer = Browser(app).client.post("/prices/upload", content=body, headers={"content-type": f"{kind}; {written}"})
    assert answer.status_code == 415
    assert "UTF-8 only" in answer.text


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8"])
def test_utf_8_may_be_named(browser, charset):
    content, kind = b"csrf=x", f"application/x-www-form-urlencoded; charset={charset}"
    answer = browser.client.post("/logout", content=content, headers={"content-type": kind, "origin": ORIGIN})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/raw", "/prices/upload"])
def test_a_stranger_sends_a_few_words_at_most(app, browser, path):
    """Bodies are read, and files kept aside, before a page asks who sends them."""
    stranger = Browser(app)
    for content in (b"x" * 70_000, pieces(1024 * 1024)):
        answer = stranger.client.post(path, content=content, headers={"origin": ORIGIN})
        assert answer.status_code == 401
        assert "You have been signed out" in answer.text
    assert stranger.client.post("/raw", content=b"x" * 60_000).text == "60000"


def test_a_length_of_thousands_of_digits_is_refused(browser):
    assert browser.client.post("/raw", content=b"x", headers={"content-length": "9" * 5000}).status_code == 413
