"""Sets of annotated abstracts. A set is a folder of gold files, and figures are always those of one set.

    evals/gold/arxiv/held-out/a041.json ...   one file an abstract
                              set.toml        what the set is called, what it holds, and whether it is held out

Of a set that is held out only figures are shown: whoever has seen its errors can no longer say how well a change does on
text that nobody tuned on. A folder without `set.toml` is a set with the name of the folder.
"""

import tomllib
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from extractor.errors import DataError
from extractor.evaluation.gold import GoldDocument, read_files

SET = "set.toml"


@dataclass(frozen=True, slots=True)
class GoldSet:
    """Annotated abstracts that are evaluated together. `about` says in a phrase what they are; it may be empty."""

    name: str
    about: str
    held_out: bool
    documents: tuple[GoldDocument, ...]

    def shown(self) -> "GoldSet":
        """The set with its abstracts in view, also where it is held out."""
        return replace(self, held_out=False)


class _Description(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    about: str = ""
    held_out: bool = False


def read_sets(place: Path) -> tuple[GoldSet, ...]:
    """Read the sets in a folder: each folder of gold files in it is one, in the order of their paths; so is a single file.

    Raises what `read_files` raises, and `DataError` for a `set.toml` that does not say what it should, and for two sets of one
    name.
    """
    sets: dict[str, GoldSet] = {}
    for folder, files in groupby(read_files(place), key=lambda found: found[0].parent):
        said = _described(folder)
        if said.name in sets:
            raise DataError(f"{folder} is a second set called {said.name}; give it another name in its {SET}")
        sets[said.name] = GoldSet(said.name, said.about, said.held_out, tuple(document for _, document in files))
    return tuple(sets.values())


def _described(folder: Path) -> _Description:
    path = folder / SET
    try:
        return _Description.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return _Description(name=folder.resolve().name)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        cause = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
    except (OSError, ValueError) as error:
        cause = str(error)
    raise DataError(f"{path} does not describe a set ({cause}); write name, about and held_out in it")
