"""Plots of segments, fit and RFM, as PNG.

Belongs here: drawing. Does not belong here: what is drawn. Figures are made without pyplot, which would keep them and a
window system between runs. Colours are those of Okabe and Ito (Color Universal Design, 2008), apart for every kind of
colour vision, and shape or position tells the same again.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#7F7F7F"
_DOTS_PER_INCH = 100
_LONGEST_NAME = 58
_MOST_SEGMENTS = 20


def picture(png: bytes, title: str) -> str:
    """A PNG as Markdown that carries it."""
    return f"![{title}](data:image/png;base64,{base64.b64encode(png).decode('ascii')})"


def plot_segments(segments: pl.DataFrame) -> bytes:
    """Lift of each segment with its interval, by rows of icp.icp_segments, beside how many accounts are in it."""
    shown = segments.head(_MOST_SEGMENTS)
    figure = _figure(9.5, 1.7 + 0.55 * max(shown.height, 1))
    if shown.is_empty():
        return _nothing(figure, "No segments: too few won accounts")
    lift, size = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1.3))
    places = range(shown.height)
    for is_icp, colour, marker, label in (
        (True, _ORANGE, "D", "ideal customer"),
        (False, _BLUE, "o", "other segment"),
    ):
        chosen = [place for place in places if shown["is_icp"][place] is is_icp]
        if chosen:
            rows = shown[chosen]
            # The interval may lie above or below the point by nothing, never by less.
            below = (rows["lift"] - rows["lift_low"]).clip(lower_bound=0).to_list()
            above = (rows["lift_high"] - rows["lift"]).clip(lower_bound=0).to_list()
            lift.errorbar(
                rows["lift"].to_list(),
                chosen,
                xerr=[below, above],
                fmt=marker,
                color=colour,
                capsize=3,
                label=label,
            )
    lift.axvline(1, color=_GREY, linewidth=1, linestyle="--")
    lift.annotate(
        "all accounts", (1, 1), xycoords=("data", "axes fraction"), xytext=(3, 3), textcoords="offset points",
        color=_GREY, fontsize=8,
    )  # fmt: skip
    lift.set_yticks(list(places), [_shortened(name) for name in shown["segment_name"]])
    lift.set_ylim(shown.height - 0.5, -0.5)
    lift.set_xlim(left=0)
    lift.set_xlabel("Lift: win rate over that of all accounts (ratio)")
    lift.legend(loc="lower right", frameon=False, fontsize=8)
    size.barh(list(places), shown["account_count"].to_list(), color="#DDDDDD", label="all")
    size.barh(list(places), shown["won_account_count"].to_list(), color=_BLUE, label="won")
    for place in places:
        size.annotate(
            f"{shown['won_account_count'][place]:,} of {shown['account_count'][place]:,}",
            (shown["account_count"][place], place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8,
        )  # fmt: skip
    size.set_xlim(0, 1.6 * max(1, int(shown["account_count"].to_numpy().max())))
    size.locator_params(axis="x", nbins=3)
    size.set_xlabel("Won of all accounts")
    return _png(figure)


def plot_fit(fit: pl.DataFrame, is_won: pl.Series) -> bytes:
    """Distribution of account_fit among won accounts and all others.

    Args:
        fit: rows of icp.account_fit.
        is_won: whether each of them was won.
    """
    figure = _figure(8, 3.6)
    values, won = fit["account_fit"], is_won & fit["account_fit"].is_not_null()
    if values.drop_nulls().is_empty():
        return _nothing(figure, "No account has a fit: nothing that could be used is known of any")
    axes = figure.subplots()
    edges = list(range(0, 101, 5))
    for chosen, colour, style, label in (
        (~is_won & values.is_not_null(), _BLUE, "-", "not won"),
        (won, _ORANGE, "--", "won"),
    ):
        found = values.filter(chosen).to_list()
        if found:
            axes.hist(
                found, bins=edges, weights=[100 / len(found)] * len(found), histtype="step", linewidth=2,
                color=colour, linestyle=style, label=f"{label} ({len(found):,} accounts)",
            )  # fmt: skip
    axes.set_xlim(0, 100)
    axes.set_xlabel("account_fit (0-100; 100 is the ideal customer)")
    axes.set_ylabel("Share of these accounts (%)")
    axes.legend(loc="upper center", frameon=False, fontsize=9)
    axes.set_title(
        f"By {fit['method'][0]}; {values.null_count():,} accounts without a fit", fontsize=10, loc="left"
    )
    return _png(figure)


def plot_rfm(counts: pl.DataFrame) -> bytes:
    """How many leads and accounts are in each recency and frequency quintile.

    Args:
        counts: subject_type, recency_score, frequency_score, subjects.
    """
    figure = _figure(9, 4.4)
    if counts.is_empty():
        return _nothing(figure, "Nobody did anything, and nobody was won")
    kinds = [("lead", "Leads that did something"), ("account", "Customers (won accounts)")]
    for axes, (kind, title) in zip(figure.subplots(1, 2), kinds, strict=True):
        of_kind = counts.filter(pl.col("subject_type") == kind)
        grid = [[0] * 5 for _ in range(5)]
        for row in of_kind.iter_rows(named=True):
            grid[row["frequency_score"] - 1][row["recency_score"] - 1] = row["subjects"]
        most = max(1, max(map(max, grid)))
        axes.imshow(grid, origin="lower", cmap="Blues", vmin=0, vmax=most, aspect="auto")
        for up, line in enumerate(grid):
            for along, count in enumerate(line):
                dark = count > 0.6 * most
                axes.text(
                    along,
                    up,
                    f"{count:,}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white" if dark else "black",
                )
        axes.set_xticks(range(5), ["1\nlong ago", "2", "3", "4", "5\nlately"])
        axes.set_yticks(range(5), ["1\nseldom", "2", "3", "4", "5\noften"])
        axes.set_xlabel("Recency quintile")
        axes.set_ylabel("Frequency quintile")
        axes.set_title(f"{title}, number: {sum(map(sum, grid)):,}", fontsize=10)
    return _png(figure)


def _figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, drawn by Agg."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _nothing(figure: Figure, sentence: str) -> bytes:
    figure.text(0.5, 0.5, sentence, ha="center", va="center", fontsize=11, color=_GREY)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    for axes in figure.axes:
        _open(axes)
    file = io.BytesIO()
    # No date and version inside: the same plot is the same file.
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _open(axes: Any) -> None:
    """No frame above and at the right."""
    axes.spines[["top", "right"]].set_visible(False)


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
