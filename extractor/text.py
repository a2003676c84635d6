"""The one view of a text: white space, markup and Unicode forms read through, every position mapped back.

Whoever looks for something in a text looks in its view, so no pattern has to know of line breaks, entities, tags, macros or
the spellings of a minus. What was found is mapped back to the text as it is. A view takes time that is linear in the length
of the text.
"""

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

from extractor.documents import Span, lowered

LONGEST_WORD = 400
"""Characters without white space that are still read. A longer run is one unreadable character of the view."""
_UNREADABLE = "\ufffc"

_GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lamda nu xi pi rho sigma tau upsilon phi chi psi omega"
_FORMS = {  # a character, and the one that is read for it
    **dict.fromkeys("\u2010\u2011\u2212\ufe63\uff0d", "-"),
    "\u2015": "—",
    **dict.fromkeys("∼∽～˜", "~"),
    **dict.fromkeys("✕✖⨯⨉", "×"),
    **dict.fromkeys("⋅∙", "·"),
    **dict.fromkeys("≃≅", "≈"),
    **dict.fromkeys("⩽≦≲⪅", "≤"),
    **dict.fromkeys("⩾≧≳⪆", "≥"),
    "⁄": "/",
    **dict.fromkeys("◦º˚", "°"),
    "μ": "µ",
    "℃": "°C",
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", ""),
}
_MACROS = {  # a macro, and what is read for it
    **{name.replace("md", "mbd"): unicodedata.lookup(f"GREEK SMALL LETTER {name}") for name in _GREEK.split()},
    **{name.title().replace("md", "mbd"): unicodedata.lookup(f"GREEK CAPITAL LETTER {name}") for name in _GREEK.split()},
    "varepsilon": "ε",
    **dict.fromkeys(["mu", "textmu", "micro"], "µ"),
    **dict.fromkeys(["times", "texttimes"], "×"),
    **dict.fromkeys(["sim", "thicksim", "textasciitilde"], "~"),
    **dict.fromkeys(["approx", "simeq", "thickapprox"], "≈"),
    **dict.fromkeys(["pm", "textpm"], "±"),
    **dict.fromkeys(["le", "leq", "leqslant"], "≤"),
    **dict.fromkeys(["ge", "geq", "geqslant"], "≥"),
    **dict.fromkeys(["lt", "textless"], "<"),
    **dict.fromkeys(["gt", "textgreater"], ">"),
    **dict.fromkeys(["cdot", "textperiodcentered"], "·"),
    **dict.fromkeys(["circ", "degree", "textdegree", "deg"], "°"),
    **dict.fromkeys(["to", "rightarrow", "longrightarrow", "textrightarrow"], "→"),
    "percent": "%",
    "permil": "‰",
    "celsius": "°C",
    "textendash": "–",
    "textemdash": "—",
    "euro": "€",
    "per": "/",
    "pico": "p",
    "nano": "n",
    "milli": "m",
    "centi": "c",
    "kilo": "k",
    "mega": "M",
    "giga": "G",
    "tera": "T",
    "second": "s",
    "minute": "min",
    "hour": "h",
    "hertz": "Hz",
    "meter": "m",
    "metre": "m",
    "gram": "g",
    "watt": "W",
    "joule": "J",
    "byte": "B",
    "volt": "V",
    "ampere": "A",
    "newton": "N",
    "pascal": "Pa",
    **dict.fromkeys([",", ";", ":", " ", "\\", "space", "quad", "qquad", "thinspace", "enspace"], " "),
    **dict.fromkeys(["!", "/", "-", "(", ")", "[", "]", "left", "right", "displaystyle", "ensuremath"], ""),
    **dict.fromkeys(["rm", "bf", "it", "em", "sc", "tt", "cal", "small", "itshape", "bfseries", "mbox", "hbox"], ""),
    **dict.fromkeys(["emph", "underline", "boldsymbol", "bm", "operatorname", "SI", "si", "qty", "num", "unit"], ""),
    **dict.fromkeys(["SIrange", "qtyrange", "numrange"], ""),
    **dict.fromkeys(["text", "textbf", "textit", "textsc", "texttt", "textrm", "textsf", "textsl", "textup", "textnormal"], ""),
    **dict.fromkeys(["mathrm", "mathbf", "mathit", "mathsf", "mathtt", "mathcal", "mathbb", "frac", "dfrac", "tfrac"], ""),
    **{sign: sign for sign in "%&$#_"},
}
_BETWEEN = {"SI": " ", "qty": " ", "frac": "/", "dfrac": "/", "tfrac": "/", "SIrange": "–", "qtyrange": "–", "numrange": "–"}
"""What is read between the first two arguments of a macro."""
_GO_ON = {"SIrange": "SI", "qtyrange": "qty"}
"""As which macro the arguments behind the first are read."""

