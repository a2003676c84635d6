"""The headline of a report for a terminal: one row for each system, in two tables that fit 80 columns."""

from rich.console import Group, RenderableType
from rich.table import Table

from extractor.evaluation.report.format import Report
from extractor.evaluation.report.words import (
    LABELS,
    OF_CLAIMS,
    OF_WORDS,
    against_the_first,
    dollars,
    interval,
    money,
    percent,
    tokens,
)


def headline(report: Report) -> RenderableType:
    """The headline figures, each above its interval, what a system takes per abstract and per 1,000, and verdicts in words."""
    gold = report.gold
    of = f"{gold.documents} documents, {gold.claims} claims, {gold.hardware} hardware targets"
    claims = _columns(*(LABELS[name] for name in OF_CLAIMS), "tokens", "$/1,000")
    phrases = _columns(*(LABELS[name] for name in OF_WORDS))
    for system in report.systems:
        cells = {
            name: f"{percent(estimate.value)}\n{interval(estimate)}".rstrip() for name, estimate in system.headline.items()
        }
        taken = (f"{tokens(system):,.0f}", money(dollars(system)))
        claims.add_row(system.name, *(cells[name] for name in OF_CLAIMS), *taken)
        phrases.add_row(system.name, *(cells[name] for name in OF_WORDS))
    said = [f"{system.name} {system.verdict}" for system in report.systems]
    said += [each.verdict for each in against_the_first(report)]
    said.append(report.power)
    percents = "Percent, with 95% intervals; claims found, claims right and hardware are F1."
    return Group(of, "", claims, phrases, "", percents, *said)


def _columns(*headers: str) -> Table:
    columns = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    columns.add_column("", overflow="fold", min_width=12)
    for header in headers:
        columns.add_column(header.replace(" ", "\n"), justify="right", no_wrap=True, vertical="top")
    return columns
