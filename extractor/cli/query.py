"""`extractor query`: questions to what jobs found, in SQL or by name."""

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from extractor.cli.terminal import console, plain
from extractor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LONG = 32
"""Characters over which a column is shown below its row and not beside the others."""


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
        typer.Option("--name", metavar="NAME", envvar="EXTRACTOR_QUERY", help="Ask a question of --list.", show_default=False),
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
    from extractor.outputs.query import ask, named_queries, named_query

    if listed:
        for known in named_queries():
            typer.echo(f"{known.name}\n    {known.about}\n    {known.example}")
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
    """Short columns side by side, as many as the terminal has room for, and the others below their row."""
    from textwrap import wrap

    width = console().width
    cells = [[_shown(cell) for cell in row] for row in rows]
    widths = [max([len(name), *(len(row[place]) for row in cells)]) for place, name in enumerate(columns)]
    beside = [place for place, size in enumerate(widths) if size <= _LONG]
    while sum(widths[place] + 2 for place in beside) - 2 > width:
        beside.remove(max(beside, key=widths.__getitem__))
    numbers = {place for place in beside if all(isinstance(row[place], int | float | None) for row in rows)}

    def line(row: "Sequence[str]") -> str:
        parts = (row[p].rjust(widths[p]) if p in numbers else row[p].ljust(widths[p]) for p in beside)
        return "  ".join(parts).rstrip()

    if beside:
        typer.echo(line(columns))
    for row in cells:
        if beside:
            typer.echo(line(row))
        for place, name in enumerate(columns):
            if place not in beside and row[place]:
                indent = "    " if beside else ""
                below = f"{indent}{name}: {row[place]}"
                typer.echo("\n".join(wrap(below, width, subsequent_indent=f"{indent}    ", break_on_hyphens=False)))
        if len(beside) < len(columns):
            typer.echo()


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    return f"{cell:.6g}" if isinstance(cell, float) else plain(str(cell))
