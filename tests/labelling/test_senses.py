"""What a unit allows a claim to be never forbids what an annotator said."""

from pathlib import Path

import pytest

from extractor.evaluation import GoldDocument, read_gold
from extractor.evaluation.matching import overlap
from extractor.labelling.senses import senses
from extractor.spotting import spot

GOLD = read_gold(Path("evals/gold"))


@pytest.mark.parametrize("gold", GOLD, ids=[gold.document.id for gold in GOLD])
def test_every_annotated_claim_is_possible(gold: GoldDocument) -> None:
    mentions = spot(gold.document.text).quantities
    for claim in gold.claims:
        for mention in mentions:
            if overlap(mention.span, claim.span):
                assert claim.kind in senses(mention).get(claim.comparison, ())


@pytest.mark.parametrize(
    ("text", "comparisons"),
    [
        ("It is 9.1x faster.", {"change"}),
        ("It needs half of the memory.", {"change", "fraction"}),
        ("It needs 1/19 of the memory.", {"change", "fraction"}),
        ("It reaches 94%.", {"absolute", "change", "fraction"}),
        ("It runs in 4 ms.", {"absolute", "change"}),
    ],
    ids=["multiple", "word", "share", "percentage", "time"],
)
def test_a_unit_says_which_comparisons_are_possible(text: str, comparisons: set[str]) -> None:
    assert set(senses(spot(text).quantities[0])) == comparisons
