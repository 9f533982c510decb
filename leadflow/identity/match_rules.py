"""Pairs of lead records that the rules of the policy take for one person.

Belongs here: the pairs within each block, from nothing and after changes. Does not belong here: blocks (match_blocks.py), the
probabilistic model, clusters.

Within a block never each record is paired with each. Records of one name are tied to the first known of them, like a star; where
the rule has a window, each to the one before it in time. Names are compared each with each, but only as many as
`max_names_per_key`, and two names that agree give one pair, of the first known record of each. So a block costs what sorting it
costs, and its records are connected as if all had been compared. What a block gives depends on its own records alone: a block
without a change gives the same pairs again, which is why updating gives what a full run gives.
"""

from __future__ import annotations

import polars as pl

from leadflow.identity.match_blocks import rule_keys, touched_blocks
from leadflow.identity.match_conflicts import are_numbered_apart
from leadflow.identity.match_index import Changes
from leadflow.identity.match_names import name_levels, name_numbers
from leadflow.identity.match_ties import LETS_NONE_PASS, between_names, of_one_name
from leadflow.matching_policy import Matching, MatchRule

_TIMESTAMP = pl.Datetime("us")

PAIR_COLUMNS: dict[str, pl.DataType] = {
    "record_key_1": pl.String(),
    "record_key_2": pl.String(),
    "rule": pl.String(),
    "block": pl.Int64(),
    "probability": pl.Float64(),
    "weights": pl.String(),
    "reason": pl.String(),
    "decision": pl.String(),
    "refused_because": pl.String(),
    "known_from": _TIMESTAMP,
}

_KEY_WORDS = {
    "mql_id": "form", "email": "mailbox", "phone": "phone", "wechat_id": "WeChat id", "company": "company", "domain": "mail domain",
    "person": "",
}  # fmt: skip
_LEVEL_WORDS = {
    "exact": "same name", "same": "same name in other words", "nickname": "one name short for the other",
    "sound": "names sound the same", "initial": "given name by its initial", "typo": "name spelt otherwise",
    "family": "family name agrees", "given": "given name agrees", "different": "names differ",
}  # fmt: skip
_NO_NAME = "no name on one side"


def rule_pairs(index: pl.DataFrame, matching: Matching, blocks: pl.DataFrame | None = None) -> pl.DataFrame:
    """The pairs that the rules find.

    Args:
        index: `match_index.INDEX_COLUMNS`, one row per record_key, in any order.
        matching: the policy.
        blocks: rule and block (`touched_blocks`): only these are looked at, each as a whole; all unless given.

    Returns `PAIR_COLUMNS`, by record keys, rule and block; decision is the rule's effect, match or review. Two rules, or two
    keys of one, may give the same pair.
    """
    members = {rule.name: _members(index, rule, blocks) for rule in matching.active_rules}
    rows = pl.concat(
        [pl.Series("row", [], pl.UInt32), *(found["row"] for found in members.values())]
    ).unique()
    records = _records(index, rows)
    found = [
        _named(_rule_pairs(members[rule.name], records, rule, matching), records, rule)
        for rule in matching.active_rules
    ]
    return pl.concat([pl.DataFrame(schema=PAIR_COLUMNS), *found]).sort(
        "record_key_1", "record_key_2", "rule", "block"
    )


def updated_pairs(
    pairs_before: pl.DataFrame,
    index_before: pl.DataFrame,
    index_now: pl.DataFrame,
    changes: Changes,
    matching: Matching,
) -> pl.DataFrame:
    """The pairs of the rules after changes, which are those that `rule_pairs` finds in the index now.

    Args:
        pairs_before: `PAIR_COLUMNS` as found in index_before; those of other finders, such as the model, are left out.
        index_before, index_now: `match_index.INDEX_COLUMNS`.
        changes: from the one index to the other.
        matching: the policy now; where it is another than before, `changes.is_rebuild` is true.

    Blocks that a changed record was in or is in now are looked at anew as a whole, and the pairs of all others are kept.
    """
    if changes.is_rebuild:
        return rule_pairs(index_now, matching)
    touched = touched_blocks(index_before, index_now, changes.touched, matching)
    names = [rule.name for rule in matching.active_rules]
    kept = pairs_before.filter(pl.col("rule").is_in(names)).join(touched, on=["rule", "block"], how="anti")
    new = rule_pairs(index_now, matching, touched)
    return pl.concat([kept.select(*PAIR_COLUMNS), new]).sort("record_key_1", "record_key_2", "rule", "block")


def _members(index: pl.DataFrame, rule: MatchRule, blocks: pl.DataFrame | None) -> pl.DataFrame:
    """`rule_keys` of the blocks that are looked at and hold more than one record."""
    keys = rule_keys(index, rule)
    if blocks is not None:
        keys = keys.join(blocks.filter(pl.col("rule") == rule.name).select("block"), on="block", how="semi")
    several = keys.group_by("block").len().filter(pl.col("len") > 1).select("block")
    return keys.join(several, on="block", how="semi")


