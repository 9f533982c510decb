"""Which company names are worth comparing: those that share enough for being one company's.

Belongs here: blocks of names, by their key alone. Does not belong here: comparing them (text/company_matching.py).

Blocks are narrow, since a million records have hundreds of thousands of names: two full names share their first word and an
end of the second, or the second and an end of the first; only short names, which may be brands, meet every full name that they
begin.
"""

from __future__ import annotations

import polars as pl

_LONGEST_BLOCK = 60  # names; a block of more says little (global, first, 中国)
_MOST_OWNERS = 40  # names that begin with one brand; a brand of more tells none of them
_FEW, _MORE = 3, 4  # letters at an end of a word that a typing slip at its other end leaves as they are
_LONG_WORD = 8  # letters, from which `_MORE` are left
_BRAND_START = 6
_SLIPS = 2  # letters wrong, missing, too many or swapped
_TRADE = 2  # characters of a Chinese word
_LONGEST_HAN_BRAND = 4  # characters
_HAN = "[\u3400-\u9fff]"


def is_short(name: pl.Expr) -> pl.Expr:
    """Whether a name is of one word, or of up to four Chinese characters: what brands are, and two companies may share."""
    has_han = name.str.contains(_HAN)
    return ~name.str.contains(" ", literal=True) & (~has_han | (name.str.len_chars() <= _LONGEST_HAN_BRAND))


def first_word(text: pl.Expr) -> pl.Expr:
    """What stands before the first space."""
    return text.str.split(" ").list.first()


def candidate_pairs(names: pl.DataFrame, sought: pl.Series) -> pl.DataFrame:
    """company_key_1 < company_key_2, once each: a sought name and another in one block with it.

    Args:
        names: name (a company key), core (as `company_core_keys` gives it), once per name.
        sought: names.
    """
    read = _read(names)
    is_sought = pl.col("name").is_in(sought.implode())
    wide, brands = _full_blocks(read), _brand_blocks(read)
    full = _met(wide.filter(is_sought), wide).unique()
    branded = pl.concat([
        _met(brands.filter(is_sought & pl.col("is_brand")), brands, _MOST_OWNERS),
        _met(brands.filter(is_sought), brands.filter("is_brand")),
    ]).unique()  # fmt: skip
    return pl.concat([_that_may_be_one(full, read), branded.filter(_begins())]).unique()


def _read(names: pl.DataFrame) -> pl.DataFrame:
    """name, core, is_latin, is_brand, first and second word, and the name without spaces."""
    words = pl.col("name").str.split(" ")
    return names.select(
        "name",
        "core",
        is_latin=pl.col("name").str.contains("^[a-z0-9 ]+$"),
        is_brand=is_short(pl.col("name")),
        first=words.list.first(),
        second=words.list.get(1, null_on_oob=True),
        joined=pl.col("name").str.replace_all(" ", ""),
    )


def _full_blocks(read: pl.DataFrame) -> pl.DataFrame:
    """name, block: the same core, the same letters, or one word the same and the other alike at an end."""
    latin = read.filter("is_latin")
    first, second = pl.col("first"), pl.col("second")
    keys = [
        latin.select("name", block="joined"),
        read.filter(~pl.col("is_latin")).select("name", block="core"),
        *(
            latin.filter(word.str.len_chars().is_between(shortest, longest)).select(
                "name", block=pl.format("{} {} {}", pl.lit(f"{number}{end}"), word.str.slice(*cut), same)
            )
            for number, (word, same) in enumerate([(first, second), (second, first)])
            for shortest, longest, letters in [(1, _LONG_WORD, _FEW), (_LONG_WORD, 1_000, _MORE)]
            for end, cut in [("<", (0, letters)), (">", (-letters, None))]
        ),
    ]
    return pl.concat(keys).drop_nulls().unique()


def _brand_blocks(read: pl.DataFrame) -> pl.DataFrame:
    """name, is_brand, block: the same first word, or of long ones the same beginning."""
    latin = read.filter("is_latin")
    keys = [
        latin.select("name", "is_brand", block="first"),
        latin.filter(pl.col("joined").str.len_chars() > _BRAND_START).select(
            "name", "is_brand", block="<" + pl.col("joined").str.slice(0, _BRAND_START)
        ),
    ]
    return pl.concat(keys).unique()


def _met(ones: pl.DataFrame, others: pl.DataFrame, longest: int = _LONGEST_BLOCK) -> pl.DataFrame:
    """company_key_1 < company_key_2 of the names that meet in a block; more than once where they meet again."""
    sizes = others.join(ones.select("block").unique(), on="block", how="semi")
    small = sizes.filter(pl.len().over("block") <= longest).select("block", other="name")
    return (
        ones.join(small, on="block", how="inner")
        .filter(pl.col("name") != pl.col("other"))
        .select(
            company_key_1=pl.min_horizontal("name", "other"), company_key_2=pl.max_horizontal("name", "other")
        )
    )


def _begins() -> pl.Expr:
    """Whether the first word of one key begins the other's."""
    one, other = first_word(pl.col("company_key_1")), first_word(pl.col("company_key_2"))
    return one.str.starts_with(other) | other.str.starts_with(one)


def _that_may_be_one(full: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
    """The pairs of full names that may be one's: slips part their first words; of Chinese ones, both end alike or one holds
    the other, since what else shares a core has another trade."""
    # There are millions of pairs: what one name tells is told once per name, and text is searched only where it must be.
    ends = read.select(
        "name",
        is_chinese=pl.col("name").str.contains(_HAN),
        first="first",
        letters=pl.col("first").str.len_chars().cast(pl.Int64),
        end=pl.col("name").str.slice(-_TRADE),
    )
    pairs = full.join(ends, left_on="company_key_1", right_on="name", how="inner").join(
        ends, left_on="company_key_2", right_on="name", how="inner", suffix="_2"
    )
    is_chinese = pl.col("is_chinese") & pl.col("is_chinese_2")
    chinese, worded = pairs.filter(is_chinese), pairs.filter(~is_chinese)
    ends_alike = pl.col("end") == pl.col("end_2")
    one, other = pl.col("company_key_1"), pl.col("company_key_2")
    holds = one.str.contains(other, literal=True) | other.str.contains(one, literal=True)
    begins = pl.col("first").str.starts_with(pl.col("first_2")) | pl.col("first_2").str.starts_with(
        pl.col("first")
    )
    is_near = (pl.col("letters") - pl.col("letters_2")).abs() <= _SLIPS
    worded = worded.with_columns(begins=begins)
    near = worded.filter(~pl.col("begins") & is_near)
    kept = [
        chinese.filter(ends_alike),
        chinese.filter(~ends_alike).filter(holds),
        worded.filter("begins"),
        near.filter(_are_slips(near["first"], near["first_2"])),
    ]
    return pl.concat(part.select(full.columns) for part in kept)


def _are_slips(ones: pl.Series, others: pl.Series) -> pl.Series:
    """Whether two words, pair by pair, differ by typing slips only."""
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cpdist

    distance = cpdist(ones.to_list(), others.to_list(), scorer=OSA.distance, score_cutoff=_SLIPS)
    return pl.Series("are_slips", distance, dtype=pl.Int64) <= _SLIPS
