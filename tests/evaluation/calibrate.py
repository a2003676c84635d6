"""How sure the rules may be: learns the weights of `extractor/labelling/confidence.toml` from the annotated abstracts.

    python -m tests.evaluation.calibrate            # learn them, write the file, print what cross-validation says
    python -m tests.evaluation.calibrate --check    # leave with 1 if the file is not what would be written

Learned from the sets that are not held out. Few errors are in them, and the rules were written with the seeds in view, so:

- All features of a group have a weight in common, beside weights of their own, which are shrunk: with so little to learn
  from, a plain count of doubts is hard to beat (Dawes 1979, The robust beauty of improper linear models). How far they are
  shrunk, the penalty, is what foretells best the abstracts that are left out. Of claims, a dozen of which are wrong, what is
  in common is shrunk as well.
- The seeds have an intercept and a weight of doubts about numbers of their own, which are not written: they help to tell
  features apart, and the other abstracts say how sure to be.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extractor.evaluation.gold import GoldDocument
from extractor.evaluation.matching import Alignment, agreement, align, is_strict
from extractor.evaluation.metrics import is_right
from extractor.evaluation.sets import read_sets
from extractor.grounding import ground
from extractor.labelling import confidence
from extractor.labelling.rules import RulesLabeller
from extractor.labelling.rules.labeller import Decided
from extractor.labels import Labelled
from extractor.records import Provenance
from extractor.spotting import spot
from tests.gold import GOLD, SEEDS

Vector = NDArray[np.float64]
Chosen = NDArray[np.bool_]

PENALTIES = (10.0, 30.0, 100.0)
FOLDS = 10
_INTERCEPTS = 2
_HEAD = """\
# What each doubt takes from the log odds that a claim, or a record, of the rules is right; `confidence.py` explains the doubts.
# Written by `python -m tests.evaluation.calibrate`.
"""


@dataclass(frozen=True)
class Lesson:
    """What there is to learn from: each row's features, whether it is `right`, of the `seeds`, and the number of its abstract.

    `groups` says of each feature to which group it belongs; `shrunk` that the weight of a group is.
    """

    name: str
    features: tuple[str, ...]
    groups: tuple[int, ...]
    rows: Vector
    right: Vector
    seeds: Vector
    abstracts: Vector
    shrunk: bool

    def table(self) -> Vector:
        """The columns of the regression: two intercepts, then what is penalised; the features stand last."""
        sums = [self.rows[:, [n for n, g in enumerate(self.groups) if g == group]].sum(axis=1) for group in set(self.groups)]
        return np.column_stack([np.ones(len(self.rows)), self.seeds, *sums, self.seeds * sums[0], self.rows])

    def learn(self, penalty: float, left_out: Chosen | None = None) -> Vector:
        """The coefficients of the columns, learned without some of the abstracts."""
        table, kept = self.table(), np.full(len(self.rows), True) if left_out is None else ~left_out
        free = _INTERCEPTS if self.shrunk else table.shape[1] - len(self.features)
        penalties = np.where(np.arange(table.shape[1]) < free, 0.0, penalty)
        return _fit(table[kept], self.softened()[kept], penalties)

    def softened(self) -> Vector:
        """What the fit aims at: of each origin, right ones a little below 1 and wrong ones above 0, by how few there are.

        So that 75 right claims of 76 do not promise 99% (Platt 1999, Probabilistic outputs for support vector machines).
        """
        aims = self.right.astype(np.float64)
        for origin in (self.seeds > 0, self.seeds == 0):
            right, wrong = origin & (self.right > 0), origin & (self.right == 0)
            aims[right], aims[wrong] = (right.sum() + 1) / (right.sum() + 2), 1 / (wrong.sum() + 2)
        return aims

    def foretold(self, penalty: float) -> Vector:
        """The probability of each row by what the other folds of abstracts teach."""
        said = np.zeros(len(self.rows))
        for fold in range(FOLDS):
            left_out = self.abstracts % FOLDS == fold
            said[left_out] = _probability(self.table()[left_out] @ self.learn(penalty, left_out))
        return said

    @property
    def penalty(self) -> float:
        """What foretells best."""
        return min(PENALTIES, key=lambda each: _loss(self.foretold(each), self.right))

    def weights(self, penalty: float) -> tuple[float, list[float]]:
        """The intercept and the weights of the features for text that is not the seeds'."""
        found = self.learn(penalty)
        own = found[-len(self.features) :]
        return round(float(found[0]), 2), [
            round(float(found[_INTERCEPTS + g] + w), 2) for g, w in zip(self.groups, own, strict=True)
        ]


