"""Sets of annotated abstracts. A set is a folder of gold files or a part of one, and figures are always those of one set.

    evals/gold/arxiv/a001.json ...   one file an abstract
                     set.toml        which sets the folder holds

Each `[[set]]` of a `set.toml` says what the set is called (`name`), what it is (`about`), whether it is held out (`held_out`),
and, where a folder holds several, which abstracts are in it (`ids`). Of a set that is held out only figures are shown:
whoever has seen its errors can no longer say how well a change does on text that nobody tuned on. A folder without
`set.toml` is a set with the name of the folder.
"""

import tomllib
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

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


class _Set(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    about: str = ""
    held_out: StrictBool = False
    ids: frozenset[str] | None = None


class _Description(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    set: tuple[_Set, ...] = Field(min_length=1)


def read_sets(place: Path) -> tuple[GoldSet, ...]:
    """Read the sets of the gold files in a folder, in the order of its paths; so is a single file.

    Raises what `read_files` raises, and `DataError` for a `set.toml` that does not say what it should, for two sets of one
    name, and for an abstract that is in no set or in two.
    """
    sets: dict[str, GoldSet] = {}
    for folder, files in groupby(read_files(place), key=lambda found: found[0].parent):
        documents = {document.document.id: document for _, document in files}
        described = _described(folder)
        for id in documents:
            if sum(each.ids is None or id in each.ids for each in described) != 1:
                raise DataError(f"{id!r} has to be in one set of {folder / SET}; write it into the ids of one of them")
        for each in described:
            if each.name in sets:
                raise DataError(f"{folder} holds a second set called {each.name}; give it another name in its {SET}")
            members = tuple(gold for id, gold in documents.items() if each.ids is None or id in each.ids)
            if members:
                sets[each.name] = GoldSet(each.name, each.about, each.held_out, members)
    return tuple(sets.values())


def _described(folder: Path) -> tuple[_Set, ...]:
    path = folder / SET
    try:
        return _Description.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).set
    except FileNotFoundError:
        return (_Set(name=folder.resolve().name),)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        cause = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
    except (OSError, ValueError) as error:
        cause = str(error)
    raise DataError(f"{path} does not describe sets ({cause}); write [[set]] with name, about and held_out, and ids if several")
