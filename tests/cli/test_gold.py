"""`extractor gold`: new files for one's own abstracts, the faults that are in them, and how far two annotators agree."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from extractor.cli import app
from tests.gold import GOLD, SEEDS
from tests.labelling.model_server import ModelServer
from tests.llm.server import fails

PAPERS = (
    '{"id": "a", "title": "Tern", "abstract": "Tern is 2x faster than Gull on a Jetson Nano."}\n'
    '{"id": "b", "title": "Gull", "abstract": "No number here."}\n'
)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["gold", *map(str, arguments)])


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    path = tmp_path / "papers.jsonl"
    path.write_text(PAPERS, encoding="utf-8")
    return path


def review(folder: Path) -> None:
    """Delete each mark, as a person does."""
    for path in folder.glob("*.json"):
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join(line for line in lines if '"unreviewed"' not in line), encoding="utf-8")


class TestNew:
    def test_without_a_model_the_files_are_empty(self, papers: Path, tmp_path: Path) -> None:
        result = run("new", papers, "-o", tmp_path / "mine")
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr.startswith("2 written, 0 there already, 0 failed\n")
        assert "extractor gold check" in result.stderr
        for name, title in (("a", "Tern"), ("b", "Gull")):
            file = json.loads((tmp_path / "mine" / f"{name}.json").read_text(encoding="utf-8"))
            assert (file["id"], file["title"], file["claims"], file["unreviewed"]) == (name, title, [], True)

    def test_the_rules_fill_in_what_a_person_then_reviews(self, papers: Path, tmp_path: Path) -> None:
        mine = tmp_path / "mine"
        assert run("new", papers, "-o", mine, "--model", "rules").exit_code == 0
        [claim] = json.loads((mine / "a.json").read_text(encoding="utf-8"))["claims"]
        assert (claim["unreviewed"], claim["quantity"], claim["subject"], claim["baseline"]) == (True, "2x", "Tern", "Gull")
        refused = CliRunner().invoke(app, ["eval", "--gold", str(mine)])
        assert refused.exit_code == 1
        assert "a.json: unreviewed: no person has reviewed this annotation yet; read the abstract, " in refused.stderr
        review(mine)
        assert run("check", mine).exit_code == 0
        assert CliRunner().invoke(app, ["eval", "--gold", str(mine), "--json"]).exit_code == 0

    def test_what_is_there_is_left_as_it_is(self, papers: Path, tmp_path: Path) -> None:
        mine = tmp_path / "mine"
        run("new", papers, "-o", mine, "--model", "rules")
        review(mine)
        before = {path.name: path.read_bytes() for path in mine.glob("*.json")}
        papers.write_text(PAPERS + '{"id": "c", "title": "T", "abstract": "More."}\n', encoding="utf-8")
        result = run("new", papers, "-o", mine)
        assert result.exit_code == 0
        assert result.stderr.startswith("1 written, 2 there already, 0 failed\n")
        assert {name: (mine / name).read_bytes() for name in before} == before

    def test_a_model_that_is_set_for_all_runs_fills_nothing_in(self, papers: Path, tmp_path: Path) -> None:
        arguments = ["gold", "new", str(papers), "-o", str(tmp_path / "mine")]
        assert CliRunner().invoke(app, arguments, env={"EXTRACTOR_MODEL": "rules"}).exit_code == 0
        assert json.loads((tmp_path / "mine" / "a.json").read_text(encoding="utf-8"))["claims"] == []

    def test_two_ids_that_make_one_name_are_no_one_s_loss(self, papers: Path, tmp_path: Path) -> None:
        papers.write_text('{"id": "x/y", "title": "T", "abstract": "A."}\n{"id": "x_y", "title": "U", "abstract": "B."}\n')
        result = run("new", papers, "-o", tmp_path / "mine")
        assert result.exit_code == 3
        assert "x_y: " in result.stderr
        assert "is of another document. Give this one another id, or choose another folder with -o." in result.stderr
        assert json.loads((tmp_path / "mine" / "x_y.json").read_text(encoding="utf-8"))["id"] == "x/y"

    def test_what_cannot_be_read_is_named_and_the_rest_done(self, papers: Path, tmp_path: Path) -> None:
        papers.write_text(PAPERS + "{no json\n", encoding="utf-8")
        result = run("new", papers, "-o", tmp_path / "mine")
        assert result.exit_code == 3
        assert "papers.jsonl:3: " in result.stderr
        assert "2 written, 0 there already, 1 failed" in result.stderr

    def test_nothing_but_faults_is_nothing_done(self, papers: Path, tmp_path: Path) -> None:
        papers.write_text("{no json\n", encoding="utf-8")
        assert run("new", papers, "-o", tmp_path / "mine").exit_code == 1

    @pytest.fixture
    def key(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "cache.sqlite3"))
        monkeypatch.setenv("OPENAI_API_KEY", "sk-loopback-0123456789abcdef")

    @pytest.mark.usefixtures("key")
    def test_a_model_fills_in_and_is_not_asked_for_what_is_there(self, papers: Path, tmp_path: Path) -> None:
        with ModelServer() as server:
            asked: list[str | Path] = ["new", papers, "-o", tmp_path / "mine", "-m", "openai/m", "--base-url", server.url]
            assert [run(*asked).exit_code for _ in range(2)] == [0, 0]
            assert len(server.requests) == 1  # the other abstract holds nothing to label
        [claim] = json.loads((tmp_path / "mine" / "a.json").read_text(encoding="utf-8"))["claims"]
        assert (claim["unreviewed"], claim["quantity"]) == (True, "2x")

    @pytest.mark.usefixtures("key")
    def test_a_model_that_does_not_answer_is_one_line(self, papers: Path, tmp_path: Path) -> None:
        papers.write_text(PAPERS.splitlines()[0], encoding="utf-8")
        with ModelServer(fails(401, "Incorrect API key provided")) as server:
            result = run("new", papers, "-o", tmp_path / "mine", "-m", "openai/m", "--base-url", server.url)
        assert result.exit_code == 1
        assert "answered 401: Incorrect API key provided. Set OPENAI_API_KEY" in result.stderr.splitlines()[0]
        assert result.stderr.splitlines()[1:] == ["0 written, 0 there already, 0 failed"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            pytest.param(["nowhere.jsonl"], "There is no such file or folder", id="no input"),
            pytest.param(["PAPERS", "--model", "gpt"], "There is no model 'gpt'", id="no model"),
        ],
    )
    def test_wrong_usage_is_one_line_and_code_2(self, papers: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
        filled = [str(papers) if word == "PAPERS" else word for word in arguments]
        result = run("new", *filled, "-o", tmp_path / "mine")
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
        assert message in result.stderr

    def test_a_file_in_the_folder_s_place_is_wrong_usage(self, papers: Path) -> None:
        result = run("new", papers, "-o", papers)
        assert (result.exit_code, result.stderr) == (
            2,
            f"extractor: {papers} is not a folder. Name one for the new files with -o DIR.\n",
        )


class TestCheck:
    def test_the_repository_s_gold_has_no_fault(self) -> None:
        result = run("check", GOLD)
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", "243 files, 0 faults\n")

    def test_each_fault_is_a_line_on_standard_output(self, tmp_path: Path) -> None:
        for name in ("s001.json", "s002.json", "s061.json"):
            shutil.copy(SEEDS / name, tmp_path)
        for name in ("s001.json", "s061.json"):
            file = json.loads((tmp_path / name).read_text(encoding="utf-8"))
            file["system"] = "Octo\npus"
            file["claims"][0]["kind"] = "quick"
            (tmp_path / name).write_text(json.dumps(file), encoding="utf-8")
        result = run("check", tmp_path)
        assert result.exit_code == 1
        lines = result.stdout.splitlines()
        assert [line.removeprefix(f"{tmp_path}/").split(": ")[:2] for line in lines] == [
            [name, where] for name in ("s001.json", "s061.json") for where in ("claims[0].kind", "system")
        ]
        assert result.stderr == "3 files, 4 faults\n"

    def test_a_single_file(self) -> None:
        assert run("check", SEEDS / "s001.json").stderr == "1 file, 0 faults\n"

    @pytest.mark.parametrize("place", ["nowhere", "."])
    def test_no_gold_is_wrong_usage(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
        monkeypatch.chdir(tmp_path)
        result = run("check", place)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)


class TestAgree:
    @pytest.fixture
    def two(self, tmp_path: Path) -> tuple[Path, Path]:
        """Two annotators who share s001 and s061, and disagree on one claim of the latter."""
        for folder, names in (("ann", ("s001", "s002", "s061")), ("bob", ("s001", "s061", "s071"))):
            (tmp_path / folder).mkdir()
            for name in names:
                shutil.copy(SEEDS / f"{name}.json", tmp_path / folder)
        path = tmp_path / "bob" / "s061.json"
        file = json.loads(path.read_text(encoding="utf-8"))
        file["claims"] = [file["claims"][0] | {"kind": "accuracy"}]
        path.write_text(json.dumps(file), encoding="utf-8")
        return tmp_path / "ann", tmp_path / "bob"

    def test_the_table_and_what_is_left_out(self, two: tuple[Path, Path]) -> None:
        result = run("agree", *two)
        assert result.exit_code == 0
        lines = [line.split() for line in result.stdout.splitlines()]
        assert lines[0] == ["2", "abstracts", "annotated", "by", "both"]
        [found] = [line for line in lines if line[:2] == ["claims", "found:"]]
        assert (found[3], found[-1]) == ("0.800", "3")
        assert result.stderr == f"only in {two[0]}, left out: s002\nonly in {two[1]}, left out: s071\n"

    def test_json_holds_the_counts_behind_it(self, two: tuple[Path, Path]) -> None:
        figures = json.loads(run("agree", *two, "--json").stdout)
        assert (figures["claims"]["detection"]["found"], figures["claims"]["detection"]["missed"]) == (2, 1)
        assert figures["claims"]["strict"]["found"] == 1
        assert figures["headline"]["detection_f1"]["value"] == 0.8
        assert (figures["only_first"], figures["only_second"]) == (["s002"], ["s071"])

    def test_each_disagreement_is_a_line(self, two: tuple[Path, Path]) -> None:
        """And nothing of what spotting thinks: no labeller took part."""
        lines = run("agree", *two, "--errors").stdout.splitlines()
        assert [line.split()[0] for line in lines] == ["s061", "missed", "wrong"]
        assert lines[2] == "  wrong      '24%' kind: 'resource' -> 'accuracy'"
        assert run("agree", *two, "--errors", "--json").exit_code == 2

    def test_disagreements_on_a_held_out_set_are_not_listed(self, two: tuple[Path, Path]) -> None:
        seen = '[[set]]\nname = "seen"\nids = ["s001", "s071"]\n'
        (two[1] / "set.toml").write_text(seen + '[[set]]\nname = "unseen"\nheld_out = true\nids = ["s061"]')
        result = run("agree", *two, "--errors")
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr.endswith("\nunseen is held out: its disagreements are not listed\n")
        assert "0.800" in run("agree", *two).stdout

    def test_nothing_in_common_is_wrong_usage(self, two: tuple[Path, Path]) -> None:
        for path in two[1].glob("s0[06]*.json"):
            path.unlink()
        result = run("agree", *two)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "have no document in common. Give a document the same id in both." in result.stderr.splitlines()[-1]

    def test_an_annotation_that_is_not_reviewed_is_refused(self, two: tuple[Path, Path]) -> None:
        path = two[1] / "s001.json"
        path.write_text(path.read_text(encoding="utf-8").replace("{", '{"unreviewed": true,', 1), encoding="utf-8")
        result = run("agree", *two)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "s001.json: unreviewed: " in result.stderr
