"""The words and the numbers of a report, the same in the terminal, in Markdown and on the page."""

from extractor.evaluation.metrics import Scores
from extractor.evaluation.report.format import ComparisonReport, SetReport, SystemReport
from extractor.evaluation.statistics import Difference, Estimate

OF_CLAIMS = ("detection_f1", "strict_f1", "complete_f1", "documents_right", "documents_complete")
OF_FIELDS = ("hardware_f1", "metric", "subject", "baseline", "dataset", "system")
"""The headline figures in two tables that fit a terminal: of claims and abstracts as a whole, and of their parts."""


def percent(value: float | None, digits: int = 1) -> str:
    """A share as a percentage without its sign; a dash where there is nothing to measure."""
    return "-" if value is None else f"{100 * value:.{digits}f}"


def interval(figure: Estimate | Difference) -> str:
    """`97.1–99.5` or `97.1–100`; empty where there is no interval. Bounds of a difference have their signs."""
    if figure.low is None or figure.high is None:
        return ""
    if isinstance(figure, Difference):
        return f"{points(figure.low)} to {points(figure.high)}"
    return "–".join(percent(bound).replace("100.0", "100") for bound in (figure.low, figure.high))


def points(value: float | None) -> str:
    """A difference in percentage points, with its sign; zero has none."""
    if value is None:
        return "-"
    shown = f"{100 * value:+.1f}"
    return "0.0" if float(shown) == 0 else shown.replace("-", "−")


def chance(p: float | None) -> str:
    """A p-value: `0.03`, or `< 0.001`."""
    return "-" if p is None else "< 0.001" if p < 0.001 else f"{p:.2g}"


def tokens(system: SystemReport) -> float:
    """Tokens that a system reads and writes for an abstract."""
    each = system.usage.per_abstract
    return (each.input_tokens or 0.0) + (each.output_tokens or 0.0)


def dollars(system: SystemReport) -> float | None:
    """US dollars that a system takes for 1,000 abstracts; None where no price is known."""
    each = system.usage.per_abstract.cost_usd
    return None if each is None else 1000 * each


def money(amount: float | None) -> str:
    """Dollars for a column; `?` where no price is known."""
    return "?" if amount is None else "0" if amount == 0 else f"{amount:.2f}" if amount >= 0.01 else f"{amount:.2g}"


def describe(figures: Scores) -> str:
    """How one system did, in two sentences with the counts behind them."""
    found, strict, right = figures.claims.detection, figures.claims.strict, figures.documents_right
    annotated, said, complete = found.found + found.missed, found.found + found.spurious, figures.documents_complete.right
    return (
        f"finds {found.found} of {annotated} claims, {strict.found} of them right in kind, comparison, value and unit; "
        f"{found.spurious} of its {said} claims {'is' if found.spurious == 1 else 'are'} spurious. In {right.right} of "
        f"{right.total} abstracts every claim and hardware target is right, in {complete} of these in every field."
    )


def against_the_first(report: SetReport) -> list[ComparisonReport]:
    """The comparisons with the first system, which is what the others are held against; the report holds those of all pairs."""
    return [each for each in report.comparisons if each.ours == report.systems[0].name]


def differing(report: SetReport, ours: int, theirs: int) -> tuple[list[str], list[str]]:
    """The ids of the listed abstracts whose claims are all right in one system and not in the other: ours first."""
    won: tuple[list[str], list[str]] = ([], [])
    for document in report.documents:
        a, b = document.predictions[ours].claims_right, document.predictions[theirs].claims_right
        if a != b:
            won[0 if a else 1].append(document.id)
    return won


def holds(report: SetReport) -> str:
    """What a set holds: `143 abstracts, 185 claims, 132 hardware targets: what they are`."""
    gold = report.gold
    counts = [(gold.documents, "abstract"), (gold.claims, "claim"), (gold.hardware, "hardware target")]
    said = ", ".join(f"{number:,} {noun}{'' if number == 1 else 's'}" for number, noun in counts)
    return f"{said}: {gold.about}" if gold.about else said
