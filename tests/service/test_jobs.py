"""Jobs over HTTP: a file in, its state and its records out, each client in its turn, and none lost when a service ends."""

import asyncio
import csv
import io
import json
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from typer.testing import CliRunner

from extractor.cli import app
from extractor.errors import UsageError
from extractor.jobs.job import Job
from extractor.jobs.runner import Runner
from extractor.labelling.models import ModelOptions
from extractor.service.records import part
from extractor.service.settings import Limits, Settings
from tests.cli.jobs import KEY, PAPERS
from tests.labelling.model_server import ModelServer, labels, shown
from tests.llm.server import Request
from tests.service.serving import DOCUMENT, Running, lines_of, serving, timeless
from tests.sources.support import SAMPLES

MANY = [{"id": f"p{n}", "title": f"Net{n}", "abstract": f"Net{n} is {n % 97 + 2}x faster than SlowNet."} for n in range(400)]
TOKENS = {"big": "b" * 32, "small": "s" * 32}


def test_a_job_goes_from_a_file_to_its_records(rules: Running) -> None:
    body = b"title,abstract,id\nTern,Tern is 2x faster than Gull.,t1\nGull,,g1\n"
    begun = rules.ask("POST", "/v1/jobs", params={"name": "papers.csv"}, content=body)
    assert begun.status_code == 202
    id = begun.json()["id"]
    assert begun.headers["location"] == f"/v1/jobs/{id}"
    state = rules.wait(id, "finished")
    assert (state["file"], state["done"], state["failed"], state["pending"]) == ("papers.csv", 1, 1, 0)
    [group] = state["failures"]
    assert (group["count"], group["cause"]) == (1, "no abstract")
    records = rules.ask("GET", f"/v1/jobs/{id}/extractions")
    assert (records.status_code, records.headers["content-type"]) == (200, "application/x-ndjson")
    assert records.content == b"".join(lines_of(rules.settings.jobs / id))
    table = rules.ask("GET", f"/v1/jobs/{id}/claims.csv")
    assert (table.status_code, table.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    [row] = csv.DictReader(io.StringIO(table.text))
    assert (row["job"], row["document"], row["quantity"], row["factor"]) == (id, "t1", "2x", "2.0")
    assert id in [job["id"] for job in rules.ask("GET", "/v1/jobs").json()["jobs"]]


def test_a_jobs_folder_is_an_ordinary_one_that_tells_no_path_of_the_machine(rules: Running) -> None:
    id = rules.submit([DOCUMENT, {"id": "bad"}])
    state = rules.wait(id, "finished")
    told = CliRunner().invoke(app, ["status", str(rules.settings.jobs / id), "--json"])
    assert {name: state[name] for name in state if name not in ("id", "file", "created")} == {
        name: value for name, value in json.loads(told.stdout).items() if name != "batches"
    }
    everything = [
        state,
        rules.ask("GET", f"/v1/jobs/{id}/extractions").text,
        rules.ask("GET", f"/v1/jobs/{id}/claims.csv").text,
    ]
    assert str(rules.settings.jobs.parent) not in repr(everything)
    assert str(rules.settings.jobs.parent) not in (rules.settings.jobs / id / "failures.jsonl").read_text()


def test_every_sample_gives_what_the_command_line_gives(rules: Running, tmp_path: Path) -> None:
    """Three formats of a kind each; all are read by the same reader, from a file of the same name."""
    for sample in ("papers.bib", "papers.csv", "pubmed.xml"):
        file = SAMPLES / sample
        Runner(Job((str(file),))).run(tmp_path / sample)
        begun = rules.ask("POST", "/v1/jobs", params={"name": sample}, content=file.read_bytes())
        rules.wait(begun.json()["id"], "finished")
        mine, theirs = (lines_of(folder) for folder in (rules.settings.jobs / begun.json()["id"], tmp_path / sample))
        assert [timeless(line) for line in mine] == [timeless(line) for line in theirs] != []


def test_records_come_in_pages_and_in_ranges(rules: Running) -> None:
    id = rules.submit(MANY[:10])
    rules.wait(id, "finished")
    lines = lines_of(rules.settings.jobs / id)
    page: dict[str, Any] = {"limit": 4}
    got: list[bytes] = []
    while (answer := rules.ask("GET", f"/v1/jobs/{id}/extractions", params=page)).content:
        got.append(answer.content)
        page["after"] = answer.headers["x-next"]
    assert got == [b"".join(lines[n : n + 4]) for n in (0, 4, 8)]
    whole = b"".join(lines)
    for asked, wanted in {"bytes=0-9": whole[:10], "bytes=100-": whole[100:], "bytes=-7": whole[-7:]}.items():
        answer = rules.ask("GET", f"/v1/jobs/{id}/extractions", headers={"Range": asked})
        start = whole.find(wanted) if asked != "bytes=-7" else len(whole) - 7
        assert (answer.status_code, answer.content) == (206, wanted)
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(wanted) - 1}/{len(whole)}"
    assert rules.ask("GET", f"/v1/jobs/{id}/extractions", headers={"Range": "bytes=999999-"}).status_code == 416
    assert rules.ask("GET", f"/v1/jobs/{id}/extractions", params={"after": "0-0"}).status_code == 409
    assert rules.ask("GET", f"/v1/jobs/{id}/extractions", params={"after": "../x"}).status_code == 422


