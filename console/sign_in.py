"""The way to a login provider and back, the same for workers (console/pages/access.py) and families (console/pages/my_in.py)."""

import secrets
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import RedirectResponse, Response

from connectors.oidc import Provider, refusal
from console.visit import SEE_OTHER, Guest
from core.errors import Permanent
from core.i18n import N_
from services.access import logins

NOT_BEGUN_HERE: Final = N_(
    "This login was not begun in this browser, or was finished already. Nothing is wrong with your account: sign in again."
)
_TOO_LATE: Final = N_("Signing in took too long. Sign in again.")
_OTHER_PROVIDER: Final = N_("The answer does not come from this organisation's login provider. Sign in again.")


@dataclass(frozen=True)
class Way:
    """A provider, the name of the cookie that ties a login to its browser, and the address (whole) it leads back to."""

    provider: Provider
    cookie: str
    callback: str

    def begin(self, guest: Guest, *, return_to: str) -> Response:
        """Send the browser to the provider. `return_to` is a path of ours. Raises Transient, Permanent."""
        console = guest.console
        browser = guest.request.cookies.get(self.cookie) or secrets.token_urlsafe(32)
        with console.transaction() as session:
            begun = logins.begin(session, browser=browser, return_to=return_to)
        address = self.provider.authorization_url(
            redirect_uri=self.callback,
            state=begun.state,
            nonce=begun.nonce,
            verifier=begun.verifier,
            language=guest.request.state.language,
        )
        answer = RedirectResponse(address, SEE_OTHER)
        console.set_cookie(answer, self.cookie, browser, seconds=60 * logins.MINUTES)
        return answer

    def finish(self, guest: Guest, *, state: str, code: str, error: str, iss: str | None) -> tuple[dict[str, Any], str]:
        """What the provider says of whoever comes back, every check passed, and where to lead them. Raises Transient, Permanent."""
        with guest.console.transaction() as session:
            taken = logins.take(session, state=state, browser=guest.request.cookies.get(self.cookie, ""))
        if taken is None:
            raise Permanent(NOT_BEGUN_HERE)
        if not taken.in_time:
            raise Permanent(_TOO_LATE)
        if not self.provider.issued_by(iss):
            raise Permanent(_OTHER_PROVIDER)
        if error or not code:
            raise refusal(error)
        claims = self.provider.exchange(code, redirect_uri=self.callback, nonce=taken.nonce, verifier=taken.verifier)
        return claims, taken.return_to
