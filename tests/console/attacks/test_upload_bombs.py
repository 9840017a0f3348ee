"""Bodies that are small to send and dear to read, files whose names are traps. (Sizes: tests/console/test_bounds.py; what is in a file:
tests/attacks; who dawdles: test_wire.py.)
"""

import gzip
import resource
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from tests.console.attacks.judge import faults
from tests.console.test_who_may import csrf_of
from tests.support.browsing import ORIGIN, Browser

AT = "/prices/upload"
MULTIPART = {"origin": ORIGIN, "content-type": "multipart/form-data; boundary=B"}


@pytest.fixture
def manager(app, sign_in) -> Browser:
    browser: Browser = sign_in("price_manager")
    return browser


def part(name: str, value: bytes = b"x", *, more: bytes = b"") -> bytes:
    head = f'--B\r\nContent-Disposition: form-data; name="{name}"'.encode()
    return head + more + b"\r\n\r\n" + value + b"\r\n"


def bombs(token: str) -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """What each is, its body, its headers. None has more than two megabytes."""
    csrf, end = part("csrf", token.encode()), b"--B--\r\n"
    yield "parts without end", csrf + b"".join(part(f"n{n}") for n in range(20_000)) + end, MULTIPART
    yield (
        "files without end",
        csrf + b"".join(part("file", more=b'; filename="a.csv"') for _ in range(15_000)) + end,
        MULTIPART,
    )
    yield "one name again and again", csrf + part("title") * 20_000 + end, MULTIPART
    yield "a part with many headers", csrf + part("a", more=b"\r\nX-A: b" * 100_000) + end, MULTIPART
    yield "a header without end", csrf + part("a", more=b"\r\nX-A: " + b"b" * 1_500_000) + end, MULTIPART
    yield "a name without end", csrf + part("a" * 1_500_000) + end, MULTIPART
    yield "line ends before the first boundary", b"\r\n" * 700_000 + csrf + end, MULTIPART
    yield "words behind the last boundary", csrf + end + b"x\r\n" * 500_000, MULTIPART
    yield "almost boundaries", csrf + part("a", b"\r\n--B-\r\n-" * 150_000) + end, MULTIPART
    yield "no boundary that ends it", csrf + part("a", b"x" * 1_000_000), MULTIPART
    nested = {**MULTIPART, "content-type": "multipart/form-data; boundary=" + "B" * 60_000}
    yield "a boundary without end", csrf + end, nested
    yield "no boundary at all", csrf + end, {**MULTIPART, "content-type": "multipart/form-data"}
    odd = "multipart/form-data; " + "; ".join(f"a{n}=b" for n in range(5000)) + "; boundary=B"
    yield "parameters without end", csrf + end, {**MULTIPART, "content-type": odd}
    form = {"origin": ORIGIN, "content-type": "application/x-www-form-urlencoded"}
    yield "fields without end", b"csrf=" + token.encode() + b"&a=b" * 300_000, form
    yield "ampersands without end", b"&" * 1_500_000, form
    yield "percents without end", b"a=" + b"%" * 1_500_000, form
    yield "gzip", gzip.compress(b"a=b&" * 5_000_000), {**form, "content-encoding": "gzip"}
    keys = b"&".join(b"k%d=" % n for n in range(100_000))
    yield "names without end", keys, form


def test_what_is_dear_to_read_is_refused_soon(app, manager):
    """Each within three seconds of the processor's and 100 MB, in our words; and the console goes on."""
    token, wrong = csrf_of(manager, app), []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, body, headers in bombs(token):
        began = time.process_time()
        answer = manager.client.post(AT, content=body, headers=headers, follow_redirects=False)
        spent = time.process_time() - began
        found = [*faults(answer), *(["not refused"] if answer.status_code not in {400, 403, 413, 415, 422} else [])]
        if found or spent > 3:
            wrong.append((name, answer.status_code, round(spent, 1), found))
    assert wrong == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024, "kilobytes"
    assert manager.get("/").status == 200


def test_a_stranger_cannot_even_send_them(app):
    """Forms are read before a page asks who sends them: of whoever is not signed in little is taken (64 kB), and that is read soon."""
    stranger, wrong = Browser(app), []
    for name, body, headers in bombs("none"):
        began = time.process_time()
        answer = stranger.client.post(AT, content=body[:60_000], headers=headers, follow_redirects=False)
        spent = time.process_time() - began
        if spent > 1 or answer.status_code not in {400, 401, 403, 415, 422} or faults(answer):
            wrong.append((name, answer.status_code, round(spent, 2), faults(answer)))
    assert wrong == []


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd", "..\\..\\windows\\system.ini", "/etc/passwd", "C:\\autoexec.bat", "a\r\nX-Injected: yes.csv", 'a"; filename="b.exe',
        "a\u202evsc.exe", "\u200b.csv", "." * 300 + ".csv", "x" * 5000 + ".csv", "a/../b.csv", "con.csv", "<svg onload=probe()>.csv", "a;b.csv", "%00.csv", "..",
    ],
)  # fmt: skip
def test_a_files_name_is_a_name_and_nothing_else(app, session, manager, name):
    """It is shown and kept, never opened: no folders, no line ends, no signs that turn the writing round."""
    token = csrf_of(manager, app)
    content = (
        part("csrf", token.encode())
        + part("file", b"a;b\n1;2\n", more=b'; filename="' + name.encode() + b'"')
        + b"--B--\r\n"
    )
    answer = manager.client.post(AT, content=content, headers=MULTIPART)
    assert answer.status_code in {200, 400, 422}
    assert faults(answer) == []
    assert "<svg" not in answer.text
    for kept in session.execute(text("SELECT file_name FROM price_upload")).scalars():
        assert "/" not in kept
        assert "\\" not in kept
        assert len(kept) <= 255
        assert kept.isprintable()
        assert "\u202e" not in kept
        assert kept not in {"", ".", ".."}
