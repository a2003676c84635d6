"""`extractor export`: the tables of jobs, for other programs."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from extractor.cli.options import option
from extractor.cli.terminal import say
from extractor.errors import UsageError


class Target(str, Enum):  # noqa: UP042 (typer takes the values of a str enumeration)
    """The values of `--to`."""

    csv = "csv"
    tsv = "tsv"
    parquet = "parquet"
    xlsx = "xlsx"
    sqlite = "sqlite"
    duckdb = "duckdb"


def export(
    jobs: Annotated[list[Path], typer.Argument(metavar="DIR", help="Jobs' folders, or files of records.", show_default=False)],
    to: Annotated[list[Target], option("--to", help="The format. Again for more.")],
    output: Annotated[
        Path | None,
        option(
            "--output",
            "-o",
            metavar="PATH",
            envvar="EXTRACTOR_TABLES",
            help="A folder for csv, tsv and parquet, a file for the others, a folder for several; without it, `tables` in the "
            "job's folder.",
        ),
    ] = None,
) -> None:
    """Write what jobs found as tables, for other programs.

    The tables are documents, claims, hardware and failures; docs/tables.md says what each column means. Several jobs become
    one set of tables. A file is replaced when the new one is whole.

    Example: extractor export claims --to xlsx -o claims.xlsx

    Example: extractor export claims --to csv --to sqlite

    Example: extractor export monday tuesday --to sqlite -o both.sqlite
    """
    from extractor.outputs.export import FORMATS
    from extractor.outputs.export import export as write

    if output is None and len(jobs) > 1:
        raise UsageError("Several jobs become one set of tables. Say where with -o.")
    names = list(dict.fromkeys(target.value for target in to))
    folder = output or (jobs[0] if jobs[0].is_dir() else jobs[0].parent)
    rows: dict[str, int] = {}
    for name in names:
        target = output if output and len(names) == 1 else folder / (f"tables.{name}" if FORMATS[name].one_file else "tables")
        written = write(jobs, name, target)
        rows = written.rows
        for file in written.files:
            typer.echo(str(file))
    say(", ".join(f"{number:,} {table}" for table, number in rows.items()))
