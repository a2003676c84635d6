"""What claims report: their comparison, kind and effect. The first row that fits decides; an absolute accuracy needs none."""

import re

from extractor.labelling.rules.judging import EffectRow, Near, Row

# fmt: off
COMPARISONS: tuple[Row, ...] = (
    Row("two values in parentheses", "absolute", "It has gains in recall (70% vs. 48%).", governed=("against another",),
        before=re.compile("[(:][BDR]*$")),
    Row("close to another", "change", "It comes within 3% of the error of Eta.", number="share",
        near=(Near("before", "close"),), behind=re.compile("O")),
    Row("an overhead", "change", "It adds a latency overhead of 9%.", number="share", governed=("by an overhead",),
        behind=re.compile("[^O]")),
    Row("the gain of a circuit", "absolute", "The amplifier has a gain of 21.3 dB.", number="decibels",
        governed=("by no accuracy",), before=re.compile("D[wN]*CO[BDR]*$"), behind=re.compile("(?![^.;QV]{0,9}[TI])")),
    Row("a change", "change", "Zeta is 8.6x faster than Eta.", governed=("by a change",)),
    Row("a sign", "change", "Zeta has the best accuracy (+1.5%).", number="signed"),
    Row("a doubling", "change", "It runs well, doubling throughput.", number="doubling"),
    Row("a multiple of what is gained", "change", "It offers a 17x compression ratio.", number="multiple",
        governed=("by what is gained",), behind=re.compile("[^OD]")),
    Row("a multiple", "fraction", "It needs 2x the memory of Eta.", number="multiple"),
    Row("a share of another's", "fraction", "It needs 0.5% of the parameters.", number="share", governed=("not surely",),
        behind=re.compile("R?O")),
    Row("a share of a cost", "fraction", "It needs less than 1% computational cost.", number="share",
        governed=("by what is spent",), behind=re.compile("T|[wNMH]*M")),
    Row("a share to which a cost falls", "fraction", "It cuts latency to 68%.", number="share", governed=("by what is spent",),
        before=re.compile("t[BDR]*$")),
    Row("a share of a performance", "fraction", "It recovers 88% performance of the dense model.", number="share",
        near=(Near("behind", "performance", 3),), behind=re.compile("[RDwNH]*MO")),
)

KINDS: tuple[Row, ...] = (
    Row("an error told in time", "accuracy", "It has an error of 5.3 s.", number="time", governed=("by an error",)),
    Row("a unit of time", "time", "Our demo answers in 40 ms.", number="time"),
    Row("a unit of cost", "resource", "The binary has 2.39 MB in size.", number="cost"),
    Row("faster", "time", "Zeta is 8.6x faster than Eta.", governed=("by a change in time",)),
    Row("a metric of time", "time", "Inference latency is greatly reduced by 4x.", governed=("by a time",)),
    Row("a metric of cost", "resource", "The cache reduces peak memory usage by 24% on phones.", governed=("by a cost",)),
    Row("smaller", "resource", "The binary is 3x smaller than that of Eta.", governed=("by a change in cost",)),
)

EFFECTS: tuple[EffectRow, ...] = (
    EffectRow("a gain", "gain", "It improves the error by 3%.", "better", "better", "better"),
    EffectRow("a harm", "harm", "The accuracy degrades by 3%.", "worse", "worse", "worse"),
    EffectRow("a rise", "rise", "The latency increases by 3%.", "better", "worse", "better"),
    EffectRow("a fall", "fall", "The cache reduces peak memory usage by 24%.", "worse", "better", "better"),
    EffectRow("a loss", "loss", "The accuracy drops by 3%.", "worse", "better", "worse"),
)
