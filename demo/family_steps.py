"""The demo's steps on the family's own page: case 2's family comes in by link and code, proposes, and later rates with a face."""

import html
import http.client
import re
from typing import Final, Self
from urllib.parse import urlencode, urlsplit

from core.i18n import _, language
from demo.console_steps import plain
from demo.story import Story

CASE: Final = "LC-1002"
WORKER: Final = "W-102"
PROVIDER: Final = "Esimerkkivalmennus"
_COOKIE: Final = "avain-my="
_HIDDEN: Final = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
_OFFER: Final = re.compile(r'name="offer" value="([^"]*)".*?<b>([^<]*)</b>', re.DOTALL)


class Family:
    """Somebody of a family at a telephone: no account, a link and a code."""

    def __init__(self, address: str) -> None:
        """At a link, which alone opens nothing."""
        self._link = urlsplit(address)
        self._connection = http.client.HTTPConnection(self._link.hostname or "", self._link.port, timeout=30)
        self._cookie = f"avain_language={language()}"
        self.status, _page = self._ask("GET", self._link.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def come_in(self, code: str) -> bool:
        """Type the code; whether it opened."""
        self.send("/my/in", link=self._link.path.rpartition("/")[2], code=code)
        return self.status == http.client.SEE_OTHER and _COOKIE in self._cookie

    def open(self, path: str) -> str:
        """A page as it was sent."""
        self.status, page = self._ask("GET", path)
        return page

    def send(self, path: str, **fields: str) -> None:
        """A form, from a page of the console."""
        self.status, _page = self._ask("POST", path, urlencode(fields))

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        headers = {"Cookie": self._cookie, "Origin": f"{self._link.scheme}://{self._link.netloc}"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie" and value.startswith(_COOKIE):
                self._cookie = f"avain_language={language()}; {value.partition(';')[0]}"
        return answer.status, answer.read().decode()


def proposal(story: Story) -> None:
    """Case 2's family sees its budget on a telephone and proposes who shall give the service; the worker confirms it."""
    place, number = story.place, story.cases[CASE]
    with _come_in(story) as family:
        page = family.open(f"/my/{number}/propose")
        hidden = dict(_HIDDEN.findall(page))
        offers = {html.unescape(name): value for value, name in _OFFER.findall(page)}
        offer = next((value for name, value in offers.items() if name.startswith(PROVIDER)), "")
        family.send(f"/my/{number}/propose", **hidden, offer=offer, voice="parent")
        sent = place.avain("family", "proposals", "--json")
        story.check(
            family.status == http.client.SEE_OTHER and [one["case"] for one in sent] == [number],
            _("the family proposes who gives the service, and the worker hears of it"),
            ", ".join(offers),
        )
        place.avain("family", "confirm", str(sent[0]["id"]), "--reason", "lähin", "--as", WORKER)
        chosen = place.query(
            "SELECT chosen_by FROM choice JOIN plan_item ON plan_item.id = plan_item_id JOIN client_case ON client_case.id = case_id"
            " WHERE number = %(number)s AND choice.ended_at IS NULL",
            number=number,
        )
        story.check([one["chosen_by"] for one in chosen] == ["parent"], _("the worker confirms it: it is the choice"))
    story.check(
        place.query("SELECT count(*) AS n FROM choice WHERE ended_at IS NULL")[0]["n"] == 4,
        _("four choices are recorded with who and why"),
    )
    hidden_case = story.cases["LC-1003"]
    story.check(
        place.avain_code("family", "link", hidden_case, "--as", WORKER) != 0,
        _("a client under non-disclosure for personal safety gets no link"),
        hidden_case,
    )
    story.report["family"] = {"case": number, "offers": sorted(offers)}


def rated(story: Story) -> None:
    """Weeks later the first link has ended; by another the child says with a face how good it is."""
    place, number = story.place, story.cases[CASE]
    with _come_in(story) as family:
        page = family.open(f"/my/{number}/rate?voice=child")
        family.send(f"/my/{number}/rate", **dict(_HIDDEN.findall(page)), rating="5", voice="child")
        kept = place.query("SELECT rating, voice FROM family_rating")
        story.check(
            family.status == http.client.SEE_OTHER
            and [(one["rating"], one["voice"]) for one in kept] == [(5, "child")],
            _("the child rates the service with the happiest of five faces"),
            "5/5",
        )
        seen = plain(html.unescape(re.sub(r"<[^>]+>", " ", family.open(f"/my/{number}").partition("<main")[2])))
        story.check(PROVIDER in seen, _("the family's page says what has been ordered"), PROVIDER)
    states = [one["state"] for one in place.avain("family", "list", number, "--json")]
    story.check(
        states.count("open") == 1 and len(states) == 2, _("the link of the first day had ended"), ", ".join(states)
    )
    story.report.setdefault("family", {})["links"] = states


def _come_in(story: Story) -> Family:
    number = story.cases[CASE]
    made = story.place.avain("family", "link", number, "--as", WORKER, "--json")
    family = Family(made["address"])
    looked = family.status == http.client.OK and not story.place.query(
        "SELECT 1 FROM family_link WHERE id = %(id)s AND used_at IS NOT NULL", id=made["link"]
    )
    opened = family.come_in(made["code"])
    family.open(f"/my/{number}")
    story.check(
        looked and opened and family.status == http.client.OK,
        _("the family comes in by a link and a code; the link alone opens nothing"),
        number,
    )
    return family
