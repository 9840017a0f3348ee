"""How much a browser may send: the body is counted as it comes in, whatever its Content-Length says. And in which alphabet: forms are read
before anybody looks at who sends them, and some of the encodings that Python knows take minutes for a megabyte, or yield what no text holds.
"""

from collections.abc import Callable
from typing import Final

from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: So much (bytes) is taken from whoever is not signed in: for them there is no form with more than a few words.
_FROM_A_STRANGER: Final = 64 * 1024
#: No length has more.
_DIGITS: Final = 18
_UTF_8: Final = frozenset({b"", b"utf-8", b"utf8"})


class Bounds:
    """Ends a request whose body is larger than `max_bytes`: `refuse` makes the answer, whatever the page makes of its cut-off body.

    `unreadable` answers a form in another encoding than UTF-8, which no browser sends from our pages.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        refuse: Callable[[Request], Response],
        unreadable: Callable[[Request], Response],
    ) -> None:
        self._app, self._max, self._refuse, self._unreadable = app, max_bytes, refuse, unreadable

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        most = self._max if request.state.person is not None else min(self._max, _FROM_A_STRANGER)
        refused = self._refused(request, most)
        if refused is not None:
            await refused(scope, receive, send)
            return
        seen, started = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise ClientDisconnect
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            if seen > most and not started:
                return  # what the page says of a body that was cut off: ours says why
            started = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except ClientDisconnect:
            if seen <= most:
                raise
        if seen > most and not started:
            await self._refuse(request)(scope, receive, send)

    def _refused(self, request: Request, most: int) -> Response | None:
        """What is said before anything of the body is read."""
        # by the very function that the form is read with: there is more than one way to write a parameter
        charset = parse_options_header(request.headers.get("content-type"))[1].get(b"charset", b"")
        if charset.lower() not in _UTF_8:
            return self._unreadable(request)
        stated = request.headers.get("content-length", "0")
        plain = stated.isascii() and stated.isdigit() and len(stated) <= _DIGITS
        return None if plain and int(stated) <= most else self._refuse(request)
