"""The charts of the report as inline SVG: drawn by matplotlib, coloured by the page.

A chart is drawn in stand-in colours that `_inlined` turns into the page's own (`currentColor`, `var(--series-1)`), so one
drawing serves light, dark and print. Text stays text. Systems differ by shape as well as by colour.
"""

import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import as_file, files
from textwrap import fill
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from extractor.errors import UsageError, install
from extractor.evaluation.report.format import SetReport, SystemReport
from extractor.evaluation.report.words import dollars, tokens
from extractor.evaluation.statistics import HEADLINE, Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SERIES = 6
"""Colours and shapes there are. A seventh system has the first colour and the second shape, and so on."""

_SHAPES = "osD^vP"
_WIDTH = 440
"""Units of a chart's width. One is a CSS pixel at full size, and 0.8 of one on a screen of 390."""

# As in charts.mplstyle, where `_INK` is the colour of text.
_INK, _SOFT, _RULE = "#010101", "#020202", "#030303"
_COLOURS = tuple(f"#0400{n:02x}" for n in range(1, SERIES + 1))
_PAGE = {_INK: "currentColor", _SOFT: "var(--soft)", _RULE: "var(--rule)"} | {
    colour: f"var(--series-{n})" for n, colour in enumerate(_COLOURS, start=1)
}
_PER_INCH = 72  # SVG's units
_ROW, _BAR, _GAP = 15, 19, 16
"""Height of one system's line in a group of intervals and of bars, and the space between groups."""
_LINE = 18
"""Characters of a label that fit at the left of a drawing."""

_FONT = re.compile(r"font-family: [^;]*;? ?")
_STAND_IN = re.compile("|".join(_PAGE))


def of_set(report: SetReport, series: Sequence[int], name: str) -> dict[str, str | None]:
    """The charts of a set: the headline figures, kinds, cost, reliability and cascades; None for one without anything to show.

    `series` are the numbers that the set's systems have in the whole report, and `name` ends the ids within the drawings.
    """
    if not report.systems:
        return dict.fromkeys(_CHARTS)
    return {each: draw(report, series, name) for each, draw in _CHARTS.items()}


def forest(report: SetReport, series: Sequence[int], name: str) -> str:
    """Each headline figure of each system as a point on its 95% interval."""
    systems = report.systems
    rows = {HEADLINE[each].label: [system.headline[each] for system in systems] for each in systems[0].headline}
    with _style():
        figure, axes = _groups([fill(label, _LINE) for label in rows], len(systems), _ROW)
        for top, estimates in zip(_tops(len(rows), len(systems), _ROW), rows.values(), strict=True):
            for n, estimate in enumerate(estimates):
                _interval(axes, estimate, top + n * _ROW, series[n])
        axes.set_xlim(*_reach(estimate.low for estimates in rows.values() for estimate in estimates))
        axes.set_xlabel("F1 or share")
        said = [f"{label}: {_listed(systems, [each.value for each in estimates])}." for label, estimates in rows.items()]
        return _inlined(figure, f"forest{name}", "Headline figures with their 95% intervals", " ".join(said))


def kinds(report: SetReport, series: Sequence[int], name: str) -> str | None:
    """The strict F1 of each kind of claim that the gold has, a bar for each system; None if it has no claim."""
    systems = report.systems
    gold = {kind: scores.strict.found + scores.strict.missed for kind, scores in systems[0].figures.by_kind.items()}
    rows = {kind: [system.figures.by_kind[kind].strict.f1 for system in systems] for kind, number in gold.items() if number}
    if not rows:
        return None
    with _style():
        figure, axes = _groups([f"{kind} ({gold[kind]})" for kind in rows], len(systems), _BAR)
        for top, values in zip(_tops(len(rows), len(systems), _BAR), rows.values(), strict=True):
            for n, value in enumerate(values):
                place = (value or 0, top + n * _BAR)
                axes.barh(place[1], place[0], height=9, color=_colour(series[n]))
                _point(axes, *place, series[n], 9)
                axes.annotate(_percent(value), place, (9, 0), textcoords="offset points", va="center", size=12)
        axes.set_xlim(0, 1.22)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
        axes.set_xlabel("claims right, F1")
        said = [f"{kind}: {_listed(systems, values)}." for kind, values in rows.items()]
        return _inlined(figure, f"kinds{name}", "Claims right, by kind", " ".join(said))


