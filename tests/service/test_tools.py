"""The worker as tools of an assistant, asked by the protocol's own client over standard input and output."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from extractor import extract
from extractor.errors import BudgetError
from extractor.jobs.job import Job
from extractor.jobs.runner import Runner
from extractor.labelling.rules import RulesLabeller
from extractor.outputs.jsonl import to_line
from extractor.service.tools import tools
from tests.cli.jobs import PAPERS, write
from tests.service.serving import DOCUMENT, timeless

ROOT = Path(__file__).parents[2]


def told(result: Any) -> dict[str, Any]:
    assert not result.is_error, result.content
    found: dict[str, Any] = result.structured_content
    return found


def test_the_command_is_asked_over_standard_input_and_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(PAPERS[:3])
    Runner(Job(("papers.jsonl",))).run(Path("claims"))
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "extractor.cli", "mcp", "claims"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
    )

    async def scene() -> None:
        async with Client(stdio_client(command)) as client:
            listed = await client.list_tools()
            assert [tool.name for tool in listed.tools] == ["extract", "verify", "query"]
            record = told(await client.call_tool("extract", DOCUMENT))
            wanted = timeless(to_line(extract(DOCUMENT["title"], DOCUMENT["abstract"], id="a")))
            assert timeless(json.dumps(record).encode()) == wanted
            rows = told(await client.call_tool("query", {"sql": "SELECT count(*) AS n FROM documents"}))
            assert rows == {"rows": [{"n": 3}]}
            assert told(await client.call_tool("query", {"name": "best-speedup-per-device", "limit": 1}))["rows"]

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("name", "given", "cause"),
    [
        pytest.param("extract", {"abstract": "x" * 60_000}, "more than the 50,000", id="a whole paper"),
        pytest.param("extract", {"abstract": ""}, "no abstract", id="nothing"),
        pytest.param("query", {}, "Ask in SQL or by name", id="no question"),
        pytest.param("query", {"sql": "DROP TABLE claims"}, "read-only", id="a change"),
        pytest.param("query", {"sql": "SELECT * FROM read_text('/etc/passwd')"}, "disabled", id="a file"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(
    name: str, given: dict[str, str], cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(PAPERS[:1])
    Runner(Job(("papers.jsonl",))).run(Path("claims"))

    async def scene() -> Any:
        async with Client(tools(RulesLabeller(), [Path("claims")])) as client:
            return await client.call_tool(name, given)

    result = asyncio.run(scene())
    assert result.is_error
    assert cause in result.content[0].text


def test_a_cap_that_is_reached_and_numbers_that_stand_nowhere_are_told() -> None:
    class Spent(RulesLabeller):
        async def label(self, *_: Any) -> Any:
            raise BudgetError("$1 of the $1 cap is spent", "Raise it.")

    async def scene() -> tuple[Any, Any]:
        async with Client(tools(Spent(), [])) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["extract", "verify"]
            findings = await client.call_tool(
                "verify", {"source": "It takes 750 ms.", "claimed": '{"time": "0.75 s", "gain": "9x"}'}
            )
            return await client.call_tool("extract", DOCUMENT), findings

    refused, findings = asyncio.run(scene())
    assert refused.is_error
    assert "$1 of the $1 cap is spent" in refused.content[0].text
    assert told(findings)["numbers"] == 2
    assert [each["text"] for each in told(findings)["not_as_in_the_source"]] == ["9x"]
