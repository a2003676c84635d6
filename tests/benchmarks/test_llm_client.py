"""The package's client keeps its promise on a short run beside bare aiohttp, and a table that breaks it is known."""

import pytest

from extractor.labels import Labels
from extractor.spotting import spot
from tests.benchmarks.clients import LABELS, TITLE, abstract
from tests.benchmarks.figures import Result, Row
from tests.benchmarks.llm_client import BASE, CPU, keeps_promise, main


def test_a_call_costs_at_most_two_and_a_half_times_the_least_it_can(capsys: pytest.CaptureFixture[str]) -> None:
    names = [BASE, "extractor", "extractor, caching"]
    assert main(["--only", *names, "--in-flight", "--documents", "150"]) == 0
    _title, heading, *rows, promise = capsys.readouterr().out.splitlines()
    assert heading.split() == CPU.split()
    assert [row[: len(name)] for row, name in zip(rows, names, strict=True)] == names
    assert promise.endswith(": kept")


@pytest.mark.parametrize(("what", "ratio", "kept"), [(CPU, 2.4, True), (CPU, 2.6, False), ("64 in flight", 0.8, False)])
def test_a_slow_client_breaks_the_promise(what: str, ratio: float, kept: bool) -> None:
    rows = (Row(BASE, what, "", (1.0, 3.0)), Row("extractor", what, "", (ratio, 3 * ratio)))
    assert keeps_promise(Result("calls", rows, base=BASE)) is kept


def test_the_abstract_holds_what_the_reply_labels() -> None:
    mentions = spot(f"{TITLE}\n{abstract(1234567890)}")
    labels = Labels.model_validate(LABELS)
    labelled = sorted([*(each.mention for each in labels.claims), *labels.not_claims])
    assert [mention.id for mention in mentions.quantities] == labelled
    assert [mention.id for mention in mentions.hardware] == [each.mention for each in labels.hardware]
