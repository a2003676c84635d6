"""Text out of what others wrap it in: hard line breaks, LaTeX's accents and escapes."""

import re
import unicodedata

_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308", "=": "\u0304", ".": "\u0307",
    "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "k": "\u0328", "r": "\u030a", "d": "\u0323", "b": "\u0331",
}  # fmt: skip
_LETTERS = {
    "ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å",
    "i": "ı", "j": "ȷ", "dh": "ð", "th": "þ", "textendash": "–", "textemdash": "—", "textquoteleft": "‘", "textquoteright": "’",
    "textquotedblleft": "“", "textquotedblright": "”", "textasciitilde": "~", "textasciicircum": "^", "textbackslash": "\\",
    "texttimes": "×", "textpm": "±", "textmu": "µ", "textdegree": "°", "textless": "<", "textgreater": ">", "textbar": "|",
    "textunderscore": "_", "ldots": "…", "dots": "…", "textellipsis": "…", "textregistered": "®", "texttrademark": "™",
    "textcopyright": "©", "S": "§", "P": "¶", "pounds": "£", "euro": "€", "LaTeX": "LaTeX", "TeX": "TeX",
}  # fmt: skip
_STYLES = r"emph|text(?:it|bf|tt|sc|rm|sf|sl|up|md|normal)?|mbox|url|enquote|uppercase"
_MATH = re.compile(r"(?<!\\)(\$\$?(?:[^$\\]|\\.)+\$\$?|\\\(.*?\\\)|\\\[.*?\\\]|\\ensuremath\s*\{[^{}]*\})", re.DOTALL)
_ACCENT = re.compile(
    r"\{?\\(?:([`'^~\"=.])\s*|([uvHckrdb])(?:\s+|(?=\{)))(?:\{\s*(\\[ij]|[A-Za-z])\s*\}|(\\[ij](?![A-Za-z])|[A-Za-z]))(\}?)"
)
_LETTER = re.compile(r"\\([A-Za-z]+)(?![A-Za-z])(?:\{\}|[ \t]+|(?=[^A-Za-z]|$))")
_STYLE = re.compile(rf"\\(?:{_STYLES})\s*\{{([^{{}}]*)\}}")
_SUPERSCRIPT = re.compile(r"\\textsuperscript\s*\{([^{}]*)\}")
_ESCAPED = re.compile(r"\\([&%$#_{}])")
_KEPT = {"&": "\ue000", "%": "\ue001", "$": "\ue002", "#": "\ue003", "_": "\ue004", "{": "\ue005", "}": "\ue006"}
_BACK = str.maketrans({mark: char for char, mark in _KEPT.items()})
_MARKS = (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"), ("\\-", ""), ("\\/", ""), ("\\ ", " "), ("\\,", " "), ("~", " "))


def unwrapped(text: str, *, indented: bool = False) -> str:
    """A text without hard line breaks; an empty line begins a paragraph, and an indented one if these are `indented`."""
    paragraphs = re.split(r"\n\s*\n|\n(?=[ \t]{2,}\S)" if indented else r"\n\s*\n", text.strip())
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def from_latex(text: str) -> str:
    """The text that LaTeX would print: accents and escapes as characters, without braces and styles. Math stays as it is."""
    return "".join(part if n % 2 else _prose(part) for n, part in enumerate(_MATH.split(text)))


def _prose(text: str) -> str:
    if not any(mark in text for mark in "\\{}~-'`"):
        return text
    text = _ESCAPED.sub(lambda found: _KEPT[found[1]], text)
    text = _ACCENT.sub(_accented, text)
    text = _LETTER.sub(lambda found: _LETTERS.get(found[1], found[0]), text)
    while (plainer := _SUPERSCRIPT.sub(r"^\1", _STYLE.sub(r"\1", text))) != text:
        text = plainer
    text = re.sub(r"(?<!\\)[{}]", "", text)
    for mark, char in _MARKS:
        text = text.replace(mark, char)
    return text.translate(_BACK)


def _accented(found: re.Match[str]) -> str:
    letter = (found[3] or found[4]).removeprefix("\\")
    mark = _ACCENTS[found[1] or found[2]]
    opened, closed = found[0].startswith("{"), bool(found[5])
    whole = unicodedata.normalize("NFC", letter + mark)
    if opened == closed:
        return whole
    return f"{{{whole}" if opened else f"{whole}}}"
