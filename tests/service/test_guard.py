"""Who may come in, and who cannot keep others out."""

import asyncio
import base64
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from extractor.cli import app
from extractor.errors import UsageError
from extractor.service.settings import Limits, Settings, is_loopback, tokens_of
from tests.service.serving import DOCUMENT, Running, serving

TOKEN, OTHER = "right-" + "t" * 32, "other-" + "o" * 32
EVERYWHERE = "0.0.0.0"  # noqa: S104 (nothing is bound to it)
BASIC = base64.b64encode(f"anybody:{TOKEN}".encode()).decode()


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with tokens and small limits."""
    limits = Limits(body=65_536, upload=65_536, silence=0.5, waiting=150, queued=2, watchers=1)
    settings = Settings(tmp_path_factory.mktemp("locked") / "jobs", tokens={"me": TOKEN, "you": OTHER}, limits=limits)
    with serving(settings, loopback=False) as running:
        yield running


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="none"),
        pytest.param({"Authorization": "Bearer wrong"}, 401, id="wrong"),
        pytest.param({"Authorization": f"Bearer {TOKEN}x"}, 401, id="one character more"),
        pytest.param({"Authorization": f"Bearer {TOKEN[:-1]}"}, 401, id="one less"),
        pytest.param({"Authorization": f"Token {TOKEN}"}, 401, id="another scheme"),
        pytest.param({"Authorization": "Basic %%%"}, 401, id="broken"),
        pytest.param({"Authorization": f"Bearer {TOKEN}"}, 200, id="right"),
        pytest.param({"Authorization": f"Basic {BASIC}"}, 200, id="as a browser's password"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/docs", "/metrics", "/openapi.json", "/v1/jobs"])
def test_a_token_opens_everything_and_nothing_is_open_without(
    locked: Running, path: str, headers: dict[str, str], status: int
) -> None:
    answer = locked.ask("GET", path, headers=headers)
    assert answer.status_code == status
    assert ("www-authenticate" in answer.headers) is (status == 401)
    assert TOKEN not in answer.text


def test_whoever_watches_needs_no_token(locked: Running) -> None:
    assert locked.ask("GET", "/healthz").json()["status"] == "ok"
    assert locked.ask("GET", "/readyz").json() == {"status": "ready"}


def test_no_token_gets_into_what_is_said_or_shown(locked: Running, capfd: pytest.CaptureFixture[str]) -> None:
    for token in (TOKEN, "wrong-" + "w" * 32):
        locked.ask("POST", "/v1/extract", token=token, content=b"{")
        locked.ask("GET", f"/v1/jobs/{token}", token=token)
    locked.ask("GET", "/%00", token=TOKEN)
    shown = "".join(capfd.readouterr()) + "".join(locked.said) + repr(locked.settings)
    assert TOKEN not in shown
    assert "wrong-" not in shown
    for file in locked.settings.jobs.rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Host": "127.0.0.1:1"}, 200, id="this machine"),
        pytest.param({"Host": "localhost"}, 200, id="by name"),
        pytest.param({"Host": "[::1]:8080"}, 200, id="by its other address"),
        pytest.param({"Host": "evil.example"}, 421, id="another name that leads here"),
        pytest.param({"Host": "localhost.evil.example:8080"}, 421, id="a name that looks alike"),
        pytest.param({"Host": "127.0.0.1:80:80"}, 421, id="no host"),
        pytest.param({"Host": "localhost:80", "Origin": "http://localhost:80"}, 200, id="its own page"),
        pytest.param({"Host": "localhost:80", "Origin": "http://evil.example"}, 403, id="a page of another site"),
        pytest.param({"Host": "localhost:80", "Origin": "null"}, 403, id="a page without a site"),
        pytest.param({"Host": "localhost:80", "Origin": "http://localhost:3000"}, 403, id="another program of this machine"),
    ],
)
def test_pages_of_other_sites_cannot_ask(rules: Running, headers: dict[str, str], status: int) -> None:
    answer = rules.ask("POST", "/v1/extract", headers=headers, json=DOCUMENT)
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(locked: Running) -> None:
    with socket.create_connection(("127.0.0.1", locked.port), timeout=10) as one:
        head = f"POST /v1/extract HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 1000000000000\r\n\r\n"
        one.sendall(head.encode())
        answer = one.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"larger than 65,536 bytes" in answer


@pytest.mark.parametrize("path", ["/v1/extract", "/v1/jobs"])
def test_a_body_of_unknown_length_is_refused_when_it_is_too_large(locked: Running, path: str) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(1000):
            yield b" " * 1024

    try:
        answer = locked.ask("POST", path, token=TOKEN, content=parts())
        assert answer.status_code == 413
        assert "65,536 bytes" in answer.json()["cause"]
    except httpx.TransportError:  # the connection is ended on who goes on sending
        pass
    assert list((locked.settings.jobs / ".new").iterdir()) == []


def test_who_stops_sending_is_not_waited_for(locked: Running) -> None:
    with socket.create_connection(("127.0.0.1", locked.port), timeout=10) as one:
        head = f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 100\r\n\r\nhalf"
        one.sendall(head.encode())
        assert one.makefile("rb").read().startswith(b"HTTP/1.1 408 ")
    assert list((locked.settings.jobs / ".new").iterdir()) == []


def test_too_many_who_wait_are_told_when_to_come_back(locked: Running) -> None:
    documents = [{"id": str(n), "abstract": "It is 2x faster than SlowNet on a GPU. " * 8} for n in range(100)]

    async def flood() -> list[httpx.Response]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(base_url=locked.url, headers=headers, trust_env=False, timeout=60) as client:
            return await asyncio.gather(*(client.post("/v1/extract", json=documents) for _ in range(30)))

    answers = asyncio.run(flood())
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert {len(answer.json()["extractions"]) for answer in answers if answer not in refused} == {100}
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    assert locked.ask("POST", "/v1/extract", token=OTHER, json=DOCUMENT).status_code == 200


def test_a_thousand_idle_half_open_and_slow_connections_keep_nobody_out(rules: Running) -> None:
    """Some say nothing, some half a request, some never read the answer to theirs."""
    head = b"POST /v1/extract HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{"
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20
    idle = []
    try:
        for n in range(1000):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            one.connect(("127.0.0.1", rules.port))
            one.sendall([b"", b"POST /v1/extract HT", head, ask][n % 4 if n < 400 else 0])
            idle.append(one)
        began = time.monotonic()
        assert rules.ask("POST", "/v1/extract", json=DOCUMENT).status_code == 200
        assert rules.ask("GET", "/healthz").status_code == 200
        assert time.monotonic() - began < 15  # a connection that asks nothing is ended after 30
    finally:
        for one in idle:
            one.close()


def test_a_connection_that_asks_nothing_is_ended(rules: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extractor.service.server._ASKED", 0.2)
    for said in (b"", b"GET /healthz HTTP/1.1\r\nHost: local"):
        with socket.create_connection(("127.0.0.1", rules.port), timeout=10) as one:
            one.sendall(said)
            assert one.recv(100) == b""


def test_a_service_for_others_needs_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["serve", "--host", EVERYWHERE])
    assert done.exit_code == 2
    assert f"Everybody who reaches {EVERYWHERE} could use the service. Give --token-file" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"{TOKEN}\n", {"client-1": TOKEN}),
        (f"# mine\nme {TOKEN}\n\nyou {OTHER}\n", {"me": TOKEN, "you": OTHER}),
        ("short\n", "a token has at least 16"),
        ("", "holds no token"),
        (f"me {TOKEN}\nme {OTHER}\n", "came before"),
        (f"me {TOKEN} {OTHER}\n", "Write TOKEN or NAME TOKEN"),
    ],
)
def test_tokens_are_read_from_lines_and_never_quoted(text: str, wanted: dict[str, str] | str) -> None:
    if isinstance(wanted, dict):
        assert tokens_of(text, "tokens.txt") == wanted
        return
    with pytest.raises(UsageError, match=wanted) as refused:
        tokens_of(text, "tokens.txt")
    assert TOKEN not in str(refused.value)
    assert "short" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        (EVERYWHERE, False),
        ("::", False),
        ("host", False),
    ],
)
def test_which_addresses_are_of_this_machine(host: str, is_local: bool) -> None:
    assert is_loopback(host) is is_local


def test_jobs_that_wait_are_counted_by_client(locked: Running) -> None:
    """Two may wait; of one client's many, the other's is not one."""
    body = json.dumps(DOCUMENT).encode()
    big = b"\n".join(json.dumps({**DOCUMENT, "id": str(n)}).encode() for n in range(400))
    statuses = [locked.ask("POST", "/v1/jobs", token=TOKEN, content=big).status_code for _ in range(9)]
    assert 202 in statuses
    assert 429 in statuses
    assert locked.ask("POST", "/v1/jobs", token=OTHER, content=body).status_code == 202
