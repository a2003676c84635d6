"""The report holds what the systems wrote, what is wrong with it, and what sets them apart; its format is documented."""

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from extractor.evaluation.report import Report, assemble, report_schema, write
from extractor.evaluation.report.words import differing
from extractor.evaluation.systems import LeftOut
from tests.evaluation.report.reports import evaluated, flawed, of_one_set, report, right

SCHEMA = Path(__file__).parents[3] / "docs" / "report.schema.json"


def test_the_schema_in_the_documentation_is_the_one_of_the_report() -> None:
    command = "from json import dumps; from extractor.evaluation.report import report_schema as s; print(dumps(s(), indent=2))"
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == report_schema(), f"python -c {command!r} > docs/report.schema.json"


def test_a_report_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    written = report()
    path, *_ = write(written, tmp_path)
    assert Report.model_validate_json(path.read_bytes()) == written
    with pytest.raises(ValidationError, match="report_version"):
        Report.model_validate(written.model_dump() | {"report_version": 1})


def test_the_same_evaluation_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write(report(), tmp_path / "first")
    again = write(report(), tmp_path / "again")
    assert [path.name for path in first] == ["report.json", "report.md", "report.html"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_each_error_points_at_what_it_is_about() -> None:
    first, *others = of_one_set().documents
    perfect, said = first.predictions
    assert (perfect.errors, perfect.claims_right, said.claims_right) == ((), True, False)
    assert all(prediction.errors == () for document in others for prediction in document.predictions)
    assert [(error.error, error.item, error.kind, error.gold, error.predicted, error.again) for error in said.errors] == [
        ("wrong", "system", None, None, None, False),
        ("missed", "claim", "speed", 1, None, False),
        ("spurious", "claim", "speedup", None, 1, True),
        ("wrong", "claim", "speedup", 0, 0, False),
        ("wrong", "claim", "accuracy", 2, 2, False),
        ("missed", "hardware", None, 1, None, False),
        ("wrong", "hardware", None, 0, 0, False),
    ]
    assert set(said.errors[3].fields) == {"kind", "subject", "baseline"}
    assert {name: wrong.soft for name, wrong in said.errors[4].fields.items()} == {"metric": True}
    assert said.claim_pairs == ((0, 0), (2, 2))


def test_systems_that_agree_differ_by_nothing() -> None:
    [comparison] = of_one_set(right(), right("openai/same")).comparisons
    assert {(each.value, each.low, each.high, each.p) for each in comparison.headline.values()} == {(0.0, 0.0, 0.0, 1.0)}


def test_every_pair_of_systems_is_compared_once() -> None:
    made = of_one_set(right(), flawed("openai/b"), flawed("openai/c"))
    assert [(each.ours, each.theirs) for each in made.comparisons] == [
        ("rules", "openai/b"),
        ("rules", "openai/c"),
        ("openai/b", "openai/c"),
    ]
    assert [(each.only_ours, each.only_theirs) for each in made.comparisons] == [(1, 0), (1, 0), (0, 0)]
    assert differing(made, 0, 1) == (["planted"], [])
    assert differing(made, 1, 0) == ([], ["planted"])
    assert differing(made, 1, 2) == ([], [])


def test_figures_stand_with_the_counts_behind_them() -> None:
    rules, model = of_one_set().systems
    strict = model.figures.claims.strict
    assert (strict.found, strict.spurious, strict.missed) == (4, 2, 2)
    assert model.headline["strict_f1"].value == strict.f1 == 8 / 12
    assert model.usage.input_tokens == 900
    assert model.usage.per_abstract.input_tokens == 300
    assert rules.verdict.startswith("finds 6 of 6 claims, 6 of them right in kind, comparison, value and unit; 0 of its 6 ")


def test_a_report_holds_no_time() -> None:
    def slow(seconds: float) -> Report:
        made = right()
        alignments = []
        for each in made.alignments:
            provenance = each.extraction.provenance.model_copy(update={"seconds": seconds})
            record = each.extraction.model_copy(update={"provenance": provenance})
            alignments.append(type(each)(each.gold, record, each.claims, each.hardware))
        return assemble([evaluated(type(made)(made.name, made.model, None, None, tuple(alignments)))])

    assert slow(1.0) == slow(2.0)


def test_of_a_set_that_is_held_out_no_form_shows_more_than_figures(tmp_path: Path) -> None:
    both = (right(), flawed())
    open_set, held_out = (evaluated(*both, name=name, held_out=name == "far") for name in ("near", "far"))
    paths = write(assemble([held_out]), tmp_path)
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert not re.search("planted(?! ones)|Squid|Jetson|alert", text), path
        assert "far" in text
    [listed, silent] = assemble([open_set, held_out]).sets
    assert (len(listed.documents), silent.documents) == (3, ())
    assert silent.systems == listed.systems
    assert [(each.only_ours, each.only_theirs) for each in silent.comparisons] == [(1, 0)]


def test_each_set_has_its_own_systems(tmp_path: Path) -> None:
    unrecorded = LeftOut("openai/flawed_1b", "nothing is recorded of it on these abstracts", recorded=False)
    made = assemble([evaluated(right(), left_out=(unrecorded,), name="a"), evaluated(right(), flawed(), name="b")])
    assert [[system.name for system in each.systems] for each in made.sets] == [["rules"], ["rules", "openai/flawed_1b"]]
    assert [len(each.comparisons) for each in made.sets] == [0, 1]
    nobody = assemble([evaluated(left_out=(unrecorded,), name="a"), evaluated(flawed(), name="b")])
    assert (nobody.sets[0].power, nobody.sets[0].systems) == (None, ())
    assert write(nobody, tmp_path)
