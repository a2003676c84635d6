"""The claims of a text, and the promises of the stages that find them."""

import json
import re
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from extractor.documents import Document
from extractor.labelling import rules
from extractor.labelling.rules import RulesLabeller
from extractor.labelling.rules.claims import Own, attach, judged_frames, read_claims
from extractor.labelling.rules.frames import frames_of
from extractor.labelling.rules.hanging import hang, share
from extractor.labelling.rules.judging import judge
from extractor.labelling.rules.lexicon import lexicon, trie_pattern, word_lists
from extractor.labelling.rules.reading import Reading
from extractor.labelling.rules.rows import Rules
from extractor.labelling.why import told
from extractor.labels import ClaimLabel
from extractor.spotting import spot

CASES: list[Any] = json.loads(Path(__file__).with_name("claims.json").read_text(encoding="utf-8"))
RULES = Rules()


def claims_of(title: str, abstract: str) -> tuple[ClaimLabel, ...]:
    document = Document("d", title, abstract)
    return RulesLabeller().labels(document, spot(document.text)).claims


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_claims_of_a_text(case: dict[str, Any]) -> None:
    text = f"{case['title']}\n{case['text']}"
    labels = claims_of(case["title"], case["text"])
    quantities = {mention.id: mention for mention in spot(text).quantities}
    assert [quantities[label.mention].text for label in labels] == [claim["mention"] for claim in case["claims"]]
    for label, claim in zip(labels, case["claims"], strict=True):
        if "in_title" in claim:
            assert (quantities[label.mention].span[0] < len(case["title"])) == claim["in_title"]
        said = label.model_dump()
        expected = {name: value for name, value in claim.items() if name not in ("mention", "in_title")}
        assert {name: said[name] for name in expected} == expected
        phrases = (said[name] for name in ("metric", "subject", "baseline", "dataset", "hardware"))
        assert all(phrase is None or phrase in text for phrase in phrases)


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        pytest.param("It reaches 91.2 mAP^N on maps.", "metric", "mAP^N", id="a metric with an index"),
        pytest.param("It is trained with 300 hours of speech.", "metric", "speech", id="what data of training are"),
        pytest.param("It has an accuracy of 372M parameters.", "metric", "parameters", id="a counted unit is no accuracy"),
        pytest.param("Compared to Eta, it reduces latency by 24%.", "baseline", "Eta", id="compared before the number"),
        pytest.param("It saves over 20% of energy.", "comparison", "change", id="over bounds what is saved"),
        pytest.param("On LongAlpha, then on LongBeta, it reaches 91.2%.", "dataset", "LongBeta", id="the nearest dataset"),
        pytest.param("It reads long videos with only 1M tokens.", "kind", "resource", id="few tokens are a claim"),
        pytest.param("On maps, distillation reaches 91.2% accuracy.", "subject", "ZetaNet", id="an activity is nobody"),
        pytest.param("On maps, the quantized model reaches 91.2%.", "subject", "quantized model", id="a variant is somebody"),
        pytest.param(
            "The proposed method reaches 91.2% accuracy.", "subject", "ZetaNet", id="the paper's method is its system"
        ),
        ("EtaNet is fast, and results show an accuracy of 91.2%.", "subject", "EtaNet"),
        ("EtaNet is fast, but our method reaches an accuracy of 91.2%.", "subject", "ZetaNet"),
        ("EtaNet, a small quantized model, reaches an accuracy of 91.2%.", "subject", "EtaNet"),
        ("Experiments show models reach 91.2%.", "subject", "ZetaNet"),
        ("Students reach 91.2% accuracy.", "subject", "Students"),
        ("The baseline of EtaNet's accuracy is 91.2%.", "subject", "baseline of EtaNet"),
        ("It achieves a mean average accuracy score of 91.2%.", "metric", "average accuracy"),
        ("It has a high overall accuracy of 91.2%.", "metric", "overall accuracy"),
        ("EtaNet's accuracy measured reaches 91.2% on maps.", "metric", "accuracy"),
        ("Our accuracy loss is 91.2%.", "metric", "accuracy"),
        ("It has an F1 training score of 91.2%.", "metric", "F1 training"),
        ("It comes with a higher error in tests, 5% higher than Eta.", "metric", "error"),
        ("The accuracy of OneNet is 61.1%.", "metric", "accuracy"),
        ("Its accuracy on CIFAR-10 is 71.1%.", "dataset", "CIFAR-10"),
        ("It improves accuracy by 5% over the prior art, XpulpNN.", "baseline", "XpulpNN"),
        ("It improves accuracy by 5% over XpulpNN models, Eta.", "baseline", "XpulpNN models"),
        ("It improves accuracy by 5% over the others.", "baseline", None),
        ("It is 2x faster than Eta (a small model).", "baseline", "Eta"),
        ("On LongBench, it has 5x fewer parameters.", "dataset", None),
        ("On an RTX 4090, it has 5x fewer parameters.", "hardware", None),
        ("It gives a 22% improvement over prior work for EEG-based sleep staging.", "dataset", "EEG-based sleep staging"),
        ("It scores 91.2% for Eta.", "dataset", None),
        ("Across a diverse suite of grasping tasks, it reaches an accuracy of 91.2%.", "dataset", "grasping tasks"),
        ("On the test set of LongBench, it reaches an accuracy of 91.2%.", "dataset", "LongBench"),
        ("Trained on LongBench, it reaches an accuracy of 91.2%.", "dataset", "LongBench"),
        ("Trained on the full dataset, it reaches an accuracy of 91.2%.", "dataset", None),
        ("Built on LongBench, it reaches an accuracy of 91.2%.", "dataset", None),
        ("It, using LongBench for tests, reaches an accuracy of 91.2%.", "dataset", None),
        ("In an online A/B test, it improves accuracy by 5%.", "dataset", "online A/B test"),
        ("On LongBench, it is good. It reaches an accuracy of 91.2%.", "dataset", "LongBench"),
        ("For LongBench, it reaches an accuracy of 91.2%.", "dataset", "LongBench"),
        ("However, in path planning, it reaches an accuracy of 91.2%.", "dataset", "path planning"),
        ("It improves by 5% in object detection accuracy.", "dataset", None),
        ("Its maze navigation accuracy improves by 5%.", "dataset", None),
        ("It reaches an accuracy of 91.2% on AffectNet (v7).", "dataset", "AffectNet (v7)"),
        ("On sets such as MazeBench, LongBench and COCO, it reaches 91.2%.", "dataset", "MazeBench, LongBench and COCO"),
        ("We test it on LongBench. A user study confirms an accuracy of 91.2%.", "dataset", None),
        ("On a new benchmark, LongBench, it reaches an accuracy of 91.2%.", "dataset", "LongBench"),
        ("On some tasks it reaches an accuracy of 91.2% in unseen scenes.", "dataset", "unseen scenes"),
        ("It improves accuracy by 5% on three Zeta models.", "dataset", None),
        ("It improves accuracy by 5% on three Zeta architectures.", "dataset", None),
        ("It improves accuracy by 5% on the Vega score.", "dataset", None),
        ("It improves accuracy by 5% on the Vega metric.", "dataset", None),
        ("It improves accuracy by 5% on specific tasks.", "dataset", None),
        ("It improves accuracy by 5% on nine general benchmarks.", "dataset", None),
        ("It improves accuracy by 5% on ten, eleven and twelve datasets.", "dataset", None),
        ("It improves accuracy by 5% on a Vela Jetson Nano.", "dataset", None),
        ("It improves accuracy by 5% for large organs.", "dataset", "large organs"),
        ("It improves accuracy by 5% for older methods.", "dataset", None),
        ("It improves accuracy by 5% for older approaches.", "dataset", None),
        ("It improves accuracy by 5% for two, three and four cameras.", "dataset", None),
        ("It reaches an accuracy of 91.2% for PTSD detection.", "dataset", "PTSD detection"),
        ("It reaches an accuracy of 91.2% for Parkinson's disease.", "dataset", "Parkinson's disease"),
        ("It reaches an accuracy of 91.2% in mobile VR applications.", "dataset", "mobile VR applications"),
        ("It improves accuracy by 5% in Urdu.", "dataset", "Urdu"),
        ("It improves by 5% in active users.", "dataset", None),
        ("We test it on the LongAlpha set, then on the LongBeta set. Its accuracy is 91.2%.", "dataset", "LongBeta"),
        ("We test it on the LongAlpha set across unseen maps. Its accuracy is 91.2%.", "dataset", "LongAlpha"),
        ("Using the LongBench set, we train it. It has an accuracy of 91.2%.", "dataset", "LongBench"),
        ("Experiments in crowded streets show an accuracy of 91.2%.", "dataset", "crowded streets"),
        ("Experiments on LongBench show gains, improving accuracy by 5% on unseen maps.", "dataset", "LongBench"),
        ("We test it on LongBench and quality results show an accuracy of 91.2%.", "dataset", "LongBench"),
        ("We test it on the LongBench set. It is good. It has an accuracy of 91.2%.", "dataset", "LongBench"),
        ("It reaches an accuracy of 91.2% on quadruped robot data.", "dataset", "quadruped robot data"),
        ("It improves accuracy by 5% on Jetson Nano Eta.", "dataset", None),
        ("It reaches an accuracy of 91.2% in light/heavy rain.", "dataset", "light/heavy rain"),
        ("It reaches 91.2% on several benchmarks, including LongBench and COCO.", "dataset", "LongBench and COCO"),
        ("It reaches an accuracy of 91.2% on the test set.", "dataset", None),
        ("We test it on LongBench. It reaches an accuracy of 91.2% on training tasks.", "dataset", "LongBench"),
        ("It is good for shiny objects, achieving an accuracy gain of 5%.", "dataset", "shiny objects"),
        ("Across 706 chest scans, its accuracy is 91.2%.", "dataset", "chest scans"),
        (
            "It improves accuracy by 5%, a step towards robust vision on rainy roads and in the LongBench tests.",
            "dataset",
            None,
        ),
        ("It improves accuracy by 5% and shows promise on unseen tasks.", "dataset", None),
        ("We test it on image captioning. It reaches an accuracy of 91.2%.", "dataset", "image captioning"),
        ("It reaches an accuracy of 91.2% on the hard split of LongBench.", "dataset", "LongBench"),
        ("On twelve cooking tasks from Alpha and Beta, it reaches an accuracy of 91.2%.", "dataset", "Alpha and Beta"),
        ("On blurred footage from the LongBench set, it reaches an accuracy of 91.2%.", "dataset", "LongBench"),
        ("It reaches an accuracy of 91.2% for early detection of Zeta.", "dataset", "early detection"),
        ("It reaches an accuracy of 91.2% on the blurred footage of Eta.", "dataset", "blurred footage"),
        ("We test it on three sets: Alpha, Beta, and COCO. It has an accuracy of 91.2%.", "dataset", "Alpha, Beta, and COCO"),
        ("We try it in the LongBench simulator across harsh scenarios, reaching an accuracy of 91.2%.", "dataset", "LongBench"),
        ("It plans routes; for maze navigation, it reaches an accuracy of 91.2%.", "dataset", "maze navigation"),
        ("It needs 30 ms on a Jetson Nano and a Raspberry Pi.", "hardware", "Jetson Nano and a Raspberry Pi"),
        ("It reduces the number of tokens by 5%.", "kind", "resource"),
        ("It achieves the best quality on the LongBench dataset while reducing latency by 5%.", "dataset", None),
        ("It reaches the best quality on LongBench and reduces latency by 5%.", "dataset", None),
        ("On LongBench, it reaches the best quality while reducing latency by 5%.", "dataset", "LongBench"),
        ("Experiments on LongBench show that it wins while reducing latency by 5%.", "dataset", "LongBench"),
        ("Experiments on LongBench show that it wins with only 2% of the training data.", "dataset", None),
        ("It improves road segmentation accuracy by 5%.", "dataset", None),
        ("It accelerates road segmentation, reducing latency by 5%.", "dataset", None),
        ("It is good at road segmentation, and improves recall by 5%.", "dataset", None),
        ("Tethered flight tests show an accuracy of 91.2%.", "dataset", "Tethered flight tests"),
        ("Our orchard trials confirm that it reaches an accuracy of 91.2%.", "dataset", "orchard trials"),
        ("Several tests show an accuracy of 91.2%.", "dataset", None),
        ("Extensive experiments show an accuracy of 91.2%.", "dataset", None),
        ("Tethered flight tests show an accuracy of 91.2% on LongBench.", "dataset", "LongBench"),
    ],
)
def test_a_field_of_a_claim(text: str, field: str, said: str | None) -> None:
    (claim,) = claims_of("ZetaNet: a small network", text)
    assert getattr(claim, field) == said


