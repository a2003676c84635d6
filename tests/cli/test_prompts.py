"""`extractor prompts`: what a prompt is, what it says word for word, and what differs between two."""

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
    return CliRunner().invoke(app, ["prompts", *map(str, arguments)])


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return written(tmp_path, "mine.md", TEXT)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


class TestList:
    def test_the_built_in_prompt_and_those_that_are_named(self, mine: Path) -> None:
        result = run("list", mine)
        assert result.exit_code == 0
        rows = [line.split() for line in result.stdout.splitlines()[1:]]
        for row, prompt in zip(rows, (load_prompt(), load_prompt(mine)), strict=True):
            assert row[:3] == [prompt.label, prompt.sha256[:12], str(len(prompt.examples))]
            assert row[3] == f"{estimated_tokens(prompt.opening):,}"
        assert rows[1][4] == str(mine)

    def test_json_holds_the_whole_hash(self, mine: Path) -> None:
        [built_in, own] = json.loads(run("list", mine, "--json").stdout)
        assert built_in["prompt"] == load_prompt().label
        assert own == {
            "prompt": "mine@7",
            "sha256": load_prompt(mine).sha256,
            "examples": 1,
            "tokens": estimated_tokens(load_prompt(mine).opening),
            "file": str(mine),
        }

    def test_a_file_that_is_no_prompt_is_one_line(self, tmp_path: Path) -> None:
        result = run("list", written(tmp_path, "bad.md", "no front matter"))
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
        assert "bad.md has no front matter" in result.stderr


class TestShow:
    def test_the_messages_are_those_that_are_sent(self, mine: Path, tmp_path: Path) -> None:
        papers = written(tmp_path, "papers.jsonl", '{"id": "a", "title": "Tern", "abstract": "It is 3x faster in $x_{i}$."}\n')
        document = Document("a", "Tern", "It is 3x faster in $x_{i}$.")
        expected = load_prompt(mine).messages(document, spot(document.text))
        assert json.loads(run("show", mine, "--sample", papers, "--json").stdout) == expected
        shown = run("show", mine, "--sample", papers).stdout
        assert shown.startswith(f"mine@7 {load_prompt(mine).sha256[:12]}, about ")
        assert [line.split(",")[0] for line in shown.splitlines() if line.startswith("## ")] == [
            f"## {message['role']}" for message in expected
        ]
        for message in expected:
            assert f"\n{message['content']}\n" in shown

    def test_without_a_sample_a_made_up_abstract_stands_in(self) -> None:
        [*_, last] = json.loads(run("show", "--json").stdout)
        assert "[2.3x]" in last["content"]
        assert "[Jetson Nano]" in last["content"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            pytest.param(["nowhere"], "There is no prompt 'nowhere'. Built in: label. ", id="no prompt"),
            pytest.param(["label@99"], "There is no prompt 'label@99'. ", id="another version"),
            pytest.param(["label", "--sample", "nowhere.jsonl"], "There is no such file or folder", id="no sample"),
            pytest.param(["label", "--sample", "BROKEN"], "broken.jsonl:1: ", id="a broken sample"),
            pytest.param(["."], "Cannot read the prompt .", id="a folder"),
        ],
    )
    def test_wrong_usage_is_one_line_and_code_2(self, tmp_path: Path, arguments: list[str], message: str) -> None:
        broken = str(written(tmp_path, "broken.jsonl", "{no json\n"))
        result = run("show", *[broken if word == "BROKEN" else word for word in arguments])
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
        assert message in result.stderr


class TestDiff:
    def test_sections_that_differ_are_shown_by_sentence(self, mine: Path, tmp_path: Path) -> None:
        changed = (
            TEXT.replace("version: 7", "version: 8")
            .replace("Be brief.", "Be exact.")
            .replace('"not_claims": [1]', '"not_claims": []')
        )
        other = written(tmp_path, "other.md", changed)
        result = run("diff", mine, other)
        assert result.exit_code == 0
        lines = result.stdout.splitlines()
        assert lines[0].startswith(f"--- mine@7 {load_prompt(mine).sha256[:12]}, about ")
        assert lines[1].startswith(f"+++ mine@8 {load_prompt(other).sha256[:12]}, about ")
        assert [line for line in lines[2:] if line[:1] in "-+ " and line] == [
            " Say what it says.",
            "-Be brief.",
            "+Be exact.",
            " system: null",
            "-not_claims: 1",
        ]
        assert [line.split(":")[0] for line in lines if line.startswith("# ")] == ["# System", "# Example 1"]

    def test_an_example_more_is_a_section_of_its_own(self, mine: Path, tmp_path: Path) -> None:
        other = written(tmp_path, "other.md", TEXT + TEXT[TEXT.index("# Example") :].replace("2x", "3x"))
        lines = run("diff", mine, other).stdout.splitlines()
        [title] = [line for line in lines if line.startswith("# ")]
        assert title.startswith("# Example 2: none -> about ")
        assert "+It is 3x faster." in lines
        assert not [line for line in lines[2:] if line.startswith("-")]

    @pytest.mark.parametrize(
        ("change", "message"),
        [(("", ""), "Both ask the same.\n"), (("name: mine", "name: other"), "Both ask the same, under different names.\n")],
        ids=["the same", "another name"],
    )
    def test_no_difference_is_said(self, mine: Path, tmp_path: Path, change: tuple[str, str], message: str) -> None:
        result = run("diff", mine, written(tmp_path, "other.md", TEXT.replace(*change)))
        assert (result.exit_code, result.stderr, len(result.stdout.splitlines())) == (0, message, 2)

    def test_a_built_in_prompt_goes_by_its_name_or_its_label(self) -> None:
        assert run("diff", "label", load_prompt().label).stderr == "Both ask the same.\n"
