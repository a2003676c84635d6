"""Addresses: a file of a web server is read as one on the disk; what the server does wrong is told in one line."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from extractor.errors import UsageError
from extractor.sources import BadRecord, Sourced, read

RECORDS = "".join(json.dumps({"id": str(n), "abstract": "A. " * 100}) + "\n" for n in range(2000)).encode()
PART = RECORDS.index(b'{"id": "1500"')
PAGE = b'<!doctype html><html><a href="papers.jsonl">Papers</a></html>'
STATUS = {"/forbidden": 403, "/gone": 404, "/broken": 500}
TO_DIE = threading.Event()


class Handler(BaseHTTPRequestHandler):
    """Answers by the path; `/dies` sends a part, and ends when it is told to."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in STATUS:
            self.send_error(STATUS[path])
            return
        if path in ("/moved", "/round"):
            self.send_response(302)
            self.send_header("Location", {"/moved": "/papers.jsonl"}.get(path, path))
            self.end_headers()
            return
        body = {"/papers.jsonl.gz": gzip.compress(RECORDS), "/page/": PAGE}.get(path, RECORDS)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Accept-Ranges", "none")  # so that it is read as it comes, and not in blocks of 5 MB
        self.send_header("Content-Type", "text/html" if body is PAGE else "application/octet-stream")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:PART] if path == "/dies" else body)
            if path == "/dies":
                TO_DIE.wait(30)

    do_HEAD = do_GET  # noqa: N815 (its name in the standard library)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as above)
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize("path", ["papers.jsonl", "papers.jsonl.gz", "moved", "papers?page=2&of=*"])
def test_a_file_of_a_server_is_read(path: str, server: str) -> None:
    found = list(read([f"{server}/{path}"]))
    assert [one.document.id for one in found if isinstance(one, Sourced)] == [str(n) for n in range(2000)]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("gone", "There is no such file or folder: "),
        ("forbidden", "cannot be read: .*403"),
        ("broken", "cannot be read: .*500"),
        ("round", "cannot be read: TooManyRedirects"),
    ],
)
def test_what_a_server_refuses_is_told_before_anything_is_read(path: str, message: str, server: str) -> None:
    with pytest.raises(UsageError, match=message) as told:
        read([f"{server}/{path}"])
    assert "\n" not in str(told.value)


def test_a_page_is_no_folder_of_its_links(server: str) -> None:
    [bad] = read([f"{server}/page/"])
    assert isinstance(bad, BadRecord)
    assert bad.cause == "a web page"


def test_a_server_that_dies_costs_what_it_did_not_send(server: str) -> None:
    reading = read([f"{server}/dies"])
    first = next(reading)  # an HTTP client gives nothing of a connection that is lost before the first byte is asked for
    TO_DIE.set()
    *found, last = [first, *reading]
    assert 0 < len(found) <= 1500
    assert all(isinstance(one, Sourced) for one in found)
    assert isinstance(last, BadRecord)
    assert last.cause.startswith("cannot be read further: ")
    assert "\n" not in last.cause
