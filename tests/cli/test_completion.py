"""What a shell is given to complete, asked as bash asks: with the words of the line in the environment."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from extractor.cli import app
from tests.outputs.support import RECORDS, write_job


def completed(line: str) -> list[str]:
    words = line.split(" ")
    asked = {"_EXTRACTOR_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = CliRunner().invoke(app, [], env=asked, prog_name="extractor")
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("extractor re", ["retry"]),
        ("extractor batch s", ["submit", "status"]),
        ("extractor run --dry", ["--dry-run"]),
        ("extractor export job --to s", ["sqlite"]),
        ("extractor run in --format b", ["bibtex"]),
        ("extractor run in -m ru", ["rules"]),
        ("extractor gold new in -m openai/gpt-4o-mini-2024", ["openai/gpt-4o-mini-2024-07-18"]),
        ("extractor query job --name best-sp", ["best-speedup-per-device"]),
        ("extractor show job ", [record.id for record in RECORDS]),
        ("extractor show job 10.", ["10.1/ab"]),
        ("extractor show nowhere ", []),
        ("extractor config batch su", ["submit"]),
        ("extractor run pap", []),
    ],
)
def test_what_is_completed(line: str, expected: list[str], home: Path) -> None:
    """Where nothing is, the shell completes names of files."""
    write_job(home / "job")
    assert completed(line) == expected


def test_before_a_model_is_begun_providers_are_shown() -> None:
    shown = completed("extractor run in --model ")
    assert shown[0] == "rules"
    assert {"openai/", "anthropic/", "ollama/"} <= set(shown)
    assert len(shown) < 100


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell: str) -> None:
    done = CliRunner().invoke(app, [], env={"_EXTRACTOR_COMPLETE": f"source_{shell}"}, prog_name="extractor")
    assert done.exit_code == 0
    assert f"_EXTRACTOR_COMPLETE=complete_{shell}" in done.stdout
