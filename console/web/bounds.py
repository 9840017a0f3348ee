"""How much a browser may send: the body is counted as it comes in, whatever its Content-Length says."""

from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Bounds:
    """Ends a request whose body is larger than `max_bytes`: `refuse` makes the answer, whatever the page makes of its cut-off body."""

    def __init__(self, app: ASGIApp, max_bytes: int, refuse: Callable[[Request], Response]) -> None:
        self._app, self._max, self._refuse = app, max_bytes, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        stated = request.headers.get("content-length", "0")
        if not stated.isascii() or not stated.isdigit() or int(stated) > self._max:
            await self._refuse(request)(scope, receive, send)
            return
        seen, started = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max:
                raise ClientDisconnect
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            if seen > self._max and not started:
                return  # what the page says of a body that was cut off: ours says why
            started = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except ClientDisconnect:
            if seen <= self._max:
                raise
        if seen > self._max and not started:
            await self._refuse(request)(scope, receive, send)
