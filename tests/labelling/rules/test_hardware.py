"""Of the hardware mentions of a text one target remains for a product, and one for a category of classes."""

from pathlib import Path

import pytest

from extractor.documents import Document
from extractor.evaluation.gold import read_gold
from extractor.evaluation.matching import hardware_likeness, match
from extractor.labelling.rules import RulesLabeller
from extractor.labelling.rules.lexicon import word_lists
from extractor.records import HardwareTarget
from extractor.spotting import spot

GOLD = Path(__file__).parents[3] / "evals" / "gold" / "seeds"


def targets_of(document: Document) -> list[HardwareTarget]:
    """The labelled mentions as the targets that grounding makes of them."""
    mentions = spot(document.text)
    by_id = {mention.id: mention for mention in mentions.hardware}
    found = [(by_id[label.mention], label.role) for label in RulesLabeller().labels(document, mentions).hardware]
    return [HardwareTarget(name=m.text, specific=m.specific, category=m.category, role=role, span=m.span) for m, role in found]


CHOICES = {
    "evaluated before intended": (
        "It can be used on embedded devices. We test it on edge devices.",
        {"edge devices": "evaluated"},
    ),
    "the first of a role": ("We test it on edge devices. It runs on IoT devices.", {"edge devices": "evaluated"}),
    "the paper's own work first": (
        "It is hard to run on edge devices. We propose Net. It is suitable for IoT devices.",
        {"IoT devices": "intended"},
    ),
    "a shorter name": (
        "We test it on an ARM Cortex-M4 MCU. It needs 3 ms on the Cortex-M4.",
        {"ARM Cortex-M4 MCU": "evaluated"},
    ),
    "one product": ("We test it on Jetson Orin. On Jetson Orin Nano it needs 3 ms.", {"Jetson Orin": "evaluated"}),
    "two products": ("We test it on iPhone 13 and iPhone 14.", {"iPhone 13": "evaluated", "iPhone 14": "evaluated"}),
    "a class restates": ("We test it on a Jetson Nano. It needs 3 ms on edge devices.", {"Jetson Nano": "evaluated"}),
    "a bare chip restates": ("We test it on an RTX 4090. It is suitable for GPU computation.", {"RTX 4090": "evaluated"}),
    "a chip with an adjective does not": (
        "We test it on an RTX 4090. It is suitable for consumer GPUs.",
        {"RTX 4090": "evaluated", "consumer GPUs": "intended"},
    ),
    "what it is for, before the paper's own work": (
        "It is suitable for edge devices. We propose Net. It is fast.",
        {"edge devices": "intended"},
    ),
    "a class listed with its kin": (
        "Robot swarms, particularly mobile manipulators, are slow. We propose a net. We test it on a real UR5.",
        {"UR5": "evaluated"},
    ),
    "a class listed with a product": (
        "We test it on an RTX 4090 and consumer GPUs.",
        {"RTX 4090": "evaluated", "consumer GPUs": "evaluated"},
    ),
    "a class that a product in parentheses names": ("We test it on a laptop (RTX 4090).", {"RTX 4090": "evaluated"}),
    "a class in apposition to a product": ("We propose the UR5, a robot arm that bends.", {"UR5": "evaluated"}),
    "a kind of robot of which only the first word is named again": (
        "Autonomous vehicles are slow. We propose a net for autonomous driving.",
        {},
    ),
    "what is significant there": (
        "It is significant for mobile robots, indispensable for laptops. We propose a net. It is fast.",
        {"mobile robots": "intended", "laptops": "intended"},
    ),
    "a kind of robot that is named again": (
        "Traditional methods for bipedal robots are slow. We propose a net. It walks on bipedal legs.",
        {"bipedal robots": "intended"},
    ),
    "a kind of robot for which it is hard": (
        "It is hard for bipedal robots. We propose a net.",
        {"bipedal robots": "intended"},
    ),
    "a kind of robot in the background": ("Bipedal robots are rare. We propose a net. It is fast.", {}),
    "a kind of robot that the work is unlike": ("We propose a net. Its gait is between bipedal robots and bipedal toys.", {}),
    "robots at work in a film": ("We propose a net. Its films show robots performing tasks.", {}),
    "a robot with a name goes before its kind": (
        "We propose a net for humanoids. It walks on a Unitree G1.",
        {"Unitree G1": "evaluated"},
    ),
    "a robot that carries a hand": ("We propose a hand. It is mounted on a UR5e.", {"UR5e": "evaluated"}),
    "a robot that carries a camera": ("We propose a net. It reads a camera mounted on drones.", {}),
    "two real robots": (
        "We propose a net. It is fast on two real, distinct robot platforms.",
        {"robot platforms": "evaluated"},
    ),
    "experiments with robots": (
        "We propose a net. It helps robots. It wins in robotic grasping experiments.",
        {"robots": "evaluated"},
    ),
    "scenes with real robots": (
        "We propose a net. It helps robots. It is fast in real-world robotic scenes.",
        {"robots": "evaluated"},
    ),
    "a machine that was developed": (
        "It is hard. We also developed a slim robot system, which is fast.",
        {"robot system": "evaluated"},
    ),
    "machines that were made": (
        "We presented a microcontroller. We designed a GPU. We constructed a CPU.",
        {"microcontroller": "evaluated", "GPU": "evaluated", "CPU": "evaluated"},
    ),
    "what is made use of": (
        "We propose a net, employing GPUs. We go on, utilizing CPUs. We end, utilising NPUs.",
        {"GPUs": "evaluated", "CPUs": "evaluated", "NPUs": "evaluated"},
    ),
    "what is made use of by others": ("Others go on, employing GPUs. We propose a net.", {}),
    "in real time on it": ("We propose a net. It can be solved in real-time on laptops.", {"laptops": "evaluated"}),
    "the device of a rival": ("We propose a net. It is faster than both a net and an embedded GPU.", {}),
    "devices of rivals": (
        "We propose a net. It wins against laptops, versus CPUs, compared with NPUs and compared to mobile phones.",
        {},
    ),
    "a device that a rival runs on": ("We propose a net. It is faster than a net on laptops.", {"laptops": "evaluated"}),
    "a chip of which nothing is said": ("We propose a net. It unlocks songs on a GPU.", {"GPU": "intended"}),
    "a chip that is overtaxed": ("A GPU is too slow. We propose a net.", {}),
    "what is needed there": (
        "It is vital to earbuds. It is crucial for laptops, essential to smartphones, critical for QPUs. We propose a net.",
        {"earbuds": "intended", "laptops": "intended", "smartphones": "intended", "QPUs": "intended"},
    ),
    "what is lacking there": ("Earbuds lack a net. We propose one.", {"Earbuds": "intended"}),
    "a real car": (
        "We propose a net. It steers cars. It wins with a physical 1:10 scale racing car.",
        {"racing car": "evaluated"},
    ),
    "a real rover": ("We propose a net. It steers rovers. It wins with a physical rover.", {"rovers": "evaluated"}),
    "a real gripper": ("We propose a net. It moves grippers. It wins with a real gripper.", {"grippers": "evaluated"}),
    "a deployment in the field": (
        "We propose a net. It helps robots. It survived a field deployment.",
        {"robots": "evaluated"},
    ),
    "a single chip": ("We propose a net. It allows songs on a single GPU.", {"GPU": "evaluated"}),
    "a chip before an adjective": ("We propose a net. It allows single GPU memory-efficient training.", {"GPU": "evaluated"}),
    "a robot named beforehand": ("The Franka Panda is slow at songs. We propose a net.", {"Franka Panda": "evaluated"}),
    "a product named first by the paper itself": ("Here we use an A100. We propose a net.", {"A100": "evaluated"}),
    "the use of devices": (
        "We propose a net. It rests on utilization of laptops. Songs follow, integrating a QPU.",
        {"laptops": "evaluated", "QPU": "evaluated"},
    ),
    "on it, behind an adverb": ("We propose a net. Moreover, on laptops, songs start at once.", {"laptops": "evaluated"}),
    "what it is capable of": ("We propose a net. It is capable of running on laptops.", {"laptops": "intended"}),
    "robots of others": ("Robots are slow. We propose a net. It learns from robots.", {}),
    "robots for which it is hard": ("It is hard for robots. We propose a net.", {"robots": "intended"}),
    "robotic systems that are not named again": ("It is a song for robotic systems. We propose a net for robotic songs.", {}),
    "tested on robots of any kind": ("We propose a net. We test it on robotic platforms.", {"robotic platforms": "evaluated"}),
    "something on a robot": ("We propose a net. It is an ear on a robot.", {}),
    "robots by which it works": ("Robots are slow. We propose a net. It is moved by robots.", {}),
    "robots that are only named once": ("We propose a net. It helps manipulators.", {}),
    "a robot that others drive": ("We propose a net. It wins in field tests. Recent nets that sing drive robots.", {}),
    "robots of which most are slow": ("Most singing robots are slow. We propose a net. It wins in field tests.", {}),
    "many robots": ("We propose a net. It wins in field tests with many singing robots.", {"robots": "evaluated"}),
    "robots for which others sing": (
        "Recent songs for bipedal robots are slow. We propose a net. It wins in field tests.",
        {"bipedal robots": "evaluated"},
    ),
    "without robots": ("We propose a net. It wins in field tests. It sings without any robots.", {}),
    "a simulated cluster": ("We propose a net. We test it on a simulated GPU cluster.", {}),
    "robots in simulations": ("We propose a net. We test it in simulations with a bipedal robot.", {}),
    "simulated and real robots": ("We propose a net. We test it on simulated and real robots.", {"real robots": "evaluated"}),
    "a product in simulation": ("We test it in simulation on a UR5.", {"UR5": "intended"}),
    "a product in simulation and at hand": (
        "We test it in simulation on a UR5. It takes 3 ms on the UR5.",
        {"UR5": "evaluated"},
    ),
    "a robot in simulation goes before its kind": (
        "We propose a net for humanoids. We test it in simulation on a Unitree G1.",
        {"Unitree G1": "intended"},
    ),
    "a robot on which songs were recorded": (
        "We propose a net. It learns from songs recorded with a UR5.",
        {"UR5": "evaluated"},
    ),
    "films of a robot": ("We propose a net. It learns from films recorded with a robot.", {}),
    "a chip on which films are restored": (
        "We propose a net. It runs on films captured at night and restored on one GPU.",
        {"GPU": "evaluated"},
    ),
    "a cue in another clause": ("We propose a net. It is tested, while cold, on laptops.", {"laptops": "evaluated"}),
    "what is away from a device": ("We deploy our net far from GPUs.", {}),
    "an example of an application": ("Applications such as bipedal robots are rare. We propose a net for bipedal gaits.", {}),
    "a chip that is too small": ("It is too heavy for commodity GPUs. We propose a net.", {"commodity GPUs": "intended"}),
    "scans of a phone": ("We train it on iPhone scans and run it on an iPad.", {"iPad": "evaluated"}),
    "a part of a chip": ("Our net takes 1 ms of a CPU core.", {"CPU core": "evaluated"}),
    "a class is listed": (
        "We test it on edge devices, including GPUs and Raspberry Pis.",
        {"edge devices": "evaluated", "GPUs": "evaluated", "Raspberry Pis": "evaluated"},
    ),
}


