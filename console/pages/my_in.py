"""How a family comes in to "My budget", and out: a link with its code, or the broker that the organisation lets clients log in by.

Looking at a link changes nothing and asks the database nothing: mail scanners open every link, and whoever tries links must not tell one that
exists from one that never did. The link stands in the address as at /reply (console/pages/reply.py says how it stays there).
"""

from typing import Final

import anyio
import structlog
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from connectors.oidc import NotStrongEnoughError, Provider, claim_at
from console.family import FamilyPages, OfFamily
from console.forms import Typed
from console.sign_in import NOT_BEGUN_HERE, Way
from console.visit import SEE_OTHER, Anybody, Guest
from core import keys
from core.clock import business_now
from core.errors import AvainError, Message, Permanent, Transient
from core.i18n import N_
from services.family import entry, links
from services.family.sessions import Family
from services.sealing import indexing_in_force

log = structlog.get_logger()
pages = FamilyPages()

#: What one address may try; telephones share theirs with many.
_LOOKS: Final = "60/minute"
_CODES: Final = "20/minute"
_LOGINS: Final = "60/minute"
#: So long (seconds) every refusal of a code takes at least, whatever its reason: how long it took must not tell it.
EVEN_SECONDS: Final = 0.25
#: Nobody's link or code is longer, however it is typed.
_LONGEST: Final = 100
_CALLBACK: Final = "/my/login/callback"

_WRONG: Final = N_(
    "This link and this code do not open anything. Check both: they stand on the paper that you were given. After {count} wrong codes a link stops"
    " working; then ask your worker for a new one."
)
_NO_CODE: Final = N_("The code has eight digits. Check it from your paper.")
_OVER: Final = N_("This link does not work any more. Ask your worker for a new one.")
_NO_BUDGET: Final = N_("No budget was found for you here. Ask your worker about it.")
_FAILED: Final = N_("Logging in did not work. Try again. If it does not work then either, ask your worker for a link.")
_LATER: Final = N_("Logging in does not work just now. Try again in a moment.")
_NOT_STRONG: Final = N_("The way you identified yourself is not enough here. Choose another way to identify yourself.")


@pages.open_get("/my/in", at_most=_LOOKS)
def way_in(guest: Anybody) -> Response:
    """How to come in."""
    return RedirectResponse("/my", SEE_OTHER) if guest.request.state.family else _page(guest)


@pages.open_get("/my/in/{secret}", at_most=_LOOKS)
def link(guest: Anybody, secret: str) -> Response:
    """A field for the code that belongs to a link."""
    return _page(guest, link=secret[:_LONGEST])


@pages.open_post("/my/in", at_most=_CODES)
async def enter(guest: Anybody, link: Typed = "", code: Typed = "") -> Response:
    """Come in by a link and its code."""
    even = anyio.current_time() + EVEN_SECONDS
    answer = await run_in_threadpool(_enter, guest, link.strip().rpartition("/")[2][:_LONGEST], code)
    if answer.status_code != SEE_OTHER:
        await anyio.sleep_until(even)
    return answer


@pages.open_get("/my/login", at_most=_LOGINS)
def login(guest: Anybody) -> Response:
    """To the broker."""
    provider = guest.console.family_provider
    if provider is None:
        return RedirectResponse("/my/in", SEE_OTHER)
    try:
        return _way(guest, provider).begin(guest, return_to="/my")
    except AvainError as error:
        return _refused(guest, error)


@pages.open_get(_CALLBACK, at_most=_LOGINS)
def callback(guest: Anybody, state: str = "", code: str = "", error: str = "", iss: str | None = None) -> Response:
    """Back from the broker. The henkilötunnus it tells is made into its blind index, and gone with this request."""
    provider, oidc = guest.console.family_provider, guest.settings.family.oidc
    try:
        sealer = keys.sealer(guest.settings)
        if provider is None or oidc is None or sealer is None:
            raise Permanent(NOT_BEGUN_HERE)
        claims, _to = _way(guest, provider).finish(guest, state=state, code=code, error=error, iss=iss)
        told = claim_at(claims, oidc.henkilotunnus_claim)
        if not isinstance(told, str):
            raise Permanent("The login provider does not tell the henkilötunnus of whoever logs in.")
        with guest.console.transaction() as session:
            index = indexing_in_force(session, sealer).blind_index(told)
            _leave(guest, session)
            minutes = guest.settings.family.session_minutes
            cookie = entry.come_in(session, index, minutes=minutes, now=business_now(session))
    except AvainError as refused:
        return _refused(guest, refused)
    if cookie is None:
        return _page(guest, status=403, problem=Message(_NO_BUDGET))
    return _came_in(guest, cookie)


@pages.post("/my/out", who_only_looks=True)
def out(visit: OfFamily) -> Response:
    """Sign out, of the broker as well where it offers that."""
    entry.leave(visit.session, visit.family, now=visit.now)
    onward, provider = "/my/in", visit.console.family_provider
    if provider is not None and visit.family.link_id is None:
        try:
            onward = provider.sign_out_url(return_to=f"{visit.console.family_origin}/my/in") or onward
        except AvainError as error:
            log.info("family_provider_sign_out_unknown", reason=error.message.msgid)
    answer = RedirectResponse(onward, SEE_OTHER)
    visit.console.drop_cookie(answer, visit.console.family_cookie)
    return answer


def _enter(guest: Guest, link: str, code: str) -> Response:
    family = guest.settings.family
    if not links.is_code(code):  # no guess, so it does not count
        return _page(guest, status=422, link=link, problem=Message(_NO_CODE))
    with guest.console.transaction() as session:  # committed whatever comes of it: wrong codes count
        now = business_now(session)
        tried = links.enter(session, link, code, key=keys.family_code_key(guest.settings), now=now, settings=family)
        if tried.came == "in":
            _leave(guest, session)
    if tried.came == "in":
        return _came_in(guest, tried.secret)
    if tried.came == "over":
        return _page(guest, status=410, problem=Message(_OVER))
    return _page(guest, status=403, link=link, problem=Message(_WRONG, count=family.wrong_codes))


def _leave(guest: Guest, session: Session) -> None:
    """Whoever was in with this browser before is no longer."""
    family: Family | None = guest.request.state.family
    if family is not None:
        entry.leave(session, family, now=business_now(session))


def _came_in(guest: Guest, cookie: str) -> Response:
    answer = RedirectResponse("/my", SEE_OTHER)
    guest.console.set_cookie(answer, guest.console.family_cookie, cookie)
    return answer


def _way(guest: Guest, provider: Provider) -> Way:
    return Way(provider, guest.console.family_login_cookie, guest.console.family_origin + _CALLBACK)


def _refused(guest: Guest, error: AvainError) -> Response:
    """Why logging in did not work: in words that help a family. What it was stands in the log, and not of whom."""
    log.info("family_login_refused", reason=error.message.msgid)
    if isinstance(error, Transient):
        return _page(guest, status=503, problem=Message(_LATER))
    return _page(
        guest, status=403, problem=Message(_NOT_STRONG if isinstance(error, NotStrongEnoughError) else _FAILED)
    )


def _page(guest: Guest, *, status: int = 200, link: str = "", problem: Message | None = None) -> Response:
    return guest.page(
        "my/in.html",
        status=status,
        link=link,
        problem=problem.text() if problem else None,
        by_login=guest.console.family_provider is not None,
    )
