"""A sentence as its word classes, and which sentences are read."""

import pytest

from extractor.labelling.rules.lexicon import lexicon
from extractor.labelling.rules.reading import Reading
from extractor.spotting import spot


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        pytest.param(r"\textbf{Zeta} reaches $\mathbf{91.2\%}$ $\kappa$ accuracy.", "wVQMM.", id="mark-up"),
        pytest.param("Zeta needs ≥ 5% → more, with ± “here” and a dash — too.", "wVBQtC,W--R-&Dw,w.", id="signs"),
        pytest.param("The 3x3 kernels and a 4-bit model of 14B need 5 ms.", "Dww&DwwONwQ.", id="numbers in names"),
        pytest.param("On 12 datasets, it is 2x faster.", "Pww,UvQC.", id="a count of tests"),
        pytest.param("An A100 40GB GPU and an RTX 4090 take 5 ms.", "DH&DHVQ.", id="a size in a device's name"),
        pytest.param("It saves over 20% and gains more than 5% over Eta.", "UCBQ&CBBQTN.", id="over: bound, comparator"),
        pytest.param("Stereo matching exceeds 98%.", "wwVQ.", id="matching, exceeds"),
        pytest.param("Accuracy exceeding others by 3% and exceeding 90%.", "MCwYQ&VQ.", id="exceeds a rival, a value"),
        pytest.param("A video compression framework has compression of 3%.", "DwwwVCOQ.", id="an activity, a change"),
        pytest.param("Only mobile phones under stress gain just 5%.", "RHpwCBQ.", id="bounds without a number"),
        pytest.param("It has pass@4 and mAP^N, time-to-answer and N-accuracy of 9%.", "UVM&M,M&MOQ.", id="metrics by form"),
        pytest.param("A multi-accuracy event by 5%.", "DwwYQ.", id="no metrics by form"),
        pytest.param("Rapidly it maps 5% of AP and ap.", "RUwQOM&w.", id="metrics by case"),
        pytest.param("A family of EtaNet tests slowly won 5%.", "DwONwRwQ.", id="names and adverbs"),
    ],
)
def test_the_classes_of_a_sentence(text: str, codes: str) -> None:
    reading = Reading(spot(f"T\n{text}"), lexicon())
    assert reading.sentence(1).codes == codes


def test_only_sentences_with_numbers_are_read() -> None:
    reading = Reading(spot("One 5% here\nNo number. Then 6% and 7%. None. Last 8%."), lexicon())
    assert reading.with_quantities() == [0, 2, 4]
