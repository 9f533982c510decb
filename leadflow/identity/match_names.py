"""Comparing the names of records: each distinct name has a number, and each distinct pair of names is compared once.

Belongs here: names as the index has them, in their parts. Does not belong here: what a name is (text/persons.py), how alike two
are (text/person_matching.py).
"""

from __future__ import annotations

import polars as pl

from leadflow.text.person_matching import PERSON_LEVELS, compare_read_persons
from leadflow.text.persons import PersonName
from leadflow.text.scripts import has_han

LEVEL = pl.Enum(PERSON_LEVELS)
_NAME_SEED = 20240503
_UNKNOWN_TITLE = ("?",)  # '王总' and '王经理' are equal in their parts, but not the same name


def name_numbers(index: pl.DataFrame) -> pl.DataFrame:
    """The names of records, in the order of the index.

    Returns name (UInt64, equal for names equal in their parts; null for none), is_full (has a given and a family name), is_han
    (in Chinese characters) and first_word (the first word of the key, in alphabetical order).
    """
    parts = pl.concat_str(
        pl.col("given_name").fill_null(""), pl.col("family_name").fill_null(""), separator="\x1f"
    )
    has_name = pl.col("person_key").is_not_null() & (parts != "\x1f")
    return index.select(
        name=pl.when(has_name).then(parts.hash(seed=_NAME_SEED)),
        is_full=pl.col("given_name").is_not_null() & pl.col("family_name").is_not_null(),
        is_han=parts.str.contains("[\u3400-\u9fff]"),
        first_word=pl.col("person_key").str.split(" ").list.min(),
    )


def name_levels(pairs: pl.DataFrame, names: pl.DataFrame) -> pl.Series:
    """How alike the names of each pair are, `PERSON_LEVELS`, as a Series named level.

    Args:
        pairs: name, other_name (`name_numbers`); no nulls.
        names: name, given_name, family_name; any rows for each name.
    """
    number = pairs.select(
        low=pl.min_horizontal("name", "other_name"), high=pl.max_horizontal("name", "other_name")
    )
    distinct = number.unique()
    wanted = pl.concat([distinct["low"], distinct["high"]]).unique().to_frame("name")
    read = names.unique("name").join(wanted, on="name", how="semi")
    of_number = {
        name: _person(given, family)
        for name, given, family in read.select("name", "given_name", "family_name").iter_rows()
    }
    levels = [
        compare_read_persons(of_number[low], of_number[high]).level for low, high in distinct.iter_rows()
    ]
    compared = distinct.with_columns(level=pl.Series(levels, dtype=LEVEL))
    return number.join(compared, on=["low", "high"], how="left", maintain_order="left")["level"]


def _person(given: str | None, family: str | None) -> PersonName:
    """The parts as read_person gave them; words of a name hold no spaces."""
    titles = () if given else _UNKNOWN_TITLE
    return PersonName(
        tuple((given or "").split()), family or "", titles, has_han((given or "") + (family or ""))
    )
