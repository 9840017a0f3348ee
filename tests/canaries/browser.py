"""Somebody at the planted installation's console, over real HTTP. Every answer, address and header that comes back is kept, by page."""

import html
import http.client
import re
from typing import Final, Self
from urllib.parse import urlencode, urlsplit

from tests.canaries.planting import PlantedInstallation

_HIDDEN: Final = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_ADDRESS: Final = re.compile(r'(?:href|src|action|formaction)="([^"]+)"')
#: What stands in an address and names one thing among many.
_PARTS: Final = (
    (re.compile(r"HB-\d{4}-\d+"), "{number}"),
    (re.compile(r"T-\d{4}-\d+"), "{order}"),
    (re.compile(r"(?<=/)\d+(?=/|$)"), "{id}"),
    (re.compile(r"(?<=/follow-ups/)\{id\}"), "{follow_up}"),
    (
        re.compile(r"(?<=/(?:enter|reply)/)[^/]+|(?<=/delivered/)[^/]+|(?<=/my/in/)[^/]+|(?<=/calendar/)[^/]+"),
        "{secret}",
    ),
    (re.compile(r"(?:%[0-9A-F]{2}|[a-z])*%C3%A4[^/]*", re.IGNORECASE), "{typed}"),
)
#: Cookies by which a browser is known; others keep a language, or where somebody was going.
_SECRET: Final = frozenset({"avain", "avain-my"})
#: So many different pages one person looks at.
_MOST: Final = 80


class Browser:
    """Keeps its cookies, and follows no redirection by itself."""

    def __init__(self, place: PlantedInstallation) -> None:
        self._place = place
        self._connection = http.client.HTTPConnection("127.0.0.1", place.console_port, timeout=60)
        self._cookies: dict[str, str] = {}
        self._last = self._led_to = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def signed_in(self, worker: str | None) -> Self:
        """By a one-time link."""
        made = self._place.avain("console", "link", *(("--as", worker) if worker else ()), "--json")["link"]
        path = urlsplit(made).path
        self.get(path)
        self.post(path)
        return self

    def come_in(self, case: str, worker: str) -> Self:
        """As a family, by a link and its code."""
        made = self._place.avain("family", "link", case, "--as", worker, "--json")
        path = urlsplit(made["address"]).path
        self.get(path)
        self.post("/my/in", link=path.rpartition("/")[2], code=made["code"])
        return self

    def get(self, path: str, **headers: str) -> int:
        """Look at an address; the status."""
        return self._ask("GET", path, None, headers)

    def post(self, path: str, *, page: str = "", **fields: str) -> int:
        """Send a form from the page at `page` (default: the one looked at last), with what is hidden in it; the status."""
        if page:
            self.get(page)
        shown = {name: html.unescape(value) for name, value in _HIDDEN.findall(self._last)}
        return self._ask("POST", path, urlencode(shown | fields), {})

    def look_around(self) -> int:
        """Follow every link there is, one of each sort of page; how many pages that were."""
        waiting, known = ["/", "/my"], set[str]()
        while waiting and len(known) < _MOST:
            path = waiting.pop(0)
            if rule_of(path) in known or path.startswith(("/logout", "/static", "/login", "/enter")):
                continue
            known.add(rule_of(path))
            status = self.get(path)
            if self._led_to:
                waiting.append(self._led_to)
            if status == http.client.OK:
                found = (html.unescape(one).partition("#")[0] for one in _ADDRESS.findall(self._last))
                waiting += [one for one in found if one.startswith("/")]
        return len(known)

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> int:
        origin = f"http://127.0.0.1:{self._place.console_port}"
        told = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()), "Origin": origin}
        if body is not None:
            told["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, told | headers)
        answer = self._connection.getresponse()
        content, rule = answer.read(), rule_of(path)
        self._led_to = urlsplit(answer.getheader("Location") or "").path
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                self._take(value)
            else:
                self._place.said.append((f"header:{rule}", f"{name}: {value}".encode()))
        self._last = content.decode("utf-8", "replace") if b"\0" not in content else ""
        self._place.said.append((f"page:{rule}", content))
        addresses = "\n".join(_ADDRESS.findall(self._last))
        self._place.said.append((f"url:{rule}", html.unescape(addresses).encode()))
        return answer.status

    def _take(self, cookie: str) -> None:
        name, _, value = cookie.partition(";")[0].partition("=")
        self._cookies[name] = value
        if name in _SECRET and value:
            self._place.learned[value] = "cookie"


def rule_of(path: str) -> str:
    """An address as its page's pattern; without what was asked."""
    rule = path.partition("?")[0]
    for pattern, instead in _PARTS:
        rule = pattern.sub(instead, rule)
    return rule
