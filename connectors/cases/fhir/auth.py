"""Who Avain is to a FHIR server: nobody, the holder of a fixed token, or an OAuth2 client (RFC 6749, 4.4: client credentials).

A token that was given out is used for its life, by one visit, and asked for anew once the server no longer takes it. A client
certificate is the door's matter (connectors/http.py).
"""

import base64
import math
from collections.abc import Callable
from typing import Final
from urllib.parse import quote_plus, urlencode

from connectors.http import HttpDoor
from connectors.pace import Pace
from core.errors import Permanent
from core.source_settings import Fhir
from documents import plain_json

#: Seconds before its end at which a token is no longer used: a request takes its time too.
_MARGIN: Final = 30.0
#: A token for more seconds than this has no end.
_LONGEST_LIFE: Final = 1e9
_REFUSALS: Final = frozenset({400, 401, 403})


class Credentials:
    """The Authorization header of each request."""

    def __init__(self, settings: Fhir, door: HttpDoor, pace: Pace, *, clock: Callable[[], float]) -> None:
        self._settings, self._door, self._pace, self._clock = settings, door, pace, clock
        self._token: str | None = None
        self._until = 0.0

    def header(self) -> dict[str, str]:
        """The header, or none; fetches a token where there is none in force. Raises as HttpDoor, and Permanent when none is given."""
        fixed = self._settings.bearer_token
        if fixed is not None:
            return {"authorization": f"Bearer {fixed.get_secret_value()}"}
        if self._settings.token_url is None:
            return {}
        if self._token is None or self._clock() >= self._until:
            self._token = self._fetched(self._settings.token_url)
        return {"authorization": f"Bearer {self._token}"}

    def forget(self) -> bool:
        """The server refused the token. True if another can be had."""
        had, self._token = self._token is not None, None
        return had

    def _fetched(self, url: str) -> str:
        settings = self._settings
        secret = settings.client_secret.get_secret_value() if settings.client_secret is not None else ""
        pair = f"{quote_plus(settings.client_id or '')}:{quote_plus(secret)}"  # RFC 6749, 2.3.1
        form = {"grant_type": "client_credentials", **({"scope": settings.scope} if settings.scope else {})}
        headers = {
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded",
            "authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
        }
        self._pace.before_request()
        asked_at = self._clock()
        reply, body = self._door.request(
            "POST", url, headers=headers, content=urlencode(form).encode(), answers=_REFUSALS
        )
        if reply.status in _REFUSALS:
            raise Permanent(
                "The server of tokens refused this client ({status}). See client_id, client_secret and scope.",
                status=reply.status,
            )
        given = plain_json.read_object(body)
        token, life = given.get("access_token"), given.get("expires_in")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token or not token:
            raise Permanent("The server of tokens answered without a token.")
        self._until = math.inf
        if isinstance(life, int | float) and not isinstance(life, bool) and abs(life) <= _LONGEST_LIFE:
            self._until = asked_at + life - _MARGIN
        return token
