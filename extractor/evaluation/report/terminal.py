"""An evaluation on a terminal: the headline, the tables of all figures, and the list of single errors behind them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from extractor.evaluation.findings import Coverage, Finding, of_labelling, of_spotting, range_of
from extractor.evaluation.gold import GoldClaim, GoldHardware
from extractor.evaluation.matching import Alignment
from extractor.evaluation.metrics import Counts, Scores, Share
from extractor.evaluation.report.format import Report
from extractor.evaluation.report.words import (
    OF_CLAIMS,
    OF_FIELDS,
    against_the_first,
    dollars,
    holds,
    interval,
    money,
    percent,
    tokens,
)
from extractor.evaluation.statistics import HEADLINE, Estimate
from extractor.evaluation.usage import Usage
from extractor.records import Claim, HardwareTarget, Quantity
from extractor.spotting import QuantityMention

_CONTEXT = 40
"""Characters of text shown on each side of a quantity."""


@dataclass(slots=True)
class Table:
    """Rows under the names of their columns; all columns but the first hold figures."""

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add_row(self, *cells: str) -> None:
        """Add a row; cells that it does not have are empty."""
        self.rows.append((*cells, *("" for _ in self.columns[len(cells) :])))


def headline(report: Report) -> list[str | Table]:
    """The headline figures by set, each above its interval, what a system takes per abstract and per 1,000, and verdicts."""
    about: list[str] = []
    claims = Table(("", *(HEADLINE[name].label for name in OF_CLAIMS), "tokens", "$/1,000"))
    phrases = Table(("", *(HEADLINE[name].label for name in OF_FIELDS)))
    said: list[str] = []
    for each in report.sets:
        about.append(f"{each.gold.name}: {holds(each)}")
        claims.add_row(each.gold.name)
        phrases.add_row(each.gold.name)
        for system in each.systems:
            cells = {name: f"{percent(e.value)}\n{interval(e)}".rstrip() for name, e in system.headline.items()}
            taken = (f"{tokens(system):,.0f}", money(dollars(system)))
            claims.add_row(f"  {system.name}", *(cells[name] for name in OF_CLAIMS), *taken)
            phrases.add_row(f"  {system.name}", *(cells[name] for name in OF_FIELDS))
        for left in each.left_out:
            for rows in (claims, phrases):
                rows.add_row(f"  {left.name}", "left out" if left.recorded else "not\nrecorded")
        verdicts = [f"{system.name} {system.verdict}" for system in each.systems]
        verdicts += [comparison.verdict for comparison in against_the_first(each)]
        said += [f"{each.gold.name}: {line}" for line in [*verdicts, *([each.power] if each.power else [])]]
    percents = "Percent, with 95% intervals; claims found, claims right and hardware are F1."
    return [*about, "", claims, phrases, "", percents, *said]


def table(
    gold: str,
    scores: Scores,
    coverage: Coverage,
    usage: Usage | None = None,
    confidence: tuple[Estimate, Estimate] | None = None,
) -> list[str | Table]:
    """All figures on a set; a ratio of nothing is a dash. `usage` is of the model, and `confidence`, its calibration error and
    AUROC, where there is one."""
    found = Table(("", "precision", "recall", "F1", "found", "spurious", "missed"))
    _count_row(found, "claims: detection", scores.claims.detection)
    for kind, claims in scores.by_kind.items():
        _count_row(found, f"  {kind}", claims.detection)
    _count_row(found, "claims: strict", scores.claims.strict)
    for kind, claims in scores.by_kind.items():
        _count_row(found, f"  {kind}", claims.strict)
    _count_row(found, "claims: every field", scores.claims.complete)
    for kind, claims in scores.by_kind.items():
        _count_row(found, f"  {kind}", claims.complete)
    _count_row(found, "hardware", scores.hardware.all)
    _count_row(found, "  products", scores.hardware.products)
    _count_row(found, "  classes", scores.hardware.classes)

    fields = Table(("field", "exact", "soft", "right of", "named", "right of"))
    for name, shares in scores.fields.items():
        _share_row(fields, f"claim: {name}", shares.exact, shares.soft, shares.named)
    _share_row(fields, "hardware: role", scores.hardware.role)
    _share_row(fields, "products: category", scores.hardware.category)
    _share_row(fields, "system", scores.system.exact, scores.system.soft)
    _share_row(fields, "abstracts right", scores.documents_right)
    _share_row(fields, "  in every field", scores.documents_complete)

    spotting = Table(("spotting", "covered", "of"))
    for label, covered in (
        ("quantities listed", coverage.listed),
        ("quantities read right", coverage.read),
        ("hardware names listed", coverage.hardware),
    ):
        spotting.add_row(label, _figure(covered.value), f"{covered.right}/{covered.total}")
    asked = [] if usage is None else [_usage(usage)]
    if confidence is not None:
        sure = Table(("confidence", "", "95% interval"))
        for label, estimate in zip(("calibration error of claims", "AUROC of records"), confidence, strict=True):
            ends = "-" if estimate.low is None else f"{_figure(estimate.low)} to {_figure(estimate.high)}"
            sure.add_row(label, _figure(estimate.value), ends)
        if scores.calibration is not None:
            right = scores.calibration.sure
            sure.add_row("right of the records of 0.9 or more", f"{right.right}/{right.total}")
        asked.append(sure)
    number = scores.documents
    return [f"{gold}: {number} abstract{'' if number == 1 else 's'}", found, fields, spotting, *asked]


def _usage(usage: Usage) -> Table:
    rows = Table(("model", "per abstract", "in all"))
    for label, total in (
        ("calls", usage.calls),
        ("re-asked", usage.reasks),
        ("input tokens", usage.input_tokens),
        ("output tokens", usage.output_tokens),
        ("abstracts without a call", usage.uncalled),
        ("abstracts without a usable answer", usage.unanswered),
        ("rejected", sum(usage.rejected.values())),
        *((f"  {reason}", number) for reason, number in usage.rejected.items()),
    ):
        each = usage.each(total)
        rows.add_row(label, "-" if each is None else f"{each:.3f}", f"{total:,}")
    dollars = (("-" if sum_ is None else f"{sum_:.4f}") for sum_ in (usage.each(usage.cost_usd), usage.cost_usd))
    rows.add_row("dollars", *dollars)
    for label, share in (("labels refused", usage.refused), ("phrases ungrounded", usage.ungrounded)):
        rows.add_row(label, _figure(share.value), f"{share.right:,}/{share.total:,}")
    return rows


def list_errors(alignments: Iterable[Alignment], *, spotting: bool = True) -> Iterator[str]:
    """One line per error, grouped by document; documents without an error give none.

    `unspotted` and `misread` are of `spotting`, which can be left out; `missed`, `spurious` and `wrong` are of the labeller. A
    wrong field is given as gold -> prediction, with `~` for one that agrees softly.
    """
    for alignment in alignments:
        gold, text = alignment.gold, alignment.gold.document.text
        spotted = of_spotting(gold) if spotting else ()
        lines = [_line(finding, text) for finding in (*spotted, *of_labelling(alignment))]
        if lines:
            yield f"{gold.document.id}  {gold.document.title}"
            yield from (f"  {line}" for line in lines)


def _line(finding: Finding, text: str) -> str:
    item = finding.gold or finding.predicted
    match finding.error, item:
        case "misread", GoldClaim():
            said = ", ".join(f"{mention.text!r} {_meaning(mention)}" for mention in finding.near)
            what = f"{item.quantity.text!r} {_meaning(item.quantity)} -> {said}"
        case "unspotted", GoldClaim():
            what = f"{item.quantity.text!r} {_meaning(item.quantity)}  {_around(text, *item.span)}"
        case "unspotted", GoldHardware():
            what = f"hardware {item.name!r}  {_around(text, *item.span)}"
        case "wrong", GoldClaim():
            what = f"{item.quantity.text!r} {_differences(finding)}"
        case "wrong", GoldHardware():
            what = f"hardware {item.name!r} {_differences(finding)}"
        case _, GoldClaim():
            what = f"{item.quantity.text!r} {_sort(item)}  {_around(text, *item.span)}"
        case _, Claim():
            again = "(a gold claim that has its prediction)  " if finding.again else ""
            what = f"{item.quantity.text!r} {_sort(item)}  {again}{_around(text, *item.spans.quantity)}"
        case _, GoldHardware() | HardwareTarget():
            what = f"hardware {item.name!r} {item.category} {item.role}  {_around(text, *item.span)}"
        case _:
            what = _differences(finding)
    return f"{finding.error:<10} {what}"


def _differences(finding: Finding) -> str:
    return "; ".join(
        f"{'~' if wrong.soft else ''}{name}: {wrong.gold} -> {wrong.predicted}" for name, wrong in finding.fields.items()
    )


def _sort(claim: GoldClaim | Claim) -> str:
    return " ".join(part for part in (claim.kind, claim.comparison, claim.effect) if part)


def _meaning(quantity: Quantity | QuantityMention) -> str:
    return f"[{range_of(quantity)} {quantity.unit} {quantity.bound}]"


def _around(text: str, start: int, end: int) -> str:
    """The place in brackets, with the text beside it on one line."""
    left, right = max(0, start - _CONTEXT), end + _CONTEXT
    before, after = "..." if left else "", "..." if right < len(text) else ""
    return f"{before}{text[left:start]}[{text[start:end]}]{text[end:right]}{after}".replace("\n", " ")


def _count_row(rows: Table, label: str, counts: Counts) -> None:
    ratios = (_figure(ratio) for ratio in (counts.precision, counts.recall, counts.f1))
    rows.add_row(label, *ratios, str(counts.found), str(counts.spurious), str(counts.missed))


def _share_row(rows: Table, label: str, exact: Share, soft: Share | None = None, named: Share | None = None) -> None:
    phrase = (_figure(named.value), str(named.total)) if named else ("", "")
    rows.add_row(label, _figure(exact.value), _figure(soft.value) if soft else "", str(exact.total), *phrase)


def _figure(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.3f}"
