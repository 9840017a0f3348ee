"""The demo's step in the console: a worker enters by a one-time link and finds there what the commands have told; and, where asked, the
demo stays up for people to look around in.
"""

import html
import http.client
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import urlencode, urlsplit

from core.i18n import _, language
from demo.story import Story, money_of, read_budgets

WORKER: Final = "W-101"
_LOOK_EVERY_SECONDS: Final = 3
_GAPS = re.compile(r"\s+")


class Visitor:
    """Somebody at the console, in the language of the demo's reader."""

    def __init__(self, link: str) -> None:
        """Enter by a one-time link: it leads to a button, and the button signs in."""
        address = urlsplit(link)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        self.cookie = ""
        self.status, page = self._ask("GET", address.path)
        origin = {"Origin": f"{address.scheme}://{address.netloc}"}
        self.entered = self.status == 200 and "<form" in page
        self._ask("POST", address.path, origin)

    def open(self, path: str) -> str:
        """What a page says, its texts with single spaces. `status` tells whether there is one."""
        self.status, page = self._ask("GET", f"{path}{'&' if '?' in path else '?'}{urlencode({'lang': language()})}")
        main = page.partition("<main")[2].partition("</main>")[0]
        return plain(html.unescape(re.sub(r"<[^>]+>", " ", main)))

    def close(self) -> None:
        """Leave."""
        self._connection.close()

    def _ask(self, method: str, path: str, more: dict[str, str] | None = None) -> tuple[int, str]:
        self._connection.request(method, path, headers={"Cookie": self.cookie, **(more or {})})
        answer = self._connection.getresponse()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie" and value.startswith("avain="):
                self.cookie = value.partition(";")[0]
        return answer.status, answer.read().decode()


def plain(text: str) -> str:
    """With single spaces: amounts are written with hard ones."""
    return _GAPS.sub(" ", text).strip()


def console(story: Story) -> None:
    """W-101 enters and sees the own cases only, case 1 with its figures; whoever runs the demo sees prices and runs."""
    budgets = {one["case"]: one for one in read_budgets(story)}
    mine, others = story.cases["LC-1001"], story.cases["LC-1003"]
    with visiting(story, WORKER) as worker:
        story.check(
            worker.entered and worker.cookie, _("a worker enters the console by a link that works once"), WORKER
        )
        listed = worker.open("/cases")
        story.check(
            mine in listed and others not in listed,
            _("the list shows the worker's own cases, and nobody else's"),
            f"{mine}, {story.cases['LC-1004']}",
        )
        shown, free = worker.open(f"/cases/{mine}"), money_of(budgets[mine]["free"])
        story.check(plain(free) in shown, _("case 1 shows what is left, to the cent"), free)
        worker.open(f"/cases/{others}")
        story.check(worker.status == 404, _("another worker's case is not there for this one"), others)
        query = urlencode({"baseline": "PERHETYO", "quantity": "24", "unit": "C62", "months": "3"})
        (asked,) = story.place.avain("compare", *_asked(), "--json")
        cheapest = asked["offers"][0]["provider"]
        story.check(
            cheapest in worker.open(f"/compare?{query}"),
            _("alternatives stand side by side without a case, too"),
            cheapest,
        )
    with visiting(story, None) as everybody:
        listed = everybody.open("/sources")
        story.check("lifecare-vienti" in listed, _("sources show when they were last read"), "lifecare-vienti")
        story.check("Tukipolku" in everybody.open("/prices"), _("price lists show where each came from"), "Tukipolku")
    story.report["console"] = {"free": budgets[mine]["free"]}


def _asked() -> tuple[str, ...]:
    return ("--baseline", "PERHETYO", "--quantity", "24", "--unit", "C62", "--months", "3")


@contextmanager
def visiting(story: Story, worker: str | None) -> Iterator[Visitor]:
    """Somebody at the console until the block ends: a worker, or the local user, who sees everything."""
    visitor = Visitor(link(story, worker))
    try:
        yield visitor
    finally:
        visitor.close()


def link(story: Story, worker: str | None) -> str:
    """A fresh one-time link."""
    as_worker = ("--as", worker) if worker else ()
    made: str = story.place.avain("console", "link", *as_worker, "--json")["link"]
    return made


def serve(story: Story) -> None:
    """Keep everything running until Ctrl-C, with two ways in. A link that was used, or is too old, is followed by another."""
    story.console.rule(_("The console"), align="left")
    story.console.print(
        _("Everything goes on running. Ctrl-C ends it. These links work once; a new one is printed then:")
    )
    printed: dict[str | None, int] = {}
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell has its background commands ignore Ctrl-C's signal
        signal.signal(number, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        while True:
            for worker, label in ((None, _("everything")), (WORKER, WORKER)):
                if not _is_good(story, printed.get(worker, 0)):
                    story.console.print(f"  {label:<12} {link(story, worker)}", highlight=False, soft_wrap=True)
                    printed[worker] = story.place.query("SELECT max(id) AS id FROM entry_link")[0]["id"]
            time.sleep(_LOOK_EVERY_SECONDS)


def _is_good(story: Story, link_id: int) -> bool:
    """Whether nobody has used a link yet, and it is not too old."""
    return bool(
        story.place.query(
            "SELECT 1 FROM entry_link WHERE id = %(id)s AND used_at IS NULL AND expires_at > clock_timestamp()",
            id=link_id,
        )
    )
