"""A FHIR server as Avain asks it: one request at a time, at the source's pace, with a short patience when it is told to wait.

Only reading: no request has a body but the one for a token. What a server says of an error is quoted by its codes alone; its
sentences may name people.
"""

import re
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import unquote, urlencode, urljoin, urlsplit

from connectors.addresses import Resolver, plain_host, resolve
from connectors.cases.fhir import wire
from connectors.cases.fhir.auth import Credentials
from connectors.http import HostRule, HttpDoor, Outbound
from connectors.pace import Pace, unhurried
from core.errors import ConfigurationError, Message, Permanent, RefusedInput, Transient
from core.source_settings import Fhir

#: Seconds that the server may ask to wait, once and in all, before the visit is put off instead.
LONGEST_WAIT: Final = 60.0
_WAITS_IN_ALL: Final = 300.0
_TRIES: Final = 4
#: What a refusal may say: 408, 425 and 429 are a matter of time and stay the door's.
_REFUSALS: Final = frozenset(range(400, 500)) - {408, 425, 429}
_UNAUTHORISED: Final = 401
_GONE: Final = frozenset({404, 410})
_ACCEPT: Final = {"json": "application/fhir+json", "xml": "application/fhir+xml"}
_CODE: Final = re.compile(r"[a-z][a-z-]{0,40}")
_PORTS: Final = {"https": 443, "http": 80}


class Refusal(Permanent):
    """The server understood and said no; `status` is HTTP's, 400 to 499."""

    def __init__(self, host: str, status: int, codes: str) -> None:
        self.status = status
        told = Message("{host} refused the request ({status}: {codes}).", host=host, status=status, codes=codes)
        super().__init__(told if codes else Message("{host} refused the request ({status}).", host=host, status=status))


@dataclass(frozen=True)
class Offer:
    """What a server says it can do (its CapabilityStatement); empty when it does not say.

    `includes` are such as `EpisodeOfCare:patient`; `histories` the types whose deletions can be asked for; `types` all it has.
    """

    version: str | None = None
    types: frozenset[str] = frozenset()
    includes: frozenset[str] = frozenset()
    histories: frozenset[str] = frozenset()
    base: str | None = None

    def can_include(self, include: str) -> bool:
        """Whether `Type:parameter` may be asked for with its type."""
        return include in self.includes or f"{include.partition(':')[0]}:*" in self.includes