@pytest.mark.parametrize(("abstract", "targets"), CHOICES.values(), ids=CHOICES)
def test_one_target_for_a_product_or_a_category(abstract: str, targets: dict[str, str]) -> None:
    assert {target.name: target.role for target in targets_of(Document("d", "Net", abstract))} == targets


def test_a_product_is_named_where_the_abstract_names_it() -> None:
    document = Document("d", "A Net on a Jetson Orin", "It is light. We test it on a Jetson Orin.")
    (target,) = targets_of(document)
    assert target.span[0] == document.text.rindex("Jetson Orin")


def test_cue_words_are_written_as_they_are_compared() -> None:
    """Sentences are compared in lower case: a cue with a capital would never be found."""
    cues = [cue for group in word_lists() if group.list.startswith("hardware.") for cue in group.words]
    assert [cue for cue in cues if cue != cue.lower()] == []


def test_a_title_about_hardware_has_no_target() -> None:
    assert targets_of(Document("d", "Edge devices everywhere", "It is fast.")) == []


def test_a_title_names_the_robots_that_the_work_is_for() -> None:
    abstract = "It is fast. We propose it."
    assert [(t.name, t.role) for t in targets_of(Document("d", "A net for robots", abstract))] == [("robots", "intended")]
    assert targets_of(Document("d", "A net beside robots", abstract)) == []


