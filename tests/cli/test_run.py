"""`extractor run`, from the outside: what lands where, the exit codes, and what survives."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

from extractor import extract, read_extractions
from extractor.cli import app
from extractor.outputs.jsonl import to_line

if TYPE_CHECKING:
    from tests.cli.conftest import Command, Program

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "evals" / "corpus" / "abstracts.txt"
PAPERS = [
    {"id": f"p{n}", "title": f"FastNet {n}: Quick Networks", "abstract": f"FastNet is {n}.5x faster than SlowNet on CPUs."}
    for n in range(1, 6)
]


def lines(papers: list[Any]) -> bytes:
    return b"".join(json.dumps(paper).encode() + b"\n" for paper in papers)


def timeless(extractions: bytes) -> list[Any]:
    records = [json.loads(line) for line in extractions.splitlines()]
    for record in records:
        del record["provenance"]["seconds"]
    return records


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    path = tmp_path / "papers.jsonl"
    path.write_bytes(lines(PAPERS))
    return path


def test_the_real_abstracts(extractor: "Command", tmp_path: Path) -> None:
    done = extractor("run", CORPUS, "-o", "job")
    assert (done.returncode, done.stdout) == (0, b"")
    records = list(read_extractions(tmp_path / "job"))
    assert [record.id for record in records] == [f"abstracts#{n}" for n in range(1, 144)]
    counts = json.loads((tmp_path / "job" / "job.json").read_bytes())["counts"]
    assert counts["claims"] == dict(Counter(claim.kind for record in records for claim in record.claims))
    assert counts["hardware"] == sum(len(record.hardware) for record in records)
    talk = done.stderr.decode()
    assert f"documents   143\nclaims      {sum(counts['claims'].values())}\n" in talk
    assert talk.endswith("job/extractions.jsonl\n")
    assert "\x1b" not in talk


def test_two_runs_agree_whatever_the_hash_seed(program: "Program", tmp_path: Path) -> None:
    outputs = [program("run", CORPUS, "-o", "-", env={"PYTHONHASHSEED": seed}).stdout for seed in ("0", "1")]
    assert timeless(outputs[0]) == timeless(outputs[1])
    assert [*map(list, timeless(outputs[0]))] == [*map(list, timeless(outputs[1]))]


def test_the_folder_has_a_default_and_the_environment_sets_options(extractor: "Command", papers: Path, tmp_path: Path) -> None:
    assert extractor("run", papers).returncode == 0
    assert extractor("run", papers, env={"EXTRACTOR_OUTPUT": "elsewhere"}).returncode == 0
    assert (tmp_path / "claims" / "extractions.jsonl").exists()
    assert (tmp_path / "elsewhere" / "extractions.jsonl").exists()
    assert extractor("run", papers, env={"EXTRACTOR_MODEL": "gpt"}).returncode == 2


def test_standard_output_holds_records_and_nothing_else(program: "Program") -> None:
    done = program("run", "-", "-o", "-", stdin=lines([*PAPERS[:2], {"id": "bad"}, PAPERS[2]]))
    assert done.returncode == 3
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["p1", "p2", "p3"]
    [failure] = [json.loads(line) for line in done.stderr.splitlines() if line.startswith(b"{")]
    assert (failure["id"], failure["source"], failure["line"]) == ("bad", "stdin", 3)


def test_every_record_ends_in_one_place(extractor: "Command", tmp_path: Path) -> None:
    (tmp_path / "mixed.jsonl").write_bytes(
        lines([PAPERS[0], PAPERS[0] | {"abstract": "Another."}, {"title": "no abstract"}, PAPERS[1]])
        + b"not json\n"
        + b'{"id": "\xff"}\n'
        + lines([PAPERS[2]])
    )
    done = extractor("run", "mixed.jsonl", "-o", "job")
    assert done.returncode == 3
    assert [record.id for record in read_extractions(tmp_path / "job")] == ["p1", "p2", "p3"]
    failures = [json.loads(line) for line in (tmp_path / "job" / "failures.jsonl").read_bytes().splitlines()]
    assert [failure["line"] for failure in failures] == [2, 3, 5, 6]
    assert "mixed.jsonl:1 and mixed.jsonl:2" in failures[0]["cause"]
    assert "mixed.jsonl:5: " in done.stderr.decode()
    again = extractor("run", "mixed.jsonl", "-o", "job")
    assert again.returncode == 3
    assert len((tmp_path / "job" / "failures.jsonl").read_bytes().splitlines()) == 4


def test_a_job_inside_the_folder_that_it_reads_does_not_read_itself(extractor: "Command", papers: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert extractor("run", ".", "-o", "job").returncode == 0
    assert [record.id for record in read_extractions(tmp_path / "job")] == [paper["id"] for paper in PAPERS]


def test_the_first_ten_failures_are_listed(extractor: "Command", tmp_path: Path) -> None:
    done = extractor("run", "-", "-o", "job", stdin=b"{}\n" * 14)
    talk = done.stderr.decode().splitlines()
    assert sum(line.startswith("stdin:") for line in talk) == 10
    assert "and 4 more in job/failures.jsonl" in talk


def test_fields_of_other_names_are_mapped(extractor: "Command") -> None:
    other = lines([{"key": "k1", "headline": "FastNet", "body": "It is fast."}])
    done = extractor("run", "-", "-o", "-", "--fields", "title=headline,abstract=body,id=key", stdin=other)
    [record] = map(json.loads, done.stdout.splitlines())
    assert (record["id"], record["title"], record["abstract"]) == ("k1", "FastNet", "It is fast.")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["run"], 2, "Missing argument", id="no input"),
        pytest.param(["run", "nowhere.jsonl"], 2, "nowhere.jsonl", id="input that is not there"),
        pytest.param(["run", "papers.jsonl", "-m", "gpt"], 2, "no model 'gpt'. Use 'rules'", id="unknown model"),
        pytest.param(["run", "papers.jsonl", "--fields", "name=x"], 2, "'name=x'", id="unknown field"),
        pytest.param(["run", "papers.jsonl", "--loud"], 2, "No such option: --loud", id="unknown option"),
        pytest.param(["run", "empty.jsonl"], 1, "empty.jsonl", id="nothing in the input"),
        pytest.param(["show", "nowhere"], 2, "nowhere", id="no job there"),
        pytest.param(["dance"], 2, "No such command", id="unknown command"),
    ],
)
def test_a_user_error_has_a_code_and_no_traceback(
    extractor: "Command", papers: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"")
    done = extractor(*arguments)
    talk = done.stderr.decode()
    assert (done.returncode, done.stdout) == (code, b""), talk
    assert message in talk
    assert "Traceback" not in talk


def test_a_folder_of_another_job_is_left_alone_until_fresh(extractor: "Command", papers: Path, tmp_path: Path) -> None:
    assert extractor("run", papers, "-o", "job").returncode == 0
    refused = extractor("run", "-", "-o", "job", stdin=lines(PAPERS[:1]))
    assert refused.returncode == 2
    assert b"--fresh" in refused.stderr
    assert len(list(read_extractions(tmp_path / "job"))) == 5
    assert extractor("run", "-", "-o", "job", "--fresh", stdin=lines(PAPERS[:1])).returncode == 0
    assert len(list(read_extractions(tmp_path / "job"))) == 1


def wait_for(folder: Path, records: int) -> None:
    """Wait until a running job has written so many records."""
    file = folder / "extractions.jsonl"
    deadline = time.monotonic() + 30
    while not file.exists() or file.read_bytes().count(b"\n") < records:
        assert time.monotonic() < deadline, "the job wrote too little"
        time.sleep(0.01)


def gone(group: int) -> bool:
    """Whether a group of processes ends before long."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_resumes_to_the_same_records(program: "Program", tmp_path: Path, stop: signal.Signals) -> None:
    job = tmp_path / "job"
    process = program.start("run", "-", "-o", "job")
    assert process.stdin is not None
    process.stdin.write(lines(PAPERS[:3]))
    process.stdin.flush()
    wait_for(job, 3)
    process.send_signal(stop)
    process.wait(timeout=30)  # with its input still open: it may be waiting for more
    _, talk = process.communicate()
    if stop == signal.SIGINT:
        assert process.returncode == 130
        assert talk == b"Interrupted: what is done is in job. Run the same command again for the rest.\n"
    assert [record.id for record in read_extractions(job)] == ["p1", "p2", "p3"]
    assert json.loads((job / "job.json").read_bytes())["finished"] is None

    with (job / "extractions.jsonl").open("ab") as file:
        file.write(b'{"schema_version":1,"id":"p4","ti')
    done = program("run", "-", "-o", "job", stdin=lines(PAPERS))
    assert done.returncode == 0
    assert b"3 done before" in done.stderr
    whole = b"".join(to_line(extract(paper["title"], paper["abstract"], id=paper["id"])) for paper in PAPERS)
    assert timeless((job / "extractions.jsonl").read_bytes()) == timeless(whole)


