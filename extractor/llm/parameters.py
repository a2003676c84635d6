"""What of a request a server takes: learned from what it refuses, once for a job, and told to the user.

A refusal names what it is about by the name that was sent, in whatever words; that is enough. A parameter gets the name that
the server uses for it, a smaller number, or is left out; a way to ask for structure gives way to the next.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from extractor.llm.refusals import Refusal
from extractor.llm.structured import Mode, Template

LENGTHS = ("max_tokens", "max_completion_tokens")
"""The names of the longest reply, in tokens: OpenAI's newer models take only the second, others may know only the first."""
_ALIASES = ("max_new_tokens", "max_output_tokens", "maxoutputtokens", "num_predict", "n_predict")
_SHORTEST_LENGTH = 1024
"""Tokens below which a job's longest reply is not lowered on a guess: the labels of twenty mentions take as many."""
_NOT_OF_THE_REQUEST = frozenset([401, 402, 403, 407, 408, 413, 429])
_STRUCTURE = ("response_format", "json_schema", "tools", "tool_choice", "strict")


class Parameters:
    """The parameters and the mode that a job's requests go out with. `notice` is told each change in one line."""

    def __init__(self, model: str, given: Mapping[str, Any], notice: Callable[[str], None]) -> None:
        self._model = model
        self._notice = notice
        self._given = dict(given)
        self._renamed: set[str] = set()
        self._works: Mode | None = None
        self.mode = Mode.JSON_SCHEMA

    @property
    def given(self) -> Mapping[str, Any]:
        """What is sent beside the messages and what the mode adds."""
        return self._given

    @property
    def length(self) -> int | None:
        """The longest reply that is asked for, in tokens."""
        return next((int(self._given[name]) for name in LENGTHS if name in self._given), None)

    def worked(self, template: Template) -> None:
        """A request of this template was answered."""
        self._works = template.mode

    def adapt(self, template: Template, status: int | None, refusal: Refusal, *, keep_length: bool) -> bool:
        """Give up, rename or lower what a server has refused; whether there is something else to try.

        `keep_length` says that a context which is too small is this document's trouble alone. A refusal of what another call
        has met meanwhile changes nothing, and the request is worth another try.
        """
        if status is None or status in _NOT_OF_THE_REQUEST or refusal.means("failed generation"):
            return False
        if refusal.means("too long"):
            sent = next((name for name in LENGTHS if name in template.parameters), None)
            return sent is not None and not keep_length and self._shorten(template, sent)
        if 400 <= status < 500 and not refusal.means("declines text"):
            # Structure is asked for by parameters of its own, which a refusal can name apart from its words.
            named = [name for name in template.parameters if name != "model" and self._is_meant(name, refusal)]
            if named and not (refusal.names & set(_STRUCTURE)):
                return self._change(template, named[0], refusal)
        return (status < 500 or status in {500, 501}) and self._next_mode(template, refusal)

    @staticmethod
    def _is_meant(name: str, refusal: Refusal) -> bool:
        return any(refusal.names_parameter(each) for each in ((name, *_ALIASES) if name in LENGTHS else (name,)))

    def _change(self, template: Template, name: str, refusal: Refusal) -> bool:
        sent = template.parameters[name]
        if self._given.get(name) != sent:
            return True
        if name in LENGTHS:
            # Not those of a model's name: claude-3-5, llama-3.3-70b.
            said = re.findall(r"(?<![\w.-])\d{2,9}(?![\w-]|\.\d)", refusal.words.replace(",", ""))
            fitting = max((int(digits) for digits in said if int(digits) < sent), default=None)
            if fitting is not None and refusal.means("too large"):
                return self._lower(name, fitting)
            [other] = set(LENGTHS) - {name}
            if other not in self._renamed and (not refusal.means("too large") or refusal.names_parameter(other)):
                self._renamed |= set(LENGTHS)
                self._given = {other if each == name else each: value for each, value in self._given.items()}
                self._notice(f"{self._model} does not take {name!r}; going on with {other!r} for it.")
                return True
            if refusal.means("too large"):
                return self._shorten(template, name)
        return self._drop(name)

    def _shorten(self, template: Template, name: str) -> bool:
        sent = template.parameters[name]
        if self._given.get(name) != sent:
            return True
        return self._lower(name, sent // 2) if sent // 2 >= _SHORTEST_LENGTH else self._drop(name)

    def _lower(self, name: str, value: int) -> bool:
        self._notice(f"{self._model} does not take {name!r} of {self._given[name]}; going on with {value}.")
        self._given[name] = value
        return True

    def _drop(self, name: str) -> bool:
        del self._given[name]
        self._notice(f"{self._model} does not take {name!r}; going on without it.")
        return True

    def _next_mode(self, template: Template, refusal: Refusal) -> bool:
        # A mode that has worked is not to blame for one document.
        if template.mode is self._works or not (refusal.names & set(_STRUCTURE) or refusal.means("lacks structure")):
            return False
        if self.mode is template.mode:
            after = template.mode.after
            if after is None:
                return False
            self.mode = after
            self._notice(f"{self._model} does not take {template.mode.label}; going on with {after.label}.")
        return True
