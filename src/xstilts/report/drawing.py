"""How charts look, and how they become SVG and PDF: offline, without scripts or fonts from elsewhere.

Ink is `currentColor`, so that a chart inside a page follows its light or dark scheme. The arms' colours are
Tol's "bright" scheme, which readers with any colour vision can tell apart (Tol 2021, "Colour schemes",
SRON/EPS/TN/09-002), and every arm has a shape, too.

A mark that tells a reader something is drawn with `**TELLS` and encodes its words, parted by ` · `, as its
description: they become its `<title>`, which browsers show, and from which the page makes its tooltips.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import altair as alt
import polars as pl
import vl_convert
from markupsafe import Markup

from xstilts.analysis.statistics import Estimate
from xstilts.report.templates import asset

Chart = Any  # altair's many kinds of chart have no common type that says more

INK = "currentColor"
PALETTE = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377")
QUIET = "#999999"
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
BAR = "M0,-1.6V1.6"  # a reference: a bar through the row
REFERENCE_INKS = {
    "majority": "#b08d57",
    "random": "#7d7d8c",
    "prompted": "#b5527d",
    "few-shot": "#5a6ea8",
    "shuffled-images": "#9c4a0b",
    "text-only": "#2f9e8f",
    "image-only": "#6b8e23",
    "caption-only": "#8a6fb0",
    "translate-test": "#1f5c99",
}
HARM, HELP = "#9c4a0b", "#1f5c99"  # orange and blue

TELLS: dict[str, Any] = {"aria": True}
THEME: dict[str, Any] = json.loads(asset("theme.json"))
"""The look of charts, as Vega-Lite's configuration. Its fonts are equally wide; the padding is for others."""
CAPTIONS: dict[str, str] = tomllib.loads(asset("captions.toml"))
"""The words below figures, by what they show."""
INTERVAL = dict.fromkeys(("value", "low", "high"), pl.Float64)
"""The columns of what `spread` gives."""


@dataclass(frozen=True)
class Figure:
    """A chart with the name of its file, the section of the page, and the words below it."""

    name: str
    section: str
    caption: str
    chart: Chart

    @property
    def svg(self) -> Markup:
        """The chart as an element of the page: made by us from numbers and escaped names."""
        return Markup(svg(self.chart))

    @property
    def pdf(self) -> bytes:
        """The chart as a PDF page."""
        return pdf(self.chart)


def spread(estimate: Estimate) -> dict[str, float]:
    """A point and the ends of its interval, as columns of what is drawn."""
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def arm_look(place: int) -> tuple[str, str]:
    """The colour and the shape of the arm at that place of the study, where `none` has the first."""
    rounds, rest = divmod(max(0, place - 1), len(PALETTE))
    return (PALETTE[rest] if place else QUIET), SHAPES[(place + rounds) % len(SHAPES)]


def looks(
    field: str, names: Sequence[str], inks: Iterable[str] = (), shapes: Iterable[str] = ()
) -> tuple[alt.Color, alt.Shape]:
    """Colours and shapes of names: by default those of arms, of which the first is `none`."""
    of_arms = zip(*(arm_look(place) for place in range(len(names) or 1)), strict=True)
    ranges = (given or usual for given, usual in zip((inks, shapes), of_arms, strict=True))
    ink, shape = (alt.Scale(domain=names, range=list(islice(each, len(names)))) for each in ranges)
    return alt.Color(field, scale=ink), alt.Shape(field, scale=shape)


def free(channel: type[alt.X] | type[alt.Y], field: str, padding: float | None = None, **axis: Any) -> Any:
    """An axis of numbers without a title that need not have zero; `padding` in pixels."""
    scale = alt.Scale(zero=False, nice=True, padding=alt.Undefined if padding is None else padding)
    return channel(f"{field}:Q", title=None, scale=scale, axis=alt.Axis(tickCount=5, **axis))


def joined(panels: Iterable[Chart | None], *, columns: int = 2, spacing: int = 30) -> Chart | None:
    """Panels side by side, with one legend; None if there are none."""
    drawn = [panel for panel in panels if panel is not None]
    if not drawn:
        return None
    chart = alt.concat(*drawn, columns=columns, spacing=spacing)
    return chart.resolve_scale(color="shared", shape="shared")


def themed(chart: Any) -> dict[str, Any]:
    """The chart's specification, in the look of the house."""
    with alt.data_transformers.disable_max_rows():
        specification: dict[str, Any] = chart.to_dict(validate=False)  # tests validate; it takes seconds
    specification["config"] = THEME
    return specification


def svg(chart: Any) -> str:
    """The chart as an SVG element for use inside a page: it scales, and its ids are its own."""
    drawn: str = vl_convert.vegalite_to_svg(themed(chart))
    prefix = "c" + hashlib.sha256(drawn.encode()).hexdigest()[:8]
    drawn = _TAG.sub(lambda tag: _renamed(tag.group(), prefix), drawn)
    drawn = _TELLING.sub(r'<path class="told"\2><title>\1</title></path>', drawn)
    drawn = re.sub(r' aria-(label|roledescription)="[^"]*"| role="graphics-[a-z]*"', "", drawn)
    return _PLACES.sub(lambda found: re.sub(r"(\.\d\d)\d+", r"\1", found.group()), drawn)


def _renamed(tag: str, prefix: str) -> str:
    """A tag whose ids, and what refers to them, begin with a prefix."""
    own = re.sub(r'\bid="', f'id="{prefix}-', tag)
    return own.replace("url(#", f"url(#{prefix}-").replace('href="#', f'href="#{prefix}-')


_TAG = re.compile(r"<[^>]*>")
_TELLING = re.compile(
    r'<path aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="[^"]*"([^>]*)/>'
)
_PLACES = re.compile(r' (?:d|transform|x|y|x1|x2|y1|y2)="[^"]*"')


def pdf(chart: Any) -> bytes:
    """The chart as a PDF page."""
    drawn: bytes = vl_convert.vegalite_to_pdf(themed(chart))
    return drawn
