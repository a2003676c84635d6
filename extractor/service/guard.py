"""Who may come in, and with how much: before a request is read, and while its body is.

What a page of another site could send through the browser of whoever runs the service is refused: a `Host` that is not this
machine (DNS rebinding), an `Origin` that is not this service.
"""

import asyncio
import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from hashlib import sha256

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extractor.service.problems import ProblemError
from extractor.service.settings import Settings

_PORT = re.compile(r":\d{1,5}$")
_LOCAL = ("localhost", "127.0.0.1", "[::1]")
_OPEN = ("/healthz", "/readyz")
"""What may be asked without a token: whoever watches over the service has none, and nothing is told but that it is there."""
_UPLOADS = "/v1/jobs"
_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "content-security-policy": _POLICY,
}


class Guard:
    """The outermost layer. `loopback` says that only this machine reaches the service.

    Names the client in the request's state: by its token, else by its address.
    """

    def __init__(self, app: ASGIApp, settings: Settings, *, loopback: bool) -> None:
        self.app, self.limits, self.loopback = app, settings.limits, loopback
        self._tokens = {name: _hash(token) for name, token in settings.tokens.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check(headers)
            scope.setdefault("state", {})["client"] = self._client(scope, headers)
            most = self.limits.upload if scope["path"].rstrip("/") == _UPLOADS else self.limits.body
            _check_length(headers, most)
        except ProblemError as error:
            await _answer(send, error)
            return
        await self.app(scope, _Body(receive, most, self.limits.silence), _with_headers(send))

    def _check(self, headers: Headers) -> None:
        host = headers.get("host", "")
        if self.loopback and _PORT.sub("", host).lower() not in _LOCAL:
            raise ProblemError(421, "The request is for another host", "Ask http://127.0.0.1 or http://localhost.")
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            raise ProblemError(
                403, "The request comes from a page of another site", "Ask from a program, or from the service's page."
            )

    def _client(self, scope: Scope, headers: Headers) -> str:
        if not self._tokens or scope["path"] in _OPEN:
            peer = scope.get("client")
            return str(peer[0]) if peer else "local"
        given = _hash(_token(headers))
        found = None
        for name, token in self._tokens.items():  # all of them, so that the time tells nothing
            if hmac.compare_digest(given, token):
                found = name
        if found is None:
            fix = "Send the token: Authorization: Bearer TOKEN. A browser asks for a name, which may be any, and the token."
            raise ProblemError(401, "The request has no token that is known here", fix)
        return found


def _hash(token: str) -> bytes:
    return sha256(token.encode(errors="surrogatepass")).digest()


def _token(headers: Headers) -> str:
    """The token of a request: a bearer's, or the password that a browser asks for. Empty if there is none."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _check_length(headers: Headers, most: int) -> None:
    length = headers.get("content-length", "0")
    if not length.isdigit() or len(length) > 18 or int(length) > most:
        raise _too_large(most)


def _too_large(most: int) -> ProblemError:
    return ProblemError(413, f"The body is larger than {most:,} bytes", "Send less at once; POST /v1/jobs takes the most.")


class _Body:
    """A request's body as it comes, up to its limit, and not slower than its patience."""

    def __init__(self, receive: Receive, most: int, silence: float) -> None:
        self._receive, self._left, self._most, self._silence = receive, most, most, silence
        self._over = False

    async def __call__(self) -> Message:
        if self._over:
            return await self._receive()  # waits until the client has gone
        try:
            async with asyncio.timeout(self._silence):
                message = await self._receive()
        except TimeoutError:
            raise ProblemError(408, f"Nothing came for {self._silence:g} s", "Send the body without such pauses.") from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _too_large(self._most)
        self._over = not message.get("more_body", False)
        return message


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


async def _answer(send: Send, error: ProblemError) -> None:
    """Answer without reading the body, and end the connection, on which it would be taken for the next request."""
    body = error.problem.model_dump_json().encode()
    headers: Mapping[str, str] = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
    if error.status_code == 401:
        headers = {**headers, "www-authenticate": 'Basic realm="extractor", charset="UTF-8"'}
    start = [(name.encode(), value.encode()) for name, value in {**headers, **(error.headers or {}), **_HEADERS}.items()]
    await send({"type": "http.response.start", "status": error.status_code, "headers": start})
    await send({"type": "http.response.body", "body": body})
