"""Baselines: a figure that fell by more than its tolerance is named, and a file that is none says what mends it."""

import json
from pathlib import Path
from typing import Any

import pytest

from extractor.errors import DataError, ExtractorError, UsageError
from extractor.evaluation.baselines import TOLERANCE, Fall, HeldSet, Measured, check_baseline, read_baseline, save_baseline
from extractor.evaluation.gold import gold_digest
from extractor.evaluation.matching import Alignment, align
from tests.evaluation.planted import ACCURACY, GOLD, perfect, replace

STRICT = ("sets", "planted", "figures", "strict_f1")
FIGURES = {"detection_f1": 0.9, "strict_f1": 2 / 3, "metric": None}
PLANTED: tuple[Alignment, ...] = (align(GOLD, perfect(GOLD)),)


def measured(changes: dict[str, float | None] | None = None, *names: str) -> dict[str, Measured]:
    """The figures, but for the changes, on a set; or on each of these."""
    return dict.fromkeys(names or ("planted",), Measured(FIGURES | (changes or {}), PLANTED))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "new" / "rules.json"
    save_baseline(path, "rules", measured())
    return path


def held(path: Path, name: str = "planted") -> HeldSet:
    return read_baseline(path).sets[name]


def edit(path: Path, *keys: str, value: Any) -> None:
    data = json.loads(path.read_text(encoding="utf-8"))
    *parents, last = keys
    place = data
    for key in parents:
        place = place[key]
    place[last] = value
    path.write_text(json.dumps(data), encoding="utf-8")


def test_what_is_saved_says_what_was_measured(saved: Path) -> None:
    assert (read_baseline(saved).system, [*read_baseline(saved).sets]) == ("rules", ["planted"])
    found = held(saved)
    assert (found.prompt, found.documents, found.gold_sha256) == (None, 1, gold_digest([GOLD]))
    assert {name: each.value for name, each in found.figures.items()} == FIGURES | {"strict_f1": 0.666667}
    assert {each.tolerance for each in found.figures.values()} == {TOLERANCE}


def test_the_prompt_of_a_model_is_kept(tmp_path: Path) -> None:
    record = perfect(GOLD)
    made = record.provenance.model_copy(update={"prompt": "label@1", "prompt_sha256": "ab"})
    asked = Measured(FIGURES, [align(GOLD, record.model_copy(update={"provenance": made}))])
    found = save_baseline(tmp_path / "m.json", "openai/m", {"planted": asked}).sets["planted"]
    assert (found.prompt, found.prompt_sha256) == ("label@1", "ab")


@pytest.mark.parametrize(
    ("now", "fallen"),
    [
        pytest.param({}, [], id="the same"),
        pytest.param({"detection_f1": 1.0, "strict_f1": 1.0, "metric": 1.0}, [], id="better"),
        pytest.param({"detection_f1": 0.9 - TOLERANCE}, [], id="by just the tolerance"),
        pytest.param({"detection_f1": 0.8924}, ["detection_f1"], id="by more"),
        pytest.param({"detection_f1": 0.0, "strict_f1": None}, ["detection_f1", "strict_f1"], id="to nothing"),
        pytest.param({"new_figure": 0.0}, [], id="a figure that it does not hold"),
    ],
)
def test_a_fall_beyond_the_tolerance_is_found(saved: Path, now: dict[str, float | None], fallen: list[str]) -> None:
    falls = check_baseline(saved, "rules", measured(now))
    assert [fall.figure for fall in falls] == fallen
    assert [(fall.was, fall.now) for fall in falls] == [(held(saved).figures[name].value, now[name]) for name in fallen]


def test_each_set_is_held_by_itself(saved: Path) -> None:
    """What one set gains does not make up for what another loses; a set that is not measured now stays as it was."""
    save_baseline(saved, "rules", measured({"detection_f1": 0.5}, "other"))
    assert [*read_baseline(saved).sets] == ["planted", "other"]
    assert held(saved).figures["detection_f1"].value == 0.9
    gained = measured({"detection_f1": 0.7}, "planted") | measured({"detection_f1": 0.7}, "other")
    assert [(fall.gold, fall.figure) for fall in check_baseline(saved, "rules", gained)] == [("planted", "detection_f1")]
    assert check_baseline(saved, "rules", measured(None, "planted", "other", "third")) == ()
    with pytest.raises(DataError, match=r"holds rules on other, where it was not evaluated; name a folder with that set"):
        check_baseline(saved, "rules", measured())


