"""`extractor.toml` stands in for options, below the environment and the command line; `extractor config` says what holds."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from extractor.cli import app
from tests.cli.jobs import PAPERS, job, write


@pytest.fixture(autouse=True)
def papers(home: Path) -> None:
    write(PAPERS[:2])


def extractor(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, arguments, env=environment)


def settings(text: str) -> None:
    Path("extractor.toml").write_text(text, encoding="utf-8")


def in_force(**environment: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(extractor("config", "--json", **environment).stdout)
    return found


def test_each_place_wins_over_the_one_below_it() -> None:
    assert in_force()["run"]["order"] == {"value": "input", "from": "default"}
    settings('[run]\norder = "completion"\nmax-cost = 5\n[batch.submit]\nfallback = ["rules"]\n')
    found = in_force(EXTRACTOR_MAX_COST="7.5")
    assert found["run"]["order"] == {"value": "completion", "from": "extractor.toml"}
    assert found["run"]["max-cost"] == {"value": 7.5, "from": "environment"}
    assert found["batch submit"]["fallback"] == {"value": ["rules"], "from": "extractor.toml"}
    assert found["retry"]["max-cost"] == {"value": 7.5, "from": "environment"}
    for arguments, environment, order in (
        ((), {}, "completion"),
        ((), {"EXTRACTOR_ORDER": "input"}, "input"),
        (("--order", "completion"), {"EXTRACTOR_ORDER": "input"}, "completion"),
    ):
        done = extractor("run", "papers.jsonl", "-o", "job", "--fresh", *arguments, **environment)
        assert done.exit_code == 0, done.output
        assert job()["options"]["order"] == order


def test_a_job_does_not_know_where_its_values_came_from() -> None:
    settings('[run]\norder = "completion"\noutput = "by-file"\n')
    assert extractor("run", "papers.jsonl").exit_code == 0
    Path("extractor.toml").unlink()
    assert extractor("run", "papers.jsonl", "--order", "completion", "-o", "by-option").exit_code == 0
    changing = {"started", "updated", "finished", "seconds", "written", "progress"}
    told = [{name: value for name, value in job(folder).items() if name not in changing} for folder in ("by-file", "by-option")]
    assert told[0] == told[1]
    again = extractor("run", "papers.jsonl", "--order", "completion", "-o", "by-file")
    assert (again.exit_code, "2 done before" in again.stderr) == (0, True)


def test_what_the_file_sets_is_said_since_it_may_be_somebody_elses() -> None:
    settings('[run]\nmodel = "rules"\nlog-format = "json"\n[status]\njson = true\n')
    first = extractor("run", "papers.jsonl", "-o", "job").stderr.splitlines()[0]
    assert json.loads(first)["message"] == "extractor.toml sets model, log-format"
    assert "sets" not in extractor("run", "papers.jsonl", "-o", "job", "--model", "rules", "--log-format", "text").stderr
    done = extractor("status", "job")
    assert (json.loads(done.stdout)["done"], done.stderr) == (2, "extractor.toml sets json\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("run", "is not TOML: Expected '='"),
        ("[run\n", "is not TOML"),
        ('model = "rules"', "there is no command model. It is an option of run, "),
        ("[rum]\n", "there is no command rum. Write run."),
        ("run = 3", "run is a command. Write its options below [run]."),
        ("[run]\nbase_url = 'x'", "[run] has no option base_url. Write base-url."),
        ("[run]\nunheard-of = 1", "[run] has no option unheard-of. `extractor config` lists all."),
        ("[batch.submit]\nworkers = 1", "[batch.submit] has no option workers. `extractor config` lists all."),
        ("[run]\nworkers = 'two'", "workers in [run] is not a whole number. Write one"),
        ("[run]\nworkers = true", "workers in [run] is not a whole number."),
        ("[run]\nworkers = 0", "workers in [run]: Input should be greater than or equal to 1. Change it"),
        ("[run]\nmax-cost = '5'", "max-cost in [run] is not a number."),
        ("[run]\nfresh = 1", "fresh in [run] is not true or false."),
        ("[run]\nfallback = 'rules'", 'fallback in [run] is not a list, such as ["rules"].'),
        ("[run]\nmodel = 1", 'model in [run] is not a text in quotes, such as "rules".'),
        ("[export]\nto = ['pdf']", "to in [export]: 'pdf' is not one of 'csv', 'tsv'"),
        ("[run]\nopenai-api-key = 'sk-1234'", "openai-api-key is a secret, and others may read this file. Take it out"),
        ("OPENAI_API_KEY = 'sk-1234'", "OPENAI_API_KEY is a secret"),
    ],
)
def test_what_is_wrong_with_the_file_is_one_line_with_the_fix(text: str, told: str) -> None:
    settings(text)
    for command in (["status", "job"], ["config"]):
        done = extractor(*command)
        assert (done.exit_code, done.stdout) == (2, ""), done.output
        [line] = done.stderr.splitlines()
        assert line.startswith("extractor: extractor.toml"), line
        assert told in line
        assert "sk-1234" not in line
    assert "Usage: extractor status" in extractor("status", "--help").stdout


def test_what_is_no_file_of_text() -> None:
    Path("extractor.toml").write_bytes(b"\xff\xfe[run]")
    assert "extractor.toml is not TOML" in extractor("config").stderr
    Path("extractor.toml").unlink()
    Path("extractor.toml").mkdir()
    assert extractor("config", "run").exit_code == 0


def test_the_help_shows_a_file_that_works() -> None:
    shown = extractor("config", "--help").stdout
    settings("\n".join(line.strip() for line in shown.split("command:")[1].split("Keys of")[0].splitlines()))
    assert in_force()["run"]["model"] == {"value": "openai/gpt-4o-mini", "from": "extractor.toml"}


def test_the_values_of_one_command() -> None:
    lines = extractor("config", "batch", "submit").stdout.splitlines()
    assert {line[:12] for line in lines[1:]} == {"batch submit"}
    assert extractor("config", "nothing").exit_code == 2
