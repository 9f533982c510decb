"""The registry of features as Markdown: what each means, over which window, and what makes it known.

Belongs here: turning the feature columns of a contract into a page, and what is wrong with how one is declared. Does not
belong here: the features themselves (dbt_like_sql/macros/features*.sql) and their columns (features/schema.yml).
"""

from __future__ import annotations

from collections.abc import Mapping

from leadflow.quality.contract.tables import Column, Table
from leadflow.quality.pages.dictionary import Dictionary, by_table

FEATURES = "features.lead_features"
"""The table whose contract declares every feature; training examples have the same columns."""

KNOWN: Mapping[str, str] = {
    "records": "a lead record counts once it and its membership in the lead are known",
    "crm": "what the CRM says of a lead counts once that version of the CRM lead and its membership are known",
    "events": "an event counts once it has happened, is known, and it is known whose it is, and until it is found to be a "
    "robot's or an outlier",
    "firmographics": "the word on each field of the account that was in force at the moment; one that policy.yaml declares "
    "backdated counts from the beginning",
    "account": "sums over the leads of an account look at what was known when the as_of day began",
    "contracts": "the version of a contract that was in force at the moment",
}
"""What `known` of a feature may say, and what that means."""

ROLES = ("numeric", "categorical")


def registry_problems(table: Table) -> list[str]:
    """What is wrong with how features are declared, one sentence each; nothing where all is well."""
    problems = []
    for column in features_of(table):
        role, known, window = (column.meta.get(key) for key in ("feature", "known", "window"))
        if role not in ROLES:
            problems.append(f"{column.name}: feature is {role!r}; say one of {', '.join(ROLES)}")
        if known not in KNOWN:
            problems.append(f"{column.name}: known is {known!r}; say one of {', '.join(KNOWN)}")
        if role == "numeric" and column.data_type != "boolean" and not column.meta.get("unit"):
            problems.append(f"{column.name}: a number needs its unit")
        days = column.name.rsplit("_", 1)[-1]
        if days.endswith("d") and days[:-1].isdigit() and window != f"{days[:-1]} days":
            problems.append(f"{column.name}: window is {window!r}; say '{days[:-1]} days'")
    return problems


def features_of(table: Table) -> list[Column]:
    """The columns that a model may learn from, in order of the contract."""
    return [column for column in table.columns if "feature" in column.meta]


def feature_page(dictionary: Dictionary) -> str:
    """The registry as Markdown."""
    (entry,) = (one for one in dictionary.tables if one.name == FEATURES)
    origins = {column.column.name: column.origin for column in entry.columns}
    features = features_of(entry.table)
    parts = [
        "# Features",
        "",
        f"The {len(features)} features that models learn from, made from the contract of `{FEATURES}` by `make docs`. "
        "Scoring, training, backtests and explanations compute them by one macro, `features(spine)` in "
        "`dbt_like_sql/macros/features.sql`, for any lead at any moment, from what was known at that moment. "
        "A window of n days is the last n whole UTC days and the as_of day so far; a feature without one looks at all "
        "that was ever known. Declared attributes of a company's own are features beside these.",
        "",
        "## What makes a feature known",
        "",
        *(f"- **{name}**: {meaning}." for name, meaning in KNOWN.items()),
        "",
        "## The features",
        "",
        "| feature | meaning | type | unit | window | known | made from |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for column in features:
        origin = origins[column.name]
        tables = sorted({*by_table(origin.columns), *origin.tables})
        kind = "category" if column.meta["feature"] == "categorical" else column.data_type
        parts.append(
            f"| {column.name} | {column.description} | {kind} | {column.meta.get('unit', '')} | "
            f"{column.meta.get('window', '')} | {column.meta.get('known', '')} | {', '.join(tables)} |"
        )
    return "\n".join(parts) + "\n"