def cost(report: SetReport, series: Sequence[int], name: str) -> str | None:
    """The strict F1 of each system against what it takes; None if nothing takes anything."""
    unit, spent = spending(report.systems)
    if not any(spent):
        return None
    with _style():
        figure, axes = _drawing(300, 66)
        values = []
        for n, system, each in zip(series, report.systems, spent, strict=True):
            estimate = system.headline["strict_f1"]
            values.append(estimate.value)
            if estimate.low is not None and estimate.high is not None:
                axes.plot([each, each], [estimate.low, estimate.high], color=_colour(n), linewidth=2)
            if estimate.value is not None:
                _point(axes, each, estimate.value, n, 11)
        axes.set_xlim(-0.06 * max(spent), 1.06 * max(spent))
        axes.grid(visible=True)
        axes.yaxis.set_major_formatter(lambda value, _place: f"{100 * value:.4g}%")
        axes.xaxis.set_major_formatter(lambda value, _place: f"{value:,.4g}")
        axes.set_xlabel(unit)
        axes.set_ylabel("claims right, F1")
        pairs = zip(report.systems, values, spent, strict=True)
        said = [f"{system.name}: {_percent(value)} at {each:,.4g}." for system, value, each in pairs]
        return _inlined(figure, f"cost{name}", f"Claims right against {unit}", " ".join(said))


def reliability(report: SetReport, series: Sequence[int], name: str) -> str | None:
    """How often claims are right against how sure of them their systems are, by bins; None where no claim has a confidence."""
    systems = zip(series, report.systems, strict=True)
    sure = [(n, system, found.bins) for n, system in systems if (found := system.figures.calibration)]
    if not sure:
        return None
    with _style():
        figure, axes = _drawing(300, 66)
        axes.plot([0, 1], [0, 1], color=_RULE, linewidth=1)
        for n, _, bins in sure:
            for each in bins:
                _point(axes, each.confidence, each.right / each.claims, n, 8)
        low, high = _reach(
            [*(b.confidence for _, _, bins in sure for b in bins), *(b.accuracy for _, _, bins in sure for b in bins)]
        )
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        _shares(axes)
        axes.set_xlabel("mean confidence of a fifth of the claims")
        axes.set_ylabel("of these, right")
        said = [
            f"{system.name}: " + ", ".join(f"{_percent(b.accuracy)} right at {_percent(b.confidence)}" for b in bins) + "."
            for _, system, bins in sure
        ]
        return _inlined(figure, f"reliability{name}", "How often claims are right against their confidence", " ".join(said))


def cascades(report: SetReport, series: Sequence[int], name: str) -> str | None:
    """Claims right, and dashed abstracts right, against the share of abstracts that a model is asked; None without one."""
    if not report.cascades:
        return None
    names = [system.name for system in report.systems]
    with _style():
        figure, axes = _drawing(300, 66)
        values = []
        for each in report.cascades:
            colour, asked = _colour(series[names.index(each.theirs)]), [point.asked for point in each.points]
            for style, figures in (("-", [p.strict_f1 for p in each.points]), ("--", [p.documents_right for p in each.points])):
                axes.plot(asked, [math.nan if value is None else value for value in figures], style, color=colour, linewidth=2)
                values += figures
        axes.set_ylim(*_reach(values))
        _shares(axes)
        axes.set_xlabel("abstracts asked, the least sure first")
        axes.set_ylabel("right")
        said = [
            f"{each.theirs}: claims right {_percent(each.points[0].strict_f1)} with no abstract asked, "
            f"{_percent(each.points[-1].strict_f1)} with {_percent(each.points[-1].asked)} asked."
            for each in report.cascades
        ]
        return _inlined(figure, f"cascades{name}", "Quality against the share of abstracts asked", " ".join(said))


def _shares(axes: "Axes") -> None:
    """Both axes hold shares."""
    axes.grid(visible=True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _place: f"{100 * value:.4g}%")


_CHARTS: Mapping[str, Callable[[SetReport, Sequence[int], str], str | None]] = {
    "forest": forest,
    "kinds": kinds,
    "cost": cost,
    "reliability": reliability,
    "cascades": cascades,
}


def spending(systems: Sequence[SystemReport]) -> tuple[str, list[float]]:
    """What each system takes, in one unit for all: dollars where every price is known and one is above 0, else tokens."""
    priced = [amount for system in systems if (amount := dollars(system)) is not None]
    if len(priced) == len(systems) and any(priced):
        return "US dollars for 1,000 abstracts", priced
    return "tokens per abstract, read and written", [tokens(system) for system in systems]


