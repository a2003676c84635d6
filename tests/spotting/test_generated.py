"""Any quantity, in any notation, among any words: its value, unit, bound and span come back, and no part of it is another."""

from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from extractor.records import Bound
from extractor.spotting import spot

WORDS = st.sampled_from(
    [
        "tern",
        "gull",
        "we",
        "show",
        "that",
        "heron",
        "with",
        "shore",
        "waves",
        "and",
        "the",
        "slow",
        "models",
        "need",
        "it",
        "kept",
    ]
)
BOUNDS: list[tuple[str, Bound]] = [
    ("", "exact"),
    ("up to ", "up_to"),
    ("less than ", "up_to"),
    ("at least ", "at_least"),
    ("over ", "at_least"),
    ("about ", "approx"),
    ("roughly ", "approx"),
    ("<", "up_to"),
    ("≥", "at_least"),
    ("~", "approx"),
    ("$\\sim$", "approx"),
]
UNITS: dict[str, list[str]] = {
    "ms": [" ms", "ms", "~ms", "\\,ms", "\u00a0ms", "\nms", "  ms", "&nbsp;ms"],
    "s": [" seconds", "-second"],
    "%": ["%", "\\%", " %", "{\\%}", " percent"],
    "x": ["x", "×", "$\\times$", "&times;", "{\\texttimes}", " times", "-fold"],
    "GB": [" GB", "GB"],
    "GB/s": [" GB/s", " GB s−1", " GB s⁻¹", " GB s<sup>-1</sup>"],
    "TOPS/W": [" TOPS/W", " TOPS W⁻¹"],
    "tokens/s": [" tokens/s", " tokens per second"],
    "J": [" J"],
    "mW": [" mW", "mW"],
    "dB": [" dB"],
}
GROUPS = [",", " ", "\u2009", "\u202f", "\u00a0", "\\,", "{,}", "'", "’"]
JOINTS = ["–", "-", "--", " to ", " – ", "−", "‑", "&ndash;"]
POWERS = ["{} × 10^{{{}}}", "{}\\times10^{{{}}}", "{}×10^{}", "{} x 10^{}", "{} × 10<sup>{}</sup>", "{}e{}", "{}E{}"]
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
FRACTIONS = {"½": 0.5, "¼": 0.25, "¾": 0.75}


@dataclass(frozen=True)
class Written:
    """A quantity as written and what it means."""

    text: str
    low: float
    high: float
    unit: str
    bound: Bound


@st.composite
def plain(draw: st.DrawFn, largest: int = 999) -> tuple[str, float]:
    """Digits with up to three decimals behind a point."""
    decimals = draw(st.integers(0, 3))
    text = f"{draw(st.integers(0, largest))}" + (f".{draw(st.integers(1, 10**decimals - 1)):0{decimals}}" if decimals else "")
    return text, float(text)


@st.composite
def grouped(draw: st.DrawFn, separator: str | None = None) -> tuple[str, float]:
    """Thousands between any separator, and sometimes a decimal."""
    value, separator = draw(st.integers(1000, 10**9)), separator or draw(st.sampled_from(GROUPS))
    decimal = draw(st.sampled_from(["", ".5", ".25"]))
    return f"{value:,}".replace(",", separator) + decimal, float(f"{value}{decimal}")


@st.composite
def pointed(draw: st.DrawFn, point: str | None = None) -> tuple[str, float]:
    """A decimal comma, with one or two digits behind it, or a raised point."""
    whole, decimals = draw(st.integers(0, 999)), draw(st.integers(1, 2))
    assume(decimals == 1 or not 10 <= whole <= 99)  # "26,29" may be two numbers
    part = f"{draw(st.integers(1, 10**decimals - 1)):0{decimals}}"
    return f"{whole}{point or draw(st.sampled_from([',', '·']))}{part}", float(f"{whole}.{part}")


@st.composite
def powered(draw: st.DrawFn) -> tuple[str, float]:
    """A power of ten behind a mantissa, raised in any way."""
    mantissa, exponent = draw(st.sampled_from(["2", "7", "1.5", "3.25"])), draw(st.integers(-9, 9).filter(lambda n: abs(n) > 1))
    value = float(f"{mantissa}e{exponent}")
    if draw(st.booleans()):
        return f"{mantissa} × 10{str(exponent).translate(SUPERSCRIPTS)}", value
    return draw(st.sampled_from(POWERS)).format(mantissa, exponent), value


@st.composite
def with_fraction(draw: st.DrawFn) -> tuple[str, float]:
    """A whole number and one of the signs of fractions."""
    whole, sign = draw(st.integers(1, 20)), draw(st.sampled_from([*FRACTIONS]))
    return f"{whole}{sign}", whole + FRACTIONS[sign]


