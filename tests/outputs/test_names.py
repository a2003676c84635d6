"""Normal forms: what is written in several ways has one key, what differs has two."""

import pytest

from extractor.outputs.names import name_key, phrase_key


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
