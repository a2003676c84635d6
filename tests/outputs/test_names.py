"""Normal forms: what is written in several ways has one key, what differs has two; numbers come into base units."""

import pytest

from extractor.outputs.names import base, name_key, phrase_key


@pytest.mark.parametrize(
    ("phrases", "key"),
    [
        (["edge device", "edge devices", "Edge Devices", "the edge devices", "edge-devices", "Edge\n device"], "edge device"),
        (["NVIDIA GTX 1660 Ti GPU", "NVIDIA GTX-1660 Ti GPUs"], "nvidia gtx 1660 ti gpu"),
        (["CPU", "CPUs", "a CPU"], "cpu"),
        (["MCUs"], "mcu"),
        (["bus"], "bus"),
        (["basis"], "basis"),
        (["memories", "memory"], "memory"),
        (["top-1 accuracy", "Top-1 Accuracy"], "top 1 accuracy"),
        (["NVIDIA"], "nvidia"),
        (["Raspberry Pi 4"], "raspberry pi 4"),
        (["Raspberry Pi 5"], "raspberry pi 5"),
    ],
)
def test_a_phrase_has_one_key(phrases: list[str], key: str) -> None:
    assert {phrase_key(phrase) for phrase in phrases} == {key}


@pytest.mark.parametrize(
    ("names", "key"),
    [
        (["CIFAR-10", "CIFAR 10", "cifar10"], "cifar10"),
        (["LLaVA-1.5", "LLaVA 1.5"], "llava1.5"),
        (["LLaVA-15"], "llava15"),
        (["YOLO+"], "yolo+"),
        (["YOLO"], "yolo"),
        (["M$^{3}$ViT"], "m3vit"),
        (["日本"], "日本"),
        (["-"], "-"),
    ],
)
def test_a_name_has_one_key(names: list[str], key: str) -> None:
    assert {name_key(name) for name in names} == {key}


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (40.0, "ms", (0.04, "s")),
        (2.0, "h", (7200.0, "s")),
        (8.0, "MB", (8e6, "B")),
        (3.0, "mJ", (0.003, "J")),
        (2.0, "x", (2.0, "ratio")),
        (40.0, "%", (40.0, "%")),
        (5.0, "MACs", (10.0, "FLOPs")),
        (90.0, "FPS", (90.0, "FPS")),
        (0.9, None, (0.9, None)),
        (3.0, "glimmers", (3.0, "glimmers")),
    ],
)
def test_a_value_comes_into_base_units(value: float, unit: str | None, expected: tuple[float, str | None]) -> None:
    found = base(value, unit)
    assert found[0] == pytest.approx(expected[0])
    assert found[1] == expected[1]
