"""Sentences end where a reader ends them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.spotting.mentions import split_sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A title\nFirst. Second.", ["A title", "First.", "Second."]),
        ("We use e.g. Adam. It works.", ["We use e.g. Adam.", "It works."]),
        ("Ours vs. Theirs wins. Good.", ["Ours vs. Theirs wins.", "Good."]),
        ("See Fig. 5 and Eq. 3. Then stop.", ["See Fig. 5 and Eq. 3.", "Then stop."]),
        ("Foo et al. (2020) show it. Liu et al. We are last.", ["Foo et al. (2020) show it.", "Liu et al.", "We are last."]),
        ("It gains 3.5 points. 20 tasks follow.", ["It gains 3.5 points.", "20 tasks follow."]),
        ("It beats the baseline.We show more.", ["It beats the baseline.", "We show more."]),
        ("The U.S. Army. Next.", ["The U.S. Army.", "Next."]),
        ("Is it fast? Yes! (Very.) So.", ["Is it fast?", "Yes!", "(Very.)", "So."]),
        ("It is v1.2 of x.com/A. $k$ is small.", ["It is v1.2 of x.com/A.", "$k$ is small."]),
        ("lower case follows. because of scraping.", ["lower case follows. because of scraping."]),
        ("  spaced   \n\n twice  ", ["spaced", "twice"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_splits_where_a_reader_does(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in split_sentences(text)] == expected


@given(st.text(alphabet=st.sampled_from('aA1.?! \n()"$'), max_size=80))
def test_sentences_are_ordered_and_hold_every_visible_character(text: str) -> None:
    spans = split_sentences(text)
    covered = "".join(text[start:end] for start, end in spans)
    assert all(left[1] <= right[0] for left, right in pairwise(spans))
    assert "".join(covered.split()) == "".join(text.split())
