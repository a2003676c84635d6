"""Jobs in shards and the same on one machine, for the tests of them."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from extractor.cli import app
from extractor.jobs.job import Job, Outcome
from extractor.jobs.ray.engine import RayRunner
from extractor.jobs.runner import Runner
from extractor.labelling.models import ModelOptions
from extractor.outputs.jsonl import read_extractions
from tests.cli.jobs import real

MANY = real(40)
BAD = {"id": "bad", "title": "FastNet", "abstract": ""}


def write(papers: list[dict[str, str]]) -> None:
    Path("papers.jsonl").write_text("".join(json.dumps(paper) + "\n" for paper in papers), encoding="utf-8")


def run(
    options: ModelOptions | None = None, *, said: list[str] | None = None, shards: int | None = 6, parquet: bool = False
) -> Outcome:
    job = Job(("papers.jsonl",), options or ModelOptions(), engine="ray", shards=shards, parquet=parquet)
    return RayRunner(job, print if said is None else said.append).run(Path("job"))


def local(options: ModelOptions | None = None) -> Outcome:
    return Runner(Job(("papers.jsonl",), options or ModelOptions())).run(Path("local"))


def records(folder: str) -> list[dict[str, Any]]:
    """What a folder holds, without how long it took."""
    found = [record.model_dump(mode="json") for record in read_extractions(folder)]
    return [each | {"provenance": each["provenance"] | {"seconds": 0}} for each in found]


def whole() -> list[str]:
    """The shards that the manifest lists; each has its folder."""
    listed = [shard["folder"] for shard in json.loads(Path("job/manifest.json").read_bytes())["shards"]]
    assert listed == sorted(f"shards/{place.name}" for place in Path("job/shards").iterdir())
    return listed


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])
