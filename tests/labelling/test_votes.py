"""What most samples say becomes the labels, and how many agree becomes the confidence."""

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import pytest

from extractor.documents import Document
from extractor.errors import BudgetError, CallError, JobError, Spent
from extractor.grounding import ground
from extractor.labelling.votes import VotingLabeller, merge
from extractor.labels import ClaimLabel, HardwareLabel, Labelled, Labels
from extractor.records import Provenance
from extractor.spotting import Mentions, spot

DOCUMENT = Document("d", "FastNet", "FastNet is 2.5x faster than SlowNet and reaches 71% accuracy on a Jetson Nano.")
MENTIONS = spot(DOCUMENT.text)
CLAIM: dict[str, Any] = {
    "mention": 1,
    "kind": "speedup",
    "comparison": "change",
    "effect": "better",
    "metric": None,
    "subject": "FastNet",
    "baseline": "SlowNet",
    "dataset": None,
    "hardware": None,
}
ABSOLUTE = {"kind": "speed", "comparison": "absolute", "effect": None, "baseline": None}


def claim(**fields: Any) -> ClaimLabel:
    return ClaimLabel.model_validate(CLAIM | fields)


def said(*claims: ClaimLabel, **fields: Any) -> Labels:
    given = {"system": None, "not_claims": (), "hardware": (), "not_hardware": (), **fields}
    return Labels(claims=claims, **given)


NO = said(not_claims=(1,))
FORGOTTEN = said()


@pytest.mark.parametrize(
    ("samples", "claimed", "dismissed", "confidence"),
    [
        pytest.param([said(claim())] * 3, [1], (), {1: 1.0}, id="all say so"),
        pytest.param([NO, said(claim()), said(claim())], [1], (), {1: 2 / 3}, id="most say so"),
        pytest.param([said(claim()), NO, NO], [], (1,), {}, id="most say no"),
        pytest.param([said(claim()), NO], [1], (), {1: 0.5}, id="a tie, the first says so"),
        pytest.param([NO, said(claim())], [], (1,), {}, id="a tie, the first says no"),
        pytest.param([said(claim()), FORGOTTEN, said(claim())], [1], (), {1: 2 / 3}, id="one forgot it"),
        pytest.param([said(claim()), FORGOTTEN, FORGOTTEN], [], (), {}, id="most forgot it and none says no"),
        pytest.param([FORGOTTEN, FORGOTTEN], [], (), {}, id="all forgot it"),
        pytest.param(
            [said(claim(), claim(kind="accuracy"))] * 2 + [said(claim(kind="accuracy"))], [1], (), {1: 2 / 3}, id="said twice"
        ),
        pytest.param([said(claim(), not_claims=(1,))] * 2, [1], (), {1: 1.0}, id="said to be both"),
        pytest.param(
            [said(claim(mention=2), claim()), said(claim(), claim(mention=2))],
            [1, 2],
            (),
            {1: 1.0, 2: 1.0},
            id="in their order",
        ),
    ],
)
def test_a_mention_is_a_claim_if_most_samples_say_so(
    samples: Sequence[Labels], claimed: list[int], dismissed: tuple[int, ...], confidence: dict[int, float]
) -> None:
    merged, found = merge(samples)
    assert [label.mention for label in merged.claims] == claimed
    assert (merged.not_claims, found) == (dismissed, confidence)


