"""Whichever way a document comes, its record is the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from extractor import Document, extract_many
from extractor.labelling.models import ModelOptions
from extractor.outputs.jsonl import to_line
from extractor.service.settings import Settings
from tests.cli.batch.steps import asked, extractor, run
from tests.cli.jobs import NOTHING, PAPERS
from tests.labelling.model_server import ModelServer
from tests.service.serving import lines_of, serving, timeless

WHOLE = [*PAPERS, NOTHING]


def records(lines: list[bytes]) -> list[dict[str, Any]]:
    """Records without the seconds that they took."""
    return [timeless(line) for line in lines]


@pytest.mark.parametrize("model", ["rules", "openai/m"])
def test_command_line_python_service_and_batch_give_the_same_record(server: ModelServer, model: str) -> None:
    base_url = None if model == "rules" else server.url
    who = [] if base_url is None else asked(server)
    done = extractor("run", "papers.jsonl", "-o", "command-line", "--no-cache", *who)
    assert done.exit_code == 3, done.stderr  # of a record that cannot be read
    wanted = records(lines_of(Path("command-line")))
    assert [record["id"] for record in wanted] == [paper["id"] for paper in WHOLE]

    documents = [Document(paper["id"], paper["title"], paper["abstract"]) for paper in WHOLE]
    assert records([to_line(each) for each in extract_many(documents, model=model, base_url=base_url)]) == wanted

    with serving(Settings(Path("jobs").absolute(), ModelOptions(model, base_url, cache=False))) as service:
        alone = [service.ask("POST", "/v1/extract", json=paper).content for paper in WHOLE]
        together = service.ask("POST", "/v1/extract", json=WHOLE).json()
        id = service.submit(WHOLE)
        service.wait(id, "finished")
    assert records(alone) == wanted
    assert records([json.dumps(each).encode() for each in together["extractions"]]) == wanted
    assert records(lines_of(Path("jobs", id))) == wanted

    if base_url is not None:  # the rules have no batches
        assert run(server, "--no-cache", output="batch").exit_code == 3
        assert records(lines_of(Path("batch"))) == wanted
