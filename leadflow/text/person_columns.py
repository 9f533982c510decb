"""Names of persons by the column: two words of plain letters, as most are, in polars; all others by persons.py.

Belongs here: saying of a million names what that module says of one, at a fraction of the cost. Does not belong here: what a
name tells. Where a column's shortcut answers, that module gives the same.
"""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from leadflow.text.name_words import KEYBOARD_ROWS, NO_NAMES, TITLES, TITLES_AFTER
from leadflow.text.persons import LONGEST_NAME, is_in_pinyin, key_of_person, name_problem, read_person
from leadflow.text.values import ABSENT_MARKERS
from leadflow.text.vectors import map_distinct, map_distinct_columns

NAME_COLUMNS: dict[str, pl.DataType] = {
    "name_problem": pl.String(),
    "given_name": pl.String(),
    "family_name": pl.String(),
    "person_key": pl.String(),
}

_PLAIN = "^[A-Za-z]+ [A-Za-z]+$"
_ROW_PARTS = frozenset(
    row[start:end]
    for row in KEYBOARD_ROWS
    for start in range(len(row))
    for end in range(start + 4, len(row) + 1)
)
_LONGEST_KEPT = 200
"""Characters; a longer name is read each time, so that hard input costs no memory."""
_LONGEST_REPEATED = 4
"""Letters of what stands over and over in a name that is none."""


def read_names(names: pl.Series) -> pl.DataFrame:
    """`NAME_COLUMNS` of names, in their order; without a name all null, of one that is none all but the problem."""
    first, last, joined = pl.col("first"), pl.col("last"), pl.col("joined")
    words = pl.col("lowered").str.split_exact(" ", 1).struct
    parts = (
        names.to_frame("name")
        .select(
            lowered=pl.when(
                pl.col("name").str.contains(_PLAIN) & (pl.col("name").str.len_chars() <= LONGEST_NAME)
            ).then(pl.col("name").str.to_lowercase())
        )
        .with_columns(first=words.field("field_0"), last=words.field("field_1"))
        .with_columns(joined=first + last)
    )
    length = joined.str.len_chars()
    is_repeated = pl.any_horizontal(
        joined.str.slice(many) == joined.str.slice(0, length - many)
        for many in range(1, _LONGEST_REPEATED + 1)
    )
    told_otherwise = sorted(NO_NAMES | TITLES | TITLES_AFTER)
    sounds = [map_distinct(parts[name], is_in_pinyin, pl.Boolean()) for name in ("first", "last")]
    is_usual = (
        ~first.is_in(told_otherwise)
        & ~last.is_in(told_otherwise)
        & ~joined.is_in(sorted(NO_NAMES | _ROW_PARTS))
        & ~pl.col("lowered").is_in(sorted(ABSENT_MARKERS | NO_NAMES))
        & ~is_repeated
        & ~(pl.lit(sounds[0]) & pl.lit(sounds[1]))
    )
    parts = parts.with_columns(is_usual=is_usual.fill_null(value=False))
    asked = names.to_frame("name").select(pl.when(~parts["is_usual"]).then("name")).to_series()
    others = map_distinct_columns(asked, _read_name, NAME_COLUMNS)
    usual = parts.select(
        given_name=pl.when("is_usual").then(first),
        family_name=pl.when("is_usual").then(last),
        person_key=pl.when("is_usual").then(
            pl.concat_str(pl.min_horizontal(first, last), pl.max_horizontal(first, last), separator=" ")
        ),
    )
    return others.select(
        "name_problem", *(pl.coalesce(pl.lit(usual[name]), name).alias(name) for name in usual.columns)
    )


def _read_name(name: str) -> tuple[str | None, str | None, str | None, str | None]:
    """`NAME_COLUMNS` of one name."""
    return _kept(name) if len(name) <= _LONGEST_KEPT else _read(name)


def _read(name: str) -> tuple[str | None, str | None, str | None, str | None]:
    problem = name_problem(name)
    read = read_person(name) if problem is None else None
    if read is None:
        return problem, None, None, None
    return None, " ".join(read.given) or None, read.family or None, key_of_person(read)


_kept = lru_cache(maxsize=200_000)(_read)
"""Names come again from one part of the records to the next."""
