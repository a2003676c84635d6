"""A unit is read under its canonical name, prefixes written out where the guidelines say so."""

import pytest

from extractor.spotting import units
from extractor.spotting.units import in_base_unit, known_unit, noun_unit, read_unit
from extractor.text import View


@pytest.mark.parametrize(
    ("text", "name", "scale", "written"),
    [
        ("5x faster", "x", 1, "x"),
        ("5$\\times$ faster", "x", 1, "$\\times$"),
        ("5-fold", "x", 1, "-fold"),
        ("5 per cent of", "%", 1, " per cent"),
        ("5 pp", "%", 1, " pp"),
        ("5 frames per second", "FPS", 1, " frames per second"),
        ("5 tok/s", "tokens/s", 1, " tok/s"),
        ("5 GFLOPs", "FLOPs", 1e9, " GFLOPs"),
        ("5 TMACs", "MACs", 1e12, " TMACs"),
        ("5 milliseconds", "ms", 1, " milliseconds"),
        ("5$\\mu$s", "us", 1, "$\\mu$s"),
        ("5 KiB", "KB", 1, " KiB"),
        ("5~GB/s", "GB/s", 1, "~GB/s"),
        ("5 TOPS/W", "TOPS/W", 1, " TOPS/W"),
        ("5 kHz", "kHz", 1, " kHz"),
        ("5 nanometers", "nm", 1, " nanometers"),
        ("5 mV", "mV", 1, " mV"),
        ("5 kWh", "kWh", 1, " kWh"),
        ("5 kilometres", "km", 1, " kilometres"),
        ("5 $\\mu$J", "uJ", 1, " $\\mu$J"),
        ("5 months", "months", 1, " months"),
    ],
)
def test_reads_units(text: str, name: str, scale: float, written: str) -> None:
    view = View(text)
    unit = read_unit(view.text, 1)
    assert unit is not None
    assert (unit.name, unit.scale, text[slice(*view.original(1, unit.end))]) == (name, scale, written)


@pytest.mark.parametrize(
    "text",
    [
        "5 in all",
        "5 a day",
        "5 points",
        "5 images",
        "5-way",
        "5x5",
        "5 of",
        "5 A",
        "5 people",
        "5",
        "5 QA datasets",
        "5 PA tasks",
        "5d objects",
    ],
)
def test_words_are_no_units(text: str) -> None:
    assert read_unit(text, 1) is None


def test_a_noun_behind_adjectives_names_the_unit() -> None:
    assert noun_unit("5M trainable parameters", 2) == "params"
    assert noun_unit("5M pretty parameters", 2) is None


@pytest.mark.parametrize(
    ("name", "dimension", "reports"),
    [
        ("ms", "time", "time"),
        ("ms/token", "time", "time"),
        ("FPS", "rate", "time"),
        ("grasps per second", "rate", "time"),
        ("steps per second", "rate", "time"),
        ("m/s", "length", ""),
        ("degrees per second", "angle", ""),
        ("rad/s", "angle", ""),
        ("Hz", "frequency", "time"),
        ("kHz", "frequency", ""),
        ("GB/s", "data", "cost"),
        ("mJ/inference", "energy", "cost"),
        ("TOPS/W", "operation rate", "cost"),
        ("frobs/W", "", "cost"),
        ("params", "parameters", "cost"),
        ("MW", "power", ""),
        ("frobs", "", ""),
        (None, "", ""),
    ],
)
def test_a_unit_has_a_dimension_and_says_what_it_reports(name: str | None, dimension: str, reports: str) -> None:
    unit = known_unit(name)
    assert (unit.dimension, unit.reports) == (dimension, reports)


def test_the_base_of_a_unit_is_its_size_and_a_rate_has_none() -> None:
    assert [known_unit(name).base for name in ("ms", "h", "days", "KB", "mJ", "km")] == [1e-3, 3600, 86400, 1e3, 1e-3, 1e3]
    assert known_unit("s/frame").base == 0


def test_every_spelling_names_a_unit_that_is_known() -> None:
    for spelling, (name, scale) in units._SPELLINGS.items():
        assert known_unit(name).dimension, spelling
        assert scale > 0


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (40.0, "ms", (0.04, "s")),
        (2.0, "h", (7200.0, "s")),
        (8.0, "MB", (8e6, "B")),
        (3.0, "mJ", (0.003, "J")),
        (2.0, "GHz", (2e9, "Hz")),
        (3.0, "uW", (3e-6, "W")),
        (3.0, "tokens/s", (3.0, "tokens/s")),
        (3.0, "rounds", (3.0, "rounds")),
        (3.0, "mJ/inference", (3.0, "mJ/inference")),
        (2.0, "x", (2.0, "ratio")),
        (40.0, "%", (40.0, "%")),
        (5.0, "MACs", (10.0, "FLOPs")),
        (90.0, "FPS", (90.0, "FPS")),
        (0.9, None, (0.9, None)),
        (3.0, "glimmers", (3.0, "glimmers")),
    ],
)
def test_a_value_comes_into_base_units(value: float, unit: str | None, expected: tuple[float, str | None]) -> None:
    found = in_base_unit(value, unit)
    assert found[0] == pytest.approx(expected[0])
    assert found[1] == expected[1]
