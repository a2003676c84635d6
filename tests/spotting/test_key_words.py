"""What is looked for at certain words, or behind certain signs, alone is all that there is."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractor.spotting import mentions, numbers, quantities, spot
from extractor.spotting.mentions import find_asides, key_words
from extractor.text import View

_SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
_PIECES = ["GPU", "gpus ", "Jetson", "8xA100", "3x", "two", "twofold ", "half", "É", "×", "a", " ", "-", "İ", "CI95", "µ", "\n"]


def _texts(*expressions: re.Pattern[str]) -> st.SearchStrategy[str]:
    """Matches of the expressions, whole and cut off, among words and signs."""
    matches = st.one_of([st.from_regex(expression) for expression in expressions])
    cut = st.tuples(matches, st.integers(1, 40)).map(lambda match: match[0][match[1] :])
    words = st.sampled_from([" ", "the ", "(", "0.5", "95% ", "p", " = ", "CI", ".", "-", "\n", "up to ", "about "])
    return st.lists(matches | cut | words, min_size=1, max_size=4).map("".join)


@_SETTINGS
@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_key_words_stand_where_they_are_said_to(text: str) -> None:
    view = View(text)
    words = [(match.start(), match[0]) for match in re.finditer(r"(?<=\d)x(?=[a-z])|[a-z]+", view.lower)]
    words = [word for word in words if word[1] != "x" or not re.compile(r"(?<=\d)x[a-z]").match(view.lower, word[0])]
    keys = mentions._key_words()
    expected = [
        (*pair, before) for pair, (_, before) in zip(words, [(0, ""), *words], strict=False) if pair[1].encode() in keys
    ]
    assert key_words(view) == expected


@_SETTINGS
@given(_texts(mentions._ASIDE))
def test_an_aside_has_a_key_word(text: str) -> None:
    view = View(text)
    every, digits = [(0, "p", "")], [*numbers.DIGITS.finditer(view.text)]
    assert find_asides(view, key_words(view), digits) == find_asides(view, every, digits)


_LISTS = [*quantities._BOUND_WORDS["symbols"].values(), *quantities._BOUND_WORDS["before"].values()]
_BOUNDS = [word for words in _LISTS for word in words] + ["peak drop of", "max rise of", "(", "95%", "5,", "[", "a)"]
_FILLERS = ["", *quantities._BOUND_WORDS["fillers"]]


@pytest.mark.parametrize("behind", ["", " ", " ~", "~ "])
def test_words_of_bound_end_with_one_that_is_known(behind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = [f"by {bound} {filler}".strip() + behind for bound in _BOUNDS for filler in _FILLERS]
    gated = [quantities._bound_of.__wrapped__(window) for window in windows]
    monkeypatch.setattr(quantities, "_gives_none", lambda _window: False)
    assert gated == [quantities._bound_of.__wrapped__(window) for window in windows]


@_SETTINGS
@given(_texts(numbers._NAME_BEFORE))
def test_what_ties_a_number_to_a_name_ends_with_a_sign_that_is_known(before: str) -> None:
    before = before.replace("\n", "")
    assert before[-1:] in numbers._NAME_ENDS or not numbers._NAME_BEFORE.search(before)


_FIRST = ["2.5", "3", "12", "10", "½", "2½"]
_LINKS = ["", "×", " × ", "x", " x ", " times ", "·", "*", "^", " ^", "-", "–", "/", " of ", " of the ", " out of ", " "]
_SECOND = ["10", "106", "3", "40", "-3", "1/4", "½", "000", "10-3", "10^5", "10^ -5"]
_BEHIND = [" ms", " trials", " times", ".", ""]


@pytest.mark.parametrize("link", _LINKS)
def test_a_number_of_several_parts_begins_as_it_is_said_to(link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"On {first}{link}{second}{end}" for first in _FIRST for second in _SECOND for end in _BEHIND]
    gated = [spot(f"T\n{text}").quantities for text in texts]
    monkeypatch.setattr(numbers, "_COMPOUND", re.compile(""))
    assert gated == [spot(f"T\n{text}").quantities for text in texts]
