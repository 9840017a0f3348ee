"""Everything that a search finds, page by page, or an error: a record that is not asked for again would be taken for gone.

A server leads from page to page by `next` links. One that gives none, or whose links lost something (pages cut by offset shift when
something changes meanwhile), is asked once more in the order of `_lastUpdated`, each page from the last moment of the one before:
what comes twice is known by its id, and nothing can slip between two pages.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from connectors.cases.fhir import wire
from connectors.cases.fhir.scratch import Tally
from connectors.cases.fhir.server import FhirServer
from core.errors import Message, Permanent, RefusedInput, Transient

#: Pages in a row that bring nothing new before it is called a circle. Some servers filter after they have cut the pages.
IDLE_PAGES: Final = 50
#: Fewer than this on a page are all there is: no server cuts its pages shorter, whatever was asked for.
SMALLEST_PAGE: Final = 10
_COUNT: Final = re.compile(r"[0-9]{1,18}")
#: The largest page asked for, to get past many resources of one and the same moment.
LARGEST_PAGE: Final = 10_000


class PassedOver(Permanent):
    """The server left a parameter out of account without a word."""


@dataclass(frozen=True)
class Search:
    """A question: a type, its parameters, and what each answer must then be like (a server may pass over a parameter in silence).

    `most` is how many there can be, where that is known.
    """

    kind: str
    parameters: tuple[tuple[str, str], ...] = ()
    fits: Callable[[wire.Resource], bool] = lambda _: True
    most: int | None = None


@dataclass(frozen=True)
class Page:
    """A Bundle of a search: what was found, what came along with it, and how many there are by the server's count."""

    matches: list[wire.Resource]
    included: list[wire.Resource]
    total: int | None
    next: str | None


def found(server: FhirServer, search: Search, size: int, tally: Tally) -> Iterator[Page]:
    """The pages of a search until all of it came; a resource may come more than once.

    Raises Transient when the server's own count was not reached, Permanent when its links run in a circle or it passes over
    a parameter; else as FhirServer.get.
    """
    url = server.url(search.kind, [*search.parameters, ("_count", str(size))])
    visited: set[str] = set()
    idle = 0
    while True:
        if url in visited or idle >= IDLE_PAGES:
            raise Permanent("The pages of {type} at {host} lead in a circle.", type=search.kind, host=server.host)
        visited.add(url)
        page = _page(server, url, search)
        idle = 0 if tally.add(one["id"] for one in page.matches) else idle + 1
        yield page
        if page.next is None:
            break
        url = server.onward(page.next)
    led_on, few = len(visited) > 1, tally.count < min(size, SMALLEST_PAGE)
    reached = tally.count >= page.total if page.total is not None else led_on or few or tally.count == search.most
    if not reached:
        yield from _in_order_of_change(server, search, size, tally, page.total)
        if page.total is not None and tally.count < page.total:
            raise _incomplete(server, search, page.total, tally)


def _in_order_of_change(
    server: FhirServer, search: Search, size: int, tally: Tally, total: int | None
) -> Iterator[Page]:
    after: str | None = None
    while True:
        own = [one for one in search.parameters if after is None or one[0] != "_lastUpdated"]
        since = [("_lastUpdated", f"ge{after}")] if after is not None else []
        parameters = [*own, *since, ("_sort", "_lastUpdated"), ("_count", str(size))]
        page = _page(server, server.url(search.kind, parameters), search)
        new = tally.add(one["id"] for one in page.matches)
        yield page
        # without a count, a short page may be one that the server cut: what follows its last moment tells
        if page.total is None and len(page.matches) < size and not new and (after is not None or not page.matches):
            return
        if page.total is not None and page.total <= len({one["id"] for one in page.matches}):
            return
        last = _last_moment(server, search, page)
        if last == after:
            size *= 2
        if not page.matches or size > LARGEST_PAGE:
            raise _incomplete(server, search, total, tally)
        after = last


def _last_moment(server: FhirServer, search: Search, page: Page) -> str | None:
    """When the last of a page changed. Raises Permanent when the page is not in that order: then there is no way on."""
    written = [wire.text(one, "meta", "lastUpdated") for one in page.matches]
    moments = [moment for one in written if (moment := wire.moment(one)) is not None]
    if len(moments) < len(written) or moments != sorted(moments):
        raise Permanent(
            "{host} gives no next page of {type}, and does not sort by _lastUpdated: not everything can be read.",
            host=server.host,
            type=search.kind,
        )
    return written[-1] if written else None


def _incomplete(server: FhirServer, search: Search, total: int | None, tally: Tally) -> Transient:
    counted = total if total is not None else "?"
    return Transient(
        "{host} counts {total} of {type}, but gave {count}.",
        host=server.host,
        type=search.kind,
        total=counted,
        count=tally.count,
    )


def _page(server: FhirServer, url: str, search: Search) -> Page:
    bundle = server.get(url)
    if bundle["resourceType"] != "Bundle":
        raise server.not_fhir()
    page = read_page(server, bundle, search.kind)
    if not all(map(search.fits, page.matches)):
        parameters = ", ".join(name for name, _ in search.parameters if name != "_include")
        raise PassedOver(
            Message(
                "{host} passes over the search parameter {parameter} of {type}. It cannot be read like this.",
                host=server.host,
                parameter=parameters,
                type=search.kind,
            )
        )
    return page


def read_page(server: FhirServer, bundle: wire.Resource, kind: str) -> Page:
    """A Bundle's content; notes of the server (OperationOutcome) are left out. Raises RefusedInput for a resource without an id."""
    matches, included = list[wire.Resource](), list[wire.Resource]()
    for entry in wire.parts(bundle, "entry"):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        mode = wire.text(entry, "search", "mode")
        if not isinstance(resource, dict) or mode == "outcome" or resource.get("resourceType") == "OperationOutcome":
            continue
        try:
            wire.key_of(resource)
        except RefusedInput as error:
            raise server.not_fhir(error) from error
        is_match = resource["resourceType"] == kind and mode in {None, "match"}
        (matches if is_match else included).append(resource)
    total = wire.text(bundle, "total") or ""
    links = [one for one in wire.parts(bundle, "link") if wire.text(one, "relation") == "next"]
    return Page(matches, included, int(total) if _COUNT.fullmatch(total) else None, wire.text(links, "url"))
