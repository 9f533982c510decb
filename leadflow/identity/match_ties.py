"""How the records of a block are tied: those of one name to one another, and names that agree to each other.

Belongs here: what names and time say within blocks. Does not belong here: which records are in a block (match_blocks.py), what
else speaks against a pair (match_conflicts.py), pairs as they are told (match_rules.py).
"""

from __future__ import annotations

import polars as pl

from leadflow.identity.match_names import LEVEL, name_levels
from leadflow.matching_policy import PERSON_LEVELS_OF, MatchRule

FOUND: dict[str, pl.DataType] = {
    "block": pl.Int64(),
    "rank": pl.UInt32(),
    "other_rank": pl.UInt32(),
    "level": LEVEL,
}
"""A pair of records of a block by their ranks, their places in the order of becoming known, and how their names compare (null
where one has none or names do not matter)."""

LETS_NONE_PASS = ("alike_or_none", "not_different")
"""Settings of `person` that let a missing name pass."""


def of_one_name(members: pl.DataFrame, rule: MatchRule) -> pl.DataFrame:
    """`FOUND` between records of equal name: to the first known, or within the window to the one before.

    Args:
        members: block, rank, name, is_full, first_word, occurred_at and, where person is a key of the rule, word.
        rule: its keys and window.
    """
    named = members.filter(pl.col("name").is_not_null())
    if "person" in rule.keys:  # found by each word of the name, and told by its first
        named = named.filter(pl.col("is_full") & (pl.col("word") == pl.col("first_word")))
    level = pl.lit(None if rule.person == "any" else "exact", dtype=LEVEL)
    if rule.window_days is None:
        first = pl.col("rank").min().over("block", "name")
        return named.select("block", "rank", other_rank=first, level=level).filter(
            pl.col("rank") != pl.col("other_rank")
        )
    return _chained(named, ["block", "name"], rule.window_days).select(
        "block", "rank", "other_rank", level=level
    )


def between_names(members: pl.DataFrame, records: pl.DataFrame, rule: MatchRule) -> pl.DataFrame:
    """`FOUND` of names that agree: their first known records, or within the window those next to each other in time.

    Args:
        members: as of `of_one_name`, of blocks that not too many names share.
        records: name, is_han, person_key, given_name, family_name of all records.
        rule: how names must compare, and its window.

    Records without a name are tied to one another here, too.
    """
    ties = _ties(_named_groups(members), records, rule)
    nameless = members.filter(pl.col("name").is_null()).with_columns(pl.lit(None, LEVEL).alias("level"))
    if rule.person not in LETS_NONE_PASS:
        nameless = nameless.clear()
    if rule.window_days is None:
        first = pl.col("rank").min().over("block")
        among = nameless.select("block", "rank", first.alias("other_rank"), "level").filter(
            pl.col("rank") != pl.col("other_rank")
        )
        return pl.concat([ties.select("block", rank="first", other_rank="other_first", level="level"), among])
    among = _chained(nameless, ["block"], rule.window_days).select("block", "rank", "other_rank", "level")
    numbered = ties.with_row_index("tie")
    sides = [
        numbered.select("tie", "block", "level", name=side).join(
            members.select("block", "name", "rank", "occurred_at"), on=["block", "name"], nulls_equal=True
        )
        for side in ("name", "other_name")
    ]
    both = _chained(pl.concat(sides), ["tie"], rule.window_days)
    meet = both.filter(pl.col("name").ne_missing(pl.col("other_name")))
    return pl.concat([meet.select("block", "rank", "other_rank", "level"), among])


def _chained(members: pl.DataFrame, within: list[str], window_days: int) -> pl.DataFrame:
    """The members with other_rank and other_name, those of the member before in time, where it is within the window."""
    ordered = members.sort(*within, "occurred_at", "rank")
    return ordered.with_columns(
        other_rank=pl.col("rank").shift(1).over(within),
        other_name=pl.col("name").shift(1).over(within),
        gap=pl.col("occurred_at") - pl.col("occurred_at").shift(1).over(within),
    ).filter(pl.col("gap") <= pl.duration(days=window_days))


def _named_groups(members: pl.DataFrame) -> pl.DataFrame:
    """One row per block and name, or none: first (the rank of the first known) and is_full."""
    return members.group_by("block", "name").agg(
        pl.col("rank").min().alias("first"), pl.col("is_full").first()
    )


def _ties(groups: pl.DataFrame, records: pl.DataFrame, rule: MatchRule) -> pl.DataFrame:
    """block, name, other_name (null for none), first, other_first, level: the names of a block that agree.

    A name that is only part of one, or none, goes with the first known that it fits: with all of them it would tie people
    together whose own names differ.
    """
    named = groups.filter(pl.col("name").is_not_null())
    pairs = named.join(named, on="block", how="inner", suffix="_other").filter(
        pl.col("name") < pl.col("name_other")
    )
    columns = ["block", "name", "other_name", "first", "other_first", "level"]
    pairs = pairs.rename({"name_other": "other_name", "first_other": "other_first"})
    if "person" in rule.keys:
        pairs = _worth_comparing(pairs, records)
    pairs = pairs.with_columns(name_levels(pairs.select("name", "other_name"), records))
    agrees = pl.col("level").cast(pl.String).is_in(sorted(PERSON_LEVELS_OF[rule.person]))
    both_full = pl.col("is_full") & pl.col("is_full_other")
    if "person" in rule.keys or rule.person == "same":  # part of a name and a company are no evidence
        return pairs.filter(agrees & both_full).select(columns)
    is_part = (pl.col("is_full") | pl.col("is_full_other")) & ~both_full
    part_agrees = pl.col("level") != "different"
    wholes = pairs.filter(~is_part & agrees).select(columns)
    parts = (
        pairs.filter(is_part & part_agrees)
        .with_columns(
            part=pl.when("is_full").then("other_name").otherwise("name"),
            whole_first=pl.when("is_full").then("first").otherwise("other_first"),
        )
        .sort("block", "part", "whole_first")
        .unique(["block", "part"], keep="first", maintain_order=True)
        .select(columns)
    )
    if rule.person not in LETS_NONE_PASS:
        return pl.concat([wholes, parts])
    earliest = named.sort("block", "first").unique("block", keep="first", maintain_order=True)
    nameless = (
        groups.filter(pl.col("name").is_null())
        .join(earliest, on="block", how="inner", suffix="_other")
        .select(
            "block", "name", pl.col("name_other").alias("other_name"), "first",
            pl.col("first_other").alias("other_first"), pl.lit(None, LEVEL).alias("level"),
        )
    )  # fmt: skip
    return pl.concat([wholes, parts, nameless])


def _worth_comparing(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """The pairs of names found by a word, less those that can be told without comparing.

    Two Chinese names are alike only where they sound the same, and then they have one key; most that share a syllable do not.
    """
    keys = records.unique("name").select("name", "is_han", "person_key")
    both_han = pl.col("is_han") & pl.col("is_han_other")
    return (
        pairs.join(keys, on="name", how="left")
        .join(keys, left_on="other_name", right_on="name", how="left", suffix="_other")
        .filter(~both_han | (pl.col("person_key") == pl.col("person_key_other")))
        .drop("is_han", "is_han_other", "person_key", "person_key_other")
    )
