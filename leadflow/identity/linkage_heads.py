"""Heads: the lead records that the probabilistic layer compares, and the keys by which it finds them.

Belongs here: what of `identity.match_index` the model compares, and which heads changed. Does not belong here: how two are
compared (linkage_leads.py).

Records that say the same are one profile, and only the profile's head, its earliest known record, is compared. A key that too many
heads share is taken off all of them, and a head's digest covers its keys: so a head is all that its pairs depend on.
"""

from __future__ import annotations

from functools import reduce
from operator import xor

import polars as pl

from leadflow.text.vectors import where

KEY_CAP = 100
"""Heads that may share a key; a key of more ('John Smith' at 'n/a') is no key to any of them."""
_LONGEST = 100
"""Characters of a company's name that are compared: the cost of comparing grows with the square of the length."""
_DIGEST_SEED = 20261122

PROFILE = ("mailbox", "phones", "wechat_id", "person_key", "company_core_key", "own_domain", "country")
"""Columns of `identity.match_index` that make a profile."""

KEYS: dict[str, tuple[str, ...]] = {
    "key_mailbox": ("mailbox",),
    "key_own_local": ("own_local",),
    "key_local_domain": ("local", "mail_domain_start"),
    "key_phone": ("phone",),
    "key_wechat": ("wechat_id",),
    "key_family_domain": ("family", "own_domain"),
    "key_family_company": ("family", "company"),
    "key_given_domain": ("formal", "own_domain"),
    "key_given_company": ("formal", "company"),
    "key_starts_domain": ("starts", "own_domain"),
    "key_starts_company": ("starts", "company"),
    "key_name_company_start": ("person_key", "company_start"),
    "key_name_company_end": ("person_key", "company_end"),
}
"""Blocking keys and the head's columns each is made of; null where one of them is."""

COMPARED = (
    "unique_id", "person_key", "given", "family", "initial", "formals", "mailbox", "local", "own_local", "mail_domain",
    "phones", "phone", "wechat_id", "company", "own_domain", "country",
)  # fmt: skip
"""Columns of a head that the comparisons name."""


def heads_of(index: pl.DataFrame, key_cap: int = KEY_CAP) -> pl.DataFrame:
    """One row per distinct profile of `identity.match_index`, with what is compared, the keys, and a digest of it all.

    Records that say nothing but a name, a company or a country are no heads: there is nothing to compare. Columns: unique_id (the
    record_key of the head: the earliest known record of its profile, then by key), known_at, digest (UInt64), the compared
    columns and `KEYS` (UInt64); by unique_id.
    """
    told = index.select(
        "record_key", "known_at", "given_name", "family_name", *(name for name in PROFILE if name not in ("mailbox", "phones")),
        phones=pl.when(pl.col("phones").list.len() > 0).then(pl.col("phones").list.sort()),
        # A function's mailbox is many people's.
        mailbox=pl.when(~pl.col("is_role_mail").fill_null(value=False)).then("mailbox"),
    )  # fmt: skip
    said = pl.sum_horizontal(
        pl.col("person_key").is_not_null(),
        pl.coalesce("company_core_key", "own_domain").is_not_null() | pl.col("country").is_not_null(),
        2 * pl.any_horizontal(pl.col("mailbox", "wechat_id").is_not_null(), pl.col("phones").is_not_null()),
    )
    told = told.filter(said >= 2)
    heads = _compared(told[_first_rows(told)])
    if not heads["unique_id"].is_sorted():
        heads = heads.sort("unique_id")
    keys = _keys(heads)
    heads = heads.hstack(keys.select(_without_shared(keys[key], key_cap) for key in KEYS))
    return heads.with_columns(digest=heads.hash_rows(_DIGEST_SEED))


def _without_shared(keys: pl.Series, key_cap: int) -> pl.Series:
    """The keys, null in the place of each that more heads than `key_cap` have."""
    counts = keys.drop_nulls().value_counts(name="heads")
    shared = counts.filter(pl.col("heads") > key_cap)[keys.name]
    return where(~keys.is_in(shared.implode()), keys)


