"""Products and classes of hardware are found at their shortest names, with category and specificity; other things are not."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.evaluation.gold import read_gold
from extractor.spotting import lexicon, spot

CASES = json.loads(Path(__file__).with_name("hardware.json").read_text(encoding="utf-8"))
GOLD = Path(__file__).parents[2] / "evals" / "gold" / "seeds"
PRODUCTS = tomllib.loads((Path(lexicon.__file__).parent / "hardware_products.toml").read_text(encoding="utf-8"))["product"]
EXAMPLES = [(family["category"], name) for family in PRODUCTS for name in family["examples"]]
PIECES = [
    "NVIDIA",
    "Jetson",
    "Nano",
    "A100",
    "T4",
    "GPU",
    "GPUs",
    "edge",
    "devices",
    "server",
    "router",
    "Wi-Fi",
    "iPhone",
    "13",
    "the",
    "cloud",
]
PIECES += [
    "resource-constrained",
    "with limited memory",
    "robot",
    "Unitree",
    "G1",
    "humanoid",
    ",",
    "/",
    "and",
    "-",
    "We introduce Foo, a robot",
]


@pytest.mark.parametrize(("text", "expected"), CASES["found"], ids=[text for text, _ in CASES["found"]])
def test_finds_name_category_and_specificity(text: str, expected: list[list[object]]) -> None:
    assert [[m.text, m.category, m.specific] for m in spot(f"It works {text}.").hardware] == expected


def test_no_name_begins_in_the_title_and_ends_in_the_abstract() -> None:
    assert [m.text for m in spot("Net on Edge\nDevices learn.").hardware] == []


OWN = [
    ("Foox: A Wall-climbing Robot\nIt is light.", "Foox", "robot"),
    ("Foox: Design and Control of a Novel Surfing Vehicle\nIt is light.", "Foox", "robot"),
    ("Foox: A vector processor for spikes\nIt is light.", "Foox", "npu"),
    ("Net\nWe present a light surfing vehicle, Foox, for lakes.", "Foox", "robot"),
    ("Net\nWe describe the implementation of a small gripper called Foox.", "Foox", "robot"),
    ("Net\nWe built a spiking, fast processor (Foox).", "Foox", "npu"),
    ('Net\nIt describes our light drone, "Foox".', "Foox", "robot"),
    ("FOO-2 Hand: A light robotic hand for cups\nIt is light.", "FOO-2 Hand", "robot"),
    ("Foox: A Soft Glove for Robots\nIt is light.", "Foox", "robot"),
    ("Foox: A Robot Leg with Springs\nIt is light.", "Foox", "robot"),
    ("Foox: A four-legged robot platform for caves\nIt is light.", "Foox", "robot"),
    ("Net\nThis paper presents a slim robotic finger (FXRF) that bends.", "FXRF", "robot"),
    ("Net\nIt is part of a slim robotic hand (FXRF-Hand) for cups.", "FXRF-Hand", "robot"),
    ("Net\nIt is put on a slim robot (FooBot2).", "FooBot2", "robot"),
    ("Net\nWe study the use of a slim robot (mobile manipulator), shortly FOOX, for cups.", "FOOX", "robot"),
    ("Net\nIt is put on our slim robot, Foox, and moves.", "Foox", "robot"),
    ("Net\nWe propose Foox, a light mobile manipulator system that lifts cups.", "Foox", "robot"),
    ("Net\nWe propose Foox (Foo for all), a light wheelchair driven by a robot.", "Foox", "robot"),
    ("Net\nWe propose the FOO2 Leg (Foo for all) - a light robotic system that kicks.", "FOO2 Leg", "robot"),
    ("Foox: A Light Robotic Platform for Cups\nIt is light.", "Foox", "robot"),
    ("Foox: A Light Social Robot Based on Cups\nIt is light.", "Foox", "robot"),
    ("FOOX Hand: Light Prosthetic Hand Enabling Grasps of Cups\nIt is light.", "FOOX Hand", "robot"),
    ("FOOX Hand Prototype: Design of a Cheap, Light Biomimetic Hand for Cups\nIt is light.", "FOOX Hand", "robot"),
    ("Foox: Design, Development, and Functional Evaluation of a Robotic Ankle with Springs\nIt is light.", "Foox", "robot"),
    ("Net\nWe present a light robotic platform, Foox, for cups.", "Foox", "robot"),
    ("Net\nFooBot is a light wheeled robot with horns.", "FooBot", "robot"),
    ("Net\nIt is put on the wheeled robot FooBot in Foo.", "FooBot", "robot"),
    ("Net\nIt is put on the wheeled robot FX-7.", "FX-7", "robot"),
    ("Net\nIt is put on Foo's BAR-Ball2 robot.", "BAR-Ball2", "robot"),
    ("Net\nIt is put on the FOOX soft testbed with a robot.", "FOOX", "robot"),
    ("Net\nIt steers the attitude of the Foox 3U nanosatellite.", "Foox 3U", "robot"),
    ("Net\nWe present a slim robotic hand, Foox-B Hand, for cups.", "Foox-B Hand", "robot"),
    ("Net\nIt is put on the FOOX exoskeleton with a robot.", "FOOX", "robot"),
    ("Net\nIt is put on the FOOX robotic platform.", "FOOX", "robot"),
    ("Net\nIt is put on the FOO365 excavator of a robot.", "FOO365", "robot"),
    ("Net\nIt is part of some modified FOOX quadruped.", "FOOX", "robot"),
    ("Net\nIt is part of the 12-DoF FOOX quadruped.", "FOOX", "robot"),
    ("Net\nIt is a plan for FooX, a light wheeled robot.", "FooX", "robot"),
    ("Net\nThe FX Gripper lifts cups as robots do.", "FX Gripper", "robot"),
    ("Net\nWe study the use of a slim five-wheeled robot, shortly SFWR, for cups.", "SFWR", "robot"),
]


@pytest.mark.parametrize("adjective", ["bio-ink", "low-cost", "four-wheel", "two-finger", "six-fingers", "all-purpose"])
def test_a_robot_is_named_behind_a_compound_adjective(adjective: str) -> None:
    assert [m.text for m in spot(f"Net\nIt has some {adjective} SoftFoo quadruped.").hardware if m.specific] == ["SoftFoo"]


@pytest.mark.parametrize(("text", "name", "category"), OWN)
def test_finds_the_machine_that_a_paper_names_its_own(text: str, name: str, category: str) -> None:
    found = [(m.text, m.category) for m in spot(text).hardware if m.specific]
    assert found == [(name, category)]


@pytest.mark.parametrize(
    "noun",
    [
        *("robot", "humanoid", "quadruped", "exoskeleton", "quadrotor", "drone", "rover", "gripper", "manipulator"),
        *("vehicle", "hand", "chip", "processor", "accelerator"),
    ],
)
def test_a_machine_of_any_kind_has_a_name(noun: str) -> None:
    for title in ("Foox: A light {}", "Foox: The light {}, made of paper", "Foox: Light {} for lakes", "Foox: {} with legs"):
        assert "Foox" in [m.text for m in spot(f"{title.format(noun)}\nIt is light.").hardware], title
    for behind in (
        ", Foox, for",
        " (Foox)",
        " called Foox.",
        ", named Foox,",
        " dubbed Foox)",
        " termed Foox,",
        ' "Foox"',
        " `Foox'",
    ):
        assert "Foox" in [m.text for m in spot(f"Net\nWe present a light {noun}{behind} lakes.").hardware], behind


@pytest.mark.parametrize(
    "verb", ["introduce", "present", "propose", "develop", "design", "describe", "build", "built", "fabricate"]
)
def test_a_machine_is_named_where_a_paper_tells_of_it(verb: str) -> None:
    for article in ("a", "an easy,", "our", "the", "the design of a"):
        assert [m.text for m in spot(f"Net\nWe {verb} {article} light surfing vehicle, Foox, for lakes.").hardware] == ["Foox"]


@pytest.mark.parametrize(
    "text",
    [
        "Foox: Control of a Robot\nIt is light.",
        "Foox: Tracking a Robot\nIt is light.",
        "Foox: A Robot Policy\nIt is light.",
        "Foox: A Study of Designs of a Robot\nIt is light.",
        "Foox: Light, Cheap Robot Learning\nIt is light.",
        "Net\nWe tested a small drone, Foox, outside.",
        "Net\nWe present a net for a small drone, Foox, outside.",
        "Net\nWe present a slim robot (SRX).",
        "Net\nWe present a light plan, Foox, for lakes.",
        "Net\nWe present a light arm, Foox, of a trial.",
        "Net\nWe present Foox, a light policy as robot, which moves.",
        "Net\nWe present Foox, a suite targeting walls, robots, cups and more.",
        "Net\nWe present a light robot (SCARA).",
        "Net\nWe present a light, screw-driven arm robot (LSDAR) for cups.",
        "Net\nIt is a plan for FooX, a light robotic system.",
        "Net\nWe present a light robot (FOXRs).",
        "Net\nWe saw the Fine Spectrometer On Chip (FiSpoC).",
        "Net\nIt is put on the wheeled robot FooBot-based.",
        "Net\nWe tackle the Kidnapped Robot Problem.",
    ],
)
def test_a_name_beside_a_machine_is_not_its_name(text: str) -> None:
    assert [m.text for m in spot(text).hardware if m.specific] == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Design of an electronic foo robot\nIt is light.", "robot"),
        ("Net\nIt is part of a robotic cup washing system.", "robotic cup washing system"),
        ("Net\nIt is part of a robotic sowing system.", "robotic sowing system"),
    ],
)
def test_a_robot_of_any_kind_is_a_class(text: str, name: str) -> None:
    assert [(m.text, m.specific) for m in spot(text).hardware] == [(name, False)]


@pytest.mark.parametrize("system", ["robotic vision system", "robotic sowing systems", "robotic and other system"])
def test_what_only_serves_robots_is_none(system: str) -> None:
    assert spot(f"Net\nIt is part of {system}.").hardware == ()


@pytest.mark.parametrize("name", ["RoVer", "DroNe", "QUADruped"])
def test_a_name_that_only_spells_a_machine_is_none(name: str) -> None:
    assert spot(f"Net\nWe propose {name}, which plans.").hardware == ()
    assert [m.text for m in spot(f"Net\nWe use a {name.lower()}, a {name.title()}.").hardware] == [name.lower(), name.title()]


@pytest.mark.parametrize("text", CASES["left alone"])
def test_leaves_other_things_alone(text: str) -> None:
    assert spot(f"Here we study {text}, among others.").hardware == ()


@pytest.mark.parametrize(("category", "name"), EXAMPLES, ids=[name for _, name in EXAMPLES])
def test_finds_the_examples_of_each_family(category: str, name: str) -> None:
    (mention,) = spot(f"It runs on {name} today.").hardware
    assert (mention.text, mention.specific) == (name, True)
    # The NPU of a phone is an NPU, whatever family the phone belongs to.
    assert mention.category == ("npu" if name.endswith(("NPU", "EdgeTPU")) else category)


def test_every_family_shows_examples() -> None:
    assert [family["pattern"] for family in PRODUCTS if not family["examples"]] == []


def test_a_product_is_sought_in_lower_case_where_an_example_shows_it_so() -> None:
    assert [m.text for m in spot("It runs on vivo X100, realme GT 5, Vivo X100 and raspberry pi.").hardware] == [
        "vivo X100",
        "realme GT 5",
        "Vivo X100",
        "raspberry pi",
    ]
    assert spot("It runs on galaxy S10, dell XPS and pixel 6.").hardware == ()


def test_covers_the_hardware_of_the_gold_abstracts() -> None:
    """At least 99% of the annotated names are overlapped by a mention of their category and specificity."""
    names, covered = 0, 0
    for gold in read_gold(GOLD):
        mentions = spot(gold.document.text).hardware
        for target in gold.hardware:
            names += 1
            covered += any(
                (mention.category, mention.specific) == (target.category, target.specific)
                and mention.span[0] < target.span[1]
                and target.span[0] < mention.span[1]
                for mention in mentions
            )
    assert covered >= 0.99 * names


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=30).map(" ".join))
def test_mentions_are_in_order_apart_and_verbatim(text: str) -> None:
    found = spot(text)
    mentions = found.hardware
    assert [mention.id for mention in mentions] == [len(found.quantities) + n for n in range(1, len(mentions) + 1)]
    assert all(text[slice(*mention.span)] == mention.text != "" for mention in mentions)
    ends = [0, *(mention.span[1] for mention in mentions)]
    assert all(end <= mention.span[0] for end, mention in zip(ends, mentions, strict=False))
