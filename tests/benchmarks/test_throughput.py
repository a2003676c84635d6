"""The benchmark counts what it labels and would report a span that does not hold its field."""

import json
from pathlib import Path

import pytest

from extractor.records import Claim, Extraction
from tests.benchmarks.throughput import WARM_UP, main, span_faults
from tests.evaluation.planted import ABSTRACT, ACCURACY, GOLD, TITLE, perfect, predict

STEPS = ["spot", "label", "ground", "total"]


def test_it_prints_each_step_and_checks_the_spans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps({"id": "planted", "title": TITLE, "abstract": ABSTRACT}) + "\n", encoding="utf-8")
    assert main([str(path), "--documents", "4"]) == 0  # the file's one document again and again
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.startswith(f"{path}: {WARM_UP + 4} abstracts, ")
    assert [row.split()[0] for row in rows[:4]] == STEPS
    rates = [float(row.split()[1].replace(",", "")) for row in rows[:4]]
    assert rates[3] < min(rates[:3])
    assert rows[-1].split(maxsplit=1) == ["spans", "all hold their fields"]


def test_an_input_without_abstracts_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl"
    path.write_text('{"id": "x"}\n', encoding="utf-8")
    with pytest.raises(SystemExit, match="holds no abstract"):
        main([str(path)])


def broken(record: Extraction, **changes: object) -> Extraction:
    """A record that its own checks would refuse."""
    return record.model_copy(update=changes)


def shifted(claim: Claim, name: str) -> Claim:
    start, end = getattr(claim.spans, name)
    return claim.model_copy(update={"spans": claim.spans.model_copy(update={name: (start + 1, end + 1)})})


def test_span_faults() -> None:
    record = perfect(GOLD)
    claim, board = predict(ACCURACY), record.hardware[0]
    assert [*span_faults(record)] == []
    for field in ("quantity", "metric", "subject", "dataset"):
        (fault,) = span_faults(broken(record, claims=(shifted(claim, field),)))
        assert fault.startswith(f"claims[0].{field} is ")
    lost = claim.model_copy(update={"spans": claim.spans.model_copy(update={"metric": None})})
    assert len([*span_faults(broken(record, claims=(lost,)))]) == 1
    (fault,) = span_faults(broken(record, hardware=(board.model_copy(update={"span": (0, 3)}),)))
    assert fault == "hardware[0] is 'Jetson Nano', its span (0, 3)"
    (fault,) = span_faults(broken(record, system="Octopus"))
    assert fault == "system is 'Octopus', its span None"
