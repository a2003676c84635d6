"""Sentences that show what a condition of a stage is there for: the fields of all claims in them, in order."""

import pytest

from extractor.documents import Document
from extractor.labelling.rules import RulesLabeller
from extractor.labelling.rules.lexicon import lexicon
from extractor.labelling.rules.reading import Reading
from extractor.spotting import spot

TITLE = "ZetaNet: a small network"


def fields_of(text: str, field: str, title: str = TITLE) -> list[str | None]:
    document = Document("d", title, text)
    mentions = spot(document.text)
    quantities = {mention.id: mention.text for mention in mentions.quantities}
    claims = RulesLabeller().labels(document, mentions).claims
    return [quantities[claim.mention] if field == "mention" else getattr(claim, field) for claim in claims]


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ("It reaches 98% across 130 tasks and 97% across 25.", "mention", ["98%", "97%"]),
        ("It has errors of 0.24 m and 2 degrees.", "metric", ["errors", "errors"]),
        ("The baseline (error 0.3 m) is weak.", "metric", ["error"]),
        ("It pushes the prior art to 30-40%.", "mention", ["30-40%"]),
        ("The core draws 3 mA.", "kind", ["resource"]),
        ("The core takes 3 ms.", "kind", ["speed"]),
        ("Only 1000 samples are needed.", "kind", ["resource"]),
        ("The accuracy (A) is 91.2%.", "metric", ["accuracy"]),
        ("The mean average precision (mAP) is 91.2%.", "metric", ["mAP"]),
        ("It has a precision@5 of 91.2%.", "metric", ["precision@5"]),
        ("It reaches 91.2% and 92.5% precision and recall.", "metric", ["precision", "recall"]),
        ("It has a precision and recall of 91.2% and 92.5%.", "metric", ["precision", "recall"]),
        ("Compared to Eta, it cuts the latency (0.75s vs 6.82s).", "subject", ["ZetaNet", "Eta"]),
        ("Versus Eta (70.1%), it is weak.", "subject", ["Eta"]),
        ("Tests of EtaNet showed that it reaches an accuracy of 91.2%.", "subject", ["ZetaNet"]),
        ("It runs well, doubling memory.", "comparison", ["change"]),
        ("It runs well and tripled memory.", "comparison", ["change"]),
        ("It runs well and quadruples memory.", "comparison", ["change"]),
        ("It runs well, halving memory.", "effect", ["better"]),
        ("The level is -62 dB.", "comparison", ["absolute"]),
        ("It leads in PSNR (+1.5 dB).", "comparison", ["change"]),
        ("It leads on maps (-0.3).", "comparison", ["change"]),
        ("It leads in mAP (+7).", "comparison", ["absolute"]),
        ("Humans win often, versus 1.4%.", "mention", ["1.4%"]),
        ("EtaNet shows results that reach an accuracy of 91.2%.", "subject", ["EtaNet"]),
        ("The student reaches an accuracy of 91.2%.", "subject", ["student"]),
        ("ZetaNet outperforms EtaNet and ThetaNet by 5%.", "baseline", ["EtaNet and ThetaNet"]),
        ("It reduces the number of errors by 5%.", "kind", ["resource"]),
        ("EtaNet's accuracy is 91.2%.", "metric", ["accuracy"]),
        ("It reaches 97.3% success on maps (11.8% improvement).", "metric", ["success", "success"]),
        ("It outperforms EtaNet by 5% and ThetaNet by 7% in accuracy, respectively.", "metric", ["accuracy", "accuracy"]),
        ("Accuracy grows, and it reaches 91.2%.", "metric", ["Accuracy"]),
        ("The memory is small (3 MB).", "metric", ["memory"]),
        ("Tests show a high success rate, i.e., 88% and 92%.", "metric", ["success rate", "success rate"]),
        ("Tests show gains over EtaNet, e.g., up to 3.9%.", "comparison", ["change"]),
        ("Tests show a high success rate, namely 91.2%.", "metric", ["success rate"]),
        ("Tests show large gains over rivals -- surpassing them by 7%.", "baseline", ["rivals"]),
        ("Tests show large gains over rivals — surpassing them by 7%.", "baseline", ["rivals"]),
        ("It improves accuracy up to 6.7% compared to EtaNet.", "comparison", ["change"]),
        ("It cuts the cost of tests ten-fold.", "metric", ["cost"]),
        ("It raises accuracy above 95%.", "comparison", ["absolute"]),
        ("It beats rivals on half of the maps.", "mention", []),
        ("It improves maps up to 20% better than EtaNet.", "metric", [None]),
        ("It cuts the latency by 96%, from 9 ms to 3 ms.", "metric", ["latency", "latency", "latency"]),
        ("It beats rivals by 27% on accuracy.", "metric", ["accuracy"]),
        ("It beats rivals by 27% on accuracy benchmarks.", "metric", [None]),
        ("It reaches 12% at pass@4.", "metric", ["pass@4"]),
        ("It has superior performance of 65.8 Driving Score here.", "metric", ["Driving Score"]),
        ("The accuracy plateaus at 91.2%.", "metric", ["accuracy"]),
        ("The kappa plateaued at 0.55.", "metric", ["kappa"]),
        ("It has an F2 of 0.801 at 1% false-positive rate.", "mention", ["0.801"]),
        ("It closes the gap by 31.8%.", "effect", ["better"]),
        ("It wins by closing the gap by 31.8%.", "effect", ["better"]),
        ("It narrows the gap by 31.8%.", "effect", ["better"]),
        ("It wins by narrowing the gap by 31.8%.", "effect", ["better"]),
        ("Others lag by 31.8%.", "effect", ["worse"]),
        ("Others trail by 31.8%.", "effect", ["worse"]),
        ("We train on up to 671B tokens.", "mention", []),
        ("It works on 0.3 m spatial resolution data.", "mention", []),
        ("It sorts 0.3 m resolution images.", "mention", []),
        ("It sorts 0.3 m resolution imagery.", "mention", []),
        ("It sorts a 0.3 m resolution input.", "mention", []),
        ("It sorts 0.3 m resolution inputs.", "mention", []),
        ("It reduces response length by 47%.", "kind", ["resource"]),
        ("It reduces output length by 47%.", "kind", ["resource"]),
        ("It reduces reasoning length by 47%.", "kind", ["resource"]),
        ("For instance, o1-mini reaches an accuracy of 20.8%.", "subject", ["o1-mini"]),
        ("The superiority of EtaNet was shown by an accuracy of 85%.", "subject", ["EtaNet"]),
        ("The effectiveness of EtaNet was shown by an accuracy of 85%.", "subject", ["EtaNet"]),
        ("The respective boosts in accuracy are 5%.", "subject", ["ZetaNet"]),
        ("It has 6% higher SRCC here.", "metric", ["SRCC"]),
        ("It obtains average savings between 1% and 2%.", "comparison", ["change"]),
        ("It improves accuracy by between 5% and 20%.", "comparison", ["change"]),
        ("The accuracy lies between 80% and 90%.", "comparison", ["absolute"]),
        ("It shows accuracy improvements ranging from 5% to 20%.", "comparison", ["change"]),
        ("It shows accuracy improvements ranging between 5% and 20%.", "comparison", ["change"]),
        ("It causes slowdowns up to 1.5x.", "effect", ["worse"]),
        ("It causes a slowdown of 5%.", "effect", ["worse"]),
        ("It may cause slowdowns up to 1.5x.", "subject", ["ZetaNet"]),
        ("It caused slowdowns up to 1.5x.", "subject", ["ZetaNet"]),
        ("It fails, causing slowdowns up to 1.5x.", "subject", ["ZetaNet"]),
        ("It adds a minor cost of 0.1% additional parameters.", "effect", ["worse"]),
        ("It raises the accuracy for hard samples from 70% to 80%.", "metric", ["accuracy", "accuracy"]),
        ("It needs 100 times fewer than the 11 million images of EtaNet.", "comparison", ["change"]),
        ("It works across parameter scales (1B to 8B).", "mention", []),
        ("Its prediction accuracy is 99.9% across node patterns.", "mention", ["99.9%"]),
        ("It wins on maps in 72% of cases.", "metric", [None]),
        ("It wins on maps in 72% of the cases.", "metric", [None]),
        ("It wins on maps in 72% of comparisons.", "metric", [None]),
        ("It succeeds on maps in 72% of trials.", "kind", ["accuracy"]),
        ("It has a 13% improvement over EtaNet in preference rankings.", "metric", ["preference rankings"]),
        ("The best-performing model (EtaNet) reaches an accuracy of 73.7%.", "subject", ["EtaNet"]),
        ("The best-performing model (1) reaches an accuracy of 73.7%.", "subject", ["best-performing model"]),
        ("It reaches 87% accuracy, surpassing a small baseline of 67%.", "mention", ["87%", "67%"]),
        ("It has 6% higher PLCC here.", "metric", ["PLCC"]),
        ("It has 6% higher F2 score here.", "metric", ["F2 score"]),
        ("It has 6% higher F2 here.", "metric", ["F2"]),
        ("The Matthews correlation coefficient is 0.55.", "metric", ["Matthews correlation coefficient"]),
        ("It has small memory needs (<3 MB).", "metric", ["memory"]),
        ("It reaches an MAE of 0.442 (a 19.8% reduction) on maps.", "metric", ["MAE", "MAE"]),
        ("It reasons over the scene and improves accuracy by 5%.", "baseline", [None]),
        ("It has a perplexity of 12 and 15.", "mention", ["12", "15"]),
        ("It has a perplexity of 12 today.", "mention", ["12"]),
        ("It reduces inference by 5%.", "effect", ["better"]),
        ("Its accuracy and performance are good: it reaches 91.2%.", "metric", ["accuracy"]),
        ("It reaches 34.71 marks on maps.", "mention", ["34.71"]),
        ("It takes 5 ms and 30 MB.", "kind", ["speed", "resource"]),
        ("It reduces collision rates by 83% (from 0.30% to 0.05%).", "comparison", ["change", "absolute", "absolute"]),
        ("It solves tasks with only 1.5% of the training data.", "comparison", ["fraction"]),
        ("It has 98% material utilization.", "comparison", ["absolute"]),
        ("It is right 95% of the time.", "metric", [None]),
        ("It raises success rates from 61 to 72.3 percent.", "mention", ["61", "72.3 percent"]),
        ("It wins by a large margin with an accuracy of 91.2%.", "subject", ["ZetaNet"]),
        ("It has an overall score of 91.2%.", "metric", ["overall score"]),
        ("FNR falls by 1%, MSD by 2% and ASD by 3%.", "effect", ["better"] * 3),
        ("HD falls by 1%, CER by 2% and DER by 3%.", "effect", ["better"] * 3),
        ("A test loss of 0.2, a training loss of 0.3, a validation loss of 0.4.", "comparison", ["absolute"] * 3),
        ("The packet loss is 2%.", "metric", ["packet loss"]),
        ("Its loss rate is 2%.", "metric", ["loss rate"]),
        ("It has 2x better PDP, 3x better EDP and 4x better power-delay product.", "kind", ["resource"] * 3),
        ("It runs at 8 TOPS/W, with 2x more TOPS/W.", "kind", ["resource"] * 2),
        ("It correlates with it (r=0.79).", "metric", ["r"]),
        ("It correlates with it (R=0.79).", "mention", []),
        ("They agree (Krippendorff alpha = 0.83).", "metric", ["Krippendorff alpha"]),
        ("They agree, with a Krippendorff's alpha of 0.83.", "metric", ["Krippendorff's alpha"]),
        ("It has a Cronbach's alpha of 0.83 and a Cohen's kappa of 0.7.", "metric", ["Cronbach's alpha", "Cohen's kappa"]),
        ("It has a mean absolute error of 0.02.", "metric", ["mean absolute error"]),
        ("It has an average precision of 0.84.", "metric", ["average precision"]),
        ("It has a mean accuracy of 0.84.", "metric", ["accuracy"]),
        ("It has Intersection over Union (IoU) scores of 0.91.", "metric", ["IoU"]),
        ("It achieved XAC: 0.945, XHD: 19.7.", "metric", ["XAC", "XHD"]),
        ("It is accurate (XAC 0.88, XIU 0.85).", "metric", ["XAC", "XIU"]),
        ("It is as good as EtaNet 0.88.", "mention", []),
        ("Its scores are good, XHD 1.58 ± 0.37 mm.", "metric", ["XHD"]),
        ("Its scores are good, XHD 1.58 +/- 0.37 mm.", "metric", ["XHD"]),
        ("It has 43.6% higher SE.", "metric", ["SE"]),
        ("It reduces PLN by 35.1%.", "metric", ["PLN"]),
        ("It performs 15% better on accuracy.", "metric", ["accuracy"]),
        ("It performs 15% better on COCO.", "metric", [None]),
        ("It has the best quality with a TQA of 0.73.", "metric", ["TQA"]),
        ("The SSIM for the nucleus and membranes is 0.85.", "metric", ["SSIM"]),
        ("Its accuracy peaks at 56%.", "metric", ["accuracy"]),
        ("We see latency savings, with reductions of up to 69.3%.", "kind", ["speedup"]),
        ("We cut storage clearly, with a reduction of 69.3%.", "kind", ["resource"]),
        ("The speedups - 5.5x for gates - are large.", "kind", ["speedup"]),
        ("It improves training time by up-to 1.73x.", "kind", ["speedup"]),
        ("It yields a 2x reduction in estimated power.", "metric", ["power"]),
        ("It adds 35 us latency unless mitigated.", "comparison", ["absolute"]),
        ("It cuts latency to 68%.", "comparison", ["fraction"]),
        ("We train a compact 3B parameter model.", "comparison", ["absolute"]),
        ("It has delays ranging from 1 to 24 ms.", "mention", ["1 to 24 ms"]),
        ("Zeta maps each 10 s pattern and predicts 7.2 s activities.", "mention", []),
        ("Users saw it over a 90-minute period.", "mention", []),
        ("It answers on an RTX 4090 around 1.4 seconds.", "mention", ["1.4 seconds"]),
        ("The procedure lasted 23 min, and the scan lasts 5 min.", "mention", ["23 min", "5 min"]),
        ("It has 4x super-resolution, 4x undersampling and 4x upsampling.", "mention", []),
        ("With a 0.5 dropout rate, it works.", "mention", []),
        ("It has a success rate of 99.9% (2,564/2,566).", "mention", ["99.9%"]),
        ("Our set has more than 3 hours of audio data.", "mention", []),
        ("It learns from less than 3 hours of audio data.", "mention", ["3 hours"]),
        ("It needs as few as 30 samples.", "kind", ["resource"]),
        ("It improves MSEs by 49% compared to EtaNet trained alone, and by 26% over others.", "metric", ["MSEs", "MSEs"]),
        ("It beats Eta, which reaches 70.1%.", "subject", ["Eta"]),
        ("It beats older plans that averaged 70.1%.", "subject", ["older plans"]),
        ("Learning helps, with EtaNet reaching 92.1% accuracy.", "subject", ["EtaNet"]),
        ("Learning helps, with EtaNet, and reaches 92.1% accuracy.", "subject", ["ZetaNet"]),
        ("We work with EtaNet reaching 92.1% accuracy.", "subject", ["ZetaNet"]),
        ("Learning helps, with the suggested model reaching 92.1% accuracy.", "subject", ["ZetaNet"]),
        ("The modest drop in accuracy is 3%.", "subject", ["ZetaNet"]),
        ("The best model (RFX) reached 91.2% accuracy.", "subject", ["RFX"]),
        ("The smallest model (a) reached 91.2% accuracy.", "subject", ["smallest model"]),
        ("A Vector Machine (SVX) with the RBF kernel reached 91.2% accuracy.", "subject", ["SVX"]),
        ("EtaNet equipped with FastMaps reached 91.2% accuracy.", "subject", ["EtaNet"]),
        ("Manual methods reached 91.2%, manual algorithms reached 90.1%.", "subject", ["Manual methods", "manual algorithms"]),
        ("Manual approaches reached 91.2%.", "subject", ["Manual approaches"]),
        ("One of our novel methods reached 91.2%.", "subject", ["ZetaNet"]),
        ("We found EtaNet reached 91.2%.", "subject", ["EtaNet"]),
        ("It reaches a recall of 75%, surpassing EtaNet's 45%.", "subject", ["ZetaNet", "EtaNet"]),
        ("It reduces the end-to-end delay (EED) by 30%.", "kind", ["speedup"]),
        ("It reduces the Dynamic Time Warping (DTW) by 30%.", "kind", ["accuracy"]),
        ("It has an error of 5.3 seconds and a drift of 0.3 Hz.", "kind", ["accuracy", "accuracy"]),
        ("Its runs at a performance of 30 FPS.", "kind", ["speed"]),
        ("It ranks first on 33 of 34 tasks.", "mention", []),
        ("The tests yielded results of 99.6%.", "mention", ["99.6%"]),
        ("It has the highest ARX at 78.05.", "metric", ["ARX"]),
        ("The antenna has a gain of 6.1 dBi.", "comparison", ["absolute"]),
        ("We see a 13% improvement for recall.", "metric", ["recall"]),
        ("It beats models that are 20 times larger.", "mention", []),
        ("It has a cXU improvement of 6.1%.", "metric", ["cXU"]),
        ("We see a 0.1% improvement in user stay duration.", "metric", ["user stay duration"]),
        ("It works under 15 ms latency constraints.", "mention", []),
        ("It has an RXD of 8.7 mm.", "metric", ["RXD"]),
        (
            "It brings training time reductions on the order of 20%, memory reductions in the order of 5%.",
            "effect",
            ["better"] * 2,
        ),
        ("It has a mean reciprocal rank of 0.9.", "metric", ["mean reciprocal rank"]),
        ("It achieves 21.5x context compression alongside gains.", "kind", ["resource"]),
        ("It is fast (Eta 20.9 s vs. Zeta 0.9 s).", "mention", ["20.9 s", "0.9 s"]),
        ("It is fast, with 20.9 s (versus 0.9 s).", "mention", ["20.9 s", "0.9 s"]),
        ("Its memory is 20 times larger.", "mention", []),
        ("It has a 20 times larger memory.", "mention", ["20 times"]),
        (
            "It gains 2%, 3% and 4% over Big Boosting (BB), GBM, and Forests (RF).",
            "baseline",
            ["Big Boosting (BB)", "GBM", "Forests (RF)"],
        ),
        *(
            (f"Excellent preservation was {verb} with a recall of 0.99.", "subject", ["ZetaNet"])
            for verb in ("achieved", "obtained", "demonstrated", "observed", "reported", "attained")
        ),
    ],
)
def test_a_field_of_each_claim(text: str, field: str, said: list[str | None]) -> None:
    assert fields_of(text, field) == said


