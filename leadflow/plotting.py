"""Drawing as PNG: what the plots of all stages share.

Belongs here: figures, colours, and a picture as Markdown for the Dagster UI. Does not belong here: any one plot (the stages'
plots). Figures are made without pyplot, which would keep them and a window system between runs. Colours are those of Okabe
and Ito (Color Universal Design, 2008), apart for every kind of colour vision, and shape or position tells the same again.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"
_DOTS_PER_INCH = 100


def picture(png: bytes, title: str) -> str:
    """A PNG as Markdown that carries it."""
    return f"![{title}](data:image/png;base64,{base64.b64encode(png).decode('ascii')})"


def empty_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, drawn by Agg."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def nothing_to_draw(figure: Figure, sentence: str) -> bytes:
    """The figure with a sentence in place of a plot."""
    figure.text(0.5, 0.5, sentence, ha="center", va="center", fontsize=11, color=GREY)
    return as_png(figure)


def as_png(figure: Figure) -> bytes:
    """The figure as a file: the same plot is the same file, since no date and version is inside."""
    for axes in figure.axes:
        _open(axes)
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _open(axes: Any) -> None:
    """No frame above and at the right."""
    axes.spines[["top", "right"]].set_visible(False)
