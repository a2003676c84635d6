"""`report.html`: the report as one page that needs nothing but itself. The words of abstracts are escaped, never mark-up.

Below the figures a browser shows each abstract: its text with spans marked, what is claimed, and what is wrong with it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import groupby
from typing import Any

from extractor.documents import Span
from extractor.errors import UsageError, install
from extractor.evaluation.findings import WrongField
from extractor.evaluation.gold import GoldClaim, GoldHardware
from extractor.evaluation.matching import STRICT_FIELDS
from extractor.evaluation.metrics import CLAIM_FIELDS, KINDS
from extractor.evaluation.report import charts, words
from extractor.evaluation.report.format import (
    ComparisonReport,
    DocumentReport,
    ErrorReport,
    PredictionReport,
    Report,
    SetReport,
)
from extractor.evaluation.statistics import HEADLINE
from extractor.records import PHRASE_FIELDS, Claim, HardwareTarget, Quantity

_SECTIONS = ("figures", "charts", "differences", "confusion", "every-figure", "abstracts", "filter", "shown")

SOFT = "softly"
"""The browser's name for an error that is one of words alone: the gold's and the prediction's agree softly."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line: a claim, a hardware target or the system's name, and what is wrong about it. `error` is empty if nothing is.

    `against` are the headline figures that the error counts against.
    """

    kind: str
    title: str
    meaning: str = ""
    phrases: Sequence[tuple[str, str]] = ()
    error: str = ""
    wrong: Mapping[str, WrongField] = field(default_factory=dict)
    against: Sequence[str] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text with the mark that it stands in; the mark is empty for plain text."""

    text: str
    mark: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One set as the page shows it: its systems by their `numbers` in the whole report, its charts, and who is compared."""

    report: SetReport
    numbers: Sequence[int]
    forest: str | None
    kinds: str | None
    cost: str | None
    reliability: str | None
    cascades: str | None
    pairs: Sequence[tuple[ComparisonReport, int, int]]

    @classmethod
    def of(cls, place: int, report: SetReport, names: Sequence[str]) -> "Panel":
        """The panel of the set at a place in the report whose systems have these names."""
        ours = [system.name for system in report.systems]
        numbers = [names.index(name) for name in ours]
        drawn = charts.of_set(report, numbers, f"-{place}")
        pairs = [(each, ours.index(each.ours), ours.index(each.theirs)) for each in report.comparisons]
        return cls(report, numbers, **drawn, pairs=pairs)


def page(report: Report) -> str:
    """The whole page. Raises `UsageError` if jinja2 or matplotlib is not installed."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise UsageError(f"A report needs jinja2. {install('eval')}.") from None
    environment = Environment(
        loader=PackageLoader("extractor.evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own = Markup  # what is made here and not out of an abstract
    names = list(dict.fromkeys(system.name for each in report.sets for system in each.systems))
    given: dict[str, Any] = {
        "report": report,
        "names": names,
        "panels": [Panel.of(n, each, names) for n, each in enumerate(report.sets)],
        "words": words,
        "headline": HEADLINE,
        "gold_items": gold_items,
        "gold_runs": gold_runs,
        "said_items": said_items,
        "said_runs": said_runs,
        "style": own(_resource("base.css", "extractor.outputs") + _resource("report.css")),
        "script": own(_resource("report.js")),
        "marks": [own(charts.mark(n)) for n in range(len(names))],
        "anchors": anchors(document.id for each in report.sets for document in each.documents),
        "kind_names": [*KINDS, "hardware", "system"],
        "field_names": [*CLAIM_FIELDS, "category", "role", "system"],
    }
    return environment.get_template("report.html.j2").render(given)


def against(error: ErrorReport) -> list[str]:
    """The headline figures that an error counts against, in their order."""
    hard = {name for name, wrong in error.fields.items() if not wrong.soft}
    apart = error.error in ("missed", "spurious")
    counted: set[str] = set()
    if error.item == "system":
        counted = {"system"} | ({"documents_complete"} if hard else set())
    elif error.item == "hardware":
        counted = {"documents_right", "documents_complete"} | ({"hardware_f1"} if apart else set())
    elif apart:
        counted = {"detection_f1", "strict_f1", "complete_f1", "documents_right", "documents_complete"}
    elif error.error == "wrong" and hard:
        counted = (hard & set(HEADLINE)) | {"complete_f1", "documents_complete"}
        counted |= {"strict_f1", "documents_right"} if hard & set(STRICT_FIELDS) else set()
    return [name for name in HEADLINE if name in counted]


def anchors(ids: Iterable[str]) -> dict[str, str]:
    """A link target for each document id: the id itself, unless it holds what a target may not or is taken."""
    taken = set(_SECTIONS)
    found = {}
    for id in ids:
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", id)
        number = 1
        while (anchor := plain if number == 1 else f"{plain}-{number}") in taken or not anchor:
            number += 1
        taken.add(anchor)
        found[id] = anchor
    return found


def gold_items(document: DocumentReport) -> Iterator[Item]:
    """What the annotation says, and then what spotting makes of it where that is wrong."""
    if document.system is not None:
        yield Item("system", document.system)
    yield from (_claim(claim) for claim in document.claims)
    yield from (_target(target) for target in document.hardware)
    for error in document.spotting_errors:
        read = ", ".join(error.read)
        yield _missing(document, error, f"read as {read}" if read else "spotting does not list it")


def said_items(document: DocumentReport, prediction: PredictionReport) -> Iterator[Item]:
    """What a system says, right or wrong, and then what it misses."""
    errors = {(error.item, error.predicted): error for error in prediction.errors}
    named = errors.get(("system", None))
    if named is not None or prediction.system is not None:
        yield _judged(Item("system", prediction.system or "no name"), named)
    for n, claim in enumerate(prediction.claims):
        yield _judged(_claim(claim), errors.get(("claim", n)))
    for n, target in enumerate(prediction.hardware):
        yield _judged(_target(target), errors.get(("hardware", n)))
    yield from (_missing(document, error, "") for error in prediction.errors if error.error == "missed")


def gold_runs(document: DocumentReport) -> list[Run]:
    """The text with annotated quantities and devices, and where a result is restated."""
    spans = [(target.span, "h") for target in document.hardware]
    spans += [(place, "r") for claim in document.claims for place in claim.restated]
    spans += [(claim.span, "q") for claim in document.claims]
    return _runs(document, spans)


def said_runs(document: DocumentReport, prediction: PredictionReport) -> list[Run]:
    """The text with what a system points at, and with what it misses."""
    errors = {(error.item, error.predicted): _sort(error) for error in prediction.errors}
    spans: list[tuple[Span, str]] = []
    for claim in prediction.claims:
        places = (getattr(claim.spans, name) for name in PHRASE_FIELDS)
        spans += [(place, "p") for place in places if place is not None]
    for error in prediction.errors:
        if error.error == "missed" and error.gold is not None:
            spans.append((_gold(document, error).span, "gap"))
    for n, target in enumerate(prediction.hardware):
        spans.append((target.span, f"h {errors.get(('hardware', n), '')}".rstrip()))
    for n, claim in enumerate(prediction.claims):
        spans.append((claim.spans.quantity, f"q {errors.get(('claim', n), '')}".rstrip()))
    return _runs(document, spans)


def _runs(document: DocumentReport, spans: Iterable[tuple[Span, str]]) -> list[Run]:
    """Later spans lie on earlier ones. The title is left out unless something is marked in it: the page has it as a heading."""
    text = document.text
    painted: list[tuple[str, int]] = [("", 0)] * len(text)
    for number, ((start, end), mark) in enumerate(spans, start=1):
        painted[start:end] = [(mark, number)] * (end - start)
    start = 0 if any(mark for mark, _ in painted[: len(document.title)]) else len(document.title) + 1
    runs = []
    for (mark, _), places in groupby(range(start, len(text)), key=painted.__getitem__):
        piece = [*places]
        runs.append(Run(text[piece[0] : piece[-1] + 1], mark))
    return runs


def _claim(claim: GoldClaim | Claim) -> Item:
    sort = ", ".join(part for part in (claim.kind, claim.comparison, claim.effect) if part)
    phrases = [(name, value) for name in PHRASE_FIELDS if (value := getattr(claim, name)) is not None]
    return Item(claim.kind, claim.quantity.text, f"{sort}: {_meaning(claim.quantity)}", phrases)


def _target(target: GoldHardware | HardwareTarget) -> Item:
    sort = "product" if target.specific else "class"
    return Item("hardware", target.name, f"hardware {sort}: {target.category}, {target.role}")


def _meaning(quantity: Quantity) -> str:
    ends = dict.fromkeys((f"{quantity.low:,.10g}", f"{quantity.high:,.10g}"))
    bound = {"exact": "", "up_to": "up to ", "at_least": "at least ", "approx": "about "}[quantity.bound]
    return f"{bound}{' to '.join(ends)} {quantity.unit or ''}".rstrip()


def _judged(item: Item, error: ErrorReport | None) -> Item:
    if error is None:
        return item
    note = "the annotation has this claim once, and its prediction is another" if error.again else ""
    # The filter by kind goes by the annotation's, where there is one.
    kind = error.kind or item.kind
    return Item(kind, item.title, item.meaning, item.phrases, _sort(error), error.fields, against(error), note)


def _missing(document: DocumentReport, error: ErrorReport, note: str) -> Item:
    gold = _gold(document, error)
    item = _claim(gold) if isinstance(gold, GoldClaim) else _target(gold)
    return Item(item.kind, item.title, item.meaning, item.phrases, error.error, {}, against(error), note)


def _gold(document: DocumentReport, error: ErrorReport) -> GoldClaim | GoldHardware:
    annotated: Sequence[GoldClaim | GoldHardware] = document.claims if error.item == "claim" else document.hardware
    assert error.gold is not None  # noqa: S101 (what is missed is in the gold)
    return annotated[error.gold]


def _sort(error: ErrorReport) -> str:
    return SOFT if error.fields and all(wrong.soft for wrong in error.fields.values()) else error.error


def _resource(name: str, package: str = "extractor.evaluation.report") -> str:
    return (files(package) / "templates" / name).read_text(encoding="utf-8")
