"""Where the phrases of a claim stand: what it is compared with, who it is about, and on what data and device it holds."""

import re

from extractor.labelling.rules.comparands import PHRASE, BaselineRow
from extractor.labelling.rules.places import DatasetRow, DeviceRow, PlaceKind
from extractor.labelling.rules.subjects import SubjectRow

# fmt: off
BASELINES: tuple[BaselineRow, ...] = (
    BaselineRow("and X by Q", "behind its verb", re.compile(rf"&{PHRASE}Y[BDR]*$"),
        "Zeta outperforms Eta by 5% and Theta by 3%.", "Theta"),
    BaselineRow("beats X by Q", "at its verb", re.compile(rf"C{PHRASE}"), "Zeta outperforms Eta by 5%.", "Eta"),
    BaselineRow("Q of the metric of X", "at the end", re.compile(rf"R*O?[DR]*(?:[wNM/]|&|&B*Q)*M[wN]*O{PHRASE}"),
        "It needs 96% of the memory of Eta.", "Eta"),
    BaselineRow("Q than X", "behind", re.compile(rf"T(?:(?:[DwV]{{1,3}}Y|DVW)(?=[DRwN]))?{PHRASE}"),
        "Zeta is 8.6x faster than Eta.", "Eta"),
    BaselineRow("than X by Q", "before", re.compile(rf"T{PHRASE}"), "Compared to Eta, Zeta reduces latency by 24%.", "Eta"),
    BaselineRow("beats X, gaining Q", "before", re.compile(rf"C{PHRASE}"), "Zeta outperforms Eta, improving accuracy by 5%.",
        "Eta"),
    BaselineRow("improves X by Q", "at its change", re.compile(rf"C[DR]*(?:[wNM]*MO)?{PHRASE}(?=[^CVS;QT]{{0,12}}Y)"),
        "Zeta accelerates the dense model by 4x.", "dense model"),
)

_SUBJECT = re.compile(
    r"(?P<x>(?:[wNMH/-]|(?<=[wN])OD?(?=[wN])|&(?=[wN]))*[wNM])(?:\([^)]{1,4}\))?"  # the noun phrase
    r"(?P<with>[WP][DR]*[wNMH/-]{1,4}(?=R*v*[VC]))?"  # with what it has
    r"(?:,(?:D?(?P<y>N[wN]{0,3})|(?!D?[wN]*N[wN]*[Rv]*[VC])[^,&][^,]{0,12}),)?"  # an apposition, which may be the name
    r"(?:R*v*R*(?=[VC])|R*v+[RB]*(?=[QT])|R*v+wO|(?P<v>R*v+R*w))"  # and a verb: "is capable of", "can process"
)

SUBJECTS: tuple[SubjectRow, ...] = (
    SubjectRow("a rival (Q)", "before",
        re.compile(r"[TC][DR]*(?:[wN]*p)?(?:[wNMH/-]*\([^()]*\),?&?[DR]*)*(?P<x>[wNMH/-]*[wN])"
            r"(?:\([^()]*|(?:\([^()]*\))?,?(?:[UD][Rv]*[VM]|V[PWO])(?:[DR]*[wN]*MO)?[BDRvw]*)$"),  # "trained with Q"
        "Zeta does better than Eta (70.1%).", "Eta"),
    SubjectRow("Q vs. Q of X", "of two", re.compile(rf"[TC]{PHRASE}"),
        "It cuts the latency (0.75s vs 6.82s), compared to Eta.", "Eta"),
    SubjectRow("than X's Q", "before", re.compile(r"[TC][BDR]*(?P<x>[wNMH/-]*N)[BDR]*$"), "It scores 80.1% versus Eta's 70.3%.",
        "Eta"),
    SubjectRow("than Q for X", "behind", re.compile(rf"[FOWY]{PHRASE}"),
        "It scores 80.1%, compared to 70.3% for the dense baseline.", "dense baseline", opposite=re.compile(r"T[BDR]*$")),
    SubjectRow("X (Q)", "aside", re.compile(r"(?P<x>[wNMH/-]*[wN])\([^()]*$"), "It has a student (4M parameters).", "student"),
    SubjectRow("X reports Q", "sentence", _SUBJECT, "The quantized model of Eta reaches 91.2% accuracy.",
        "quantized model of Eta"),
    SubjectRow("it reports Q", "sentence before", _SUBJECT,
        "On maps, Eta performs well. It reaches an accuracy of 91.2%.", "Eta", opposite=re.compile(r"U[Rv]*[VC]")),
)

_TESTS: tuple[PlaceKind, ...] = ("name", "dataset", "tests", "task")
_ANY: tuple[PlaceKind, ...] = (*_TESTS, "condition")

DATASETS: tuple[DatasetRow, ...] = (
    DatasetRow("Q on X", "clause", "It achieves 59.8% on LongBench.", "LongBench", ("name", "dataset"), "PI"),
    DatasetRow("on the X dataset, Q", "before all", "On the LongBench set, it achieves 59.8% on reading tasks.",
        "LongBench", ("dataset",), "PI"),
    DatasetRow("Q on tests", "clause", "It achieves 59.8% on unseen maps.", "unseen maps", ("tests", "task"), "PI"),
    DatasetRow("Q X accuracy", "metric", "It reaches 80.1% ImageNet accuracy.", "ImageNet", ("dataset",)),
    DatasetRow("Q on X and Q on Y, by Q and Q", "turn",
        "It reaches 80.1% on COCO and 59.8% on LVIS, beating Eta by 5% and 3%, respectively.", "LVIS", _ANY, "PFI"),
    DatasetRow("on X with Q", "up to it", "It leads on COCO with 59.8% accuracy.", "COCO", ("name", "dataset"), "P"),
    DatasetRow("in X by Q", "up to it", "It improves accuracy in noisy rooms by 5%.", "noisy rooms",
        ("tests", "task", "condition"), "IF"),
    DatasetRow("Q and Q on X", "behind", "It has 80.1% recall and 59.8% precision on LongBench.", "LongBench", _ANY, "PI"),
    DatasetRow("on X, Q", "before", "On LongBench, it achieves 59.8%.", "LongBench", _TESTS, "P"),
    DatasetRow("Q and Q for X", "behind", "It has 80.1% recall and 59.8% precision for shiny cups.", "shiny cups", _ANY, "F"),
    DatasetRow("on X. Q", "one before", "We evaluate it on LongBench. Its accuracy is 59.8%.", "LongBench", _TESTS, "P"),
    DatasetRow("on the X dataset. Q", "two before",
        "We evaluate Zeta on the LongBench set. It is good. It has an accuracy of 59.8%.", "LongBench", ("dataset",), "P"),
    DatasetRow("in tests, Q", "opening", "In path planning, it achieves 59.8%.", "path planning", _ANY, "PIF"),
    DatasetRow("Q task accuracy", "metric", "Its maze navigation accuracy is 59.8%.", "maze navigation", ("task",)),
)

DEVICES: tuple[DeviceRow, ...] = (
    DeviceRow("Q on X", "clause", "It runs at 30 FPS on an RTX 4090.", "RTX 4090"),
    DeviceRow("on X, Q", "up to the number", "On an RTX 4090, it runs at 30 FPS.", "RTX 4090", last=True),
    DeviceRow("Q, Q on X", "further behind", "It needs 30 ms for 16 views on an RTX 4090.", "RTX 4090", timed=True),
    DeviceRow("on X. Q", "sentence before", "We test Zeta on an RTX 4090. It runs at 30 FPS.", "RTX 4090", timed=True,
        last=True),
)