def test_a_line_that_is_being_written_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "extractions.jsonl").write_bytes(b'{"id": "a"}\n{"id": "b"}\n{"id": "c')
    whole = part(tmp_path, None, None, None)
    assert whole is not None
    mark = whole.next
    assert b"".join(whole.chunks()) == b'{"id": "a"}\n{"id": "b"}\n'
    with (tmp_path / "extractions.jsonl").open("ab") as file:
        file.write(b'"}\n')
    rest = part(tmp_path, mark, None, None)
    assert rest is not None
    assert b"".join(rest.chunks()) == b'{"id": "c"}\n'


def test_events_follow_a_job_to_its_end(rules: Running) -> None:
    id = rules.submit(MANY)
    with httpx.stream("GET", f"{rules.url}/v1/jobs/{id}/events", trust_env=False, timeout=30) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = [block.split("\ndata: ") for block in "".join(stream.iter_text()).strip().split("\n\n")]
    kinds = [kind for kind, _ in events]
    assert kinds == ["event: progress"] * (len(kinds) - 1) + ["event: end"]
    assert json.loads(events[-1][1])["state"] == "finished"
    assert json.loads(events[-1][1])["done"] == len(MANY)


@pytest.mark.parametrize(
    ("params", "body", "status", "cause"),
    [
        pytest.param({"name": "../../etc/passwd"}, b"x", 422, "String should match pattern", id="a path"),
        pytest.param({"name": ".hidden"}, b"x", 422, "String should match pattern", id="hidden"),
        pytest.param({"name": "x.csv", "format": "word"}, b"x", 422, "There is no format", id="no format"),
        pytest.param({"fields": "name=x"}, b"[]", 422, "field mapping", id="no mapping"),
    ],
)
def test_a_job_that_cannot_run_is_refused_and_leaves_nothing(
    rules: Running, params: dict[str, str], body: bytes, status: int, cause: str
) -> None:
    before = sorted(path for path in rules.settings.jobs.rglob("*"))
    answer = rules.ask("POST", "/v1/jobs", params=params, content=body)
    assert (answer.status_code, cause in answer.json()["cause"]) == (status, True), answer.text
    assert str(rules.settings.jobs) not in answer.text
    assert sorted(path for path in rules.settings.jobs.rglob("*")) == before


def test_a_form_is_told_how_a_file_is_sent(rules: Running) -> None:
    answer = rules.ask("POST", "/v1/jobs", files={"file": b"x"})
    assert (answer.status_code, answer.json()["fix"]) == (415, "Send the file itself: curl --data-binary @papers.csv")


def test_a_job_that_is_taken_away_is_gone(rules: Running) -> None:
    id = rules.submit(MANY)
    assert rules.ask("DELETE", f"/v1/jobs/{id}").status_code == 204
    assert not (rules.settings.jobs / id).exists()
    for method, path in [("GET", ""), ("GET", "/extractions"), ("GET", "/events"), ("POST", "/cancel"), ("DELETE", "")]:
        assert rules.ask(method, f"/v1/jobs/{id}{path}").status_code == 404
    assert rules.ask("GET", "/v1/jobs/../request.json").status_code == 404
    assert rules.ask("GET", "/v1/jobs/%2e%2e%2f%2e%2e").status_code == 404


