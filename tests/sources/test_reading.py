"""Inputs: what a name stands for, which format it has, and what holds across files: ids, errors, memory."""

import bz2
import glob
import gzip
import io
import json
import lzma
import os
import random
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
from backports import zstd

from extractor.errors import UsageError
from extractor.sources import BadRecord, Fields, Sourced, read
from extractor.sources.opening import _matches, expand

PROSE = "A sentence of an abstract that says what was done and how well it went. " * 5


def record(id: str | None = None) -> str:
    return json.dumps({"title": "T", "abstract": "A."} | ({} if id is None else {"id": id}))


def ids(found: Iterator[Sourced | BadRecord]) -> list[str]:
    return [one.document.id for one in found if isinstance(one, Sourced)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a file of each kind, and some that are not read."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/.hidden").mkdir()
    (tmp_path / "empty").mkdir()
    for name, text in {
        "in/b.jsonl": record("b"),
        "in/a.json": f"[{record('a')}]",
        "in/deep/c.ndjson": record("c"),
        "in/deep/d.txt": f"A Title\n{PROSE}",
        "in/.hidden/e.jsonl": record("hidden"),
        "in/.f.jsonl": record("hidden"),
        "in/notes.md": record("notes"),
        "in/odd [1].jsonl": record("odd"),
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


NAMED = {
    "file": (["in/b.jsonl"], ["b"]),
    "unknown suffix": (["in/notes.md"], ["notes"]),
    "two files in their order": (["in/b.jsonl", "in/a.json"], ["b", "a"]),
    "folder": (["in"], ["a", "b", "c", "d#1", "notes", "odd"]),
    "glob": (["in/*.json*"], ["a", "b", "odd"]),
    "deep glob": (["in/**/*.ndjson"], ["c"]),
    "glob over folders": (["in/d*"], ["c", "d#1"]),
    "a name with brackets": (["in/odd [1].jsonl"], ["odd"]),
    "the same file twice": (["in/b.jsonl", "in/../in/b.jsonl", "in/b*"], ["b"]),
}


@pytest.mark.parametrize(("inputs", "expected"), NAMED.values(), ids=NAMED.keys())
@pytest.mark.usefixtures("folder")
def test_what_a_name_stands_for(inputs: list[str], expected: list[str]) -> None:
    assert ids(read(inputs)) == expected


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["in/b.jsonl", "in/missing.jsonl"], "There is no such file or folder: in/missing.jsonl. "),
        (["in/*.csv"], r"The pattern matches no file: in/\*.csv. "),
        (["empty"], "No file is in empty. "),
        ([], "There is nothing to read. "),
    ],
    ids=["missing", "pattern", "empty folder", "no input"],
)
@pytest.mark.usefixtures("folder")
def test_a_wrong_name_is_an_error_before_anything_is_read(inputs: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}[A-Z]"):
        read(inputs)


@pytest.mark.parametrize("mapping", ["title", "title=", "subject=x", "id=a,id=b", ""])
def test_a_wrong_field_mapping_is_an_error(mapping: str) -> None:
    with pytest.raises(UsageError, match="title=NAME"):
        Fields.parse(mapping)


CONTENT = {
    "lines": (f"{record('a')}\n{record('b')}\n", ["a", "b"]),
    "one line without end": (record("a"), ["a"]),
    "array": (f" [\n {record('a')}, {record('b')}]", ["a", "b"]),
    "object over lines": (json.dumps(json.loads(record("a")), indent=1), ["a"]),
    "scrape": (f"A Title\n{PROSE}", ["stdin#1"]),
    "scrape that begins with a bracket": (f"[Re] A Title\n{PROSE}", ["stdin#1"]),
    "byte order mark": (f"\ufeff{record('a')}\n", ["a"]),
}


@pytest.mark.parametrize(("text", "expected"), CONTENT.values(), ids=CONTENT.keys())
def test_standard_input_is_known_by_its_content(text: str, expected: list[str]) -> None:
    stdin = io.BytesIO(text.encode())
    assert ids(read(["-"], stdin=stdin)) == expected
    assert not stdin.closed


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": partial(lzma.compress, preset=0),  # the others clear 90 MB for a few bytes
    "lzma": partial(lzma.compress, format=lzma.FORMAT_ALONE, preset=0),
    "zst": zstd.compress,
}


