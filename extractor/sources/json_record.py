"""One JSON object -> one paper, or what is wrong with it."""

import json
from typing import NoReturn

from extractor.sources.base import NO_ABSTRACT, Fault, Fields, Paper, not_utf8, unusable

_NAMES = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}


class _Number(str):
    """A number as written: arXiv's 2312.00270 read as a float would lose its last digit as an id."""

    __slots__ = ()


class _WrongTypeError(Exception):
    pass


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


_DECODER = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_no_constant)


def parse_record(raw: bytes, line: int, fields: Fields) -> Paper | Fault:
    """Read the bytes of one record that starts at `line`. Strings come out as they went in."""
    try:
        record = _DECODER.decode(raw.decode())
    except UnicodeDecodeError as error:
        return Fault(line, *not_utf8(error))
    except json.JSONDecodeError as error:
        where = f"line {line + error.lineno - 1}, column {error.colno}"
        return Fault(
            line, f"not JSON: {error.msg.removesuffix(' at')} ({where})", "Mend the record, or write it with a JSON library."
        )
    except (ValueError, RecursionError):  # NaN and Infinity; thousands of brackets
        return Fault(line, "not JSON: a number or a nesting that JSON readers refuse", "Write the record with a JSON library.")
    if not isinstance(record, dict):
        return Fault(line, f"{_name(record)}, not an object", 'Write each record as {"title": ..., "abstract": ...}.')
    return _paper(record, line, fields)


def _paper(record: dict[str, object], line: int, fields: Fields) -> Paper | Fault:
    id = None
    try:
        id = _text(record, fields.id, numbers=True)
        title = _text(record, (fields.title,)) or ""
        abstract = _text(record, fields.abstract)
    except _WrongTypeError as error:
        return Fault(line, str(error), "Write it as a string.", id)
    if id is not None and (fault := unusable(id)):
        return Fault(line, f"the id {fault[0]}", fault[1])
    if abstract is None:
        names = " or ".join(f'"{name}"' for name in fields.abstract)
        return Fault(line, NO_ABSTRACT, f"Give the record a field {names}, or map another field to the abstract.", id)
    for name, text in (("title", title), ("abstract", abstract)):
        if fault := unusable(text):
            return Fault(line, f"the {name} {fault[0]}", fault[1], id)
    return Paper(line, id, title, abstract)


def _text(record: dict[str, object], names: tuple[str, ...], *, numbers: bool = False) -> str | None:
    """The first of the named fields that holds something; None if none does. Raises _WrongTypeError."""
    for name in names:
        value = record.get(name)
        if value is None:
            continue
        if not isinstance(value, str) or (isinstance(value, _Number) and not numbers):
            raise _WrongTypeError(f'the field "{name}" is {_name(value)}, not a string')
        if value.strip():
            return str(value)
    return None


def _name(value: object) -> str:
    return _NAMES.get(type(value), "a number")
