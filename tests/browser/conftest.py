"""A headless Chromium, the explorer's page with its rows in it, and the same page on a server.

`make browser` runs these tests. They need the extra `browser` and Chromium, and fail without them; `make test` leaves them out.
"""

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from extractor.outputs.explorer import Explorer, NotThereError, fetched_page, page_of_jobs, write_page
from tests.outputs.explorer.jobs import job

Opened = Callable[..., Page]
Serve = Callable[[Path], str]
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """The path of Chromium."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "Chromium is not installed. Run `make browser`, or name it: CHROMIUM=/path/to/chromium."
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        yield started
        started.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The job that `tests.outputs.explorer.jobs` knows claim by claim."""
    return job(tmp_path_factory.mktemp("browser") / "job")


@pytest.fixture(scope="session")
def held(folder: Path) -> str:
    """The address of its page, with its rows in it."""
    return write_page(folder / "explorer.html", page_of_jobs([folder])).as_uri()


@pytest.fixture(scope="session")
def serve() -> Iterator[Serve]:
    """Serve the page of a job, and answer it as a service does; the page's address."""
    servers = []

    def start(folder: Path) -> str:
        explorer = Explorer([folder], folder / "index.sqlite")

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                if path == "/explore":
                    return self._send("text/html", fetched_page(str(folder), "explore/"))
                try:
                    answer, code = explorer.answer(path.removeprefix("/explore/"), query), 200
                except NotThereError as error:
                    answer, code = {"detail": str(error)}, 404
                return self._send("application/json", json.dumps(answer), code)

            def _send(self, kind: str, body: str, code: int = 200) -> None:
                self.send_response(code)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/explore"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def fetched(folder: Path, serve: Serve) -> str:
    """The address of its page on a server."""
    return serve(folder)


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """Open an address and wait for its claims. Nothing may be fetched from elsewhere, and nothing may go wrong unseen."""
    contexts, faults = [], list[str]()

    def heard(said: ConsoleMessage) -> None:
        if said.type in ("error", "warning") and "404" not in said.text:
            faults.append(said.text)

    def open_page(
        address: str, width: int = 1280, height: int = 800, scheme: Any = "light", wait: bool = True, clock: bool = False
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        if clock:
            page.clock.install()  # the test says when time goes by
        own = address.partition("#")[0].removesuffix("explore")
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", heard)
        page.on("dialog", lambda dialog: faults.append(f"a dialog: {dialog.message}"))
        page.on("request", lambda sent: None if sent.url.startswith(own) else faults.append(f"asked for {sent.url}"))
        page.goto(address)
        if wait:
            page.locator("#main[aria-busy=false]").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def go(page: Page, fragment: str) -> None:
    """Show another state of the page that is open."""
    page.evaluate(
        """(fragment) => new Promise((done) => {
          const look = () => (document.getElementById("main").ariaBusy === "false" ? done() : setTimeout(look, 5));
          addEventListener("hashchange", look, { once: true });
          location.hash = fragment;
        })""",
        fragment,
    )


@pytest.fixture(params=["held", "fetched"])
def address(request: pytest.FixtureRequest) -> str:
    """The page with its rows in it, and on a server."""
    return str(request.getfixturevalue(request.param))
