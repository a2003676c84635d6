"""The outside benchmarks are read from a user's folder and scored as their makers score them."""

import json
from pathlib import Path

import pytest

from extractor.documents import Span
from extractor.spotting import spot
from tests.benchmarks.outside import main, read_measeval, read_newsquant, score_spans, score_values, span_differences, unpaired
from tests.benchmarks.outside_adapter import Counted, as_measeval, as_newsquant, as_spotted

TEXT = "The kiln ran at up to 40% load for three days, from 200 ms to 350 ms."
HEADING = "docId\tannotSet\tannotType\tstartOffset\tendOffset\tannotId\ttext\tother"


def span_of(phrase: str, text: str = TEXT) -> Span:
    start = text.index(phrase)
    return start, start + len(phrase)


@pytest.fixture
def measeval(tmp_path: Path) -> Path:
    """A folder as MeasEval's: one paragraph with three quantities (and an entity), one with none and no table."""
    home = tmp_path / "data" / "train"
    (home / "text").mkdir(parents=True)
    (home / "tsv").mkdir()
    (home / "text" / "kiln-1.txt").write_bytes(TEXT.encode())
    (home / "text" / "kiln-2.txt").write_bytes(b"It cooled to 20%.")
    phrases = ["up to 40%", "three days", "from 200 ms to 350 ms"]
    rows = [("Quantity", phrase) for phrase in phrases] + [("MeasuredEntity", "The kiln")]
    lines = [
        f"kiln-1\t{n}\t{kind}\t{start}\t{end}\tT{n}\t{phrase}\t"
        for n, (kind, phrase) in enumerate(rows)
        for start, end in [span_of(phrase)]
    ]
    (home / "tsv" / "kiln-1.tsv").write_text("\n".join([HEADING, *lines]) + "\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def newsquant(tmp_path: Path) -> Path:
    items = [
        {
            "text": "Two shops sold over 40% of it.",
            "quantities": [{"value": "2", "change": "="}, {"value": "40.0", "change": ">"}],
        },
        {"text": "It fell from 7% to 5%.", "quantities": [{"value": "7.0-5.0", "change": "="}]},
        {"text": "Nothing else.", "quantities": [{"value": "-1.5", "change": "down"}]},
    ]
    home = tmp_path / "data" / "formatted_test_set"
    home.mkdir(parents=True)
    (home / "NewsQuant.json").write_text(json.dumps(items), encoding="utf-8")
    return tmp_path


def test_measeval_is_read_with_its_paragraphs_without_quantities(measeval: Path) -> None:
    first, second = read_measeval(measeval, "train")
    assert (first.id, first.text) == ("kiln-1", TEXT)
    assert [TEXT[slice(*span)] for span in first.gold] == ["up to 40%", "three days", "from 200 ms to 350 ms"]
    assert (second.text, second.gold) == ("It cooled to 20%.", ())


def test_newsquant_is_read_with_ranges_and_signs(newsquant: Path) -> None:
    gold = [sentence.gold for sentence in read_newsquant(newsquant)]
    assert gold == [(((2.0, 2.0), "="), ((40.0, 40.0), ">")), (((7.0, 5.0), "="),), (((-1.5, -1.5), "down"),)]


def test_measeval_from_folder_to_figures(measeval: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measeval", str(measeval), "--differences"]) == 0
    heading, spotted, adapted, *differences = capsys.readouterr().out.splitlines()
    assert heading == "MeasEval train: 2 paragraphs, 3 quantities"
    # Spotted: 40%, three days, 200 ms, 350 ms, 20%.
    assert "spans     5   exact F1 0.250   exact match 0.200" in spotted
    assert "spans     4   exact F1 0.857   exact match 0.750   overlap 0.750" in adapted
    assert differences == ["kiln-2  false: It cooled to ⟦20%⟧."]


def test_newsquant_from_folder_to_figures(newsquant: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["newsquant", str(newsquant), "--differences"]) == 0
    heading, spotted, adapted, sentence, difference = capsys.readouterr().out.splitlines()
    assert heading == "NewsQuant: 3 sentences, 4 quantities"
    assert "found     3   value F1 0.286   value and change F1 0.286" in spotted  # 40% of (2, 40%, 7% to 5%, -1.5)
    assert "found     3   value F1 0.857   value and change F1 0.857" in adapted
    assert sentence == "Nothing else."
    assert difference == "    missed [((-1.5, -1.5), 'down')]   false []"


@pytest.mark.parametrize("benchmark", ["measeval", "newsquant"])
def test_a_folder_without_the_benchmark_is_one_line(benchmark: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([benchmark, str(tmp_path)]) == 1
    assert "name a clone of the benchmark's repository" in capsys.readouterr().err


def test_rows_of_pairs_and_of_spans_without_one() -> None:
    text = "ab cd ef gh ij"
    score = score_spans([(((0, 5), (9, 11)), [(0, 2), (3, 8), (12, 14)], text)])
    # "ab" is 1 of 1 and 1 of 2 tokens, "cd" 1 of 2 and 1 of 2; (12, 14) and (9, 11) are alone.
    assert score.rows == [(0.0, 2 / 3), (0.0, 0.5), (0.0, 0.0), (0.0, 0.0)]
    assert (score.found, score.gold, score.right) == (3, 2, 0)


def test_spans_that_touch_are_a_pair_and_several_pairs_share_the_best_overlap() -> None:
    text = "ab cd ef"
    (touching,) = score_spans([(((0, 2),), [(2, 5)], text)]).rows
    assert touching[0] == 0.0
    both = score_spans([(((0, 2), (3, 5)), [(0, 5)], text)]).rows
    assert both == [(0.0, 2 / 3), (0.0, 2 / 3)]
    exact_and_not = score_spans([(((0, 5), (3, 5)), [(0, 5)], text)]).rows
    assert exact_and_not == [(1.0, 1.0), (0.0, 1.0)]


def test_a_value_is_paired_once_and_rather_with_its_own_change() -> None:
    gold = (((5.0, 5.0), ">"), ((5.0, 5.0), "="))
    found = [
        Counted((0, 1), (5.0, 5.0), "exact"),
        Counted((2, 3), (5.00001, 5.00001), "at_least"),
        Counted((4, 5), (5.0, 5.0), "exact"),
    ]
    score = score_values([(gold, found)])
    assert (score.right, score.right_with_change) == (2, 2)
    assert score.f1(score.right) == pytest.approx(0.8)
    other_change = [Counted((0, 1), (5.0, 5.0), "up_to")]
    assert score_values([(gold, other_change)]).right == 1
    assert score_values([(gold, other_change)]).right_with_change == 0
    missed, rest = unpaired((*gold, ((5.0, 6.0), "=")), found)
    assert (missed, len(rest)) == ([((5.0, 6.0), "=")], 1)


def test_nothing_found_and_nothing_to_find() -> None:
    assert score_values([((), [])]).f1(0) == 0.0
    assert score_spans([((), [], "")]).mean(0) == 0.0


def test_differences_show_what_was_found_instead() -> None:
    lines = [*span_differences("about 40% of it in 5 s", ((0, 9), (19, 22)), [(6, 9)])]
    assert lines == ["partly 40%: ⟦about 40%⟧ of it in 5 s", "missed: about 40% of it in ⟦5 s⟧"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("took five cores and 2 ms", ["five", "2 ms"]),
        ("one of them, the two-way split, tenfold", []),
        ("twice or half of it, halving the 3 ms", ["3 ms"]),
        ("up to 40%, >5 MB and approximately 3 ms", ["up to 40%", ">5 MB", "approximately 3 ms"]),
        ("5 or more and 30% or less", ["5 or more", "30% or less"]),
        ("from 5 ms to 8 ms", ["from 5 ms to 8 ms"]),
        ("on 225 samples", ["225"]),
        ("of 3 ms (95% CI 1.9–2.7, p < 0.01)", ["3 ms", "95%", "1.9–2.7", "< 0.01"]),
        ("gained 4% (P = 0.03) in a 95% confidence interval: 2 to 5", ["4%", "0.03", "95%", "2 to 5"]),
        ("of 4 kg, 6 ms and 13 kg", ["4 kg", "6 ms", "13 kg"]),
    ],
)
def test_the_adapter_counts_as_measeval_does(text: str, expected: list[str]) -> None:
    found = [text[slice(*span)] for span in as_measeval(text, spot(text).quantities)]
    assert [phrase for phrase in found if phrase != "tenfold"] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one shop and the one next to it", [(1.0, 1.0)]),
        ("fell from 9% to 4%", [(9.0, 4.0)]),
        ("the index lost -1.3% on it", [(-1.3, -1.3)]),
        ("a 5-7 ms delay", [(5.0, 7.0)]),
        ("twenty boats", [(20.0, 20.0)]),
    ],
)
def test_the_adapter_counts_as_newsquant_does(text: str, expected: list[tuple[float, float]]) -> None:
    assert [quantity.values for quantity in as_newsquant(text, spot(text).quantities)] == expected


def test_as_spotted_changes_nothing() -> None:
    (mention,) = spot("it takes up to 40 ms").quantities
    assert as_spotted([mention]) == [Counted(mention.span, (40.0, 40.0), "up_to")]
