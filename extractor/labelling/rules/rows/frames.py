"""How a number hangs in its sentence: patterns over the word classes of `reading.py`, in the order in which they are tried."""

import re
from typing import Literal

from extractor.labelling.rules.frames import FILL, NP, FrameRow, Number, SharingRow

TO = FILL.replace("D", "")
"""No article: "contributes to a Q gain" goes from nothing to nothing."""


def _row(
    name: str,
    side: Literal["before", "behind"],
    pattern: str,
    example: str,
    metric: str | None = None,
    change: str | None = None,
    *,
    number: Number = "any",
    rival: bool = True,
    opposite: str | None = None,
    sure: bool = False,
    values: bool = False,
) -> FrameRow:
    compiled = re.compile(f"(?:{pattern})$" if side == "before" else pattern)
    beside = None if opposite is None else re.compile(opposite)
    return FrameRow(name, side, compiled, example, (metric, change), number, rival, beside, sure, values)


# fmt: off
FRAMES: tuple[FrameRow, ...] = (
    _row("gain in metric is Q", "before", rf"(?P<c>C)I[BDR]*(?:{NP}+&)?(?P<m>{NP}+)(?:[^CQ;SV]{{0,8}}v|O|\(){FILL}",
        "The gains in WER over the single-device system are 14.8%.", metric="WER", change="gains", sure=True),
    _row("metric changes by Q", "before",
        rf"(?P<m>{NP}*M[wN]?)(?:[OFI][DR]*{NP}{{1,4}}){{0,2}}[vVR]*(?P<c>C)[RBD(]{{0,3}}Y{FILL}",
        "Inference latency is greatly reduced by 4x.", metric="Inference latency", change="reduced", sure=True),
    _row("gain of Q", "before", rf"(?P<m>{NP}+)?(?P<c>C)w?(?:[OYA:(]|vO)?(?:F|v*V)?{FILL}(?<=[OYA:(vFV]){FILL}",
        "Pruning leads to an accuracy drop of only 7%.", metric="accuracy", change="drop", sure=True),
    _row("metric of X is Q", "before", rf"(?P<m>{NP}*M[wN]?)(?:[OPF][DR]*{NP}{{0,4}}v|[OPFWI][DR]*[wNH/]{{0,4}}[vO]){FILL}",
        "The accuracy of OneNet is 61.1%.", metric="accuracy", number="score", opposite=r"(?![BDRw]{0,2}C)", sure=True),
    _row("metric of Q", "before", rf"(?P<m>{NP}*M[wN]?)(?:\([^)]{{1,3}}\))?(?:[Ov=:]+|vV|-|(?=B)){FILL}",
        "It reaches an AUC of 83.7% on scans.", metric="AUC", opposite=r"(?![BDRw]{0,2}C(?:[T.,;&]|$))", sure=True),
    _row("metric (Q)", "before", rf"(?P<m>{NP}*M[wN]?)(?:\([^)]{{1,3}}\))?(?:[v=:]*\(|A){FILL}",
        "It has the best accuracy (83.7%) on scans.", metric="accuracy",
        opposite=rf"(?!(?:&[BDR]*Q)*[BDRw]{{0,2}}C|-?[RBD]*{NP}{{0,4}}M)", sure=True),
    _row("metric from Q to Q", "before", rf"(?P<m>{NP}*M[wN]?)(?:\([^)]{{1,3}}\))?(?:[vR]*C)?[^CMQ;SYV()]{{0,8}}t{TO}",
        "Distillation moves the error rate from 9.1% to 7.4%.", metric="error rate", sure=True, values=True),
    _row("changed from Q to Q", "before", rf"C[^CMQ;SYV]{{0,11}}t{TO}", "It pushes the prior art from 30.8% to 41.5%.",
        number="two values", sure=True, values=True),
    _row("changes metric by Q", "before",
        rf"(?P<c>C)[RDB]*(?:{NP}+(?:,?&D?|\({NP}{{1,2}}\)))?(?P<m>{NP}*M{NP}*)[^CQ;SYV]{{0,12}}\(?Y{FILL}",
        "The cache reduces peak memory usage by 24% on phones.", metric="peak memory usage", change="reduces", sure=True),
    _row("changes metric (Q)", "before",
        rf"(?P<c>C)[RDB]*(?:{NP}+(?:,?&D?|\({NP}{{1,2}}\)))?(?P<m>{NP}*M{NP}*)[^CQ;SYV]{{0,12}}\({FILL}",
        "It boosts the accuracy of small models (up to 33%).", metric="accuracy", change="boosts", number="share or multiple",
        rival=False, sure=True),
    _row("Q gain in metric", "behind", rf"[BDRw]{{0,2}}(?P<c>C)[wR]{{0,2}}(?:\([^)]*\))?[IO][BDR]*(?P<m>{NP}+)",
        "This brings a 12% improvement in hit rate.", metric="hit rate", change="improvement"),
    _row("Q metric gain", "behind", rf"[RBD]*(?P<m>{NP}{{1,5}})(?P<c>C)", "We see a 15x mobile latency reduction.",
        metric="mobile latency", change="reduction", rival=False, sure=True),
    _row("Q changed metric", "behind", rf"[RBDw]*(?P<c>C)[RDC]*(?P<m>{NP}*M)", "Zeta has 52% lower tail latency.",
        metric="tail latency", change="lower"),
    _row("changes thing by Q", "before", rf"(?P<c>C)[RDB]*(?P<m>{NP}+)[^CQ;SYV]{{0,10}}\(?Y{FILL}",
        "It speeds up graph partitioning by 6.9x.", change="speeds up"),
    _row("metric changes Q", "before", rf"(?P<m>{NP}*M)R*(?P<c>C)[RBD]*", "The inference throughput increases 8x.",
        metric="inference throughput", change="increases"),
    _row("changing Q metric", "before", r"(?P<c>C)[RBD]*", "The router saves compute, reducing 88% inference FLOPs.",
        metric="inference FLOPs", change="reducing", rival=False),
    _row("Q metric", "behind", rf"(?:\([^()]{{1,6}}\))?-?[RBD]*(?P<m>{NP}{{0,4}}M)",
        "Zeta gives 76.3% top-1 accuracy.", metric="top-1 accuracy"),
    _row("Q name", "behind", r"(?P<m>N)(?=[PFIW,.;&)]|$)", "The student achieves 91.4% ANLS on forms.", metric="ANLS",
        number="score", opposite=rf"(?:Vt?|^|[:&,]){FILL}$"),
    _row("metric reaches Q", "before", rf"(?P<m>{NP}*M[wN]?)(?:\([^)]{{1,3}}\))?,?W?Vt?{FILL}",
        "The win rate, averaged over seeds, is high; accuracy reaches 91%.", metric="accuracy", sure=True),
    _row("changes by Q", "before", rf"(?P<c>C)(?:[^CQ;SV]{{0,24}}|[^CQ;S,]{{0,24}})Y{FILL}",
        "Zeta improves over the best prior method by 19.3%.", change="improves", sure=True),
    _row("Q (metric)", "behind", rf"\((?P<m>{NP}*M)\)", "The best is 91.2% (AUC) overall.", metric="AUC",
        number="share or multiple"),
    _row("Q in metric", "behind", rf"[RB]*I[BDR]*(?P<m>{NP}*M[wN]?)", "The binary has 2.39 MB in size.", metric="size"),
    _row("Q gain", "behind", r"(?:\([^()]{1,6}\))?[BDRw-]{0,2}(?P<c>C)", "Zeta is 8.6x faster than Eta.", change="faster"),
    _row("Q of metric", "behind", rf"[RB]*O[DBR]*C?(?P<m>{NP}*M)", "It needs 0.5% of the parameters.", metric="parameters"),
    _row("metric Q", "before", rf"(?P<m>{NP}*M){FILL}", "The baseline (accuracy 82.46%) is weak.", metric="accuracy",
        number="score or bound"),
    _row("beats X up to Q", "before", rf"(?P<c>C)[RDB]*{NP}+[DRv]*B", "It improves the older models up to 35% on maths.",
        change="improves", number="share or multiple"),
    _row("name of Q", "before", rf"(?P<m>{NP}{{0,3}}N)(?:\([NM]\))?(?:O|=|\(){FILL}",
        "Zeta gets an OKS of 0.898 here.", metric="OKS", number="score", sure=True),
    _row("name (Q)", "before", rf"N\({FILL}", "It wins on ModelNet40 (94.2%).", number="score", opposite="[)FIPW,]"),
    _row("reports Q", "before", rf"Vt?{FILL}", "It achieves 59.8% on LongBench.", number="score", opposite=r"(?![OMCH/-])"),
    _row("changes (Q)", "before", rf"(?P<c>C)[^CQ;SV,()]{{0,8}}\({FILL}",
        "It delivers large gains on vision benchmarks (averaging 34.7%).", change="gains", number="share or multiple",
        rival=False, sure=True),
    _row("Q on X", "behind", rf"P[DR]*{NP}{{0,3}}N", "Its results are strong: 0.91 on GenEval.", number="score"),
)
# fmt: on


