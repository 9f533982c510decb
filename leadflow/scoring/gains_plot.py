"""The gains curve, as PNG.

Belongs here: drawing. Does not belong here: what is drawn (gains.py), and what all plots share (leadflow/plotting.py).
"""

from __future__ import annotations

import polars as pl

from leadflow.plotting import BLUE, GREEN, GREY, ORANGE, as_png, empty_figure, nothing_to_draw


def plot_gains(gains: pl.DataFrame) -> bytes:
    """Which share of the wins the best-scored leads hold, with its interval, the tiers and what is recommended.

    Args:
        gains: rows of scoring.score_gains, or of `gains.score_gains`.
    """
    figure = empty_figure(8, 5)
    known = gains.filter(pl.col("share_of_wins").is_not_null()).with_columns(
        pl.col("^share_of_.*$").cast(pl.Float64) * 100
    )
    by_share = known.filter(pl.col("kind") == "share").sort("share_of_leads")
    if by_share.is_empty():
        return nothing_to_draw(figure, "No gains: no wins to measure by")
    axes = figure.subplots()
    leads = [0.0, *by_share["share_of_leads"]]
    low, high = ([0.0, *by_share[f"share_of_wins_{end}"].fill_null(0.0)] for end in ("low", "high"))
    axes.fill_between(leads, low, high, color=BLUE, alpha=0.15, linewidth=0, label="95 % interval")
    axes.plot(leads, [0.0, *by_share["share_of_wins"]], color=BLUE, linewidth=2, label="by score")
    axes.plot([0, 100], [0, 100], color=GREY, linewidth=1, linestyle="--", label="by chance")
    for kind, colour, markers in (("tier", GREEN, "ov"), ("recommendation", ORANGE, "Ds^")):
        rows = known.filter(pl.col("kind") == kind).iter_rows(named=True)
        for row, marker in zip(rows, markers, strict=False):
            at = (row["share_of_leads"], row["share_of_wins"])
            label = f"{row['cut']}: {at[0]:.0f} % of leads, {at[1]:.0f} % of wins"
            axes.plot(*at, color=colour, marker=marker, markersize=8, linestyle="none", label=label)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 102)
    axes.set_xlabel("Leads taken, best score first (% of leads)")
    axes.set_ylabel("Wins among them (% of wins)")
    axes.legend(loc="lower right", frameon=False, fontsize=9)
    return as_png(figure)
