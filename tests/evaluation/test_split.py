"""The arXiv gold is split for good: what nobody reads stays apart from what may be looked at."""

from pathlib import Path

from extractor.evaluation.sets import read_sets
from tests.evaluation.split import HELD_OUT, OPEN, PARTS, main

GOLD = Path(__file__).parents[2] / "evals" / "gold"


def test_each_abstract_is_in_its_part_and_in_no_other() -> None:
    there = {part: sorted(path.stem for path in (GOLD / "arxiv" / part).glob("*.json")) for part in (OPEN, HELD_OUT)}
    assert there == {part: sorted(id for id, its in PARTS.items() if its == part) for part in (OPEN, HELD_OUT)}
    assert (len(there[OPEN]), len(there[HELD_OUT])) == (40, 60)
    assert [path.name for path in GOLD.rglob("a*.json") if path.parent.name not in there] == []


def test_the_sets_are_those_parts_and_only_the_60_are_held_out() -> None:
    sets = {each.name: each for each in read_sets(GOLD)}
    assert {name: (len(each.documents), each.held_out) for name, each in sets.items()} == {
        "arxiv-held-out": (60, True),
        "arxiv-open": (40, False),
        "seeds": (143, False),
    }
    for name, part in (("arxiv-open", OPEN), ("arxiv-held-out", HELD_OUT)):
        assert {gold.document.id for gold in sets[name].documents} == {id for id, its in PARTS.items() if its == part}
    texts = [gold.document.text for each in sets.values() for gold in each.documents]
    assert len(set(texts)) == len(texts)


def test_the_script_moves_each_file_once(tmp_path: Path) -> None:
    for id in PARTS:
        (tmp_path / f"{id}.json").write_text(id)
    main(tmp_path)
    assert {path.read_text(): path.parent.name for path in tmp_path.rglob("*.json")} == PARTS
    assert list(tmp_path.glob("*.json")) == []