def lessons() -> tuple[Lesson, Lesson]:
    """What claims teach, and records."""
    labeller = RulesLabeller()
    seeds = {path.stem for path in SEEDS.glob("*.json")}
    claims: list[list[float]] = []
    records: list[list[float]] = []
    documents = [gold for each in read_sets(GOLD) if not each.held_out for gold in each.documents]
    for n, gold in enumerate(documents):
        decided, alignment = _decided(labeller, gold)
        doubts = [confidence.claim_features(claim) for claim in decided.claims]
        origin = [float(gold.document.id in seeds), float(n)]
        claims += [[*each, right, *origin] for each, right in zip(doubts, _rights(decided, alignment), strict=True)]
        records.append(
            [*confidence.record_features(decided, doubts, len(confidence.by_default(decided))), is_right(alignment), *origin]
        )
    of_hardware = (0,) * len(confidence.OF_NUMBERS) + (1,) * len(confidence.OF_HARDWARE)
    return (
        _lesson("claim", tuple(confidence.CLAIM), (0,) * len(confidence.CLAIM), claims, shrunk=True),
        _lesson("record", confidence.RECORD, of_hardware, records, shrunk=False),
    )


def _lesson(name: str, features: tuple[str, ...], groups: tuple[int, ...], rows: list[list[float]], *, shrunk: bool) -> Lesson:
    table = np.array(rows, dtype=np.float64)
    return Lesson(name, features, groups, table[:, :-3], table[:, -3], table[:, -2], table[:, -1], shrunk)


def _decided(labeller: RulesLabeller, gold: GoldDocument) -> tuple[Decided, Alignment]:
    mentions = spot(gold.document.text)
    decided = labeller.decide(gold.document, mentions)
    made = Provenance(extractor="", labeller="rules", model="rules")
    return decided, align(gold, ground(gold.document, mentions, Labelled(decided.labels, made)))


def _rights(decided: Decided, alignment: Alignment) -> list[bool]:
    """Whether each claim is right; grounding has them in the same order, that of the text."""
    right = {id(claim): is_strict(agreement(alignment.gold, expected, claim)) for expected, claim in alignment.claims.pairs}
    found = [right.get(id(claim), False) for claim in alignment.extraction.claims]
    assert len(found) == len(decided.claims)
    return found


def _fit(table: Vector, right: Vector, penalties: Vector) -> Vector:
    """Ridge logistic regression by Newton's method."""
    found = np.zeros(table.shape[1])
    for _ in range(100):
        said = _probability(table @ found)
        slope = table.T @ (right - said) - penalties * found
        bend = (table.T * (said * (1 - said))) @ table + np.diag(penalties + 1e-6)
        step = np.linalg.solve(bend, slope)
        found += step
        if np.abs(step).max() < 1e-9:
            break
    return found


def _probability(score: Vector) -> Vector:
    return 1 / (1 + np.exp(-score))


def _loss(said: Vector, right: Vector) -> float:
    """Mean log loss."""
    return float(-np.mean(np.log(np.where(right > 0, said, 1 - said).clip(1e-9))))


def written(learned: Sequence[tuple[Lesson, float]]) -> str:
    """The file."""
    return _HEAD + "\n".join(line for lesson, penalty in learned for line in _table(lesson, penalty)) + "\n"


def _table(lesson: Lesson, penalty: float) -> Iterator[str]:
    intercept, weights = lesson.weights(penalty)
    yield f"\n[{lesson.name}]\npenalty = {penalty:g}\nintercept = {intercept}\n\n[{lesson.name}.weights]"
    yield from (f'"{name}" = {weight}' for name, weight in zip(lesson.features, weights, strict=True))


def main(arguments: Sequence[str]) -> int:
    """Learn, print, and write or compare."""
    learned = [(lesson, lesson.penalty) for lesson in lessons()]
    for lesson, penalty in learned:
        said = lesson.foretold(penalty)
        for name, of in (("seeds", lesson.seeds > 0), ("others", lesson.seeds == 0)):
            wrong = int((1 - lesson.right[of]).sum())
            print(
                f"{lesson.name} of {name}: {of.sum()}, {wrong} wrong; left out and foretold: "
                f"log loss {_loss(said[of], lesson.right[of]):.3f} (their mean alone: "
                f"{_loss(np.full(of.sum(), lesson.right[of].mean()), lesson.right[of]):.3f})"
            )
    path = Path(str(files("extractor.labelling") / confidence.WEIGHTS))
    if "--check" in arguments:
        return int(path.read_text(encoding="utf-8") != written(learned))
    path.write_text(written(learned), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
