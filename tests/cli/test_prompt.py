"""`extractor prompt`: what a prompt says, word for word."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from extractor.cli import app
from extractor.documents import Document
from extractor.labelling.prompts import load_prompt
from extractor.llm.pricing import estimated_tokens
from extractor.spotting import spot

TEXT = """---
name: mine
version: 7
expects: title, abstract, quantities, hardware
---
# System
Say what it says. Be brief.
# Document
{title} | {abstract} | {quantities} | {hardware}
# Example
{"title": "T", "abstract": "It is 2x faster.", "labels": {"system": null, "not_claims": [1], "claims": [], "hardware": [],
 "not_hardware": [], "missed": []}}
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["prompt", *map(str, arguments)])


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return written(tmp_path, "mine.md", TEXT)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_messages_are_those_that_are_sent(mine: Path, tmp_path: Path) -> None:
    papers = written(tmp_path, "papers.jsonl", '{"id": "a", "title": "Tern", "abstract": "It is 3x faster in $x_{i}$."}\n')
    document = Document("a", "Tern", "It is 3x faster in $x_{i}$.")
    expected = load_prompt(mine).messages(document, spot(document.text))
    assert json.loads(run(mine, "--sample", papers, "--json").stdout) == expected
    shown = run(mine, "--sample", papers).stdout
    assert shown.startswith(f"mine@7 {load_prompt(mine).sha256[:12]}, about ")
    assert [line.split(",")[0] for line in shown.splitlines() if line.startswith("## ")] == [
        f"## {message['role']}" for message in expected
    ]
    for message in expected:
        assert f"\n{message['content']}\n" in shown


def test_without_a_sample_a_made_up_abstract_stands_in() -> None:
    [*_, last] = json.loads(run("--json").stdout)
    assert "[2.3x]" in last["content"]
    assert "[Jetson Nano]" in last["content"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["nowhere"], "There is no prompt 'nowhere'. Built in: label@1, label@2. ", id="no prompt"),
        pytest.param(["label@99"], "There is no prompt 'label@99'. ", id="another version"),
        pytest.param(["label", "--sample", "nowhere.jsonl"], "There is no such file or folder", id="no sample"),
        pytest.param(["label", "--sample", "BROKEN"], "broken.jsonl:1: ", id="a broken sample"),
        pytest.param(["."], "Cannot read the prompt .", id="a folder"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(tmp_path: Path, arguments: list[str], message: str) -> None:
    broken = str(written(tmp_path, "broken.jsonl", "{no json\n"))
    result = run(*[broken if word == "BROKEN" else word for word in arguments])
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert message in result.stderr


def test_a_built_in_prompt_goes_by_its_name_or_its_label() -> None:
    by_name, by_label = run("label").stdout, run(load_prompt().label).stdout
    assert by_name == by_label
    about = f"about {estimated_tokens(load_prompt().opening):,} tokens before the abstract"
    assert by_name.startswith(f"{load_prompt().label} {load_prompt().sha256[:12]}, {about}, ")


def test_a_file_that_is_not_a_prompt_is_one_line(tmp_path: Path) -> None:
    result = run(written(tmp_path, "bad.md", "no front matter"))
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "bad.md has no front matter" in result.stderr
