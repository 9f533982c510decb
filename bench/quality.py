"""How well leads are ranked, beside what a notebook would build: `python -m bench.quality [--simulated-leads N]`.

Belongs here: forward splits of three public data sets with baselines in the same run, labels that were shuffled, a simulated
company against its true probabilities, and docs/model_quality.md. Does not belong here: speed (training.py, scoring.py), the
firewall's own report (leakage.py).

Reads online_shoppers/, olist_funnel/ and maven_crm/ from the folder named by LEADFLOW_TEST_DATA. The newest fifth of each set is
ranked by models that saw the four fifths before it; what the leakage firewall blocks is taken from all of them alike.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from bench.leakage import data_folder, maven_crm, olist_funnel, online_shoppers
from bench.notebook import Probabilities, baselines
from bench.true_company import simulated_lines
from leadflow.features.leakage import leakage_report
from leadflow.features.leakage_rows import kept_from_models
from leadflow.leakage_policy import Leakage
from leadflow.modelling.calibration import calibration_band, expected_calibration_error
from leadflow.modelling.columns import FeatureSpec
from leadflow.modelling.evaluate import bootstrap_auc, bootstrap_difference, gains, roc_auc
from leadflow.policy import Training
from leadflow.scoring.model import Fallback, TrainedModel
from leadflow.scoring.training import train

REPORT = Path(__file__).parent.parent / "docs" / "model_quality.md"
TEST_SHARE = 0.2
RESAMPLES = 1000
SEED = 7
FOLDS = 5
SHUFFLES = 20
_FIFTHS = 5
SETTINGS = Training(moments_days=(0,))


@dataclass(frozen=True)
class Rows:
    """A data set in the order of time.

    Attributes:
        rows: lead_id, as_of, label and the features.
        features: what models may use, once the firewall has looked at all columns.
        blocked: what it took.
    """

    name: str
    rows: pl.DataFrame
    features: FeatureSpec
    blocked: tuple[str, ...]

    def split(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The earlier four fifths and the newest fifth, of rows in the order of time and then of the file."""
        cut = self.rows.height - round(self.rows.height * TEST_SHARE)
        return self.rows[:cut], self.rows[cut:]


def after_firewall(
    name: str, rows: pl.DataFrame, keys: tuple[str, ...] = (), codes: tuple[str, ...] = ()
) -> Rows:
    """The data set without what the firewall blocks.

    Args:
        keys: columns that name a row and tell nothing.
        codes: numbers that are codes of categories.
    """
    rows = rows.filter(pl.col("label").is_not_null()).drop(keys)
    rows = rows.with_columns(pl.col(name).cast(pl.String) for name in codes)
    columns = [column for column in rows.columns if column not in ("lead_id", "as_of", "label")]
    report = leakage_report(rows, columns, Leakage(), SETTINGS)
    blocked = tuple(sorted(kept_from_models(report)))
    kept = [column for column in columns if column not in blocked and rows[column].dtype != pl.Null]
    rows = rows.with_columns(
        pl.col(column).cast(pl.String)
        for column in kept
        if not (rows[column].dtype.is_numeric() or rows[column].dtype in (pl.String, pl.Boolean))
    )
    numeric = [column for column in kept if rows[column].dtype != pl.String]
    return Rows(
        name,
        rows.sort("as_of", maintain_order=True).with_columns(
            pl.col("lead_id").cast(pl.String), pl.col("as_of").cast(pl.Datetime("us"))
        ),
        FeatureSpec(numeric, [column for column in kept if column not in numeric]),
        blocked,
    )


def data_sets(folder: Path) -> Iterator[Rows]:
    """The sets of the table."""
    funnel = olist_funnel(folder).rows.filter(pl.col("as_of") >= datetime.fromisoformat("2018-01-01").date())
    soon = (pl.col("won_date").str.slice(0, 10).str.to_date() - pl.col("as_of")).dt.total_days() <= 90
    all_wins = after_firewall("olist_funnel from 2018-01", funnel, ("mql_id",))
    yield all_wins
    yield after_firewall(
        "olist_funnel from 2018-01, won within 90 days",
        funnel.with_columns(label=pl.col("label") & soon.fill_null(False)),
        ("mql_id", *all_wins.blocked),
    )
    sessions = online_shoppers(folder).rows
    codes = ("OperatingSystems", "Browser", "Region", "TrafficType")
    yield after_firewall("online_shoppers", sessions, codes=codes)
    yield after_firewall("maven_crm, won against lost", maven_crm(folder).rows, ("opportunity_id",))


