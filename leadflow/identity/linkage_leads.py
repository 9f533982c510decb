"""The probabilistic layer over lead records: how two are compared, and the pairs a frozen model finds.

Belongs here: comparisons of lead records, and their pairs as identity.match_pairs has them. Does not belong here: which records
are compared (linkage_heads.py), rules (match_rules.py), scoring as such (linkage.py), training (linkage_lead_training.py).

Whether two heads make a pair, and how it weighs, depends on these two heads and the model alone. So pairs of changed heads, put in
place of their former ones, give what a run over all heads gives.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from leadflow.identity.linkage import (
    LinkageModel,
    candidate_pairs_sql,
    level_weights,
    model_from_json,
    score_pairs,
)
from leadflow.identity.linkage_comparisons import Comparison, alike, comparison, either_null, equal, slips
from leadflow.identity.linkage_fields import Field
from leadflow.identity.linkage_heads import COMPARED, KEYS

if TYPE_CHECKING:
    import polars as pl
    from duckdb import DuckDBPyConnection


def lead_fields() -> tuple[Field, ...]:
    """What the model compares of a lead record."""
    return (
        Field("full_name", "given_name", "name"),
        Field("mailbox", "email", "mailbox"),
        Field("phones", "phone", "phone"),
        Field("wechat_id", "number", "wechat"),
        Field("company_name", "company", "company"),
        Field("country", "country", "country"),
    )


def lead_comparisons() -> tuple[Comparison, ...]:
    """How two heads are compared.

    Mail domain and company name are one comparison, since one follows from the other. What stands before the @ is evidence of its own
    only where it is not made of the name: two people named Anna Sharma are anna.sharma at two providers.
    """
    same_family = equal("family")
    given = "(" + equal("given") + " or coalesce(list_has_any(formals_l, formals_r), false))"
    name = comparison("name", either_null("person_key"), [
        ("same", equal("person_key")),
        ("nickname", f"{same_family} and {given}"),
        ("initial", f"{same_family} and {equal('initial')} and least(length(given_l), length(given_r)) = 1"),
        ("one or two slips", f"({same_family} and ({slips('given', 2, 4)})) or ({given} and ({slips('family', 2, 4)}))"),
        ("spelt otherwise", alike("person_key", 0.93)),
        ("same family name", same_family),
        ("same given name", given),
    ])  # fmt: skip
    company = comparison("company", "(company_l is null or company_r is null) and (own_domain_l is null or own_domain_r is null)", [
        ("same mail domain, not the same mailbox", f"{equal('own_domain')} and mailbox_l is distinct from mailbox_r"),
        ("same name and mail domain", f"{equal('company')} and {equal('own_domain')}"),
        ("same mail domain", equal("own_domain")),
        ("same name", equal("company")),
        ("mail domain spelt otherwise", slips("own_domain", 2, 8)),
        ("name spelt otherwise", f"({slips('company', 2, 6)}) or ({alike('company', 0.92)})"),
    ])  # fmt: skip
    # A phone is often a company's: that colleagues share it, under names of their own, says nothing of a person.
    strangers = (
        "person_key_l is not null and person_key_r is not null and not coalesce(family_l = family_r, false) "
        f"and not coalesce({given}, false) and not coalesce({alike('person_key', 0.88)}, false)"
    )
    return (
        name,
        comparison("mailbox", either_null("mailbox"), [
            ("same", equal("mailbox")),
            ("same before the @, mail domain spelt otherwise", f"{equal('local')} and {slips('mail_domain', 2, 8)}"),
            ("same before the @, and not made of the name", equal("own_local")),
        ]),
        comparison("phone", f"{either_null('phone')} or (list_has_any(phones_l, phones_r) and {strangers})", [
            ("same", "list_has_any(phones_l, phones_r)"),
        ]),
        comparison("wechat", either_null("wechat_id"), [("same", equal("wechat_id"))]),
        company,
        comparison("country", either_null("country"), [("same", equal("country"))]),
    )  # fmt: skip


def candidate_heads(
    connection: DuckDBPyConnection, new_heads: pl.DataFrame, all_heads: pl.DataFrame, model: LinkageModel
) -> pl.DataFrame:
    """unique_id_l < unique_id_r of every pair of a new head and any head that share a key of the model; each pair once."""
    import polars as pl

    keys = sorted({key for entry in model.blocking for key in entry})
    # Numbers in the place of ids, in the same order: pairs are many times the heads.
    numbered = all_heads.select(pl.col("unique_id"), *keys).sort("unique_id").with_row_index("number")
    new = numbered.join(new_heads.select("unique_id"), on="unique_id", how="semi")
    frames = {"new": new} if new.height == numbered.height else {"new": new, "all": numbered}
    tables = {name: f"__leadflow_linkage_{name}" for name in frames}
    try:
        for name, frame in frames.items():
            told = frame.select(*keys, unique_id="number").to_arrow()
            connection.register("__leadflow_linkage_frame", told)
            connection.execute(
                f"create or replace temp table {tables[name]} as select * from __leadflow_linkage_frame"
            )
            connection.unregister("__leadflow_linkage_frame")
        sql = candidate_pairs_sql(model.blocking, tables["new"], tables.get("all"))
        found: pl.DataFrame = connection.sql(f"select join_key_l, join_key_r from ({sql})").pl()
    finally:
        for table in tables.values():
            connection.execute(f"drop table if exists {table}")
    ids = numbered["unique_id"]
    return found.select(
        unique_id_l=ids.gather(found["join_key_l"]), unique_id_r=ids.gather(found["join_key_r"])
    )


def model_pairs(
    connection: DuckDBPyConnection,
    new_heads: pl.DataFrame,
    all_heads: pl.DataFrame,
    model: LinkageModel,
    match_from: float,
    review_from: float,
) -> pl.DataFrame:
    """Pairs of new heads with any head that the model holds for one person, or for worth a look.

    Args:
        connection: lent; DuckDB, best one of its own in memory.
        new_heads: rows of `all_heads` to compare (`changed_heads`); all of them for a rebuild.
        all_heads: `heads_of`.
        model: `builtin_lead_model`, or one read by `model_from_json`.
        match_from: probability from which decision is 'match'.
        review_from: probability from which it is 'review'; pairs below are not returned.

    Returns the columns of `identity.match_pairs`, by record_key_1, record_key_2.
    """
    import polars as pl

    pairs = candidate_heads(connection, new_heads, all_heads, model)
    wanted = pl.concat([pairs["unique_id_l"], pairs["unique_id_r"]]).unique().to_frame("unique_id")
    heads = all_heads.join(wanted, on="unique_id", how="semi")
    least = _log_odds(review_from)
    scored = score_pairs(connection, heads.select(COMPARED), pairs, model, least)
    return _explained(scored, model, heads, match_from)


def _log_odds(probability: float) -> float:
    from math import log2

    kept = min(max(probability, 1e-12), 1 - 1e-12)
    return log2(kept / (1 - kept))


def _explained(
    scored: pl.DataFrame, model: LinkageModel, heads: pl.DataFrame, match_from: float
) -> pl.DataFrame:
    """Scored pairs with weights, reason and decision; each distinct agreement pattern is put into words once."""
    import polars as pl

    gammas = [f"gamma_{part['output_column_name']}" for part in model.comparisons]
    patterns = scored.select(gammas).unique().sort(gammas)
    told = [_told(row, model) for row in patterns.iter_rows()]
    patterns = patterns.with_columns(
        weights=pl.Series([weights for weights, _ in told], dtype=pl.String),
        reason=pl.Series([reason for _, reason in told], dtype=pl.String),
    )
    known = heads.select("unique_id", "known_at")
    return (
        scored.join(patterns, on=gammas, how="left", nulls_equal=True)
        .join(known.rename({"known_at": "known_1"}), left_on="unique_id_l", right_on="unique_id", how="left")
        .join(known.rename({"known_at": "known_2"}), left_on="unique_id_r", right_on="unique_id", how="left")
        .select(
            record_key_1="unique_id_l",
            record_key_2="unique_id_r",
            rule=pl.lit("model"),
            block=pl.lit(int(model.version, 16), dtype=pl.Int64),
            probability=pl.col("match_probability").round(6),
            weights="weights",
            reason="reason",
            decision=pl.when(pl.col("match_probability") >= match_from).then(pl.lit("match")).otherwise(pl.lit("review")),
            refused_because=pl.lit(None, dtype=pl.String),
            known_from=pl.max_horizontal("known_1", "known_2").cast(pl.Datetime("us")),
        )
        .sort("record_key_1", "record_key_2")
    )  # fmt: skip


def _told(levels: tuple[int, ...], model: LinkageModel) -> tuple[str, str]:
    """Weights as JSON (log2 Bayes factor per field) and the reason in words, the weightiest first; no value of a record."""
    weights: dict[str, float] = {}
    words: list[tuple[float, str]] = []
    for part, gamma in zip(model.comparisons, levels, strict=True):
        label, weight = level_weights(part)[gamma]
        name = part["output_column_name"]
        weights[name] = round(weight, 2)
        if gamma >= 0:
            words.append((-weight, f"{name} {label}"))
    return json.dumps(weights), "; ".join(word for _, word in sorted(words))


@lru_cache(maxsize=1)
def builtin_lead_model() -> LinkageModel:
    """The model that comes with leadflow, trained on simulated records (`linkage_lead_training`)."""
    place = "lead_records.json"
    text = (files("leadflow.identity") / "models" / place).read_text(encoding="utf-8")
    return model_from_json(text, place)


def untrained_lead_model() -> dict[str, Any]:
    """Fields, comparisons and blocking of a lead model, as arguments of `LinkageModel`."""
    return {
        "fields": lead_fields(),
        "comparisons": lead_comparisons(),
        "blocking": tuple((key,) for key in KEYS),
    }