# fmt: off
SHARED: tuple[SharingRow, ...] = (
    SharingRow("and metric by Q", "list", re.compile(rf"[^CQ;SV]{{0,12}}?[,&(][,&BDR]*(?P<m>{NP}+)[^CQ;SV]{{0,6}}Y{FILL}"),
        "It cuts latency by 40% and energy consumption by up to 23%.", ("energy consumption", "cuts"), after="change",
        own="anything"),
    SharingRow("a gain listed", "list", re.compile(r"(?:[RBDw]{0,2}C)?(?:[^QC;SV]{0,8}[,&(][^QC;SVY]{0,6}|[^QC;SVPWF]{0,3})"),
        "It improves quality by 15.3% in LPIPS, 12.7% in FVD.", ("FVD", "improves"), after="change", alike=True,
        own="metric behind"),
    SharingRow("and by Q", "list", re.compile(rf"[^CQ;SV]{{0,8}},?&Y{FILL}|[^CQ;SV]{{0,14}}&T[^CQ;SV]{{0,14}}Y{FILL}"),
        "The adapter improves mIoU by 7.9% over one baseline and by 0.6% over another.", ("mIoU", "improves"), after="change",
        alike=True, own="anything"),
    SharingRow("while X has Q", "list", re.compile(rf"[^QCSV]{{0,8}}S[DR]*{NP}+V[BDR]*"),
        "Zeta has a 5.54x speedup, while Eta achieves only 2.41x.", (None, "speedup"), after="multiple", alike=True),
    SharingRow("a value listed", "list",
        re.compile(r"[^QC;SV]{0,8}[,&(][^QC;SVY]{0,6}|[^QC;SVPW]{0,3}|[^QC;SV]{0,12}[St][BDR]*"),
        "It has an accuracy of 0.9433 (for NER), 0.9090 (for POS).", ("accuracy", None), alike=True),
    SharingRow("X's Q against", "list", re.compile(r"[^QC;SV]{0,14}T[^QC;SVY]{0,6}"),
        "It reaches 98% success on known objects versus 84% for Eta.", ("success", None), alike=True),
    SharingRow("Q (Q)", "parentheses", re.compile(r"[^(]*(?:\([^()]*\)[^(]*)*\([BDRt]*"),
        "It has 9.1x faster decoding latency (0.75s vs 6.82s).", ("decoding latency", None)),
)
# fmt: on