def mark(number: int) -> str:
    """The shape of a system as a small SVG, for a legend; systems count from 0."""
    paths = (
        '<circle cx="7" cy="7" r="5"/>',
        '<path d="M2 2h10v10H2z"/>',
        '<path d="M7 1l6 6-6 6-6-6z"/>',
        '<path d="M7 2l6 10H1z"/>',
        '<path d="M7 12l6-10H1z"/>',
        '<path d="M5 1h4v4h4v4H9v4H5V9H1V5h4z"/>',
    )
    style = f'style="fill:var(--series-{number % SERIES + 1})"'
    size = 'viewBox="0 0 14 14" width="14" height="14"'
    return f'<svg class="mark" {size} aria-hidden="true" {style}>{paths[_shape(number)]}</svg>'


@contextmanager
def _style() -> Iterator[None]:
    try:
        from matplotlib import rc_context
    except ImportError:
        raise UsageError(f"A report needs matplotlib. {install('eval')}.") from None
    with as_file(files("extractor.evaluation.report") / "templates" / "charts.mplstyle") as style, rc_context(fname=style):
        yield


def _drawing(height: float, left: float) -> tuple["Figure", "Axes"]:
    """A drawing with that much room for labels at its left. Fixed margins: measuring them takes half of the time to draw."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH / _PER_INCH, height / _PER_INCH))
    axes = figure.add_axes((left / _WIDTH, 48 / height, 1 - (left + 16) / _WIDTH, 1 - 56 / height))
    axes.tick_params(length=0)
    return figure, axes


def _groups(labels: Sequence[str], systems: int, row: float) -> tuple["Figure", "Axes"]:
    """Axes for shares, with a group of lines for each label, the first on top; y counts units downwards."""
    tops = _tops(len(labels), systems, row)
    figure, axes = _drawing(tops[-1] + systems * row + 60, 122)
    axes.set_ylim(tops[-1] + systems * row, -row)
    axes.set_yticks([top + (systems - 1) * row / 2 for top in tops], labels)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(lambda value, _place: f"{100 * value:.0f}%")
    axes.grid(visible=True, axis="x")
    return figure, axes


def _tops(groups: int, systems: int, row: float) -> list[float]:
    """Where each group's first line stands."""
    return [group * (systems * row + _GAP) for group in range(groups)]


def _interval(axes: "Axes", estimate: Estimate, y: float, n: int) -> None:
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [y, y], color=_colour(n), linewidth=2)
    if estimate.value is not None:
        _point(axes, estimate.value, y, n, 8)


def _point(axes: "Axes", x: float, y: float, n: int, size: float) -> None:
    axes.plot(x, y, _SHAPES[_shape(n)], color=_colour(n), markersize=size, clip_on=False)


def _colour(n: int) -> str:
    return _COLOURS[n % SERIES]


def _shape(n: int) -> int:
    return (n + n // SERIES) % SERIES


def _reach(lows: Iterable[float | None]) -> tuple[float, float]:
    """The shown part of [0, 1]: from the tenth below the lowest interval."""
    lowest = min((low for low in lows if low is not None), default=0.0)
    return max(0.0, math.floor(lowest * 10 - 0.2) / 10), 1.01


def _listed(systems: Sequence[SystemReport], values: Sequence[float | None]) -> str:
    return ", ".join(f"{system.name} {_percent(value)}" for system, value in zip(systems, values, strict=True))


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{100 * value:.1f}%"


def _inlined(figure: "Figure", name: str, title: str, description: str) -> str:
    """The drawing as an element of the page: no address, ids of its own, the page's colours and font, a text alternative."""
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = ET.fromstring(file.getvalue())  # noqa: S314 (matplotlib wrote it)
    drawn = file.getvalue()
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for key, value in list(element.attrib.items()):
            del element.attrib[key]
            match key.rpartition("}")[2]:
                case "id" as local:
                    if f"#{value}" in drawn:  # the others name what nothing refers to
                        element.set(local, f"{name}-{value}")
                case "href" as local:
                    element.set(local, f"#{name}-{value[1:]}")
                case "clip-path" as local:
                    element.set(local, value.replace("url(#", f"url(#{name}-"))
                case "style" as local:
                    element.set(local, _FONT.sub("", value))
                case local:
                    element.set(local, value)
    for parent in root.iter():
        for child in [child for child in parent if child.tag in ("metadata", "style")]:  # a style here would hold for the page
            parent.remove(child)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib |= {"role": "img", "aria-labelledby": f"{name}-title {name}-desc", "class": "chart"}
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(tag, {"id": f"{name}-{tag}"})
        element.text = text
        root.insert(place, element)
    return _STAND_IN.sub(lambda colour: _PAGE[colour[0]], ET.tostring(root, encoding="unicode"))