@pytest.mark.parametrize("kind", PACK)
def test_a_packed_file_is_read_and_has_the_stem_of_what_is_in_it(kind: str, tmp_path: Path) -> None:
    path, data = tmp_path / f"in.jsonl.{kind}", f"{record()}\n{record('b')}\n".encode()
    path.write_bytes(PACK[kind](data[:20]) + PACK[kind](data[20:]))  # as two files one after another
    assert ids(read([str(path)])) == ["in#1", "b"]
    assert ids(read(["-"], stdin=io.BytesIO(path.read_bytes()))) == ["stdin#1", "b"]


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("damage", ["cut off", "garbled"])
def test_a_damaged_packed_file_gives_what_comes_before_the_damage(kind: str, damage: str, tmp_path: Path) -> None:
    noise = random.Random(1)
    records = [json.dumps({"id": str(n), "abstract": noise.randbytes(400).hex()}) for n in range(1500)]
    packed = bytearray(PACK[kind]("\n".join(records).encode()))
    half = len(packed) // 2
    packed[half:] = b"" if damage == "cut off" else bytes(half)
    (tmp_path / "in").write_bytes(packed)
    found = list(read([str(tmp_path / "in")]))
    last = found[-1]
    assert isinstance(last, BadRecord)
    assert "the compressed file is " in last.cause
    assert all(isinstance(one, Sourced) for one in found[:-1])


def test_all_that_can_be_unpacked_of_a_damaged_file_is_read(tmp_path: Path) -> None:
    packed = gzip.compress("".join(f"{record(str(n))}\n" for n in range(300)).encode())
    for damage in (packed[:-4], packed[:-8] + bytes(8), packed + b"more"):
        (tmp_path / "in").write_bytes(damage)
        *found, last = read([str(tmp_path / "in")])
        assert isinstance(last, BadRecord)
        assert len(found) == 300


