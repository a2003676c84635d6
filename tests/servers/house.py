"""A job against a server on loopback, from its command to what it has left behind."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from typer.testing import CliRunner

from extractor import read_extractions
from extractor.cli import app
from tests.cli.jobs import real
from tests.labelling.model_server import ModelServer
from tests.llm.server import Act, Request

KEY = "sk-loopback-0123456789abcdef"
_KEY_HEADERS = ("authorization", "x-api-key", "x-goog-api-key", "api-key")


def _short(count: int) -> list[dict[str, str]]:
    """The shortest real abstracts that hold something to label: what is tested here is not the labelling."""
    return sorted(real(60), key=lambda paper: len(paper["abstract"]))[:count]


PAPERS = _short(3)
FEW = len(PAPERS)


def write(papers: Iterable[dict[str, str]], name: str = "papers.jsonl") -> None:
    """Write the input of a job."""
    Path(name).write_text("".join(json.dumps(paper) + "\n" for paper in papers), encoding="utf-8")


@dataclass(frozen=True)
class Outcome:
    """What a job came to. `said` is standard error on one line."""

    code: int
    stdout: str
    stderr: str
    done: list[str]
    failures: list[dict[str, Any]]
    requests: list[Request]

    @property
    def said(self) -> str:
        """Standard error with single spaces."""
        return " ".join(self.stderr.split())


def run(
    server: ModelServer,
    *options: str,
    model: str = "openai/m",
    path: str = "/v1",
    output: str = "job",
    keys: Sequence[str] = (KEY,),
) -> Outcome:
    """Run `extractor run` on the papers with one call at a time, and look for the keys wherever they must not be."""
    before = len(server.requests)
    where = ["--base-url", server.server.root + path] if path != "-" else []
    done = CliRunner().invoke(app, ["run", "papers.jsonl", "-m", model, *where, "-o", output, "--concurrency", "1", *options])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    find_no(keys, done.output)
    folder = Path(output)
    records = folder / "extractions.jsonl"
    failures = folder / "failures.jsonl"
    return Outcome(
        done.exit_code,
        done.stdout,
        done.stderr,
        [record.id for record in read_extractions(output)] if records.exists() else [],
        [json.loads(line) for line in failures.read_bytes().splitlines()] if failures.exists() else [],
        server.requests[before:],
    )


def find_no(keys: Sequence[str], said: str) -> None:
    """Assert that no key, nor its first or last 8 characters, stands in what was said or in a file of the working folder."""
    parts = {part for key in keys for part in (key[:8], key[-8:])}
    for part in parts:
        assert part not in said, f"a key in the output: {said}"
        for file in Path.cwd().rglob("*"):
            if file.is_file() and not file.is_symlink():
                assert part.encode() not in file.read_bytes(), f"a key in {file}"


def echoing(act: Act) -> Act:
    """Answer as the act does, with the key that came in a further field and a header of the answer: a proxy that debugs."""

    async def echoed(request: Request) -> web.StreamResponse:
        response = await act(request)
        came = next((request.headers[name] for name in _KEY_HEADERS if name in request.headers), None)
        if came is None or not isinstance(response, web.Response):
            return response
        response.headers["X-Debug"] = came
        if response.content_type == "application/json" and response.text:
            body = json.loads(response.text)
            for each in body if isinstance(body, list) else [body]:
                if isinstance(each, dict):
                    each["debug"] = {"headers": {"authorization": came}}
            response.text = json.dumps(body)
        return response

    return echoed
