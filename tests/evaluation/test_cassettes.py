"""A model's replies are recorded once and played again without a server; what is not recorded ends at once and says how."""

import asyncio
import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from typer.testing import CliRunner, Result

from extractor.cli import app
from extractor.evaluation.cassettes import RECORDING, faults
from extractor.evaluation.sets import read_sets
from extractor.evaluation.systems import align_recorded, recorded
from tests.gold import SEEDS
from tests.labelling.model_server import ModelServer, is_reask, labels, right_labels, shown
from tests.llm.server import Request, calls_tool, completion, fails

ROOT = Path(__file__).parents[2]
CASSETTES = ROOT / "evals" / "cassettes"
KEY = "sk-loopback-0123456789abcdef"
MODEL = "openai/tiny:1b"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with four gold files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXTRACTOR_KEYS", str(tmp_path / "keys.toml"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    (tmp_path / "gold").mkdir()
    for path in sorted(SEEDS.glob("*.json"))[:4]:
        shutil.copy(path, tmp_path / "gold")
    return tmp_path


@pytest.fixture
def server() -> Iterator[ModelServer]:
    def forget(request: Request, right: dict[str, Any]) -> dict[str, Any]:
        """The first abstract's system is wrong at first."""
        wrong = shown(request).title.startswith("Kraken") and not is_reask(request)
        return right | {"system": "HAL"} if wrong else right

    with ModelServer(labels(forget)) as running:
        yield running


def evaluate(*options: str, form: tuple[str, ...] = ("--json",)) -> Result:
    return CliRunner().invoke(app, ["eval", "--gold", "gold", "--cassettes", "cassettes", "-m", MODEL, *form, *options])


def figures(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)["sets"]["gold"]
    return found


def record(server: ModelServer, *options: str) -> Result:
    return evaluate("--base-url", server.url, "--record", *options)


def cassette(name: str = "s001") -> Path:
    return Path("cassettes", "openai", "tiny_1b", "label@2", f"{name}.json")


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_what_is_recorded_is_played_again_to_the_same_figures_without_a_server(server: ModelServer) -> None:
    recorded = record(server)
    assert recorded.exit_code == 0, recorded.stderr
    asked = len(server.requests)
    played = evaluate()
    assert (played.exit_code, played.stderr) == (0, "")
    assert played.stdout == recorded.stdout
    assert len(server.requests) == asked
    used = figures(played)["usage"]
    assert (used["calls"], used["reasks"], used["input_tokens"]) == (asked, 1, 100 * asked)
    assert used["per_abstract"]["calls"] == asked / 4
    assert cassette().with_name(RECORDING).exists()


def test_the_table_shows_what_the_model_took(server: ModelServer) -> None:
    assert record(server).exit_code == 0
    shown_lines = evaluate(form=()).stdout.splitlines()
    for row in ("claims: detection", "calls", "re-asked", "input tokens", "abstracts without a call", "rejected"):
        assert [line for line in shown_lines if line.startswith(row)], row


def test_a_cassette_is_readable_and_holds_neither_key_nor_headers(server: ModelServer, home: Path) -> None:
    assert record(server).exit_code == 0
    for path in (home / "cassettes").rglob("*.json"):
        assert list(faults(path)) == []
        assert KEY not in path.read_text(encoding="utf-8")
    first, again = json.loads(cassette().read_bytes())["interactions"]
    assert first["request"]["headers"] == {"Content-Type": "application/json"}
    assert list(first["response"]["headers"]) == ["content-type"]
    assert first["request"]["json"]["messages"][-1]["content"].startswith("Title: Kraken")
    assert "system 'HAL' is not in the abstract" in str(again["request"]["json"]["messages"][-1])


@pytest.mark.parametrize("status", [401, 404])
def test_an_interrupted_recording_goes_on_where_it_was(server: ModelServer, status: int) -> None:
    server.server.acts = [*server.server.acts * 3, fails(status, "who are you?")]
    stopped = record(server)
    assert stopped.exit_code == 1
    assert f"{status}: who are you?" in stopped.stderr.splitlines()[-1]
    assert [cassette(f"s00{n}").exists() for n in (1, 2, 3)] == [True, True, False]
    server.server.acts = server.server.acts[:1]
    before = len(server.requests)
    assert record(server).exit_code == 0
    asked = [shown(request).title for request in server.requests[before:]]
    assert len(asked) == len(set(asked)) == 2
    assert evaluate().exit_code == 0


