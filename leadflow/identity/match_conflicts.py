"""What speaks against two records being one person, whatever ties them.

Belongs here: contradictions between two records, and the pairs of a cluster that have one. Does not belong here: what follows from
them (clusters).
"""

from __future__ import annotations

import polars as pl

from leadflow.identity.match_names import name_levels, name_numbers
from leadflow.matching_policy import Matching

NEVER_SAME_COLUMNS: dict[str, pl.DataType] = {
    "record_key_1": pl.String(),
    "record_key_2": pl.String(),
    "rule": pl.String(),
}


def are_numbered_apart(mailbox: str = "mailbox", other: str = "other_mailbox") -> pl.Expr:
    """Whether two mailboxes differ in their numbers alone: ann.lee@acme.com, ann.lee2@acme.com."""
    one, two = pl.col(mailbox), pl.col(other)
    return (one != two) & (_unnumbered(one) == _unnumbered(two))


def _unnumbered(mailbox: pl.Expr) -> pl.Expr:
    """The mailbox without the number at the end of its local part, or of what follows an underscore there."""
    return mailbox.str.replace(r"[._-]?\d+@", "@")


def never_same_pairs(index: pl.DataFrame, components: pl.DataFrame, matching: Matching) -> pl.DataFrame:
    """Pairs within the components that must not be one person, by the policy's never_same rules.

    Args:
        index: `match_index.INDEX_COLUMNS`, at least the records of the components.
        components: record_key and component (any type), what would be one person without this.
        matching: which rules hold, and how many profiles of a component are looked at: the first known
            `max_cluster_profiles`, since larger components are split anyway.

    Returns `NEVER_SAME_COLUMNS`, record_key_1 < record_key_2, by record keys and rule: of all records with one name and one
    mailbox (a profile) the first known stands for the others.
    """
    profiles = _profiles(index, components, matching.max_cluster_profiles)
    several = profiles.group_by("component").len().filter(pl.col("len") > 1).select("component")
    profiles = profiles.join(several, on="component", how="semi")
    pairs = profiles.join(profiles, on="component", how="inner", suffix="_other").filter(
        pl.col("order") < pl.col("order_other")
    )
    # Comparing names costs most, so only where the other conditions hold.
    two_mailboxes = pl.col("mailbox") != pl.col("mailbox_other")
    at_one_company = (two_mailboxes & (pl.col("own_domain") == pl.col("own_domain_other"))).fill_null(
        value=False
    )
    two_names = pl.col("name") != pl.col("name_other")
    shares = [pl.col(key) == pl.col(f"{key}_other") for key in ("mailbox", "wechat_id", "form")]
    both_full = pl.col("is_full") & pl.col("is_full_other")
    is_numbered = at_one_company & are_numbered_apart("mailbox", "mailbox_other")
    compared = pairs.filter(
        two_names & both_full & (at_one_company | ~pl.any_horizontal(shares).fill_null(value=False))
    )
    levels = name_levels(compared.select("name", other_name="name_other"), profiles)
    compared = compared.with_columns(levels)
    found = []
    if matching.never_same.different_mail_same_company:
        told_apart = pl.col("level").cast(pl.String).is_in(["different", "family", "given"])
        found += [pairs.filter(is_numbered), compared.filter(at_one_company & told_apart).drop("level")]
        found = [part.with_columns(rule=pl.lit("different_mail_same_company")) for part in found]
    if matching.never_same.different_person:
        shared = pl.any_horizontal(shares).fill_null(value=False)
        strangers = compared.filter((pl.col("level") == "different") & ~shared).drop("level")
        found.append(strangers.with_columns(rule=pl.lit("different_person")))
    named = [
        part.select(
            record_key_1=pl.min_horizontal("record_key", "record_key_other"),
            record_key_2=pl.max_horizontal("record_key", "record_key_other"),
            rule="rule",
        )
        for part in found
    ]
    return pl.concat([pl.DataFrame(schema=NEVER_SAME_COLUMNS), *named]).unique().sort(*NEVER_SAME_COLUMNS)


def _profiles(index: pl.DataFrame, components: pl.DataFrame, most: int) -> pl.DataFrame:
    """The first known record of each name and mailbox of a component, the first known `most` of each component."""
    several = components.group_by("component").len().filter(pl.col("len") > 1).select("component")
    members = index.join(components.join(several, on="component", how="semi"), on="record_key", how="inner")
    is_form = pl.col("record_key").str.starts_with("mql:")
    is_own = ~pl.col("is_role_mail")
    return (
        pl.concat([members, name_numbers(members)], how="horizontal")
        .select(
            "component", "record_key", "known_at", "name", "is_full", "given_name", "family_name", "wechat_id",
            mailbox=pl.when(is_own).then("mailbox"),
            own_domain=pl.when(is_own).then("own_domain"),
            form=pl.coalesce("mql_key", pl.when(is_form).then("record_key")),
        )
        .sort("known_at", "record_key")
        .unique(["component", "name", "mailbox"], keep="first", maintain_order=True)
        .with_columns(order=pl.int_range(pl.len()).over("component"))
        .filter(pl.col("order") < most)
    )  # fmt: skip
