"""The models that a backtest scores by: learned from nothing but what was known before the period.

Belongs here: which examples may be learned from, and refusing a model that has seen the period. Does not belong here:
training itself (model.py), reading the examples (the command backtest).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import polars as pl

from leadflow.errors import LeadflowError
from leadflow.modelling.attributes import feature_spec, with_attributes
from leadflow.modelling.splits import settled
from leadflow.policy import Policy
from leadflow.scoring.model import Fallback, TrainedModel
from leadflow.scoring.rules import score_examples
from leadflow.scoring.training import reference_quantiles, train


def trained_before(
    examples: pl.DataFrame,
    activity: pl.DataFrame | None,
    policies: Sequence[Policy],
    roles: Mapping[str, str | None],
    declared: Mapping[str, str],
    left_out: Collection[str],
) -> list[TrainedModel | Fallback]:
    """A model for each policy; where policies train alike it is fitted once, and only its rule scale is each one's own.

    Args:
        examples: rows of features.training_examples whose label was settled before the period.
        activity: what the leads of the examples did by day until the moment of each: lead_id, as_of, measure, days_ago,
            occurrences; at least of the measures that rules of the policies count. None where none does.
        roles: 'numeric', 'categorical' or None by feature.
        left_out: features that no model may use.
    """
    wide = with_attributes(examples, declared)
    spec = feature_spec(roles, wide, left_out)
    trained: dict[str, TrainedModel | Fallback] = {}
    models: list[TrainedModel | Fallback] = []
    for policy in policies:
        if not policy.training.is_enabled:
            models.append(Fallback("training is switched off in the policy (training.is_enabled)"))
            continue
        scores = score_examples(wide, policy, activity)
        settings = policy.training.model_dump_json()
        if settings not in trained:
            trained[settings] = train(
                wide.with_columns(rule_score=scores), spec, policy.training, policy.blend
            )
        models.append(_with_rule_scale(trained[settings], wide, scores, policy))
    return models


def refuse_seen(model: TrainedModel, start: datetime) -> None:
    """Refuse a model that has learned from outcomes of the period.

    Raises:
        LeadflowError: a label that it learned from was settled after the period began.
    """
    settled = model.label_settled_at
    if settled > start:
        raise LeadflowError(
            f"the model {model.version} has learned from outcomes until {settled} UTC, and the period begins at {start} UTC: "
            "it would be measured on what it was told",
            "take --model train, a model that was trained before, or a later --from",
        )


def _with_rule_scale(
    model: TrainedModel | Fallback, examples: pl.DataFrame, scores: pl.Series, policy: Policy
) -> TrainedModel | Fallback:
    """The model with the rule scores of a policy as the reference of the rules' 0-100 scale."""
    if isinstance(model, Fallback) or model.rule_quantiles is None:
        return model
    learned = settled(examples.with_columns(rule_score=scores), policy.training)
    return replace(model, rule_quantiles=reference_quantiles(learned["rule_score"].to_numpy()))
