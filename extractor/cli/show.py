"""`extractor show`: what a job found, for people."""

import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.completion import ids
from extractor.cli.options import option
from extractor.cli.terminal import console, plain, width
from extractor.documents import shortened
from extractor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console
    from rich.text import Text

    from extractor.records import Claim, Extraction

_STYLES = {"speedup": "bold green", "speed": "bold cyan", "accuracy": "bold yellow", "resource": "bold magenta"}
_PHRASE = "underline"
_HARDWARE = "bold blue"
_CANDIDATES = 5
"""Ids that are named where a part of one fits several."""


class Kinds(str, Enum):  # noqa: UP042 (typer takes the values of a str enumeration)
    """The values of `--kind`."""

    speedup = "speedup"
    speed = "speed"
    accuracy = "accuracy"
    resource = "resource"


def show(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A job's folder, or its extractions.jsonl.")],
    document: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            autocompletion=ids,
            help="The abstract to show: its id, or a part of id or title that no other has; without it, all are listed.",
        ),
    ] = None,
    grep: Annotated[
        str | None,
        typer.Option(
            "--grep",
            metavar="PATTERN",
            envvar="EXTRACTOR_GREP",
            help="List the abstracts that this regular expression matches, whatever the case.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        Kinds | None,
        typer.Option("--kind", envvar="EXTRACTOR_KIND", help="List those with a claim of this kind.", show_default=False),
    ] = None,
    hardware: Annotated[
        str | None,
        typer.Option(
            "--hardware",
            metavar="WORDS",
            envvar="EXTRACTOR_HARDWARE",
            help="List those with hardware of this name or category: jetson, gpu.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, option("--json", help="Print JSON Lines instead.")] = False,
    because: Annotated[
        bool, option("--why", help="Tell for each number and field of one abstract which of the built-in rules decided.")
    ] = False,
) -> None:
    """Show what a job found.

    Lists the abstracts of a job, or shows one of them with its numbers coloured by kind, its phrases underlined and its
    claims as a table.

    Example: extractor show claims --kind speedup --hardware jetson

    Example: extractor show claims 12

    Example: extractor show claims 12 --why
    """
    from extractor.outputs.jsonl import read_extractions

    extractions = read_extractions(folder)
    if document is None and because:
        raise UsageError("--why tells of one abstract. Name it: extractor show DIR ID --why.")
    if document is None:
        _list(_wanted(extractions, grep, kind, hardware), as_json)
        return
    if grep or kind or hardware:
        raise UsageError("--grep, --kind and --hardware choose what is listed. Leave them out, or the id.")
    record = _named(document, extractions, folder)
    if because:
        _tell_why(record, as_json)
    elif as_json:
        typer.echo(record.model_dump_json())
    else:
        _show(record, console())


def _wanted(
    extractions: "Iterable[Extraction]", grep: str | None, kind: Kinds | None, hardware: str | None
) -> "Iterator[Extraction]":
    """The records that all that was asked for holds of, as they are read."""
    import re

    from extractor.outputs.names import phrase_key

    try:
        pattern = re.compile(grep or "", re.IGNORECASE)
    except re.error as error:
        raise UsageError(f"--grep {grep!r} is not a regular expression ({error}). Put a backslash before signs.") from None
    words = f" {phrase_key(hardware)}" if hardware else ""

    def holds(record: "Extraction") -> bool:
        named = [f" {phrase_key(target.name)} {target.category}" for target in record.hardware]
        named += [f" {phrase_key(claim.hardware)}" for claim in record.claims if claim.hardware]
        return (
            pattern.search(f"{record.id}\n{record.text}") is not None
            and (kind is None or any(claim.kind == kind.value for claim in record.claims))
            and (hardware is None or any(words in name for name in named))
        )

    return filter(holds, extractions)


def _named(document: str, extractions: "Iterable[Extraction]", folder: Path) -> "Extraction":
    """The record with this id, else the only one with the words in its id, else the only one with them in its title."""
    ids = {document, os.fsencode(document).decode(errors="replace")}  # an argument that a locale without UTF-8 has taken apart
    part = document.casefold()
    in_ids: list[Extraction] = []
    in_titles: list[Extraction] = []
    for record in extractions:
        if record.id in ids:
            return record
        if len(in_ids) <= _CANDIDATES and _holds(record.id, part):
            in_ids.append(record)
        if len(in_titles) <= _CANDIDATES and part in record.title.casefold():
            in_titles.append(record)
    for found in (in_ids, in_titles):
        if len(found) == 1:
            return found[0]
        if found:
            some = ", ".join(shortened(record.id) for record in found[:_CANDIDATES])
            raise UsageError(
                f"{shortened(document)!r} may be {some}{', ...' if len(found) > _CANDIDATES else ''}. Name one of them."
            )
    raise UsageError(f"{folder} holds no {shortened(document)!r}. `extractor show {folder}` lists the ids.")


def _holds(id: str, part: str) -> bool:
    """Whether a part stands in an id; a number as a whole one: 4 in "abstracts#4", but not in "abstracts#49"."""
    id = id.casefold()
    if not part.isdecimal():
        return part in id
    import re

    return re.search(rf"(?<!\d){part}(?!\d)", id) is not None


def _tell_why(record: "Extraction", as_json: bool) -> None:
    """Which rows of the rules decided; of a record that a model made, only the text is known to them."""
    from extractor.documents import Document
    from extractor.labelling.why import told

    if as_json or record.provenance.labeller != "rules":
        made = (
            "prints no JSON" if as_json else f"knows the built-in rules, and {record.provenance.model} labelled this abstract"
        )
        raise UsageError(f"--why {made}. Leave it out, or run the job with --model rules.")
    for line in told(Document(record.id, record.title, record.abstract)):
        typer.echo(plain(line))


def _list(extractions: "Iterable[Extraction]", as_json: bool) -> None:
    """One line for each abstract, as it is read: a job may hold more of them than fit into memory."""
    import json
    import sys

    from extractor.cli.table import cut

    columns = width() if sys.stdout.isatty() else sys.maxsize
    if not as_json:
        typer.echo("claims hardware id, title")
    for record in extractions:
        row = {"id": record.id, "title": record.title}
        counts = {"claims": len(record.claims), "hardware": len(record.hardware), "rejected": len(record.rejected)}
        if as_json:
            typer.echo(json.dumps(row | counts, ensure_ascii=False))
        else:
            figures = f"{counts['claims']:6} {counts['hardware']:8} "
            typer.echo(figures + cut(plain(f"{shortened(record.id)}  {record.title}"), columns - len(figures)))


def _show(record: "Extraction", out: "Console") -> None:
    out.print(_marked(record))
    out.print()
    if record.system:
        out.print(f"system: {plain(record.system)}")
    if record.claims:
        out.print(_claims(record.claims, out.width))
    else:
        out.print("no claims")
    if record.hardware or record.rejected:
        out.print()
    for target in record.hardware:
        kind = "product" if target.specific else "class"
        out.print(f"hardware: {plain(target.name)} ({target.category}, {kind}, {target.role})")
    for rejection in record.rejected:
        out.print(f"rejected: {rejection.field} {plain(rejection.value)!r}, {rejection.reason}")


def _marked(record: "Extraction") -> "Text":
    """The title and the abstract: quantities in the colour of their kind, hardware in blue, phrases underlined."""
    from rich.text import Text

    title, abstract = plain(record.title), plain(record.abstract)
    text = Text(f"{title}\n{abstract}")
    text.stylize("bold", 0, len(title))
    for claim in record.claims:
        spans = claim.spans
        for span in (spans.metric, spans.subject, spans.baseline, spans.dataset, spans.hardware):
            if span:
                text.stylize(_PHRASE, *span)
        text.stylize(_STYLES[claim.kind], *spans.quantity)
    for target in record.hardware:
        text.stylize(_HARDWARE, *target.span)
    return text


def _claims(claims: "tuple[Claim, ...]", columns: int) -> "Text":
    """A table of what the claims say, each quantity in the colour of its kind."""
    from rich.text import Text

    from extractor.cli.table import table
    from extractor.records import PHRASE_FIELDS

    names = [name for name in PHRASE_FIELDS if any(getattr(claim, name) for claim in claims)]
    rows = [
        (
            plain(claim.quantity.text),
            ", ".join(part for part in (claim.kind, claim.comparison, claim.effect) if part),
            *(plain(getattr(claim, name) or "") for name in names),
        )
        for claim in claims
    ]
    heading, *blocks = table(("quantity", "kind", *names), rows, columns)
    text = Text("\n".join(heading), "bold")
    for claim, row, lines in zip(claims, rows, blocks, strict=True):
        told = Text("\n".join(["", *lines]))
        start = max(0, told.plain.find(row[0]))
        told.stylize(_STYLES[claim.kind], start, start + len(row[0]))
        text.append_text(told)
    text.rstrip()
    return text
