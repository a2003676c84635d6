"""A view reads through white space, markup and Unicode forms, and maps every position back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.text import LONGEST_WORD, View


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("T\nplain text - 5 ms", "T\nplain text - 5 ms"),
        ("T\nwrapped\nat  a\u00a0column\r\nand\tso on", "T\nwrapped at a column and so on"),
        ("T\none paragraph\n\nanother", "T\none paragraph\nanother"),
        ("T\n&gt;30&nbsp;FPS, 3&times; &#177; &amp;lt; R&D;", "T\n>30 FPS, 3× ± < R&D;"),
        ("T\n<jats:p>We</jats:p> 10<sup>4</sup> <5 ms> CO<sub>2</sub>", "T\nWe\n10^4 <5 ms> CO_2"),
        ("T\n2.3{\\texttimes} 91.5{\\%} 1{,}250 1\\,250", "T\n2.3× 91.5% 1,250 1 250"),
        ("T\n$\\sim$9, $10^{-3}$, $5 \\pm 1$, \\frac{1}{3}", "T\n~9, 10^-3, 5 ± 1, 1/3"),
        ("T\n\\textbf{bold} \\SI{40}{\\milli\\second} \\unknown{x} \\name{}", "T\nbold 40 ms \\unknown{x} \\name"),
        ("T\ncosts $5 and $10, not $x$", "T\ncosts $5 and $10, not x"),
        ("T\n5~GB by~35\\% in Fig.~3", "T\n5 GB by~35% in Fig.~3"),
        ("T\n10⁴, 3 × 10⁻³, −5, a‐b, 5–6, 5--6, 5 μs, 4 ℃", "T\n10^4, 3 × 10^-3, -5, a-b, 5–6, 5–6, 5 µs, 4 °C"),
        ("T\n90$^\\circ$ and 5.02^{\\circ}", "T\n90° and 5.02°"),
        (f"T\n{'a' * LONGEST_WORD} {'b' * (LONGEST_WORD + 1)} c", f"T\n{'a' * LONGEST_WORD} \ufffc c"),
    ],
)
def test_reads(text: str, read: str) -> None:
    view = View(text)
    assert (view.text, view.plain) == (read, read == text)


@pytest.mark.parametrize(
    ("text", "read", "original"),
    [
        ("is $8\\times$ faster", "8×", "$8\\times$"),
        ("is 1.29$\\times$ as fast", "1.29×", "1.29$\\times$"),
        ("by $1.1\\times$ to $1.6\\times$ on", "1.1× to 1.6×", "$1.1\\times$ to $1.6\\times$"),
        ("by $\\approx 17\\%$ of", "17%", "17\\%"),
        ("of $\\textbf{5.02}^{\\circ}$ and", "5.02°", "$\\textbf{5.02}^{\\circ}$"),
        ("in \\SI{40}{\\milli\\second} at", "40 ms", "\\SI{40}{\\milli\\second}"),
        ("is \\textbf{2.3$\\times$} faster", "2.3×", "\\textbf{2.3$\\times$}"),
        ("needs 10<sup>4</sup> J", "10^4", "10<sup>4</sup>"),
        ("the top-1\n  accuracy of", "top-1 accuracy", "top-1\n  accuracy"),
        ("a 3&times; gain", "3×", "3&times;"),
        ("the $π_0$ model", "π_0", "$π_0$"),
    ],
)
def test_what_is_found_is_mapped_back_whole(text: str, read: str, original: str) -> None:
    view = View(f"T\n{text}")
    place = view.text.index(read)
    start, end = view.whole(place, place + len(read))
    assert f"T\n{text}"[start:end] == original


@given(st.text(alphabet=st.sampled_from("ab5 .\n\t$\\{}~&;<>/^_-–×±⁴%p\u00a0"), max_size=60))
def test_every_position_is_mapped_back_in_order(text: str) -> None:
    view = View(text)
    spans = [view._at(place) for place in range(len(view.text))] if not view.plain else []
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)
    assert len(view.lower) == len(view.text)
    assert "  " not in view.text
    assert "\t" not in view.text


@given(st.text(alphabet="abc5 .%\n\u00a0", max_size=40))
def test_a_view_reads_no_word_away(text: str) -> None:
    assert View(f"T\n{text}").text.split() == f"T\n{text}".split()
