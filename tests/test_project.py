"""The project's own files: what a stranger's clone relies on."""

import re
import shutil
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

from extractor._version import __version__
from extractor.labelling import prompts
from extractor.labelling.prompts import load_prompt

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "extractor"
MODELS = ("aiohttp", "instructor", "litellm", "openai", "tenacity", "vcr", "ray")
SERVICE = ("fastapi", "mcp", "prometheus_client", "starlette", "uvicorn")
FORMATS = ("backports", "defusedxml", "fsspec", "openpyxl", "pyarrow")
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


def test_no_module_is_longer_than_450_lines() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert len(lengths) > 100
    assert {path: lines for path, lines in lengths.items() if lines > 450} == {}


def test_no_import_goes_in_a_circle() -> None:
    """Within packages too, and whether a module is loaded with another or when a function needs it."""
    graph = grimp.build_graph("extractor", exclude_type_checking_imports=True, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 100
    assert [*TopologicalSorter(imports).static_order()]  # raises CycleError, which names the circle


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


def test_what_installs_an_extra_works_as_it_is_written() -> None:
    """The package is on no index, so only the clone's own path installs it."""
    told = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "extractor").rglob("*.py")]
    assert [file for file in told if "claim-extractor[" in file.read_text(encoding="utf-8")] == []


def test_the_changelog_knows_the_version() -> None:
    assert re.search(rf"^## {re.escape(__version__)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--help"], id="help"),
        pytest.param(["run", "one.jsonl", "-o", "out"], id="run"),
        pytest.param(["run", "one.jsonl", "-o", "out", "--dry-run"], id="dry run"),
        pytest.param(["show", "done"], id="show"),
        pytest.param(["explore", "done"], id="explore"),
        pytest.param(["sources"], id="sources"),
        pytest.param(["sources", "one.jsonl"], id="sources of one"),
        pytest.param(["schema"], id="schema"),
        pytest.param(["eval", "--gold", "gold"], id="eval"),
        pytest.param(["gold", "check", "gold"], id="gold check"),
        pytest.param(["gold", "new", "one.jsonl", "-o", "new", "-m", "rules"], id="gold new"),
        pytest.param(["prompt"], id="prompt"),
        pytest.param(["cache", "info"], id="cache"),
        pytest.param(["keys", "list"], id="keys"),
    ],
)
def test_no_command_loads_what_only_models_need(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text('{"title": "Tern", "abstract": "Tern is 2x faster than Gull on a GPU."}\n')
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "extractions.jsonl").touch()
    (tmp_path / "gold").mkdir()
    shutil.copy(ROOT / "evals" / "gold" / "seeds" / "s001.json", tmp_path / "gold")
    environment = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    command = [sys.executable, "-c", RUN_AND_LIST, *arguments]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = done.stderr.rpartition("LOADED")[2].split()
    assert "extractor" in loaded
    assert [name for name in (*MODELS, *FORMATS, *SERVICE) if name in loaded] == []


@pytest.mark.parametrize(
    ("arguments", "extras"),
    [(["run", "one.jsonl", "-m", "openai/m"], "llm"), (["eval", "--gold", ".", "-m", "openai/m"], "eval,llm")],
    ids=["run", "eval"],
)
def test_without_the_extra_a_model_is_one_line_with_the_command(arguments: list[str], extras: str, tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text('{"title": "Tern", "abstract": "Tern is 2x faster than Gull on a GPU."}\n')
    shutil.copy(ROOT / "evals" / "gold" / "seeds" / "s001.json", tmp_path)
    hidden = f"import sys; sys.modules |= dict.fromkeys({MODELS!r})\n"
    command = [sys.executable, "-c", hidden + "from extractor.cli import main; main()", *arguments]
    environment = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert f"Install it with `pip install '.[{extras}]'` in the repository, or use --model rules." in line


def test_the_wheel_holds_the_prompts_where_the_package_looks_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["extractor"]
    installed = tmp_path / "extractor"
    installed.mkdir()
    for source, target in wheel["force-include"].items():
        shutil.copytree(ROOT / source, tmp_path / target)
    monkeypatch.setattr("extractor.labelling.prompts.files", lambda _package: installed)
    assert prompts._home() == installed / "prompts"
    assert prompts.load_prompt().label == load_prompt(ROOT / "prompts" / "label.md").label


def test_a_run_with_the_rules_needs_no_model_library() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=\[ ]", one)[0].lower() for one in project["dependencies"]}
    assert names.isdisjoint(MODELS)
    extra = {re.split(r"[<>=\[ ]", one)[0].lower() for one in project["optional-dependencies"]["llm"]}
    assert extra == {"aiohttp", "instructor", "litellm", "openai", "tenacity"}
    assert "claim-extractor[eval,formats,llm,serve,tables]" in project["optional-dependencies"]["dev"]