@pytest.mark.parametrize(
    ("title", "targets"),
    [
        ("A net for UAV detection", []),
        ("Drone detection with a net", []),
        ("Detecting and counting drones", []),
        ("Detecting small aircraft", []),
        ("Detecting low flying UAVs", []),
        ("A net for UAV flight", ["UAVs"]),
    ],
)
def test_what_is_detected_is_no_target(title: str, targets: list[str]) -> None:
    assert [target.name for target in targets_of(Document("d", title, "We propose a net for UAVs."))] == targets


def test_a_class_in_the_title_restates_a_product() -> None:
    abstract = "We propose a net. It takes 3 ms on a Jetson Nano."
    assert [t.name for t in targets_of(Document("d", "A net on small edge devices", abstract))] == ["Jetson Nano"]
    assert [t.name for t in targets_of(Document("d", "A net on small edge devices", "We propose a net."))] == ["edge devices"]


@pytest.mark.parametrize(
    ("title", "abstract", "chosen"),
    [
        ("A net on a UR5", "We test it. It moves a UR5.", 1),
        ("A net on a UR5", "We test it.", 0),
        ("Net", "We test it on a UR5. It takes 3 ms on the UR5 arm. The UR5 is fast.", 1),
        ("Net", "We test it on a UR5. It takes 3 ms on the UR5 handles.", 0),
        ("A net on a UR5 arm", "We test it. It moves a UR5.", 1),
    ],
)
def test_the_mention_of_a_product_that_is_chosen(title: str, abstract: str, chosen: int) -> None:
    document = Document("d", title, abstract)
    (target,) = targets_of(document)
    assert document.text.count("UR5", 0, target.span[0]) == chosen


def test_a_document_without_hardware_has_no_target() -> None:
    assert targets_of(Document("d", "Net", "We prove a bound.")) == []


def test_a_long_enumeration_is_decided_without_recursion() -> None:
    document = Document("d", "Net", "We test it on " + "GPU, " * 3000 + "CPU.")
    assert [target.name for target in targets_of(document)] == ["GPU"]


def test_agrees_with_the_gold_abstracts() -> None:
    """F1 of detection at least 0.9; roles right in nine of ten. Measured when written: 0.956 and 0.94."""
    true, missed, spurious, roles = 0, 0, 0, 0
    for gold in read_gold(GOLD):
        matching = match(gold.hardware, targets_of(gold.document), hardware_likeness)
        true += len(matching.pairs)
        missed += len(matching.missed)
        spurious += len(matching.spurious)
        roles += sum(expected.role == target.role for expected, target in matching.pairs)
    assert 2 * true / (2 * true + missed + spurious) >= 0.9
    assert roles >= 0.9 * true
