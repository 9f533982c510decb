"""The model card as a page of Markdown with plots.

Belongs here: wording and drawing what the card holds. Does not belong here: the card (card.py), measuring (training.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from leadflow.plotting import BLUE, GREY, ORANGE, as_png, empty_figure, nothing_to_draw, picture

SHOWN = 15
"""Features shown by importance."""


def card_page(card: pl.DataFrame) -> str:
    """The page of a card, rows of card.CARD_SCHEMA: data, period, measures, candidates, calibration, importance, limits, use."""
    row = card.row(0, named=True)
    lines = [
        f"**{'Model ' + row['model_version'] if row['model_version'] else 'Rules alone'}**: {row['status_reason']}",
        "",
        f"**Use.** {row['intended_use']}",
        "",
        f"**Limits.** {row['limits']}",
    ]
    if row["auc"] is None:
        return "\n".join(lines)
    lines += ["", *_data(row), "", *_measures(row), "", *_candidates(row)]
    lines += ["", picture(plot_calibration(row["calibration_curve"]), "Calibration")]
    if row["importance"]:
        lines += ["", picture(plot_importance(row["importance"]), "Importance")]
    return "\n".join(lines)


def plot_calibration(curve: str) -> bytes:
    """Share of wins by what was said, of ten bins of equal mass; on the diagonal is right."""
    bins = json.loads(curve)
    figure = empty_figure(5.5, 4.5)
    if not bins:
        return nothing_to_draw(figure, "No calibration: nothing was measured")
    axes = figure.subplots()
    said, won, leads = zip(*bins, strict=True)
    most = max(*said, *won) * 1.08
    axes.plot([0, most], [0, most], color=GREY, linewidth=1, linestyle="--", label="as it should be")
    errors = [1.96 * (share * (1 - share) / count) ** 0.5 for share, count in zip(won, leads, strict=True)]
    below = [min(error, share) for error, share in zip(errors, won, strict=True)]
    axes.errorbar(
        said, won, yerr=[below, errors], fmt="o", color=BLUE, capsize=3, label="a tenth of the leads, 95 %"
    )
    axes.set_xlabel("Mean probability (share)")
    axes.set_ylabel("Won (share)")
    axes.legend(loc="upper left", frameon=False, fontsize=9)
    return as_png(figure)


def plot_importance(importance: str) -> bytes:
    """Mean size of what the features that weigh most add."""
    shown = list(json.loads(importance).items())[:SHOWN][::-1]
    figure = empty_figure(7, 1 + 0.3 * max(len(shown), 1))
    if not shown:
        return nothing_to_draw(figure, "No features")
    axes = figure.subplots()
    axes.barh([name for name, _ in shown], [size for _, size in shown], color=ORANGE)
    axes.set_xlabel("Mean size of what the feature adds (log-odds)")
    return as_png(figure)


def _data(row: Mapping[str, Any]) -> list[str]:
    return [
        "| part | from | to | examples | leads won | share won |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {row[f'{part}_from']:%Y-%m-%d} | {row[f'{part}_to']:%Y-%m-%d} | {row[f'{key}_examples']:,} | "
            f"{row[f'{key}_wins']:,} | {row[f'base_rate_{key}']:.1%} |"
            for name, part, key in (("learned from", "trained", "train"), ("measured on", "test", "test"))
        ),
    ]


def _measures(row: Mapping[str, Any]) -> list[str]:
    shown = {
        "AUC": f"{row['auc']:.3f} ({row['auc_low']:.3f} to {row['auc_high']:.3f})",
        "AUC within months": _number(row["auc_within_months"]),
        "AUC of the rules": _number(row["rule_auc"]),
        "AUC of the mixed score": _number(row["score_auc"]),
        "average precision": f"{row['average_precision']:.3f} (by chance {row['base_rate_test']:.3f})",
        "log loss": f"{row['log_loss']:.4f} (constant {row['log_loss_constant']:.4f})",
        "wins in the top 30 %": f"{row['wins_in_top_30_percent']:.0%}",
        "calibration error": f"{row['calibration_error']:.3f} (calibrated: below {row['calibration_band']:.3f}; {row['calibration_verdict']})",
    }
    return [
        "| measure | on the newest leads |",
        "| --- | --- |",
        *(f"| {name} | {told} |" for name, told in shown.items()),
    ]


def _candidates(row: Mapping[str, Any]) -> list[str]:
    lines = [
        "| candidate | AUC on slices | AUC on the newest | average precision | log loss |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in json.loads(row["candidates"]):
        name = f"**{one['name']}**" if one["is_chosen"] else one["name"]
        lines.append(
            f"| {name} | {_number(one['slice_auc'])} | {one['auc']:.3f} ({one['auc_low']:.3f} to {one['auc_high']:.3f}) | "
            f"{one['average_precision']:.3f} | {one['log_loss']:.4f} |"
        )
    return lines


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
