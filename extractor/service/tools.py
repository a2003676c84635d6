"""The worker as tools of an assistant, over the Model Context Protocol on standard input and output."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from extractor._version import __version__
from extractor.errors import DataError, ExtractorError
from extractor.jobs.flow import work_off
from extractor.labelling.models import ModelOptions, choose
from extractor.labels import Labeller
from extractor.outputs.columns import TABLES
from extractor.outputs.query import ask, named_queries, named_query
from extractor.outputs.verify import pieces
from extractor.outputs.verify import verify as compare
from extractor.service.extracts import read_documents
from extractor.service.settings import Limits

_ABOUT = (
    "Reads paper abstracts and says what they claim: how fast, how good, how cheap, on which hardware. Every number and phrase "
    "comes with its place in the text (`spans`: start and end in title, line break, abstract); what could not be placed is in "
    "`rejected`."
)


async def run(model: ModelOptions, jobs: Sequence[Path], notice: Callable[[str], None]) -> None:
    """Serve until standard input ends. Raises `UsageError` for a model that cannot be asked."""
    async with choose(model, notice).open() as labelling:
        await tools(labelling.labeller, jobs).run_stdio_async()


def tools(labeller: Labeller, jobs: Sequence[Path]) -> MCPServer[Any]:
    """A server with the tools `extract`, `verify` and, where there are jobs to ask, `query`."""
    server: MCPServer[Any] = MCPServer("extractor", version=__version__, instructions=_ABOUT, log_level="WARNING")

    @server.tool()
    async def extract(
        abstract: Annotated[str, Field(description="The abstract of a paper.")],
        title: Annotated[str, Field(description="Its title.")] = "",
        id: Annotated[str, Field(description="What the record goes by.")] = "1",
    ) -> dict[str, Any]:
        """The claims of one abstract, each with its number, unit, what is compared with what, on which data and hardware, and
        the hardware that the paper targets.
        """
        body = json.dumps([{"id": id, "title": title, "abstract": abstract}]).encode()
        try:
            done = await work_off(labeller, read_documents(body, Limits().characters))
        except ExtractorError as error:
            raise ToolError(str(error)) from None
        if done.failures:
            raise ToolError(f"{done.failures[0].cause}. {done.failures[0].fix}")
        record: dict[str, Any] = json.loads(done.lines[0][1])
        return record

    @server.tool()
    async def verify(
        source: Annotated[str, Field(description="What was read: text, Markdown or JSON.")],
        claimed: Annotated[str, Field(description="What was written of it: a summary, a table in Markdown, JSON.")],
    ) -> dict[str, Any]:
        """Which numbers of a text do not stand in its source, or stand there with another unit or bound. "750 ms" and "0.75 s"
        are the same; "30%" and "up to 30%" are not.
        """
        try:
            count, findings = await run_in_threadpool(lambda: compare(_pieces(source), _pieces(claimed)))
        except ExtractorError as error:
            raise ToolError(str(error)) from None
        shown = [
            {"place": each.place, "text": each.text, "problem": each.problem, "source_has": each.stands} for each in findings
        ]
        return {"numbers": count, "not_as_in_the_source": shown}

    if jobs:

        @server.tool(description=_about_queries())
        async def query(
            sql: Annotated[str, Field(description="One SELECT; empty to ask by name.")] = "",
            name: Annotated[str, Field(description="The name of a question, in place of SQL.")] = "",
            limit: Annotated[int, Field(ge=1, le=1000, description="Rows at most.")] = 50,
        ) -> dict[str, Any]:
            if bool(sql) == bool(name):
                raise ToolError("Ask in SQL or by name. A name is one of those in the tool's description.")
            try:
                return await run_in_threadpool(_asked, jobs, sql, name, limit)
            except ExtractorError as error:
                raise ToolError(str(error)) from None

    return server


def _about_queries() -> str:
    """What an assistant has to know to ask: the tables with their columns, the questions that have a name."""
    tables = [f"- {table}: {', '.join(column.name for column in columns)}" for table, columns in TABLES.items()]
    named = [f"- {query.name}: {query.about}" for query in named_queries()]
    about = "What jobs have found, in SQL for DuckDB. `value` is in `base_unit`; `factor` is times better, below 1 for worse."
    return "\n".join([about, "Tables and their columns:", *tables, "Questions with a name:", *named])


def _asked(jobs: Sequence[Path], sql: str, name: str, limit: int) -> dict[str, Any]:
    with ask(jobs, named_query(name).sql if name else sql, limit=limit) as answer:
        rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    shown: dict[str, Any] = json.loads(json.dumps({"rows": rows}, default=str))
    return shown


def _pieces(text: str) -> Any:
    """The parts of a text, which is JSON if it can be read as such."""
    if text.lstrip().startswith(("{", "[")):
        try:
            return pieces(text, name="text.json")
        except DataError:
            pass
    return pieces(text, name="text.md")