def test_a_replay_asks_as_it_was_recorded(server: ModelServer) -> None:
    assert record(server, "--narrow-schema", "never").exit_code == 0
    assert evaluate().exit_code == 0
    assert evaluate("--narrow-schema", "always").exit_code == 1


def test_votes_are_recorded_apart_and_played_again_with_their_confidence(server: ModelServer) -> None:
    assert record(server).exit_code == 0
    once = len(server.requests)
    recorded = record(server, "--votes", "3")
    assert recorded.exit_code == 0, recorded.stderr
    assert len(server.requests) == 4 * once
    played = evaluate("--votes", "3")
    assert (played.stdout, played.stderr) == (recorded.stdout, "")
    found = figures(played)
    assert found["usage"]["calls"] == 3 * once
    assert (found["calibration"]["claims"] > 0, found["calibration"]["bins"][-1]["confidence"]) == (True, 1.0)
    assert figures(evaluate())["calibration"] is None
    assert len(server.requests) == 4 * once
    missing = evaluate("--votes", "5")
    assert missing.exit_code == 2
    assert "--votes 5 --record" in missing.stderr


def test_a_new_prompt_replaces_what_it_makes_idle(server: ModelServer) -> None:
    shutil.copy(ROOT / "prompts" / "label.md", "mine.md")
    assert record(server, "--prompt", "mine.md").exit_code == 0
    rewrite(Path("mine.md"), "copy words exactly from the title", "copy words from the title")
    assert record(server, "--prompt", "mine.md").exit_code == 0
    assert "copy words exactly" not in cassette().read_text(encoding="utf-8")
    assert evaluate("--prompt", "mine.md").stderr == ""


def test_a_request_that_is_not_recorded_ends_at_once_beside_the_nearest(server: ModelServer) -> None:
    assert record(server).exit_code == 0
    asked = len(server.requests)
    shutil.copy(ROOT / "prompts" / "label.md", "mine.md")
    rewrite(Path("mine.md"), "You label the numbers", "You name the numbers")
    missed = evaluate("--prompt", "mine.md")
    assert (missed.exit_code, missed.stdout, len(server.requests)) == (1, "", asked)
    [line] = missed.stderr.splitlines()
    assert line.startswith("extractor: s001: no recorded request is like this one; the nearest, request 1 in ")
    assert "has 'You label the numbers in the a...' at messages[0].content, not 'You name the numbers in the ab...'" in line
    assert line.endswith(f"To record: extractor eval --model {MODEL} --base-url {server.url} --prompt mine.md --record")


def test_a_document_without_a_cassette_says_so(server: ModelServer) -> None:
    assert record(server).exit_code == 0
    cassette("s002").unlink()
    missed = evaluate()
    assert missed.exit_code == 1
    assert "s002: there is no cassette" in missed.stderr
    cassette("s002").write_text("{}")
    assert "is not a cassette (KeyError). Remove it and record it again." in evaluate().stderr


def test_without_any_recording_it_says_how_to_make_one() -> None:
    missed = evaluate("--base-url", "http://127.0.0.1:9/v1")
    assert missed.exit_code == 2
    assert missed.stderr.rstrip().endswith(f"extractor eval --model {MODEL} --base-url http://127.0.0.1:9/v1 --record")
    assert not Path("cassettes").exists()


def test_outages_are_not_recorded_and_compressed_replies_are_readable(server: ModelServer) -> None:
    async def packed(request: Request) -> web.StreamResponse:
        body = completion((await right_labels(shown(request))).model_dump_json())
        response = web.Response(body=gzip.compress(json.dumps(body).encode()), content_type="application/json")
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Set-Cookie"] = "session=secret"
        return response

    server.server.acts = [fails(429, headers={"Retry-After": "0"}), packed]
    assert record(server).exit_code == 0
    [interaction] = json.loads(cassette().read_bytes())["interactions"]
    assert interaction["response"]["status"]["code"] == 200
    assert "choices" in interaction["response"]["json"]
    assert evaluate().exit_code == 0


