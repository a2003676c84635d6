"""A job as it was asked for, by whoever asks; its folder keeps it in `job.json`, to go on with and for `extractor retry`."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal, Self

from extractor._version import __version__
from extractor.errors import UsageError
from extractor.labelling.models import ModelOptions
from extractor.sources import Fields

JOB = "job.json"
WAYS_OUT = "Choose another folder with -o, or start over with --fresh."


@dataclass(frozen=True, slots=True)
class Job:
    """What is read, who labels it, and how the job goes about it.

    `fields` maps the names of the input's fields (`title=headline`); what stands in the fields `keep` passes through; `format`
    is that of all inputs where it is not to be recognised; a record longer than `max_characters` fails; `order` is that of the
    records. `retry_online` asks again, by calls, for what a batch left. `inputs` are named from `directory`.
    """

    inputs: tuple[str, ...]
    model: ModelOptions = field(default_factory=ModelOptions)
    fields: str = ""
    workers: int = 1
    order: Literal["input", "completion"] = "input"
    batch: bool = False
    retry_online: bool = False
    keep: tuple[str, ...] = ()
    format: str | None = None
    max_characters: int = 50_000
    directory: str = field(default_factory=os.getcwd)

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Self:
        """The job of a `job.json`. Raises `ValueError`, `KeyError` or `TypeError` if it does not say how it was asked for."""
        raw = dict(description["options"])
        model = dict(raw.pop("model"))
        prompt, fallbacks = model.pop("prompt"), tuple(model.pop("fallbacks"))
        raw["keep"] = tuple(raw.get("keep", ()))
        asked = ModelOptions(**model, prompt=None if prompt is None else Path(prompt), fallbacks=fallbacks)
        return cls(tuple(description["inputs"]), asked, **raw, directory=description["directory"])

    @property
    def names(self) -> Fields:
        """What the input calls its fields. Raises `UsageError` for a mapping that cannot be read."""
        return replace(Fields.parse(self.fields) if self.fields else Fields(), keep=self.keep)

    def as_json(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """As it stands in `job.json`. `settings` are what a model's answers depend on beside its name."""
        prompt = self.model.prompt
        options = asdict(self)
        options["model"]["prompt"] = None if prompt is None else str(prompt.absolute())
        del options["inputs"], options["directory"]
        names = {name: [value] if isinstance(value, str) else [*value] for name, value in asdict(self.names).items() if value}
        names |= {"format": [self.format]} if self.format else {}
        return {
            "inputs": self.inputs,
            "model": self.model.model,
            "extractor": __version__,
            "settings": {"fields": names, **settings},
            "options": options,
            "directory": self.directory,
        }


@contextmanager
def written_whole(file: Path) -> Iterator[BinaryIO]:
    """A stream whose content takes the place of a file when it is whole and on the disk; the file stays as it was if not."""
    new = file.with_name(f"{file.name}.new")
    try:
        with new.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)  # a full disk needs the room
        raise


def read_description(folder: Path, fix: str = WAYS_OUT) -> dict[str, Any]:
    """What a folder's `job.json` says. Raises `UsageError` if it is not a job's, as that of another program."""
    file = folder / JOB
    try:
        description = json.loads(file.read_bytes())
    except ValueError:
        description = None
    parts = ("settings", "counts", "written")
    if not isinstance(description, dict) or not all(isinstance(description.get(part), dict) for part in parts):
        raise UsageError(f"{file} is not the description of a job. {fix}")
    return description


def described(folder: Path) -> dict[str, Any]:
    """The `job.json` of a folder. Raises `UsageError` if it has none."""
    fix = "Name a folder that `extractor run` writes or wrote."
    if not (folder / JOB).exists():
        raise UsageError(f"{folder} holds no {JOB}. {fix}")
    return read_description(folder, fix)


def earlier(folder: Path, now: Mapping[str, Any]) -> dict[str, Any]:
    """What `job.json` says of earlier runs in a folder; empty for a new one. `now` is the job that is to go on there.

    Raises `UsageError` if the folder is another job's.
    """
    before = read_description(folder)
    try:
        differences = _differences(before, now)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{folder / JOB} is not the description of a job. {WAYS_OUT}") from None
    if differences:
        raise UsageError(f"{folder} holds another job: {differences}. {WAYS_OUT}")
    return before


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What keeps two jobs from sharing a folder, in words; empty if nothing does. Inputs may be added, not taken away."""
    pairs = {name: (before[name], now[name]) for name in ("model", "extractor")}
    had, has = dict(before["settings"]), dict(now["settings"])
    pairs["fields"] = (_listed(had.pop("fields")), _listed(has.pop("fields")))
    if before["model"] == now["model"]:  # else it goes without saying
        pairs |= {name: (had.get(name), has.get(name)) for name in sorted({*had, *has})}
        if had.get("prompt") != has.get("prompt"):
            pairs.pop("prompt_sha256", None)
    if gone := [name for name in before["inputs"] if name not in now["inputs"]]:
        pairs["inputs"] = (" ".join(gone), " ".join(now["inputs"]))
    return "; ".join(_difference(name, *pair) for name, pair in pairs.items() if pair[0] != pair[1])


def _difference(name: str, before: object, after: object) -> str:
    if name.endswith("_sha256"):  # nobody compares hashes by eye
        return f"the {name.removesuffix('_sha256')} has changed"
    return f"{name} was {before}, is now {after}"


def _listed(fields: Mapping[str, Sequence[str]]) -> str:
    return ",".join(f"{name}={'|'.join(names)}" for name, names in sorted(fields.items()))
