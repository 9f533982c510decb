"""Company names by the column: names in ASCII, of which most are, in polars; all others by companies.py and made_up.py.

Belongs here: saying of a million names what those modules say of one, at a fraction of the cost. Does not belong here: what a
name tells. Where a column's shortcut answers, those modules give the same.
"""

from __future__ import annotations

import polars as pl

from leadflow.text.companies import (
    FORMS_AND_NAMES,
    FORMS_AT_END,
    FORMS_AT_START,
    LONGEST_NAME,
    NO_COMPANY,
    company_key,
)
from leadflow.text.made_up import is_made_up_company, may_begin_made_up_company
from leadflow.text.values import ABSENT_MARKERS
from leadflow.text.vectors import map_distinct, where

_ASCII = "^[ -~]*$"
_REWRITTEN = r"/|(?:^|[^a-z0-9_])[a-z0-9_]\.[a-z0-9_]"
"""Slashed forms and dotted letters, which `companies` reads before it takes punctuation off."""
_SINGLE_LETTERS = r"(?:^| )[a-z] [a-z](?: |$)"
_AT_END = rf"(?:^| )(?:{'|'.join(sorted(map(' '.join, FORMS_AT_END)))})$"
_ANDS_AT_END = "(?:(?:^| )and)+$"
_AT_START = rf"^(?:{'|'.join(sorted(FORMS_AT_START))}) "
_ROUNDS = 4
"""Legal forms that are taken off a name as columns; who has more is looked at alone."""


def company_keys(names: pl.Series) -> pl.Series:
    """`companies.company_key` of every name, String, in their order."""
    lowered = names.str.strip_chars(" ").str.to_lowercase()
    is_usual = (
        names.str.contains(_ASCII)
        & (names.str.len_chars() <= LONGEST_NAME)
        & ~lowered.str.contains(_REWRITTEN)
    )
    folded = (
        where(is_usual, lowered)
        .str.replace_all("['`]", "")
        .str.replace_all("&", " and ", literal=True)
        .str.replace_all("[^a-z0-9]+", " ")
        .str.strip_chars(" ")
    )
    changing = where(~folded.str.contains(_SINGLE_LETTERS), folded)
    usual = where(changing.is_null(), changing)  # none yet
    for _ in range(_ROUNDS):  # each only over what the one before it changed
        shorter = _without_forms(changing)
        usual = pl.select(pl.coalesce(usual, where(shorter == changing, shorter))).to_series()
        changing = where(shorter != changing, shorter)
    others = map_distinct(where(usual.is_null(), names), company_key, pl.String())
    is_none = lowered.is_in(sorted(ABSENT_MARKERS)) | usual.is_in(["", *sorted(NO_COMPANY)])
    return pl.select(pl.coalesce(pl.when(~is_none).then(usual), others)).to_series().alias("company_key")


def _without_forms(keys: pl.Series) -> pl.Series:
    """`companies._without_forms` of keys in ASCII."""
    key = pl.col("key")
    bare = pl.when(key.is_in(sorted(FORMS_AND_NAMES))).then(key).otherwise(key.str.replace(_AT_END, ""))
    told = keys.to_frame("key").with_columns(bare=bare)
    return told.select(
        pl.when(pl.col("bare") != key)
        .then(pl.col("bare").str.replace(_ANDS_AT_END, ""))
        .otherwise(key.str.replace(_AT_START, ""))
    ).to_series()


def are_made_up_companies(names: pl.Series) -> pl.Series:
    """`made_up.is_made_up_company` of every name, Boolean, in their order; most are real by their first word."""
    starts = where(names.str.contains(_ASCII), names.str.to_lowercase().str.extract("([a-z0-9]+)"))
    may_be = map_distinct(starts, may_begin_made_up_company, pl.Boolean()).fill_null(value=True)
    found = map_distinct(where(may_be, names), is_made_up_company, pl.Boolean())
    return where(names.is_not_null(), found.fill_null(value=False)).alias("is_made_up_company")
