"""Quantities: find those of a text and parse each to low, high, unit and bound.

Numbers come from `numbers`, units from `units`. Here they become quantities: ranges and plus-minus are joined, units and
bounds are carried over to the numbers that a coordination shares them with.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from string import ascii_lowercase

from extractor.documents import Span
from extractor.records import Bound
from extractor.spotting.lexicon import KeyWord, load
from extractor.spotting.number_words import Number
from extractor.spotting.numbers import find_numbers
from extractor.spotting.units import Unit, known_unit, noun_unit, read_unit, sign_before, unit_of_few
from extractor.text import View

_PLUS = re.compile(r"\+(?= ?(?:FPS|fps|[^\w\s+]|\s|$)|[A-Za-z%])")
_RANGE = re.compile(r" ?(?:-|–|—|~|sim|…) ?|-to-|(?:-| ?%)? to (?:(?:over|about|around|nearly|almost) )?")
_BETWEEN = re.compile(r" and ")
_PLUS_MINUS = re.compile(r"[_^]? ?\(?(?:±|\+/-|\+-|pm|plus-minus|plus or minus) ?")
_AND_MORE = re.compile(r",? (?:and )?")
_OF = r"(?:(?:an? |the )?(?:[\w-]+ ){1,3}of )?(?:about |around |roughly |nearly |over )?$"
_FROM = re.compile(rf"(?i)\bfrom {_OF}")
_SPREAD = re.compile(rf"(?i)\b(?:rang(?:es?|ed|ing)|var(?:y|ies|ied|ying)|span(?:s|ned|ning)?|anywhere) (?:\w+ )?from {_OF}")
_BETWEEN_BEFORE = re.compile(r"(?i)\bbetween (?:about |around )?$")
_TO_ANOTHER = re.compile(r" to (?:[~<]?\d|(?:real[- ]time|an?|the|only|just|under|below|less|about|around|near|nearly)\b)")
_VERSUS = re.compile(r" ?[(\[]?(?:vs\.?|versus|v\.s\.|compared (?:to|with)|against|to|→|->) (?:only |just )?")
_LIST = re.compile(r", (?:and |or )?|-? (?:and|or|&) |/")
_COORDINATED = re.compile(r"(?: \((?:[A-Z][\w-]*|[^\W\d_]+(?: [^\W\d_]+)?)\))? ?(?:,|/|,? (?:and|or|&)(?: a)?) ?")
_NOUN_COORDINATED = re.compile(  # "24% less memory and 23%", "a 2x reduction, 3x"
    r"(?: (?!(?:by|of|with|to|in|on|at|for|from|over|than|while|as|is|are|and|achieves?|reaches) )[\w-]+){1,3}?"
    r"(?:, (?:and )?| and )(?:an? )?"
)
_PARALLEL = re.compile(r" (for|in|on|at|over|across|with)(?: [\w-]+){1,5}?(?:, (?:and )?| and )")
_FASTER = re.compile(r" (?:faster|slower|smaller|quicker|cheaper|lighter|speed-?ups?|acceleration)(?![a-z])")
_FACTOR_BEFORE = re.compile(  # matched with lower case
    r"(?:factors? (?:of|between|(?:rang|vary)ing (?:from|between))|speed-?ups? (?:of|by)|faster by)"
    r" (?:\w+ ){0,2}?[~<>≈]* ?$"
)
_PARAMETERS_BEFORE = re.compile(
    r"(?:parameters|params|parameter (?:count|size|number)) (?:of|to|is|are|by) (?:\w+ ){0,3}?$"
    r"|parameters?(?: count| size)? \([<>~]? ?$"
)
_SMALL_BEFORE = re.compile(r"(?:compact|lightweight|tiny|small) $")
_SMALL_BEHIND = re.compile(r"(?<=[BM]) (?:[Uu]ltra-)?(?:[Cc]ompact|[Ll]ightweight)(?![a-z])|(?<=[BM]) (?=size\b)")
_POINTS = re.compile(r" (?:absolute )?(?:points?|pts)(?![a-z-])(?! (?:clouds?|or ))")
_GAIN = "(?:gain|improvement|increase|boost|lead|drop|loss)"
_SCORE = r"(?:accuracy|recall|precision|F1|success|m?AP\b|m?IoU)"
_POINT_GAIN = re.compile(
    rf"-points? (?:absolute )?(?:{_GAIN} (?:in|of) (?:[\w-]+ )?{_SCORE}|(?:[\w-]+ )?{_SCORE} (?:\w+ )?{_GAIN})"
)
_PERCENTAGE_NEAR = re.compile(
    r"%|percent|[Aa]ccura|[Pp]erformance|F1\b|AP\b|[Ii]oU|[Ss]uccess|[Rr]ecall|[Pp]recision|AUC|AUROC|\b[Rr]ates?\b|EM\b|Dice|PRO\b"
)
_GAIN_BEFORE = re.compile(r"(?i)(?:\b(?:by|of|to|least|about|over|than|with|an?|and|gains?|only)|,|\+|~|≈|\d ?[-–]) ?[~≈+-]?$")
_OTHER_SCALE = re.compile(r"BLEU|ROUGE|Inception|METEOR|CIDEr|Elo|ELO|\bNPS|MOS\b|IQ\b|[Pp]oint[ -]clouds?")


@dataclass(frozen=True, slots=True)
class QuantityMention:
    """A number or range in the text. `low` and `high` are in `unit` (canonical name, or None), equal for a single number.

    `measure` is what is known of the unit; `spot` numbers the mention and says which `sentence` holds it.
    """

    id: int
    span: Span
    text: str
    low: float
    high: float
    unit: str | None
    bound: Bound
    sentence: Span = (0, 0)
    measure: Unit = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "measure", known_unit(self.unit))

    def placed(self, id: int, span: Span, text: str, sentence: Span) -> "QuantityMention":
        """The same mention with another number, in another place."""
        return QuantityMention(id, span, text, self.low, self.high, self.unit, self.bound, sentence)


@dataclass(slots=True)
class FoundQuantity:
    """A quantity in the making."""

    start: int
    end: int
    low: float
    high: float
    unit: str | None
    bound: Bound
    number: Number

    def mention(self, id: int, text: str, sentence: Span) -> QuantityMention:
        """The mention that it is in a text."""
        span = self.start, self.end
        return QuantityMention(id, span, text[self.start : self.end], self.low, self.high, self.unit, self.bound, sentence)


def find_quantities(
    view: View, words: Sequence[KeyWord], digits: Sequence[re.Match[str]], asides: Sequence[Span]
) -> list[FoundQuantity]:
    """Find the quantities of a text in reading order."""
    text = view.text
    quantities = [_measure(text, number) for number in find_numbers(view, words, digits, asides)]
    quantities = _add_up(text, _join(text, quantities))
    quantities = _share_units(text, quantities)
    return _share_bounds(text, quantities)


def _measure(text: str, number: Number) -> FoundQuantity:
    """A number with the unit beside it, the sign behind it, and its bound."""
    start, end = number.start, number.end
    plus = _PLUS.match(text, end)
    unit = None if number.unit else read_unit(text, plus.end() if plus else end)
    sign = sign_before(text, start) if unit is None or known_unit(unit.name).dimension == "money" else None
    start = sign[1] if sign else start
    bound = bound_before(text, start)
    if plus and (unit or not number.unit):
        end, bound = plus.end(), "at_least"
    name, scale = (unit.name, unit.scale) if unit else (sign[0] if sign else number.unit, 1.0)
    if unit:
        end = unit.end
    elif name is None:
        name = _implied_unit(text, number, end)
        if name is None and _counts_points(text, number, end):
            name = "%"
    if bound == "exact":
        bound = bound_behind(text, end)
    negative = -1.0 if number.negative and (name is None or known_unit(name).signed) else 1.0
    low, high = sorted((_scaled(negative * number.low, scale), _scaled(negative * number.high, scale)))
    return FoundQuantity(start, end, low, high, name, bound, number)


def _counts_points(text: str, number: Number, end: int) -> bool:
    """Whether a number counts points of a percentage score: "improves accuracy by 3.1 points"."""
    if not number.bare or number.high >= 100:
        return False
    if _POINT_GAIN.match(text, end):
        return True
    if not _POINTS.match(text, end):
        return False
    gained = number.decimals or _GAIN_BEFORE.search(text, max(0, number.start - 12), number.start)
    near = max(0, number.start - 160), end + 80
    return bool(
        gained and _PERCENTAGE_NEAR.search(text, *near) and not _OTHER_SCALE.search(text, max(0, number.start - 60), end + 60)
    )


def _scaled(value: float, scale: float) -> float:
    return value if scale == 1.0 else float(f"{value * scale:.12g}")


def _implied_unit(text: str, number: Number, end: int) -> str | None:
    """The unit of a bare number that the words around it name: "8.6 faster", "a factor of 3", "parameters of 4.7 million"."""
    if number.bare and _FASTER.match(text, end):
        return "x"
    before = text[max(0, number.start - 48) : number.start].lower()
    if number.bare and _FACTOR_BEFORE.search(before):
        return "x"
    if number.scaled and (_PARAMETERS_BEFORE.search(before) or _sizes_model(text, number, before)):
        return "params"
    return noun_unit(text, end) or unit_of_few(text, number.start, end)


def _sizes_model(text: str, number: Number, before: str) -> bool:
    """Whether a number with its magnitude as a letter is that of the parameters of a small model: "a compact 2.5B VLM"."""
    small = _SMALL_BEHIND.match(text, number.end) or (text[number.end - 1] in "BM" and _SMALL_BEFORE.search(before))
    return bool(small)


def _join(text: str, quantities: list[FoundQuantity]) -> list[FoundQuantity]:
    """Join ranges ("5--6 seconds", "59% to 72%") and plus-minus ("5.5 ± 1.8", "(5 ± 0.2) ms") to one quantity each."""
    joined: list[FoundQuantity] = []
    for quantity in quantities:
        if joined:
            last = joined[-1]
            gap = text[last.end : quantity.start] if quantity.start - last.end <= 20 else ""
            if _PLUS_MINUS.fullmatch(gap):
                closed = "(" in gap and text.startswith(")", quantity.end)
                joined[-1] = _enclosed(text, replace(last, end=quantity.end + closed, unit=last.unit or quantity.unit), closed)
                continue
            if gap and (together := _range(text, last, quantity, gap)):
                joined[-1] = together
                continue
        joined.append(quantity)
    return joined


def _enclosed(text: str, quantity: FoundQuantity, closed: bool) -> FoundQuantity:
    """A value and its error with the unit behind the parentheses that hold them: "(5 ± 0.2) ms"."""
    start, end = (quantity.start, quantity.end) if closed else (quantity.start - 1, quantity.end + 1)
    held = closed or (text[start : start + 1] == "(" and text[end - 1 : end] == ")")
    if quantity.unit or not held or not (unit := read_unit(text, end)):
        return quantity
    low, high = _scaled(quantity.low, unit.scale), _scaled(quantity.high, unit.scale)
    bound = quantity.bound if quantity.bound != "exact" else bound_before(text, start)
    return replace(quantity, start=start, end=unit.end, low=low, high=high, unit=unit.name, bound=bound)


def _range(text: str, first: FoundQuantity, second: FoundQuantity, gap: str) -> FoundQuantity | None:
    """The range from `first` to `second`, if the text between them makes them one."""
    before = text[max(0, first.start - 40) : first.start]
    if _BETWEEN.fullmatch(gap):
        if not _BETWEEN_BEFORE.search(before):
            return None
    elif not _RANGE.fullmatch(gap):
        return None
    elif gap.strip() == "to" and before.endswith("(") and text.startswith(")", second.end) and second.unit in ("%", None):
        return None  # "rises by 12% (49% to 61%)"
    elif gap.strip() == "to" and second.unit != "x" and _FROM.search(before) and not _is_start(text, before, second.end):
        return None  # "from 729 to 81 tokens" are two results
    before_both = known_unit(first.unit).dimension == "money" or first.end == first.number.end
    unit = second.unit or (first.unit if before_both else None)  # "$3 to 5", "factors of 3-5"
    if first.unit is not None and first.unit != unit:
        return None
    low, high = first.low, second.high
    scale = second.high / second.number.high if second.number.high else 1.0
    if second.number.orders and first.number.bare:
        low = 10.0 ** min(low, 300)
    elif first.unit is None and second.unit is not None and scale != 1.0:
        low = _scaled(low, scale)
    if second.number.scaled and not first.number.scaled and first.number.bare:
        written = float(re.sub(r"[^\d.]", "", text[second.number.start : second.number.end]).strip(".") or 0)
        if 0 < first.number.low < written:
            low = _scaled(low, second.high / written)
    if low >= high:
        return None
    bound = first.bound if first.bound != "exact" else second.bound if second.bound == "at_least" else "exact"
    return replace(second, start=first.start, low=low, high=high, unit=unit, bound=bound)


def _is_start(text: str, before: str, end: int) -> bool:
    """Whether a range behind "from" is one: it spreads ("ranging from 1 to 2 s"), or is left ("from 1 to 2 s to real time")."""
    return bool(_SPREAD.search(before) or _TO_ANOTHER.match(text, end))


def _add_up(text: str, quantities: list[FoundQuantity]) -> list[FoundQuantity]:
    """Join a time in several units to one in the largest: "1 h 30 min" is 1.5 h."""
    summed: list[FoundQuantity] = []
    for n, quantity in enumerate(quantities):
        if n and _goes_on(text, quantities[n - 1], quantity):
            whole = summed[-1]
            share = quantity.low * known_unit(quantity.unit).base / known_unit(whole.unit).base
            value = float(f"{whole.low + share:.12g}")
            summed[-1] = replace(whole, end=quantity.end, low=value, high=value)
        else:
            summed.append(quantity)
    return summed


def _goes_on(text: str, part: FoundQuantity, quantity: FoundQuantity) -> bool:
    """Whether a time is the next part of the one before it: "30 min" after "1 h", but not "20 ms" after "90 s"."""
    if quantity.start - part.end > 6 or not _AND_MORE.fullmatch(text, part.end, quantity.start):
        return False
    larger, smaller = known_unit(part.unit), known_unit(quantity.unit)
    if not larger.dimension == smaller.dimension == "time" or quantity.bound != "exact":
        return False
    single = part.low == part.high and quantity.low == quantity.high and not part.low % 1
    return single and smaller.base / larger.base >= 1 / 60 and smaller.base * quantity.high < larger.base


def _share_units(text: str, quantities: list[FoundQuantity]) -> list[FoundQuantity]:
    """Give a bare number the unit of the quantity that it is listed with: "29.41 vs 19.20 tokens/s"."""
    shared = list(quantities)
    for n in range(len(shared) - 2, -1, -1):
        quantity, following = shared[n], shared[n + 1]
        if quantity.unit is not None or following.unit is None:
            continue
        if not quantity.number.bare and not (quantity.number.scaled and following.number.scaled):
            continue
        gap = text[quantity.end : following.start]
        if _VERSUS.fullmatch(gap) or (_LIST.fullmatch(gap) and _alike(quantity, following)):
            scale = following.high / following.number.high if following.number.high else 1.0
            low, high = _scaled(quantity.low, scale), _scaled(quantity.high, scale)
            shared[n] = replace(quantity, unit=following.unit, low=low, high=high)
    return shared


def _alike(quantity: FoundQuantity, following: FoundQuantity) -> bool:
    """Whether two listed numbers are written alike: "83.7 and 87.1%", but not "an F1 of 0.89 and 100 ms"."""
    if quantity.number.decimals != following.number.decimals:
        return False
    smaller, larger = sorted((max(quantity.high, 0.01), max(following.high, 0.01)))
    return larger <= 100 * smaller


def _share_bounds(text: str, quantities: list[FoundQuantity]) -> list[FoundQuantity]:
    """Carry a bound word over to the numbers coordinated with its number: "up to 24% and 23%"."""
    shared = list(quantities)
    for n in range(1, len(shared)):
        last, quantity = shared[n - 1], shared[n]
        if last.bound not in ("up_to", "at_least", "approx") or quantity.bound != "exact" or text[last.end - 1] == "+":
            continue
        gap = text[last.end : quantity.start]
        alike = last.unit == quantity.unit or known_unit(last.unit).dimension == known_unit(quantity.unit).dimension != ""
        if alike and (_COORDINATED.fullmatch(gap) or (last.unit and _listed(text, gap, quantity.end))):
            shared[n] = replace(quantity, bound=last.bound)
    return shared


def _listed(text: str, gap: str, end: int) -> bool:
    """Whether nouns alone stand between two numbers, or "for X" where "for Y" follows the second."""
    if parallel := _PARALLEL.fullmatch(gap):
        return text.startswith(f" {parallel[1]} ", end)
    return _NOUN_COORDINATED.fullmatch(gap) is not None


_BOUND_WORDS = load("bounds")
_WINDOW = 64


def _any(words: list[str]) -> str:
    return "|".join(re.escape(word).replace(r"\ ", r"\s") for word in sorted(words, key=len, reverse=True))


_FILLERS = rf"(?:(?:{_any(_BOUND_WORDS['fillers'])})\s)*"


def _groups(section: str) -> str:
    """One named group for each bound of a section of the lexicon."""
    return "|".join(f"(?P<{bound}>{_any(words)})" for bound, words in _BOUND_WORDS[section].items())


_APPROX = _any([*_BOUND_WORDS["before"]["approx"], *_BOUND_WORDS["symbols"]["approx"]])
# Matched with lower case behind a space: what can only begin behind a sign is sought there alone.
_LIMIT_OF_APPROX = re.compile(  # "up to about 40 times" is a limit
    rf"[^a-z](?:(?P<up_to>{_any(_BOUND_WORDS['before']['up_to'])})|(?P<at_least>{_any(_BOUND_WORDS['before']['at_least'])}))"
    rf"\s{_FILLERS}(?:{_APPROX})[ ~]*$"
)
_SYMBOLS = re.compile(rf"(?<![-=])(?:{_groups('symbols')})[ ~]*$")  # not the head of an arrow
_BEFORE = re.compile(rf"[^a-z](?:{_groups('before')})(?:[ ~]+|(?<=-)){_FILLERS}$")
_SUPERLATIVE = re.compile(
    rf"[^a-z](?:{_any(_BOUND_WORDS['superlative']['adjectives'])})\s(?:[\w-]+\s){{0,3}}?"
    rf"(?!(?:{_any(_BOUND_WORDS['superlative']['not_nouns'])})\s)[\w-]+\sof\s(?:\w+\sof\s)?{_FILLERS}$"
)
_NO_BOUND = frozenset("(),;:]%/0123456789")
"""What stands before a number that no word before it gives a bound."""
_LAST_WORDS = frozenset(
    word.split()[-1].split("-")[-1]
    for words in (*_BOUND_WORDS["before"].values(), _BOUND_WORDS["fillers"], *_BOUND_WORDS["symbols"].values(), ["of"])
    for word in words
)
"""What the words before a number end with where they give it a bound: with any other word they need not be searched."""
_BEHIND = re.compile(rf"\s(?:{_groups('behind')})(?![a-z])")
_BOUNDS: dict[str, Bound] = {"up_to": "up_to", "at_least": "at_least", "approx": "approx"}


def bound_before(text: str, start: int) -> Bound:
    """The bound that the words or symbols directly before a number give it; "exact" without such words."""
    return _bound_of(text[max(0, start - _WINDOW) : start])


@lru_cache(maxsize=256)
def _bound_of(window: str) -> Bound:
    """Remembered, because a text that says one thing 10,000 times asks for it 10,000 times."""
    window = f" {window.lower()}"
    if _gives_none(window):
        return "exact"
    for pattern in (_LIMIT_OF_APPROX, _SYMBOLS, _BEFORE):
        match = pattern.search(window)
        if match and match.lastgroup:
            return _BOUNDS[match.lastgroup]
    return "up_to" if _SUPERLATIVE.search(window) else "exact"


def _gives_none(window: str) -> bool:
    """Whether the last word or sign of a window gives no number a bound, so that nothing before it need be searched."""
    before = window.removesuffix(" ")
    word = before[len(before.rstrip(ascii_lowercase)) :] if before != window else ""
    return word not in _LAST_WORDS if len(word) > 1 else before[-1:] in _NO_BOUND


def bound_behind(text: str, end: int) -> Bound:
    """The bound that the words directly behind a quantity give it ("30% or more"); "exact" without such words."""
    match = _BEHIND.match(text, end)
    return _BOUNDS[match.lastgroup] if match and match.lastgroup else "exact"
