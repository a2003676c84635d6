"""`extractor query`: questions to what jobs found, in SQL or by name."""

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from extractor.cli.completion import queries
from extractor.cli.options import option
from extractor.cli.terminal import plain, width
from extractor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Shown(str, Enum):  # noqa: UP042 (typer takes the values of a str enumeration)
    """The values of `--format`."""

    auto = "auto"
    table = "table"
    csv = "csv"
    json = "json"


def query(
    job: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="A job's folder, or a file of `extractor export --to duckdb`.", show_default=False),
    ] = None,
    sql: Annotated[str | None, typer.Argument(metavar="SQL", help="The question.", show_default=False)] = None,
    name: Annotated[
        str | None,
        option(
            "--name",
            metavar="NAME",
            autocompletion=queries,
            envvar="EXTRACTOR_QUERY",
            help="Ask one of the questions that --list shows.",
        ),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", envvar="EXTRACTOR_LIST", help="List the questions that have a name, and stop.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, envvar="EXTRACTOR_LIMIT", help="Rows at most.", show_default=False),
    ] = None,
    shown: Annotated[
        Shown,
        typer.Option("--format", envvar="EXTRACTOR_FORMAT", help="auto: a table on a terminal, else CSV. json: JSON Lines."),
    ] = Shown.auto,
) -> None:
    """Ask what a job found, in SQL or by name.

    The tables are documents, claims, hardware and failures; docs/tables.md says what each column means. DuckDB answers, and
    can read these tables and nothing else. Several jobs are asked at once in a file that `extractor export` wrote.

    Example: extractor query claims --name best-speedup-per-device

    Example: extractor query claims "SELECT document, quantity, sentence FROM claims WHERE factor > 10"
    """
    from extractor.cli.table import wrapped
    from extractor.outputs.query import ask, named_queries, named_query

    if listed:
        for known in named_queries():
            typer.echo(known.name)
            for told in (known.about, known.example):
                typer.echo("\n".join(wrapped(told, width(), "    ", "    ")))
        return
    if job is None or (sql is None) == (name is None):
        raise UsageError("Name a job's folder, and ask in SQL or with --name. `extractor query --list` lists the names.")
    question = sql if name is None else named_query(name).sql
    with ask([job], question or "", limit=limit) as answer:
        if shown is Shown.table or (shown is Shown.auto and sys.stdout.isatty()):
            _show(answer.columns, list(answer.rows))
        elif shown is Shown.json:
            _print_json(answer.columns, answer.rows)
        else:
            _print_csv(answer.columns, answer.rows)


def _print_csv(columns: "Sequence[str]", rows: "Iterable[tuple[Any, ...]]") -> None:
    import csv

    from extractor.outputs.export import guarded

    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(columns)
    out.writerows([guarded(cell) for cell in row] for row in rows)


def _print_json(columns: "Sequence[str]", rows: "Iterable[tuple[Any, ...]]") -> None:
    import json

    for row in rows:
        typer.echo(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, default=str))


def _show(columns: "Sequence[str]", rows: "Sequence[tuple[Any, ...]]") -> None:
    from extractor.cli.table import table

    numbers = {place for place, _ in enumerate(columns) if all(isinstance(row[place], int | float | None) for row in rows)}
    for block in table(columns, [[_shown(cell) for cell in row] for row in rows], width(), right=numbers):
        for line in block:
            typer.echo(line)


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    return f"{cell:.6g}" if isinstance(cell, float) else plain(str(cell))
