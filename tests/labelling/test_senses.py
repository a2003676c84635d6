"""What a unit allows a claim to be never forbids what an annotator said."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from extractor.evaluation import GoldDocument, read_gold
from extractor.evaluation.matching import overlap
from extractor.labelling.senses import senses
from extractor.records import Comparison, Kind
from extractor.spotting import spot

GOLD = read_gold(Path("evals/gold/seeds"))


@pytest.mark.parametrize("gold", GOLD, ids=[gold.document.id for gold in GOLD])
def test_every_annotated_claim_is_possible(gold: GoldDocument) -> None:
    mentions = spot(gold.document.text)
    for claim in gold.claims:
        for mention in mentions.quantities:
            if overlap(mention.span, claim.span):
                assert claim.kind in senses(mention, mentions).get(claim.comparison, ())


@pytest.mark.parametrize(
    ("text", "comparisons"),
    [
        ("It is 9.1x faster.", {"change"}),
        ("It needs half of the memory.", {"change", "fraction"}),
        ("It needs 1/19 of the memory.", {"change", "fraction"}),
        ("It runs in 4 ms.", {"absolute"}),
        ("It is faster (4 ms vs 9 ms).", {"absolute"}),
        ("It is 4 ms faster.", {"change"}),
        ("It gains 2.1 mIoU.", {"change"}),
        ("It improves by +1.5 dB.", {"change"}),
        ("It reaches 94%.", {"absolute"}),
        ("It keeps 94% of the accuracy.", {"absolute", "fraction"}),
        ("It trains 2% parameters.", {"absolute", "fraction"}),
        ("It outperforms others with 94%.", {"absolute", "change"}),
        ("It outperforms others slightly (< 7%).", {"absolute", "change"}),
        ("It is 7% better.", {"change"}),
        ("We collect 2,000 images.", set()),
        ("We use 8-bit weights.", set()),
        ("We use a 7B model.", set()),
        ("It reaches an F1 of 85 on SQuAD.", {"absolute"}),
        ("It learns from only 2,000 images.", {"absolute"}),
        ("A gain of up to 7% is seen.", {"change"}),
    ],
)
def test_the_words_beside_a_quantity_say_which_comparisons_are_possible(text: str, comparisons: set[str]) -> None:
    mentions = spot(text)
    assert set(senses(mentions.quantities[0], mentions)) == comparisons


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("It reaches 94%.", {"accuracy"}),
        ("It needs 94% of the memory.", {"accuracy", "resource"}),
        ("It is 3x faster.", {"speedup", "accuracy"}),
        ("It is 3x better.", {"accuracy"}),
        ("It cuts latency and energy by 7%.", {"speedup", "accuracy", "resource"}),
        ("It reaches 0.93 AUC.", {"accuracy"}),
        ("It takes 40 MB.", {"resource"}),
    ],
)
def test_a_time_or_a_cost_is_possible_only_where_a_word_says_one(text: str, kinds: set[str]) -> None:
    mentions = spot(text)
    assert {kind for possible in senses(mentions.quantities[0], mentions).values() for kind in possible} == kinds


def test_a_difference_in_a_list_makes_its_neighbours_possible_differences() -> None:
    mentions = spot("It improves by +1.5 dB and 2.4 dB.")
    assert set(senses(mentions.quantities[1], mentions)) == {"absolute", "change"}


def test_most_of_what_is_no_claim_cannot_be_one_and_most_claims_compare_in_one_way() -> None:
    no_claims: list[Mapping[Comparison, tuple[Kind, ...]]] = []
    claims: list[Mapping[Comparison, tuple[Kind, ...]]] = []
    for gold in GOLD:
        mentions = spot(gold.document.text)
        places = [span for claim in gold.claims for span in (claim.span, *claim.restated)]
        for mention in mentions.quantities:
            annotated = any(overlap(mention.span, span) for span in places)
            (claims if annotated else no_claims).append(senses(mention, mentions))
    assert (sum(not possible for possible in no_claims), len(no_claims)) == (78, 109)
    assert (sum(len(possible) == 1 for possible in claims), len(claims)) == (142, 187)
