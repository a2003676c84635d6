"""`make bench` measures what is asked for, keeps it beside what was measured before, and renews documents from both."""

import json
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as bench
from tests.benchmarks.figures import Result, Row


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where results are kept, of benchmarks that take no time."""

    def fixed(name: str, what: str, *values: float) -> bench.Benchmark:
        return lambda options: Result(
            name, tuple(Row(row, what, "", (value * options.rounds,)) for row, value in zip(ROWS, values, strict=False))
        )

    calls = fixed("Calls", "CPU a call", 0.25, 1.0)
    monkeypatch.setattr(
        bench, "BENCHMARKS", {"rules": fixed("Rules", "rate", 1500.0), "calls": calls, "memory": fixed("Memory", "MB", 46.0)}
    )
    monkeypatch.setattr(bench, "STORE", tmp_path / "bench.json")
    return tmp_path / "bench.json"


ROWS = ("extractor", "litellm")


def test_what_is_measured_stands_beside_what_was(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--rounds", "1"]) == 0
    assert bench.main(["--only", "calls", "--rounds", "2"]) == 0
    told = json.loads(store.read_text())["benchmarks"]
    assert [row["value"] for name in ("rules", "calls") for row in told[name]["rows"]] == [1500.0, 0.5, 2.0]
    assert capsys.readouterr().out.count("Rules") == 1

    document = tmp_path / "document.md"
    document.write_text("<!-- bench: headline -->\n<!-- end -->\n<!-- bench: calls -->\n<!-- end -->\n")
    assert bench.main(["--only", "--write", str(document)]) == 0
    headline = "0.5 ms of the client's CPU, others so many times that: litellm 4. The rules read, label and write 1,500"
    assert headline in document.read_text()
    assert "| litellm | 2 |" in document.read_text()
    document.write_text("<!-- bench: ray --><!-- end -->")
    with pytest.raises(SystemExit, match="'ray', which is not in"):
        bench.main(["--only", "--write", str(document)])


def test_ray_is_skipped_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "find_spec", lambda _name: None)
    [skipped] = bench.ray(bench.Options(1, 1, "", None, None)).skipped
    assert skipped.name == "ray"
    assert "'.[ray]'" in skipped.why