def test_ctrl_c_in_a_terminal_reaches_all_processes_and_ends_them_in_order(program: "Program", tmp_path: Path) -> None:
    (tmp_path / "many.jsonl").write_bytes(lines([paper | {"id": str(n)} for n in range(20_000) for paper in PAPERS[:1]]))
    process = program.start("run", "many.jsonl", "-o", "job", "--workers", "2", new_session=True)
    wait_for(tmp_path / "job", 100)
    os.killpg(process.pid, signal.SIGINT)
    _, talk = process.communicate(timeout=60)
    assert process.returncode == 130
    *waiting, last = talk.splitlines()
    assert last == b"Interrupted: what is done is in job. Run the same command again for the rest."
    assert [line.partition(b"(")[0] for line in waiting] in ([], [b"Stopping after the documents under way "])
    records = [record.id for record in read_extractions(tmp_path / "job")]
    assert records == [str(n) for n in range(len(records))]
    assert gone(process.pid), "a process is left"


def test_a_closed_pipe_ends_quietly(program: "Program") -> None:
    process = program.start("run", CORPUS, "-o", "-")
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b'{"schema_version":1')
    process.stdout.close()
    process.stdout = None
    _, talk = process.communicate()
    assert (process.returncode, talk) == (141, b"")


def crowded(folder: Path, output: str) -> subprocess.CompletedProcess[bytes]:
    """A run over the real abstracts where no file can grow beyond 60 kB."""
    code = (
        "import resource; from extractor.cli import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY)); main()"
    )
    with (folder / "stdout").open("wb") as stdout:
        return subprocess.run(
            [sys.executable, "-c", code, "run", CORPUS, "-o", output],
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={"PYTHONPATH": str(ROOT)},
            check=False,
        )


