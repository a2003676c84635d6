"""`report.md`: what a pull request needs to know of an evaluation."""

import re
from collections.abc import Iterable, Iterator, Sequence

from extractor.evaluation.report.format import Report
from extractor.evaluation.report.words import (
    against_the_first,
    chance,
    differing,
    dollars,
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
    """The report as GitHub-flavoured Markdown: the headline, the verdicts, what changed from system to system, the kinds."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    gold, systems = report.gold, report.systems
    yield "# Evaluation"
    yield ""
    yield f"{gold.documents} abstracts with {gold.claims} claims and {gold.hardware} hardware targets. {report.power}"
    yield ""
    yield from (f"- **{_plain(system.name)}** {_plain(system.verdict)}" for system in systems)
    yield from (f"- {_plain(comparison.verdict)}" for comparison in against_the_first(report))
    yield from (f"- Left out: **{_plain(each.name)}**. {_plain(each.why)}" for each in report.left_out)
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
    yield from _table(["system", *(each.label for each in HEADLINE.values()), "tokens", "$ per 1,000"], rows)
    yield ""
    yield "Percent, with 95% intervals; tokens per abstract, dollars per 1,000 abstracts. "
    yield "; ".join(f"*{each.label}*: {each.meaning}" for each in HEADLINE.values()) + "."
    for comparison in report.comparisons:
        ours, theirs = (
            next(n for n, each in enumerate(systems) if each.name == name) for name in (comparison.ours, comparison.theirs)
        )
        yield ""
        yield f"## {_plain(comparison.theirs)} against {_plain(comparison.ours)}"
        yield ""
        yield from _moved(comparison.headline.items())
        yield ""
        won = differing(report, ours, theirs)
        for name, ids in zip((comparison.ours, comparison.theirs), won, strict=True):
            listed = ", ".join(map(_plain, ids[:_SHOWN])) + (", ..." if len(ids) > _SHOWN else "")
            number = f"{len(ids)} abstract{'s' if len(ids) != 1 else ''}"
            yield f"- all claims right only in {_plain(name)}: {number}{': ' if ids else ''}{listed}"
    yield ""
    yield "## Claims right, by kind"
    yield ""
    by_kind = systems[0].figures.by_kind
    kinds = [
        [
            kind,
            str(scores.strict.found + scores.strict.missed),
            *(percent(each.figures.by_kind[kind].strict.f1) for each in systems),
        ]
        for kind, scores in by_kind.items()
    ]
    yield from _table(["kind", "annotated", *(_plain(system.name) for system in systems)], kinds)
    yield ""
    yield "Strict F1. All figures are in `report.json`; [report.html](report.html) shows each abstract with its errors."


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
