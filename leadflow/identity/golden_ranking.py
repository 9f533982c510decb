"""Which of a lead's records is asked for a field first, and what decided it.

Belongs here: the order of a lead's records by doubt, trust, age and fullness, field by field. Does not belong here: what
becomes of the values (golden.py).

A record's place in the order is one whole number, so that each field costs one maximum per lead and no sort: a million
leads take seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_

import polars as pl

from leadflow.survivorship_policy import GOLDEN_FIELDS, Survivorship

_CARRIED = {"title": ("seniority", "job_function")}
_ACCOUNT = "account_id"


@dataclass(frozen=True)
class Block:
    """Fields that come from one record: a single one, or several together.

    Attributes:
        name: its first field.
        fields: what a record has to say something of to be asked.
        carried: what goes along and is no reason to ask a record.
        trust: sources and raw tables, most trusted first.
        doubts: of the fields that contact checks may cast doubt on, those checks.
    """

    name: str
    fields: tuple[str, ...]
    carried: tuple[str, ...] = ()
    trust: tuple[str, ...] = ()
    doubts: tuple[tuple[str, tuple[str, ...]], ...] = ()


def blocks_of(survivorship: Survivorship, columns: Collection[str]) -> list[Block]:
    """The blocks that every field which the records have lies in, the account's and the company's first.

    A field lies in the block of the policy that names it, any other in one of its own.
    """
    return [Block(_ACCOUNT, (_ACCOUNT,)), *_policy_blocks(survivorship, columns)]


def _policy_blocks(survivorship: Survivorship, columns: Collection[str]) -> Iterator[Block]:
    fields = sorted(
        (field for field in GOLDEN_FIELDS if field in columns), key=lambda field: field == "title"
    )
    block_of = {field: block for block in survivorship.blocks for field in block}
    placed: set[str] = set()
    for field in fields:
        together = [each for each in block_of.get(field, (field,)) if each in columns]
        if field not in placed:
            placed.update(together)
            yield Block(
                name=together[0],
                fields=tuple(together),
                carried=tuple(each for named in together for each in _CARRIED.get(named, ())),
                trust=survivorship.trust_of(together[0]),
                doubts=tuple((each, survivorship.doubts_of(each)) for each in together),
            )


def with_order(members: pl.DataFrame, blocks: list[Block]) -> pl.DataFrame:
    """The members with what they are ordered by in every block.

    Args:
        members: known_at, occurred_at, record_key and the fields.
        blocks: every field.

    Adds newness (0 for the oldest; equal where known_at and occurred_at are), fullness (fields that say something) and tie
    (0 for the emptiest and least record_key; unique).
    """
    fullness = pl.sum_horizontal(pl.col(field).is_not_null() for block in blocks for field in block.fields)
    given = members.select("row", "known_at", "occurred_at", "record_key", fullness=fullness.cast(pl.Int64))
    newness = given.select("row", "known_at", "occurred_at").sort("known_at", "occurred_at")
    is_newer = (pl.col("known_at") != pl.col("known_at").shift()) | (
        pl.col("occurred_at") != pl.col("occurred_at").shift()
    )
    newness = newness.select("row", newness=is_newer.fill_null(value=False).cast(pl.Int64).cum_sum()).sort(
        "row"
    )
    tie = given.sort("fullness", "record_key").select("row", tie=pl.int_range(pl.len())).sort("row")
    return members.with_columns(given["fullness"], newness["newness"], tie["tie"])


@dataclass(frozen=True)
class Ranking:
    """The order in which a lead's records are asked for a block.

    Attributes:
        block: the fields.
        priority: of every member; the greatest of a lead wins, null is not asked.
        winners: row of each lead's winner, by lead; null where no record says anything.
    """

    block: Block
    priority: pl.Series
    winners: pl.Series


def rank(members: pl.DataFrame, block: Block) -> Ranking:
    """The ranking of all members for a block.

    Args:
        members: as `with_order` gives them, with lead, account_id, source_name, raw_table, contact_flags, is_number (whether the
            phone is a valid number) and the block's fields.
        block: the fields.
    """
    priority = members.select(_priority(block, members.height)).to_series()
    best = (
        members.select("lead", priority)
        .group_by("lead")
        .agg(pl.col("priority").max())
        .sort("lead")["priority"]
    )
    return Ranking(block, priority, _rows(best, members))


def _priority(block: Block, size: int) -> pl.Expr:
    """One number that says doubt, trust, newness, fields filled and tie, in this order."""
    filled = pl.sum_horizontal(pl.col(field).is_not_null() for field in block.fields).cast(pl.Int64)
    trust = [
        pl.when((pl.col("source_name") == name) | (pl.col("raw_table") == name)).then(
            len(block.trust) - place
        )
        for place, name in enumerate(block.trust)
    ]
    trusted = pl.coalesce(*trust, pl.lit(0)).cast(pl.Int64)
    number = 1 - _is_doubted(block).cast(pl.Int64)
    for part, bound in (
        (trusted, len(block.trust) + 1),
        (pl.col("newness"), size),
        (filled, len(block.fields) + 1),
        (pl.col("tie"), size),
    ):
        number = number * bound + part
    return pl.when(filled > 0).then(number).alias("priority")


def _is_doubted(block: Block) -> pl.Expr:
    flags = pl.col("contact_flags")
    found = [
        pl.col(field).is_not_null() & flags.list.set_intersection(list(checks)).list.len().fill_null(0).gt(0)
        for field, checks in block.doubts
        if checks
    ]
    if "phone" in block.fields:  # what cannot be dialled loses, also where no check was asked to say so
        found.append(pl.col("phone").is_not_null() & ~pl.col("is_number"))
    return reduce(or_, found, pl.lit(value=False))


def _rows(priorities: pl.Series, members: pl.DataFrame) -> pl.Series:
    """The rows of the members that have these priorities, null for null."""
    row_of_tie = members.select("tie", "row").sort("tie")["row"]
    return row_of_tie.gather(priorities % max(members.height, 1))


def won_by(ranking: Ranking, members: pl.DataFrame) -> pl.Series:
    """Why the block was taken from a member, by row; null where it was not.

    The winner is held against the first of the lead's other records that says something else.
    """
    block, size = ranking.block, max(members.height, 1)
    winner = ranking.winners.gather(members["lead"])
    differs = reduce(
        or_, (members[field].ne_missing(members[field].gather(winner)) for field in block.fields)
    )
    asked = members.select("row", "lead", winner=winner, priority=ranking.priority, differs=differs)
    rivals = asked.filter("differs").group_by("lead").agg(rival=pl.col("priority").max())
    won = asked.filter(pl.col("row") == pl.col("winner")).join(rivals, on="lead", how="left")
    fullness = members["fullness"]
    is_fuller = fullness.gather(won["row"]) > fullness.gather(_rows(won["rival"], members))
    tie, filled, newness, trust = size, len(block.fields) + 1, size, len(block.trust) + 1
    reasons = [pl.when(pl.col("rival").is_null()).then(pl.lit("only"))]
    step = tie * filled * newness * trust
    for reason, bound in (
        ("not_doubted", trust),
        ("most_trusted", newness),
        ("newest", filled),
        ("fullest", tie),
    ):
        goes_before = pl.col("priority") // step > pl.col("rival") // step
        reasons.append(pl.when(goes_before).then(pl.lit(reason)))
        step //= bound
    reasons.append(pl.when("is_fuller").then(pl.lit("fullest")))
    decided = won.with_columns(is_fuller=is_fuller).with_columns(
        won_by=pl.coalesce(*reasons, pl.lit("record_key"))
    )
    return members.select("row").join(
        decided.select("row", "won_by"), on="row", how="left", maintain_order="left"
    )["won_by"]
