"""Blocks: the records that share a key of a rule, among which alone the rule looks for pairs.

Belongs here: keys, blocks, which blocks a change touches, which keys are shared by too many. Does not belong here: the pairs
within a block (match_rules.py).
"""

from __future__ import annotations

import polars as pl

from leadflow.identity.match_names import name_numbers
from leadflow.matching_policy import Matching, MatchKey, MatchRule

SHARED_COLUMNS: dict[str, pl.DataType] = {
    "rule": pl.String(),
    "block": pl.Int64(),
    "names": pl.Int64(),
    "records": pl.Int64(),
}

_BLOCK_SEED = 20240502
_SEPARATOR = "\x1f"  # no key holds it: texts are tidied before


def rule_keys(index: pl.DataFrame, rule: MatchRule) -> pl.DataFrame:
    """Which records a rule finds by which keys.

    Args:
        index: `match_index.INDEX_COLUMNS`.
        rule: its keys.

    Returns row (UInt32, the place in the index), block (Int64, a hash of the rule's name and the keys' values; two keys that
    share one would only be looked at together, and still need names that agree) and, where person is among the keys, word:
    the word of the name that it is about. A record has several rows where it has several phones or words, and none where a
    key is missing.
    """
    has_person = "person" in rule.keys
    keyed = index.lazy().select(
        row=pl.int_range(pl.len(), dtype=pl.UInt32),
        **{f"key_{key}": _key(key) for key in rule.keys},
    )
    for key in rule.keys:
        keyed = keyed.filter(pl.col(f"key_{key}").is_not_null())
    for key in ("phone", "person"):
        if key in rule.keys:
            keyed = keyed.explode(f"key_{key}").unique() if key == "phone" else keyed.explode(f"key_{key}")
            keyed = keyed.filter(pl.col(f"key_{key}").is_not_null())
    parts = [f"key_{key}" for key in sorted(rule.keys)]
    text = pl.concat_str(pl.lit(rule.name), *parts, separator=_SEPARATOR)
    block = text.hash(seed=_BLOCK_SEED).reinterpret(signed=True)
    word = {"word": pl.col("key_person")} if has_person else {}
    return keyed.select("row", block=block, **word).collect()


def _key(key: MatchKey) -> pl.Expr:
    """The values of a key: text, or a list of texts for phone and person; null where there is none."""
    match key:
        case "mql_id":
            is_form = pl.col("record_key").str.starts_with("mql:")
            return pl.coalesce("mql_key", pl.when(is_form).then("record_key"))
        case "email":
            return _present(pl.when(~pl.col("is_role_mail")).then("mailbox"))
        case "phone":
            return pl.col("phones")
        case "wechat_id":
            return _present(pl.col("wechat_id"))
        case "company":
            return _present(pl.col("company_core_key"))
        case "domain":
            return _present(pl.col("own_domain"))
        case "person":
            return pl.col("person_key").str.split(" ").list.unique()


def _present(text: pl.Expr) -> pl.Expr:
    return pl.when(text != "").then(text)


def touched_blocks(
    index_before: pl.DataFrame, index_now: pl.DataFrame, touched: pl.Series, matching: Matching
) -> pl.DataFrame:
    """rule and block of every block that a changed record was in or is in now.

    Args:
        index_before, index_now: `match_index.INDEX_COLUMNS`, made with the same policy.
        touched: record_key of records added, changed and removed (`Changes.touched`).
    """
    records = touched.unique().to_frame("record_key")
    parts = [index.join(records, on="record_key", how="semi") for index in (index_before, index_now)]
    blocks = [
        rule_keys(part, rule).select(pl.lit(rule.name).alias("rule"), "block")
        for part in parts
        for rule in matching.active_rules
    ]
    schema = {"rule": pl.String(), "block": pl.Int64()}
    return pl.concat([pl.DataFrame(schema=schema), *blocks]).unique()


def shared_keys(index: pl.DataFrame, matching: Matching) -> pl.DataFrame:
    """Keys that more than `max_names_per_key` distinct names go by, of the rules of a single key.

    Returns `SHARED_COLUMNS` (rule, block, distinct names, records), most records first.
    """
    counted = [_shared(index, rule, matching) for rule in matching.active_rules if rule.is_single_key]
    return pl.concat([pl.DataFrame(schema=SHARED_COLUMNS), *counted]).sort(
        "records", "rule", "block", descending=[True, False, False]
    )


def _shared(index: pl.DataFrame, rule: MatchRule, matching: Matching) -> pl.DataFrame:
    """`SHARED_COLUMNS` of one rule; names are looked up only where there are records enough."""
    keys = rule_keys(index, rule)
    large = keys.group_by("block").agg(records=pl.len().cast(pl.Int64))
    keys = keys.join(large.filter(pl.col("records") > matching.max_names_per_key), on="block", how="inner")
    named = pl.concat([keys, name_numbers(index[keys["row"]]).select("name")], how="horizontal")
    return (
        named.group_by("block")
        .agg(names=pl.col("name").drop_nulls().n_unique().cast(pl.Int64), records=pl.col("records").first())
        .filter(pl.col("names") > matching.max_names_per_key)
        .select(pl.lit(rule.name).alias("rule"), "block", "names", "records")
    )
