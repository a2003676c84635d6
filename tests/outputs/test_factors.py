"""Factors: each rule by its example, and the words that decide between rules."""

from typing import Any

import pytest

from extractor.outputs.factors import factor_of, rules
from extractor.records import Claim, Quantity, Spans


def claim_of(example: dict[str, Any], comparison: str) -> tuple[Claim, str]:
    """A claim about the quantity in [brackets], and the text without them."""
    before, written, behind = example["text"].replace("]", "[").split("[")
    text = f"Title\n{before}{written}{behind}"
    start = len("Title\n") + len(before)
    claim = Claim(
        kind=example["kind"],
        comparison=comparison,  # type: ignore[arg-type]
        effect=example.get("effect"),
        quantity=Quantity(
            text=written,
            low=example["low"],
            high=example.get("high", example["low"]),
            unit=example["unit"] or None,
            bound="exact",
        ),
        metric=example.get("metric"),
        subject=None,
        baseline=None,
        dataset=None,
        hardware=None,
        spans=Spans(quantity=(start, start + len(written))),
        sentence=(len("Title\n"), len(text)),
    )
    return claim, text


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_each_rule_decides_its_example(rule: Any) -> None:
    found = factor_of(*claim_of(rule.example, rule.comparison))
    assert found.rule == rule.name
    expected = rule.example.get("factor")
    assert found.low == found.high == (None if expected is None else pytest.approx(expected, rel=1e-3))
    assert bool(rule.gives) == (expected is not None) != bool(rule.because)


CHANGES = [
    # text, kind, effect, metric, factor
    ("It speeds up the latency by a mean of [35.6%] across sizes.", "speedup", "better", "latency", 1.5528),
    ("It speeds up inference by [35.6%].", "speedup", "better", None, 1.356),
    ("It gives a [30%] end-to-end wall clock speed up.", "speedup", "better", "wall clock", 1.3),
    ("It improves latency by [20%].", "speedup", "better", "latency", 1.25),
    ("It improves throughput by [20%].", "speedup", "better", "throughput", 1.2),
    ("It has [24%] and 23% lower latency.", "speedup", "better", "latency", 1.3158),
    ("It reduces memory by up to 24% and power by up to [23%].", "resource", "better", "power", 1.2987),
    ("It reduces memory by more than [50%].", "resource", "better", "memory", 2.0),
    ("It cuts 10% of time while throughput rises by [10%].", "speedup", "better", "throughput", 1.1),
    ("It is [30%] smaller.", "resource", "better", None, 1.4286),
    ("It saves [30%] of the energy.", "resource", "better", "energy", 1.4286),
    ("It comes with [15%] training overhead.", "speedup", "worse", "training overhead", 0.8696),
    ("It gives [12%] relative gain in accuracy.", "accuracy", "better", "accuracy", 1.12),
    ("It gives [12%] gain relative to X in accuracy.", "accuracy", "better", "accuracy", None),
    ("It reduces RMSE by [20%].", "accuracy", "better", "RMSE", 1.25),
    ("It reduces word error rate by [20%].", "accuracy", "better", "word error rate", None),
    ("It reduces latency by 10 ms and accuracy drops [3 points].", "accuracy", "worse", "accuracy", None),
    ("It reduces GPU utilization by [20%].", "resource", "better", "GPU utilization", None),
    (
        "It reduces wall-clock time to baseline performance by [20%].",
        "speedup",
        "better",
        "wall-clock time to performance",
        1.25,
    ),
    ("Training takes [150%] longer time.", "speedup", "worse", "time", 0.4),
]


@pytest.mark.parametrize(("text", "kind", "effect", "metric", "factor"), CHANGES, ids=[row[0] for row in CHANGES])
def test_a_change_in_percent(text: str, kind: str, effect: str, metric: str | None, factor: float | None) -> None:
    number = float("".join(c for c in text[text.index("[") + 1 : text.index("]")] if c.isdigit() or c == "."))
    example = {"text": text, "kind": kind, "effect": effect, "metric": metric, "low": number, "unit": "%"}
    found = factor_of(*claim_of(example, "change"))
    assert found.high == (None if factor is None else pytest.approx(factor, abs=1e-4))


def test_the_ends_of_a_range_have_a_factor_each() -> None:
    example = {"text": "It reduces perplexity by [18-25%].", "kind": "accuracy", "effect": "better"}
    claim, text = claim_of(example | {"low": 18.0, "high": 25.0, "unit": "%", "metric": "perplexity"}, "change")
    found = factor_of(claim, text)
    assert [found.low, found.high] == pytest.approx([1.2195, 1.3333], abs=1e-4)


def test_an_absolute_value_has_no_factor_and_no_rule() -> None:
    example = {"text": "It takes [5 ms].", "kind": "speed", "low": 5.0, "unit": "ms"}
    found = factor_of(*claim_of(example, "absolute"))
    assert (found.low, found.high, found.rule) == (None, None, None)


@pytest.mark.parametrize("metric", ["latency", None])
def test_a_fraction_of_nothing_known_to_be_good_or_bad(metric: str | None) -> None:
    example = {"text": "It has [half] of it.", "kind": "speedup", "low": 0.5, "unit": "x", "metric": metric}
    assert factor_of(*claim_of(example, "fraction")).high == (2.0 if metric else None)
