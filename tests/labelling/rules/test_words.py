"""Words and signs that stand in the patterns of the stages: each does in its sentence what it is there for."""

import pytest

from extractor.documents import Document
from extractor.labelling.rules import RulesLabeller
from extractor.labelling.rules.system import is_benchmark
from extractor.labels import Labels
from extractor.spotting import spot

BEHIND = [
    *(
        " an open tool",
        " a tool",
        " the tool",
        " is fast",
        " that runs",
        " which runs",
        " to sort",
        " for sorting",
        " with care",
    ),
    *(" as a tool", " and test it", " in Rust", " on maps", " by design", " whose core is small", " where all is fast"),
    *(
        " model",
        " framework",
        ", fast",
        ": fast",
        "; it is fast",
        " (fast)",
        " – fast",
        " — fast",
        " - fast",
        "--fast",
        ". Fast",
    ),
]
NOUNS = frozenset(["benchmark", "dataset"])


def labels_of(abstract: str, title: str = "Learning at home") -> Labels:
    document = Document("d", title, abstract)
    return RulesLabeller().labels(document, spot(document.text))


def devices_of(abstract: str, title: str = "Learning at home") -> list[tuple[str, str]]:
    document = Document("d", title, abstract)
    mentions = spot(document.text)
    names = {mention.id: mention.text for mention in mentions.hardware}
    return [(names[target.mention], target.role) for target in RulesLabeller().labels(document, mentions).hardware]


@pytest.mark.parametrize("command", ["textbf", "textit", "emph", "textsc", "texttt", "text", "textsf"])
def test_a_name_may_be_set_in_any_type(command: str) -> None:
    assert labels_of(rf"We introduce \{command}{{Kraken}}, which is fast.").system == "Kraken"


@pytest.mark.parametrize("sign", ["", '"', "'", "`", "“", "‘"])
def test_a_name_may_stand_in_quotes(sign: str) -> None:
    closing = {"“": "”", "‘": "’", "`": "'"}.get(sign, sign)
    assert labels_of(f"We introduce {sign}Kraken{closing}, which is fast.").system == "Kraken"


@pytest.mark.parametrize("behind", BEHIND)
def test_what_stands_behind_a_new_name(behind: str) -> None:
    assert labels_of(f"We introduce Kraken{behind}.").system == "Kraken"


def test_a_name_goes_on_no_further_than_its_sentence() -> None:
    assert labels_of("We introduce Kraken filters for maps.").system is None


@pytest.mark.parametrize(
    "behind",
    [", a large", ": the", " is an open", " is a", " – a", " — a", " - a", " -- a", " (KR), a", " (KR) is the first large"],
)
def test_a_benchmark_is_called_one_behind_its_name(behind: str) -> None:
    for end in (".", ", it", "; it", ": it", " for", " of", " that", " which", " to", " with", " from", " by", " in", " and"):
        assert is_benchmark("Kraken", f"We give Kraken{behind} benchmark{end} maps.", NOUNS), end


@pytest.mark.parametrize("called", ["", "called ", "named ", "dubbed ", "termed ", "("])
@pytest.mark.parametrize("article", ["a", "an open", "our", "the first"])
def test_a_benchmark_is_called_one_before_its_name(article: str, called: str) -> None:
    assert is_benchmark("Kraken", f"We give {article} large benchmark {called}Kraken.", NOUNS)


@pytest.mark.parametrize("before", ["tested on", "built from", "compared with", "added to"])
def test_a_benchmark_that_is_only_used(before: str) -> None:
    assert not is_benchmark("Kraken", f"It is {before} a large benchmark, Kraken.", NOUNS)


@pytest.mark.parametrize("word", ["for", "of", "that", "which", "to", "with", "on", "from", "by", "in", "using"])
def test_what_is_tied_to_a_benchmark_is_none(word: str) -> None:
    assert not is_benchmark("Kraken", f"Kraken, a tool {word} every benchmark, is fast.", NOUNS)
    assert not is_benchmark("Kraken", f"We give a tool {word} every benchmark Kraken.", NOUNS)


def test_a_benchmark_far_from_the_name_is_another() -> None:
    assert not is_benchmark("Kraken", f"Kraken, a {'very ' * 9}large benchmark, is open.", NOUNS)


def test_a_group_of_devices_is_tied_like_the_devices() -> None:
    assert devices_of("We deploy our method on a fleet of smartphones.") == [("smartphones", "evaluated")]
