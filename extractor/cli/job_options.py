"""A job as it is asked for on the command line, by whichever command; `job.json` keeps it for `extractor retry`."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from extractor.errors import UsageError

if TYPE_CHECKING:
    from extractor.jobs.journal import Job
    from extractor.labelling.models import Chosen, ModelOptions
    from extractor.sources import Fields


@dataclass(frozen=True, slots=True)
class JobOptions:
    """What is read, who labels it, and how the job goes about it. `order` is that of the records, `input` or `completion`."""

    inputs: tuple[str, ...]
    model: "ModelOptions"
    fields: str = ""
    workers: int = 1
    order: str = "input"
    batch: bool = False
    retry_online: bool = False

    @classmethod
    def of(cls, description: dict[str, Any]) -> Self:
        """The options of an earlier run, from its `job.json`. Raises `ValueError`, `KeyError` or `TypeError` if it has none."""
        from extractor.labelling.models import ModelOptions

        raw = dict(description["options"])
        model = dict(raw.pop("model"))
        prompt, fallbacks = model.pop("prompt"), tuple(model.pop("fallbacks"))
        asked = ModelOptions(**model, prompt=None if prompt is None else Path(prompt), fallbacks=fallbacks)
        return cls(tuple(description["inputs"]), asked, **raw)

    @property
    def names(self) -> "Fields":
        """What the input calls its fields. Raises `UsageError` for a mapping that is none."""
        from extractor.sources import Fields

        return Fields.parse(self.fields) if self.fields else Fields()

    def job(self, chosen: "Chosen") -> "Job":
        """The job that its folder knows. `chosen` is what the model's options mean."""
        from extractor.jobs.journal import Job

        prompt = self.model.prompt
        options = asdict(self)
        options["model"]["prompt"] = None if prompt is None else str(prompt.absolute())
        del options["inputs"]
        names = {name: [value] if isinstance(value, str) else [*value] for name, value in asdict(self.names).items()}
        return Job(self.inputs, self.model.model, names, asking=chosen.settings, options=options, directory=str(Path.cwd()))


def described(folder: Path) -> dict[str, Any]:
    """The `job.json` of a folder. Raises `UsageError` where there is none."""
    from extractor.jobs.journal import JOB, read_description

    fix = "Name a folder that `extractor run` writes or wrote."
    if not (folder / JOB).exists():
        raise UsageError(f"{folder} holds no {JOB}. {fix}")
    return read_description(folder, fix)
