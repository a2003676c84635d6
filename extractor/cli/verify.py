"""`extractor verify`: whether the numbers of a text stand in its source."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from extractor.cli.codes import UNVERIFIED
from extractor.cli.terminal import plain, say
from extractor.errors import DataError, UsageError

_SAID = {
    "missing": "does not stand in the source",
    "unit": "stands there with another unit",
    "bound": "stands there with another bound",
}


def verify(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="What was read: text, Markdown, JSON or JSON Lines.")],
    claimed: Annotated[str, typer.Argument(metavar="CLAIMED", help="What was written about it; - reads standard input.")],
    as_json: Annotated[bool, typer.Option("--json", envvar="EXTRACTOR_JSON", help="Print JSON Lines instead.")] = False,
) -> None:
    """Compare the numbers of a text with those of its source.

    Prints the numbers that do not stand in the source, or stand there with another unit or bound, with their place and what
    stands there. "750 ms" and "0.75 s" are the same; "9x" and "9.1x" are not, nor are "30%" and "up to 30%". The text may come
    from anyone: a summary, a table, the output of another program.

    Example: extractor verify abstract.txt summary.md

    Exit codes: 0 each number stands in the source, 4 at least one does not.
    """
    import json
    from dataclasses import asdict

    from extractor.outputs.verify import pieces
    from extractor.outputs.verify import verify as compare

    count, findings = compare(pieces(_read(source), name=source), pieces(_read(claimed), name=claimed))
    for finding in findings:
        if as_json:
            typer.echo(json.dumps(asdict(finding), ensure_ascii=False))
            continue
        stands = (
            ""
            if finding.stands is None
            else f" ({'the nearest is' if finding.problem == 'missing' else 'as'} {finding.stands})"
        )
        typer.echo(plain(f"{claimed}:{finding.place}: {finding.text} {_SAID[finding.problem]}{stands}"))
    say(f"{count:,} numbers, {len(findings):,} of them not as in the source")
    if findings:
        raise typer.Exit(UNVERIFIED)


def _read(name: str) -> str:
    if name == "-":
        return sys.stdin.buffer.read().decode("utf-8-sig", errors="replace")
    file = Path(name)
    if not file.is_file():
        raise UsageError(f"{name} does not exist. Name a file, or - for standard input.")
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{name}: not UTF-8. Convert it first.") from None
