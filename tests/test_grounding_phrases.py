"""A phrase is found where the text says it, and never where the text says something like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.grounding import locate


def find(text: str, phrase: str, near: tuple[int, int] = (0, 0), sentence: tuple[int, int] | None = None) -> str | None:
    span = locate(text, phrase, near, sentence or (0, len(text)))
    return None if span is None else text[slice(*span)]


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("the top-1 accuracy of it", "top-1 accuracy", "top-1 accuracy"),
        ("the top-1\n  accuracy of it", "top-1 accuracy", "top-1\n  accuracy"),
        ("the M$^3$ViT model", "M^3ViT", "M$^3$ViT"),
        ("the ﬁne model", "fine", "ﬁne"),
        ("the Latency of it", "latency", "Latency"),
        ("on two GPUs", "GPU", "GPU"),
        ("75\\% AP on it", "75% AP", "75\\% AP"),
    ],
)
def test_normalisation_of_space_unicode_latex_and_case(text: str, phrase: str, found: str) -> None:
    assert find(text, phrase) == found


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("a 2.3x speedup over cuBLAS", "12x speedup over cuBLAS"),
        ("71.4% top-1 accuracy", "81.4% top-1 accuracy"),
        ("on an A100", "H100"),
        ("the mAP of it", "AP"),
        ("the latency", "latency of it"),
        ("the latency", ""),
        ("the latency", "  $ "),
    ],
)
def test_similar_is_not_found(text: str, phrase: str) -> None:
    assert find(text, phrase) is None


def test_the_closest_occurrence_in_the_sentence_wins() -> None:
    text = "Accuracy one. Then accuracy of 5% and accuracy of 7%."
    assert locate(text, "accuracy", near=(50, 52), sentence=(14, len(text))) == (38, 46)
    assert locate(text, "accuracy", near=(31, 33), sentence=(14, len(text))) == (19, 27)


def test_another_sentence_serves_where_its_own_lacks_the_phrase() -> None:
    text = "We present FastNet. It is 5x faster."
    assert locate(text, "FastNet", near=(26, 28), sentence=(20, len(text))) == (11, 18)


def test_a_whole_word_is_preferred_to_the_beginning_of_one() -> None:
    text = "GPUs at 5 ms on a GPU"
    assert locate(text, "GPU", near=(8, 12), sentence=(0, len(text))) == (18, 21)


@given(st.text(max_size=30), st.text(max_size=8), st.text(max_size=30))
def test_what_is_found_has_the_digits_of_the_phrase(before: str, phrase: str, after: str) -> None:
    text = f"{before} 12.5 {phrase} {after}"
    span = locate(text, f"12.5 {phrase}", (0, 0), (0, len(text)))
    if span is not None:
        assert "12.5" in text[slice(*span)]
