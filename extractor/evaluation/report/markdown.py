"""`report.md`: what a pull request needs to know of an evaluation."""

import re
from collections.abc import Iterable, Iterator, Sequence

from extractor.evaluation.report.format import ComparisonReport, Report, SetReport, SystemReport
from extractor.evaluation.report.words import (
    against_the_first,
    chance,
    differing,
    dollars,
    holds,
    interval,
    money,
    percent,
    points,
    tokens,
)
from extractor.evaluation.statistics import HEADLINE, LEVEL, Difference

_SHOWN = 20
"""Ids that are listed of each side of a comparison; the page lists all."""


def markdown(report: Report) -> str:
    """The report as GitHub-flavoured Markdown: for each set the headline, the verdicts, what changed from system to system."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield "# Evaluation"
    for each in report.sets:
        yield ""
        yield from _set(each)
    yield ""
    yield "Percent, with 95% intervals; tokens per abstract, dollars per 1,000 abstracts. "
    yield "; ".join(f"*{each.label}*: {each.meaning}" for each in HEADLINE.values()) + "."
    yield ""
    yield "All figures are in `report.json`; [report.html](report.html) shows the errors of each abstract that is not held out."


def _set(report: SetReport) -> Iterator[str]:
    systems = report.systems
    yield f"## {_plain(report.gold.name)}"
    yield ""
    yield f"{_plain(holds(report))}."
    yield ""
    rows = [
        [
            _plain(system.name),
            *(f"{percent(each.value)}<br><sub>{interval(each)}</sub>" for each in system.headline.values()),
            f"{tokens(system):,.0f}",
            money(dollars(system)),
        ]
        for system in systems
    ]
    rows += [[_plain(each.name), "not recorded", *[""] * (len(HEADLINE) + 1)] for each in report.left_out if not each.recorded]
    yield from _table(["system", *(each.label for each in HEADLINE.values()), "tokens", "$ per 1,000"], rows)
    yield ""
    yield from (f"- **{_plain(system.name)}** {_plain(system.verdict)}" for system in systems)
    yield from (f"- {_plain(comparison.verdict)}" for comparison in against_the_first(report))
    yield from (f"- Left out: **{_plain(each.name)}**. {_plain(each.why)}" for each in report.left_out if each.recorded)
    yield from ([] if report.power is None else [f"- {report.power}"])
    for comparison in report.comparisons:
        yield ""
        yield f"### {_plain(comparison.theirs)} against {_plain(comparison.ours)}, on {_plain(report.gold.name)}"
        yield ""
        yield from _moved(comparison.headline.items())
        yield ""
        yield from _right_in_one(report, comparison)
    if systems:
        yield ""
        yield f"### Claims right on {_plain(report.gold.name)}, by kind (F1)"
        yield ""
        yield from _by_kind(systems)


def _right_in_one(report: SetReport, comparison: ComparisonReport) -> Iterator[str]:
    """How many abstracts are all right in one system only, and which, where the abstracts are listed."""
    names = [system.name for system in report.systems]
    won = differing(report, names.index(comparison.ours), names.index(comparison.theirs))
    counts = (comparison.only_ours, comparison.only_theirs)
    for name, number, ids in zip((comparison.ours, comparison.theirs), counts, won, strict=True):
        listed = ", ".join(map(_plain, ids[:_SHOWN])) + (", ..." if len(ids) > _SHOWN else "")
        which = f": {listed}" if ids else " (held out, so not listed)" if number else ""
        yield f"- all claims right only in {_plain(name)}: {number} abstract{'s' if number != 1 else ''}{which}"


def _by_kind(systems: Sequence[SystemReport]) -> Iterator[str]:
    kinds = [
        [
            kind,
            str(scores.strict.found + scores.strict.missed),
            *(percent(each.figures.by_kind[kind].strict.f1) for each in systems),
        ]
        for kind, scores in systems[0].figures.by_kind.items()
    ]
    yield from _table(["kind", "annotated", *(_plain(system.name) for system in systems)], kinds)


def _moved(headline: Iterable[tuple[str, Difference]]) -> Iterator[str]:
    """What rose, what fell, and what these abstracts cannot tell."""
    known = [(HEADLINE[name].label, each) for name, each in headline if each.value is not None and each.p is not None]
    sure = [(label, each) for label, each in known if (each.p or 0.0) <= LEVEL]
    for word, moved in (
        ("rose", [(label, each) for label, each in sure if (each.value or 0.0) > 0]),
        ("fell", [(label, each) for label, each in sure if (each.value or 0.0) < 0]),
    ):
        said = [f"{label} {points(each.value)} ({interval(each)}, p {_equals(each.p)})" for label, each in moved]
        yield f"- {word}: {'; '.join(said) or 'nothing'}"
    rest = [f"{label} {points(each.value)}" for label, each in known if (label, each) not in sure]
    yield f"- not told apart: {'; '.join(rest) or 'nothing'}"


def _equals(p: float | None) -> str:
    shown = chance(p)
    return shown if shown.startswith("<") else f"= {shown}"


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headers)} |"
    yield f"| --- |{' ---: |' * (len(headers) - 1)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _plain(text: str) -> str:
    """Text that is shown as it is: no mark-up, no cell ends, no link, no mention of a user."""
    return re.sub(r"([\\`*_{}\[\]<>#|~@!])", r"\\\1", " ".join(text.split()))
