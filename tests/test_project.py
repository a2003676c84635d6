"""The project's own files: what a stranger's clone relies on."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from extractor._version import __version__

ROOT = Path(__file__).parents[1]
HEAVY = ("litellm", "instructor", "openai", "ray")
RUN_AND_LIST = """
import sys
sys.argv = ["extractor", *sys.argv[1:]]
from extractor.cli import main
try:
    main()
finally:
    print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_package_index() -> None:
    index = re.compile("|".join([r"pypi\." + "org", "python" + "hosted", "index" + "-url", "/simple" + "/"]))
    assert [path.name for path in tracked() if index.search(path.read_text(encoding="utf-8", errors="replace"))] == []


def test_constraints_pin_one_version_a_line() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line)] == []
    names = [re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in lines]
    assert len(set(names)) == len(names)


def test_every_requirement_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    names = {re.split(r"[<>=\[ ]", one)[0].lower() for one in required} - {project["name"]}
    assert names - pinned == set()


def test_the_changelog_knows_the_version() -> None:
    assert re.search(rf"^## {re.escape(__version__)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("command", ["help", "run"])
def test_no_command_loads_a_model_library(command: str, tmp_path: Path) -> None:
    source = tmp_path / "one.jsonl"
    source.write_text('{"title": "Tern", "abstract": "Tern is 2x faster than Gull on a GPU."}\n')
    arguments = ["--help"] if command == "help" else ["run", str(source), "-o", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", RUN_AND_LIST, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = done.stderr.rpartition("LOADED")[2].split()
    assert "extractor" in loaded
    assert [name for name in HEAVY if name in loaded] == []
