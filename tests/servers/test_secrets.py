"""Keys and addresses that hold secrets: sent to one server alone, and shown and written nowhere."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from typer.testing import CliRunner

from extractor import read_extractions
from extractor.cli import app
from tests.labelling.model_server import ModelServer
from tests.llm.server import Request
from tests.servers.house import FEW, KEY, PAPERS, find_no, run
from tests.servers.shapes import at_first, for_one, openai, page, refuses, replies, right, usable, writes

Environment = Callable[..., None]


@pytest.mark.parametrize(
    ("status", "where"),
    [
        *((status, "other port") for status in (300, 301, 302, 303, 305, 307, 308)),
        *((307, where) for where in ("same port", "path", "without a host")),
    ],
)
def test_a_redirect_is_followed_nowhere(status: int, where: str) -> None:
    with ModelServer(right()) as other:

        async def act(request: Request) -> web.StreamResponse:
            own = f"http://{request.raw.host}"
            to = {"other port": other.server.root, "same port": own, "path": "", "without a host": "//"}[where]
            return web.Response(status=status, headers={"Location": f"{to}/v1/elsewhere"})

        with ModelServer(act) as server:
            came = run(server)
        assert other.requests == []
    assert (came.code, came.done, len(came.requests)) == (1, [], 1)
    [line] = came.stderr.splitlines()
    assert f"answered {status}" in line
    assert "the address is right" in line


ECHOES: dict[str, Callable[[str], Any]] = {
    "whole": lambda key: openai(f"The key {key} may not do this"),
    "with its scheme": lambda key: openai(f"Authorization: Bearer {key} may not do this"),
    "cut off at 8": lambda key: openai(f"The key {key[:8]}... may not do this"),
    "cut off at 20": lambda key: openai(f"The key {key[:20]}***** may not do this"),
    "its end": lambda key: openai(f"The key ***{key[-8:]} may not do this"),
    "both ends": lambda key: openai(f"The key {key[:10]}...{key[-10:]} may not do this"),
    "twice": lambda key: openai(f"{key}{key} may not do this: {key}"),
    "in a string": lambda key: {"error": f"key={key} may not do this"},
    "in a list": lambda key: [openai(f"The key {key} may not do this")],
    "in a page": lambda key: page("400 Bad Request", f"The key {key} may not do this"),
    "in text": lambda key: f"The key {key} may not do this\n",
    "as JSON in a string": lambda key: openai(json.dumps(openai(f"The key {key} may not do this"))),
    "behind a long text": lambda key: openai("may not do this " + "x" * 285 + key),
    "escaped": lambda key: openai(f"The key {key} may not do this", more="\u00e9\u2028"),
}


@pytest.mark.parametrize("case", ECHOES)
def test_a_key_that_a_server_sends_back_is_masked(case: str) -> None:
    with ModelServer(for_one(refuses(400, ECHOES[case](KEY)))()) as server:
        came = run(server)
    assert (came.code, len(came.done)) == (3, FEW - 1)
    [failure] = came.failures
    assert "may not do this" in failure["cause"]
    assert "[key]" in failure["cause"] or case == "behind a long text"


@pytest.mark.parametrize("output", ["job", "-"])
@pytest.mark.parametrize("cut", [slice(None), slice(12), slice(-12, None)], ids=["whole", "its beginning", "its end"])
def test_a_key_in_a_reply_gets_into_no_record_and_not_into_the_cache(cut: slice, output: str) -> None:
    act = writes(lambda text: json.dumps(json.loads(text) | {"system": KEY[cut], "missed": [f"{KEY[cut]} x"]}))
    with ModelServer(act) as server:
        came = run(server, output=output)
    assert came.code == 0
    assert "[key]" in (came.stdout if output == "-" else Path("job", "extractions.jsonl").read_text(encoding="utf-8"))


def test_a_key_in_thoughts_or_in_a_call_is_masked_too() -> None:
    def both(labels: dict[str, Any]) -> dict[str, Any]:
        arguments = json.dumps(labels | {"system": KEY})
        return {"tool_calls": [{"id": KEY, "type": "function", "function": {"name": KEY, "arguments": arguments}}]}

    with ModelServer(replies(both)) as server:
        came = run(server, "--log-format", "json")
    assert (came.code, len(came.done)) == (0, FEW)


def test_a_key_that_is_told_back_goes_to_its_own_server_alone(house: Path) -> None:
    with ModelServer(at_first(writes(lambda text: json.dumps(json.loads(text) | {"system": KEY})))()) as server:
        came = run(server)
    assert (came.code, len(came.done)) == (0, FEW)
    assert all(not record.rejected for record in read_extractions("job"))


@pytest.mark.parametrize("key", ["k", "key", "is", "model"])
def test_a_key_that_is_a_word_masks_nothing(key: str, environment: Environment) -> None:
    environment(OPENAI_API_KEY=key, GROQ_API_KEY="a", HF_TOKEN="The")  # noqa: S106 (no password)
    words = "The key of the model is weak"
    with ModelServer(for_one(refuses(400, openai(words)))()) as server:
        came = run(server, keys=())
    [failure] = came.failures
    assert words in failure["cause"]
    assert server.requests[0].headers["authorization"] == f"Bearer {key}"


@pytest.mark.parametrize(
    "variable", ["TOGETHERAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "COMETAPI_KEY", "GEMINI_API_KEY"]
)
def test_a_key_of_another_provider_in_the_environment_is_masked(variable: str, environment: Environment) -> None:
    other = "hf_anotherkey0123456789"
    environment(OPENAI_API_KEY=KEY, **{variable: other})
    with ModelServer(for_one(refuses(400, openai(f"{other} is not for this")))()) as server:
        came = run(server, keys=(KEY, other))
    [failure] = came.failures
    assert "[key] is not for this" in failure["cause"]


def test_a_key_of_the_key_file_is_masked(environment: Environment, house: Path) -> None:
    environment()
    stored = house / "keys.toml"
    stored.write_text(f'OPENAI_API_KEY = "{KEY}"\nGROQ_API_KEY = "gsk_another0123456789"\n', encoding="utf-8")
    stored.chmod(0o600)
    with ModelServer(for_one(refuses(400, openai(f"{KEY} and gsk_another0123456789 are bad")))()) as server:
        came = run(server, keys=())
    [failure] = came.failures
    assert "[key] and [key] are bad" in failure["cause"]
    stored.unlink()
    find_no((KEY, "gsk_another0123456789"), came.stdout + came.stderr)


def test_a_path_in_the_environment_is_no_key(environment: Environment, house: Path) -> None:
    environment(OPENAI_API_KEY=KEY, GOOGLE_APPLICATION_CREDENTIALS=str(house / "papers.jsonl"))
    with ModelServer(for_one(refuses(400, openai("no luck")))()) as server:
        came = run(server, output=str(house / "job"))
    assert str(house / "job" / "extractions.jsonl") in came.said


# Addresses: one usage line before anything is read, which shows nothing of what may be secret

SECRET = "s3cr3t-pass-0123456789"  # noqa: S105 (that is what it is here for)
ADDRESSES = {
    "a fragment": f"http://127.0.0.1:9/v1#{SECRET}",
    "a fragment with a query": f"http://127.0.0.1:9/v1#?{SECRET}",
    "a query": f"http://127.0.0.1:9/v1?key={SECRET}",
    "a query of two": f"http://127.0.0.1:9/v1?a=1&key={SECRET}",
    "a user": f"http://{SECRET}@127.0.0.1:9/v1",
    "a password": f"http://me:{SECRET}@127.0.0.1:9/v1",
    "a password with a question mark": f"http://me:{SECRET}?@127.0.0.1:9/v1",
    "a password with a slash": f"http://me:{SECRET}/@127.0.0.1:9/v1",
    "a password with a hash": f"http://me:#{SECRET}@127.0.0.1:9/v1",
    "a password with an at": f"http://me:{SECRET}@{SECRET}@127.0.0.1:9/v1",
    "a password before a question mark": f"http://me:?{SECRET}@127.0.0.1:9/v1",
    "a password before a slash": f"http://me:/{SECRET}@127.0.0.1:9/v1",
    "a password and no scheme": f"me:{SECRET}@127.0.0.1:9/v1",
    "a user and no scheme": f"{SECRET}@127.0.0.1:9/v1",
    "another scheme": f"ftp://me:{SECRET}@127.0.0.1/v1",
    "a scheme alone": f"https://:{SECRET}@",
    "a key in the path of a user": f"http:/me:{SECRET}@127.0.0.1:9/v1",
    "a backslash": f"http://me:{SECRET}\\@127.0.0.1:9/v1",
    "a control character": f"http://127.0.0.1:9/\x1b{SECRET}",
    "a line end": f"http://127.0.0.1:9/v1\n{SECRET}",
    "a space": f"http://127.0.0.1:9/v1 {SECRET}",
    "half a character": f"http://127.0.0.1:9/\udcff{SECRET}",
    "a port with a secret": f"http://127.0.0.1:{SECRET}/v1",
    "a bracket": f"http://[{SECRET}/v1",
}
HOSTS = {
    "a port too high": "http://127.0.0.1:65536/v1",
    "a port of 0": "http://127.0.0.1:0/v1",
    "a port below 0": "http://127.0.0.1:-1/v1",
    "a port of letters": "http://127.0.0.1:http/v1",
    "no host": "http:///v1",
    "a host of dots": "http://../v1",
    "an empty label": "http://a..b/v1",
    "a long label": f"http://{'a' * 64}.invalid/v1",
    "a long host": f"http://{'.'.join(['a' * 60] * 6)}/v1",
    "half an IPv6 address": "http://[::1/v1",
    "no IPv6 address": "http://[zz]/v1",
    "a host with a space": "http://a b/v1",
    "a host with a percent": "http://a%zz/v1",
    "a host with a star": "http://*/v1",
    "a host of half a character": "http://\udcff/v1",
    "a host with a null": "http://a\x00b/v1",
    "a mark": "http://\u2024/v1",
    "no scheme": "127.0.0.1:8080/v1",
    "nothing": " ",
}


@pytest.mark.parametrize(
    ("case", "model"),
    [
        *((case, "openai/m") for case in [*ADDRESSES, *HOSTS]),
        *((case, "mistral/m") for case in ("a fragment", "a password", "a port with a secret", "no host")),
    ],
)
def test_an_address_that_cannot_be_one_is_one_line_before_anything_is_read(
    case: str, model: str, environment: Environment
) -> None:
    environment(OPENAI_API_KEY=KEY, MISTRAL_API_KEY=KEY)
    address = (ADDRESSES | HOSTS)[case]
    done = CliRunner().invoke(app, ["run", "papers.jsonl", "-m", model, "--base-url", address, "-o", "job"])
    assert (done.exit_code, done.stdout) == (2, ""), done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith("extractor: ")
    assert not Path("job").exists()
    find_no((SECRET,), done.output)


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "EXTRACTOR_BASE_URL"])
def test_an_address_of_the_environment_is_held_to_the_same(variable: str, environment: Environment) -> None:
    environment(OPENAI_API_KEY=KEY, **{variable: ADDRESSES["a password with a question mark"]})
    done = CliRunner().invoke(app, ["run", "papers.jsonl", "-m", "openai/m", "-o", "job"])
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    find_no((SECRET,), done.output)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{port}/v1", "http://localhost:{port}/v1/", "http://127.0.0.1:{port}/v1/chat/completions"]
)
def test_an_address_that_can_be_one_is_taken(address: str) -> None:
    with ModelServer(right()) as server:
        port = server.url.rpartition(":")[2].partition("/")[0]
        done = CliRunner().invoke(
            app, ["run", "papers.jsonl", "-m", "openai/m", "--base-url", address.format(port=port), "-o", "job"]
        )
        assert done.exit_code == 0, done.stderr
        assert {request.path for request in server.requests} == {"/v1/chat/completions"}


KEYS = {
    "a line end": f"{KEY[:14]}\n{KEY[14:]}",
    "a carriage return": f"{KEY[:14]}\r{KEY[14:]}",
    "a header": f"{KEY}\r\nX-Injected: 1",
    "a null": f"{KEY[:14]}\x01{KEY[14:]}",
    "a letter that no header holds": f"{KEY}\u2019",
    "half a character": f"{KEY}\udcff",
}


@pytest.mark.parametrize("case", KEYS)
@pytest.mark.parametrize("model", ["openai/m", "mistral/m"])
def test_a_key_that_cannot_be_one_is_one_line_before_anything_is_read(case: str, model: str, environment: Environment) -> None:
    environment(OPENAI_API_KEY=KEYS[case], MISTRAL_API_KEY=KEYS[case])
    with ModelServer(right()) as server:
        came = run(server, model=model)
    assert (came.code, came.stdout, came.requests) == (2, "", [])
    [line] = came.stderr.splitlines()
    assert ("OPENAI_API_KEY" if model == "openai/m" else "MISTRAL_API_KEY") in line
    assert not Path("job").exists()


def test_a_key_with_white_space_around_it_is_the_key_without(environment: Environment) -> None:
    environment(OPENAI_API_KEY=f" {KEY}\n")
    with ModelServer(right()) as server:
        came = run(server)
    assert came.code == 0
    assert came.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_what_the_job_keeps_of_its_server_is_the_address_alone() -> None:
    with ModelServer(usable()) as server:
        assert run(server).code == 0
    settings = json.loads(Path("job", "job.json").read_bytes())["settings"]
    assert settings["base_url"] == server.url
    assert len(PAPERS) == FEW
