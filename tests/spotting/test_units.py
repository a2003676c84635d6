"""A unit is read under its canonical name, prefixes written out where the guidelines say so."""

import pytest

from extractor.spotting.units import noun_unit, read_unit


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
    ],
)
def test_reads_units(text: str, name: str, scale: float, written: str) -> None:
    unit = read_unit(text, 1)
    assert unit is not None
    assert (unit.name, unit.scale, text[1 : unit.end]) == (name, scale, written)


@pytest.mark.parametrize(
    "text", ["5 in all", "5 a day", "5 points", "5 images", "5-way", "5x5", "5 of", "5 A", "5 people", "5"]
)
def test_words_are_no_units(text: str) -> None:
    assert read_unit(text, 1) is None


def test_a_noun_behind_adjectives_names_the_unit() -> None:
    assert noun_unit("5M trainable parameters", 2) == "params"
    assert noun_unit("5M pretty parameters", 2) is None
