"""The rows of the leakage report: verdicts, as the policy has them, and how the report is shown.

Belongs here: the shape of the report. Does not belong here: what is checked (leakage.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from leadflow.leakage_policy import Leakage
from leadflow.modelling.attributes import ATTRIBUTE_PREFIX

ALL_FEATURES = "(all features)"
"""Stands for the feature in rows about all of them."""
VERDICTS = ("blocked", "warn", "allowed", "excluded", "not_checked", "pass")
"""The worst first."""
REPORT_SCHEMA = pl.Schema(
    [
        ("feature", pl.String),
        ("check_name", pl.String),
        ("verdict", pl.String),
        ("value", pl.Float64),
        ("value_low", pl.Float64),
        ("value_high", pl.Float64),
        ("compared_with", pl.Float64),
        ("threshold", pl.Float64),
        ("reason", pl.String),
        ("allowed_reason", pl.String),
        ("is_kept_from_models", pl.Boolean),
        ("is_stopping", pl.Boolean),
    ]
)
_DIGITS = 6


class Report:
    """The report while it is made: each finding becomes a row with a verdict."""

    def __init__(self, policy: Leakage, features: Sequence[str]) -> None:
        """An empty report on these features; those that the policy excludes, or names in vain, are told at once."""
        self._policy = policy
        self._rows: list[dict[str, Any]] = []
        self._blocked: set[str] = set()
        self._allowed = {_resolved(entry.feature, features): entry.reason for entry in policy.allow}
        self._excluded = {_resolved(name, features) for name in policy.exclude}
        for name in sorted(self._excluded & set(features)):
            self._row(name, "policy", "excluded", "left out by leakage.exclude of policy.yaml")
        for name in policy.names():
            if _resolved(name, features) not in features:
                self._row(
                    name,
                    "policy",
                    "warn",
                    f"leakage in policy.yaml names '{name}', and no feature is called so",
                )

    def is_excluded(self, feature: str) -> bool:
        """Whether the policy takes the feature out."""
        return feature in self._excluded

    def is_blocked(self, feature: str) -> bool:
        """Whether a check blocked the feature so far."""
        return feature in self._blocked

    def add(
        self,
        feature: str,
        check: str,
        *,
        value: float,
        threshold: float | None,
        is_bad: bool,
        words: str,
        low: float | None = None,
        high: float | None = None,
        compared_with: float | None = None,
        backdated: str | None = None,
        only_warns: bool = False,
    ) -> None:
        """A finding; where it is bad it blocks, unless the policy allows the feature or it was declared backdated."""
        allowed_reason = None
        if self.is_excluded(feature):
            return
        if not is_bad:
            verdict = "pass"
        elif feature in self._allowed or backdated is not None:
            verdict, allowed_reason = "allowed", self._allowed.get(feature, backdated)
        elif only_warns:
            verdict = "warn"
        else:
            verdict = "blocked"
            self._blocked.add(feature)
            words = f"{words}. {_remedy(feature, check)}"
        numbers = {"value": value, "value_low": low, "value_high": high, "compared_with": compared_with}
        self._row(
            feature,
            check,
            verdict,
            words,
            allowed_reason=allowed_reason,
            threshold=threshold,
            is_stopping=verdict == "blocked"
            and (self._policy.on_blocked == "stop" or check == "known_by_then"),
            **{name: None if number is None else round(number, _DIGITS) for name, number in numbers.items()},
        )

    def not_checked(
        self, check: str, words: str, feature: str = ALL_FEATURES, value: float | None = None
    ) -> None:
        """Say that a check was not made, and why."""
        self._row(
            feature, check, "not_checked", words, value=None if value is None else round(value, _DIGITS)
        )

    def frame(self) -> pl.DataFrame:
        """The report, by feature and check."""
        return pl.DataFrame(self._rows, schema=REPORT_SCHEMA).sort("feature", "check_name")

    def _row(self, feature: str, check: str, verdict: str, reason: str, **more: Any) -> None:
        row = {
            "feature": feature,
            "check_name": check,
            "verdict": verdict,
            "reason": reason,
            "is_kept_from_models": verdict in ("blocked", "excluded"),
            "is_stopping": False,
        }
        self._rows.append({**dict.fromkeys(REPORT_SCHEMA), **row, **more})


def _resolved(name: str, features: Sequence[str]) -> str:
    """The feature that a name in the policy means: one that is called so, or the declared attribute."""
    return ATTRIBUTE_PREFIX + name if name not in features and ATTRIBUTE_PREFIX + name in features else name


def _remedy(feature: str, check: str) -> str:
    if check == "known_by_then":
        return "Features would look ahead: mend known_at of the source, or declare the field backdated with a reason"
    name = feature.removeprefix(ATTRIBUTE_PREFIX)
    return (
        f"If it is known before the outcome, allow '{name}' with a reason (leakage.allow in policy.yaml); "
        "else exclude it (leakage.exclude) or map it no more"
    )


def kept_from_models(report: pl.DataFrame) -> list[str]:
    """Features that no model may use: blocked or excluded; sorted."""
    return report.filter("is_kept_from_models")["feature"].unique().sort().to_list()


def worst_first(report: pl.DataFrame, rows: int | None = None) -> pl.DataFrame:
    """The report by verdict, the worst first, then by how near the value is to its threshold."""
    rank = pl.col("verdict").replace_strict(list(VERDICTS), list(range(len(VERDICTS))), return_dtype=pl.Int64)
    near = (pl.col("value") / pl.col("threshold")).fill_nan(None)
    ordered = report.sort(
        rank, near, "feature", "check_name", descending=[False, True, False, False], nulls_last=True
    )
    return ordered if rows is None else ordered.head(rows)


def as_markdown(report: pl.DataFrame, rows: int | None = None) -> str:
    """The report as a Markdown table, worst first; with a last line where rows were left out."""
    shown = worst_first(report, rows)
    lines = ["feature | check | verdict | value | threshold | reason", "--- | --- | --- | --- | --- | ---"]
    for row in shown.iter_rows(named=True):
        reason = row["reason"] + (f" (allowed: {row['allowed_reason']})" if row["allowed_reason"] else "")
        cells = [
            row["feature"],
            row["check_name"],
            row["verdict"],
            _told(row["value"]),
            _told(row["threshold"]),
            reason,
        ]
        lines.append(" | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells))
    text = "\n".join(f"| {line} |" for line in lines)
    left = report.height - shown.height
    return text if not left else f"{text}\n\n{left:,} more rows in features.leakage_report."


def _told(number: float | None) -> str:
    return "" if number is None else f"{number:.3f}"
