"""Phone fields by the column: numbers in plain international form, of which nearly all are, held against their plans in polars.

Belongs here: saying of a million fields what `phones.plain_phone` says of one, at a fraction of the cost. Does not belong here:
numbering plans as such (numbering_plans.py). Where there is an answer here, `plain_phone` gives the same; where there is none, it
may still have one.
"""

from __future__ import annotations

from functools import reduce
from operator import or_

import polars as pl

from leadflow.text.numbering_plans import (
    SHORTEST_NATIONAL,
    NumberRange,
    RegionPlan,
    code_of,
    plan_of,
)
from leadflow.text.phones import LONGEST_FIELD, LONGEST_NUMBER, may_be_fake_pattern
from leadflow.text.vectors import map_distinct

_PLAIN = r"^(?:\+|00)([1-9][0-9]*(?:[ -][0-9]+)*)$"


def plain_numbers(fields: pl.Series) -> pl.Series:
    """E.164 of the fields that hold a valid number in plain international form and nothing else, in their order; else null."""
    numbers = (
        fields.to_frame("field")
        .with_row_index("row")
        .filter(pl.col("field").str.len_chars() <= LONGEST_FIELD)
        .with_columns(number=pl.col("field").str.extract(_PLAIN).str.replace_all("[ -]", ""))
        .drop_nulls("number")
    )
    digits = pl.col("field").str.replace_all("[^0-9]", "")
    doubtful = may_be_fake_pattern()
    numbers = numbers.filter((digits.str.len_chars() <= LONGEST_NUMBER + 2) & ~digits.str.contains(doubtful))
    codes = map_distinct(numbers["number"].str.slice(0, 3), code_of, pl.String())
    by_code = (
        numbers.select("row", "number", code=codes).drop_nulls("code").partition_by("code", as_dict=True)
    )
    given_out = [
        _given_out(part, str(code), doubtful)
        for (code,), part in sorted(by_code.items(), key=lambda each: each[0])
    ]
    found = pl.concat([pl.DataFrame(schema={"row": pl.UInt32, "number": pl.String}), *given_out])
    rows = pl.DataFrame({"row": pl.int_range(len(fields), dtype=pl.UInt32, eager=True)})
    e164 = rows.join(found, on="row", how="left", maintain_order="left")["number"]
    return ("+" + e164).alias(fields.name)


def _given_out(part: pl.DataFrame, code: str, doubtful: str) -> pl.DataFrame:
    """row, number of the numbers behind one country code that its plan gives out, regions asked as in `plain_number`."""
    plan = plan_of(code)
    regions = () if plan is None else plan.regions
    trunk = None if plan is None else plan.trunk
    asked = part.with_columns(national=pl.col("number").str.slice(len(code)))
    national = pl.col("national")
    is_asked = (national.str.len_chars() >= SHORTEST_NATIONAL) & ~national.str.starts_with("0")
    if trunk is not None:
        is_asked &= ~national.str.contains(f"^(?:{trunk.pattern})", strict=False)
    asked = asked.filter(is_asked & ~national.str.contains(doubtful))
    found = [asked.clear()]
    for region in regions:
        leading = region.leading if len(regions) > 1 else None
        answers = (
            _has_kind(region)
            if leading is None
            else national.str.contains(f"^(?:{leading.pattern})", strict=False)
        )
        told = asked.with_columns(answers=answers).filter(pl.col("answers").is_not_null())
        answered = told.filter("answers").drop("answers")
        found.append(answered if leading is None else answered.filter(_has_kind(region)))
        asked = told.filter(~pl.col("answers")).drop("answers")
    return pl.concat(found).select("row", "number")


def _has_kind(region: RegionPlan) -> pl.Expr:
    """Whether a region has a kind for the number, as `RegionPlan.kind_of` finds it; null where the engine cannot tell."""
    if region.general is None:
        return pl.lit(value=False)
    kinds = [numbers for _, numbers in region.kinds]
    kinds += [each for each in (region.fixed, None if region.is_same else region.mobile) if each is not None]
    return reduce(or_, map(_holds, kinds), pl.lit(value=False)) & _holds(region.general)


def _holds(numbers: NumberRange) -> pl.Expr:
    """`NumberRange.holds`; null where the engine cannot read the pattern."""
    national = pl.col("national")
    is_in_pattern = national.str.contains(f"^(?:{numbers.pattern.pattern})$", strict=False)
    if not numbers.lengths:
        return is_in_pattern
    return is_in_pattern & national.str.len_chars().is_in(sorted(numbers.lengths))