def test_a_mode_that_the_server_refused_is_refused_again_in_the_replay(server: ModelServer) -> None:
    async def tools_only(request: Request) -> web.StreamResponse:
        if "tools" not in request.body:
            return await fails(400, "response_format json_schema is not supported")(request)
        return await calls_tool((await right_labels(shown(request))).model_dump_json())(request)

    server.server.acts = [tools_only]
    recorded = record(server)
    played = evaluate()
    assert (recorded.exit_code, played.exit_code) == (0, 0)
    assert played.stdout == recorded.stdout
    assert "going on with tool calling" in recorded.stderr
    assert json.loads(cassette().read_bytes())["interactions"][0]["response"]["status"]["code"] == 400


def test_an_abstract_without_a_usable_answer_counts_as_missed(server: ModelServer) -> None:
    server.server.acts = [labels(lambda request, right: "no" if shown(request).title.startswith("Kraken") else right)]
    assert record(server).exit_code == 0
    found = figures(evaluate())
    assert (found["documents"], found["usage"]["unanswered"], found["usage"]["reasks"]) == (4, 1, 2)
    assert found["claims"]["detection"]["missed"] >= 1


def test_requests_that_nothing_asks_any_more_are_told(server: ModelServer) -> None:
    assert record(server).exit_code == 0
    data = json.loads(cassette("s002").read_bytes())
    data["interactions"].append(data["interactions"][0] | {"request": {**data["interactions"][0]["request"], "json": {}}})
    cassette("s002").write_text(json.dumps(data))
    played = evaluate()
    assert played.exit_code == 0
    assert "s002.json holds requests that nothing asks any more" in played.stderr
    assert json.loads(cassette("s002").read_text()) == data  # a replay writes nothing


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"content-type":', '"set-cookie":', "the response header 'set-cookie'"),
        ('"Content-Type":', '"Authorization":', "the request header 'Authorization'"),
        ("/chat/completions", "/chat/completions?key=x", "a query or a user in its address"),
        ("Title: Kraken", f"Title: {KEY}", "looks like a secret"),
        ("Title: Kraken", "Title: Bearer abc", "looks like a secret"),
        ("Title: Kraken", "Title: /home/me/models", "looks like a secret or a path"),
        ("Title: Kraken", "Title: saved in /tmp/models", "looks like a secret or a path"),
    ],
)
def test_a_planted_secret_is_found(server: ModelServer, old: str, new: str, fault: str) -> None:
    assert record(server).exit_code == 0
    rewrite(cassette(), old, new)
    found = list(faults(cassette()))
    assert found
    assert all(fault in one for one in found)


@pytest.mark.parametrize(
    "recording",
    [pytest.param(path, id=str(path.parent.relative_to(CASSETTES))) for path in sorted(CASSETTES.rglob(RECORDING))] or [None],
)
def test_the_recordings_of_the_repository_hold_no_secret_and_nothing_idle(recording: Path | None) -> None:
    if recording is None:
        assert not [path for path in CASSETTES.rglob("*") if path.is_file()]  # nothing is recorded
        return
    assert [fault for path in sorted(recording.parent.iterdir()) for fault in faults(path)] == []
    sets = read_sets(ROOT / "evals" / "gold")
    [played] = [each for each in recorded(sets, CASSETTES) if each.folder == recording.parent]
    files = {path.stem for path in recording.parent.iterdir()}
    told: list[str] = []
    alignments = [
        alignment
        for gold in sets
        if files & {each.document.id for each in gold.documents}
        for alignment in asyncio.run(align_recorded(gold.documents, played.options, CASSETTES, notice=told.append))
    ]
    assert told == []
    made = {alignment.gold.document.id for alignment in alignments if alignment.extraction.provenance.calls}
    assert files == made | {recording.stem}
