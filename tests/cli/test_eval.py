"""`extractor eval`: figures on standard output, as a table, a list of errors or JSON; what a user can mend in one line."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from extractor.cli import app

GOLD = Path(__file__).parents[2] / "evals" / "gold"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["eval", *arguments])


@pytest.fixture
def some(tmp_path: Path) -> Path:
    """A folder of a few gold files."""
    for path in sorted(GOLD.glob("*.json"))[:5]:
        shutil.copy(path, tmp_path)
    return tmp_path


def test_the_table_is_the_default(some: Path) -> None:
    result = run("--gold", str(some))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "5 documents"
    for row in ("claims: detection", "claims: strict", "hardware", "claim: metric", "system", "quantities read right"):
        assert [line for line in lines if line.startswith(row)], row
    assert result.stderr == ""


def test_json_holds_the_same_figures_and_the_counts_behind_them(some: Path) -> None:
    result = run("--gold", str(some), "--json")
    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    assert figures["documents"] == 5
    gold = [json.loads(path.read_text(encoding="utf-8")) for path in some.glob("*.json")]
    detection = figures["claims"]["detection"]
    assert detection["found"] + detection["missed"] == sum(len(document["claims"]) for document in gold)
    hardware = figures["hardware"]["all"]
    assert hardware["found"] + hardware["missed"] == sum(len(document["hardware"]) for document in gold)
    assert figures["spotting"]["read"]["total"] == sum(len(document["claims"]) for document in gold)
    assert figures["fields"]["metric"]["soft"]["total"] == detection["found"]


def test_errors_lists_what_the_figures_count(some: Path) -> None:
    result = run("--gold", str(some), "--errors")
    figures = json.loads(run("--gold", str(some), "--json").stdout)
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines() if line.startswith("  ")]
    for what in ("missed", "spurious"):
        expected = figures["claims"]["detection"][what] + figures["hardware"]["all"][what]
        assert sum(line[0] == what for line in lines) == expected


def test_the_folder_can_come_from_the_environment(some: Path) -> None:
    result = CliRunner().invoke(app, ["eval"], env={"EXTRACTOR_GOLD": str(some)})
    assert result.stdout.startswith("5 documents\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--errors", "--json"], "exclude each other", id="two forms"),
        pytest.param(["--record"], "name one with --model", id="nothing to record"),
        pytest.param(["--gold", "nowhere"], "no gold folder at nowhere", id="no folder"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_broken_gold_file_is_one_line_and_code_1(some: Path) -> None:
    (some / "broken.json").write_text("{}", encoding="utf-8")
    result = run("--gold", str(some))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "broken.json: id: Field required; " in result.stderr
    assert result.stderr.count("\n") == 1
