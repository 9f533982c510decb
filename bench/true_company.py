"""The scores of a simulated company against its true probabilities.

Belongs here: how much of what can be known of its leads is known. Does not belong here: real data (quality.py), who is whom
(simulated.py).

The company is simulated and refreshed by the real command; then the examples of that refresh are trained on once more, so that
the newest leads' scores by the model that had not learned from them can be held against the truth.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from bench.measure import measure
from leadflow.modelling.attributes import declared_types, feature_spec, with_attributes
from leadflow.modelling.evaluate import gains, roc_auc
from leadflow.policy import Policy
from leadflow.quality.contracts import load_contracts
from leadflow.scoring.model import Fallback
from leadflow.scoring.rules import score_examples
from leadflow.scoring.training import train_measured
from leadflow.settings import load_settings

LEADFLOW = [sys.executable, "-c", "from leadflow.cli import main; main()"]
SEED = 31
SHARES = (0.1, 0.2, 0.3)

_TRUE = """
    select map.lead_id, max(truth.true_conversion_probability) as true_probability
    from identity.identity_map as map
    join read_parquet('{truth}') as truth on map.record_key = 'mql:' || truth.mql_id
    where map.known_to is null
    group by map.lead_id
"""


def newest_leads(home: Path, company: Path) -> tuple[pl.DataFrame, str]:
    """The newest examples with label, challenger, score and true_probability; and the chosen candidate."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        examples = connection.sql("select * from features.training_examples").pl()
        activity = connection.sql("select * from features.training_rule_activity").pl()
        attributes = connection.sql("select attribute, value_type from staging.stg_attributes").pl()
        true = connection.sql(_TRUE.format(truth=company / "truth.parquet")).pl()
        left_out = [
            name
            for (name,) in connection.sql(
                "select distinct feature from features.leakage_report where is_kept_from_models"
            ).fetchall()
        ]
    policy = Policy()
    examples = with_attributes(examples, declared_types(attributes))
    examples = examples.with_columns(rule_score=score_examples(examples, policy, activity))
    roles = load_contracts(load_settings(home=home).sql_dir)["features.lead_features"].feature_roles
    outcome, newest = train_measured(
        examples, feature_spec(roles, examples, left_out), policy.training, policy.blend
    )
    if isinstance(outcome, Fallback) or newest is None:
        raise RuntimeError(f"the simulated company gave no model: {outcome}")
    chosen = next(one.name for one in outcome.evaluation.candidates if one.is_chosen)
    rows = newest.join(
        examples.select("lead_id", "as_of", "rule_score", "lead_age_days"),
        on=["lead_id", "as_of"],
        how="left",
    )
    return rows.join(true, on="lead_id", how="inner"), chosen


def simulated_lines(leads: int) -> list[str]:
    """The section of docs/model_quality.md."""
    with tempfile.TemporaryDirectory(prefix="leadflow-truth-") as folder:
        company, home = Path(folder) / "company", Path(folder) / "home"
        home.mkdir()
        measure([*LEADFLOW, "simulate", "--leads", str(leads), "--seed", str(SEED), "--out", str(company)])
        environment = {"LEADFLOW_HOME": str(home)}
        measure([*LEADFLOW, "run", "--sources", str(company / "sources.yaml")], environment)
        rows, chosen = newest_leads(home, company)
    labels = rows["label"].to_numpy()
    ways = {
        f"model ({chosen})": "challenger",
        "score, mixed of model and rules": "score",
        "rules": "rule_score",
        "true probabilities": "true_probability",
    }
    best = roc_auc(labels, rows["true_probability"].to_numpy())
    lines = [
        "",
        "## A simulated company, against the truth",
        "",
        f"{leads:,} submissions, seed {SEED}; {rows.height:,} newest examples of {rows['lead_id'].n_unique():,} leads, "
        f"{labels.mean():.1%} won. The truth is the probability that each person's outcome was drawn with. It knows what nobody "
        "sees, and does not know what sales sees later: at a later moment the features may tell more than it does.",
        "",
        "| way | AUC | share of (true AUC - 0.5) | "
        + " | ".join(f"wins in the top {share:.0%}" for share in SHARES)
        + " |",
        "| --- | --- | --- | " + " | ".join("---" for _ in SHARES) + " |",
    ]
    for way, column in ways.items():
        scores = rows[column].cast(pl.Float64).to_numpy()
        auc = roc_auc(labels, scores)
        held = " | ".join(f"{gains(labels, scores, share):.2f}" for share in SHARES)
        lines.append(f"| {way} | {auc:.3f} | {(auc - 0.5) / (best - 0.5):.0%} | {held} |")
    lines += ["", *_achieved(rows), "", *_by_moment(rows)]
    return lines


def _achieved(rows: pl.DataFrame) -> list[str]:
    """Of the wins that the truth finds beyond chance, how many the score finds."""
    labels = rows["label"].to_numpy()
    told = []
    for share in SHARES:
        ours, best = (
            gains(labels, rows[name].to_numpy(), share) - share for name in ("score", "true_probability")
        )
        told.append(f"{ours / best:.0%} in the top {share:.0%}")
    return [
        f"Of the gain over calling at random that the truth would bring, the score brings {', '.join(told)}."
    ]


def _by_moment(rows: pl.DataFrame) -> list[str]:
    lines = [
        "| days since the lead came in | examples | won | AUC of the model | AUC of the truth |",
        "| --- | --- | --- | --- | --- |",
    ]
    for days in sorted(rows["lead_age_days"].drop_nulls().unique().to_list()):
        here = rows.filter(pl.col("lead_age_days") == days)
        labels = here["label"].to_numpy()
        if here.height < 200 or not labels.any() or labels.all():
            continue
        model, true = (roc_auc(labels, np.asarray(here[name])) for name in ("challenger", "true_probability"))
        lines.append(f"| {days} | {here.height:,} | {labels.mean():.1%} | {model:.3f} | {true:.3f} |")
    return lines
