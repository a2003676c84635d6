"""A set is a folder of gold files that says of itself what it is, and keeps to itself if it is held out."""

import json
from pathlib import Path

import pytest

from extractor.errors import DataError, UsageError
from extractor.evaluation.sets import read_sets
from tests.evaluation.test_gold import DOCUMENT


def write(folder: Path, *ids: str, said: str | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for id in ids:
        (folder / f"{id}.json").write_text(json.dumps(DOCUMENT | {"id": id}), encoding="utf-8")
    if said is not None:
        (folder / "set.toml").write_text(said, encoding="utf-8")
    return folder


def held(place: Path) -> list[tuple[str, bool, list[str]]]:
    return [(each.name, each.held_out, [gold.document.id for gold in each.documents]) for each in read_sets(place)]


def test_each_folder_is_a_set_by_its_own_name_or_the_one_that_it_says(tmp_path: Path) -> None:
    write(tmp_path / "b" / "far", "x", "y", said='[[set]]\nname = "far-away"\nheld_out = true')
    write(tmp_path / "a", "z", said='[[set]]\nname = "near"\nabout = "what is near"')
    write(tmp_path / "c", "w")
    assert held(tmp_path) == [("near", False, ["z"]), ("far-away", True, ["x", "y"]), ("c", False, ["w"])]
    assert [each.about for each in read_sets(tmp_path)] == ["what is near", "", ""]


def test_a_set_stays_held_out_however_it_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "b", "x", "y", said='[[set]]\nname = "far"\nheld_out = true')
    assert held(folder) == [("far", True, ["x", "y"])]
    assert held(folder / "y.json") == [("far", True, ["y"])]
    assert [each.shown().held_out for each in read_sets(folder)] == [False]


def test_files_beside_folders_are_the_set(tmp_path: Path) -> None:
    write(write(tmp_path / "mine", "x") / "old", "y")
    assert held(tmp_path / "mine") == [("mine", False, ["x"])]


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("[[set]]\nheld_out = true", r"set\.0\.name: Field required"),
        ('[[set]]\nname = "b"\nheld_out = "no"', "held_out: Input should be a valid boolean"),
        ('[[set]]\nname = "b"\nheldout = true', "heldout: Extra inputs are not permitted"),
        ('name = "b"', "set: Field required"),
        ("name = b", "Invalid value"),
    ],
    ids=["no name", "held out in words", "a key that does not exist", "no set", "not TOML"],
)
def test_a_description_that_says_nothing_is_a_fault(tmp_path: Path, said: str, cause: str) -> None:
    write(tmp_path / "b", "x", said=said)
    with pytest.raises(DataError, match=cause) as caught:
        read_sets(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'b' / 'set.toml'} does not describe sets (")
    assert str(caught.value).endswith("; write [[set]] with name, about and held_out, and ids if several")


def test_a_folder_can_hold_several_sets(tmp_path: Path) -> None:
    parts = '[[set]]\nname = "near"\nids = ["x"]\n[[set]]\nname = "far"\nheld_out = true\nids = ["y", "z"]'
    folder = write(tmp_path / "b", "x", "y", "z", said=parts)
    assert held(tmp_path) == [("near", False, ["x"]), ("far", True, ["y", "z"])]
    assert held(folder / "y.json") == [("far", True, ["y"])]


@pytest.mark.parametrize("ids", ['["x"]', '["x", "y"]\n[[set]]\nname = "far"\nids = ["y"]'], ids=["in none", "in two"])
def test_an_abstract_is_in_one_set(tmp_path: Path, ids: str) -> None:
    write(tmp_path / "b", "x", "y", said=f'[[set]]\nname = "near"\nids = {ids}')
    with pytest.raises(DataError, match=r"'y' has to be in one set of .*set\.toml; write it into the ids of one of them"):
        read_sets(tmp_path)


def test_two_sets_are_told_apart_by_name_and_by_id(tmp_path: Path) -> None:
    write(tmp_path / "a", "x", said='[[set]]\nname = "same"')
    write(tmp_path / "b", "y", said='[[set]]\nname = "same"')
    with pytest.raises(DataError, match=r"b holds a second set called same; give it another name in its set\.toml"):
        read_sets(tmp_path)
    write(tmp_path / "b", "x", said='[[set]]\nname = "other"')
    with pytest.raises(DataError, match=r"'x' is the id of .*a.x\.json too"):
        read_sets(tmp_path)


def test_no_gold_at_all_is_the_users_to_mend(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no \*\.json file; name a folder of annotated abstracts with --gold DIR"):
        read_sets(write(tmp_path / "empty"))
