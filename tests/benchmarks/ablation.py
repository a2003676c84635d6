"""What each row and each word of the rules is worth: how many abstracts change without it, for the better and for the worse.

    python -m tests.benchmarks.ablation [NAME ...] [--unlabelled FILE] [--together] [--json]

Takes one part of the rules away at a time, a row of a table or a word of a list, and labels again every abstract that it can
matter to: those of the sets of gold that are not held out, and the first 1,000 of `--unlabelled`, any input that
`extractor run` reads. NAME is a pattern such as "frames:*" and narrows the parts down; `--together` takes all of them away at
once instead.

An abstract changes if its record does: system, claims or hardware. It changes for the better if it has more points then, and
for the worse if it has fewer. Its points are

- one for each field of each claim found that agrees with the annotation: kind, comparison, effect, value, unit and bound
  exactly, metric, subject, baseline, dataset and hardware at least softly, so up to 11 a claim;
- three for each hardware target found, one of them if its role agrees and one if its category does;
- one if the name of the system agrees at least softly;
- less 11 for each spurious claim and 3 for each spurious target, so that one made up costs what one missed does.

A row or word is worth keeping if at least two abstracts are worse without it, both sets taken together. Where the rules cannot
do without a part at all and end with an error, "!" stands behind the number of abstracts in which they do.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from extractor._version import __version__
from extractor.documents import Document, lowered
from extractor.evaluation.gold import GoldDocument
from extractor.evaluation.matching import Alignment, agreement, align, compare_phrases
from extractor.evaluation.metrics import CLAIM_FIELDS
from extractor.evaluation.sets import read_sets
from extractor.grounding import ground
from extractor.labelling.rules import RulesLabeller
from extractor.labels import Labelled, Labels
from extractor.records import Extraction, Provenance
from extractor.sources import Sourced, read
from extractor.spotting import Mentions, spot
from tests.benchmarks.parts import Part, labeller_without, parts
from tests.gold import GOLD

UNLABELLED = 1000
"""Abstracts without annotation that are tried at most."""

ENOUGH = 2
"""Abstracts that are worse without a part that is worth keeping."""

_WIDE = 44
"""Characters of a name; the columns of a longer one, such as an expression, stand further right."""

TARGET_FIELDS = ("place", "role", "category")
_MADE = Provenance(extractor=__version__, labeller="rules", model="rules")


@dataclass(frozen=True, slots=True)
class Case:
    """One abstract, spotted and labelled with all of the rules; `gold` is None where nobody annotated it."""

    gold: GoldDocument | None
    document: Document
    mentions: Mentions
    lowered: str
    labels: Labels
    record: Extraction
    points: int

    @classmethod
    def of(cls, document: Document, gold: GoldDocument | None, labeller: RulesLabeller) -> "Case":
        """Label an abstract with all of the rules."""
        mentions = spot(document.text)
        labels = labeller.labels(document, mentions)
        record = ground(document, mentions, Labelled(labels, _MADE))
        return cls(gold, document, mentions, lowered(document.text), labels, record, _points(gold, record))


@dataclass(slots=True)
class Change:
    """How many abstracts of a set change without a part, and how many of these for the better and for the worse.

    In `failed` others the rules end with an error.
    """

    changed: int = 0
    better: int = 0
    worse: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Worth:
    """What is different without a part, by the names of the sets."""

    name: str
    table: str
    row: bool
    sets: dict[str, Change]

    @property
    def worse(self) -> int:
        """The annotated abstracts that are worse without it."""
        return sum(each.worse for each in self.sets.values())

    @property
    def kept(self) -> bool:
        """Whether it is worth keeping."""
        return self.worse >= ENOUGH or any(each.failed for each in self.sets.values())


Cases = dict[str, list[Case]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Take parts away, and print what changes, each as soon as it is known."""
    options = _options(arguments)
    every = parts()
    chosen = [part for part in every if any(fnmatchcase(part.name, name) for name in options.names or ["*"])]
    if not chosen:
        print(f"None of the {len(every):,} parts of the rules is called {', '.join(options.names)}.", file=sys.stderr)
        return 2
    cases = read_cases(options.gold, options.unlabelled)
    if options.together:
        names = frozenset(part.name for part in chosen)
        found = iter([Worth(f"{len(names)} parts together", "", False, without(names, cases))])
    else:
        found = each_alone(chosen, cases, options.processes)
    if options.json:
        print(json.dumps([{**asdict(each), "kept": each.kept} for each in found], indent=1))
        return 0
    for line in table(found, list(cases), min(_WIDE, max(len(part.name) for part in chosen))):
        print(line, flush=True)
    return 0


