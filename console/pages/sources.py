"""Sources: how each of them is, what is known of it, and having it read or looked at.

The list holds names of sources and figures, nothing that leads to a case: looking at it is not noted in the audit trail.
"""

from starlette.responses import Response

from console.forms import Ticked
from console.roles import READERS, WRITERS, may_act
from console.visit import Here, NotAllowedError, Pages, Visit
from core.errors import InputError, Message, NotFound
from services import asking, looked, source_overview, source_words
from services.gentleness import rest
from services.lights import Light, lights
from services.sources import Source, all_sources, find_source, history
from services.visiting import configured_as

pages = Pages()
_HISTORY = 20


@pages.get("/sources", roles=READERS)
def list_sources(visit: Here) -> Response:
    """Every configured source, and how it is."""
    states = source_overview.overview(visit.session, all_sources(visit.settings.sources))
    return visit.page("runs/sources.html", states=states, lights=_lights(visit))


@pages.get("/sources/{name}", roles=READERS)
def show(visit: Here, name: str) -> Response:
    """One source: its settings in words, its history, and what it holds."""
    return _page(visit, _source(visit, name))


@pages.get("/sources/{name}/{provider}", roles=READERS)
def show_share(visit: Here, name: str, provider: str) -> Response:
    """What one provider sends to a mail source."""
    return _page(visit, _source(visit, f"{name}/{provider}"))


@pages.post("/sources/{name}/read", roles=WRITERS)
def read(visit: Here, name: str, *, at_any_hour: Ticked = False, anew: Ticked = False) -> Response:
    """Have it read and applied now."""
    source = _writable(visit, name)
    try:
        with visit.session.begin_nested():
            asked = asking.read_now(
                visit.session, source, actor=visit.actor, now=visit.now, by="page", at_any_hour=at_any_hour, anew=anew
            )
    except InputError as refused:
        return _page(visit, source, status=422, refused=refused.message)
    return visit.go(f"/runs/called/{asked.work_id}")


@pages.post("/sources/{name}/look", roles=WRITERS)
def look(visit: Here, name: str, *, at_any_hour: Ticked = False) -> Response:
    """Have its first records looked at; nothing is applied."""
    source = _writable(visit, name)
    try:
        with visit.session.begin_nested():
            asked = asking.look_now(
                visit.session, source, actor=visit.actor, now=visit.now, by="page", at_any_hour=at_any_hour
            )
    except InputError as refused:
        return _page(visit, source, status=422, refused=refused.message)
    return visit.go(f"/runs/called/{asked.work_id}")


def _page(visit: Visit, source: Source, *, status: int = 200, refused: Message | None = None) -> Response:
    (state,) = source_overview.overview(visit.session, [source])
    return visit.page(
        "runs/source.html",
        status=status,
        source=source,
        parent=source.name.partition("/")[0],
        state=state,
        light=_lights(visit).get(source.name.partition("/")[0]),
        settings=source_words.in_words(visit.settings.sources, source),
        history=history(visit.session, source, _HISTORY),
        rest=rest(visit.session, source.lane, configured_as(visit.settings, source).gentle),
        found=looked.last_look(visit.session, source.name),
        may_ask=_may_ask(visit, source) and not source.by_mail,
        refused=refused,
    )


def _lights(visit: Visit) -> dict[str, Light]:
    """The light of each source, by name."""
    found = lights(visit.session, visit.settings, visit.now)
    return {one.name: one for one in found if one.kind == "source"}


def _source(visit: Visit, name: str) -> Source:
    """The source of a name. Raises NotFound without telling what else is configured."""
    try:
        return find_source(visit.settings.sources, name)
    except NotFound:
        raise NotFound("There is no source {name}.", name=name) from None


def _writable(visit: Visit, name: str) -> Source:
    source = _source(visit, name)
    if not _may_ask(visit, source):
        raise NotAllowedError
    return source


def _may_ask(visit: Visit, source: Source) -> bool:
    return may_act(visit.person, of_prices=source.kind == "prices")
