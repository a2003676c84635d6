"""The rows of the rules: each decides its own example, and no code asks which row it was."""

import ast
from dataclasses import fields
from pathlib import Path

import pytest

from extractor.documents import Document
from extractor.labelling.rules import hardware, lexicon
from extractor.labelling.rules.claims import Attached, read_claims
from extractor.labelling.rules.comparands import BaselineRow
from extractor.labelling.rules.frames import NUMBERS, FrameRow, SharingRow
from extractor.labelling.rules.hardware_places import read_cues
from extractor.labelling.rules.judging import GOVERNED, EffectRow, Judged, Row
from extractor.labelling.rules.places import DatasetRow, DeviceRow
from extractor.labelling.rules.rows import Rules
from extractor.labelling.rules.subjects import SubjectRow
from extractor.labelling.rules.system import SystemRow, find_system
from extractor.spotting import spot
from tests.labelling.rules.reference import LABELS, PAGE, labels, page

RULES = Rules()
WORDS = lexicon.lexicon()
ROOM = Path(lexicon.__file__).parent


def read(text: str) -> list[tuple[Judged, Attached | None]]:
    """The numbers of an abstract, judged, and where they are claims, with their phrases."""
    return [*read_claims(spot(f"T\n{text}"), None, RULES, WORDS)]


def name_of(value: object) -> str | None:
    return getattr(value, "name", None)


@pytest.mark.parametrize("row", [*RULES.frames, *RULES.shared], ids=name_of)
def test_a_row_hangs_the_last_number_of_its_example(row: FrameRow | SharingRow) -> None:
    frame = read(row.example)[-1][0].frame
    metric = frame.sentence.phrase(*frame.metric) if frame.metric else None
    change = frame.sentence.words[frame.change] if frame.change is not None else None
    assert (frame.row, metric, change) == (row, *row.yields)


@pytest.mark.parametrize("row", RULES.claims, ids=name_of)
def test_a_row_judges_the_last_number_of_its_example(row: Row) -> None:
    judged, _ = read(row.example)[-1]
    assert (judged.row, judged.claim) == (row, row.says == "claim")


SENSES = [(n, row) for n, table in enumerate((RULES.comparisons, RULES.kinds, RULES.effects)) for row in table]


@pytest.mark.parametrize(("n", "row"), SENSES, ids=name_of)
def test_a_row_says_what_the_last_number_of_its_example_reports(n: int, row: Row | EffectRow) -> None:
    _, claim = read(row.example)[-1]
    assert claim is not None
    assert claim.sense.why[n] == row.name
    kind = {"speed": "time", "speedup": "time"}.get(claim.sense.kind, claim.sense.kind)
    said = (claim.sense.comparison, kind, claim.sense.effect)[n]
    assert said in ((row.more, row.less) if isinstance(row, EffectRow) else (row.says,))


PHRASES = [
    *(("subject", row) for row in RULES.subjects),
    *(("baseline", row) for row in RULES.baselines),
    *(("dataset", row) for row in RULES.datasets),
    *(("hardware", row) for row in RULES.devices),
]


@pytest.mark.parametrize(("field", "row"), PHRASES, ids=name_of)
def test_a_row_finds_the_phrase_of_its_example(field: str, row: SubjectRow | BaselineRow | DatasetRow | DeviceRow) -> None:
    found = [claim.phrases()[field] for _, claim in read(row.example) if claim is not None]
    assert (row.yields, row.name) in found


@pytest.mark.parametrize("row", RULES.systems, ids=name_of)
def test_a_row_finds_the_system_of_its_example(row: SystemRow) -> None:
    document = Document("d", *row.example)
    assert find_system(document, spot(document.text), RULES.systems, WORDS) == (row.yields, row.name)


@pytest.mark.parametrize("row", RULES.hardware, ids=name_of)
def test_a_row_decides_the_last_mention_of_its_example(row: hardware.HardwareRow) -> None:
    document = Document("d", *row.example)
    assert hardware.decide(document, spot(document.text), RULES.hardware, read_cues(WORDS))[-1][1] == row


def test_the_rows_on_the_page_are_the_rows() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.labelling.rules.reference"


def test_the_labels_of_the_annotated_abstracts_are_those_last_looked_at() -> None:
    assert LABELS.read_text(encoding="utf-8") == labels(), "python -m tests.labelling.rules.reference"


def test_names_are_unique_in_a_table() -> None:
    for table in fields(RULES):
        names = [row.name for row in getattr(RULES, table.name)]
        assert sorted(names) == sorted(set(names)), table.name


def test_what_rows_ask_of_a_number_exists() -> None:
    rows = (*RULES.claims, *RULES.comparisons, *RULES.kinds)
    assert {row.number for row in rows} - {None} <= set(NUMBERS)
    assert {name for row in rows for name in row.governed} <= set(GOVERNED)
    assert {name for row in RULES.hardware for name in row.asks} <= set(hardware.CONDITIONS)
    lists = {near.list for row in rows for near in (*row.near, *row.unless)}
    assert lists <= set(WORDS.lists)


def test_no_code_compares_the_name_of_a_row() -> None:
    """Names are for people: what a stage asks of a row is an attribute of it."""
    names = {row.name for table in fields(RULES) for row in getattr(RULES, table.name)}
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare):
                texts = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
                assert not texts & (names), f"{path}:{node.lineno}"
                assert not any(isinstance(each, ast.Attribute) and each.attr == "name" for each in ast.walk(node)), path