def read_cases(gold: Path, unlabelled: str | None) -> Cases:
    """The abstracts by set; those that are held out are left out, and those of a file are the set "unlabelled"."""
    labeller = RulesLabeller()
    cases = {
        each.name: [Case.of(document.document, document, labeller) for document in each.documents]
        for each in read_sets(gold)
        if not each.held_out
    }
    if unlabelled is not None:
        documents = (item.document for item in read([unlabelled]) if isinstance(item, Sourced))
        cases["unlabelled"] = [Case.of(document, None, labeller) for document in islice(documents, UNLABELLED)]
    return cases


def each_alone(chosen: Sequence[Part], cases: Cases, processes: int) -> Iterator[Worth]:
    """What each part is worth, in their order."""
    _inherit(cases)
    if processes == 1:
        yield from map(_alone, chosen)
        return
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        yield from pool.map(_alone, chosen, chunksize=8)


_CASES: Cases = {}


def _inherit(cases: Cases) -> None:
    """Keep the abstracts where a process that is forked finds them, so that they need not be sent to it."""
    _CASES.clear()
    _CASES.update(cases)


def _alone(part: Part) -> Worth:
    pattern = part.pattern
    matters = {
        name: [case for case in of_set if not pattern or pattern.search(case.lowered)] for name, of_set in _CASES.items()
    }
    return Worth(part.name, part.table, pattern is None, without(frozenset([part.name]), matters))


def without(names: frozenset[str], cases: Cases) -> dict[str, Change]:
    """What changes without these parts in these abstracts, by set."""
    found = {name: Change() for name in cases}
    if not any(cases.values()):
        return found
    labeller = labeller_without(names)
    for name, case in ((name, case) for name, of_set in cases.items() for case in of_set):
        try:
            labels = labeller.labels(case.document, case.mentions)
        except Exception:  # noqa: BLE001 (whatever breaks without the part is what is looked for)
            found[name].failed += 1
            continue
        if labels == case.labels:
            continue
        record = ground(case.document, case.mentions, Labelled(labels, _MADE))
        if record == case.record:
            continue
        points = _points(case.gold, record)
        found[name].changed += 1
        found[name].better += points > case.points
        found[name].worse += points < case.points
    return found


def points_of(alignment: Alignment) -> int:
    """The points of an abstract, as the head of this module says."""
    gold, record, claims, hardware = alignment.gold, alignment.extraction, alignment.claims, alignment.hardware
    agreeing = sum(each.soft for pair in claims.pairs for each in agreement(gold, *pair).values())
    agreeing += sum(1 + (a.role == b.role) + (a.category == b.category) for a, b in hardware.pairs)
    agreeing += compare_phrases(gold.system, record.system).soft
    return agreeing - len(CLAIM_FIELDS) * len(claims.spurious) - len(TARGET_FIELDS) * len(hardware.spurious)


def _points(gold: GoldDocument | None, record: Extraction) -> int:
    return 0 if gold is None else points_of(align(gold, record))


def table(found: Iterable[Worth], sets: Sequence[str], width: int) -> Iterator[str]:
    """One line for each part, and totals. In a set stand the abstracts that change, of these better (+) and worse (-)."""
    yield f"{'without':<{width}}  {'  '.join(f'{name:>18}' for name in sets)}"
    shown = []
    for each in found:
        shown.append(each)
        cells = (f"{_cell(each.sets[name]):>18}" for name in sets)
        yield f"{each.name:<{width}}  {'  '.join(cells)}{'' if each.kept else '  *'}"
    yield ""
    for noun, of_sort in (("rows", [each for each in shown if each.row]), ("words", [each for each in shown if not each.row])):
        if of_sort:
            yield _total(noun, of_sort)


def _total(noun: str, found: Sequence[Worth]) -> str:
    nothing = sum(not any(change.changed or change.failed for change in each.sets.values()) for each in found)
    few = sum(not each.kept for each in found)
    changes = f"{len(found):,} {noun}: without {nothing:,} of them nothing changes"
    return f"{changes}; * fewer than {ENOUGH} annotated abstracts are worse without {few:,}"


def _cell(change: Change) -> str:
    told = [str(change.changed)] if change.changed else []
    told += [f"{sign}{number}" for sign, number in (("+", change.better), ("-", change.worse)) if number]
    return " ".join([*told, *([f"{change.failed}!"] if change.failed else [])]) or "."


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What each row and each word of the rules is worth.")
    parser.add_argument("names", nargs="*", metavar="NAME", help='only parts whose name matches a pattern: "frames:*"')
    parser.add_argument(
        "--unlabelled", metavar="FILE", help=f"abstracts that nobody annotated; the first {UNLABELLED:,} are tried"
    )
    parser.add_argument("--gold", type=Path, default=GOLD, metavar="DIR", help="annotated abstracts other than evals/gold")
    parser.add_argument("--together", action="store_true", help="take all parts away at once, not one after the other")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="processes at once (default 2)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