@pytest.mark.parametrize(
    "text", ["We evaluate", "We validate", "Experiments run", "We test", "We conduct studies", "We assess it", "We simulate it"]
)
def test_the_sentence_before_tells_on_what(text: str) -> None:
    (claim,) = claims_of("T", f"{text} on LongBench. It reaches an accuracy of 91.2%.")
    assert claim.dataset == "LongBench"


def test_the_sentence_before_may_tell_of_training() -> None:
    (claim,) = claims_of("T", "It is trained on LongBench. It reaches an accuracy of 91.2%.")
    assert claim.dataset is None


@pytest.mark.parametrize(
    ("text", "datasets"),
    [
        ("It improves accuracy by 5% for kidneys, 7% for vessels, and 9% for lungs.", ["kidneys", "vessels", "lungs"]),
        ("Its accuracy is 91.2% in adults and 80.1% in children.", ["adults", "children"]),
        ("Its accuracy falls from 91.2% in adults to 80.1% in children.", ["adults", "children"]),
        ("Text generation scores are good, and summary generation is strong (BLEU: 0.91).", ["summary generation"]),
        ("Text generation scores show a strong agreement (BLEU: 0.91; F1: 0.80).", ["Text generation", "Text generation"]),
        ("Eta achieves the tumor segmentation (BLEU: 0.91) of Zeta.", ["tumor segmentation"]),
        ("It leads on LongAlpha, reaching 91.2% accuracy and 80.1% recall on LongBeta.", ["LongAlpha", "LongBeta"]),
        ("It has the best recall (91.2%) among models and precision (80.1%) on LongBench.", ["LongBench", "LongBench"]),
        ("It reaches an accuracy of 91.2% in kitchen cleaning and a latency of 30 ms.", ["kitchen cleaning", None]),
        ("It has an accuracy of 91.2% versus 80.1% for random edits.", [None, None]),
        ("It makes gains on LongAlpha (+5.1%), and LongBeta (+3.2%).", ["LongAlpha", "LongBeta"]),
        (
            "It improves in maze navigation (+5.1% in recall) and route planning (+3.2% in recall).",
            ["maze navigation", "route planning"],
        ),
        ("It reaches 91.2% on Alpha and 80.1% on Beta, beating Eta by 5% and 3%.", ["Alpha", "Beta", "Alpha", "Beta"]),
        ("It helps in cache tuning and tree search, and gains 5% and 3%, respectively.", ["cache tuning", "tree search"]),
        ("It helps in cache tuning and tree search, and gains 5% and 3%.", [None, None]),
        (
            "It reaches an accuracy of 91.2% on Alpha, beating Eta by 5% recall and 3% precision on Beta.",
            ["Alpha", "Beta", "Beta"],
        ),
        ("We test it on Alpha and Beta. It improves by 5% and 3%, respectively.", ["Alpha", "Beta"]),
        ("It outperforms Eta on Alpha by 5%, on Beta by 3%, and on the COCO set by 2%.", ["Alpha", "Beta", "COCO"]),
        (
            "For crack detection, its accuracy is 91.2%, and for rust detection it is 80.1%.",
            ["crack detection", "rust detection"],
        ),
        ("It has a 91.2% success rate in simulation and an 80.1% success rate in kitchens.", ["simulation", "kitchens"]),
        ("We test it: accuracy is 91.2% on LongBench. It improves recall by 5%.", ["LongBench", None]),
        ("It reaches an accuracy of 91.2% on LongBench while running 2x faster.", ["LongBench", None]),
        ("It beats Eta and Theta by 5% and 3%, respectively, on LongBench.", ["LongBench", "LongBench"]),
        ("It beats Eta by 5% in recall and by 3% in precision on LongBench.", ["LongBench", "LongBench"]),
        ("It has 91.2% recall with 80.1% precision on LongBench.", ["LongBench", "LongBench"]),
        ("It is strong in leaf counting with a recall of 91.2%, and it has an accuracy of 80.1%.", ["leaf counting", None]),
        ("It reaches 91.2% accuracy, driven by a 5% gain on LongBench.", [None, "LongBench"]),
        ("It raises accuracy in cluttered kitchens from 80.1% to 91.2%.", ["cluttered kitchens", "cluttered kitchens"]),
    ],
)
def test_the_datasets_of_several_claims(text: str, datasets: list[str | None]) -> None:
    assert [claim.dataset for claim in claims_of("T", text)] == datasets