@st.composite
def uncertain(draw: st.DrawFn) -> tuple[str, float]:
    """A number with its uncertainty."""
    text, value = draw(plain(99))
    form = draw(
        st.sampled_from(["{}({})", "{} ± 0.{}", "{}±0.{}", "({} ± 0.{})", "{} +/- 0.{}", "{} \\pm 0.{}", "{}&plusmn;0.{}"])
    )
    return form.format(text, draw(st.integers(1, 9))), value


NUMBERS = st.one_of(plain(), grouped(), pointed(), powered(), with_fraction(), uncertain())


@st.composite
def quantities(draw: st.DrawFn, numbers: st.SearchStrategy[tuple[str, float]] = NUMBERS) -> Written:
    """A number with a unit and a bound."""
    number, value = draw(numbers)
    unit = draw(st.sampled_from([*UNITS]))
    behind = draw(st.sampled_from(UNITS[unit]))
    before, bound = draw(st.sampled_from(BOUNDS))
    assume(not (before == "≥" and number.startswith("(")))
    return Written(f"{before}{number}{behind}", value, value, unit, bound)


@st.composite
def ranges(draw: st.DrawFn) -> Written:
    """Two numbers of one notation, the lower one first, with the unit behind the second or behind each."""
    numbers = draw(st.sampled_from([plain(), *map(grouped, GROUPS), pointed(","), pointed("·")]))
    (first, low), (second, high) = sorted([draw(numbers), draw(numbers)], key=lambda each: each[1])
    assume(0 < low < high)
    joint, unit = draw(st.sampled_from(JOINTS)), draw(st.sampled_from([*UNITS]))
    behind = draw(st.sampled_from(UNITS[unit]))
    each = draw(st.booleans()) and behind[0] != "-" and joint not in ("-", "‑", "−")  # "5 mW-1 242 mW" may be per mW
    both = behind if each else ""
    before, bound = draw(st.sampled_from(BOUNDS))
    return Written(f"{before}{first}{both}{joint}{second}{behind}", low, high, unit, bound)


def letters(text: str) -> str:
    """The letters and digits of a text, entities aside."""
    return "".join(c for c in text.replace("&nbsp;", "").replace("&ndash;", "").replace("&plusmn;", "") if c.isalnum())


def check(written: Written, before: list[str], behind: list[str]) -> None:
    start = len("A title\n") + len(" ".join([*before, ""]))
    text = "A title\n" + " ".join([*before, written.text, *behind]) + "."
    mentions = spot(text).quantities
    assert [(m.unit, m.bound) for m in mentions] == [(written.unit, written.bound)], text
    (mention,) = mentions
    assert (mention.low, mention.high) == pytest.approx((written.low, written.high), rel=1e-9), text
    assert start <= mention.span[0] < mention.span[1] <= start + len(written.text), text
    assert mention.text.split() == text[slice(*mention.span)].split(), text
    bound = next(words for words, _ in sorted(BOUNDS, reverse=True) if written.text.startswith(words))
    assert letters(mention.text) == letters(written.text.removeprefix(bound)), text


@given(quantities(), st.lists(WORDS, min_size=1, max_size=6), st.lists(WORDS, min_size=1, max_size=6))
def test_a_quantity_comes_back(written: Written, before: list[str], behind: list[str]) -> None:
    check(written, before, behind)


@given(ranges(), st.lists(WORDS, min_size=1, max_size=6), st.lists(WORDS, min_size=1, max_size=6))
def test_a_range_comes_back(written: Written, before: list[str], behind: list[str]) -> None:
    check(written, before, behind)


@given(st.lists(quantities(st.one_of(plain(), grouped())), min_size=2, max_size=4), st.lists(WORDS, min_size=2, max_size=4))
def test_quantities_apart_stay_apart(written: list[Written], words: list[str]) -> None:
    text = "A title\nWe " + "".join(f" tern {' '.join(words)} {one.text}" for one in written) + " in all."
    mentions = [(m.low, m.unit, m.bound) for m in spot(text).quantities]
    assert mentions == [(one.low, one.unit, one.bound) for one in written], text


PIECES = st.lists(st.sampled_from([*"0123456789", "12", "250", "2024"]), min_size=2, max_size=5)
GLUE = st.sampled_from([",", ".", ":", "/", "'", "·", "_", "\\,", "{,}", "\u2009", "\u00a0", "^", "e", "−", "-", "–", "×", "x"])


@given(PIECES, GLUE, WORDS)
def test_no_part_of_a_number_is_a_quantity(pieces: list[str], glue: str, word: str) -> None:
    """Numbers that one sign joins, right or wrong, are read whole or as a list, or left; digits are never cut in two."""
    written = glue.join(pieces)
    text = f"we {word} show {written} ms and so on"
    start, end = text.index(written), text.index(written) + len(written)
    for mention in spot(text).quantities:
        opening, closing = mention.span
        assert opening == start or not text[opening - 1].isalnum(), (text, mention.text)
        assert closing >= end or not (text[closing - 1].isdigit() and text[closing].isdigit()), (text, mention.text)
        assert mention.unit != "ms" or opening == start or glue in ",/–-−:", (text, mention.text)
