"""Ways in and out: the organisation's login provider, one-time links where there is none, signing out."""

from typing import Final
from urllib.parse import quote, unquote

import structlog
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from connectors.oidc import Provider, SignedIn
from console.roles import EVERYBODY
from console.sign_in import NOT_BEGUN_HERE, Way
from console.visit import SEE_OTHER, Anybody, Guest, Here, Pages, Visit, address_of, passed_on
from console.web.hosts import host_name
from console.web.paths import safe_path
from core.clock import business_now
from core.console_settings import LOOPBACK, is_loopback
from core.errors import AvainError, Message, Permanent, Transient
from core.i18n import N_
from services.access import entry, sessions
from services.access.people import find_worker

log = structlog.get_logger()
pages = Pages()

#: What one address may try; whole offices come from one.
_LOGINS: Final = "60/minute"
_LINKS: Final = "20/minute"
_CALLBACK: Final = "/login/callback"
_SIGNED_OUT: Final = "/logout"

_NO_ROLE: Final = N_(
    "You are known to the login provider, but you have no role in Avain. Ask your supervisor, or whoever runs Avain in your organisation, for one."
)
_USED_UP: Final = N_(
    "This link has been used already or is too old: it is good for {minutes} minutes, once. For a new one, run: avain console link"
)


@pages.open_get("/login", at_most=_LOGINS)
def login(guest: Anybody, to: str = "/") -> Response:
    """To the login provider; where there is none, how to come in."""
    return_to = safe_path(to)
    if guest.person is not None:
        return RedirectResponse(return_to, SEE_OTHER)
    console = guest.console
    if console.provider is None:
        page = guest.page("login/login.html", links=console.links)
        if console.links and return_to != "/":
            # whoever comes back with a link is led there
            console.set_cookie(page, console.login_cookie, quote(return_to, safe=""), seconds=60 * entry.MINUTES)
        return page
    try:
        return _way(guest, console.provider).begin(guest, return_to=return_to)
    except AvainError as error:
        return _failed(guest, error)


@pages.open_get(_CALLBACK, at_most=_LOGINS)
def callback(guest: Anybody, state: str = "", code: str = "", error: str = "", iss: str | None = None) -> Response:
    """Back from the login provider: check everything, and sign the person in."""
    console, oidc = guest.console, guest.settings.console.oidc
    if console.provider is None or oidc is None:
        return _failed(guest, Permanent(NOT_BEGUN_HERE))
    try:
        claims, return_to = _way(guest, console.provider).finish(guest, state=state, code=code, error=error, iss=iss)
        who = SignedIn(claims, oidc)
        if not who.roles:
            return _failed(
                guest,
                Permanent(_NO_ROLE),
                elsewhere=console.provider.sign_out_url(return_to=_address(guest, _SIGNED_OUT)),
            )
        secret = _open(guest, who)
    except AvainError as refused:
        return _failed(guest, refused)
    return _signed_in(guest, secret, safe_path(return_to))


@pages.open_get("/enter/{token}", at_most=_LINKS)
def link(guest: Anybody, token: str) -> Response:
    """A button that uses the link: whatever only looks at links (scanners, previews) must not use it up."""
    refused = _links_refused(guest)
    if refused is not None:
        return refused
    with guest.console.transaction() as session:
        good = entry.is_good(session, token)
    return guest.page("login/enter.html", token=token) if good else _used_up(guest)


@pages.open_post("/enter/{token}", at_most=_LINKS)
def enter(guest: Anybody, token: str) -> Response:
    """Use a link."""
    refused = _links_refused(guest)
    if refused is not None:
        return refused
    with guest.console.transaction() as session:
        hours = guest.settings.console.session_hours
        secret = entry.enter(session, token, hours=hours, now=business_now(session))
        if secret:
            _leave(guest, session)
    if not secret:
        return _used_up(guest)
    wanted = guest.request.cookies.get(guest.console.login_cookie)
    answer = _signed_in(guest, secret, safe_path(unquote(wanted or "/")))
    if wanted is not None:
        guest.console.drop_cookie(answer, guest.console.login_cookie)
    return answer


@pages.open_get(_SIGNED_OUT)
def signed_out(guest: Anybody) -> Response:
    """Where signing out leads to."""
    return RedirectResponse("/", SEE_OTHER) if guest.person else guest.page("login/signed_out.html")


@pages.post("/logout", roles=EVERYBODY)
def logout(visit: Here) -> Response:
    """Sign out, of the login provider as well where it offers that."""
    console = visit.console
    sessions.close_session(visit.session, visit.person, now=visit.now)
    onward = _SIGNED_OUT
    if console.provider is not None:
        try:
            onward = console.provider.sign_out_url(return_to=_address(visit, _SIGNED_OUT)) or onward
        except AvainError as error:
            log.info("provider_sign_out_unknown", reason=error.message.msgid)
    answer = RedirectResponse(onward, SEE_OTHER)
    console.drop_cookie(answer, console.cookie)
    return answer


def _way(guest: Guest, provider: Provider) -> Way:
    return Way(provider, guest.console.login_cookie, _address(guest, _CALLBACK))


def _open(guest: Guest, who: SignedIn) -> str:
    """A session for somebody the provider answers for, with the worker they are, if they are one."""
    with guest.console.transaction() as session:
        _leave(guest, session)
        worker = find_worker(session, subject=who.subject, email=who.email)
        return sessions.open_session(
            session,
            subject=who.subject,
            name=worker.name if worker else who.name,
            roles=who.roles,
            worker_id=worker.id if worker else None,
            hours=guest.settings.console.session_hours,
            now=business_now(session),
            actor=f"worker:{worker.external_id}" if worker else f"user:{who.subject}",
            how="oidc",
        )


def _leave(guest: Guest, session: Session) -> None:
    """Whoever was signed in with this browser before is no longer."""
    if guest.person is not None:
        sessions.close_session(session, guest.person, now=business_now(session))


def _signed_in(guest: Guest, secret: str, path: str) -> Response:
    answer = RedirectResponse(path, SEE_OTHER)
    guest.console.set_cookie(answer, guest.console.cookie, secret)
    return answer


def _failed(guest: Guest, error: AvainError, *, elsewhere: str | None = None) -> Response:
    """Why signing in did not work. The log hears which sentence it was, and not of whom. `elsewhere`: where to sign out of the provider."""
    log.info("login_refused", reason=error.message.msgid)
    status = 503 if isinstance(error, Transient) else 403
    return guest.page("login/failed.html", status=status, sentence=str(error), elsewhere=elsewhere)


def _links_refused(guest: Guest) -> Response | None:
    """Links are for people at this very machine: not through a proxy, and not under another machine's name."""
    if not guest.console.links:
        return _failed(guest, Permanent("Here you sign in with the organisation's login provider, not with a link."))
    headers = guest.request.headers
    if (
        passed_on(guest.request)
        or not is_loopback(address_of(guest.request))
        or host_name(headers.get("host", "")) not in LOOPBACK
    ):
        return _failed(guest, Permanent("One-time links work on the machine that Avain runs on, and nowhere else."))
    return None


def _used_up(guest: Guest) -> Response:
    return _failed(guest, Permanent(Message(_USED_UP, minutes=entry.MINUTES)))


def _address(where: Guest | Visit, path: str) -> str:
    return where.settings.console.origin + path