@pytest.mark.parametrize(
    ("votes", "outcome", "confidence"),
    [
        pytest.param([{}, ABSOLUTE, {}], {}, 2 / 3, id="majority of kind and comparison"),
        pytest.param([{}, ABSOLUTE], {}, 1 / 2, id="a tie goes to the first"),
        pytest.param([ABSOLUTE, {}], ABSOLUTE, 1 / 2, id="a tie goes to the first, the other way round"),
        pytest.param(
            [{"kind": "accuracy"}, {"kind": "resource"}, ABSOLUTE, ABSOLUTE], ABSOLUTE, 2 / 4, id="a pair, not each for itself"
        ),
        pytest.param([ABSOLUTE, {"effect": "worse"}, {"effect": "worse"}, {}], {"effect": "worse"}, 3 / 4, id="effect"),
        pytest.param([{"effect": None}, {"effect": None}, {}], {}, 1.0, id="a change has an effect"),
        pytest.param([{"effect": None}, {"effect": None}], {"effect": None}, 1.0, id="that nobody names"),
        pytest.param(
            [ABSOLUTE, ABSOLUTE, {}, {}, {}], {}, 3 / 5, id="the baseline is that of the samples that agree in comparison"
        ),
        pytest.param(
            [{"metric": "latency"}, {"metric": "Latency"}, {"metric": "delay"}, {"metric": "delay"}, {"metric": "latency "}],
            {"metric": "latency"},
            1.0,
            id="phrases that differ in case and space are one, as the first writes it",
        ),
        pytest.param(
            [{"metric": "$F_1$ score"}, {"metric": None}, {"metric": "F_1 score"}], {"metric": "$F_1$ score"}, 1.0, id="LaTeX"
        ),
        pytest.param([{"dataset": "COCO"}, {}, {}], {}, 1.0, id="most leave it empty"),
        pytest.param([{"dataset": "COCO"}, {"dataset": "VOC"}], {"dataset": "COCO"}, 1.0, id="a tie of phrases"),
        pytest.param([{"hardware": "Nano"}, {"hardware": "TX2"}, {"hardware": "TX2"}], {"hardware": "TX2"}, 1.0, id="hardware"),
    ],
)
def test_each_field_is_what_most_of_them_say(
    votes: Sequence[dict[str, Any]], outcome: dict[str, Any], confidence: float
) -> None:
    merged, found = merge([said(claim(**vote)) for vote in votes])
    assert merged.claims == (claim(**outcome),)
    assert found == {1: confidence}


def test_system_and_hardware_and_missed_quotes_go_by_majority_as_well() -> None:
    evaluated, intended = HardwareLabel(mention=3, role="evaluated"), HardwareLabel(mention=3, role="intended")
    other = HardwareLabel(mention=4, role="intended")
    merged, confidence = merge(
        [
            said(system=None, hardware=(other, evaluated), missed=("ten times", "twice")),
            said(system="FastNet", hardware=(intended,), not_hardware=(4,), missed=("Ten  times",)),
            said(system="fastnet", hardware=(intended,), not_hardware=(4,)),
        ]
    )
    assert (merged.system, merged.hardware, merged.not_hardware) == ("FastNet", (intended,), (4,))
    assert merged.missed == ("ten times",)
    assert confidence == {}


class Scripted:
    """Answers with labels or raises, after some turns of the event loop."""

    def __init__(self, answer: Labels | Exception, turns: float = 0, **spent: Any) -> None:
        self.name = "llm"
        self.answer, self.turns = answer, turns
        self.made = Provenance(extractor="0", labeller="llm", model="openai/m", **{"calls": 1, "attempts": 1, **spent})
        self.ended = False

    async def label(self, document: Document, mentions: Mentions) -> Labelled:  # noqa: ARG002 (the protocol's)
        try:
            while self.turns > 0:
                self.turns -= 1
                await asyncio.sleep(0)
        finally:
            self.ended = True
        if isinstance(self.answer, Exception):
            raise self.answer
        return Labelled(self.answer, self.made)


def label(*samples: Scripted) -> Labelled:
    return asyncio.run(VotingLabeller(samples).label(DOCUMENT, MENTIONS))


def test_samples_are_asked_at_once_and_all_that_they_cost_is_summed() -> None:
    labelled = label(
        Scripted(said(claim()), 9, input_tokens=700, output_tokens=90, cost_usd=0.25),
        Scripted(said(claim()), 9, calls=3, attempts=2, input_tokens=1500, output_tokens=80, cost_usd=0.5),
        Scripted(NO, 0, input_tokens=700, output_tokens=10, cost_usd=0.25),
    )
    made = labelled.provenance
    assert (made.calls, made.input_tokens, made.output_tokens) == (5, 2900, 180)
    assert made.attempts == 2  # one re-ask in all: what `attempts` says beyond 1
    assert made.cost_usd == 1.0
    assert (made.labeller, made.model, made.cached) == ("llm", "openai/m", False)
    assert labelled.confidence == {1: 2 / 3}


