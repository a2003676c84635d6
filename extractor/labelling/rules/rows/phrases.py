"""Where the phrases of a claim stand: what it is compared with, who it is about, and on what data and device it holds."""

import re

from extractor.labelling.rules.comparands import PHRASE, BaselineRow
from extractor.labelling.rules.places import DatasetRow, DeviceRow
from extractor.labelling.rules.subjects import SubjectRow

# fmt: off
BASELINES: tuple[BaselineRow, ...] = (
    BaselineRow("and X by Q", "behind its verb", re.compile(rf"&{PHRASE}Y[BDR]*$"),
        "Zeta outperforms Eta by 5% and Theta by 3%.", "Theta"),
    BaselineRow("beats X by Q", "at its verb", re.compile(rf"C{PHRASE}"), "Zeta outperforms Eta by 5%.", "Eta"),
    BaselineRow("Q of the metric of X", "at the end", re.compile(rf"R*O?[DR]*(?:[wNM/]|&|&B*Q)*M[wN]*O{PHRASE}"),
        "It needs 96% of the memory of Eta.", "Eta"),
    BaselineRow("Q than X", "behind", re.compile(rf"T{PHRASE}"), "Zeta is 8.6x faster than Eta.", "Eta"),
    BaselineRow("than X by Q", "before", re.compile(rf"T{PHRASE}"), "Compared to Eta, Zeta reduces latency by 24%.", "Eta"),
    BaselineRow("beats X, gaining Q", "before", re.compile(rf"C{PHRASE}"), "Zeta outperforms Eta, improving accuracy by 5%.",
        "Eta", verb=True),
)
# fmt: on

_SUBJECT = re.compile(
    r"(?P<x>(?:[wNMH/-]|(?<=[wN])OD?(?=[wN])|&(?=[wN]))*[wNM])(?:\([^)]{1,4}\))?"  # the noun phrase
    r"(?:,(?:D?(?P<y>N[wN]{0,3})|(?!D?[wN]*N[Rv]*[VC])[^,&][^,]{0,12}),)?"  # an apposition, which may be the name
    r"(?:R*v*R*(?=[VC])|R*v+[RB]*(?=Q)|R*v+wO|(?P<v>R*v+R*w))"  # and a verb: "is capable of", "can process"
)

# fmt: off
SUBJECTS: tuple[SubjectRow, ...] = (
    SubjectRow("a rival (Q)", "before",
        re.compile(r"[TC][DR]*(?:[wN]*p)?(?:[wNMH/-]*\([^()]*\),?&?[DR]*)*(?P<x>[wNMH/-]*[wN])\([^()]*$"),
        "Zeta does better than Eta (70.1%).", "Eta"),
    SubjectRow("Q vs. Q of X", "second of two", re.compile(rf"[TC]{PHRASE}"),
        "It cuts the latency (0.75s vs 6.82s), compared to Eta.", "Eta"),
    SubjectRow("than X's Q", "before", re.compile(r"T[BDR]*(?P<x>[wNMH/-]*N)[BDR]*$"), "It scores 80.1% versus Eta's 70.3%.",
        "Eta"),
    SubjectRow("than Q for X", "behind", re.compile(rf"[FOWY]{PHRASE}"),
        "It scores 80.1%, compared to 70.3% for the dense baseline.", "dense baseline", opposite=re.compile(r"T[BDR]*$")),
    SubjectRow("X reports Q", "sentence", _SUBJECT, "The quantized model of Eta reaches 91.2% accuracy.",
        "quantized model of Eta"),
    SubjectRow("it reports Q", "sentence before", _SUBJECT,
        "On maps, Eta performs well. It reaches an accuracy of 91.2%.", "Eta", opposite=re.compile(r"U[Rv]*[VC]")),
)
# fmt: on

# fmt: off
DATASETS: tuple[DatasetRow, ...] = (
    DatasetRow("X (Q)", "parentheses", "It wins on the hard LongBench (94.2%).", "LongBench", named="P", noun="PI", both="PIFA",
        task="PIF"),
    DatasetRow("Q on X", "clause", "It achieves 59.8% on LongBench.", "LongBench", named="P", both="PIFA"),
    DatasetRow("Q X accuracy", "metric", "It reaches 80.1% ImageNet accuracy.", "ImageNet", named="M"),
    DatasetRow("on X, Q", "frame", "On LongBench, it achieves 59.8%.", "LongBench", named="PF", both="PFW", last=True),
    DatasetRow("Q on tests", "clause", "It reaches 91.2% on unseen maps.", "unseen maps", noun="PI"),
    DatasetRow("Q on X and on Y, Q", "up to the number", "It reaches 80.1% on MazeBench and, on LongBench, 59.8% recall.",
        "LongBench", named="PF", noun="P", both="PFW", last=True),
    DatasetRow("in tests, Q", "opening", "In unseen maps, it achieves 59.8%.", "unseen maps", noun="IF", both="IF"),
    DatasetRow("Q, on X", "rest of the stretch", "It reaches 59.8%, while it runs on LongBench.", "LongBench", named="P",
        both="P"),
    DatasetRow("on X. Q", "sentence before", "We evaluate Zeta on LongBench. It achieves an accuracy of 59.8%.", "LongBench",
        named="PW", noun="P", both="PW"),
    DatasetRow("Q in a task", "clause", "It reaches 91.2% in image classification.", "image classification", task="PI"),
    DatasetRow("Q on a condition", "right behind", "It reaches an accuracy of 91.2% on unseen objects.", "unseen objects",
        noun="F", task="F", other="PI"),
    DatasetRow("in a task, Q", "opening", "In path planning, it achieves 59.8%.", "path planning", task="FI", other="P"),
    DatasetRow("on a task, Q", "up to the number", "It surpasses Eta on path planning by 59.8%.", "path planning", task="P",
        last=True),
    DatasetRow("on a test set. Q", "sentence before", "On the unseen test set, it is good. It achieves a recall of 59.8%.",
        "unseen test set", noun="P"),
    DatasetRow("Q task accuracy", "metric", "Its maze navigation accuracy is 59.8%.", "maze navigation", task="M"),
)
# fmt: on

# fmt: off
DEVICES: tuple[DeviceRow, ...] = (
    DeviceRow("Q on X", "clause", "It runs at 30 FPS on an RTX 4090.", "RTX 4090", ("speed", "speedup", "resource")),
    DeviceRow("on X, Q", "up to the number", "On an RTX 4090, it runs at 30 FPS.", "RTX 4090", ("speed", "speedup"),
        relative=True, last=True),
    DeviceRow("on X. Q", "sentence before", "We test Zeta on an RTX 4090. It runs at 30 FPS.", "RTX 4090", ("speed", "speedup"),
        last=True),
)
# fmt: on
