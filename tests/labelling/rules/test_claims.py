"""The rules that label claims: each rule has its case, and the guidelines' own examples come out as they say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from extractor.documents import Document
from extractor.labelling.rules import candidates, hanging
from extractor.labelling.rules.claims import label_claims
from extractor.labelling.rules.frames import Frame, frames_of
from extractor.labelling.rules.hanging import hang
from extractor.labelling.rules.reading import Reading, lexicon, load, trie_pattern
from extractor.labelling.rules.sharing import carry, complete, pair
from extractor.labelling.rules.system import find_system
from extractor.spotting import spot

HERE = Path(__file__).parent
CARRIED = {"and metric by", "listed value", "listed change", "in parentheses"}


def cases(name: str) -> list[Any]:
    found: list[Any] = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    return found


def read_frames(text: str) -> list[Frame]:
    """The frames of a text of one sentence."""
    reading = Reading(spot(f"T\n{text}"))
    (number,) = reading.with_quantities()
    found = frames_of(reading.sentence(number))
    for frame in found:
        hang(frame)
    carry(found)
    pair(found)
    complete(found)
    return found


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case['rule']}: {case['text'][:40]}") for case in cases("frames")])
def test_a_rule_hangs_a_quantity_in_its_sentence(case: dict[str, Any]) -> None:
    found = read_frames(case["text"])
    frame = next(frame for frame in found if frame.mention.text == case.get("mention", found[0].mention.text))
    change = None if frame.change is None else frame.sentence.words[frame.change]
    metric = None if frame.metric is None else frame.sentence.phrase(*frame.metric)
    assert (frame.rule, metric, change) == (case["rule"], case["metric"], case["change"])


def test_every_rule_of_frames_has_a_case() -> None:
    assert {rule.name for rule in hanging.RULES} | CARRIED == {case["rule"] for case in cases("frames")}


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{case['rule']}: {case['text'][:40]}") for case in cases("candidates")]
)
def test_a_rule_judges_a_quantity(case: dict[str, Any]) -> None:
    frame = next(frame for frame in read_frames(case["text"]) if frame.mention.text == case["mention"])
    assert candidates.judge(frame) == (case["claim"], case["rule"])


def test_every_rule_of_candidates_has_a_case() -> None:
    assert {rule.__name__ for rule in candidates.RULES} | {"nothing"} == {case["rule"] for case in cases("candidates")}


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in cases("claims")])
def test_claims_of_a_text(case: dict[str, Any]) -> None:
    document = Document("d", case["title"], case["text"])
    mentions = spot(document.text)
    labels = label_claims(mentions, find_system(document, mentions))
    quantities = {mention.id: mention for mention in mentions.quantities}
    assert [quantities[label.mention].text for label in labels] == [claim["mention"] for claim in case["claims"]]
    for label, claim in zip(labels, case["claims"], strict=True):
        if "in_title" in claim:
            assert (quantities[label.mention].span[0] < len(document.title)) == claim["in_title"]
        said = label.model_dump()
        expected = {name: value for name, value in claim.items() if name not in ("mention", "in_title")}
        assert {name: said[name] for name in expected} == expected


def test_phrases_are_in_the_text() -> None:
    for case in cases("claims"):
        mentions = spot(f"{case['title']}\n{case['text']}")
        for label in label_claims(mentions, None):
            for name in ("metric", "subject", "baseline", "dataset", "hardware"):
                value = getattr(label, name)
                assert value is None or value in mentions.text


def test_a_text_without_quantities_has_no_claims() -> None:
    assert label_claims(spot("T\nNothing is measured."), "T") == ()


def test_offsets_survive_letters_that_grow_when_lowered() -> None:
    (frame,) = read_frames("İİİ Zeta reduces peak memory by 24%.")
    assert frame.metric_text == "peak memory"


def test_a_word_stands_in_one_list() -> None:
    """A word in two closed classes would belong to the one that happens to be read last."""
    words = [word for group in load("words")["classes"].values() for word in group["words"]]
    changes = [word for group in load("changes")["change"] for word in group["words"]]
    metrics = [word for group in load("metrics")["metric"] for word in group["words"]]
    for name, found in {"words": words, "changes": changes, "metrics": metrics}.items():
        assert sorted(found) == sorted(set(found)), name


@pytest.mark.parametrize(
    ("text", "word"), [("up to 3", "up to"), ("up 3", "up"), ("as much as", "as much as"), ("as much", "as")]
)
def test_a_trie_matches_the_longest_word(text: str, word: str) -> None:
    match = re.match(trie_pattern(["up", "up to", "as much as", "as"]), text)
    assert match is not None
    assert match.group() == word


def test_the_lexicon_is_read_once() -> None:
    assert lexicon() is lexicon()
