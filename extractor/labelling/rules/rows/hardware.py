"""What a mention of hardware is to its paper: the first row that fits decides; what none fits is no target."""

from extractor.labelling.rules.hardware import HELD, ROBOTS, HardwareRow

# fmt: off
HARDWARE: tuple[HardwareRow, ...] = (
    HardwareRow("of a survey", "none", ("A survey of pruning", "We run it on GPUs."), asks=("survey",)),
    HardwareRow("operated by agents", "none", ("A GUI agent", "It is evaluated on smartphones."), categories=HELD | {"edge"},
        asks=("operated",)),
    HardwareRow("what qualifies a noun", "none", ("Net", "We measure GPU memory."), specific=False, but=ROBOTS,
        after="attribute"),
    HardwareRow("what it records", "none", ("Net", "We train it on iPhone scans."), categories=HELD, after="attribute"),
    HardwareRow("said again", "none", ("Net", "We run it on a Field-Programmable Gate Array (FPGA)."), asks=("said again",)),
    HardwareRow("what recorded data", "none", ("Net", "We evaluate it on images captured with smartphones."),
        before="recording"),
    HardwareRow("held while it records", "none", ("Net", "People carrying their own smartphones walk."), before="held"),
    HardwareRow("a product beforehand", "none", ("Net", "An RTX 4090 is slow. We propose a net."), specific=True,
        asks=("beforehand",)),
    HardwareRow("a product", "evaluated", ("Net", "We run it on an RTX 4090."), specific=True),
    HardwareRow("a machine of its own", "evaluated", ("Net", "We present a soft gripper."), before="made",
        asks=("own",)),
    HardwareRow("robots, tried", "evaluated", ("Net", "In real-world experiments, robots grasp."), categories=ROBOTS,
        asks=("no dataset", "tried")),
    HardwareRow("tested on a robot", "evaluated", ("Net", "We evaluate our policy on a quadruped."), categories=ROBOTS,
        asks=("special", "on it", "own")),
    HardwareRow("made for robots", "intended", ("Net", "We propose a policy for quadrupeds."), categories=ROBOTS,
        asks=("special", "no dataset", "what it is about")),
    HardwareRow("robots it works for", "intended", ("Net", "Robots are slow. We propose a net that helps robots."),
        categories=ROBOTS, asks=("in its own words", "no dataset")),
    HardwareRow("any other robot", "none", ("Net", "Humanoid robots are everywhere."), categories=ROBOTS),
    HardwareRow("what others have", "none", ("Net", "Existing methods run on GPUs."), before="owned"),
    HardwareRow("on it, results", "evaluated", ("Net", "On mobile devices, it takes 3 ms."), asks=("leading",)),
    HardwareRow("results on it", "evaluated", ("Net", "We evaluate it on edge devices."),
        asks=("cue of results", "tied to results")),
    HardwareRow("a purpose", "intended", ("Net", "It is suitable for edge devices."),
        asks=("cue of a purpose", "tied to a purpose")),
    HardwareRow("something on it", "intended", ("Net", "Intelligence on edge devices grows."), but=frozenset({"server"}),
        asks=("something on it",)),
    HardwareRow("what is hard on it", "intended", ("Net", "Edge devices cannot run it. We propose a net."),
        but=frozenset({"server", "gpu", "npu"}), asks=("what it answers",)),
    HardwareRow("at hand", "evaluated", ("Net", "We propose a net. It hands songs to a QPU."), but=ROBOTS,
        asks=("own", "on it")),
)
# fmt: on
