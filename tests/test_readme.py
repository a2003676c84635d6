"""What the README shows is so."""

import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from extractor import read_extractions
from extractor.cli import app, codes
from tests.labelling.model_server import ModelServer

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `evals` in it, as the repository's root has, after the README's commands have run there."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "evals").symlink_to(ROOT / "evals")
    command = folder / "bin" / "extractor"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m extractor.cli "$@"\n')
    command.chmod(0o755)
    environment = os.environ | {"PATH": f"{command.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    [console] = blocks("console")
    for line in console.splitlines():
        done = subprocess.run(
            ["sh", "-c", line.removeprefix("$ ")], cwd=folder, env=environment, capture_output=True, check=False
        )
        assert done.returncode == 0, (line, done.stderr)
        assert b"Traceback" not in done.stderr, line
    return folder


def test_the_commands_run(home: Path) -> None:
    assert (home / "claims" / "extractions.jsonl").exists()
    assert (home / "from-stdin" / "extractions.jsonl").exists()
    assert json.loads((home / "extraction.schema.json").read_bytes())["title"] == "Extraction"


def test_the_commands_with_a_model_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setenv("EXTRACTOR_CACHE", str(home / "cache.sqlite3"))
    local, hosted = (line.split("#")[0].split() for line in blocks("sh")[1].splitlines())
    with ModelServer() as server:
        local[local.index("--base-url") + 1] = server.url
        done = CliRunner().invoke(app, [*local[1:], "-o", "by-a-model"])
    assert done.exit_code == 0, done.stderr
    assert sum(1 for _ in read_extractions("by-a-model")) == 143
    foreseen = CliRunner().invoke(app, [*hosted[1:], "-o", "by-another", "--dry-run"])
    assert foreseen.exit_code == 0, foreseen.stderr
    assert "cost in US dollars, about" in foreseen.stdout


def test_the_claim_is_a_real_one(home: Path) -> None:
    [shown] = map(json.loads, blocks("json"))
    [record] = [record for record in read_extractions(home / "claims") if record.id == "abstracts#49"]
    assert shown in [claim.model_dump(mode="json") for claim in record.claims]


def test_the_python_runs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    examples = doctest.DocTestParser().get_doctest("".join(blocks("python")), {}, "README", "README.md", 0)
    outcome = doctest.DocTestRunner().run(examples)
    assert (outcome.failed, outcome.attempted) == (0, 13)


def test_the_two_commands_of_set_up_stand_first() -> None:
    assert [line.split("#")[0].strip() for line in blocks("sh")[0].splitlines()] == ["make run", "make test"]


def test_the_exit_codes_are_those_of_the_program() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", README, flags=re.MULTILINE)}
    assert listed == {value for name, value in vars(codes).items() if name.isupper()}


def test_the_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_figures_are_those_that_the_gate_holds() -> None:
    """Whoever saves a baseline anew writes its figures here."""
    sets = {"60 arXiv abstracts, held out": "arxiv-held-out", "143 seeds": "seeds"}
    shown = re.findall(rf"^\| (\S+), ({'|'.join(sets)}) ((?:\| [\d.]+ \([^)]*\) ){{4}})", README, flags=re.MULTILINE)
    assert len(shown) == 4
    for system, gold, figures in shown:
        held = json.loads((ROOT / "evals" / "baselines" / f"{system}.json").read_bytes())["sets"][sets[gold]]
        assert str(held["documents"]) == re.findall(r"\d+", gold)[0]
        names = ("detection_f1", "strict_f1", "complete_f1", "hardware_f1")
        values = [f"{100 * held['figures'][name]['value']:.1f}" for name in names]
        assert re.findall(r"\| ([\d.]+) ", figures) == values, (system, gold)
