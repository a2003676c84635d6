"""What the page on extending shows works: each diff is applied to a copy of the package, and what it adds is used."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
PAPER = {"id": "a", "title": "Tern", "abstract": "Tern is 2x faster than Gull on a Jetson Nano."}


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package to which every diff of the page is applied."""
    folder = tmp_path_factory.mktemp("extended")
    shutil.copytree(ROOT / "extractor", folder / "extractor", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "prompts", folder / "prompts")
    diffs = re.findall(r"^```diff\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert len(diffs) == 3
    for diff in diffs:
        command = ["git", "apply", "-"]
        done = subprocess.run(command, cwd=folder, input=diff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder


def run(folder: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-P", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stderr
    return done.stdout


def records(folder: Path, *arguments: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in run(folder, "-m", "extractor.cli", "run", *arguments, "-o", "-").splitlines()]


@pytest.mark.parametrize("name", ["papers.tilde", "papers"], ids=["by suffix", "by content"])
def test_the_format_is_read(extended: Path, name: str) -> None:
    (extended / name).write_text("~".join(PAPER.values()) + "\nb~no abstract\nc~T~A.\n")
    read = [{field: record[field] for field in PAPER} for record in records(extended, name)]
    assert read == [PAPER, {"id": "c", "title": "T", "abstract": "A."}]


def test_the_format_is_found_in_a_folder(extended: Path) -> None:
    (extended / "in").mkdir()
    (extended / "in" / "papers.tilde").write_text("~".join(PAPER.values()))
    assert [record["id"] for record in records(extended, "in")] == ["a"]


def test_the_labeller_labels(extended: Path) -> None:
    (extended / "one.jsonl").write_text(json.dumps(PAPER))
    [record] = records(extended, "one.jsonl", "--model", "silent")
    provenance = record["provenance"]
    assert isinstance(provenance, dict)
    assert (record["claims"], provenance["labeller"]) == ([], "silent")


def test_the_output_is_written(extended: Path) -> None:
    (extended / "two.jsonl").write_text(json.dumps(PAPER))
    run(extended, "-m", "extractor.cli", "run", "two.jsonl", "-o", "claims")
    [script] = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    header, row = run(extended, "-c", script).splitlines()
    assert header.split("\t") == ["id", "kind", "quantity", "metric"]
    assert row.split("\t")[:3] == ["a", "speedup", "2x"]
