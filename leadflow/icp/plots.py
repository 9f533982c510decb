"""Plots of segments, fit and RFM, as PNG.

Belongs here: drawing. Does not belong here: what is drawn, and what all plots share (leadflow/plotting.py).
"""

from __future__ import annotations

import polars as pl

from leadflow.plotting import BLUE, GREY, ORANGE, as_png, empty_figure, nothing_to_draw

_LONGEST_NAME = 58
_MOST_SEGMENTS = 20


def plot_segments(segments: pl.DataFrame) -> bytes:
    """Lift of each segment with its interval, by rows of icp.icp_segments, beside how many accounts are in it."""
    shown = segments.head(_MOST_SEGMENTS)
    figure = empty_figure(9.5, 1.7 + 0.55 * max(shown.height, 1))
    if shown.is_empty():
        return nothing_to_draw(figure, "No segments: too few won accounts")
    lift, size = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1.3))
    places = range(shown.height)
    for is_icp, colour, marker, label in (
        (True, ORANGE, "D", "ideal customer"),
        (False, BLUE, "o", "other segment"),
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
    lift.axvline(1, color=GREY, linewidth=1, linestyle="--")
    lift.annotate(
        "all accounts", (1, 1), xycoords=("data", "axes fraction"), xytext=(3, 3), textcoords="offset points",
        color=GREY, fontsize=8,
    )  # fmt: skip
    lift.set_yticks(list(places), [_shortened(name) for name in shown["segment_name"]])
    lift.set_ylim(shown.height - 0.5, -0.5)
    lift.set_xlim(left=0)
    lift.set_xlabel("Lift: win rate over that of all accounts (ratio)")
    lift.legend(loc="lower right", frameon=False, fontsize=8)
    size.barh(list(places), shown["account_count"].to_list(), color="#DDDDDD", label="all")
    size.barh(list(places), shown["won_account_count"].to_list(), color=BLUE, label="won")
    for place in places:
        size.annotate(
            f"{shown['won_account_count'][place]:,} of {shown['account_count'][place]:,}",
            (shown["account_count"][place], place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8,
        )  # fmt: skip
    size.set_xlim(0, 1.6 * max(1, int(shown["account_count"].to_numpy().max())))
    size.locator_params(axis="x", nbins=3)
    size.set_xlabel("Won of all accounts")
    return as_png(figure)


def plot_fit(fit: pl.DataFrame, is_won: pl.Series) -> bytes:
    """Distribution of account_fit among won accounts and all others.

    Args:
        fit: rows of icp.account_fit.
        is_won: whether each of them was won.
    """
    figure = empty_figure(8, 3.6)
    values, won = fit["account_fit"], is_won & fit["account_fit"].is_not_null()
    if values.drop_nulls().is_empty():
        return nothing_to_draw(figure, "No account has a fit: nothing that could be used is known of any")
    axes = figure.subplots()
    edges = list(range(0, 101, 5))
    for chosen, colour, style, label in (
        (~is_won & values.is_not_null(), BLUE, "-", "not won"),
        (won, ORANGE, "--", "won"),
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
    return as_png(figure)


def plot_rfm(counts: pl.DataFrame) -> bytes:
    """How many leads and accounts are in each recency and frequency quintile.

    Args:
        counts: subject_type, recency_score, frequency_score, subjects.
    """
    figure = empty_figure(9, 4.4)
    if counts.is_empty():
        return nothing_to_draw(figure, "Nobody did anything, and nobody was won")
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
    return as_png(figure)


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
