"""What a team would build in a notebook: the baselines of bench/quality.py.

Belongs here: scikit-learn's and XGBoost's models with their own defaults. Does not belong here: leadflow's models, and measuring.
"""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow.modelling.columns import FeatureSpec
from leadflow.modelling.evaluate import roc_auc

Probabilities = NDArray[np.float64]


def baselines(earlier: pl.DataFrame, later: pl.DataFrame, features: FeatureSpec) -> dict[str, Probabilities]:
    """What each way says of the later rows, having learned from the earlier ones; the mean of the five models is last."""
    import xgboost
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

    def design(encoder: object) -> object:
        numbers = make_pipeline(SimpleImputer(), StandardScaler())
        return make_column_transformer((numbers, features.numeric), (encoder, features.categorical))

    def indicators() -> object:
        return OneHotEncoder(handle_unknown="ignore", min_frequency=5, sparse_output=False)

    ways = {
        "logistic regression, indicators": (indicators(), LogisticRegression(max_iter=2000)),
        "logistic regression, target encoder": (
            TargetEncoder(random_state=0, target_type="binary"),
            LogisticRegression(max_iter=2000),
        ),
        "random forest of 300": (indicators(), RandomForestClassifier(300, random_state=0)),
        "histogram boosting": (indicators(), HistGradientBoostingClassifier(random_state=0)),
        "XGBoost": (indicators(), xgboost.XGBClassifier(n_jobs=1, random_state=0)),
    }
    known, asked = (_frame(rows, features) for rows in (earlier, later))
    labels = earlier["label"].to_numpy()
    told = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that the earlier rows did not have
        for way, (encoder, model) in ways.items():
            told[way] = make_pipeline(design(encoder), model).fit(known, labels).predict_proba(asked)[:, 1]
    told["mean of these five"] = np.mean(list(told.values()), axis=0)
    return {**_best_rate(earlier, later, features), **told}


def _best_rate(earlier: pl.DataFrame, later: pl.DataFrame, features: FeatureSpec) -> dict[str, Probabilities]:
    """The smoothed win rate of the one category that ranks the earlier rows best, in sample."""
    found: list[tuple[float, str, Probabilities]] = []
    mean = float(earlier["label"].mean())  # type: ignore[arg-type]
    for name in features.categorical:
        rates = earlier.group_by(name).agg(rate=(pl.col("label").sum() + 20 * mean) / (pl.len() + 20))
        own, told = (
            rows.select(name)
            .join(rates, on=name, how="left", nulls_equal=True, maintain_order="left")["rate"]
            .fill_null(mean)
            for rows in (earlier, later)
        )
        found.append((roc_auc(earlier["label"].to_numpy(), own.to_numpy()), name, told.to_numpy()))
    if not found:
        return {}
    return {"win rate by the best category alone": max(found, key=lambda one: (one[0], one[1]))[2]}


def _frame(rows: pl.DataFrame, features: FeatureSpec) -> object:
    frame = rows.select(
        *(pl.col(name).cast(pl.Float64) for name in features.numeric),
        *(pl.col(name).fill_null("none") for name in features.categorical),
    )
    return frame.to_pandas()
