"""Without a part of the rules an abstract is better or worse by the count of its right fields."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from extractor.documents import Document
from extractor.evaluation import align
from extractor.labelling.rules import RulesLabeller
from extractor.records import Claim, HardwareTarget
from extractor.spotting import spot
from tests.benchmarks.ablation import Case, Change, Worth, each_alone, main, points_of, table, without
from tests.benchmarks.parts import Part, labeller_without, parts
from tests.evaluation.planted import ACCURACY, NANO, PHONES, SPEED, SPEEDUP, extraction, predict, target
from tests.evaluation.planted import GOLD as PLANTED
from tests.gold import SEEDS

CLAIMS = (predict(SPEEDUP), predict(SPEED), predict(ACCURACY))
HARDWARE = (target(NANO), target(PHONES))
ALL = 3 * 11 + 2 * 3 + 1


@pytest.mark.parametrize(
    ("claims", "hardware", "system", "points"),
    [
        pytest.param(CLAIMS, HARDWARE, "Kraken", ALL, id="all"),
        pytest.param((), (), None, 0, id="nothing"),
        pytest.param(CLAIMS[:2], HARDWARE, "Kraken", ALL - 11, id="a claim missed"),
        pytest.param((*CLAIMS, predict(SPEEDUP, span=SPEEDUP.restated[0])), HARDWARE, "Kraken", ALL - 11, id="a claim made up"),
        pytest.param((*CLAIMS[:2], predict(ACCURACY, kind="resource")), HARDWARE, "Kraken", ALL - 1, id="a wrong kind"),
        pytest.param((*CLAIMS[:2], predict(ACCURACY, metric="71% accuracy")), HARDWARE, "Kraken", ALL, id="in other words"),
        pytest.param(CLAIMS, HARDWARE[:1], "Kraken", ALL - 3, id="a device missed"),
        pytest.param(CLAIMS, (*HARDWARE, target(NANO)), "Kraken", ALL - 3, id="a device twice"),
        pytest.param(CLAIMS, (target(NANO, role="intended"), HARDWARE[1]), "Kraken", ALL - 1, id="a wrong role"),
        pytest.param(CLAIMS, HARDWARE, "Squid", ALL - 1, id="another system"),
    ],
)
def test_points(claims: tuple[Claim, ...], hardware: tuple[HardwareTarget, ...], system: str | None, points: int) -> None:
    assert points_of(align(PLANTED, extraction(claims, hardware, system))) == points


def word(name: str) -> Part:
    [part] = [part for part in parts() if part.pattern is not None and part.name == name]
    return part


def test_what_changes_is_counted_where_a_word_stands() -> None:
    texts = ("Kraken cuts the latency by 40%.", "Kraken cuts the memory by 40%.", "We report the latency.")
    cases = {"mine": [Case.of(Document(str(n), "Kraken", text), None, RulesLabeller()) for n, text in enumerate(texts)]}
    latency = word("metrics:latency")
    [worth] = each_alone([latency], cases, 1)
    assert worth == Worth(latency.name, latency.table, False, {"mine": Change(1, 0, 0)})
    assert worth.sets == without(frozenset([latency.name]), cases)


def test_better_and_worse_are_told_by_the_points() -> None:
    gold = replace(PLANTED, document=Document("d", "Kraken", "Kraken cuts the latency by 40%."), claims=(), hardware=())
    off = frozenset(["metrics:latency"])
    then = Case.of(gold.document, gold, labeller_without(off)).points
    case = Case.of(gold.document, gold, RulesLabeller())
    for now, change in ((then - 1, Change(1, 1, 0)), (then, Change(1, 0, 0)), (then + 1, Change(1, 0, 1))):
        assert without(off, {"mine": [replace(case, points=now)]}) == {"mine": change}


def test_a_part_that_the_rules_cannot_do_without_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case.of(Document("d", "Kraken", "Kraken cuts the latency by 40%."), None, RulesLabeller())
    monkeypatch.setattr(RulesLabeller, "labels", lambda *_: next(iter(())))
    found = without(frozenset(["metrics:latency"]), {"mine": [case, case]})
    assert found == {"mine": Change(failed=2)}
    assert Worth("metrics:latency", "metrics", False, found).kept


def test_the_command_tries_what_may_be_looked_at_and_an_input_of_ones_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, folder in (("s001", "near"), ("s002", "far")):
        (tmp_path / folder).mkdir()
        shutil.copy(SEEDS / f"{name}.json", tmp_path / folder)
    (tmp_path / "far" / "set.toml").write_text('[[set]]\nname = "far"\nheld_out = true')
    (tmp_path / "mine.jsonl").write_text('{"title": "Kraken", "abstract": "Kraken cuts the latency by 40%."}\n')
    given = ["--gold", str(tmp_path), "--unlabelled", str(tmp_path / "mine.jsonl"), "--processes", "1"]
    assert main(["metrics:latenc*", *given, "--json"]) == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert set(found) == {"metrics:latency", "metrics:latency overhead"}
    assert set(found["metrics:latency"]["sets"]) == {"near", "unlabelled"}
    assert found["metrics:latency"]["sets"]["unlabelled"] == {"changed": 1, "better": 0, "worse": 0, "failed": 0}
    assert found["metrics:latency"]["kept"] is False
    assert main(["metrics:latenc*", *given, "--together"]) == 0
    assert "2 parts together" in capsys.readouterr().out
    assert main(["nothing:*", *given]) == 2


def test_the_table_marks_what_too_few_abstracts_need() -> None:
    found = [
        Worth("frames:by", "frames", True, {"seeds": Change(5, 1, 1), "arxiv-open": Change(2, 0, 1), "unlabelled": Change(9)}),
        Worth("metrics:aoi", "metrics", False, {"seeds": Change(), "arxiv-open": Change(), "unlabelled": Change()}),
        Worth(
            "metrics:fps",
            "metrics",
            False,
            {"seeds": Change(1, 0, 1), "arxiv-open": Change(), "unlabelled": Change(3, failed=2)},
        ),
    ]
    head, by, aoi, fps, _, rows, words = table(found, ["seeds", "arxiv-open", "unlabelled"], 12)
    assert head.split() == ["without", "seeds", "arxiv-open", "unlabelled"]
    assert [line.split() for line in (by, aoi, fps)] == [
        ["frames:by", "5", "+1", "-1", "2", "-1", "9"],
        ["metrics:aoi", ".", ".", ".", "*"],
        ["metrics:fps", "1", "-1", ".", "3", "2!"],
    ]
    assert rows.startswith("1 rows: without 0 of them nothing changes; ")
    assert words.startswith("2 words: without 1 of them nothing changes; ")
    assert words.endswith("without 1")


@pytest.mark.parametrize("name", ["claims:governed", "changes:reduces", "metrics:memory"])
def test_a_part_can_be_left_out(name: str) -> None:
    document = Document("d", "T", "Zeta reduces memory by 24%.")
    mentions = spot(document.text)
    whole = RulesLabeller().labels(document, mentions)
    assert name in {part.name for part in parts()}
    assert labeller_without({name}).labels(document, mentions) != whole
    assert RulesLabeller().labels(document, mentions) == whole


def test_a_word_finds_itself() -> None:
    """The ablation runs only the abstracts in which a part's pattern finds something."""
    found: dict[str, Part] = {part.name: part for part in parts()}
    assert len(found) == len(parts())
    for name in ("metrics:peak memory", "words:up to", "phrases.places:dataset"):
        pattern = found[name].pattern
        assert pattern is not None
        assert pattern.search(f"a {name.partition(':')[2]} here")
