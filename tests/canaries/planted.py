"""What is planted where, and the table of where each canary may be found afterwards, with the reason. Everywhere else it is a leak.

A canary is named by what it is; its `marks` are what is searched for, folded (tests/canaries/readings.py). Places are named by kind and what
they are: `db:client_case.goals`, `mail:worker`, `log:worker`, `cli:case show`, `page:/cases/{number}`, `file:outbox/…` (tests/canaries/places.py);
the table names them by patterns. All names, numbers and addresses are invented: birds, and individual numbers from 900 on.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from core.logging import CHECK_MARKS
from tests.canaries.readings import folded, readings


def henkilotunnus(day: str, individual: int, mark: str = "-") -> str:
    """An invented one whose check mark is right."""
    return f"{day}{mark}{individual}{CHECK_MARKS[int(f'{day}{individual}') % len(CHECK_MARKS)]}"


def _spellings(code: str) -> tuple[str, ...]:
    """A henkilötunnus as it is, without its century mark, and as plain digests, which are found by trying all there are."""
    digests = [digest(code.encode()).digest() for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256)]
    written = [form for one in digests for form in (one.hex(), base64.b64encode(one).decode().rstrip("="))]
    return (code, code[:6] + code[7:], *written)


#: Names of the clients of three cases: an ordinary one, one under non-disclosure (turvakielto), and one whose record is broken.
NAMES: Final = {
    "LC-1001": "Aada Pyrstötiainen",
    "LC-1003": "Onni Kuhankeittäjä",
    "LC-1005": "Vilja Mustapääkerttu",
}
CODES: Final = {
    "LC-1001": henkilotunnus("131052", 907),
    "LC-1003": henkilotunnus("010203", 951, "A"),
    "LC-1005": henkilotunnus("240791", 933, "Y"),
}
#: Whom the reporting database knows and its view does not show.
BEHIND_THE_VIEW: Final = "Tuomas Nokkavarpunen"
WORKER: Final = "Helmi Tervapääsky"
GOAL: Final = "Iltaisin satakielinen hetki yhdessä"
ADDRESS: Final = "Lehtokertunkuja 7 as 12"
TELEPHONE: Final = "+358 50 900 4417"
WISH: Final = "Toivomme rautiaisen kokoisia ryhmiä"
NOTE: Final = "Lapsi puhui hippiäisestä koko käynnin"
REASON: Final = "vihervarpusen mukaan näin"
SUBJECT: Final = "Uivelo-perheen hinnat"
LETTER: Final = "Perheestä Haahkanen soitettiin eilen"
ATTACHED: Final = "Lapasotka"
ROW: Final = "ADHD-valmennus, pilkkasiipi-perheen luona"
RESPONSE: Final = "Alli Jouhisorsa aloittaa maanantaina"
INVOICED: Final = "Käynnit: Tavi Heinätavi"
REMARK: Final = "Punasotkan äiti perui"
TYPED: Final = "Härkälintunen"

HASH_KEY: Final = "Silkkiuikku-hajautusavain-vain-kokeeseen-0123456789"
SEAL_KEY: Final = "S2F1bGFocmFpbmVuLXNpbmV0b2ludGlhdmFpbi0wMTI="  # base64 of 32 bytes
INDEX_KEY: Final = "TWVyaW1ldHNvLWhha2VtaXN0b2F2YWluLTAxMjM0NTY="
MAIL_WORD: Final = "Kyhmyhaahka-posti-77"
SFTP_WORD: Final = "Pikkulokki-sftp-78"
BEARER: Final = "Selkalokki-bearer-79"
SQL_WORD: Final = "Kalatiira-sql-80"


@dataclass(frozen=True)
class Canary:
    """`marks`: what it is searched by; `may`: patterns of places where it may be found, each with the reason."""

    name: str
    marks: tuple[str, ...]
    may: Mapping[str, str] = field(default_factory=dict)

    def may_be_in(self, place: str) -> str | None:
        """The pattern that lets it be there."""
        return next((pattern for pattern in self.may if fnmatchcase(place, pattern)), None)


_SEALED: Final = "nowhere in clear: identity is sealed, or dropped"
_WHO_MAY_KNOW: Final = "who may read names asked for it, by a form that is recorded"
_TYPED_BACK: Final = "refused, and shown to its writer to mend; kept nowhere"
_OWN_COPY: Final = "made for the client, of all that is held of them"
_OWN_PAGE: Final = "what the county told the family about its own budget"

CANARIES: Final = (
    # — who clients are —
    Canary(
        "client's name",
        ("pyrstötiainen", "aada pyr"),
        {"page:/cases/{number}/identity": _WHO_MAY_KNOW, "page:/cases/{number}": "sealed; opened for the responsible worker"},
    ),
    Canary(
        "client's henkilötunnus",
        _spellings(CODES["LC-1001"]),
        {"page:/cases/{number}/identity": _WHO_MAY_KNOW, "page:/my/{number}/wishes": _TYPED_BACK},
    ),
    Canary("name under non-disclosure", ("kuhankeittäjä", "onni kuhan")),
    Canary("henkilötunnus under non-disclosure", _spellings(CODES["LC-1003"])),
    Canary("name in a broken record", ("mustapääkerttu",)),
    Canary("henkilötunnus in a broken record", _spellings(CODES["LC-1005"])),
    Canary("name behind the view", ("nokkavarpunen",)),
    Canary("address", ("lehtokertunkuja",)),
    Canary(
        "telephone",
        ("+358 50 900 4417", "358509004417", "0509004417", "50 900 4417"),
        {"page:/my/{number}/wishes": _TYPED_BACK},
    ),
    Canary(
        "client's reference",
        ("as-5001", "as-5003"),
        {"db:client.external_id": "by which the source knows the client; nobody reads it",
         "db:case_staging.client": "as the source wrote it, by run"},
    ),
    # — what is told about them —
    Canary(
        "goal",
        ("satakielinen",),
        {
            "db:client_case.goals": "from the source; the plan's own words",
            "db:case_staging.goals": "as the source wrote it, by run",
            "cli:case show": "for the responsible worker",
            "page:/cases/{number}": "for the responsible worker",
            "page:/my/{number}": _OWN_PAGE,
            "page:/my/{number}/statement.pdf": _OWN_PAGE,
            "file:copy.zip": _OWN_COPY,
        },
    ),
    Canary("family's wish", ("rautiaisen",), {"page:/cases/{number}": "sealed; opened for those who may read names"}),
    Canary("worker's note", ("hippiäise",), {"page:/follow-ups/{follow_up}": "sealed; opened for those who may read names"}),
    Canary(
        "reason",
        ("vihervarpuse",),
        {
            "db:*.reason": "whoever decides says why; kept with the decision",
            "db:*.note": "the same",
            "db:run.acknowledged": "the same",
            "cli:*": "shown to who may read the decision",
            "page:*": "the same",
            "file:copy.zip": _OWN_COPY,
        },
    ),
    # — people who work —
    Canary(
        "worker's name",
        ("tervapääsky",),
        {
            "db:worker.name": "who is responsible",
            "db:console_session.name": "whom a browser belongs to, while signed in",
            "cli:*": "workers are named to workers",
            "page:*": "the same",
            "file:copy.zip": _OWN_COPY,
        },
    ),
    Canary(
        "worker's address",
        ("w-101@avain-esimerkki",),
        {
            "db:worker.email": "where reminders go",
            "db:digest.recipient": "where this one went",
            "db:digest.document": "the mail as it went",
            "cli:worker list": "reference data",
            "page:/workers*": "reference data",
            "mail:worker": "its own mail",
        },
    ),
    # — what providers send —
    Canary(
        "text beside a price",
        ("pilkkasiipi",),
        {"db:rejected_record.*": "where a price was expected: for the price manager and the provider to mend"},
    ),
    Canary("subject of a mail", ("uivelo",)),
    Canary("text of a mail", ("haahkanen",)),
    Canary(
        "name of an attached file",
        ("lapasotka",),
        {"db:price_mail.attachments": "which of several is meant", "db:price_mail.reason": "which it is about",
         "cli:price mail": "for the price manager"},
    ),
    Canary("note of an answer", ("jouhisorsa",)),
    Canary("text of an invoice", ("heinätavi",)),
    Canary("remark on a delivery", ("punasotka",)),
    # — what somebody types where it does not belong —
    Canary(
        "typed into an address",
        ("härkälintu",),
        {"page:*": "the browser that asked, and no other, is told what it asked for", "url:*": "the same", "header:*": "the same"},
    ),
    # — secrets —
    Canary("hash key", ("silkkiuikku",)),
    Canary("sealing key", (SEAL_KEY[:-1], "kaulahrainen")),
    Canary("index key", (INDEX_KEY[:-1], "merimetso")),
    Canary("mail password", ("kyhmyhaahka",), {"wire:smtp": "it signs in with it"}),
    Canary("sftp password", ("pikkulokki",), {"file:in/avain.toml": "where the demo's settings tell it"}),
    Canary("bearer token", ("selkalokki",), {"wire:https": "it shows who it is with it", "file:in/avain.toml": "where the demo's settings tell it"}),
    Canary("database password", ("kalatiira",)),
    # — secrets that Avain makes on the way (PlantedInstallation.learned) —
    Canary(
        "family link",
        (),
        {"cli:family link": "the worker gives it to the family", "page:/my/in/{secret}": "in the form that asks for its code",
         "url:/my/in/{secret}": "links of that page back to it"},
    ),
    Canary(
        "console link",
        (),
        {"cli:console link": "whoever asked for it enters by it", "page:/enter/{secret}": "in the form that enters",
         "url:/enter/{secret}": "the form's address"},
    ),
    Canary("family code", (), {"cli:family link": "the worker gives it to the family, on paper"}),
    Canary(
        "provider link",
        (),
        {
            "mail:provider": "the provider answers by it",
            "db:order_paper.content": "the letter as it was sent",
        },
    ),
    Canary("calendar address", (), {"cli:reminder calendar": "shown once, to whoever asked for it"}),
    Canary("cookie", ()),
)  # fmt: skip


@lru_cache(maxsize=1)
def _marks() -> tuple[re.Pattern[str], dict[str, str]]:
    whose = {folded(mark): one.name for one in CANARIES for mark in one.marks}
    return re.compile("|".join(re.escape(mark) for mark in sorted(whose, key=len, reverse=True))), whose


def found(content: bytes | str, learned: Mapping[str, str] = MappingProxyType({})) -> set[str]:
    """The names of all canaries in something, however it is wrapped. `learned`: marks that came to be on the way (tokens), with their names."""
    pattern, whose = _marks()
    names: set[str] = set()
    for reading in readings(content):
        names.update(whose[one] for one in pattern.findall(reading))
        names.update(name for mark, name in learned.items() if folded(mark) in reading)
    return names


@dataclass(frozen=True)
class Leak:
    """A canary where it must not be."""

    canary: str
    place: str


def leaks(seen: Iterable[tuple[str, str]], table: Iterable[Canary] = CANARIES) -> list[Leak]:
    """Of canaries seen (name, place) those that the table does not let be there, each once."""
    by_name = {one.name: one for one in table}
    wrong = {(name, place) for name, place in seen if by_name[name].may_be_in(place) is None}
    return [Leak(*one) for one in sorted(wrong)]


def not_taken(seen: Iterable[tuple[str, str]], table: Iterable[Canary] = CANARIES) -> list[tuple[str, str]]:
    """Leave that the table gives (canary, pattern) and none of what was seen needed: it has to go, or something is not looked at any more."""
    places: dict[str, list[str]] = {}
    for name, place in seen:
        places.setdefault(name, []).append(place)
    return [
        (one.name, pattern)
        for one in table
        for pattern in one.may
        if not any(fnmatchcase(place, pattern) for place in places.get(one.name, ()))
    ]


def told(lived: Mapping[str, Any]) -> list[str]:
    """What is wrong, for people: canaries where they must not be, and leave that no canary took."""
    seen = [(name, place) for name, place in lived["seen"]]
    wrong = [f"{one.canary}: found in {one.place}" for one in leaks(seen)]
    return wrong + [f"{canary}: nothing of it in {pattern}, where it may be" for canary, pattern in not_taken(seen)]
