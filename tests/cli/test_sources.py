"""`extractor sources`, and what `extractor run` takes from its inputs and says of them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from extractor import read_extractions
from extractor.cli import app
from extractor.sources.formats import FORMATS, slug
from extractor.sources.shapes import SHAPES

SAMPLES = Path(__file__).parents[1] / "sources" / "samples"


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(app, arguments, input=stdin)


def test_every_format_is_listed_with_its_name_signs_and_suffixes() -> None:
    said = run("sources")
    assert said.exit_code == 0
    flat = " ".join(said.stdout.split())
    for known in FORMATS:
        assert f"{known.name} (--format {slug(known.name)}) recognised by {' '.join(known.signs.split())}" in flat
        assert all(suffix in flat for suffix in known.suffixes)
    assert all(shape.name in flat for shape in SHAPES)
    assert max(map(len, said.stdout.splitlines())) <= 81


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("papers.bib", "BibTeX, by "),
        ("openalex.json", "JSON, OpenAlex works, by "),
        ("arxiv_snapshot.jsonl", "JSON Lines, arXiv snapshot, by "),
    ],
)
def test_an_input_is_shown_as_it_is_read(name: str, verdict: str) -> None:
    said = run("sources", str(SAMPLES / name))
    assert said.exit_code == 0
    first, *rest = said.stdout.splitlines()
    assert first.startswith(f"{SAMPLES / name}: {verdict}")
    assert "  Tern: Fast Matching of Bird Calls in Zürich" in rest
    assert "  doi: 10.1000/gull.2021" in rest
    piped = run("sources", "-", stdin=(SAMPLES / name).read_bytes())
    assert piped.stdout.splitlines()[0].startswith(f"stdin: {verdict}")
    assert "  doi: 10.1000/gull.2021" in piped.stdout.splitlines()


def test_what_is_not_recognised_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "b.jsonl").write_text('{"id": "b", "title": "T"}\n' * 3)
    said = run("sources", str(tmp_path / "a.pdf"))
    assert (said.exit_code, said.stderr) == (1, f"extractor: {tmp_path / 'a.pdf'} is not read.\n")
    assert said.stdout.startswith(f"{tmp_path / 'a.pdf'}: a PDF, not text. ")
    folder = run("sources", str(tmp_path))
    assert folder.exit_code == 1
    assert [line.partition(": ")[2][:10] for line in folder.stdout.splitlines()[:2]] == ["a PDF, not", "JSON Lines"]
    assert "it has id, title" in folder.stdout
    assert folder.stderr.startswith("extractor: None of the first 3 records of ")


def test_a_run_passes_on_what_the_record_knows_and_what_is_kept(tmp_path: Path) -> None:
    record = {
        "key": "k",
        "paper": [{"title": "T", "body": ["It is 2x faster."]}],
        "doi": "10.1000/x",
        "tldr": {"text": "Fast."},
    }
    (tmp_path / "in.data").write_text(json.dumps(record))
    mapping = "title=paper.title,abstract=paper.body"
    arguments = ["run", str(tmp_path / "in.data"), "-o", str(tmp_path / "out"), "--fields", mapping]
    said = run(*arguments, "--keep", "tldr.text", "--keep", "absent", "--format", "json")
    assert said.exit_code == 0, said.stderr
    [extraction] = read_extractions(tmp_path / "out")
    assert (extraction.id, extraction.title, extraction.abstract) == ("k", "T", "It is 2x faster.")
    assert dict(extraction.source) == {"doi": "10.1000/x", "tldr.text": "Fast."}
    again = run("retry", str(tmp_path / "out"))
    assert again.exit_code == 0, again.stderr
    for other in (("--keep", "tldr.text", "--keep", "absent"), ("--format", "json")):
        said = run(*arguments, *other)
        assert said.exit_code == 2
        assert "holds another job: fields was " in said.stderr


def test_a_run_says_what_it_did_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    record = json.dumps({"id": "a", "title": "T", "abstract": "It is 2x faster."})
    (folder / "a.jsonl").write_text(f"{record}\n{record}\n")
    for n in range(7):
        (folder / f"notes{n}.pdf").write_bytes(b"%PDF-1.7")
    said = run("run", str(folder), "-o", str(tmp_path / "out"))
    assert said.exit_code == 0, said.stderr
    lines = said.stderr.splitlines()
    assert "1 document came again in the input and was read once" in lines
    listed = "notes0.pdf, notes1.pdf, notes2.pdf, notes3.pdf, notes4.pdf and 2 more"
    assert f"7 files skipped, not recognised: {listed}" in lines
    assert len(list(read_extractions(tmp_path / "out"))) == 1


def test_a_format_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}")
    said = run("run", str(tmp_path / "a.jsonl"), "--format", "docx", "-o", str(tmp_path / "out"))
    assert said.exit_code == 2
    assert said.stderr.startswith("extractor: There is no format docx. Choose one of parquet, ")


def test_a_damaged_file_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00")
    said = run("sources", str(tmp_path / "a.jsonl.gz"))
    assert said.exit_code == 1
    assert said.stdout.startswith(f"{tmp_path / 'a.jsonl.gz'}: cannot be read: the compressed file is cut off. ")
