"""What the built-in prompt gains over the one before, on the 60 held-out abstracts, with the recorded model.

    python -m tests.evaluation.prompts

The records of label@2 are played from its cassettes. Those of label@1 were made once, at commit a13cae5, by
`extractor eval --model openai/qwen2.5-coder-1.5b-instruct-q4_k_m --base-url http://127.0.0.1:8080/v1 --record`, and stand in
`evals/records`, without the texts: its requests had a schema that is no longer made.
"""

import json

from extractor.evaluation.gold import GoldDocument
from extractor.evaluation.matching import Alignment, align
from extractor.evaluation.sets import read_sets
from extractor.evaluation.statistics import HEADLINE, Difference, differences, values
from extractor.evaluation.systems import evaluate
from extractor.evaluation.usage import usage
from extractor.labelling.models import ModelOptions
from extractor.records import Extraction
from tests.gold import GOLD

RECORDS = GOLD.parent / "records" / "label-1.jsonl"
MODEL = ModelOptions("openai/qwen2.5-coder-1.5b-instruct-q4_k_m")


def main() -> None:
    """Print the table."""
    before, after = both()
    ours, theirs = values(before), values(after)
    print(f"{'':<34}{'label@1':>8}{'label@2':>8}  difference")
    for name, each in differences(before, after).items():
        print(f"{HEADLINE[name].label:<34}{_percent(ours[name])}{_percent(theirs[name])}  {_words(each)}")
    for what in ("input_tokens", "output_tokens"):
        tokens = (getattr(usage(a.extraction for a in system), what) / len(system) for system in (before, after))
        print(f"{what.replace('_', ' ') + ' an abstract':<34}" + "".join(f"{each:>8,.0f}" for each in tokens))


def both() -> tuple[tuple[Alignment, ...], tuple[Alignment, ...]]:
    """The records of label@1 and of label@2, beside the annotation."""
    [gold] = [each.documents for each in read_sets(GOLD) if each.held_out]
    records = [json.loads(line) for line in RECORDS.read_text(encoding="utf-8").splitlines()]
    before = tuple(align(document, _record(document, record)) for document, record in zip(gold, records, strict=True))
    return before, evaluate(gold, MODEL, GOLD.parent / "cassettes").alignments


def _record(gold: GoldDocument, record: dict[str, object]) -> Extraction:
    document = gold.document
    return Extraction.model_validate({"title": document.title, "abstract": document.abstract, "rejected": (), **record})


def _percent(value: float | None) -> str:
    return f"{100 * (value or 0):>8.1f}"


def _words(difference: Difference) -> str:
    value, low, high = (100 * (each or 0) for each in (difference.value, difference.low, difference.high))
    return f"{value:+.1f} ({low:.1f} to {high:.1f}), p = {difference.p or 0:.2g}"


if __name__ == "__main__":
    main()
