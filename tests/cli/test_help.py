"""Help: there for every command, with an example, in the documents word for word, and at once."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from extractor.cli import app, codes
from tests.cli.reference import reference

ROOT = Path(__file__).parents[2]
ROOT_COMMANDS = get_command(app).commands  # type: ignore[attr-defined]
COMMANDS = {
    **ROOT_COMMANDS,
    **{
        f"{name} {below}": subcommand
        for name, command in ROOT_COMMANDS.items()
        for below, subcommand in getattr(command, "commands", {}).items()
    },
}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, check=False)


def test_the_commands_stand_in_groups() -> None:
    """Few of each: before a command is added, an option of another may do it."""
    groups: dict[str, list[str]] = {}
    for name, command in COMMANDS.items():
        if " " not in name:
            groups.setdefault(command.rich_help_panel, []).append(name)
    assert groups == {
        "Extract": ["sources", "run", "status", "retry", "batch"],
        "Look at what was found": ["show", "explore", "query", "export", "verify"],
        "Serve": ["serve", "mcp"],
        "Evaluate": ["eval", "gold"],
        "Set up": ["config", "prompt", "schema", "keys", "cache"],
    }
    assert [name for name in COMMANDS if " " in name] == [
        *(f"batch {name}" for name in ("submit", "status", "collect", "cancel", "export", "import")),
        *(f"gold {name}" for name in ("new", "check", "agree")),
        *(f"keys {name}" for name in ("set", "list", "path")),
        *(f"cache {name}" for name in ("info", "clear")),
    ]
    lines = reference().partition("## extractor sources")[0].splitlines()
    assert [line.rstrip(":") for line in lines if line.rstrip(":") in groups] == list(groups)


def test_the_help_speaks_in_words() -> None:
    page = reference().partition("```text")[2]
    assert re.findall(r"[{}<]|list\[|x>=|^  [a-z]+  .*\.\.\.$", page, flags=re.MULTILINE) == []
    assert max(map(len, page.splitlines())) <= 80
    for group in ("", "batch", "gold", "keys", "cache"):
        listed = CliRunner().invoke(app, [*group.split(), "--help"], env={"COLUMNS": "80"}).stdout.splitlines()
        assert [line for line in listed[1:] if line.endswith("...")] == []
    assert "Usage: extractor run [OPTIONS] INPUT...\n" in page
    assert "--narrow-schema auto|always|never\n" in page


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_helps_with_an_example(name: str, flag: str) -> None:
    done = CliRunner().invoke(app, [*name.split(), flag], prog_name="extractor")
    assert done.exit_code == 0
    assert f"Usage: extractor {name}" in done.stdout
    assert "Example: " in done.stdout
    assert "extractor " + name.split(maxsplit=1)[0] in done.stdout.split("Example: ", 1)[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_an_environment_variable_too(name: str) -> None:
    options = [
        parameter for parameter in COMMANDS[name].params if parameter.param_type_name == "option" and parameter.name != "help"
    ]
    assert [option.name for option in options if not str(option.envvar).startswith("EXTRACTOR_")] == []


def test_no_argument_shows_the_help() -> None:
    done = run("-m", "extractor.cli")
    assert done.returncode == 2
    assert "Usage: extractor" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("run", "Missing argument 'INPUT'. See `extractor run --help`."),
        ("run in --loud", "No such option: --loud"),
        ("runn in", "No such command 'runn'. Did you mean 'run'? See `extractor --help`."),
        (
            "export job",
            "Missing option '--to' (env var: 'EXTRACTOR_TO'). Choose from: csv, tsv, parquet, xlsx, sqlite, duckdb.",
        ),
        ("export job --to pdf", "(env var: 'EXTRACTOR_TO'): 'pdf' is not one of 'csv', 'tsv',"),
        ("batch dance", "See `extractor batch --help`."),
        ("--loud", "No such option: --loud. See `extractor --help`."),
    ],
)
def test_what_is_no_command_is_one_line(arguments: str, told: str) -> None:
    done = CliRunner().invoke(app, arguments.split(), prog_name="extractor")
    assert (done.exit_code, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("extractor: ")
    assert told in line


def test_the_version() -> None:
    done = run("-m", "extractor.cli", "--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "extractor")


def test_the_exit_codes_are_in_the_help() -> None:
    shown = run("-m", "extractor.cli", "--help").stdout
    for name, value in vars(codes).items():
        if name.isupper():
            assert f"{value} " in shown.split("Exit codes:")[1]


def test_the_documented_help_is_the_help() -> None:
    documented = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert documented == reference(), "python -m tests.cli.reference > docs/cli.md"


def test_help_loads_nothing_heavy() -> None:
    """A bound on modules, because wall time depends on the machine: pydantic alone is a tenth of a second."""
    code = (
        "import sys; sys.argv = ['extractor', '--help']\nfrom extractor.cli import main\n"
        "try: main()\nfinally: print(len(sys.modules), *sys.modules, file=sys.stderr)"
    )
    count, *modules = run("-c", code).stderr.split()
    assert int(count) < 300
    assert {"pydantic", "rich", "asyncio", "scipy", "aiohttp", "tenacity", "sqlite3", "ray"}.isdisjoint(modules)
