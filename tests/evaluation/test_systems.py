"""Systems are models times prompts; what is recorded is found, and what cannot be played is left out with the reason."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from extractor.errors import DataError, UsageError
from extractor.evaluation import GoldDocument, read_gold
from extractor.evaluation.systems import evaluate, evaluate_recorded, product, recorded
from extractor.labelling.models import ModelOptions
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
        shutil.copy(ROOT / "evals" / "gold" / f"{name}.json", "gold")


@pytest.fixture
def gold() -> tuple[GoldDocument, ...]:
    return read_gold(Path("gold"))


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


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
    systems, left_out = evaluate_recorded(gold, HOME)
    assert [system.name for system in systems] == [made.name]
    assert [each.extraction.claims for each in systems[0].alignments] == [each.extraction.claims for each in made.alignments]
    assert [(each.name, "--model openai/tiny:1b --prompt FILE" in each.why) for each in left_out] == [(mine.name, True)]
    assert len(server.requests) == asked


def test_votes_are_a_system_of_their_own(gold: tuple[GoldDocument, ...], server: ModelServer) -> None:
    for votes in (1, 2):
        evaluate(gold, ModelOptions("openai/tiny:1b", server.url, votes=votes), HOME, record=True)
    systems, left_out = evaluate_recorded(gold, HOME)
    assert ([system.name for system in systems], left_out) == (["openai/tiny:1b", "openai/tiny:1b 2 votes"], [])


def test_what_cannot_be_played_is_left_out_with_the_reason(gold: tuple[GoldDocument, ...], server: ModelServer) -> None:
    evaluate(gold[:1], ModelOptions("openai/tiny", server.url), HOME, record=True)
    systems, [left] = evaluate_recorded(gold, HOME)
    assert systems == []
    assert "s002: there is no cassette" in left.why
    assert left.why.endswith("--record")


def test_recordings_of_other_abstracts_are_none_of_these(gold: tuple[GoldDocument, ...], server: ModelServer) -> None:
    evaluate(gold[:1], ModelOptions("openai/tiny", server.url), HOME, record=True)
    assert recorded(gold[1:], HOME) == []
    assert recorded(gold, Path("nowhere")) == []


@pytest.mark.parametrize("text", ["", "[]", json.dumps({"model": "openai/a"})])
def test_a_recording_that_does_not_say_of_what_is_a_fault(text: str, gold: tuple[GoldDocument, ...]) -> None:
    path = HOME / "openai" / "a" / "label@1" / "recording.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(DataError, match=r"recording\.json does not say what was recorded"):
        recorded(gold, HOME)