@pytest.mark.parametrize("verb", ["Evaluated", "Validated", "Tested"])
def test_what_a_system_is_tested_with(verb: str) -> None:
    (claim,) = claims_of("T", f"{verb} using the LongBench dataset, it reaches an accuracy of 91.2%.")
    assert claim.dataset == "LongBench"


NO_CLAIMS = [
    "Large models often win (25.0% and 1.4%).",
    "We use a learning rate of 0.01.",
    "The study lasted 12 days.",
    "Most points fall within a 10 cm error threshold.",
    "We train on the first 25% of the frames.",
    "Only 30% of participants agreed.",
    "It understands videos with 1M tokens.",
    "We collected 12 hours of video.",
    "It holds meetings of 6 minutes each.",
    "We also train on a 680x larger private corpus.",
    "We curate a 440-hour benchmark of motion.",
    "We fine-tune a 70B parameter model.",
    "We study a VLM with 3B parameters.",
    "The corpus comprises long recordings (about 1TB).",
    "The rover drove 300 m in the park.",
    "It holds video sequences with over 488.8K annotations.",
    "Zeta reduces the size for 80 devices.",
    "It follows paths at a 10 Hz rhythm.",
]


@pytest.mark.parametrize("text", NO_CLAIMS)
def test_a_number_that_is_no_claim(text: str) -> None:
    assert claims_of("T", text) == ()


