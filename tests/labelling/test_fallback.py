"""Who answers when the model does not, and what the record says of it."""

import asyncio
from typing import Any

import pytest

from extractor.documents import Document
from extractor.errors import BudgetError, CallError, JobError, Spent
from extractor.grounding import ground
from extractor.labelling.fallback import FallbackLabeller, is_settled, reconciled
from extractor.labelling.rules import RulesLabeller
from extractor.labels import ClaimLabel, Labelled, Labels
from extractor.records import Provenance
from extractor.spotting import Mentions, spot

DOCUMENT = Document("d", "FastNet", "FastNet is 2.5x faster than SlowNet on a Jetson Nano.")
MENTIONS = spot(DOCUMENT.text)
NOTHING = Labels(system=None, claims=(), not_claims=(1,), hardware=(), not_hardware=(2,))
FAILED = CallError("the reply was cut off", "Allow longer replies.", Spent(3, 3, 2100, 600, 0.75))
WRONG_KEY = JobError("wrong key", "Set it.", Spent(calls=1))


class Scripted:
    """Answers or raises the same each time, and counts how often it was asked."""

    def __init__(self, name: str, error: Exception | None = None, **spent: Any) -> None:
        self.name = "llm"
        self.error = error
        self.made = Provenance(extractor="0", labeller="llm", model=name, **{"calls": 1, "attempts": 1, **spent})
        self.asked = 0

    async def label(self, document: Document, mentions: Mentions) -> Labelled:  # noqa: ARG002 (the protocol's)
        self.asked += 1
        if self.error is not None:
            raise self.error
        return Labelled(NOTHING, self.made)


def label(*labellers: Scripted | RulesLabeller, notices: list[str] | None = None) -> Labelled:
    said = [] if notices is None else notices
    return asyncio.run(FallbackLabeller(labellers, said.append).label(DOCUMENT, MENTIONS))


def test_a_model_that_answers_is_all_that_is_asked() -> None:
    first, second = Scripted("openai/a", cached=True), Scripted("openai/b")
    labelled = label(first, second)
    assert (labelled.provenance, labelled.rejected, second.asked) == (first.made, (), 0)
    assert FallbackLabeller([first, second]).name == first.name


def test_the_next_in_line_answers_and_the_record_says_who_it_was_and_what_all_have_cost() -> None:
    last = Scripted("openai/c", input_tokens=700, output_tokens=90, cost_usd=0.25)
    record = ground(DOCUMENT, MENTIONS, label(Scripted("openai/a", FAILED), Scripted("openai/b", FAILED), last))
    made = record.provenance
    assert (made.labeller, made.model) == ("llm", "openai/c")
    assert (made.calls, made.attempts) == (7, 5)  # two labellers were told twice what was wrong, the third never
    assert (made.input_tokens, made.output_tokens, made.cost_usd) == (4900, 1290, 1.75)
    assert [(each.field, each.value, each.reason) for each in record.rejected] == [
        ("labeller", "the reply was cut off", "gave no answer")
    ] * 2


def test_the_rules_stand_in_with_the_cost_of_the_model() -> None:
    labelled = label(Scripted("openai/a", FAILED), RulesLabeller())
    made = labelled.provenance
    assert (made.labeller, made.model, made.prompt) == ("rules", "rules", None)
    assert (made.calls, made.input_tokens, made.cost_usd) == (3, 2100, 0.75)
    assert [claim.mention for claim in labelled.labels.claims] == [1]


@pytest.mark.parametrize(("calls", "cached"), [(0, True), (3, False)])
def test_a_kept_answer_of_the_fallback_is_cached_unless_the_model_was_called(calls: int, cached: bool) -> None:
    error = CallError("no", "Mend it.", Spent(calls=calls))
    stand_in = Scripted("openai/b", calls=0, attempts=0, cached=True)
    assert label(Scripted("openai/a", error), stand_in).provenance.cached is cached


def test_the_cost_is_unknown_if_that_of_one_labeller_is() -> None:
    assert label(Scripted("openai/a", FAILED), Scripted("ollama/b", cost_usd=None)).provenance.cost_usd is None


def test_a_document_that_all_fail_on_says_all_causes() -> None:
    other = CallError("openai/b declined", "Try another model.", Spent(1, 1, 700, 5, 0.25))
    with pytest.raises(CallError) as caught:
        label(Scripted("openai/a", FAILED), Scripted("openai/b", other))
    error = caught.value
    assert (error.cause, error.fix) == ("the reply was cut off; then openai/b declined", "Try another model.")
    assert error.spent == Spent(4, 3, 2800, 605, 1.0)
    assert not isinstance(error, JobError)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(WRONG_KEY, id="what no later document could pass"),
        pytest.param(BudgetError("the cap is reached", "Raise it."), id="the cap on cost"),
        pytest.param(ZeroDivisionError("a bug"), id="a bug"),
    ],
)
def test_a_fallback_does_not_cover_up(error: Exception) -> None:
    stand_in = Scripted("openai/b")
    with pytest.raises(type(error)) as caught:
        label(Scripted("openai/a", error), stand_in)
    assert (caught.value, stand_in.asked) == (error, 0)


def test_a_fallback_that_cannot_be_asked_is_left_out_with_one_line_and_stops_nothing() -> None:
    first, broken, notices = Scripted("openai/a", FAILED), Scripted("openai/b", WRONG_KEY), list[str]()
    labeller = FallbackLabeller([first, broken, RulesLabeller()], notices.append)

    async def scene() -> list[Labelled]:
        return [await labeller.label(DOCUMENT, MENTIONS) for _ in range(3)]

    for labelled, calls in zip(asyncio.run(scene()), (4, 3, 3), strict=True):
        assert (labelled.provenance.labeller, labelled.provenance.calls) == ("rules", calls)
        assert [each.value for each in labelled.rejected] == ["the reply was cut off", "wrong key"]
    assert (first.asked, broken.asked) == (3, 1)
    assert notices == ["A fallback is left out from here on: wrong key. Set it."]


