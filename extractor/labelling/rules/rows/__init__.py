"""The rules as data: a table for each stage, its rows in the order in which they are tried."""

from dataclasses import dataclass

from extractor.labelling.rules.comparands import BaselineRow
from extractor.labelling.rules.frames import FrameRow, SharingRow
from extractor.labelling.rules.hardware import HardwareRow
from extractor.labelling.rules.judging import EffectRow, Row
from extractor.labelling.rules.places import DatasetRow, DeviceRow
from extractor.labelling.rules.rows.claims import CLAIMS
from extractor.labelling.rules.rows.frames import FRAMES, SHARED
from extractor.labelling.rules.rows.hardware import HARDWARE
from extractor.labelling.rules.rows.phrases import BASELINES, DATASETS, DEVICES, SUBJECTS
from extractor.labelling.rules.rows.senses import COMPARISONS, EFFECTS, KINDS
from extractor.labelling.rules.rows.systems import SYSTEMS
from extractor.labelling.rules.subjects import SubjectRow
from extractor.labelling.rules.system import SystemRow


@dataclass(frozen=True)
class Rules:
    """All tables."""

    frames: tuple[FrameRow, ...] = FRAMES
    shared: tuple[SharingRow, ...] = SHARED
    claims: tuple[Row, ...] = CLAIMS
    comparisons: tuple[Row, ...] = COMPARISONS
    kinds: tuple[Row, ...] = KINDS
    effects: tuple[EffectRow, ...] = EFFECTS
    subjects: tuple[SubjectRow, ...] = SUBJECTS
    baselines: tuple[BaselineRow, ...] = BASELINES
    datasets: tuple[DatasetRow, ...] = DATASETS
    devices: tuple[DeviceRow, ...] = DEVICES
    systems: tuple[SystemRow, ...] = SYSTEMS
    hardware: tuple[HardwareRow, ...] = HARDWARE