def compared(data: Rows) -> list[str]:
    """A section: leadflow and the baselines on the newest fifth."""
    earlier, later = data.split()
    labels, leads = later["label"].to_numpy(), later["lead_id"].to_numpy()
    outcome = train(earlier, data.features, SETTINGS)
    lines = [
        "",
        f"### {data.name}",
        "",
        f"{earlier.height:,} leads to learn from ({earlier['label'].mean():.1%} won), {later.height:,} newer ones to rank "
        f"({later['label'].mean():.1%} won). Blocked by the firewall: {', '.join(data.blocked) or 'nothing'}.",
        "",
    ]
    others = baselines(earlier, later, data.features)
    if isinstance(outcome, Fallback):
        lines += [f"leadflow: **{outcome.reason}**. Rules score alone.", ""]
        told: dict[str, Probabilities] = {}
    else:
        chosen = next(one.name for one in outcome.evaluation.candidates if one.is_chosen)
        told = {
            f"leadflow ({chosen}, {outcome.calibration.kind} calibration)": outcome.predict(later).to_numpy()
        }
    lines += [
        "| way | AUC | 95 % interval | wins in the top 30 % | leadflow's AUC less its |",
        "| --- | --- | --- | --- | --- |",
    ]
    ours = next(iter(told.values()), None)
    for way, scores in {**told, **others}.items():
        low, high = bootstrap_auc(labels, scores, leads, RESAMPLES, SEED)
        difference = ""
        if ours is not None and way not in told:
            worse, better = bootstrap_difference(labels, ours, scores, leads, RESAMPLES, SEED)
            difference = f"{worse:+.3f} to {better:+.3f}"
        lines.append(
            f"| {way} | {roc_auc(labels, scores):.3f} | {low:.3f} to {high:.3f} | {gains(labels, scores, 0.3):.2f} | {difference} |"
        )
    if ours is not None:
        lines += ["", _calibration(earlier, later, ours)]
    return lines


def _calibration(earlier: pl.DataFrame, later: pl.DataFrame, told: Probabilities) -> str:
    labels = later["label"].to_numpy()
    error, band = expected_calibration_error(labels, told), calibration_band(told, RESAMPLES, SEED)
    before, now = float(earlier["label"].mean()), float(labels.mean())  # type: ignore[arg-type]
    verdict = "within the band" if error <= band else "outside the band"
    alarm = "" if error <= band else " Where it moves like that, the error is an alarm and no claim."
    in_order = earlier["label"].cast(pl.Float64)
    size = -(-len(in_order) // _FIFTHS)
    shares = [float(in_order.slice(at * size, size).mean()) for at in range(_FIFTHS)]  # type: ignore[arg-type]
    return (
        f"Expected calibration error {error:.3f}; a perfectly calibrated model of these probabilities stays below {band:.3f} in "
        f"97.5 of 100 draws: {verdict}. The share of wins went from {before:.1%} to {now:.1%}; in fifths of the earlier leads "
        f"it lay between {min(shares):.1%} and {max(shares):.1%}.{alarm}"
    )


def cross_validated(data: Rows) -> list[str]:
    """Five random folds, by leadflow and by the baselines."""
    rows = data.rows
    folds = np.random.default_rng(SEED).permutation(rows.height) % FOLDS
    labels = rows["label"].to_numpy()
    aucs: dict[str, list[float]] = {}
    for fold in range(FOLDS):
        rest, here = rows.filter(pl.Series(folds != fold)), rows.filter(pl.Series(folds == fold))
        outcome = train(rest, data.features, SETTINGS)
        ways = baselines(rest, here, data.features)
        if isinstance(outcome, TrainedModel):
            ways = {"leadflow": outcome.predict(here).to_numpy(), **ways}
        for way, scores in ways.items():
            aucs.setdefault(way, []).append(roc_auc(labels[folds == fold], scores))
    lines = ["", f"{data.name}, {FOLDS} random folds (the future is known to all of them):", ""]
    lines += ["| way | mean AUC |", "| --- | --- |"]
    return lines + [f"| {way} | {np.mean(found):.3f} |" for way, found in aucs.items()]


def shuffled(data: Rows) -> list[str]:
    """How often skill is claimed where there is none."""
    claims = []
    for seed in range(SHUFFLES):
        labels = data.rows["label"].sample(fraction=1, shuffle=True, seed=seed)
        outcome = train(data.rows.with_columns(label=labels), data.features, SETTINGS)
        claims.append(isinstance(outcome, TrainedModel))
    return [
        "",
        "## Where there is nothing to find",
        "",
        f"The outcomes of {data.name} were dealt out anew {SHUFFLES} times, and all candidates trained on each: skill was claimed "
        f"{sum(claims)} times (a 95 % interval above 0.5 comes by chance once in 40).",
    ]


def main() -> None:
    """Measure all of it and write the report."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument(
        "--simulated-leads", type=int, default=30_000, help="0 leaves the simulated company out"
    )
    given = arguments.parse_args()
    lines = [
        "# How well leads are ranked",
        "",
        "Written by `LEADFLOW_TEST_DATA=FOLDER python -m bench.quality`; leadflow and the baselines in the same run, with the same "
        "columns and rows. leadflow is what a refresh does with its default policy: six candidates compete on slices of the earlier "
        "leads, the chosen one is fitted on all of them; nothing of it was tuned on the newest fifth but once (the depth of the "
        "forest). Baselines are scikit-learn's and XGBoost's own defaults, with indicators for values seen five times or more.",
        "",
        "## Real data, the newest fifth",
    ]
    sets = list(data_sets(data_folder()))
    sections: list[Callable[[], list[str]]] = [lambda data=data: compared(data) for data in sets]  # type: ignore[misc]
    sections.append(lambda: cross_validated(sets[2]))
    sections.append(lambda: shuffled(sets[0]))
    if given.simulated_leads:
        sections.append(lambda: simulated_lines(given.simulated_leads))
    for section in sections:
        written = section()
        print("\n".join(written), flush=True)
        lines += written
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"Wrote {REPORT}")


if __name__ == "__main__":
    main()