@pytest.mark.parametrize(
    ("text", "dataset"),
    [
        ("It reaches an accuracy of 91.2%.", "Zeta"),
        ("It reaches an accuracy of 91.2% on unseen maps.", "Zeta"),
        ("It reaches an accuracy of 91.2% on LongBench.", "LongBench"),
        ("It takes 5 ms on unseen maps.", None),
    ],
)
def test_systems_are_measured_on_a_benchmark_that_a_paper_presents(text: str, dataset: str | None) -> None:
    assert fields_of(text, "dataset", "Zeta: A Benchmark for Trees") == [dataset]


def test_a_title_is_no_sentence_before_another() -> None:
    assert fields_of("It reaches an accuracy of 91.2%.", "dataset", "We evaluate on LongBench") == [None]


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("It has an accuracy of 91.2%. Its accuracy is 91.2% on CIFAR-10.", ["91.2%", "CIFAR-10"]),
        ("Its accuracy is 91.2% on CIFAR-10. It has an accuracy of 91.2%.", ["91.2%", "CIFAR-10"]),
    ],
)
def test_of_two_statements_of_one_result_the_fuller_counts(text: str, mentions: list[str]) -> None:
    assert [fields_of(text, "mention"), fields_of(text, "dataset")] == [mentions[:1], mentions[1:]]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("A letter k of 5%.", "DwwOQ."),
        ("We apply and reply to it by 5%.", "Uw&wtUYQ."),
        ("It can pass 5%.", "UvwQ."),
        ("We rapidly-tested 5%.", "UwQ."),
        ("It is 5% below EtaNet.", "UvQCN."),
        ("Layers below it win 5%.", "wpUwQ."),
    ],
)
def test_the_class_of_a_word_by_its_form(text: str, codes: str) -> None:
    assert Reading(spot(f"T\n{text}"), lexicon()).sentence(1).codes == codes
