"""Find phrases that name computing hardware."""

from extractor.spotting.mentions import HardwareMention


def find_hardware(text: str, first_id: int = 1) -> tuple[HardwareMention, ...]:
    """Find the hardware mentions of a text in reading order, numbered from `first_id`."""
    return ()
