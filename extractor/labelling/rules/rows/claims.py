"""Which numbers are claims, and which are not: the first row that fits decides."""

import re

from extractor.labelling.rules.frames import NP
from extractor.labelling.rules.judging import Near, Row

_LIMITED, _FOOTPRINT = Near("before", "limited", 4), Near("behind", "footprints", 3)

_NONE, _DATA = re.compile("(?P<m>)"), re.compile(r"[-O]?[DBR]*(?P<m>[wNM]+)")
_THINGS = re.compile("(?P<m>(?:[wNM]{2,4}(?![wNMCVv]))?)")

# fmt: off
CLAIMS: tuple[Row, ...] = (
    Row("a setting", "no claim", "We train with a batch size of 10.", governed=("by no change",),
        near=(Near("before", "settings", 3),)),
    Row("a setting behind", "no claim", "At a 90% mask ratio, it is best.",
        near=(Near("behind", "set", 3),), governed=("by no change",), behind=re.compile("(?![^.,;&]{0,4}C|P)")),
    Row("what a device has", "no claim", "It runs on a single 24 GB GPU.", number="size", behind=re.compile("[w)]*H(?![Mw])")),
    Row("a tally behind its share", "no claim", "It is right in 81.8% (327/400 cases).", number="tally",
        before=re.compile(r"\([BDR]*$")),
    Row("an operating point", "no claim", "It has a recall of 84% at a precision of 90%.", number="score",
        before=re.compile(rf"A[DR]*{NP}*MO[BDR]*$")),
    Row("a rate at another", "no claim", "The detection rate at 1% false positive rate is high.", number="score",
        governed=("by no cost",), before=re.compile("(?:M[wN]?|^,?)A[BDR]*$"), behind=re.compile("[wN]{0,3}M")),
    Row("days of no training", "no claim", "The study lasted 12 days.", number="days",
        unless=(Near("before", "trained", 8), Near("behind", "trained", 3))),
    Row("successes in tries", "claim", "The arm succeeds in 37 of 40 trials.", number="tries",
        kind="accuracy", comparison="absolute", metric=_NONE, unless=(Near("behind", "places", 2),)),
    Row("data of training", "claim", "An encoder pretrained using 300 hours of speech wins.", number="duration",
        near=(Near("before", "trained", 3), Near("behind", "data", 6)), kind="resource", comparison="absolute", metric=_DATA),
    Row("few examples", "claim", "It learns with only 1000 samples.", number="things", governed=("by no change",),
        near=(Near("before", "limited", 2),), kind="resource", comparison="absolute", metric=_THINGS),
    Row("few images", "claim", "It learns with only 50k real images.", number="count", near=(Near("before", "limited", 2),
        Near("behind", "data", 4)), behind=_DATA, kind="resource", comparison="absolute", metric=_DATA),
    Row("little data", "claim", "With only 1 hour of fMRI data, it matches experts.", number="duration",
        near=(Near("before", "limited", 2), Near("behind", "data", 6)), behind=re.compile("[-OwNM]"), kind="resource",
        comparison="absolute", metric=_DATA),
    Row("a share of the data that suffices", "claim", "It matches them with only 10% of the data.", number="share",
        governed=("by no change",), behind=re.compile(r"\)?O"), kind="resource", comparison="fraction", metric=_DATA,
        near=(Near("before", "needs", 5), Near("behind", "data", 6))),
    Row("how often it is right or preferred", "claim", "It segments the correct part 95% of the time.", number="share",
        governed=("by no change",), near=(Near("behind", "prefers", 6),), kind="accuracy", comparison="absolute", metric=_NONE),
    Row("a share of successes", "claim", "The filter detects 95% of attacks.", number="share",
        governed=("by no change", "by no cost"), behind=re.compile("O"), near=(Near("before", "succeeds", 16),),
        unless=(Near("behind", "performance", 4),), comparison="absolute"),
    Row("many tokens", "no claim", "It understands long videos with 1M tokens.", number="tokens",
        governed=("at most by an activity",), little=False),
    Row("a duration of something", "no claim", "We collected 12 hours of video.", number="duration", behind=re.compile("O"),
        governed=("not surely",), little=False, unless=(Near("behind", "costs", 4), _LIMITED)),
    Row("a duration of data", "no claim", "We curate a 440-hour benchmark of motion.", number="duration",
        behind=re.compile("[^&,;]"), near=(Near("behind", "data", 3),)),
    Row("parameters that nothing reports", "no claim", "We study a VLM with 3B parameters.",
        number="many parameters", governed=("by no change", "not surely"), little=False,
        before=re.compile("^[^V]*W[DBR]*$|N[wN]?W$|[OD]$|^(?!.*V.{0,7}$)"), unless=(_LIMITED, _FOOTPRINT)),
    Row("the size of a dataset", "no claim", "The corpus comprises long recordings (about 1TB).", number="size",
        governed=("at most by an activity",), near=(Near("before", "describes", 10),)),
    Row("what a chip takes", "claim", "The core occupies 0.012 mm2.", number="area or current",
        near=(Near("before", "takes", 3),), kind="resource", comparison="absolute"),
    Row("an odd unit", "no claim", "The rover drove 300 m in the park.", number="odd",
        governed=("not surely", "by no accuracy")),
    Row("a gain by its sign", "claim", "It leads on maths, +1.3% over the larger model.", number="signed"),
    Row("a multiple that sizes a thing", "no claim", "We also train on a 680x larger private corpus.", number="multiple",
        near=(Near("behind", "sizes"),), behind=re.compile("C(?![^.;,QV]{0,3}M)")),
    Row("one against another", "claim", "Large models often win on attribution (25.0% vs. 1.4%).", number="score",
        governed=("against another",)),
    Row("things, counted", "no claim", "Zeta reduces the size for 80 devices.", number="count", counts=True),
    Row("a bare value", "claim", "Zeta has a perplexity of 12.", number="bare", governed=("surely",)),
    Row("a decimal", "claim", "The strongest model reaches 34.71 here.", number="decimal", governed=("by something",)),
    Row("a bare number", "no claim", "It is one of 7.", number="bare"),
    Row("governed", "claim", "The detector achieves 59.8% on LongClips.", governed=("by something",)),
    Row("a rate that nothing reports", "no claim", "It follows paths at a 10 Hz rhythm.", number="hertz",
        before=re.compile("^(?!.*V.{0,4}$)")),
    Row("a time that nothing reports", "no claim", "A patient sat one hour.", number="duration", unless=(_LIMITED,),
        before=re.compile(r"^(?!.*([VIWAHT].{0,4}|\([DRBTN]*)$)")),
    Row("a time or a cost", "claim", "Our demo answers in 40 ms.", number="time or cost"),
)
