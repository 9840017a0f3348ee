"""What every answer of the console must be like, whatever was asked: held against each answer to an attack."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final
from urllib.parse import unquote_plus

import httpx2
from lxml import etree, html

from tests.console.test_headers import ALWAYS

#: What must never come back as it was sent: a page that holds it unescaped runs somebody's script.
PROBE: Final = "\"'><svg onload=probe()>"
#: A header of the attacker's own, if a value could end a line.
SPLIT: Final = "\r\nX-Injected: yes"
#: Of what goes wrong inside, nothing is told.
_INSIDE: Final = re.compile(
    r"Traceback|psycopg|sqlalchemy|SELECT .* FROM|INSERT INTO|jinja2|/site-packages/|File &#34;|File \"|Internal Server Error"
)
#: Cookies the console hands out, by what their names begin with.
_COOKIES: Final = ("avain=", "avain-my=", "avain-login=", "avain-my-login=", "avain_language=")
_SEVERAL: Final = {"set-cookie"}


def faults(answer: Any, *, may_be: tuple[int, ...] = ()) -> list[str]:
    """What is wrong with an answer, in words; nothing, if it is as it must be. `may_be`: statuses of five hundred and more that are right here."""
    return list(_faults(answer, may_be))


def _faults(answer: Any, may_be: tuple[int, ...]) -> Iterator[str]:
    headers = answer.headers
    if answer.status_code >= 500 and answer.status_code not in may_be:
        yield f"status {answer.status_code}"
    for name, value in ALWAYS.items():
        if headers.get_list(name) != [value]:
            yield f"{name}: {headers.get_list(name)}"
    policy = headers.get("content-security-policy", "")
    if "default-src 'none'" not in policy or "unsafe" in policy or "*" in policy:
        yield f"policy {policy!r}"
    if headers.get("cache-control") != "no-store" and not str(answer.url.path).startswith("/static/"):
        yield f"cache-control {headers.get('cache-control')!r}"
    if "x-injected" in headers or any(sign in value for value in headers.values() for sign in "\r\n\0"):
        yield "a header that was sent along"
    location = headers.get("location")
    if location is not None and not re.match(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*$", location):
        yield f"leads to {location!r}"
    yield from _of_cookies(headers.get_list("set-cookie"))
    yield from _of_content(answer)


def _of_cookies(cookies: list[str]) -> Iterator[str]:
    for cookie in cookies:
        if not cookie.startswith(_COOKIES) or "HttpOnly" not in cookie or "samesite=lax" not in cookie.lower():
            yield f"cookie {cookie!r}"
        if "domain=" in cookie.lower() or "path=/" not in cookie.lower().replace(" ", "").split(";"):
            yield f"cookie {cookie!r}"


def _of_content(answer: Any) -> Iterator[str]:
    kind = answer.headers.get("content-type", "")
    if answer.content and not kind:
        yield "no content type"
    if not kind.startswith("text/html"):
        return
    if kind != "text/html; charset=utf-8":
        yield f"content type {kind!r}"
    if PROBE in answer.text:
        yield "what was sent stands in the page as it was sent"
    yield from _inline(answer.text)
    for found in {one[0] for one in _INSIDE.finditer(answer.text)}:
        if found not in _asked(answer.request):
            yield f"tells {found!r}"


def _asked(request: Any) -> str:
    """All that was sent: a page may say that there is no case of that name, whatever the name."""
    sent = str(request.url)
    with suppress(httpx2.RequestNotRead):
        sent += " " + request.content.decode("utf-8", "replace")
    return unquote_plus(sent)


def _inline(page: str) -> Iterator[str]:
    """Scripts and styles inside a page: the policy forbids them, so whatever is there did not come from us."""
    for one in html.fromstring(page).iter(etree.Element) if page.strip() else ():
        if (one.tag == "script" and not one.get("src")) or one.tag == "style":
            yield f"<{one.tag}> in the page"
        for name, value in ((str(key), str(kept)) for key, kept in one.attrib.items()):
            if name == "style" or name.startswith("on"):
                yield f"{name}= in the page"
            if name in {"href", "src", "action", "formaction"} and not re.match(
                r"(/(?![/\\])|#|\?|mailto:|https://)|$", str(value)
            ):
                yield f"{name}={value!r}"