def test_a_full_disk_under_standard_output_is_one_line(tmp_path: Path) -> None:
    stopped = crowded(tmp_path, "-")
    assert stopped.returncode == 1
    assert stopped.stderr.count(b"\n") == 1
    assert b"Cannot write standard output: File too large" in stopped.stderr


def test_a_full_disk_under_the_folder_is_one_line_and_resumes(extractor: "Command", tmp_path: Path) -> None:
    stopped = crowded(tmp_path, "job")
    assert stopped.returncode == 1
    assert stopped.stderr.count(b"\n") == 1
    assert b"Cannot write job: File too large" in stopped.stderr
    done = extractor("run", CORPUS, "-o", "job")
    assert done.returncode == 0
    assert [record.id for record in read_extractions(tmp_path / "job")] == [f"abstracts#{n}" for n in range(1, 144)]


def test_a_device_without_room_is_one_line(program: "Program", tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        process = program.start("run", CORPUS, "-o", "-", stdout=full)
        _, talk = process.communicate()
    assert process.returncode == 1
    assert talk == (b"extractor: Cannot write standard output: No space left on device. Mend that or choose another -o.\n")


@pytest.mark.parametrize(
    ("command", "redirected", "code", "said"),
    [
        pytest.param("run papers.jsonl -o job", "2>&-", 0, "", id="standard error"),
        pytest.param("run papers.jsonl -o job --workers 2", "<&- >&- 2>&-", 0, "", id="all three"),
        pytest.param("run papers.jsonl -o -", ">&-", 1, "Cannot write standard output: Bad file descriptor.", id="records"),
        pytest.param("run - -o other", "<&-", 1, "stdin:1: holds no record.", id="standard input"),
        pytest.param("--version", ">&-", 1, "Standard output: Bad file descriptor.", id="version"),
        pytest.param("config run", ">/dev/full", 1, "Standard output: No space left on device.", id="lines to a full disk"),
        pytest.param("--version", ">/dev/full", 1, "Standard output: No space left on device.", id="version to a full disk"),
    ],
)
def test_standard_streams_may_be_closed(papers: Path, command: str, redirected: str, code: int, said: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m extractor.cli {command} {redirected}"],
        capture_output=True,
        cwd=papers.parent,
        env={"PYTHONPATH": str(ROOT)},
        check=False,
        text=True,
    )
    assert (done.returncode, "Traceback" in done.stderr, said in done.stderr) == (code, False, True)
    if "-o job" in command:  # and no stream has written into a file of the job
        assert len(list(read_extractions(papers.parent / "job"))) == len(papers.read_bytes().splitlines())


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        pytest.param("papers.jsonl", "File exists", id="a file"),
        pytest.param("papers.jsonl/x", "Not a directory", id="below a file"),
        pytest.param("/sys/job", "[A-Z][a-z ]+(-[a-z ]+)?", id="where not even root may write"),
    ],
)
def test_a_place_that_cannot_be_written_is_one_line(program: "Program", papers: Path, output: str, cause: str) -> None:
    done = program("run", papers, "-o", output)
    assert (done.returncode, done.stdout) == (1, b"")
    said = rf"extractor: Cannot write {output}: {cause}\. Mend that or choose another -o\.\n"
    assert re.fullmatch(said, done.stderr.decode()), done.stderr