_TAGS = "p|sup|sub|i|b|em|strong|u|br|italic|bold|sc|title|sec|abstract|span|div|li|ul|ol|list|list-item|inline-formula"
_BLOCKS = frozenset(["p", "title", "sec", "abstract", "div", "li", "ul", "ol", "list", "list-item"])
_SPECIAL = (
    r"(?P<space>[^\S ]\s*|\x20\s+)"
    r"|(?P<entity>&(?:amp;)?(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z]\w{1,24});)"
    rf"|<(?P<closing>/?)(?:jats:|mml:)?(?P<tag>{_TAGS})(?:\s[^<>]{{0,200}})?/?>"
    r"|(?P<degree>\^\s?(?:\{\s?)?\\circ(?![A-Za-z]))"
    r"|\\(?P<macro>mu(?![A-Za-z])\x20*|[A-Za-z]+|[^A-Za-z])"
    r"|(?P<mark>[{}$~])"
    r"|(?P<dash>(?<!-)--(?=\$?\.?\d)|(?<=[\d%xX}$]\x20)--(?=\x20\$?\d))"
    r"|(?P<raised>[⁰¹²³⁴-⁹⁺⁻]+)"
    r"|(?P<other>[^\x00-\x7f])"
)
_MARKUP = bytes([*b"\\${}~&<\x7f", *range(10), *range(11, 32)])
"""What a text that reads as it is written does not hold, besides characters beyond ASCII, two spaces and two dashes."""
_SPECIALS = re.compile(_SPECIAL)
_CANDIDATE = re.compile(r"[^ -#%'-,./0-;=-\[\]_`a-z|]")
"""A control character, one beyond ASCII, or one of \\ $ { } ~ & < ^ -: said by what it is not, it is compiled in a twentieth of
the time."""
_SPECIALS_OR_RUNS = re.compile(rf"(?P<run>[^\s\u2e80-\u9fff\uac00-\ud7af]{{{LONGEST_WORD + 1},}})|{_SPECIAL}")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_MATH = re.compile(r"\$(?![\s$])((?:[^$\\]|\\.){1,400}?)(?<![\s\\])\$|\$\s((?:[\d.,^_{}+\-=<>~±×%()\s]|\\[a-zA-Z%]+)+)\$")
_PRICES = re.compile(r"\d.*?(?<![\\A-Za-z{])[A-Za-z]{3}", re.DOTALL)
"""What stands between the dollar signs of two prices: "$5, or 10$"."""
_SIGNS = re.compile(r"[\\^_<>=~]|\A[-–]+\Z")
_BRACES = re.compile(r"[{}]")
_OPENED = re.compile(r"(?:\\[A-Za-z]+\s?|[_^])?\{\s?$")
_STYLED = re.compile(r"\\([A-Za-z]+)\{$")
_SIGN_MACRO = re.compile(r"\\(?:sim|approx|le|ge|lt|gt|pm)")
_TAG_CLOSED = re.compile(r"</[\w:-]+>")


