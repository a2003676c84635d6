"""How well quantities are spotted, by annotations that nobody here made: MeasEval and NewsQuant.

    python -m tests.benchmarks.outside measeval FOLDER [--split train|trial|eval] [--differences]
    python -m tests.benchmarks.outside newsquant FOLDER [--differences]

FOLDER is a clone of harperco/MeasEval (paragraphs of other sciences; quantities as spans) or of satya77/CQE_Evaluation
(sentences of news; quantities as value and change). Each is scored twice: what is spotted, and what `outside_adapter` makes of
it, since the benchmarks count what the guidelines of this project do not. `--differences` lists every disagreement.

MeasEval is scored as by its own script, the spans of quantities alone: two spans that overlap or touch are a pair, exact if
their ends are equal; the overlap of a pair is the F1 of its tokens between single spaces, the best one for a spotted span that
has several pairs; a span without a pair counts 0; both are means over these rows. "Exact F1" is that of spans with equal ends.

NewsQuant is scored by value, and by value and change (=, ~, <, >), each quantity paired at most once. Its own script lets one
value match several, which gives half a point more. Its changes "up" and "down" are no bounds: spotting always misses them.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import isclose
from pathlib import Path
from typing import Any

from extractor.documents import Span
from extractor.spotting import spot
from tests.benchmarks.outside_adapter import CHANGES, Counted, as_measeval, as_newsquant, as_spotted

Values = tuple[float, float]
CONTEXT = 40
"""Characters shown on either side of a difference."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text of MeasEval and the spans of its quantities."""

    id: str
    text: str
    gold: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of NewsQuant and its quantities: value or range as written, and change."""

    text: str
    gold: tuple[tuple[Values, str], ...]


@dataclass(slots=True)
class Score:
    """Counts of one run over a benchmark. `rows` holds one (exact, overlap) for each pair and each span without one."""

    found: int = 0
    gold: int = 0
    right: int = 0
    right_with_change: int = 0
    rows: list[tuple[float, float]] = field(default_factory=list)

    def f1(self, right: int) -> float:
        """F1 of so many right ones."""
        return 2 * right / (self.found + self.gold) if self.found + self.gold else 0.0

    def mean(self, column: int) -> float:
        """Mean of a column of the rows: 0 exact match, 1 overlap."""
        return sum(row[column] for row in self.rows) / len(self.rows) if self.rows else 0.0


def main(arguments: list[str] | None = None) -> int:
    """Score a benchmark, as spotted and adapted; 1 if the folder does not hold it."""
    parser = argparse.ArgumentParser(description="Scores spotted quantities against MeasEval or NewsQuant.")
    parser.add_argument("benchmark", choices=("measeval", "newsquant"))
    parser.add_argument("folder", type=Path, help="a clone of harperco/MeasEval or of satya77/CQE_Evaluation")
    parser.add_argument("--split", choices=("train", "trial", "eval"), default="train", help="of MeasEval (default train)")
    parser.add_argument("--differences", action="store_true", help="list each difference after the adapter")
    options = parser.parse_args(arguments)
    try:
        if options.benchmark == "measeval":
            _measeval(options.folder, options.split, options.differences)
        else:
            _newsquant(options.folder, options.differences)
    except FileNotFoundError as error:
        print(f"{error.filename} is not there; name a clone of the benchmark's repository", file=sys.stderr)
        return 1
    return 0


def _measeval(folder: Path, split: str, differences: bool) -> None:
    paragraphs = read_measeval(folder, split)
    print(f"MeasEval {split}: {len(paragraphs)} paragraphs, {sum(len(p.gold) for p in paragraphs)} quantities")
    spotted = [[m.span for m in spot(p.text).quantities] for p in paragraphs]
    adapted = [as_measeval(p.text, spot(p.text).quantities) for p in paragraphs]
    for name, found in {"as spotted": spotted, "with the adapter": adapted}.items():
        score = score_spans((p.gold, spans, p.text) for p, spans in zip(paragraphs, found, strict=True))
        print(
            f"{name:<18} spans {score.found:5}   exact F1 {score.f1(score.right):.3f}   exact match {score.mean(0):.3f}"
            f"   overlap {score.mean(1):.3f}"
        )
    if differences:
        for p, spans in zip(paragraphs, adapted, strict=True):
            for line in span_differences(p.text, p.gold, spans):
                print(f"{p.id}  {line}")


def _newsquant(folder: Path, differences: bool) -> None:
    sentences = read_newsquant(folder)
    print(f"NewsQuant: {len(sentences)} sentences, {sum(len(s.gold) for s in sentences)} quantities")
    spotted = [as_spotted(spot(s.text).quantities) for s in sentences]
    adapted = [as_newsquant(s.text, spot(s.text).quantities) for s in sentences]
    for name, found in {"as spotted": spotted, "with the adapter": adapted}.items():
        score = score_values((s.gold, quantities) for s, quantities in zip(sentences, found, strict=True))
        print(
            f"{name:<18} found {score.found:5}   value F1 {score.f1(score.right):.3f}"
            f"   value and change F1 {score.f1(score.right_with_change):.3f}"
        )
    if differences:
        for s, quantities in zip(sentences, adapted, strict=True):
            missed, false = unpaired(s.gold, quantities)
            if missed or false:
                print(f"{s.text}\n    missed {missed}   false {[(q.values, s.text[slice(*q.span)]) for q in false]}")


def read_measeval(folder: Path, split: str) -> list[Paragraph]:
    """The paragraphs of a split, with or without quantities. Raises `FileNotFoundError` where the folder has no such split."""
    home = folder / "data" / split
    texts = next((home / name for name in ("text", "txt") if (home / name).is_dir()), home / "text")
    if not texts.is_dir():
        raise FileNotFoundError(2, "no such folder", str(texts))
    paragraphs = []
    for path in sorted(texts.glob("*.txt")):
        rows = _table(home / "tsv" / f"{path.stem}.tsv")
        gold = sorted({(int(r["startOffset"]), int(r["endOffset"])) for r in rows if r["annotType"] == "Quantity"})
        paragraphs.append(Paragraph(path.stem, path.read_bytes().decode("utf-8"), tuple(gold)))
    return paragraphs


def _table(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return [*csv.DictReader(lines, delimiter="\t")]


def read_newsquant(folder: Path) -> list[Sentence]:
    """The sentences of NewsQuant. Raises `FileNotFoundError` where the folder does not hold them."""
    path = folder / "data" / "formatted_test_set" / "NewsQuant.json"
    items: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return [Sentence(i["text"], tuple((_values(q["value"]), q["change"]) for q in i["quantities"])) for i in items]


def _values(written: str) -> Values:
    """A value of NewsQuant: "5.0", "1.0-1.5", or "-1.3"."""
    if "E" not in written and not written.startswith("-") and "-" in written:
        low, high = written.split("-")[:2]
        return float(low), float(high)
    return float(written), float(written)


def score_spans(paragraphs: Iterable[tuple[tuple[Span, ...], list[Span], str]]) -> Score:
    """Score spotted spans against gold spans, as MeasEval's script does; each item is (gold, found, text)."""
    score = Score()
    for gold, found, text in paragraphs:
        score.found += len(found)
        score.gold += len(gold)
        score.right += len(set(gold) & set(found))
        paired: set[Span] = set()
        for span in found:
            pairs = [other for other in gold if _touch(span, other)]
            overlap = max((_token_f1(text, span, other) for other in pairs), default=0.0)
            score.rows += [(float(span == other), overlap) for other in pairs] or [(0.0, 0.0)]
            paired |= {*pairs}
        score.rows += [(0.0, 0.0) for other in gold if other not in paired]
    return score