def _records(index: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """The records at these rows with rank, their place in the order of becoming known, and their names; by rank."""
    part = index.with_row_index("row").join(rows.to_frame("row"), on="row", how="semi")
    return (
        pl.concat([part, name_numbers(part)], how="horizontal")
        .select(
            "row", "record_key", "known_at", "name", "is_full", "is_han", "first_word",
            "person_key", "given_name", "family_name",
            occurred_at=pl.coalesce("occurred_at", "known_at"),
            own_mailbox=pl.when(~pl.col("is_role_mail")).then("mailbox"),
            own_domain="own_domain",
            company_key="company_key",
        )
        .sort("known_at", "record_key")
        .with_row_index("rank")
    )  # fmt: skip


def _rule_pairs(
    members: pl.DataFrame, records: pl.DataFrame, rule: MatchRule, matching: Matching
) -> pl.DataFrame:
    """`FOUND` of all blocks of a rule."""
    of_records = records.select("row", "rank", "name", "is_full", "first_word", "occurred_at")
    members = members.join(of_records, on="row", how="inner").drop("row")
    sizes = members.group_by("block").agg(names=pl.col("name").drop_nulls().n_unique())
    shared = sizes.filter(pl.col("names") > matching.max_names_per_key).select("block")
    if rule.person == "any":  # all records of a block are as of one name, unless too many names share it
        one_name = members.join(shared, on="block", how="anti").with_columns(name=pl.lit(0, pl.UInt64))
        members = pl.concat([one_name, members.join(shared, on="block", how="semi")])
        return _uncontradicted(of_one_name(members, rule), records, rule)
    several = sizes.filter(pl.col("names") > 1).join(shared, on="block", how="anti").select("block")
    found = of_one_name(members, rule)
    comparable = members.join(shared, on="block", how="anti")
    if rule.person not in LETS_NONE_PASS:
        comparable = comparable.filter(pl.col("name").is_not_null()).join(several, on="block", how="semi")
    between = between_names(comparable, records, rule)
    return _uncontradicted(pl.concat([found, between]), records, rule)


def _uncontradicted(found: pl.DataFrame, records: pl.DataFrame, rule: MatchRule) -> pl.DataFrame:
    """`FOUND` less the pairs whose other facts speak against the rule.

    Namesakes, where a rule goes by a name: two mailboxes at a company's domain that differ in their number alone, by which
    companies tell them apart; or mailboxes at two companies' domains and two company names. And two mailboxes under two names,
    where the rule says so.
    """
    if "person" not in rule.keys and not rule.unless_mail_and_name_differ:
        return found
    facts = records.select("rank", "own_mailbox", "own_domain", "company_key", "name", "is_full")
    pairs = found.join(facts, on="rank", how="left").join(
        facts, left_on="other_rank", right_on="rank", how="left", suffix="_other"
    )
    pairs = pairs.filter(pl.col("own_mailbox") != pl.col("own_mailbox_other"))
    domains_differ = pl.col("own_domain") != pl.col("own_domain_other")
    namesakes = pairs.filter(
        (~domains_differ & are_numbered_apart("own_mailbox", "own_mailbox_other"))
        | (domains_differ & (pl.col("company_key") != pl.col("company_key_other")))
    )
    contradicted = [namesakes] if "person" in rule.keys else []
    if rule.unless_mail_and_name_differ:
        named = pairs.filter(
            pl.col("is_full") & pl.col("is_full_other") & (pl.col("name") != pl.col("name_other"))
        )
        levels = name_levels(named.select("name", other_name="name_other"), records)
        contradicted.append(named.filter(levels == "different"))
    key = ["block", "rank", "other_rank"]
    return found.join(pl.concat([part.select(key) for part in contradicted]), on=key, how="anti")


def _named(found: pl.DataFrame, records: pl.DataFrame, rule: MatchRule) -> pl.DataFrame:
    """`PAIR_COLUMNS` of `FOUND`."""
    key, known = records["record_key"], records["known_at"]
    ones, others = found["rank"], found["other_rank"]
    words = [_KEY_WORDS[each] for each in rule.keys if _KEY_WORDS[each]]
    what = "same " + " and ".join(words)
    return pl.DataFrame(
        {
            "one": key.gather(ones),
            "other": key.gather(others),
            "block": found["block"],
            "level": found["level"].cast(pl.String),
            # records are by rank, and rank is by known_at: the later of two is the greater rank
            "known_from": known.gather(pl.select(pl.max_horizontal(ones, others)).to_series()),
        }
    ).select(
        record_key_1=pl.min_horizontal("one", "other"),
        record_key_2=pl.max_horizontal("one", "other"),
        rule=pl.lit(rule.name),
        block="block",
        probability=pl.lit(rule.probability),
        weights=pl.lit(None, pl.String),
        reason=_reason(what, rule),
        decision=pl.lit(rule.effect),
        refused_because=pl.lit(None, pl.String),
        known_from="known_from",
    )


def _reason(what: str, rule: MatchRule) -> pl.Expr:
    if rule.person == "any":
        return pl.lit(what)
    told = pl.col("level").replace_strict(_LEVEL_WORDS, default=None, return_dtype=pl.String)
    return pl.lit(f"{what}, ") + told.fill_null(_NO_NAME)