def test_two_records_with_one_id_name_both(tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    one.write_text(f"{record('x')}\n{record('y')}\n")
    two.write_text(f"{record('z')}\n\n{record('y').replace('A.', 'B.')}\n{record('w')}\n")
    found = list(read([str(one), str(two)]))
    assert ids(iter(found)) == ["x", "y", "z", "w"]
    (bad,) = [each for each in found if isinstance(each, BadRecord)]
    assert bad.cause == f'two records have the id "y": {one}:2 and {two}:3'
    assert (bad.id, str(bad.location)) == ("y", f"{two}:3")


def test_ordinals_count_damaged_records_so_that_mending_one_renames_none(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(f"{record()}\nbroken\n\n{record()}\n")
    assert ids(read([str(path)])) == ["p#1", "p#3"]


def test_files_with_one_stem_keep_their_records_apart(tmp_path: Path) -> None:
    for name in ("a/p.jsonl", "b/p.jsonl", "q.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(record())
    assert ids(read([str(tmp_path)])) == [f"{tmp_path}/a/p.jsonl#1", f"{tmp_path}/b/p.jsonl#1", "q#1"]


def test_an_input_that_fails_on_the_way_does_not_stop_the_next(tmp_path: Path) -> None:
    class Failing(io.RawIOBase):
        def __init__(self) -> None:
            self.data = iter([record("first").encode() + b"\n"])

        def read(self, size: int = -1) -> bytes:  # noqa: ARG002
            for data in self.data:
                return data
            raise OSError(5, "Input/output error")

    path = tmp_path / "next.jsonl"
    path.write_text(record("next"))
    found = list(read(["-", str(path)], stdin=Failing()))  # type: ignore[arg-type]
    assert ids(iter(found)) == ["first", "next"]
    (bad,) = [one for one in found if isinstance(one, BadRecord)]
    assert "Input/output error" in bad.cause


class Endless(io.RawIOBase):
    """A stream that makes its bytes up as they are read, and counts them."""

    def __init__(self, first: bytes, again: bytes, times: int) -> None:
        self.parts = iter([first, *[again] * times])
        self.rest = b""
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        while len(self.rest) < size and (part := next(self.parts, b"")):
            self.rest += part
        data, self.rest = self.rest[:size], self.rest[size:]
        self.given += len(data)
        return data


BIG = {
    "json lines": (b"", b'{"title": "T", "abstract": "' + PROSE.encode() * 4 + b'"}\n'),
    "json array": (b"[", b'{"title": "T", "abstract": "' + PROSE.encode() * 4 + b'"},\n'),
    "scrape": (b"", b"A Title\n" + PROSE.encode() * 4 + b"\n"),
    "objects without end": (b"", b'{"title": "T", "abstract": "' + PROSE.encode() * 4 + b'"\n'),
    "one line without end": (b'{"abstract": "', PROSE.encode()),
    "one array element without end": (b'[{"abstract": "', PROSE.encode()),
    "csv": (b"title,abstract\n", b'T,"' + PROSE.encode() * 4 + b'"\n'),
    "csv with a quotation mark that is not closed": (b'title,abstract\nT,"', PROSE.encode() * 4 + b"\n"),
    "bibtex": (b"", b"@article{, abstract = {" + PROSE.encode() * 4 + b"}}\n"),
    "bibtex that is not closed": (b"@article{a, abstract = {", PROSE.encode() * 4 + b"\n"),
    "ris": (b"", b"TY  - JOUR\nAB  - " + PROSE.encode() * 4 + b"\nER  - \n"),
    "ris without end": (b"TY  - JOUR\n", b"AB  - " + PROSE.encode() * 4 + b"\n"),
    "pubmed": (b"", b"PMID- 1\nAB  - " + PROSE.encode() * 4 + b"\n\n"),
    "atom": (b'<feed xmlns="http://www.w3.org/2005/Atom">', b"<entry><summary>" + PROSE.encode() * 4 + b"</summary></entry>\n"),
    "atom without end": (b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><summary>', PROSE.encode() * 4 + b"<b/>\n"),
    "atom in a comment": (b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><!-- ', PROSE.encode() * 4 + b"\n"),
    "an answer": (b'{"meta": {}, "results": [', b'{"title": "T", "abstract": "' + PROSE.encode() * 4 + b'"},\n'),
    "an answer that goes on": (
        b'{"results": [{"abstract": "A."}], "more": [',
        b'{"title": "' + PROSE.encode() * 4 + b'", "b": [1]},\n',
    ),
}


@pytest.mark.parametrize("kind", BIG)
def test_memory_stays_flat(kind: str) -> None:
    """6 MB go through within 5 MB: at most a record of 1 MB and its copies are held, not what was read before.

    Python's csv module holds four bytes a character.
    """
    first, again = BIG[kind]
    stream = Endless(first, again, 6_000_000 // len(again))
    tracemalloc.start()
    try:
        for _ in read(["-"], stdin=stream):  # type: ignore[arg-type]
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert stream.given > 5_900_000
    assert peak < (8_000_000 if kind.startswith("csv with") else 5_000_000)


@pytest.mark.parametrize("kind", ["json lines", "json array", "scrape", "csv", "bibtex", "ris", "atom", "an answer"])
def test_the_first_records_come_before_the_last_are_read(kind: str) -> None:
    stream = Endless(*BIG[kind], times=1_000_000)
    assert len(list(islice(read(["-"], stdin=stream), 10))) == 10  # type: ignore[arg-type]
    assert stream.given < 1_000_000


def test_a_named_pipe_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=[record("piped")])
    writer.start()
    assert ids(read([str(pipe)])) == ["piped"]
    writer.join()


def test_the_files_of_a_job_are_no_input(tmp_path: Path) -> None:
    for name in (
        "job/extractions.jsonl",
        "job/job.json",
        "job/batch/documents.jsonl",
        "job/shards/0/shard.json",
        "job/more.jsonl",
        "batch/a.jsonl",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(record(name))
    assert ids(read([str(tmp_path)])) == ["batch/a.jsonl", "job/more.jsonl"]
    (tmp_path / "job/job.json").unlink()
    everything = ["job/batch/documents.jsonl", "job/extractions.jsonl", "job/more.jsonl", "job/shards/0/shard.json"]
    assert ids(read([str(tmp_path / "job")])) == everything


def test_a_file_that_may_not_be_read_is_an_error_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(record("a"))
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(UsageError, match="may not be read"):
        read([str(path)])


def test_standard_input_is_read_once(tmp_path: Path) -> None:
    assert ids(read(["-", "-"], stdin=io.BytesIO(record("a").encode()))) == ["a"]


def test_an_empty_file_is_a_bad_record_and_a_file_with_a_bad_one_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("")
    (tmp_path / "b.jsonl").write_text("broken")
    found = list(read([str(tmp_path)]))
    assert [one.cause for one in found if isinstance(one, BadRecord)] == [
        "holds no record",
        "not JSON: Expecting value (line 1, column 1)",
    ]
    assert [str(one.location) for one in found] == [f"{tmp_path}/a.jsonl:1", f"{tmp_path}/b.jsonl:1"]


def test_a_line_of_the_largest_size_is_read_and_a_longer_one_is_not() -> None:
    def line(size: int) -> bytes:
        start, end = b'{"abstract": "', b'"}'
        return start + b"x" * (size - len(start) - len(end)) + end

    sizes = [1_000_000, 1_000_001, 10]
    lines = b"\n".join(line(size) for size in sizes[:2]) + b'\n{"abstract": "A."}\n'
    for data in (lines, b"[\n" + lines.rstrip().replace(b"\n", b",\n") + b"]"):
        found = list(read(["-"], stdin=io.BytesIO(data)))
        assert [isinstance(one, Sourced) for one in found] == [True, False, True]
        assert found[2].location.line - found[0].location.line == 2


ANSWERS = {
    "one": ('{"data": [{"id": "a", "abstract": "A."}]}', ["a"]),
    "its list last": (
        '{"total": 2, "next": null, "data": [{"id": "a", "abstract": "A."}, {"id": "b", "abstract": "B."}]}',
        ["a", "b"],
    ),
    "one after another": ('{"results": [{"id": "a", "abstract": "A."}], "n": {"x": [1]}}\n' * 2, ["a"]),
    "a list inside": ('{"message": {"facets": {"x": []}, "items": [{"id": "a", "abstract": "A."}]}}', ["a"]),
    "Solr": ('{"responseHeader": {"status": 0}, "response": {"n": 1, "docs": [{"id": "a", "abstract": ["A."]}]}}', ["a"]),
    "Europe PMC": ('{"hitCount": 1, "resultList": {"result": [{"id": "a", "abstractText": "A."}]}}', ["a"]),
    "a record with such a field": ('{"id": "a", "abstract": "A.", "data": [{"id": "b", "abstract": "B."}]}', ["a"]),
    "an empty one": ('{"data": []}', []),
    "a record between answers": ('{"data": [{"id": "a", "abstract": "A."}]}\n{"id": "b", "abstract": "B."}', ["a", "b"]),
}


@pytest.mark.parametrize(("text", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("name", ["in.json", "in.jsonl"])
def test_the_answers_of_services_are_lists_of_records(text: str, expected: list[str], name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    found = list(read([str(tmp_path / name)]))
    assert ids(iter(found)) == expected
    assert [one.cause for one in found if isinstance(one, BadRecord)] == ([] if expected else ["holds no record"])


def test_a_cut_off_answer_is_told(tmp_path: Path) -> None:
    (tmp_path / "in").write_text('{"data": [{"id": "a", "abstract": "A."},')
    found = list(read([str(tmp_path / "in")]))
    assert ids(iter(found)) == ["a"]
    assert [one.cause for one in found if isinstance(one, BadRecord)] == ["the array has no end; the file may be cut off"]


def test_an_address_is_read_through_its_file_system() -> None:
    import fsspec

    system = fsspec.filesystem("memory")
    system.pipe("/papers/a.jsonl", (record("a") + "\n").encode())
    system.pipe("/papers/b.jsonl.gz", gzip.compress((record() + "\n").encode()))
    assert ids(read(["memory://papers/a.jsonl"])) == ["a"]
    assert ids(read(["memory://papers/*"])) == ["a", "b#1"]
    assert ids(read(["memory://papers"])) == ["a", "b#1"]
    with pytest.raises(UsageError, match="There is no such file or folder: memory://papers/c"):
        read(["memory://papers/c"])
    with pytest.raises(UsageError, match="nowhere://x cannot be read: "):
        read(["nowhere://x"])


@pytest.mark.parametrize("package", ["fsspec", "pyarrow", "openpyxl", "backports"])
def test_what_an_extra_holds_is_asked_for_where_it_is_missing(
    package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"{package}.zstd", raising=False)
    data = {"pyarrow": b"PAR1", "openpyxl": b"PK\x03\x04xl/", "backports": zstd.compress(b"{}")}
    (tmp_path / "in").write_bytes(data.get(package, b""))
    if package == "fsspec":
        with pytest.raises(UsageError, match=r"fsspec, which is not installed.*pip install '\.\[formats\]'"):
            read(["s3://a/b.jsonl"])
        return
    [bad] = read([str(tmp_path / "in")])
    assert isinstance(bad, BadRecord)
    assert "installed" in bad.cause
    assert "pip install '.[formats]'" in bad.cause + bad.fix


def test_a_record_longer_than_an_abstract_is_bad_and_the_others_are_read(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    records = [{"id": "long", "title": "T", "abstract": "a" * 99}, {"id": "short", "title": "T", "abstract": "a" * 98}]
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    first, second = read([str(file)], longest=100)
    assert isinstance(first, BadRecord)
    assert isinstance(second, Sourced)
    assert (first.id, first.location.line, second.document.id) == ("long", 1, "short")
    assert first.cause == "the record has 101 characters, more than the 100 of an abstract"
    assert all(isinstance(item, Sourced) for item in read([str(file)]))


def test_an_empty_name_is_not_the_folder_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text(record("own"))
    for name in ("", " "):
        with pytest.raises(UsageError, match="The name of an input is empty"):
            read([name])


@pytest.mark.parametrize("name", ["x" * 5_000, "x/" * 5_000, "a\0b", "*" * 5_000, "**/" + "x" * 5_000], ids=len)
def test_a_name_that_no_system_takes_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"cannot be looked up|no such file|matches no file"):
        read([name])


@pytest.fixture
def looped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders that links join to a knot in which every path goes on for ever."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "a/b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "p.jsonl").write_text(record("own"))
        for target in ("", "a", "a/b", "c"):
            (tmp_path / name / f"to-{target.replace('/', '-')}").symlink_to(tmp_path / target)
        (tmp_path / name / "self").symlink_to("self")
        (tmp_path / name / "nowhere.jsonl").symlink_to("there-is-no-such")
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("**/p.jsonl", {"a/p.jsonl", "a/b/p.jsonl", "c/p.jsonl"}),
        ("**/*.jsonl", {"a/p.jsonl", "a/b/p.jsonl", "c/p.jsonl"}),
        ("**/**/p.jsonl", {"a/p.jsonl", "a/b/p.jsonl", "c/p.jsonl"}),
        ("**", {"a/p.jsonl", "a/b/p.jsonl", "c/p.jsonl"}),
        ("**/", {"a/p.jsonl", "a/b/p.jsonl", "c/p.jsonl"}),
        ("./**/p.jsonl", {"a/p.jsonl", "a/b/p.jsonl", "c/p.jsonl"}),
        ("**/b/**/p.jsonl", {"a/p.jsonl", "a/b/p.jsonl", "c/p.jsonl"}),
        ("**/to-*/**/p.jsonl", {"a/p.jsonl", "a/b/p.jsonl", "c/p.jsonl"}),
        ("a/b/*.jsonl", {"a/b/p.jsonl"}),
        ("a**/p.jsonl", {"a/p.jsonl"}),
    ],
)
def test_a_deep_pattern_over_links_ends(looped: Path, pattern: str, files: set[str]) -> None:
    found = [file.path for file in expand([pattern])]
    assert {os.path.realpath(path) for path in found} == {str(looped / file) for file in files}
    assert len(found) == len(files)
    assert {os.path.realpath(file.path) for file in expand([str(looped / pattern)])} == {str(looped / file) for file in files}


def test_a_deep_pattern_finds_what_glob_does_where_no_link_goes_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a/x.jsonl", "a/b/y.jsonl", "a/b/z.txt", ".hidden/h.jsonl", "a/.hidden/h.jsonl", "[odd]/o.jsonl", "t.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(record("own"))
    (tmp_path / "link").symlink_to("a/b")
    for pattern in (
        "**/*.jsonl",
        "**/b/*",
        "a/**/*.txt",
        "**",
        "a/**",
        "*/**/x.jsonl",
        "[[]odd]/**",
        "**/[xy].jsonl",
        ".hidden/**",
    ):
        files = [match for match in sorted(glob.glob(pattern, recursive=True)) if Path(match).is_file()]  # noqa: PTH207 (it is the measure)
        found = [path for path in sorted(_matches(pattern, set())) if Path(path).is_file()]
        assert {*map(os.path.realpath, found)} == {*map(os.path.realpath, files)}, pattern


def test_a_link_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nothing")
    (tmp_path / "round.jsonl").symlink_to("round.jsonl")
    for name in ("gone", "round"):
        with pytest.raises(UsageError, match="link that leads nowhere"):
            read([str(tmp_path / f"{name}.jsonl")])


def test_a_file_whose_name_is_not_utf_8_says_so_where_an_id_is_made_of_it(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    with_ids, without = os.fsdecode(folder + b"/own\xe9.jsonl"), os.fsdecode(folder + b"/no\xe9.jsonl")
    paper = '{"title": "FastNet", "abstract": "FastNet is 2.5x faster."}\n'
    Path(with_ids).write_text(record("own"))
    Path(without).write_text(paper * 2)
    first, *rest = read([with_ids, without])
    assert isinstance(first, Sourced)
    for bad in rest:
        assert isinstance(bad, BadRecord)
        assert (bad.id, bad.cause) == (None, "the name of its file is not UTF-8, so no id can be made of it")
    assert len(rest) == 2