class View:
    """How a text reads. `text` is the reading; `lower` is the same in lower case and has the same length.

    One line break stands behind the title (the first line) and between paragraphs. All other white space is one space.
    `plain` says that the text reads as it is written.
    """

    __slots__ = ("_ends", "_mathematics", "_original", "_places", "_starts", "lower", "plain", "text")

    def __init__(self, text: str) -> None:
        self._original = text
        self._places: list[int] = []  # where in the view each piece begins
        self._starts: list[int] = []  # where in the text it begins
        self._ends: list[int] = []  # where in the text it ends; -1 for a piece that reads as it is
        self._mathematics: list[Span] = []
        long = _has_long_word(text)
        plain = not long and text.isascii() and text.count("\n") < 2 and "--" not in text
        plain = plain and len(text.encode().translate(None, _MARKUP)) == len(text)
        self.text = text if plain and "  " not in text else self._read(text, _SPECIALS_OR_RUNS if long else _SPECIALS)
        self.plain = not self._places
        self.lower = lowered(self.text)

    def original(self, start: int, end: int) -> Span:
        """The span of the text that a span of the view reads. Markup that opens or closes in it does both in it."""
        return (start, end) if self.plain else self._balanced(self._at(start)[0], self._at(end - 1)[1])

    def written(self, start: int, end: int) -> str:
        """The text that a span of the view reads."""
        return self._original[slice(*self.original(start, end))]

    def whole(self, start: int, end: int) -> Span:
        """The same, with the macro of which this is the argument."""
        start, end = self.original(start, end)
        text = self._original
        macro = _STYLED.search(text, max(0, start - 16), start) if not self.plain and text.startswith("}", end) else None
        if macro and _MACROS.get(macro[1]) == "":
            return self._in_dollars(macro.start(), end + 1)
        return start, end

    def _at(self, place: int) -> Span:
        """The span of the text that one character of the view reads."""
        n = bisect_right(self._places, place) - 1
        if self._ends[n] >= 0:
            return self._starts[n], self._ends[n]
        start = self._starts[n] + place - self._places[n]
        return start, start + 1

    def _read(self, text: str, specials: re.Pattern[str]) -> str:
        title = text.find("\n")
        out: list[str] = []
        length, at, last = 0, 0, ""
        self._mathematics = _mathematics(text)
        delimiters = {place for first, last in self._mathematics for place in (first, last - 1)}
        braces: list[str] = []  # the macro before each open brace; "\\" before one that stays

        def add(read: str, start: int, end: int) -> None:
            nonlocal length, last
            if read[:1] == " " and last in (" ", "\n"):
                read, start = read[1:], start + (end < 0)
            elif read == "\n" and last == " ":
                out[-1], length = out[-1][:-1], length - 1
            elif read == "\n" == last:
                return
            if read:
                self._places.append(length)
                self._starts.append(start)
                self._ends.append(end)
                out.append(read)
                length, last = length + len(read), read[-1]

        macro = ""  # the one that ends right before
        for match in _matches(text, specials):
            start, end = match.span()
            if start > at:
                add(text[at:start], at, -1)
                macro = ""
            at, kind, read = end, match.lastgroup, match[0]
            before, macro = macro, ""
            if kind == "space":
                read = "\n" if start <= title < end or match[0].count("\n") > 1 else " "
            elif kind == "entity":
                read = html.unescape(html.unescape(read))
                read = "".join(_form(character) for character in read)
            elif kind == "tag":
                opened = {"sup": "^", "sub": "_", "br": " "}.get(match["tag"], "") if not match["closing"] else ""
                read = "\n" if match["tag"] in _BLOCKS else opened
            elif kind == "degree":
                read = "°"
                if "{" in match[0]:
                    braces.append("")
            elif kind == "macro":
                macro = match["macro"].rstrip() or " "
                read = _MACROS.get(macro, match[0])
                if read == match[0]:
                    macro = "\\"
            elif kind == "mark":
                if read == "$":
                    read = "" if start in delimiters or (before == "$" and start - 1 in delimiters) else "$"
                elif read == "~":
                    read = " " if _is_tie(text, start) else "~"
                elif read == "{":
                    braces.append(before)
                    read = "{" if before == "\\" and text[end : end + 1] != "}" else ""
                    if before == "\\" and not read:
                        braces[-1] = ""
                else:
                    closed = braces.pop() if braces else ""
                    read = "}" if closed == "\\" else ""
                    if closed in _BETWEEN and text.startswith("{", end):
                        read, macro = _BETWEEN[closed], _GO_ON.get(closed, "")
            elif kind == "dash":
                read = _dash(text, start, end)
            elif kind == "raised":
                read = "^" + read.translate(_RAISED)
            elif kind == "run":
                read = _UNREADABLE
            else:
                read = _dash(text, start, end) if read in "\u2012\u2013" else _form(read)
            add(read, start, -1 if read == match[0] else end)
        add(text[at:], at, -1)
        return "".join(out)

    def _balanced(self, start: int, end: int) -> Span:
        text = self._original
        opened = closed = 0
        for brace in _BRACES.findall(text, start, end):
            if brace == "{":
                opened += 1
            elif opened:
                opened -= 1
            else:
                closed += 1
        while closed and (match := _OPENED.search(text, max(0, start - 24), start)):
            start, closed = match.start(), closed - 1
        while opened and text.startswith("}", end):
            end, opened = end + 1, opened - 1
        if "<" in text[start:end] and (tag := _TAG_CLOSED.match(text, end)):
            end = tag.end()
        return self._in_dollars(start, end)

    def _in_dollars(self, start: int, end: int) -> Span:
        """The span with the dollar sign right before it or behind it, if it holds the other one or all between them."""
        mathematics = self._mathematics
        n = bisect_right(mathematics, (start, start)) - 1
        if n >= 0 and mathematics[n][0] + 1 == start and mathematics[n][1] <= end + 1:
            start -= 1
        n = bisect_right(mathematics, (end, 0)) - 1
        if n >= 0 and mathematics[n][1] == end + 1 and start <= mathematics[n][0]:
            end += 1
        return start, end


