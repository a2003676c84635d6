"""`extractor eval`: figures on standard output, reports in a folder, a gate; what a user can mend in one line."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from extractor.cli import app, codes
from tests.gold import SEEDS
from tests.labelling.model_server import ModelServer, labels
from tests.llm.server import Request


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, where reports go and nothing is recorded."""
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["eval", *arguments])


def figures(*arguments: str) -> dict[str, Any]:
    """The figures of one system by the names of the sets."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)["sets"]
    return found


@pytest.fixture
def some(tmp_path: Path) -> Path:
    """A folder of a few gold files."""
    folder = tmp_path / "gold"
    folder.mkdir()
    for path in sorted(SEEDS.glob("*.json"))[:5]:
        shutil.copy(path, folder)
    return folder


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-loopback-0123456789abcdef")

    def forget(_request: Request, right: dict[str, Any]) -> dict[str, Any]:
        return right | {"system": None}

    with ModelServer(labels(forget)) as running:
        yield running


def raised(baseline: str) -> str:
    """The baseline with a figure that nothing reaches any more, under another name."""
    held = json.loads(Path(baseline).read_bytes())
    held["sets"]["gold"]["figures"]["system"] = {"value": 1.0, "tolerance": 0.0}
    Path(f"raised-{baseline}").write_text(json.dumps(held))
    return f"raised-{baseline}"


def test_one_system_is_shown_in_full(some: Path) -> None:
    result = run("--gold", str(some))
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("gold 5 abstracts, ")
    for row in (" rules ", "claims: detection", "claims: strict", "hardware", "claim: metric", "quantities read right"):
        assert [line for line in lines if line.startswith(row)], row


def test_the_report_is_written_and_said_to_be_there(some: Path) -> None:
    result = run("--gold", str(some), "--report", "here/report")
    assert result.exit_code == 0
    paths = [Path("here", "report", name) for name in ("report.json", "report.md", "report.html")]
    assert result.stdout.splitlines()[-1] == f"The whole report: {', '.join(map(str, paths))}"
    assert json.loads(paths[0].read_bytes())["sets"][0]["gold"]["documents"] == 5
    assert run("--gold", str(some)).stdout.splitlines()[-1].startswith(f"The whole report: {Path('build', 'report')}")


@pytest.mark.parametrize("form", ["--json", "--errors"])
def test_the_other_forms_write_nothing_but_standard_output(some: Path, form: str) -> None:
    assert run("--gold", str(some), form).exit_code == 0
    assert [path.name for path in Path().iterdir()] == ["gold"]


def test_a_model_that_is_recorded_is_compared_from_then_on(some: Path, server: ModelServer) -> None:
    models = ("--model", "rules", "--model", "openai/tiny")
    recording = run("--gold", str(some), *models, "--cassettes", "evals/cassettes", "--base-url", server.url, "--record")
    assert recording.exit_code == 0, recording.stderr
    asked = len(server.requests)
    result = run("--gold", str(some))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == recording.stdout
    assert len(server.requests) == asked
    assert [line.split()[0] for line in result.stdout.splitlines() if " finds " in line] == ["gold:", "gold:"]
    assert "claims: detection" not in result.stdout
    assert [each["name"] for each in json.loads(Path("build/report/report.json").read_bytes())["sets"][0]["systems"]] == [
        "rules",
        "openai/tiny",
    ]
    assert "claims: detection" in run("--gold", str(some), "-m", "openai/tiny").stdout


def test_a_recording_that_cannot_be_played_is_told_and_code_3(some: Path, server: ModelServer) -> None:
    assert run("--gold", str(some), "-m", "openai/tiny", "--base-url", server.url, "--record").exit_code == 0
    next(Path("evals/cassettes").rglob("s001.json")).unlink()
    result = run("--gold", str(some))
    assert result.exit_code == codes.DONE_WITH_FAILURES
    assert result.stderr.startswith("openai/tiny is left out of gold: s001: there is no cassette")
    assert "rules finds" in result.stdout
    assert "Left out" in Path("build/report/report.md").read_text(encoding="utf-8")
    assert run("--gold", str(some), "-m", "openai/tiny").exit_code == codes.NOTHING_DONE


def test_a_fall_below_the_baseline_is_code_4(some: Path, server: ModelServer) -> None:
    made = run("--gold", str(some), "-m", "openai/tiny", "--base-url", server.url, "--record", "--save-baseline", "tiny.json")
    assert made.exit_code == 0
    held = run("--gold", str(some), "--baseline", "tiny.json")
    assert (held.exit_code, held.stderr) == (0, "openai/tiny: no figure fell below tiny.json on gold\n")
    fell = run("--gold", str(some), "--baseline", raised("tiny.json"))
    assert fell.exit_code == codes.FELL == 4
    assert fell.stderr.startswith("openai/tiny: system fell from 100.00 to ")


@pytest.mark.parametrize("fallen_first", [True, False])
def test_one_fall_is_enough_whatever_the_other_baselines_say(some: Path, server: ModelServer, fallen_first: bool) -> None:
    tiny = ("-m", "openai/tiny", "--base-url", server.url, "--record")
    assert run("--gold", str(some), *tiny, "--save-baseline", "tiny.json").exit_code == 0
    assert run("--gold", str(some), "-m", "rules", "--save-baseline", "rules.json").exit_code == 0
    files = [raised("tiny.json"), "rules.json"][:: 1 if fallen_first else -1]
    result = run("--gold", str(some), *(word for file in files for word in ("--baseline", file)))
    assert result.exit_code == codes.FELL
    said = sorted(result.stderr.splitlines())
    assert said[0].startswith("openai/tiny: system fell from 100.00 to ")
    assert said[1:] == ["rules: no figure fell below rules.json on gold"]


def test_a_fall_outweighs_a_recording_that_cannot_be_played(some: Path, server: ModelServer) -> None:
    tiny, other = (("-m", f"openai/{name}", "--base-url", server.url, "--record") for name in ("tiny", "other"))
    assert run("--gold", str(some), *tiny, "--save-baseline", "tiny.json").exit_code == 0
    assert run("--gold", str(some), *other).exit_code == 0
    next(Path("evals/cassettes/openai/other").rglob("s001.json")).unlink()
    result = run("--gold", str(some), "--baseline", raised("tiny.json"))
    assert "openai/other is left out of gold" in result.stderr
    assert "openai/tiny: system fell from 100.00 to " in result.stderr
    assert result.exit_code == codes.FELL


def test_a_baseline_is_of_one_system_also_where_the_others_are_found_recorded(some: Path, server: ModelServer) -> None:
    assert run("--gold", str(some), "-m", "openai/tiny", "--base-url", server.url, "--record").exit_code == 0
    result = run("--gold", str(some), "--save-baseline", "both.json")
    assert result.exit_code == codes.WRONG_USAGE
    assert "--save-baseline is about one system; name one --model" in result.stderr
    assert not Path("both.json").exists()


def test_what_a_model_took_is_shown_and_the_rules_took_nothing(some: Path, server: ModelServer) -> None:
    tiny = ("-m", "openai/tiny", "--base-url", server.url, "--record")
    shown = run("--gold", str(some), *tiny)
    assert [line.split()[2] for line in shown.stdout.splitlines() if line.startswith("calls ")] == [str(len(server.requests))]
    assert figures("--gold", str(some), "-m", "openai/tiny")["gold"]["usage"]["calls"] == len(server.requests)
    assert "usage" not in figures("--gold", str(some))["gold"]
    assert not [line for line in run("--gold", str(some), "-m", "rules").stdout.splitlines() if line.startswith("calls ")]


def test_a_baseline_of_no_system_here_is_a_fault(some: Path) -> None:
    assert run("--gold", str(some), "--save-baseline", "rules.json").exit_code == 0
    Path("other.json").write_text(Path("rules.json").read_text().replace('"rules"', '"openai/other"'))
    result = run("--gold", str(some), "--baseline", "other.json")
    assert result.exit_code == codes.NOTHING_DONE
    said = "other.json is the baseline of openai/other, which was not evaluated; name it with --model"
    assert result.stderr.splitlines()[-1].endswith(said)


def test_json_holds_the_same_figures_and_the_counts_behind_them(some: Path) -> None:
    [(name, found)] = figures("--gold", str(some)).items()
    assert (name, found["documents"]) == ("gold", 5)
    gold = [json.loads(path.read_text(encoding="utf-8")) for path in some.glob("*.json")]
    detection = found["claims"]["detection"]
    assert detection["found"] + detection["missed"] == sum(len(document["claims"]) for document in gold)
    hardware = found["hardware"]["all"]
    assert hardware["found"] + hardware["missed"] == sum(len(document["hardware"]) for document in gold)
    assert found["spotting"]["read"]["total"] == sum(len(document["claims"]) for document in gold)
    assert found["fields"]["metric"]["soft"]["total"] == detection["found"]


def test_errors_lists_what_the_figures_count(some: Path) -> None:
    result = run("--gold", str(some), "--errors")
    found = figures("--gold", str(some))["gold"]
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines() if line.startswith("  ")]
    for what in ("missed", "spurious"):
        expected = found["claims"]["detection"][what] + found["hardware"]["all"][what]
        assert sum(line[0] == what for line in lines) == expected


def test_each_set_is_shown_by_itself_and_one_that_is_held_out_by_figures_alone(some: Path) -> None:
    near, far = some / "near", some / "far"
    for folder, names in ((near, ("s001", "s002")), (far, ("s003", "s004", "s005"))):
        folder.mkdir()
        for name in names:
            (some / f"{name}.json").rename(folder / f"{name}.json")
    (far / "set.toml").write_text('[[set]]\nname = "unseen"\nheld_out = true')
    assert {name: found["documents"] for name, found in figures("--gold", str(some)).items()} == {"near": 2, "unseen": 3}
    titles = [json.loads(path.read_bytes())["title"] for path in sorted(far.glob("*.json"))]
    shown = run("--gold", str(some))
    assert [line.split()[1:3] for line in shown.stdout.splitlines()[:2]] == [["3", "abstracts,"], ["2", "abstracts,"]]
    listed = run("--gold", str(some), "--errors")
    assert listed.stderr == "unseen is held out: its errors are not listed\n"
    said = [shown.stdout, listed.stdout, *(path.read_text(encoding="utf-8") for path in Path("build/report").iterdir())]
    assert [title for title in titles for text in said if title in text] == []
    asked_for = run("--gold", str(some), "--show-held-out")
    assert asked_for.exit_code == 0
    assert all(title in Path("build/report/report.json").read_text(encoding="utf-8") for title in titles)
    assert "s003" in run("--gold", str(far), "--errors", "--show-held-out").stdout


def test_the_folder_can_come_from_the_environment(some: Path) -> None:
    result = CliRunner().invoke(app, ["eval"], env={"EXTRACTOR_GOLD": str(some)})
    assert result.stdout.startswith("gold 5 abstracts, ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--errors", "--json"], "exclude each other", id="two forms"),
        pytest.param(["--record"], "name one with --model", id="nothing to record"),
        pytest.param(["--record", "-m", "rules"], "name one with --model", id="the rules to record"),
        pytest.param(["--prompt", "mine.md"], "name one with --model", id="a prompt for the rules"),
        pytest.param(["--prompt", "mine.md", "-m", "rules"], "name one with --model", id="a prompt for the rules, named"),
        pytest.param(["--votes", "2"], "the rules always answer alike", id="votes of the rules"),
        pytest.param(["--votes", "2", "-m", "rules"], "the rules always answer alike", id="votes of the rules, named"),
        pytest.param(["-m", "rules", "-m", "openai/a", "--errors"], "are about one system", id="errors of two"),
        pytest.param(["-m", "rules", "-m", "openai/a", "--json"], "are about one system", id="figures of two"),
        pytest.param(["-m", "rules", "-m", "openai/a", "--save-baseline", "x"], "are about one system", id="a baseline of two"),
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
