"""What a labeller took, and which share of its labels and phrases was rejected, counted by hand."""

from typing import Any

import pytest

from extractor.documents import Document
from extractor.evaluation.metrics import Share
from extractor.evaluation.systems import UNANSWERED, usage
from extractor.grounding import ground
from extractor.labelling.base import ClaimLabel, HardwareLabel, Labelled, Labels
from extractor.records import Extraction, Provenance, Rejection
from extractor.spotting import spot
from tests.evaluation.planted import ACCURACY, NANO, SPEEDUP, extraction, predict, target

TEXT = Document("d", "Kraken", "Kraken runs 2.5x faster than Squid on a Jetson Nano and takes 40 ms.")


def record(*rejected: tuple[str, str], **made: Any) -> Extraction:
    """The planted document with two claims (six phrases, and the system, kept) and one target."""
    kept = extraction((predict(SPEEDUP), predict(ACCURACY)), (target(NANO),))
    provenance = Provenance(extractor="0", labeller="planted", model="planted", **made)
    rejections = tuple(Rejection(field=field, value="?", reason=reason) for field, reason in rejected)
    return kept.model_copy(update={"provenance": provenance, "rejected": rejections})


def test_sums_and_what_they_make_per_abstract() -> None:
    found = usage(
        [
            record(calls=3, attempts=2, input_tokens=500, output_tokens=70, cost_usd=0.25, seconds=1.5),
            record(calls=1, attempts=1, input_tokens=100, output_tokens=30, cost_usd=0.5, seconds=0.25),
            record(cached=True),
            record(),
        ]
    )
    assert (found.documents, found.uncalled, found.unanswered, found.calls, found.reasks) == (4, 1, 0, 4, 1)
    assert (found.cost_usd, found.seconds) == (0.75, 1.75)
    figures = found.as_dict()
    assert figures["per_abstract"] == {
        "calls": 1.0,
        "reasks": 0.25,
        "input_tokens": 150.0,
        "output_tokens": 25.0,
        "cost_usd": 0.1875,
    }
    assert figures["without_call"] == {"right": 1, "total": 4, "value": 0.25}


def test_a_time_is_in_no_report() -> None:
    assert usage([record(seconds=1.0)]).as_dict() == usage([record(seconds=2.0)]).as_dict()


def test_one_unknown_price_makes_the_sum_unknown() -> None:
    found = usage([record(cost_usd=0.25), record(cost_usd=None)])
    assert found.cost_usd is None
    assert found.as_dict()["per_abstract"]["cost_usd"] is None


def test_of_no_document_there_is_no_mean_and_no_share() -> None:
    found = usage([])
    assert (found.calls, found.cost_usd, found.seconds, found.rejected) == (0, 0.0, 0.0, {})
    assert found.each(found.calls) is found.refused.value is found.ungrounded.value is found.without_call.value is None


@pytest.mark.parametrize(
    ("rejected", "refused", "ungrounded"),
    [
        pytest.param((), Share(0, 3), Share(0, 7), id="nothing rejected"),
        pytest.param((("claims[2].mention", "no such mention"),), Share(1, 4), Share(0, 7), id="a claim about no mention"),
        pytest.param((("claims[2]", "a change without an effect"),), Share(1, 4), Share(0, 7), id="a claim that can't be"),
        pytest.param((("hardware[1].mention", "labelled twice"),), Share(1, 4), Share(0, 7), id="hardware again"),
        pytest.param((("claims[0].metric", "not found in the text"),), Share(0, 3), Share(1, 8), id="an invented phrase"),
        pytest.param((("claims[1].baseline", "absolute has no baseline"),), Share(0, 3), Share(0, 8), id="a needless phrase"),
        pytest.param((("system", "not found in the text"),), Share(0, 3), Share(1, 8), id="an invented system"),
        pytest.param((("claims[0].effect", "absolute has no effect"),), Share(0, 3), Share(0, 7), id="an effect"),
        pytest.param(
            (("missed[0]", "not found in the text"), ("mentions[4]", "has no label"), ("not_claims[0]", "labelled twice")),
            Share(0, 3),
            Share(0, 7),
            id="what is neither label nor phrase",
        ),
    ],
)
def test_rates(rejected: tuple[tuple[str, str], ...], refused: Share, ungrounded: Share) -> None:
    found = usage([record(*rejected)])
    assert (found.refused, found.ungrounded) == (refused, ungrounded)
    assert sum(found.rejected.values()) == len(rejected)


def test_an_answer_that_was_none_is_no_rejection() -> None:
    found = usage([record((UNANSWERED, "the reply does not fit the schema"))])
    assert (found.unanswered, found.rejected, found.refused) == (1, {}, Share(0, 3))


def test_grounding_words_its_rejections_so() -> None:
    """The rates read the fields and reasons that grounding writes."""
    label = ClaimLabel(
        mention=1,
        kind="speedup",
        comparison="change",
        effect="better",
        metric="a made-up metric",
        subject="Kraken",
        baseline="Squid",
        dataset=None,
        hardware=None,
    )
    mentions = spot(TEXT.text)
    ids = [mention.id for mention in mentions.quantities]
    named = [mention.id for mention in mentions.hardware]
    labels = Labels(
        system="a made-up system",
        claims=(label.model_copy(update={"mention": ids[0]}), label.model_copy(update={"mention": 99})),
        not_claims=tuple(ids[1:]),
        hardware=(HardwareLabel(mention=named[0], role="evaluated"), HardwareLabel(mention=named[0], role="evaluated")),
        not_hardware=tuple(named[1:]),
    )
    found = usage([ground(TEXT, mentions, Labelled(labels, Provenance(extractor="0", labeller="x", model="x")))])
    assert found.refused == Share(2, 4)
    assert found.ungrounded == Share(2, 4)