class FhirServer:
    """One visit to a server."""

    def __init__(
        self,
        settings: Fhir,
        pace: Pace | None = None,
        *,
        resolver: Resolver = resolve,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host = _host(settings.base_url)
        self.base = wire.base_of(settings.base_url)
        self._settings, self._pace, self._wait = settings, pace or unhurried(), wait
        self._door = HttpDoor(_policy(settings), resolver=resolver)
        self._credentials = Credentials(settings, self._door, self._pace, clock=clock)
        self._waited = 0.0
        self._clocks: dict[str, datetime] = {}
        self.bases: tuple[str, ...] = (self.base,)

    def one_connection(self) -> AbstractContextManager[None]:
        """All requests inside the block go by one connection, as long as the server holds it."""
        return self._door.one_connection()

    @property
    def asked_at(self) -> datetime | None:
        """When the visit began by the server's own clocks, the earlier of its HTTP door's and its search's; None if it has none."""
        return min(self._clocks.values(), default=None)

    def url(self, path: str, parameters: Sequence[tuple[str, str]] = ()) -> str:
        """The address of `path` under the server's base."""
        query = f"?{urlencode(parameters, safe=',:/|')}" if parameters else ""
        return f"{self.base}/{path}{query}"

    def onward(self, link: str) -> str:
        """The address a page gives as its next. Raises Permanent when it leads off this server: nobody else is asked, or told, anything."""
        with suppress(ValueError):
            url = urljoin(f"{self.base}/", link)
            own, there = urlsplit(self.base).path, urlsplit(url).path
            inside = there.rstrip("/") == own or there.startswith(f"{own}/")
            whole = link.isprintable() and ".." not in unquote(there).split("/")
            if whole and inside and _origin(url) == _origin(self.base):
                return url
        raise Permanent(
            "{host} gives a next page that is not under base_url. Set base_url to the address the server gives itself.",
            host=self.host,
        )

    def offer(self) -> Offer:
        """What the server can do, by its own word; an empty one if it does not say. Raises as `get`."""
        try:
            statement = self.get(self.url("metadata"))
        except Refusal:
            return Offer()
        if statement["resourceType"] != "CapabilityStatement":
            raise self.not_fhir()
        version = wire.text(statement, "fhirVersion")
        if version is not None and not version.startswith("4."):
            raise Permanent("{host} speaks FHIR {version}; only R4 is read.", host=self.host, version=version[:20])
        offer = _offer(statement, version)
        if offer.base:
            self.bases = (self.base, offer.base)
        return offer

    def read(self, key: wire.Key) -> wire.Resource | None:
        """One resource; None if it is not there (404) or no more (410)."""
        try:
            return self.get(self.url("/".join(key)))
        except Refusal as refusal:
            if refusal.status in _GONE:
                return None
            raise

    def get(self, url: str) -> wire.Resource:
        """The resource at `url`. Waits where the server asks for a short time.

        Raises Transient (with the server's `retry_after`), Refusal, Permanent, and RefusedInput for what is not FHIR or too large.
        """
        renewed = False
        tries = 0
        while True:
            tries += 1
            self._pace.before_request()
            headers = {"accept": _ACCEPT[self._settings.format], "prefer": "handling=strict"}
            try:
                reply, body = self._door.request(
                    "GET", url, headers=headers | self._credentials.header(), answers=_REFUSALS
                )
            except Transient as error:
                self._be_patient(error, tries)
                continue
            if reply.status == _UNAUTHORISED and not renewed and self._credentials.forget():
                renewed = True
                continue
            if reply.status in _REFUSALS:
                raise Refusal(self.host, reply.status, self._codes(body, reply.headers.get("content-type", "")))
            found = self._parsed(body, reply.headers.get("content-type", ""))
            self._note(reply.headers.get("date"), wire.text(found, "meta", "lastUpdated"), found["resourceType"])
            return found

    def not_fhir(self, error: RefusedInput | None = None) -> RefusedInput:
        """The refusal of an answer that cannot be used."""
        if error is None:
            return RefusedInput("{host} answers with another kind of resource than was asked for.", host=self.host)
        return RefusedInput("{host} does not answer with FHIR: {detail}", host=self.host, detail=error.message)

    def _parsed(self, body: bytes, content_type: str) -> wire.Resource:
        try:
            return wire.parse(body, content_type)
        except RefusedInput as error:
            raise self.not_fhir(error) from error

    def _be_patient(self, error: Transient, tries: int) -> None:
        """Wait as long as the server asks; raise `error` when that is long, for the how-manieth time, or not said at all."""
        asked = error.retry_after
        if asked is None or asked > LONGEST_WAIT or tries >= _TRIES or self._waited + asked > _WAITS_IN_ALL:
            raise error
        self._waited += asked
        self._wait(asked)

    def _note(self, date: str | None, updated: str | None, kind: str) -> None:
        """Remember the first moment that each clock of the server told. The door may be another machine than the search."""
        if date is not None and "door" not in self._clocks:
            with suppress(ValueError, OverflowError):
                found = parsedate_to_datetime(date)
                if MINYEAR < found.year < MAXYEAR:
                    self._clocks["door"] = found if found.tzinfo else found.replace(tzinfo=UTC)
        if kind == "Bundle" and updated is not None and "search" not in self._clocks:
            moment = wire.moment(updated)
            if moment is not None:
                self._clocks["search"] = moment

    def _codes(self, body: bytes, content_type: str) -> str:
        try:
            outcome = wire.parse(body, content_type)
        except RefusedInput:
            return ""
        codes = dict.fromkeys(str(code) for code in wire.parts(outcome, "issue", "code"))
        return ", ".join([code for code in codes if _CODE.fullmatch(code)][:5])


def _offer(statement: wire.Resource, version: str | None) -> Offer:
    types, includes, histories = set[str](), set[str](), set[str]()
    for one in wire.parts(statement, "rest", "resource"):
        kind = wire.text(one, "type")
        if kind is None:
            continue
        types.add(kind)
        for include in wire.parts(one, "searchInclude"):
            # some write the parameter without its type, `*` stands for all
            includes.add(include if ":" in str(include) else f"{kind}:{include}")
        if "history-type" in wire.parts(one, "interaction", "code"):
            histories.add(kind)
    base = None
    with suppress(ValueError):  # not an address: then its references cannot be under it
        base = wire.base_of(wire.text(statement, "implementation", "url") or "")
    return Offer(version, frozenset(types), frozenset(includes), frozenset(histories), base)


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port. Raises ValueError for what is not an address."""
    found = urlsplit(url)
    return found.scheme, plain_host(found.hostname or ""), found.port or _PORTS.get(found.scheme)


def _host(url: str) -> str:
    """The host of a configured address. Raises ConfigurationError for one that is not an address."""
    with suppress(ValueError):
        scheme, host, _ = _origin(url)
        if scheme in _PORTS and host and not urlsplit(url).query and not urlsplit(url).fragment:
            return host
    raise ConfigurationError("base_url and token_url must be addresses such as https://fhir.example.fi/r4")


def _policy(settings: Fhir) -> Outbound:
    ports: dict[str, set[int]] = {}
    for url in filter(None, (settings.base_url, settings.token_url)):
        ports.setdefault(_host(url), set()).add(_origin(url)[2] or 0)
    certificate, key = settings.client_certificate, settings.client_key
    return Outbound(
        hosts={
            host: HostRule(
                allow_private=settings.allow_private, allow_http=settings.allow_http, ports=frozenset(allowed)
            )
            for host, allowed in ports.items()
        },
        max_redirects=0,  # a server that moves is a matter for the settings
        ca_file=settings.ca_file,
        proxy=settings.proxy,
        client_certificate=(certificate, key) if certificate is not None and key is not None else None,
    )