def test_a_text_without_quantities_has_no_claims() -> None:
    assert [*read_claims(spot("T\nNothing is measured."), "T", RULES, lexicon())] == []


def test_offsets_survive_letters_that_grow_when_lowered() -> None:
    (claim,) = claims_of("T", "İİİ Zeta reduces peak memory by 24%.")
    assert claim.metric == "peak memory"


def test_no_stage_changes_what_goes_in() -> None:
    """Sentence, frames, judged frames and rows read the same after each stage, and nothing in them can be assigned to."""
    text = "T\nOn LongBench, Zeta cuts latency by 40% and energy by up to 23% (0.75s vs 6.82s) on 12 nodes with 9 ms of delay."
    reading = Reading(spot(text), lexicon())
    sentence = reading.sentence(reading.with_quantities()[0])
    read = repr((sentence.codes, sentence.words, sentence.spans, dict(sentence.at)))
    frames = frames_of(sentence)
    bare = repr(frames)
    hung = tuple(hang(frame, RULES.frames) for frame in frames)
    found = repr(hung)
    shared = share(hung, RULES.shared)
    judged = tuple(judge(frame, RULES.claims) for frame in shared)
    said = repr(judged)
    for each in judged:
        attach(each, lambda *_: None, Own("Zeta", False), RULES)
    assert (repr(frames), repr(hung), repr(judged)) == (bare, found, said)
    assert repr((sentence.codes, sentence.words, sentence.spans, dict(sentence.at))) == read
    assert judged == judged_frames(sentence, RULES)


