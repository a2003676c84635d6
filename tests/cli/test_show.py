"""`extractor show`: a person reads it, so nothing in an abstract may reach the terminal as a command."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.text import Text

from extractor import extract
from extractor.cli.show import _marked
from extractor.cli.terminal import plain
from extractor.outputs.jsonl import to_line
from extractor.records import HardwareTarget, Rejection

if TYPE_CHECKING:
    from tests.cli.conftest import Command

NASTY = "Red \x1b[31m net [bold]loud[/bold] :smile: \x07\u202e {{x}}"
RECORDS = [
    extract("FastNet: Quick Networks", "FastNet is 2.3x faster than SlowNet.", id="p1"),
    extract(NASTY, f"{NASTY} is 4.5x faster than SlowNet.\n\rWith a second line.", id="p2\x1b[2J"),
    extract("Nothing", "This one claims nothing.", id="p3"),
    extract("[i]A[/i]", "On [i]B[/i], C", id="p4").model_copy(
        update={
            "system": "[i]A[/i]",
            "hardware": (HardwareTarget(name="[i]B[/i]", specific=True, category="cpu", role="evaluated", span=(12, 20)),),
            "rejected": (Rejection(field="system", value="[i]C[/i]", reason="not found in the text"),),
        }
    ),
]


@pytest.fixture
def job(tmp_path: Path) -> Path:
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "extractions.jsonl").write_bytes(b"".join(map(to_line, RECORDS)))
    return folder


def test_a_job_is_listed(extractor: "Command", job: Path) -> None:
    shown = extractor("show", "job").stdout.decode().splitlines()
    assert shown[0] == "claims hardware id, title"
    assert shown[1] == "     1        0 p1  FastNet: Quick Networks"
    assert len(shown) == 5


def test_a_job_is_listed_for_programs(extractor: "Command", job: Path) -> None:
    rows = [json.loads(line) for line in extractor("show", "job", "--json").stdout.splitlines()]
    assert [row["id"] for row in rows] == [record.id for record in RECORDS]
    assert rows[0] == {"id": "p1", "title": "FastNet: Quick Networks", "claims": 1, "hardware": 0, "rejected": 0}


def test_an_abstract_is_shown_with_its_claims(extractor: "Command", job: Path) -> None:
    shown = extractor("show", "job", "p1").stdout.decode()
    assert "FastNet is 2.3x faster than SlowNet." in shown
    header, row = shown.splitlines()[-2:]
    assert header.split() == ["quantity", "kind", "subject", "baseline"]
    assert re.split(r"\s{2,}", row.strip())[0] == "2.3x"
    assert "speedup" in row
    assert "SlowNet" in row


def test_an_abstract_without_claims_says_so(extractor: "Command", job: Path) -> None:
    assert b"no claims" in extractor("show", "job", "p3").stdout


def test_an_abstract_for_programs_is_its_record(extractor: "Command", job: Path) -> None:
    assert extractor("show", "job", "p1", "--json").stdout == to_line(RECORDS[0])


def test_an_id_that_is_not_there_is_a_user_error(extractor: "Command", job: Path) -> None:
    done = extractor("show", "job", "p9")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"job holds no 'p9'. `extractor show job` lists the ids." in done.stderr


@pytest.mark.parametrize("width", ["40", "80"])
def test_mark_up_and_escapes_are_shown_and_not_obeyed(extractor: "Command", job: Path, width: str) -> None:
    for arguments in (["job"], ["job", RECORDS[1].id]):
        shown = extractor("show", *arguments, env={"COLUMNS": width}).stdout.decode()
        assert not [character for character in shown if not character.isprintable() and character != "\n"]
        for literal in ("[31m", "[bold]loud[/bold]", ":smile:", "{{x}}"):
            assert literal in " ".join(shown.split())


def test_names_are_shown_literally_too(extractor: "Command", job: Path) -> None:
    shown = extractor("show", "job", "p4").stdout.decode().splitlines()
    assert shown[-5:] == [
        "system: [i]A[/i]",
        "no claims",
        "",
        "hardware: [i]B[/i] (cpu, product, evaluated)",
        "rejected: system '[i]C[/i]', not found in the text",
    ]


def test_a_damaged_job_is_one_line(extractor: "Command", job: Path) -> None:
    with (job / "extractions.jsonl").open("ab") as file:
        file.write(b"nonsense\n")
    done = extractor("show", "job")
    assert done.returncode == 1
    assert done.stderr.decode().startswith("extractor: job/extractions.jsonl:5: not an extraction")
    assert done.stderr.count(b"\n") == 1


def test_the_marked_characters_are_those_of_the_spans() -> None:
    for record in RECORDS:
        marked = _marked(record)
        assert len(marked.plain) == len(record.text)
        for claim in record.claims:
            for span in (claim.spans.quantity, claim.spans.baseline):
                assert span is not None
                assert [mark for mark in marked.spans if (mark.start, mark.end) == span]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("日本 𝛼 e\u0301", "日本 𝛼 e\u0301"),
        ("a\x1b[31mb\x00c\x7f\x9b", "a [31mb c  "),
        ("line\nbreak\r\tand tab", "line break  and tab"),
        ("turned \u202e round \u2066\u200b", "turned   round   "),
        ("half \ud800", "half  "),
    ],
)
def test_plain_text_keeps_its_length(text: str, shown: str) -> None:
    assert plain(text) == shown
    assert len(Text(shown).plain) == len(text)


def listed(extractor: "Command", *arguments: str) -> list[str]:
    done = extractor("show", "job", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["id"][:2] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (["--grep", "slownet"], ["p1", "p2"]),
        (["--grep", r"2\.3x"], ["p1"]),
        (["--grep", "^p3$"], []),
        (["--grep", "(?m)^p3$"], ["p3"]),
        (["--kind", "speedup"], ["p1", "p2"]),
        (["--kind", "resource"], []),
        (["--hardware", "CPU"], ["p4"]),
        (["--hardware", "b"], []),
        (["--hardware", "[i]B"], ["p4"]),
        (["--hardware", "gpu"], []),
        (["--kind", "speedup", "--grep", "loud"], ["p2"]),
    ],
)
def test_a_list_of_what_is_looked_for(arguments: list[str], ids: list[str], extractor: "Command", job: Path) -> None:
    assert listed(extractor, *arguments) == ids


@pytest.mark.parametrize("part", ["p1", "1", "FastNet", "quick net"])
def test_a_part_that_no_other_has_names_an_abstract(part: str, extractor: "Command", job: Path) -> None:
    assert extractor("show", "job", part, "--json").stdout == to_line(RECORDS[0])


def test_a_number_is_a_whole_one(extractor: "Command", tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    numbered = [RECORDS[0].model_copy(update={"id": f"abstracts#{n}"}) for n in (4, 49, 14)]
    (tmp_path / "job" / "extractions.jsonl").write_bytes(b"".join(map(to_line, numbered)))
    assert extractor("show", "job", "4", "--json").stdout == to_line(numbered[0])
    done = extractor("show", "job", "abstracts")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"'abstracts' may be abstracts#4, abstracts#49, abstracts#14. Name one of them." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["p1", "--kind", "speed"], b"choose what is listed"), (["--grep", "("], b"'(' is not a regular expression")],
)
def test_what_cannot_be_listed_is_one_line(arguments: list[str], message: bytes, extractor: "Command", job: Path) -> None:
    done = extractor("show", "job", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert message in done.stderr
