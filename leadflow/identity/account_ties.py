"""Which domain a company's name goes with, as far as names, counts and countries tell.

Belongs here: weighing the candidates of a name. Does not belong here: finding candidates (company_evidence.py), ids
(accounts.py).

A target is a domain; domains of one company stand under the one that goes first. Two companies may share a brand or a
short name: a name goes with a target only where no other comes near it, and else the country of the record decides.
"""

from __future__ import annotations

import polars as pl

from leadflow.company_policy import Companies
from leadflow.identity.account_order import first_of, ranked
from leadflow.identity.company_blocks import is_short

_SAME_NAME = 0.99  # what `compare_companies` says of equal names
_SAME_COUNTRY = 0.5
NEAR = 0.15
"""A candidate so little behind the best makes a name ambiguous."""

CANDIDATE_COLUMNS = ("name", "target", "score", "share", "record_count", "known_from")
"""A name and a domain that may be its company's: how alike (0 to 1), the share of the name's records that are there, how many
records say so, and since when that is known."""

TIE_COLUMNS: dict[str, pl.DataType] = {
    "name": pl.String(),
    "country": pl.String(),
    "target": pl.String(),
    "tied_from": pl.Datetime("us"),
}


def merged_domains(pairs: pl.DataFrame) -> pl.DataFrame:
    """domain, target, tied_from: each domain and the one it stands under; itself where it stands alone.

    Args:
        pairs: as `company_evidence.domain_names` gives it.

    Two domains are one company's where the name that goes first at both is the same, and either the domains differ in
    their suffix alone (acme.com, acme.de), or the name is one that two companies hardly share: of two words or more, given
    by two records or more at each.
    """
    main = first_of(pairs, ["domain"], "name").with_columns(
        label=pl.col("domain").str.split(".").list.first(),
        is_telling=pl.col("name").str.contains(" ", literal=True) & (pl.col("record_count") >= 2),
    )
    by_label = _groups(main, ["name", "label"], "by_label")
    by_name = _groups(main.filter("is_telling"), ["name"], "by_name")
    merged = main.join(by_label, on="domain", how="left").join(by_name, on="domain", how="left")
    # Those that share a label go where the first of them goes by its name.
    onward = by_name.select(by_label="domain", onward="by_name", onward_from="by_name_from")
    merged = merged.join(onward, on="by_label", how="left").with_columns(
        target=pl.coalesce("onward", "by_name", "by_label")
    )
    return merged.select(
        "domain",
        "target",
        tied_from=pl.when(pl.col("target") != pl.col("domain")).then(
            pl.max_horizontal("by_label_from", "by_name_from", "onward_from")
        ),
    ).sort("domain")


def _groups(main: pl.DataFrame, by: list[str], name: str) -> pl.DataFrame:
    """domain, the first domain of its group (as `name`), and since when both are known."""
    first = first_of(main, by, "domain").select(*by, pl.col("domain").alias(name), since="known_from")
    return main.join(first, on=by, how="inner").select(
        "domain", name, pl.max_horizontal("known_from", "since").alias(f"{name}_from")
    )


def direct_candidates(pairs: pl.DataFrame, merged: pl.DataFrame) -> pl.DataFrame:
    """`CANDIDATE_COLUMNS`: targets whose own records give the very name, each with its share of those records."""
    at_targets = (
        pairs.join(merged.select("domain", "target", "tied_from"), on="domain", how="left")
        .group_by("name", "target")
        .agg(
            pl.col("record_count").sum(),
            known_from=pl.max_horizontal("known_from", "tied_from").min(),
        )
    )
    share = pl.col("record_count") / pl.col("record_count").sum().over("name")
    return at_targets.with_columns(score=pl.lit(_SAME_NAME), share=share).select(CANDIDATE_COLUMNS)


def compared_candidates(compared: pl.DataFrame, homes: pl.DataFrame, sought: pl.Series) -> pl.DataFrame:
    """`CANDIDATE_COLUMNS`: targets of names that a sought name is like.

    Args:
        compared: `company_evidence.COMPANY_PAIR_COLUMNS`.
        homes: name, target, record_count, known_from: the one target of each name that has one.
        sought: names that targets are wanted for.

    A brand is no evidence for a full name where the brand's owner has a full name, too: 'North' belongs to 'North Foods',
    and 'North Motors' does not.
    """
    telling = homes.filter(~is_short(pl.col("name"))).get_column("target").unique()
    ways = pl.concat(
        compared.select(name=one, other=two, score="score", since="known_from")
        for one, two in (("company_key_1", "company_key_2"), ("company_key_2", "company_key_1"))
    )
    found = (
        ways.filter(pl.col("name").is_in(sought.implode()))
        .join(homes, left_on="other", right_on="name", how="inner")
        .filter(
            is_short(pl.col("name")) | ~is_short(pl.col("other")) | ~pl.col("target").is_in(telling.implode())
        )
    )
    best = found.sort("name", "target", "score", "since", descending=[False, False, True, False])
    return (
        best.group_by("name", "target", maintain_order=True)
        .agg(
            pl.col("score").first(),
            pl.col("record_count").max(),
            known_from=pl.max_horizontal("since", "known_from").first(),
        )
        .with_columns(share=pl.lit(1.0))
        .select(CANDIDATE_COLUMNS)
    )


def ties_of_names(
    wanted: pl.DataFrame, candidates: pl.DataFrame, countries: pl.DataFrame, companies: Companies
) -> pl.DataFrame:
    """`TIE_COLUMNS`: the target of each name, in the eyes of a record of each country; those without one are left out.

    Args:
        wanted: name, country (null for a name as such).
        candidates: `CANDIDATE_COLUMNS`, once per name and target.
        countries: target, country: the country that most of its records name.
        companies: thresholds.
    """
    offered = wanted.join(candidates, on="name", how="inner").join(
        countries.rename({"country": "target_country"}), on="target", how="left"
    )
    is_near_home = (pl.col("country") == pl.col("target_country")).fill_null(value=False)
    weighed = offered.with_columns(
        weight=pl.col("score") * pl.col("share") + pl.when(is_near_home).then(_SAME_COUNTRY).otherwise(0.0)
    )
    of = ["name", "country"]
    best = ranked(weighed, of, "target").sort(
        *of, "weight", descending=[False, False, True], maintain_order=True
    )
    best = best.with_columns(
        next_weight=pl.col("weight").shift(-1).over(of),
        rivals=(pl.col("score") >= companies.alone_from).sum().over(of),
    ).unique(of, keep="first", maintain_order=True)
    stands_out = (pl.col("weight") - pl.col("next_weight").fill_null(0.0)) >= NEAR
    is_same = (pl.col("score") >= companies.same_from) | (
        (pl.col("score") >= companies.alone_from) & (pl.col("rivals") == 1)
    )
    return best.filter(stands_out & is_same).select(*of, "target", tied_from="known_from")