def test_a_file_that_vanishes_before_it_is_read_is_a_failure_and_loses_nothing(program: "Program", tmp_path: Path) -> None:
    """The second file goes while the first, a pipe, keeps the job waiting."""
    os.mkfifo(tmp_path / "first.jsonl")
    second = tmp_path / "second.jsonl"
    second.write_bytes(lines(PAPERS[3:4]))
    process = program.start("run", "first.jsonl", "second.jsonl", "-o", "job")
    with (tmp_path / "first.jsonl").open("wb") as first:
        first.write(lines(PAPERS[:3]))
        first.flush()
        second.unlink()
    _, talk = process.communicate()
    assert process.returncode == 3
    assert b"second.jsonl:1: cannot be read further: No such file or directory. Check the file" in talk
    assert [record.id for record in read_extractions(tmp_path / "job")] == ["p1", "p2", "p3"]


def run_here(papers: Path, job: Path) -> Result:
    """The command without a process of its own."""
    return CliRunner().invoke(app, ["run", str(papers), "-o", str(job)])


def test_a_file_that_has_vanished_between_two_runs_is_one_line_and_nothing_is_touched(papers: Path, tmp_path: Path) -> None:
    assert run_here(papers, tmp_path / "job").exit_code == 0
    before = {file.name: file.read_bytes() for file in (tmp_path / "job").iterdir()}
    papers.unlink()
    done = run_here(papers, tmp_path / "job")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "There is no such file or folder" in done.stderr
    assert {file.name: file.read_bytes() for file in (tmp_path / "job").iterdir()} == before


def test_an_input_that_has_changed_between_two_runs_is_told_and_nothing_is_lost(papers: Path, tmp_path: Path) -> None:
    assert run_here(papers, tmp_path / "job").exit_code == 0
    changed = PAPERS[1] | {"abstract": "FastNet is 9x faster than SlowNet on CPUs."}
    papers.write_bytes(
        lines([PAPERS[2], changed, PAPERS[0], PAPERS[4], {"id": "p6", "title": "New", "abstract": "It is 2x faster."}])
    )
    done = run_here(papers, tmp_path / "job")
    assert done.exit_code == 0
    talk = done.stderr.splitlines()
    assert "5 done before" in talk
    assert "1 of the documents had another text before and were done anew" in talk
    assert "1 of the documents are no longer in the input; --fresh drops them" in talk
    records = {record.id: record for record in read_extractions(tmp_path / "job")}
    assert [*records] == ["p3", "p2", "p1", "p5", "p6", "p4"]
    assert records["p2"].claims[0].quantity.text == "9x"


def test_a_bug_keeps_its_traceback(tmp_path: Path) -> None:
    broken = "import extractor.jobs.runner as runner; runner.run_together = None; from extractor.cli import main; main()"
    command = [sys.executable, "-c", broken, "run", str(CORPUS), "-o", "-"]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == 1
    assert b"Traceback" in done.stderr


def takes_any_character(command: "Command", folder: Path, environment: dict[str, str]) -> None:
    paper = {"id": "größe-日本", "title": "FastNet: 日本 𝛼", "abstract": "It is 2.5× faster – really – than Größe on CPUs."}
    expected = extract(paper["title"], paper["abstract"], id=paper["id"])
    streamed = command("run", "-", "-o", "-", stdin=lines([paper]), env=environment)
    assert timeless(streamed.stdout) == timeless(to_line(expected))
    (folder / "extractions.jsonl").write_bytes(streamed.stdout)
    for arguments in ([], [paper["id"]], ["--json"]):
        shown = command("show", ".", *arguments, env=environment)
        assert (shown.returncode, shown.stderr) == (0, b"")


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, id="no UTF-8"),
        pytest.param({"PYTHONIOENCODING": "latin-1"}, id="latin-1"),
    ],
)
def test_any_encoding_will_do(program: "Program", tmp_path: Path, environment: dict[str, str]) -> None:
    takes_any_character(program, tmp_path, environment)


def test_a_narrow_terminal_without_colours_will_do(extractor: "Command", tmp_path: Path) -> None:
    takes_any_character(extractor, tmp_path, {"NO_COLOR": "1", "COLUMNS": "40"})
