"""Figures as SVG that stands inside an HTML page."""

import io
import re
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RASTER_DPI = 110
"""Resolution of a label map inside a figure; everything else has none."""
WITHOUT = dict.fromkeys(("Creator", "Date", "Format", "Type"))
"""Metadata that says nothing about the store, or when it was drawn."""
_TAG = re.compile(r"<[^>]*>")
_STYLE = re.compile(r"<defs>\s*<style[^>]*>[^<]*</style>\s*</defs>\s*")
_NAMESPACE = re.compile(r'\sxmlns(:\w+)?="[^"]*"')
_IMAGE_NAME = re.compile(r'^(<image\b.*?)\sid="[^"]*"', re.DOTALL)
"""Of its content, so that two equal images have the same; nobody refers to it."""
_REFERENCE = re.compile(r'(\sid="|="#|url\(#)')
_PATH = re.compile(r'(\sd=")([^"]*)')
_DECIMALS = re.compile(r"(\.\d\d)\d+")


def inlined(drawn: "Figure", name: str, alt: str) -> Markup:
    """Return a figure as an SVG element; call it inside `style()`, as for the drawing.

    Args:
        drawn: the figure.
        name: begins every id, so that the figures of one page don't take each other's parts.
        alt: what it shows, for who can't see it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    drawn.set_dpi(RASTER_DPI)
    FigureCanvasAgg(drawn)
    drawn.draw_without_rendering()
    drawn.set_layout_engine("none")  # laid out just now, as for the files
    text = io.StringIO()
    FigureCanvasSVG(drawn).print_svg(text, metadata=WITHOUT)
    svg = text.getvalue()
    svg = _STYLE.sub("", svg[svg.index("<svg") :])
    body = _TAG.sub(lambda tag: _own_names(tag.group(), name), svg)
    label = f'<svg role="img" aria-label="{escape(alt)}"'
    return Markup(body.replace("<svg", label, 1).strip())  # noqa: S704  matplotlib escapes its text


def _own_names(tag: str, name: str) -> str:
    """Return a tag with the page's names, without namespaces, its paths to a hundredth point."""
    tag = _IMAGE_NAME.sub(r"\1", _NAMESPACE.sub("", tag))
    tag = _REFERENCE.sub(lambda found: f"{found.group()}{name}-", tag)
    return _PATH.sub(lambda found: found.group(1) + _DECIMALS.sub(r"\1", found.group(2)), tag)