def test_without_another_one_the_document_fails_with_both_causes() -> None:
    with pytest.raises(CallError, match=r"^the reply was cut off; then wrong key\. Set it\.$") as caught:
        label(Scripted("openai/a", FAILED), Scripted("openai/b", WRONG_KEY))
    assert not isinstance(caught.value, JobError)


def test_the_cap_stops_a_fallback_as_well_and_what_was_spent_is_known() -> None:
    with pytest.raises(BudgetError) as caught:
        label(
            Scripted("openai/a", FAILED), Scripted("openai/b", BudgetError("the cap is reached", "Raise it.")), RulesLabeller()
        )
    assert caught.value.spent == FAILED.spent


SPEED = ClaimLabel(
    mention=1,
    metric="latency",
    subject=None,
    kind="speedup",
    comparison="change",
    effect="better",
    baseline=None,
    dataset=None,
    hardware=None,
)
SCORE = SPEED.model_copy(update={"mention": 2, "kind": "accuracy", "comparison": "absolute", "effect": None})
ADDED = SCORE.model_copy(update={"mention": 4, "metric": "accuracy", "subject": "Net", "dataset": "Set"})
RULED_OUT = SCORE.model_copy(update={"mention": 3})
DRAFT = Labelled(
    Labels(system="Net", claims=(SPEED, SCORE), not_claims=(3, 4, 5), hardware=(), not_hardware=()),
    Provenance(extractor="0", labeller="rules", model="rules"),
    {1: 0.95, 2: 0.9},
    of_record=0.5,
    by_default=frozenset([4]),
)


class Draft:
    """Answers with the draft above."""

    name = "rules"

    async def label(self, document: Document, mentions: Mentions) -> Labelled:  # noqa: ARG002 (the protocol's)
        return DRAFT


def reply(*claims: ClaimLabel) -> Labelled:
    labels = Labels(system="Other", claims=claims, not_claims=(), hardware=(), not_hardware=())
    return Labelled(labels, Provenance(extractor="0", labeller="llm", model="openai/a", calls=1))


@pytest.mark.parametrize(
    ("claims", "is_heard"),
    [
        pytest.param((SPEED, SCORE), True, id="agrees"),
        pytest.param((SPEED.model_copy(update={"metric": "the latency", "subject": "It"}), SCORE), True, id="says more"),
        pytest.param((SPEED.model_copy(update={"metric": "words"}), SCORE), True, id="has another metric"),
        pytest.param((SPEED, SCORE, RULED_OUT), True, id="claims what a word rules out"),
        pytest.param((SPEED.model_copy(update={"metric": "words"}), SCORE, RULED_OUT), False, id="errs twice in ten decisions"),
        pytest.param((SPEED.model_copy(update={"effect": "worse", "baseline": "Slow"}), SCORE), False, id="twice in a claim"),
        pytest.param((SPEED,), False, id="drops a claim"),
        pytest.param(tuple(each.model_copy(update={"metric": ""}) for each in (SPEED, SCORE)), False, id="says nothing twice"),
    ],
)
def test_a_reply_that_agrees_with_the_draft_adds_what_the_draft_leaves_open(
    claims: tuple[ClaimLabel, ...], is_heard: bool
) -> None:
    found = reconciled(DRAFT, reply(*claims, ADDED))
    added = ADDED.model_copy(update={"subject": None, "dataset": None})
    assert found.labels.claims == (SPEED, SCORE, *([added] if is_heard else []))
    assert found.labels.not_claims == ((3, 5) if is_heard else (3, 4, 5))
    assert (found.labels.system, found.provenance.model, found.confidence) == ("Net", "openai/a", DRAFT.confidence)
    assert [each.reason for each in found.rejected] == ([] if is_heard else ["agrees too little with the rules"])
    assert found.of_record == (None if is_heard else DRAFT.of_record)


@pytest.mark.parametrize(
    ("draft", "sure", "settled"),
    [
        pytest.param(DRAFT, 0.6, False, id="less sure"),
        pytest.param(DRAFT, 0.5, True, id="sure"),
        pytest.param(DRAFT._replace(by_default=frozenset()), 1.0, True, id="nothing is open"),
        pytest.param(
            DRAFT._replace(labels=DRAFT.labels.model_copy(update={"claims": (SPEED,)})), 1.0, True, id="too little to test by"
        ),
    ],
)
def test_a_draft_is_settled_where_a_reply_could_change_nothing(draft: Labelled, sure: float, settled: bool) -> None:
    assert is_settled(draft, sure) is settled


@pytest.mark.parametrize(("sure", "asked"), [(0.5, 0), (1.0, 1)])
def test_a_model_is_asked_only_where_the_draft_is_less_sure(sure: float, asked: int) -> None:
    model = Scripted("openai/a")
    labelled = asyncio.run(FallbackLabeller([model], draft=Draft(), sure=sure).label(DOCUMENT, MENTIONS))
    assert (model.asked, labelled.provenance.model) == (asked, "openai/a" if asked else "rules")


def test_the_rules_may_stand_in_for_a_model_that_is_asked_and_fails() -> None:
    model = Scripted("openai/a", FAILED)
    labelled = asyncio.run(FallbackLabeller([model, Draft()], draft=Draft(), sure=1.0).label(DOCUMENT, MENTIONS))
    assert ([each.reason for each in labelled.rejected], labelled.labels) == (["gave no answer"], DRAFT.labels)
    assert labelled.provenance.calls == FAILED.spent.calls