def _matches(text: str, specials: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """What reads otherwise than it is written. Tried only where such a thing can begin, which takes half the time."""
    if specials is not _SPECIALS or "  " in text:
        yield from specials.finditer(text)
        return
    candidate = _CANDIDATE.search(text)
    while candidate:
        match = specials.match(text, candidate.start())
        if match:
            yield match
        candidate = _CANDIDATE.search(text, match.end() if match else candidate.end())


def _has_long_word(text: str) -> bool:
    """Whether a run without white space is longer than the longest that is read. Looks for a space in each such stretch."""
    start = 0
    while start + LONGEST_WORD < len(text):
        space = text.rfind(" ", start, start + LONGEST_WORD + 1)
        if space < 0:
            return max(map(len, text.split()), default=0) > LONGEST_WORD
        start = space + 1
    return False


@lru_cache(maxsize=64)
def view_of(text: str) -> View:
    """The view of a text, made once for all who ask for it in turn."""
    return View(text)


def folded(phrase: str) -> str:
    """A phrase as it is looked for in a text: two that are equal in it find the same places."""
    return View(phrase).lower.strip()


def _form(character: str) -> str:
    """What is read for a character beyond ASCII: the usual one of several forms."""
    if character in _FORMS:
        return _FORMS[character]
    if character.isspace():
        return " "
    if "\ufb00" <= character <= "\ufb06" or "\uff01" <= character <= "\uff5e" or "\U0001d400" <= character <= "\U0001d7ff":
        return unicodedata.normalize("NFKC", character)
    return character


def _dash(text: str, start: int, end: int) -> str:
    """How an en dash reads: as the sign of the number behind it ("PSNR –0.97"), if nothing stands before it."""
    return "-" if text[end : end + 1].isdigit() and (not start or text[start - 1] in " (\n") else "–"


def _is_tie(text: str, place: int) -> bool:
    """Whether a tilde is a space that does not break ("5~GB"), and not a sign before a number ("~5 GB")."""
    before, behind = text[place - 1 : place], text[place + 1 : place + 2]
    if not (before.isalnum() or before in tuple(".,)%}$")):
        return False
    return behind.isalpha() or behind in tuple("([") or (behind == "\\" and not _SIGN_MACRO.match(text, place + 1))


def _mathematics(text: str) -> list[Span]:
    """Where dollar signs enclose mathematics; the other dollar signs are prices."""
    found: list[Span] = []
    match = _MATH.search(text) if "$" in text else None
    while match:
        first, last = match.span(1) if match[1] else match.span(2)
        price = text[match.end() : match.end() + 1].isdigit() and not _SIGNS.search(text[first:last])
        if price or _PRICES.match(text, first, last):
            match = _MATH.search(text, match.start() + 1)
        else:
            found.append(match.span())
            match = _MATH.search(text, match.end())
    return found
