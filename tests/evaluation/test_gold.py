"""Gold files: what they resolve to, and that each broken rule of the guidelines is named with its file, field and fix."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from extractor.errors import DataError, UsageError
from extractor.evaluation.gold import check_gold, read_gold
from tests.gold import SEEDS

TEXT = "Squid is slow. Kraken is 2.5x faster than Squid on phones. So 12.5x is wrong, but 2.5x holds, or 2.5 times."
CLAIM: dict[str, Any] = {
    "quantity": "2.5x",
    "context": "is 2.5x faster",
    "also": [],
    "kind": "speedup",
    "comparison": "change",
    "effect": "better",
    "low": 2.5,
    "high": 2.5,
    "unit": "x",
    "bound": "exact",
    "metric": None,
    "subject": "Kraken",
    "baseline": "Squid",
    "dataset": None,
    "hardware": "phones",
}
HARDWARE: dict[str, Any] = {
    "name": "phones",
    "context": "on phones",
    "specific": False,
    "category": "mobile",
    "role": "evaluated",
}
DOCUMENT: dict[str, Any] = {
    "id": "d",
    "title": "Kraken",
    "abstract": TEXT,
    "system": "Kraken",
    "claims": [CLAIM],
    "hardware": [HARDWARE],
}


def write(folder: Path, data: object, name: str = "d.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_spans_are_where_the_contexts_say(tmp_path: Path) -> None:
    gold = read_gold(write(tmp_path, DOCUMENT))[0]
    text = gold.document.text
    assert text[: gold.claims[0].span[0]] == "Kraken\nSquid is slow. Kraken is "
    assert text[slice(*gold.claims[0].span)] == "2.5x"
    assert text[: gold.hardware[0].span[0]].endswith("faster than Squid on ")
    assert text[slice(*gold.hardware[0].span)] == "phones"


@pytest.mark.parametrize(
    ("also", "restated"),
    [
        pytest.param("but 2.5x holds", "2.5x", id="the quantity as written"),
        pytest.param("12.5x is wrong, but 2.5x holds", "2.5x", id="not the tail of a longer number"),
        pytest.param("or 2.5 times", "2.5", id="the same number in other words"),
        pytest.param("Squid is slow", "Squid is slow", id="the whole snippet where neither occurs"),
    ],
)
def test_restatements(tmp_path: Path, also: str, restated: str) -> None:
    gold = read_gold(write(tmp_path, DOCUMENT | {"claims": [CLAIM | {"also": [also]}]}))[0]
    start = gold.document.text.index(also) + also.rindex(restated)
    assert gold.claims[0].restated == ((start, start + len(restated)),)


SECOND_CLASS = {"name": "Squid", "context": "than Squid", "specific": False, "category": "mobile", "role": "intended"}


@pytest.mark.parametrize(
    ("path", "value", "field", "cause"),
    [
        pytest.param(["system"], "Octopus", "system", "not in the text", id="system"),
        pytest.param(["claims", 0, "metric"], "", "claims[0].metric", "not in the text", id="empty phrase"),
        pytest.param(["claims", 0, "baseline"], "squid", "claims[0].baseline", "not in the text", id="other case"),
        pytest.param(["claims", 0, "also"], ["nowhere"], "claims[0].also[0]", "not in the text", id="also"),
        pytest.param(["claims", 0, "quantity"], "", "claims[0].quantity", "is empty", id="empty quantity"),
        pytest.param(["claims", 0, "quantity"], "3x", "claims[0].quantity", "holds '3x' 0 times", id="quantity not in context"),
        pytest.param(["claims", 0, "context"], "2.5x", "claims[0].quantity", "occurs 3 times", id="ambiguous context"),
        pytest.param(["claims", 0, "context"], "a 2.5x b", "claims[0].quantity", "occurs 0 times", id="absent context"),
        pytest.param(["claims", 0, "context"], TEXT, "claims[0].quantity", "holds '2.5x' 3 times", id="long context"),
        pytest.param(["claims", 0, "kind"], "speeds", "claims[0].kind", "should be", id="kind"),
        pytest.param(["claims", 0, "comparison"], None, "claims[0].comparison", "should be", id="comparison"),
        pytest.param(["claims", 0, "bound"], "at_most", "claims[0].bound", "should be", id="bound"),
        pytest.param(["claims", 0, "effect"], "good", "claims[0].effect", "should be", id="effect"),
        pytest.param(["claims", 0, "effect"], None, "claims[0].effect", "'change'", id="change without effect"),
        pytest.param(["claims", 0, "comparison"], "fraction", "claims[0].effect", "'fraction'", id="fraction with effect"),
        pytest.param(["claims", 0, "low"], 3, "claims[0].low", "3 is above high, 2.5", id="low above high"),
        pytest.param(["claims", 0, "low"], "2.5", "claims[0].low", "valid number", id="number as text"),
        pytest.param(["claims", 0, "high"], True, "claims[0].high", "valid number", id="number as truth value"),
        pytest.param(["claims", 0, "high"], float("nan"), "claims[0].high", "finite", id="not a number"),
        pytest.param(["claims", 0, "note"], "x", "claims[0].note", "not permitted", id="extra key"),
        pytest.param(["hardware", 0, "name"], "phone", "", "", id="a shorter name is fine"),
        pytest.param(["hardware", 0, "context"], "no", "hardware[0].name", "occurs 0 times", id="hardware context"),
        pytest.param(["hardware", 0, "category"], "phone", "hardware[0].category", "should be", id="category"),
        pytest.param(["hardware", 0, "role"], "used", "hardware[0].role", "should be", id="role"),
        pytest.param(["hardware", 0, "specific"], 0, "hardware[0].specific", "valid boolean", id="specific"),
        pytest.param(["hardware"], [HARDWARE, SECOND_CLASS], "hardware[1].category", "second class", id="second class"),
        pytest.param(["claims"], [CLAIM, CLAIM], "claims[1].quantity", "annotated twice", id="one number twice"),
    ],
)
def test_a_broken_rule_is_named(tmp_path: Path, path: list[str | int], value: object, field: str, cause: str) -> None:
    data: Any = copy.deepcopy(DOCUMENT)
    *parents, last = path
    place = data
    for key in parents:
        place = place[key]
    place[last] = value
    file = write(tmp_path, data)
    if not field:
        read_gold(file)
        return
    with pytest.raises(DataError) as caught:
        read_gold(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: {field}: ")
    assert cause in message
    assert ";" in message.removeprefix(f"{file}: {field}: ")
    assert "\n" not in message


def test_an_absolute_value_has_no_baseline(tmp_path: Path) -> None:
    claim = CLAIM | {"comparison": "absolute", "effect": None}
    with pytest.raises(DataError, match=r"claims\[0\]\.baseline: an absolute value has none; "):
        read_gold(write(tmp_path, DOCUMENT | {"claims": [claim]}))


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    claim = {key: value for key, value in CLAIM.items() if key != "unit"}
    with pytest.raises(DataError, match=r"claims\[0\]\.unit: Field required; "):
        read_gold(write(tmp_path, DOCUMENT | {"claims": [claim]}))


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[]", b""], ids=["half", "no UTF-8", "a list", "empty"])
def test_a_file_that_is_no_gold_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "d.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"d\.json: the file: .*; write it as"):
        read_gold(path)


def faults_of(place: Path) -> list[str]:
    return [str(fault) for _, faults in check_gold(place) for fault in faults]


def test_all_faults_of_a_file_are_listed(tmp_path: Path) -> None:
    """Also those of an item whose form is wrong, and of the items after it."""
    wrong = CLAIM | {"kind": "speeds", "subject": "Octopus", "low": 3, "also": ["but 2.5x holds", 7, "nowhere"]}
    hardware = ["phones", HARDWARE | {"category": "phone", "context": "no"}, HARDWARE, SECOND_CLASS]
    path = write(
        tmp_path, DOCUMENT | {"system": "Octopus", "claims": [wrong, CLAIM, CLAIM | {"effect": None}], "hardware": hardware}
    )
    found = [fault.removeprefix(f"{path}: ") for fault in faults_of(tmp_path)]
    assert [fault.split(": ")[0] for fault in found] == [
        "claims[0].also[1]",
        "claims[0].kind",
        "hardware[0]",
        "hardware[1].category",
        "system",
        "claims[0].subject",
        "claims[0].also[2]",
        "claims[0].low",
        "claims[1].quantity",
        "claims[2].effect",
        "claims[2].quantity",
        "hardware[1].name",
        "hardware[3].category",
    ]
    assert [fault for fault in found if ";" not in fault or "\n" in fault] == []


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        pytest.param({"claims": {}}, ["claims", "hardware[0].name"], id="claims that are no list"),
        pytest.param({"abstract": None}, ["abstract"], id="no text to look into"),
        pytest.param({"claims": [[CLAIM]]}, ["claims[0]", "hardware[0].name"], id="a claim that is none"),
        pytest.param({"unreviewed": "yes"}, ["unreviewed", "hardware[0].name"], id="a mark that is no truth value"),
        pytest.param({"note": {"a": 1}}, ["note", "hardware[0].name"], id="an unknown key"),
    ],
)
def test_what_is_wrong_in_form_hides_nothing_else(tmp_path: Path, change: dict[str, object], fields: list[str]) -> None:
    path = write(tmp_path, DOCUMENT | {"hardware": [HARDWARE | {"context": "no"}]} | change)
    assert [fault.removeprefix(f"{path}: ").split(": ")[0] for fault in faults_of(path)] == fields


def test_all_files_of_a_folder_are_checked(tmp_path: Path) -> None:
    write(tmp_path, DOCUMENT, "a.json")
    (tmp_path / "b.json").write_text("{", encoding="utf-8")
    write(tmp_path, DOCUMENT | {"system": "Octopus"}, "c.json")
    (tmp_path / "d.json").mkdir()
    write(tmp_path, DOCUMENT | {"id": "e"}, "e.json")
    found = faults_of(tmp_path)
    assert [Path(fault.split(": ")[0]).name for fault in found] == ["b.json", "c.json", "c.json", "d.json"]
    assert "'d' is the id of " in found[2]
    assert "cannot be read" in found[3]


def test_two_documents_with_one_id(tmp_path: Path) -> None:
    write(tmp_path, DOCUMENT, "a.json")
    write(tmp_path, DOCUMENT, "b.json")
    with pytest.raises(DataError, match=r"b\.json: id: 'd' is the id of .*a\.json too; "):
        read_gold(tmp_path)


def test_no_folder_and_an_empty_folder_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no gold folder at .*--gold DIR"):
        read_gold(tmp_path / "none")
    with pytest.raises(UsageError, match=r"holds no .*json file.*--gold DIR"):
        read_gold(tmp_path)


def test_the_repository_s_gold_is_valid() -> None:
    documents = read_gold(SEEDS)
    assert [gold.document.id for gold in documents] == [f"s{n:03}" for n in range(1, 144)]
    assert sum(len(gold.claims) for gold in documents) == 185
    assert sum(len(gold.hardware) for gold in documents) == 132
    for gold in documents:
        text = gold.document.text
        assert all(text[slice(*claim.span)] == claim.quantity.text for claim in gold.claims)
        assert all(text[slice(*target.span)] == target.name for target in gold.hardware)
