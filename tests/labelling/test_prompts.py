"""A prompt is its file: what the model is told, how a document is shown, and examples that spotting agrees with."""

from pathlib import Path

import pytest

from extractor.documents import Document
from extractor.errors import DataError, UsageError
from extractor.grounding import faults_told, ground
from extractor.labelling.prompts import Prompt, built_in, load_prompt
from extractor.labelling.senses import senses
from extractor.labels import Labelled
from extractor.records import Provenance
from extractor.spotting import spot

DOCUMENT = Document("d", "Quick {abstract} nets", "It is 3x faster in $x_{{i}}$ {% raw %} on a Jetson Nano.")
TEXT = """---
name: mine
version: 7
expects: title, abstract, quantities, hardware
---
# System
Say what it says.
# Document
{title} | {abstract} | {quantities} | {hardware} | {other}
# Example
{"title": "T", "abstract": "It is 2x faster.", "labels": {"system": null, "not_claims": [1], "claims": [], "hardware": [],
 "not_hardware": [], "missed": []}}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "prompt.md"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(params=[*built_in()])
def prompt(request: pytest.FixtureRequest) -> Prompt:
    return load_prompt(Path(request.param))


def test_the_built_in_prompts_are_this_one_and_the_one_before() -> None:
    assert [*built_in()] == ["label@1", "label@2"]
    assert (load_prompt().label, load_prompt(Path("label@1")).label) == ("label@2", "label@1")


def test_the_built_in_examples_label_each_mention_once_in_words_of_the_text(prompt: Prompt) -> None:
    assert len(prompt.examples) >= 2
    for document, labels in prompt.examples:
        mentions = spot(document.text)
        assert faults_told(labels, mentions) == []
        record = ground(document, mentions, Labelled(labels, Provenance(extractor="0", labeller="llm", model="m")))
        assert record.rejected == ()
        for ids in ([claim.mention for claim in labels.claims], [target.mention for target in labels.hardware]):
            assert ids == sorted(ids)


def test_the_built_in_examples_can_be_said_by_a_small_model(prompt: Prompt) -> None:
    for document, labels in prompt.examples:
        mentions = spot(document.text)
        for claim in labels.claims:
            possible = senses(next(m for m in mentions.quantities if m.id == claim.mention), mentions)
            assert claim.kind in possible.get(claim.comparison, ())


def test_the_built_in_examples_keep_their_own_rules(prompt: Prompt) -> None:
    """A result is labelled once. Beside an accuracy no speed or cost has a dataset; beside a speed no accuracy has a device."""
    for document, labels in prompt.examples:
        mentions = spot(document.text)
        quantities = {m.id: m for m in mentions.quantities}
        texts = [quantities[claim.mention].text for claim in labels.claims]
        assert len({*texts}) == len(texts), document.title
        for claim in labels.claims:
            sentence = quantities[claim.mention].sentence
            beside = [other for other in labels.claims if quantities[other.mention].sentence == sentence]
            if claim.kind == "accuracy":
                assert claim.hardware is None or not any(other.kind == "speed" for other in beside)
            else:
                assert claim.dataset is None or not any(other.kind == "accuracy" for other in beside)


def test_the_built_in_examples_are_not_taken_from_the_gold(prompt: Prompt) -> None:
    gold = "".join(path.read_text(encoding="utf-8") for path in Path("evals/gold").rglob("*.json"))
    assert all(document.title not in gold for document, _ in prompt.examples)


def test_a_document_is_data_and_no_template(tmp_path: Path) -> None:
    prompt = load_prompt(written(tmp_path, TEXT))
    shown = prompt.show(DOCUMENT, spot(DOCUMENT.text))
    title, abstract, quantities, hardware, other = shown.split(" | ")
    assert title == DOCUMENT.title
    assert abstract == DOCUMENT.abstract
    assert quantities == "1. It is [3x] faster in $x_{{i}}$ {% raw"
    assert "[Jetson Nano]" in hardware
    assert other == "{other}"


def test_the_conversation_is_system_examples_and_the_document(tmp_path: Path) -> None:
    prompt = load_prompt(written(tmp_path, TEXT))
    messages = prompt.messages(DOCUMENT, spot(DOCUMENT.text))
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[0]["content"] == "Say what it says."
    assert messages[2]["content"].startswith('{"system":null,"claims":[],"not_claims":[1]')


def test_name_version_and_hash_come_from_the_file(tmp_path: Path) -> None:
    first = load_prompt(written(tmp_path, TEXT))
    second = load_prompt(written(tmp_path, TEXT.replace("Say what", "Tell what")))
    assert first.label == second.label == "mine@7"
    assert first.sha256 != second.sha256
    assert load_prompt(written(tmp_path, TEXT.replace("\n", "\r\n"))).sha256 == first.sha256


def test_nothing_spotted_is_shown_as_a_dash(tmp_path: Path) -> None:
    plain = Document("p", "T", "Nothing here.")
    assert load_prompt(written(tmp_path, TEXT)).show(plain, spot(plain.text)).split(" | ")[2:4] == ["-", "-"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("---\nname", "name"), "has no front matter"),
        (("version: 7\n", ""), "the front matter lacks 'version'"),
        (("# System\nSay what it says.\n", ""), "has no section `# System`"),
        (("{quantities} ", ""), "`# Document` does not show quantities"),
        (("title, abs", "title, date, abs"), "expects date"),
        (('"claims": [], ', ""), "example 1: Field required"),
        (('{"title"', '["title"'), "example 1:"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_faulty_prompt_is_named_with_its_fault(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = written(tmp_path, TEXT.replace(*change))
    with pytest.raises(DataError, match=r"prompt\.md") as caught:
        load_prompt(path)
    assert message in str(caught.value)


def test_a_prompt_that_is_not_there_is_the_users_to_mend(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Name a Markdown file with --prompt"):
        load_prompt(tmp_path / "none.md")