def _first_rows(told: pl.DataFrame) -> pl.Series:
    """The row of each profile's first known record, in their order; profiles are told apart by 64 bits."""
    profile = told.select(PROFILE).hash_rows(_DIGEST_SEED)
    slim = told.select("known_at", "record_key").with_columns(profile.alias("profile")).with_row_index("row")
    slim = slim.sort("known_at", "record_key").unique("profile", keep="first", maintain_order=True)
    return slim["row"].sort()


def _keys(heads: pl.DataFrame) -> pl.DataFrame:
    """`KEYS` of each head, as 64 bits: each part is hashed once, by its place in the key."""
    parts = {(place, part) for each in KEYS.values() for place, part in enumerate(each)}
    hashed = heads.select(
        pl.when(pl.col(part).is_not_null())
        .then(pl.col(part).hash(seed=_DIGEST_SEED + place))
        .alias(f"{part} {place}")
        for place, part in sorted(parts)
    )
    return hashed.select(
        reduce(xor, (pl.col(f"{part} {place}") for place, part in enumerate(each))).alias(key)
        for key, each in KEYS.items()
    )


def _compared(firsts: pl.DataFrame) -> pl.DataFrame:
    from leadflow.text.person_matching import formal_names

    given = pl.col("given_name").str.to_lowercase()
    given_names = firsts.select(given.alias("given")).drop_nulls().unique().sort("given")
    words = [name.split(" ")[0] for name in given_names["given"]]
    formal = given_names.with_columns(
        formals=pl.Series([sorted({word, *formal_names(word)}) for word in words], dtype=pl.List(pl.String)),
        # One spelling of all that a name is short for, so that nicknames meet in a block.
        formal=pl.Series([min({*formal_names(word)} or {word}) for word in words], dtype=pl.String),
    )
    local = pl.col("mailbox").str.split("@").list.first()
    return (
        firsts.with_columns(
            unique_id=pl.col("record_key"),
            given=given,
            family=pl.col("family_name").str.to_lowercase(),
            initial=given.str.slice(0, 1),
            phone=pl.col("phones").list.first(),
            local=pl.when(local.str.len_chars() >= 5).then(local),
            mail_domain=pl.col("mailbox").str.split("@").list.last(),
            mail_domain_start=pl.col("mailbox").str.split("@").list.last().str.slice(0, 4),
            company=pl.col("company_core_key").str.slice(0, _LONGEST),
            company_start=pl.col("company_core_key").str.slice(0, 6),
            company_end=pl.col("company_core_key").str.slice(-8),
        )
        .with_columns(starts=pl.concat_str(pl.col("initial"), pl.col("family").str.slice(0, 1), separator=" "))
        .with_columns(own_local=pl.when(~_is_made_of_name()).then("local"))
        .join(formal, on="given", how="left")
        .select(
            "unique_id", "known_at", "person_key", "given", "family", "initial", "starts", "formal", "formals", "mailbox",
            "local", "own_local", "mail_domain", "mail_domain_start", "phones", "phone", "wechat_id", "company", "company_start", "company_end",
            "own_domain", "country",
        )
    )  # fmt: skip


def _is_made_of_name() -> pl.Expr:
    """Whether the part before the @ holds a name of the person, or most of one; no name known counts as made of one."""
    local = pl.col("local").str.replace_all("[^a-z]", "")
    held = [
        pl.when(pl.col(name).str.len_chars() >= 3).then(
            local.str.contains(pl.col(name).str.slice(0, 4), literal=True)
        )
        for name in ("family", "given")
    ]
    return pl.any_horizontal(held).fill_null(value=True)


def changed_heads(before: pl.DataFrame, now: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Heads that are new or say something else, and the keys of all whose former pairs no longer hold.

    Args:
        before: unique_id and digest of the heads of the last refresh.
        now: `heads_of` this refresh.

    Returns the rows of now that have to be compared, and the unique_id of heads whose pairs are to be dropped: those same ones, and
    those that are gone.
    """
    kept = now.join(before, on=["unique_id", "digest"], how="semi")
    new = now.join(kept, on="unique_id", how="anti")
    gone = before.join(kept, on="unique_id", how="anti")
    return new, pl.concat([new["unique_id"], gone["unique_id"]]).unique().sort()
