"""Training and scoring against the usual notebook: `python -m bench.training make|leadflow|notebook FILE [ROWS]`.

Belongs here: a file of made-up leads, what leadflow makes of it, and what a notebook does: pandas, one column for each value
of a category, a random forest of 100 trees. Each is a process of its own, so that peaks of memory are not mixed. Both read the
file, learn from the earlier four fifths, rank the newest fifth, and give every lead a probability. Does not belong here: how
well real leads are ranked (quality.py). Prints a JSON object.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.measure import measure

NUMBERS = [f"number_{at}" for at in range(14)]
CATEGORIES = {"channel": 8, "country": 40, "industry": 20, "campaign": 300, "seniority": 4, "source": 12}
"""Values of each categorical column."""
TREES = 100
TEST_SHARE = 0.2


def make(file: Path, rows: int) -> None:
    """Leads in the order of time; wins follow some of the columns by a logistic curve, at a rate of a tenth or so."""
    import numpy as np
    import polars as pl

    generator = np.random.default_rng(11)
    columns: dict[str, Any] = {}
    log_odds = np.full(rows, -2.9)
    for at, name in enumerate(NUMBERS):
        values = generator.poisson(1 + at % 5, rows).astype(np.float64)
        columns[name] = np.where(generator.random(rows) < 0.05, np.nan, values)
        log_odds += 0.25 * (at % 3) * (np.log1p(values) - np.log1p(1 + at % 5))
    for name, count in CATEGORIES.items():
        codes = (generator.random(rows) ** 2 * count).astype(np.int64)
        log_odds += generator.normal(0, 0.5, count)[codes]
        columns[name] = np.char.add(f"{name} ", codes.astype(str))
    won = generator.random(rows) < 1 / (1 + np.exp(-log_odds))
    days = np.sort(generator.integers(0, 730 * 86400, rows))
    frame = pl.DataFrame(columns).with_columns(pl.col(NUMBERS).fill_nan(None), label=pl.Series(won))
    frame.with_columns(
        lead_id=pl.format("L{}", pl.int_range(pl.len())),
        as_of=pl.datetime(2024, 1, 1) + pl.duration(seconds=pl.Series(days)),
    ).write_parquet(file)


def by_leadflow(file: Path) -> dict[str, Any]:
    """leadflow's training with the default policy, and the model's probability for every lead."""
    import polars as pl

    from leadflow.modelling.columns import FeatureSpec
    from leadflow.policy import Training
    from leadflow.scoring.model import TrainedModel
    from leadflow.scoring.training import train

    rows = pl.read_parquet(file)
    outcome = train(rows, FeatureSpec(NUMBERS, list(CATEGORIES)), Training())
    assert isinstance(outcome, TrainedModel), outcome
    told = outcome.predict(rows)
    chosen = next(one.name for one in outcome.evaluation.candidates if one.is_chosen)
    return {"auc": outcome.evaluation.auc, "scored": told.len(), "model": chosen}


def by_notebook(file: Path) -> dict[str, Any]:
    """What many a notebook does."""
    import pandas as pd
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score

    rows = pd.read_parquet(file).sort_values("as_of")
    design = pd.get_dummies(rows[[*NUMBERS, *CATEGORIES]], columns=list(CATEGORIES))
    design[NUMBERS] = design[NUMBERS].fillna(design[NUMBERS].median())
    cut = len(rows) - round(len(rows) * TEST_SHARE)
    forest = RandomForestClassifier(TREES, n_jobs=-1, random_state=0)
    forest.fit(design[:cut], rows["label"][:cut])
    told = forest.predict_proba(design)[:, 1]
    return {"auc": float(roc_auc_score(rows["label"][cut:], told[cut:])), "scored": len(told)}


def training_case(rows: int, runs: int) -> Iterator[dict[str, Any]]:
    """Both ways, in turns, on one made-up file."""
    measured: dict[str, list[dict[str, Any]]] = {"leadflow": [], "notebook": []}
    with tempfile.TemporaryDirectory(prefix="leadflow-training-") as folder:
        file = Path(folder) / "leads.parquet"
        make(file, rows)
        for _ in range(runs):
            for way, kept in measured.items():
                run = measure([sys.executable, "-m", "bench.training", way, str(file)])
                numbers = {name: value for name, value in asdict(run).items() if name != "output"}
                kept.append({**numbers, **json.loads(run.output.splitlines()[-1])})
            yield {"training_rows": rows, **measured}


def main() -> None:
    """One of the three."""
    step, file = sys.argv[1], Path(sys.argv[2])
    if step == "make":
        make(file, int(sys.argv[3]))
    else:
        print(json.dumps({"leadflow": by_leadflow, "notebook": by_notebook}[step](file)))


if __name__ == "__main__":
    main()
