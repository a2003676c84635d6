"""What docs/service.md, the README and the Containerfile show is so."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.serving import Running

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/service.md")}


def shown(name: str, language: str) -> str:
    [block] = re.findall(rf"^```{language}\n(.*?)^```$", PAGES[name], flags=re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_curl_line_gives_a_record(rules: Running, name: str) -> None:
    line = shown(name, "bash").replace("http://127.0.0.1:8080", rules.url)
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=False, env=os.environ | {"no_proxy": "*"})
    assert json.loads(done.stdout)["claims"][0]["quantity"]["text"] == "2.3x", done.stderr


@pytest.mark.parametrize("name", PAGES)
def test_ten_lines_of_python_have_a_file_worked_off(
    rules: Running, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = shown(name, "py")
    assert len([line for line in code.splitlines() if line]) <= 10
    (tmp_path / "papers.csv").write_text("id,title,abstract\nt1,Tern,Tern is 2x faster than Gull.\n")
    monkeypatch.setenv("no_proxy", "*")
    with (tmp_path / "papers.csv").open("rb") as file:
        names = {"open": lambda _name, _mode: file}  # its folder is not the working one, in which the service is
        exec(code.replace("http://127.0.0.1:8080", rules.url), names)  # noqa: S102 (what is tested)
        names["service"].close()  # type: ignore[attr-defined]
    printed = capsys.readouterr().out.splitlines()
    assert "event: end" in printed
    assert json.loads(printed[-1])["claims"][0]["baseline"] == "Gull"


def test_the_addresses_are_those_that_are_described(rules: Running) -> None:
    described = set(rules.ask("GET", "/openapi.json").json()["paths"])
    rows = "".join(re.findall(r"^\| `.*?\|", PAGES["docs/service.md"], flags=re.MULTILINE))
    named = set(re.findall(r"/(?:v1|healthz|readyz|metrics)[\w/{}.]*", rows.replace("`.../resume`", "/v1/jobs/{id}/resume")))
    assert named == described


def test_the_container_copies_what_is_there_and_starts_the_service() -> None:
    lines = (ROOT / "Containerfile").read_text().splitlines()
    copied = [source for line in lines if line.startswith("COPY ") for source in line.split()[1:-1]]
    assert {"pyproject.toml", "constraints.txt", "extractor", "prompts"} <= set(copied)
    assert [source for source in copied if not (ROOT / source).exists()] == []
    [command] = [json.loads(line.removeprefix("CMD ")) for line in lines if line.startswith("CMD ")]
    done = subprocess.run(
        [sys.executable, "-m", "extractor.cli", *command[1:], "--help"], capture_output=True, text=True, check=True
    )
    names = re.findall(r"(EXTRACTOR_\w+)=", "".join(line for line in lines if line.startswith("ENV ")))
    assert [name for name in names if name not in done.stdout and name != "EXTRACTOR_CACHE"] == []
