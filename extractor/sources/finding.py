"""Names of inputs -> files: what a file, a folder, a glob or an address stands for."""

import glob
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from extractor.errors import UsageError
from extractor.sources.opening import STDIN, file_system, is_remote

_OUTPUTS = frozenset(["extractions.jsonl", "failures.jsonl", "job.json"])


@dataclass(frozen=True, slots=True)
class File:
    """One input. `named` says that the user named it itself, and not a folder or a pattern that it was found by."""

    path: str
    named: bool


def expand(inputs: Iterable[str]) -> list[File]:
    """The files that the inputs name, each once, in the order named. Raises UsageError."""
    found: dict[str, File] = {}
    for name in inputs:
        for file in [File(STDIN, named=True)] if name == STDIN else _remote(name) if is_remote(name) else _files(name):
            key = file.path if name == STDIN or is_remote(name) else os.path.realpath(file.path)
            if key not in found or file.named:
                found[key] = file
    if not found:
        raise UsageError("There is nothing to read. Name files, folders or globs, or - for standard input.")
    return list(found.values())


def _files(name: str) -> list[File]:
    exists = Path(name).exists()
    matches = [name] if exists else sorted(glob.glob(name, recursive=True))  # noqa: PTH207 (takes absolute patterns too)
    if not matches:
        kind = "The pattern matches no file" if glob.has_magic(name) else "There is no such file or folder"
        raise UsageError(f"{kind}: {name}. Check the spelling, and quote a pattern so that the shell leaves it alone.")
    files = []
    for match in matches:
        if Path(match).is_dir():
            files += [File(path, named=False) for path in _inside(Path(match))]
        else:
            files.append(File(match, named=exists))
    if not files:
        raise UsageError(f"No file is in {name}. Name one that holds files, or the files themselves.")
    for file in files:
        if not os.access(file.path, os.R_OK):
            raise UsageError(f"{file.path} may not be read. Change its permissions, or leave it out.")
    return files


def _inside(folder: Path) -> list[str]:
    """The files of a folder, at any depth, in sorted order; hidden ones and those of a job are left out."""
    return sorted(
        str(path)
        for path in folder.rglob("*")
        if path.is_file()
        and not (path.name in _OUTPUTS and (path.parent / "job.json").exists())
        and not any(parent.name == "batch" and (parent.parent / "job.json").exists() for parent in path.parents)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _remote(address: str) -> list[File]:
    system, path = file_system(address)
    try:
        if glob.has_magic(path):
            paths, named = sorted(system.glob(path)), False
        elif system.isdir(path):
            paths, named = sorted(system.find(path)), False
        else:
            paths, named = [path], True
            if not system.exists(path):
                paths = []
    except OSError as error:
        raise UsageError(f"{address} cannot be read: {error}. Check the address, or copy the file first.") from None
    if not paths:
        raise UsageError(f"There is no such file or folder: {address}. Check the spelling.")
    return [File(system.unstrip_protocol(one), named) for one in paths]
