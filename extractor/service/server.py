"""The sockets of the service: one process, one event loop, and nobody who holds a connection open keeps others out."""

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from extractor.errors import UsageError
from extractor.service.app import create_app
from extractor.service.service import Service, opened
from extractor.service.settings import Settings

_GRACE = 10
"""Seconds that requests under way have to end when the service is to."""
_ASKED = 30.0
"""Seconds that a connection has to ask something, from when it is opened to the end of the headers."""
_IDLE = 30
"""Seconds that a connection stays open between two requests."""
_BACKLOG = 2048


class _Protocol(HttpToolsProtocol):
    """HTTP for a connection that is ended if it asks nothing: uvicorn waits for the first request for ever."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._patience = self.loop.call_later(_ASKED, transport.close)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._patience is None:
            self._patience = self.loop.call_later(_ASKED, self.transport.close)

    def on_headers_complete(self) -> None:
        self._calm()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._calm()
        super().connection_lost(exc)

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class Server(uvicorn.Server):
    """A server that tells the service when it is to end, so that those who wait for news let go."""

    def __init__(self, service: Service, *, loopback: bool, ready: "Callable[[Server], None]") -> None:
        config = uvicorn.Config(
            create_app(service, loopback=loopback),
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=_IDLE,
            timeout_graceful_shutdown=_GRACE,
            backlog=_BACKLOG,
        )
        super().__init__(config)
        self._service, self._ready = service, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if not self.should_exit:
            self._ready(self)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End, on a signal."""
        self._loop.call_soon_threadsafe(self.end)
        super().handle_exit(sig, frame)

    def end(self) -> None:
        """Have the service end. To be called on the event loop's thread."""
        self._service.end()
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections. Raises `UsageError` where the address cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{host}:{port} cannot be had: {reason}. Choose another --host or --port.") from None
    listening.listen(_BACKLOG)
    listening.setblocking(False)
    return listening


def _allow_connections() -> None:
    """Let the process have as many files open as the system allows it: a connection is one."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def serve(
    settings: Settings,
    listening: socket.socket,
    notice: Callable[[str], None],
    ready: Callable[[Server], None],
    *,
    loopback: bool,
) -> None:
    """Run a service until a signal ends it. `ready` is called when it answers. Raises `UsageError` where it cannot begin."""
    _speak(notice)
    _allow_connections()
    async with opened(settings, notice) as service:
        server = Server(service, loopback=loopback, ready=ready)
        await server.serve([listening])


def _speak(notice: Callable[[str], None]) -> None:
    """Pass on what uvicorn has to say when something is wrong. It knows no bodies and no headers."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            notice(self.format(record))

    logger = logging.getLogger("uvicorn")
    logger.handlers, logger.propagate = [Handler(logging.WARNING)], False
    logger.setLevel(logging.WARNING)
