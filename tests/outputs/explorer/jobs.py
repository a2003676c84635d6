"""A job whose claims are known one by one: two years, two kinds of device, ties, nothing named, and text that would be more."""

from pathlib import Path
from typing import Any

from extractor.records import PHRASE_FIELDS, Claim, Extraction, HardwareTarget, Provenance, Quantity, Rejection, Spans
from tests.outputs.support import write_job

HOSTILE = '</script><script>alert("x")</script><!-- <b>bold</b> & "quoted" = $$data$$ {{ 7 * 7 }} \u2028 \x00'
RIGHT_TO_LEFT = "מערכת \u202eהפוכה\u202c"
LONG = "AnUnbreakable" * 40


def claim(text: str, kind: str, quantity: str, low: float, unit: str | None, **named: Any) -> Claim:
    """A claim whose words are found in the text: the first place of each."""
    high = named.pop("high", low)
    effect = named.pop("effect", None)
    comparison = named.pop("comparison", "change" if effect else "absolute")
    places = {name: named.get(name) for name in PHRASE_FIELDS}
    spans = {name: None if value is None else _place(text, value) for name, value in places.items()}
    return Claim(
        kind=kind,  # type: ignore[arg-type]
        comparison=comparison,
        effect=effect,
        quantity=Quantity(text=quantity, low=low, high=high, unit=unit, bound="exact"),
        **places,
        spans=Spans(quantity=_place(text, quantity), **spans),
        sentence=(text.index("\n") + 1, len(text)),
    )


def _place(text: str, words: str) -> tuple[int, int]:
    start = text.index(words)
    return start, start + len(words)


def record(id: str, title: str, abstract: str, claims: list[tuple[Any, ...]], **more: Any) -> Extraction:
    """A record; a claim is the arguments of `claim` behind the text, the last of them a dict of what it names."""
    text = f"{title}\n{abstract}"
    targets = [
        HardwareTarget(name=name, specific=False, category=category, role="evaluated", span=_place(text, name))
        for name, category in more.get("hardware", ())
    ]
    return Extraction(
        id=id,
        title=title,
        abstract=abstract,
        system=more.get("system"),
        claims=tuple(claim(text, *each[:-1], **each[-1]) for each in claims),
        hardware=tuple(targets),
        rejected=more.get("rejected", ()),
        provenance=Provenance(extractor="0", labeller="rules", model="rules"),
        source=more.get("source", {}),
    )


FAST = record(
    "10.1/fast",
    "Tern 🐦: fast 𝔹irds",
    "On a Jetson board and a phone, Tern runs 2.5x faster than Gull 🐦, takes 40 ms on CIFAR-10 and 12 MB.",
    [
        (
            "speedup",
            "2.5x",
            2.5,
            "x",
            {"effect": "better", "subject": "Tern", "baseline": "Gull", "hardware": "a Jetson board and a phone"},
        ),
        ("speed", "40 ms", 40, "ms", {"subject": "Tern", "dataset": "CIFAR-10", "hardware": "phone"}),
        ("resource", "12 MB", 12, "MB", {"subject": "Tern"}),
    ],
    system="Tern",
    hardware=[("Jetson board", "edge"), ("phone", "mobile")],
    source={"doi": "10.1/fast", "year": 2023, "authors": ["Ada B.", "Cy D."], "venue": "Birds"},
    rejected=(Rejection(field="claims[3].baseline", value="GPT-4", reason="not found in the text"),),
)
SLOW = record(
    "slow",
    "Gulls at rest",
    "On a server, gull is 4x slower than tern, and its accuracy is 71% on cifar 10.",
    [
        (
            "speedup",
            "4x",
            4,
            "x",
            {"effect": "worse", "metric": "slower", "subject": "gull", "baseline": "tern", "hardware": "server"},
        ),
        ("accuracy", "71%", 71, "%", {"metric": "accuracy", "dataset": "cifar 10"}),
    ],
    hardware=[("server", "server")],
    source={"year": 2021, "url": "javascript:alert(1)"},
)
ODD = record(
    "odd #1/2",
    HOSTILE,
    f"{RIGHT_TO_LEFT} reaches 71% accuracy. {LONG} {HOSTILE} =1+1",
    [("accuracy", "71%", 71, "%", {"metric": "accuracy", "subject": RIGHT_TO_LEFT, "dataset": LONG, "baseline": "=1+1"})],
)
NONE = record("none", "Nothing is claimed", "Nothing at all.", [])
RECORDS = [FAST, SLOW, ODD, NONE]


def job(folder: Path, records: list[Extraction] = RECORDS) -> Path:
    """A job's folder, with a failure."""
    return write_job(folder, records)


def many(claims: int) -> list[Extraction]:
    """Records with so many claims, all different, four an abstract of usual length."""
    filler = "The method keeps its parts small and its text long, as abstracts have it, and says little of note. " * 8
    kinds = ("cpu", "gpu", "mobile", "edge", "fpga", "server")
    records = []
    for n in range(claims // 4):
        named = {
            "subject": f"System{n % 997}",
            "baseline": f"Base{n % 311}",
            "dataset": f"Set {n % 53}",
            "hardware": "a device",
        }
        factor, time, size, share = 1 + n % 977 / 10, 1 + n % 613, 2 + n % 409, n % 100
        abstract = (
            f"{filler}On a device, {named['subject']} is {factor:g}x faster than {named['baseline']} on {named['dataset']}, "
            f"takes {time} ms of latency {n}, needs {size} MB, and has {share}% accuracy."
        )
        records.append(
            record(
                f"d{n}",
                f"{named['subject']}: quick work number {n}",
                abstract,
                [
                    ("speedup", f"{factor:g}x", factor, "x", {"effect": "better", **named}),
                    ("speed", f"{time} ms", time, "ms", {"metric": "latency", **named}),
                    ("resource", f"{size} MB", size, "MB", {"subject": named["subject"]}),
                    ("accuracy", f"{share}%", share, "%", {"metric": "accuracy", "dataset": named["dataset"]}),
                ],
                system=named["subject"],
                hardware=[("device", kinds[n % len(kinds)])],
                source={"year": 2010 + n % 15},
            )
        )
    return records
