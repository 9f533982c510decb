"""The leakage firewall: which features tell the outcome, and why; a report with a verdict on each.

Belongs here: what is checked, in which order, and features held against each other and against time. Does not belong
here: checks of one feature's values (leakage_values.py), reading columns (leakage_columns.py), measures
(leakage_measures.py, leakage_models.py), moments (leakage_facts.py), the rows of the report (leakage_rows.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from leadflow.errors import LeadflowError
from leadflow.features.leakage_columns import CheckedColumn, as_moments, read_column
from leadflow.features.leakage_facts import LEAST_LEADS, MANY_AFTER, later_rows
from leadflow.features.leakage_measures import Alone
from leadflow.features.leakage_models import (
    model_frame,
    others_together,
    random_against_forward,
)
from leadflow.features.leakage_rows import ALL_FEATURES, Report
from leadflow.features.leakage_values import check_columns
from leadflow.leakage_policy import Leakage
from leadflow.modelling.splits import sampled_leads
from leadflow.policy import Training

CELLS = 10_000_000
"""Rows times features that each feature is measured on at most; of more, leads are drawn evenly over time."""
_LEAST_ROWS = 20_000
LEAST_FOR_VALUES = 10
"""Leads that won, and others, below which no value is held against the label."""
LEAST_FOR_RANKING = 40
"""Leads that won, and others, below which no AUC decides; fewer are rarely learned from."""
_SAME = 0.95
"""Rank correlation from which two features tell the same: neither counts among the others of the other."""


def leakage_report(
    examples: pl.DataFrame,
    features: Sequence[str],
    policy: Leakage,
    training: Training,
    *,
    label: str = "label",
    moment: str | None = "as_of",
    lead: str = "lead_id",
    moments: Sequence[str] = (),
    facts: pl.DataFrame | None = None,
    written: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Every check of every feature, with its verdict: rows of leakage_rows.REPORT_SCHEMA by feature and check.

    Args:
        examples: a row per lead and moment.
        features: columns that a model would learn from, of any type but lists and records.
        training: how a model would be fitted: test_share, smoothing, seed, threads.
        label: column that is true where won; null where the outcome is not known.
        moment: column of the moment each row looks from; None where there is none, so that nothing is said of time.
        lead: column by whose values rows belong together.
        moments: further columns of moments that must not be later than `moment`.
        facts: what `known_too_late` found.
        written: what `written_after_outcome` found.

    Raises:
        LeadflowError: a column is missing, or holds what cannot be measured.
    """
    frame = _canonical(examples, features, label, moment, lead)
    report = Report(policy, features)
    if not policy.is_enabled:
        report.not_checked("policy", "leakage.is_enabled of policy.yaml is false: nothing was looked at")
        return report.frame()
    _check_moments(report, examples, features, moments, moment)
    _check_facts(report, facts, written)
    kept = [name for name in features if not report.is_excluded(name)]
    sample = sampled_leads(frame, max(_LEAST_ROWS, CELLS // max(len(kept), 1)))
    is_known = sample["label"].is_not_null()
    rows = _rows_of(sample).filter(is_known)
    won = rows.filter("label")["lead_id"].n_unique()
    others = rows["lead_id"].n_unique() - won
    if min(won, others) < LEAST_FOR_VALUES:
        report.not_checked(
            "enough_examples",
            f"{won} leads won and {others} did not: too few to hold features against the outcome",
        )
        return report.frame()
    columns = [read_column(sample, name) for name in kept]
    measured = check_columns(report, sample, columns, policy)
    if min(won, others) < LEAST_FOR_RANKING:
        report.not_checked(
            "enough_examples",
            f"{won} leads won and {others} did not: too few to tell from how features rank leads",
        )
        return report.frame()
    known_columns = [column.take(is_known.to_numpy()) for column in columns]
    _check_against_others(report, rows, known_columns, measured, policy, training)
    if moment is not None:
        _check_gap(report, rows, known_columns, policy, training)
    return report.frame()


def _canonical(
    examples: pl.DataFrame, features: Sequence[str], label: str, moment: str | None, lead: str
) -> pl.DataFrame:
    """lead_id, label, as_of and the features, checked."""
    named = {"lead_id": lead, "label": label, **({} if moment is None else {"as_of": moment})}
    missing = [name for name in [*named.values(), *features] if name not in examples.columns]
    if missing:
        raise LeadflowError(
            f"the examples lack {', '.join(missing)}",
            "make features.training_examples anew, or name other columns",
        )
    taken = sorted(set(features) & {"lead_id", "label", "as_of", label})
    if taken:
        raise LeadflowError(
            f"{', '.join(taken)} cannot be a feature: it says which lead, when, or what came of it",
            "leave it out of the features, or give it another name",
        )
    if examples[label].dtype not in (pl.Boolean, pl.Null):
        raise LeadflowError(f"the label '{label}' is {examples[label].dtype}", "make it true, false or null")
    return examples.select(
        *(pl.col(column).alias(name) for name, column in named.items() if name != "as_of"),
        *([] if moment is None else [_moments(examples[moment], moment).alias("as_of")]),
        *features,
    ).with_columns(pl.col("label").cast(pl.Boolean))


def _moments(series: pl.Series, name: str) -> pl.Series:
    if series.dtype == pl.Null:
        return series.cast(pl.Datetime("us"))
    moments = as_moments(series)
    if moments is None:
        raise LeadflowError(f"'{name}' is {series.dtype}, no moment", "give dates or timestamps")
    return moments


def _rows_of(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(name for name in ("lead_id", "as_of", "label") if name in frame.columns)


def _check_moments(
    report: Report,
    examples: pl.DataFrame,
    features: Sequence[str],
    moments: Sequence[str],
    moment: str | None,
) -> None:
    if moment is None:
        return
    as_of = _moments(examples[moment], moment)
    for name in (*moments, *features):
        held = as_moments(examples[name]) if name in moments or not report.is_excluded(name) else None
        if held is None:
            continue
        late, filled = later_rows(held, as_of), len(held) - held.null_count()
        check = "known_by_then" if name in moments else "later_moment"
        report.add(
            name,
            check,
            value=late / filled if filled else 0.0,
            threshold=0.0,
            is_bad=late > 0,
            words=f"{late:,} of {filled:,} values are later than the moment they are used at"
            if late
            else "no value is later than the moment it is used at",
        )


def _check_facts(report: Report, facts: pl.DataFrame | None, written: pl.DataFrame | None) -> None:
    for row in () if facts is None else facts.iter_rows(named=True):
        is_late = row["late"] > 0
        words = (
            f"{row['late']:,} of {row['examples']:,} values are used before they were known"
            if is_late
            else f"{row['backdated']:,} of {row['examples']:,} values count as known earlier than they were"
            if row["backdated"]
            else "every value was known when it is used"
        )
        counted = row["late"] or row["backdated"]
        report.add(
            row["feature"],
            "known_by_then",
            value=counted / row["examples"] if row["examples"] else 0.0,
            threshold=0.0,
            is_bad=counted > 0,
            words=words,
            backdated=None
            if is_late or not row["backdated"]
            else "declared backdated by its source or in policy.yaml",
        )
    for row in () if written is None else written.iter_rows(named=True):
        share = row["after"] / row["leads"] if row["leads"] else 0.0
        report.add(
            row["feature"],
            "written_after_outcome",
            value=share,
            threshold=MANY_AFTER,
            is_bad=share >= MANY_AFTER and row["leads"] >= LEAST_LEADS,
            words=f"{row['after']:,} of {row['leads']:,} closed leads got their value when they were closed, or later",
        )


def _check_against_others(
    report: Report,
    rows: pl.DataFrame,
    columns: Sequence[CheckedColumn],
    measured: dict[str, Alone],
    policy: Leakage,
    training: Training,
) -> None:
    """One feature at a time, the strongest first; what is blocked is no longer among the others of the next."""
    by_name = {column.name: column for column in columns}
    for name, alone in sorted(measured.items(), key=lambda item: (-item[1].auc, item[0])):
        others_auc = None
        words = f"alone it ranks leads with an AUC of {alone.auc:.3f}"
        if report.is_blocked(name):
            report.not_checked("beats_all_others", f"{words}; blocked already", name, alone.auc)
            continue
        if alone.auc >= policy.auc_alone:
            twins = _tell_the_same(name, measured, policy.auc_alone)
            others = [
                column
                for other, column in by_name.items()
                if other != name and other in measured and other not in twins and not report.is_blocked(other)
            ]
            others_auc = others_together(model_frame(rows, others), others, training, at_least=alone.auc)
            words += f", all {len(others)} others together with {others_auc:.3f}"
            words += f"; {', '.join(twins)} tells the same and was left aside" if twins else ""
        report.add(
            name,
            "beats_all_others",
            value=alone.auc,
            compared_with=others_auc,
            threshold=policy.auc_alone,
            is_bad=others_auc is not None and alone.auc > others_auc,
            words=words,
        )


def _tell_the_same(name: str, measured: dict[str, Alone], at_least: float) -> list[str]:
    """Other strong features that rank leads almost as this one does, such as a copy in other units."""
    own = pl.Series(measured[name].score).rank().to_numpy()
    return [
        other
        for other, alone in measured.items()
        if other != name
        and alone.auc >= at_least
        and abs(float(np.corrcoef(own, pl.Series(alone.score).rank().to_numpy())[0, 1])) >= _SAME
    ]


def _check_gap(
    report: Report,
    rows: pl.DataFrame,
    columns: Sequence[CheckedColumn],
    policy: Leakage,
    training: Training,
) -> None:
    has_moment = rows["as_of"].is_not_null()
    passing = [column.take(has_moment.to_numpy()) for column in columns if not report.is_blocked(column.name)]
    timed = rows.filter(has_moment)
    gap = random_against_forward(model_frame(timed, passing), passing, training)
    if gap is None:
        report.not_checked(
            "random_against_forward", "there are no wins, or wins only, before or after the split"
        )
        return
    difference = gap.random - gap.forward
    report.add(
        ALL_FEATURES,
        "random_against_forward",
        value=difference,
        low=gap.low,
        high=gap.high,
        threshold=policy.gap,
        is_bad=difference >= policy.gap and gap.low > 0,
        words=(
            f"on the newest {gap.leads:,} leads a model has an AUC of {gap.random:.3f} where it learned from leads of "
            f"their time, too, and of {gap.forward:.3f} where from earlier ones alone: {difference:+.3f}, 95 % interval "
            f"{gap.low:+.3f} to {gap.high:+.3f}"
        ),
        only_warns=True,
    )