@pytest.mark.parametrize(
    ("samples", "cached"),
    [
        pytest.param([{"calls": 0, "attempts": 0, "cached": True}] * 2, True, id="all from the cache"),
        pytest.param([{"calls": 0, "attempts": 0, "cached": True}, {}], False, id="one was asked"),
        pytest.param([{"calls": 0, "attempts": 0}] * 2, False, id="nothing to label"),
    ],
)
def test_a_record_is_from_the_cache_if_all_samples_are(samples: Sequence[dict[str, Any]], cached: bool) -> None:
    assert label(*(Scripted(said(claim()), **spent) for spent in samples)).provenance.cached is cached


def test_the_cost_is_unknown_if_that_of_one_sample_is() -> None:
    labelled = label(Scripted(NO, cost_usd=0.25), Scripted(NO, cost_usd=None))
    assert labelled.provenance.cost_usd is None


def test_confidence_stands_in_the_record() -> None:
    both = said(claim(), claim(mention=2, kind="accuracy", comparison="absolute", effect=None, baseline=None))
    labelled = label(Scripted(both), Scripted(said(claim(), not_claims=(2,))), Scripted(both))
    record = ground(DOCUMENT, MENTIONS, labelled)
    assert [(each.quantity.text, each.confidence) for each in record.claims] == [("2.5x", 1.0), ("71%", 2 / 3)]


def test_samples_that_fail_are_left_out_and_the_record_says_so() -> None:
    lost = CallError("the reply was cut off", "Allow longer replies.", Spent(3, 3, 2000, 600, 0.75))
    labelled = label(Scripted(said(claim())), Scripted(lost), Scripted(said(claim()), cost_usd=0.25))
    assert labelled.confidence == {1: 1.0}
    made = labelled.provenance
    assert (made.calls, made.attempts, made.input_tokens, made.cost_usd) == (5, 3, 2000, 1.0)
    record = ground(DOCUMENT, MENTIONS, labelled)
    assert [(each.field, each.value, each.reason) for each in record.rejected if each.field.startswith("sample")] == [
        ("samples[1]", "the reply was cut off", "gave no answer")
    ]


def test_one_sample_alone_agrees_with_nobody() -> None:
    lost = CallError("no", "Mend it.")
    labelled = label(Scripted(lost), Scripted(said(claim())), Scripted(lost))
    assert ([each.mention for each in labelled.labels.claims], labelled.confidence) == ([1], {})


def test_no_answer_of_any_sample_is_a_failure_with_all_that_it_cost() -> None:
    samples = [
        Scripted(CallError(cause, "Mend it.", Spent(2, 2, 100, 10, 0.25))) for cause in ("cut off", "refused", "cut off")
    ]
    with pytest.raises(CallError, match=r"^no answer in 3 samples: cut off; refused\. Mend it\.$") as caught:
        label(*samples)
    assert caught.value.spent == Spent(6, 4, 300, 30, 0.75)
    assert not isinstance(caught.value, JobError)


def test_what_stops_a_job_is_not_held_up_by_the_other_samples() -> None:
    waiting = Scripted(NO, turns=math.inf)

    async def scene() -> None:
        with pytest.raises(JobError, match="wrong key"):
            await VotingLabeller([waiting, Scripted(JobError("wrong key", "Set it."))]).label(DOCUMENT, MENTIONS)
        await asyncio.sleep(0)
        assert waiting.ended

    asyncio.run(asyncio.wait_for(scene(), 5))


def test_at_the_cap_the_samples_under_way_are_waited_for_because_they_are_paid_for() -> None:
    slow = Scripted(NO, turns=9, cost_usd=0.25)
    with pytest.raises(BudgetError, match="at the cap") as caught:
        label(Scripted(BudgetError("at the cap", "Raise it.")), slow)
    assert slow.ended
    assert caught.value.spent.cost_usd == 0.25
