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
_BLOCK_SEED = 20261123
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
    # Numbers in the place of names, in the same order: there are millions of pairs.
    read = _read(names).sort("name").with_row_index("number")
    wanted = read.select(pl.col("name").is_in(sought.implode())).to_series()
    wide, brands = _full_blocks(read), _brand_blocks(read)
    is_sought = pl.col("number").is_in(read["number"].filter(wanted).implode())
    full = _met(wide.filter(is_sought), wide).unique()
    branded = pl.concat([
        _met(brands.filter(is_sought & pl.col("is_brand")), brands, _MOST_OWNERS),
        _met(brands.filter(is_sought), brands.filter("is_brand")),
    ]).unique()  # fmt: skip
    found = pl.concat([_that_may_be_one(full, read), _that_begin(branded, read)]).unique()
    name = read["name"]
    return found.select(company_key_1=name.gather(found["one"]), company_key_2=name.gather(found["other"]))


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
    """number, block: the same core, the same letters, or one word the same and the other alike at an end."""
    latin = read.filter("is_latin")
    first, second = pl.col("first"), pl.col("second")
    keys = [
        latin.select("number", block="joined"),
        read.filter(~pl.col("is_latin")).select("number", block="core"),
        *(
            latin.filter(word.str.len_chars().is_between(shortest, longest)).select(
                "number", block=pl.format("{} {} {}", pl.lit(f"{number}{end}"), word.str.slice(*cut), same)
            )
            for number, (word, same) in enumerate([(first, second), (second, first)])
            for shortest, longest, letters in [(1, _LONG_WORD, _FEW), (_LONG_WORD, 1_000, _MORE)]
            for end, cut in [("<", (0, letters)), (">", (-letters, None))]
        ),
    ]
    return _hashed(pl.concat(keys).drop_nulls()).unique()


def _hashed(blocks: pl.DataFrame) -> pl.DataFrame:
    """Blocks by 64 bits: two that share them would only be looked at together."""
    return blocks.with_columns(pl.col("block").hash(seed=_BLOCK_SEED))


def _brand_blocks(read: pl.DataFrame) -> pl.DataFrame:
    """number, is_brand, block: the same first word, or of long ones the same beginning."""
    latin = read.filter("is_latin")
    keys = [
        latin.select("number", "is_brand", block="first"),
        latin.filter(pl.col("joined").str.len_chars() > _BRAND_START).select(
            "number", "is_brand", block="<" + pl.col("joined").str.slice(0, _BRAND_START)
        ),
    ]
    return _hashed(pl.concat(keys).drop_nulls("block")).unique()


def _met(ones: pl.DataFrame, others: pl.DataFrame, longest: int = _LONGEST_BLOCK) -> pl.DataFrame:
    """one < other, the numbers of names that meet in a block; more than once where they meet again."""
    sizes = others.join(ones.select("block").unique(), on="block", how="semi")
    small = sizes.filter(pl.len().over("block") <= longest).select("block", met="number")
    return (
        ones.join(small, on="block", how="inner")
        .filter(pl.col("number") != pl.col("met"))
        .select(one=pl.min_horizontal("number", "met"), other=pl.max_horizontal("number", "met"))
    )


def _that_begin(pairs: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
    """The pairs of which the first word of one name begins the other's."""
    first = read["first"]
    return pairs.filter(_either_begins(first.gather(pairs["one"]), first.gather(pairs["other"])))


def _either_begins(ones: pl.Series, others: pl.Series) -> pl.Series:
    """Whether one of two texts begins with the other, pair by pair."""
    texts = pl.DataFrame({"one": ones, "other": others})
    one, other = pl.col("one"), pl.col("other")
    return texts.select(one.str.starts_with(other) | other.str.starts_with(one)).to_series()


def _either_holds(ones: pl.Series, others: pl.Series) -> pl.Series:
    """Whether one of two texts holds the other, pair by pair."""
    texts = pl.DataFrame({"one": ones, "other": others})
    one, other = pl.col("one"), pl.col("other")
    return texts.select(
        one.str.contains(other, literal=True) | other.str.contains(one, literal=True)
    ).to_series()


def _that_may_be_one(full: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
    """The pairs of full names that may be one's: slips part their first words; of Chinese ones, both end alike or one holds
    the other, since what else shares a core has another trade."""
    # What one name tells is told once per name, and text is searched only where it must be.
    ends = read.select(
        "name",
        is_chinese=pl.col("name").str.contains(_HAN),
        first="first",
        letters=pl.col("first").str.len_chars().cast(pl.Int64),
        end=pl.col("name").str.slice(-_TRADE),
    )

    def of(column: str, side: str, among: pl.DataFrame) -> pl.Series:
        return ends[column].gather(among[side]).alias(f"{column} {side}")

    is_chinese = of("is_chinese", "one", full) & of("is_chinese", "other", full)
    chinese, worded = full.filter(is_chinese), full.filter(~is_chinese)
    ends_alike = of("end", "one", chinese) == of("end", "other", chinese)
    apart = chinese.filter(~ends_alike)
    holds = _either_holds(of("name", "one", apart), of("name", "other", apart))
    begins = _either_begins(of("first", "one", worded), of("first", "other", worded))
    is_near = (of("letters", "one", worded) - of("letters", "other", worded)).abs() <= _SLIPS
    near = worded.filter(~begins & is_near)
    slips = _are_slips(of("first", "one", near), of("first", "other", near))
    return pl.concat(
        [chinese.filter(ends_alike), apart.filter(holds), worded.filter(begins), near.filter(slips)]
    )


def _are_slips(ones: pl.Series, others: pl.Series) -> pl.Series:
    """Whether two words, pair by pair, differ by typing slips only."""
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cpdist

    distance = cpdist(ones.to_list(), others.to_list(), scorer=OSA.distance, score_cutoff=_SLIPS)
    return pl.Series("are_slips", distance, dtype=pl.Int64) <= _SLIPS
