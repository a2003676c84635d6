"""The arXiv gold is split for good: what nobody reads stays apart from what may be looked at."""

from pathlib import Path
from shutil import copytree

from extractor.evaluation.sets import read_sets
from tests.evaluation.split import main
from tests.gold import ARXIV, GOLD


def test_each_abstract_is_in_one_set_and_only_the_60_are_held_out() -> None:
    sets = {each.name: each for each in read_sets(GOLD)}
    assert {name: (len(each.documents), each.held_out) for name, each in sets.items()} == {
        "arxiv-open": (40, False),
        "arxiv-held-out": (60, True),
        "seeds": (143, False),
    }
    ids = {name: [gold.document.id for gold in each.documents] for name, each in sets.items()}
    assert ids["arxiv-open"] == [f"a{number:03}" for number in range(1, 41)]
    assert ids["arxiv-held-out"] == [f"a{number:03}" for number in range(41, 101)]
    texts = [gold.document.text for each in sets.values() for gold in each.documents]
    assert len(set(texts)) == len(texts)


def test_the_split_is_what_the_script_makes_of_the_files(tmp_path: Path) -> None:
    folder = copytree(ARXIV, tmp_path / "arxiv")
    (folder / "set.toml").unlink()
    main(folder)
    assert (folder / "set.toml").read_bytes() == (ARXIV / "set.toml").read_bytes()
