"""What each lead record is matched by, and which records changed since they were matched last.

Belongs here: the index that one refresh leaves for the next. Does not belong here: finding pairs in it (match_rules.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

_TIMESTAMP = pl.Datetime("us")

INDEX_COLUMNS: dict[str, pl.DataType] = {
    "record_key": pl.String(),
    "row_digest": pl.Int64(),
    "matched_with": pl.String(),
    "mql_key": pl.String(),
    "mailbox": pl.String(),
    "is_role_mail": pl.Boolean(),
    "phones": pl.List(pl.String()),
    "wechat_id": pl.String(),
    "full_name": pl.String(),
    "person_key": pl.String(),
    "given_name": pl.String(),
    "family_name": pl.String(),
    "own_domain": pl.String(),
    "company_name": pl.String(),
    "company_key": pl.String(),
    "company_core_key": pl.String(),
    "country": pl.String(),
    "title": pl.String(),
    "occurred_at": _TIMESTAMP,
    "known_at": _TIMESTAMP,
}

_MATCHER = 1  # raise it when the same policy and records give other pairs than before
_SEED = 20240501


@dataclass(frozen=True)
class Changes:
    """Which records differ from the last refresh.

    Attributes:
        added: record_key of new records.
        changed: record_key of records of which anything is told otherwise, or which were matched by another policy, model
            or matcher.
        removed: record_key of records that are gone.
        is_rebuild: whether what was matched before holds for none of them, since policy, model or matcher changed.
    """

    added: pl.Series
    changed: pl.Series
    removed: pl.Series
    is_rebuild: bool

    @property
    def touched(self) -> pl.Series:
        """record_key of all three, in no order."""
        return pl.concat([self.added, self.changed, self.removed])


def matcher_fingerprint(policy: str, model: str) -> str:
    """The value of matched_with: the fingerprint of the matching policy, the model's version and the matcher's.

    polars' version is in it, since polars' hashes, by which records and blocks are known again, may change with it: an
    upgrade then matches everything anew, once.
    """
    return f"{policy}/{model}/{_MATCHER}/polars-{pl.__version__}"


def index_rows(clean: pl.DataFrame, matched_with: str) -> pl.DataFrame:
    """The index of the records that there are.

    Args:
        clean: of clean.clean_leads: raw_table, mql_id, email_domain, is_free_mail, is_disposable_mail and the columns of
            `INDEX_COLUMNS` that are not derived here; one row per record_key. Whatever else it has counts for row_digest,
            too, since golden records and accounts are made of it.
        matched_with: see `matcher_fingerprint`.

    Returns `INDEX_COLUMNS`, by record_key. row_digest is a 64-bit hash of the whole row: that one of n changed records goes
    unnoticed has a chance of n / 2^64. It is the same in every process of one version of polars.
    """
    is_own = ~pl.col("is_free_mail").fill_null(value=False) & ~pl.col("is_disposable_mail").fill_null(
        value=False
    )
    digest = clean.select(sorted(clean.columns)).hash_rows(seed=_SEED)
    return (
        clean.with_columns(
            row_digest=digest.reinterpret(signed=True),
            matched_with=pl.lit(matched_with),
            mql_key=pl.when(pl.col("raw_table") == "sql_leads").then("mql:" + pl.col("mql_id")),
            is_role_mail=pl.col("is_role_mail").fill_null(value=False),
            own_domain=pl.when(is_own).then("email_domain"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in INDEX_COLUMNS.items())
        .sort("record_key")
    )


def changes(index_now: pl.DataFrame, index_before: pl.DataFrame) -> Changes:
    """What differs between two indexes, `INDEX_COLUMNS` each; the one before is empty at first."""
    columns = ("record_key", "row_digest", "matched_with")
    both = index_now.select(columns).join(
        index_before.select(columns), on="record_key", how="full", suffix="_before"
    )
    differs = (pl.col("row_digest") != pl.col("row_digest_before")) | (
        pl.col("matched_with") != pl.col("matched_with_before")
    )
    before = set(index_before["matched_with"].unique())
    return Changes(
        added=both.filter(pl.col("record_key_before").is_null())["record_key"],
        changed=both.filter(differs)["record_key"],
        removed=both.filter(pl.col("record_key").is_null())["record_key_before"].alias("record_key"),
        is_rebuild=bool(before - set(index_now["matched_with"].unique())) or not before,
    )