def test_a_fall_reads_as_points() -> None:
    assert str(Fall("seeds", "strict_f1", 0.8, 0.7912, 0.0075)) == (
        "strict_f1 fell from 80.00 to 79.12 on seeds; it may lose 0.75 points"
    )
    assert "to nothing to measure on seeds;" in str(Fall("seeds", "strict_f1", 0.8, None, 0.0075))


def test_an_edited_tolerance_holds_and_is_kept_when_the_figures_are_saved_anew(saved: Path) -> None:
    edit(saved, "sets", "planted", "figures", "detection_f1", "tolerance", value=0.1)
    assert check_baseline(saved, "rules", measured({"detection_f1": 0.81})) == ()
    save_baseline(saved, "rules", measured({"detection_f1": 0.95}))
    figures = held(saved).figures
    assert (figures["detection_f1"].value, figures["detection_f1"].tolerance) == (0.95, 0.1)
    assert figures["strict_f1"].tolerance == TOLERANCE


def test_the_digest_is_of_what_the_gold_says() -> None:
    other = replace(GOLD, claims=(ACCURACY,))
    assert gold_digest([GOLD, other]) == gold_digest([other, GOLD])
    assert gold_digest([GOLD]) != gold_digest([other])


def test_a_baseline_of_other_gold_is_refused(saved: Path) -> None:
    other = replace(GOLD, claims=(ACCURACY,))
    with pytest.raises(DataError, match=r"was measured on other gold of planted .*; name the same gold with --gold, or save"):
        check_baseline(saved, "rules", {"planted": Measured(FIGURES, (align(other, perfect(other)),))})


def test_a_baseline_of_another_system_is_refused_and_never_overwritten(saved: Path) -> None:
    with pytest.raises(DataError, match=r"is the baseline of rules, not of openai/m; "):
        check_baseline(saved, "openai/m", measured())
    before = saved.read_bytes()
    with pytest.raises(DataError, match=r"is the baseline of rules, not of openai/m; choose another file"):
        save_baseline(saved, "openai/m", measured())
    assert saved.read_bytes() == before


def test_a_figure_that_is_none_is_refused(saved: Path) -> None:
    edit(saved, "sets", "planted", "figures", "f2", value={"value": 0.5, "tolerance": 0.01})
    with pytest.raises(DataError, match=r"holds f2; the headline figures are .*\. Take it out"):
        check_baseline(saved, "rules", measured())


@pytest.mark.parametrize(
    ("keys", "value", "where"),
    [
        pytest.param(["sets"], [], "sets", id="sets"),
        pytest.param([*STRICT, "value"], 91.6, f"{'.'.join(STRICT)}.value", id="points for a share"),
        pytest.param([*STRICT, "tolerance"], -0.1, f"{'.'.join(STRICT)}.tolerance", id="negative tolerance"),
        pytest.param(["system"], None, "system", id="no system"),
        pytest.param(["more"], 1, "more", id="unknown key"),
    ],
)
def test_a_file_that_is_no_baseline_is_named(saved: Path, keys: list[str], value: object, where: str) -> None:
    edit(saved, *keys, value=value)
    with pytest.raises(DataError) as caught:
        check_baseline(saved, "rules", measured())
    assert str(caught.value).startswith(f"{saved} is not a baseline ({where}: ")
    assert str(caught.value).endswith("; remove it and write it with --save-baseline")


def test_a_half_file_and_a_missing_one(tmp_path: Path) -> None:
    half = tmp_path / "half.json"
    half.write_text('{"system"', encoding="utf-8")
    with pytest.raises(DataError, match="not a baseline"):
        read_baseline(half)
    with pytest.raises(UsageError, match=r"cannot be read \(No such file.*; name a file that --save-baseline wrote"):
        read_baseline(tmp_path / "none.json")


def test_a_place_that_cannot_be_written_is_the_user_s_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExtractorError, match="cannot be written"):
        save_baseline(tmp_path / "file" / "rules.json", "rules", measured())