def test_a_big_job_keeps_no_other_client_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a model, one job runs at a time: the big one, whose answers are slow, gives way and goes on from where it was."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    asked: list[str] = []
    others_are_done = threading.Event()

    async def act(request: Request) -> web.StreamResponse:
        title = shown(request).title
        asked.append(title)
        if title.startswith("Net"):
            await asyncio.to_thread(others_are_done.wait, 0.3)
        return await labels()(request)

    big, me, you = MANY[:150], TOKENS["big"], TOKENS["small"]
    with ModelServer(act) as model:
        asks = ModelOptions("openai/m", model.url, concurrency=4, cache=False)
        settings = Settings(tmp_path / "jobs", asks, tokens=TOKENS, limits=Limits(slice=0.05))
        with serving(settings) as running:
            long = running.submit(big, me)
            running.wait(long, "running", token=me)
            short = running.submit([DOCUMENT], you)
            assert running.ask("POST", "/v1/extract", token=you, json=DOCUMENT).status_code == 200
            assert running.state(long, me)["state"] in {"running", "queued"}
            running.wait(short, "finished", token=you)
            assert running.state(long, me)["done"] < len(big)
            assert running.ask("GET", f"/v1/jobs/{long}", token=you).status_code == 404
            assert [job["id"] for job in running.ask("GET", "/v1/jobs", token=you).json()["jobs"]] == [short]
            others_are_done.set()
            running.wait(long, "finished", token=me)
    assert [json.loads(line)["id"] for line in lines_of(tmp_path / "jobs" / long)] == [paper["id"] for paper in big]
    assert sorted(asked) == sorted([*(paper["title"] for paper in big), "FastNet", "FastNet"])


def test_a_service_that_ends_leaves_its_jobs_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "cache.sqlite3"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    asked: list[str] = []
    held = threading.Event()

    async def act(request: Request) -> web.StreamResponse:
        asked.append(str(request.body["messages"]))
        if len(asked) == 4:
            held.set()
        return await labels()(request)

    with ModelServer(act) as model:
        settings = Settings(tmp_path / "jobs", ModelOptions("openai/m", model.url, concurrency=1, cache=False))
        with serving(settings) as running:
            id = running.submit(PAPERS)
            assert held.wait(20)
        done = len(lines_of(tmp_path / "jobs" / id))
        assert 0 < done < len(PAPERS)
        with serving(settings) as running:
            state = running.wait(id, "finished")
            again = running.submit(PAPERS[:1])
            assert running.wait(again, "finished")["calls"] == 1
        assert (state["done"], state["failed"], state["calls"]) == (len(PAPERS), 0, len(PAPERS))
    assert len(asked) == len(PAPERS) + 1
    assert [json.loads(line)["id"] for line in lines_of(tmp_path / "jobs" / id)] == [paper["id"] for paper in PAPERS]


def test_a_cancelled_job_keeps_what_is_done_and_is_not_taken_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    release = threading.Event()

    async def act(request: Request) -> web.StreamResponse:
        await asyncio.to_thread(release.wait, 20)
        return await labels()(request)

    with ModelServer(act) as model:
        settings = Settings(tmp_path / "jobs", ModelOptions("openai/m", model.url, concurrency=1, cache=False))
        with serving(settings) as running:
            first, second = running.submit(PAPERS), running.submit(PAPERS)
            running.wait(first, "running")
            for id in (second, first):
                assert running.ask("POST", f"/v1/jobs/{id}/cancel").status_code == 202
            assert running.state(second)["state"] == "cancelled"
            assert running.state(first)["state"] == "stopping"
            release.set()
            assert running.wait(first, "cancelled")["done"] >= 1
        with serving(settings) as running:
            time.sleep(0.2)
            assert [running.state(id)["state"] for id in (first, second)] == ["cancelled", "cancelled"]


def test_the_folder_of_one_job_is_not_made_that_of_all(tmp_path: Path) -> None:
    (tmp_path / "job.json").touch()
    with pytest.raises(UsageError, match="is the folder of one job"), serving(Settings(tmp_path)):
        pass
    assert [*tmp_path.iterdir()] == [tmp_path / "job.json"]


def test_two_services_do_not_share_a_folder(rules: Running) -> None:
    with pytest.raises(UsageError, match="Another service keeps its jobs in"), serving(Settings(rules.settings.jobs)):
        pass