def test_what_passes_from_stage_to_stage_is_frozen() -> None:
    for path in Path(rules.__file__).parent.glob("*.py"):
        module = import_module(f"{rules.__name__}.{path.stem}".removesuffix(".__init__"))
        for name, value in vars(module).items():
            if isinstance(value, type) and is_dataclass(value):
                assert vars(value)["__dataclass_params__"].frozen, name


def test_a_word_stands_in_one_list() -> None:
    """A word in two closed classes would belong to the one that happens to be read last; a list is known by one name."""
    for name in ("words", "metrics", "changes"):
        found = [word for group in word_lists() if group.list == name for word in group.words]
        assert sorted(found) == sorted(set(found)), name
    names = [group.list.partition(".")[2] for group in word_lists() if group.list.startswith(("phrases.", "counts."))]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    ("text", "word"), [("up to 3", "up to"), ("up 3", "up"), ("as much as", "as much as"), ("as much", "as")]
)
def test_a_trie_matches_the_longest_word(text: str, word: str) -> None:
    match = re.match(trie_pattern(["up", "up to", "as much as", "as"]), text)
    assert match is not None
    assert match.group() == word


def test_the_walk_through_the_stages_is_what_the_command_prints() -> None:
    page = (Path(__file__).parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
    line, shown = re.findall(r"```json\n(.+?)\n```.+?```text\n(.+?)\n```", page, re.DOTALL)[0]
    record = json.loads(line)
    assert "\n".join(told(Document(record["id"], record["title"], record["abstract"]))) == shown
