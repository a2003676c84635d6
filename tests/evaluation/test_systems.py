"""Systems are models times prompts; what is recorded is found; what a labeller took and was refused is counted by hand."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from extractor.documents import Document
from extractor.errors import DataError, UsageError
from extractor.evaluation import GoldDocument, read_gold
from extractor.evaluation.metrics import Share
from extractor.evaluation.sets import GoldSet
from extractor.evaluation.systems import System, evaluate, evaluate_sets, product, recorded
from extractor.evaluation.usage import UNANSWERED, usage
from extractor.grounding import ground
from extractor.labelling.models import ModelOptions
from extractor.labels import ClaimLabel, HardwareLabel, Labelled, Labels
from extractor.records import Extraction, Provenance, Rejection
from extractor.spotting import spot
from tests.evaluation.planted import ACCURACY, NANO, SPEEDUP, extraction, predict, target
from tests.gold import SEEDS
from tests.labelling.model_server import ModelServer

ROOT = Path(__file__).parents[2]
PROMPT = ROOT / "prompts" / "label.md"
HOME = Path("cassettes")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-loopback-0123456789abcdef")
    for name in ("s001", "s002"):
        Path("gold").mkdir(exist_ok=True)
        shutil.copy(SEEDS / f"{name}.json", "gold")


@pytest.fixture
def gold() -> tuple[GoldDocument, ...]:
    return read_gold(Path("gold"))


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


def a_set(*documents: GoldDocument, name: str = "gold") -> GoldSet:
    return GoldSet(name, "", False, documents)


def played(*documents: GoldDocument) -> tuple[list[System], list[tuple[str, str]]]:
    """The models that are scored from their recordings on a set of these, and those left out, with the reason."""
    [on] = evaluate_sets([a_set(*documents)], [ModelOptions("rules")], HOME, also_recorded=True)
    assert on.systems[0].name == "rules"
    return [*on.systems[1:]], [(left.name, left.why) for left in on.left_out]


def prompt(name: str, label: str = "short") -> Path:
    path = Path(name)
    path.write_text(PROMPT.read_text(encoding="utf-8").replace("name: label", f"name: {label}", 1), encoding="utf-8")
    return path


def test_every_model_meets_every_prompt_and_the_rules_none() -> None:
    mine, yours = prompt("mine.md"), prompt("yours.md", "long")
    asked = product(["rules", "openai/a", "ollama/b", "openai/a"], [mine, yours, mine], None, "auto")
    assert [(each.model, each.prompt) for each in asked] == [
        ("rules", None),
        ("openai/a", mine),
        ("openai/a", yours),
        ("ollama/b", mine),
        ("ollama/b", yours),
    ]
    assert [each.prompt for each in product(["openai/a"], [], None, "auto")] == [None]
    assert [each.votes for each in product(["rules", "openai/a"], [], None, "auto", 5)] == [1, 5]


def test_two_prompts_of_one_name_cannot_be_told_apart() -> None:
    with pytest.raises(UsageError, match=r"a\.md and b\.md are both short@"):
        product(["openai/a"], [prompt("a.md"), prompt("b.md")], None, "auto")


def test_a_recorded_model_is_found_and_named(gold: tuple[GoldDocument, ...], server: ModelServer) -> None:
    made = evaluate(gold, ModelOptions("openai/tiny:1b", server.url), HOME, record=True)
    mine = evaluate(gold, ModelOptions("openai/tiny:1b", server.url, prompt("mine.md")), HOME, record=True)
    assert made.name == "openai/tiny:1b"
    assert mine.name == f"openai/tiny:1b {mine.prompt}"
    asked = len(server.requests)
    systems, left_out = played(*gold)
    assert [system.name for system in systems] == [made.name]
    assert [each.extraction.claims for each in systems[0].alignments] == [each.extraction.claims for each in made.alignments]
    assert [(name, "--model openai/tiny:1b --prompt FILE" in why) for name, why in left_out] == [(mine.name, True)]
    assert len(server.requests) == asked


def test_votes_are_a_system_of_their_own(gold: tuple[GoldDocument, ...], server: ModelServer) -> None:
    for votes in (1, 2):
        evaluate(gold, ModelOptions("openai/tiny:1b", server.url, votes=votes), HOME, record=True)
    systems, left_out = played(*gold)
    assert ([system.name for system in systems], left_out) == (["openai/tiny:1b", "openai/tiny:1b 2 votes"], [])


def test_what_cannot_be_played_is_left_out_with_the_reason(gold: tuple[GoldDocument, ...], server: ModelServer) -> None:
    evaluate(gold[:1], ModelOptions("openai/tiny", server.url), HOME, record=True)
    systems, [(_, why)] = played(*gold)
    assert systems == []
    assert "s002: there is no cassette" in why
    assert why.endswith("--record")


def test_of_a_set_that_is_held_out_it_is_not_shown_what_is_not_recorded(
    gold: tuple[GoldDocument, ...], server: ModelServer
) -> None:
    tiny = ModelOptions("openai/tiny", server.url)
    evaluate(gold[:1], tiny, HOME, record=True)
    held_out = replace(a_set(*gold), held_out=True)
    [on] = evaluate_sets([held_out], [ModelOptions("rules")], HOME, also_recorded=True)
    [left] = on.left_out
    with pytest.raises(DataError) as refused:
        evaluate_sets([held_out], [tiny], HOME)
    for why in (left.why, str(refused.value)):
        assert "s002" not in why
        assert "gold is not recorded in full" in why
        assert why.endswith("--record")
    with pytest.raises(DataError, match="s002: there is no cassette"):
        evaluate_sets([held_out.shown()], [tiny], HOME)


def test_recordings_of_other_abstracts_are_none_of_these(gold: tuple[GoldDocument, ...], server: ModelServer) -> None:
    evaluate(gold[:1], ModelOptions("openai/tiny", server.url), HOME, record=True)
    assert recorded([a_set(*gold[1:])], HOME) == []
    assert recorded([a_set(*gold)], Path("nowhere")) == []
    assert [(each.options.model, each.label) for each in recorded([a_set(*gold)], HOME)] == [("openai/tiny", "label@2")]


def test_a_model_is_scored_on_the_sets_of_which_it_has_a_recording(gold: tuple[GoldDocument, ...], server: ModelServer) -> None:
    sets = [a_set(each, name=each.document.id) for each in gold]
    tiny = ModelOptions("openai/tiny", server.url)
    with pytest.raises(UsageError, match="nothing is recorded of openai/tiny"):
        evaluate_sets(sets, [tiny], HOME)
    evaluate(gold[1:], tiny, HOME, record=True)
    named = evaluate_sets(sets, [ModelOptions("rules"), tiny], HOME)
    found = evaluate_sets(sets, [ModelOptions("rules")], HOME, also_recorded=True)
    for evaluated in (named, found):
        assert [each.gold.name for each in evaluated] == ["s001", "s002"]
        assert [[system.name for system in each.systems] for each in evaluated] == [["rules"], ["rules", "openai/tiny"]]
        assert [[(left.name, left.recorded) for left in each.left_out] for each in evaluated] == [[("openai/tiny", False)], []]
    asked = len(server.requests)
    evaluate_sets(sets, [tiny], HOME, record=True)
    assert len(server.requests) > asked
    assert [each.left_out for each in evaluate_sets(sets, [tiny], HOME)] == [(), ()]


@pytest.mark.parametrize("text", ["", "[]", json.dumps({"model": "openai/a"})])
def test_a_recording_that_does_not_say_of_what_is_a_fault(text: str, gold: tuple[GoldDocument, ...]) -> None:
    path = HOME / "openai" / "a" / "label@2" / "recording.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(DataError, match=r"recording\.json does not say what was recorded"):
        recorded([a_set(*gold)], HOME)


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
    assert found.cost_usd == 0.75
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
    assert (found.calls, found.cost_usd, found.rejected) == (0, 0.0, {})
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
