"""Drafts: files to annotate that are gold files but for their marks, and that say where each phrase stands."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.documents import Document
from extractor.errors import DataError
from extractor.evaluation.drafts import NoLabeller, context_of, draft, draft_path, is_drafted, write_draft
from extractor.evaluation.gold import check_gold, occurrences, read_gold
from extractor.labelling.rules import RulesLabeller
from extractor.records import Extraction
from extractor.sources import Sourced, read
from extractor.worker import extract_document
from tests.evaluation.planted import DOCUMENT, GOLD, PHONES, SPEED, extraction, perfect, predict, replace, target

ROOT = Path(__file__).parents[2]


def cleared(file: dict[str, Any]) -> dict[str, Any]:
    """A draft after a person has deleted every mark."""
    items = {
        name: [{k: v for k, v in item.items() if k != "unreviewed"} for item in file[name]] for name in ("claims", "hardware")
    }
    return {key: value for key, value in file.items() if key != "unreviewed"} | items


def test_a_draft_that_was_reviewed_says_what_the_labeller_said(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    file, left_out = draft(perfect(GOLD))
    path.write_text(json.dumps(cleared(file)), encoding="utf-8")
    claims = tuple(replace(claim, restated=()) for claim in GOLD.claims)
    assert left_out == ()
    assert read_gold(path)[0] == replace(GOLD, claims=claims)


def test_the_drafts_of_real_abstracts_have_no_fault_but_their_marks(tmp_path: Path) -> None:
    made: dict[str, Extraction] = {}
    for found in read([str(ROOT / "evals" / "corpus" / "abstracts.txt")]):
        assert isinstance(found, Sourced)
        record = asyncio.run(extract_document(found.document, RulesLabeller()))
        made[record.id] = record
        file, left_out = draft(record)
        assert left_out == ()
        draft_path(tmp_path, record.id).write_text(json.dumps(cleared(file)), encoding="utf-8")
    for path, faults in check_gold(tmp_path):
        assert faults == ()
        gold = read_gold(path)[0]
        record = made[gold.document.id]
        assert [claim.span for claim in gold.claims] == [claim.spans.quantity for claim in record.claims]
        assert {one.span for one in gold.hardware} <= {one.span for one in record.hardware}
    assert len(made) == 143


def test_every_item_and_the_file_are_marked(tmp_path: Path) -> None:
    path = tmp_path / "new" / "d.json"
    assert write_draft(path, perfect(GOLD)) == ()
    marks = ["unreviewed", *(f"claims[{n}].unreviewed" for n in range(3)), *(f"hardware[{n}].unreviewed" for n in range(2))]
    [(_, faults)] = check_gold(path)
    assert [fault.where for fault in faults] == marks


@pytest.mark.parametrize("mark", ["file", "claims", "hardware"])
def test_one_mark_is_enough_to_be_refused(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "d.json"
    file = cleared(draft(perfect(GOLD))[0])
    (file if mark == "file" else file[mark][0])["unreviewed"] = True
    path.write_text(json.dumps(file), encoding="utf-8")
    with pytest.raises(DataError, match=r"d\.json: .*unreviewed: no person has reviewed .*; .*delete this line"):
        read_gold(path)


def test_a_mark_that_says_no_is_none(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(json.dumps(cleared(draft(perfect(GOLD))[0]) | {"unreviewed": False}), encoding="utf-8")
    assert read_gold(path)[0].document == DOCUMENT


def test_without_a_labeller_a_draft_is_empty() -> None:
    file, _ = draft(asyncio.run(extract_document(DOCUMENT, NoLabeller())))
    assert (file["system"], file["claims"], file["hardware"], file["unreviewed"]) == (None, [], [], True)


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError):
        write_draft(path, perfect(GOLD))
    assert path.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("content", "drafted"),
    [
        pytest.param(None, False, id="no file"),
        pytest.param('{"id": "d"}', True, id="the document's"),
        pytest.param('{"id": "e"}', False, id="another document's"),
        pytest.param('{"id": "d", ', True, id="half written by a person"),
        pytest.param("[]", True, id="something else"),
    ],
)
def test_whether_a_document_has_its_file(tmp_path: Path, content: str | None, drafted: bool) -> None:
    if content is not None:
        (tmp_path / "d.json").write_text(content, encoding="utf-8")
    assert is_drafted(tmp_path / "d.json", "d") == drafted


@pytest.mark.parametrize(
    ("id", "name"),
    [
        ("s049", "s049.json"),
        ("abstracts#1", "abstracts#1.json"),
        ("cs/0101001", "cs_0101001.json"),
        ("../x", "_x.json"),
        ("..", "_.json"),
    ],
)
def test_an_id_becomes_the_name_of_a_file(id: str, name: str) -> None:
    assert draft_path(Path("gold"), id) == Path("gold") / name


def test_a_class_of_hardware_is_kept_once_and_rather_evaluated() -> None:
    text = DOCUMENT.text
    intended = target(PHONES, name="phones", role="intended", span=(text.index("phones"), text.index("phones") + 6))
    evaluated = target(PHONES)
    for targets in ((intended, evaluated), (evaluated, intended)):
        file, _ = draft(extraction(hardware=targets))
        assert [(each["name"], each["role"]) for each in file["hardware"]] == [("mobile phones", "evaluated")]


def test_numbers_are_written_as_a_person_writes_them() -> None:
    file, _ = draft(extraction((predict(SPEED, low=40.0, high=40.5),)))
    assert '"low": 40, "high": 40.5' in json.dumps(file["claims"][0])


def test_a_context_is_of_whole_words_around_its_phrase() -> None:
    start = DOCUMENT.text.index("40 ms")
    assert context_of(DOCUMENT.text, (start, start + 5)) == "Nano. It needs 40 ms per image on mobile"


def test_what_no_snippet_singles_out_is_left_out_and_named() -> None:
    document = Document("d", "T", "2x " * 60)
    claim = predict(SPEED, document.text, (92, 94), low=2, high=2, unit="x", hardware=None)
    file, left_out = draft(extraction((claim,), system=None, document=document))
    assert (file["claims"], left_out) == ([], ("2x",))


@given(st.text("2x .\n", max_size=40), st.text("2x .\n", max_size=40))
def test_a_context_always_singles_its_phrase_out(before: str, after: str) -> None:
    text = f"{before}2x{after}"
    context = context_of(text, (len(before), len(before) + 2))
    if context is None:
        return
    assert [start for start, _ in occurrences(context, text)] == [text.index(context)]
    assert text.index(context) + context.index("2x") == len(before)
    assert len([*occurrences("2x", context)]) == 1