def _touch(one: Span, other: Span) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _token_f1(text: str, found: Span, gold: Span) -> float:
    """F1 of the tokens between single spaces that two spans share, counted by their overlap as MeasEval counts them."""
    shared = max(found[0], gold[0]), min(found[1], gold[1])
    counts = [len(text[start:end].split(" ")) for start, end in (shared, found, gold)]
    precision, recall = counts[0] / counts[1], counts[0] / counts[2]
    return 2 * precision * recall / (precision + recall)


def score_values(sentences: Iterable[tuple[tuple[tuple[Values, str], ...], list[Counted]]]) -> Score:
    """Score values, each paired at most once and with an equal change where there is a choice; items are (gold, found)."""
    score = Score()
    for gold, found in sentences:
        missed, _ = unpaired(gold, found)
        score.found += len(found)
        score.gold += len(gold)
        score.right += len(gold) - len(missed)
        rest = [(q.values, CHANGES[q.bound]) for q in found]
        for values, change in gold:
            hit = next((n for n, (other, its) in enumerate(rest) if _equal(values, other) and change == its), None)
            if hit is not None:
                score.right_with_change += 1
                del rest[hit]
    return score


def unpaired(gold: tuple[tuple[Values, str], ...], found: list[Counted]) -> tuple[list[tuple[Values, str]], list[Counted]]:
    """The quantities of each side whose value has no partner on the other."""
    missed, rest = [], [*found]
    for values, change in gold:
        hit = next((q for q in rest if _equal(values, q.values)), None)
        if hit is None:
            missed.append((values, change))
        else:
            rest.remove(hit)
    return missed, rest


def _equal(one: Values, other: Values) -> bool:
    return all(isclose(a, b, rel_tol=1e-5, abs_tol=1e-8) for a, b in zip(one, other, strict=True))


def span_differences(text: str, gold: tuple[Span, ...], found: list[Span]) -> Iterator[str]:
    """One line for each gold span that was not found exactly, and for each found span without a pair."""
    for span in gold:
        if span not in found:
            partly = [text[slice(*other)] for other in found if _touch(span, other)]
            kind = f"partly {' | '.join(partly)}" if partly else "missed"
            yield f"{kind}: {_shown(text, span)}"
    for span in found:
        if not any(_touch(span, other) for other in gold):
            yield f"false: {_shown(text, span)}"


def _shown(text: str, span: Span) -> str:
    before, behind = text[max(0, span[0] - CONTEXT) : span[0]], text[span[1] : span[1] + CONTEXT]
    return " ".join(f"{before}⟦{text[slice(*span)]}⟧{behind}".split())


if __name__ == "__main__":
    sys.exit(main())
