"""Ids that stay: which id each group has now, given the ids that its members had.

Belongs here: giving ids to groups of anything, leads and accounts alike, and the events by which ids change. Does not
belong here: which members are one group (clusters.py, accounts.py), why they came together or apart (identity_log.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from itertools import count
from typing import NamedTuple

import polars as pl

TIMESTAMP = pl.Datetime("us")

MERGED = "merged"
SPLIT = "split"
MOVED = "moved"

ID_COLUMNS: dict[str, pl.DataType] = {
    "member": pl.String(),
    "id": pl.String(),
    "id_given_at": TIMESTAMP,
}
EVENT_COLUMNS: dict[str, pl.DataType] = {
    "event": pl.String(),
    "at": TIMESTAMP,
    "id": pl.String(),
    "other_id": pl.String(),
    "members": pl.List(pl.String()),
    "stayed_members": pl.List(pl.String()),
}


class StableIds(NamedTuple):
    """The ids and how they changed.

    Attributes:
        ids: `ID_COLUMNS`, one row per member of a group, by member.
        events: `EVENT_COLUMNS`, by other_id and id. The members had other_id and have id now; what stayed are the other
            members that had id before (merged, moved) or that still have other_id (split). 'merged': no group has
            other_id any more. 'split': the members' group has another id than the one that was theirs, which others
            kept. 'moved': they went from one group to another, and both go on.
    """

    ids: pl.DataFrame
    events: pl.DataFrame


def birth_id(prefix: str, member: str) -> str:
    """The id that a group begun by this member has: the prefix and 16 hexadecimal digits of the member's SHA-256.

    Made of a key and never of personal data, so that it can be published and cannot be reversed.
    """
    return prefix + sha256(member.encode()).hexdigest()[:16]


def birth_ids(prefix: str, members: pl.Series) -> pl.DataFrame:
    """member, birth_id of each of the members."""
    # As `birth_id` has it, without a call for each of a million members.
    ids = [prefix + sha256(member.encode()).hexdigest()[:16] for member in members.to_list()]
    return pl.DataFrame({"member": members, "birth_id": pl.Series(ids, dtype=pl.String)})


def assign_ids(
    groups: pl.DataFrame,
    members: pl.DataFrame,
    former: pl.DataFrame,
    born: pl.DataFrame,
    *,
    at: datetime,
    retired: pl.DataFrame | None = None,
) -> StableIds:
    """Give every group an id that its members had, or a new one.

    Args:
        groups: member, group; every member in one group.
        members: member, known_at; of at least those in groups.
        former: member, id, id_given_at: the id last given to every member there ever was and when that id was first
            given, also of members that are in no group now. Other columns are passed over.
        born: member, birth_id; of at least those in groups. Birth ids differ from member to member.
        at: the moment that new ids are given at and events happen.
        retired: member, id: ids that members had before these went by another in a merge; more than one row each.

    A group takes an id that its members had. Of several ids the oldest (id_given_at, earliest known_at, id) chooses
    first, and the others go out of use: a merge. An id wanted by several groups goes to the group that holds the member
    whose birth id it is, else to the one with the earliest member. A group that is left without takes an id that its
    members once had and nobody has now (the one whose birth member it holds first, then the earliest), so that undoing
    a merge brings the former ids back; else the birth id of its earliest member whose birth id is free; else one that
    is made of that member and a running number. The ids of members that are in no group stay theirs for their return.

    Groups may be those alone that a change touched, with `sharing_ids` among them: others keep theirs.
    """
    grouped = (
        groups.select("member", "group")
        .join(members.select("member", "known_at"), on="member", how="left")
        .join(born.select("member", "birth_id"), on="member", how="left")
        .join(former.select("member", former_id="id", given="id_given_at"), on="member", how="left")
    )
    claims = _claims(grouped)
    kept = _kept_ids(claims)
    without = grouped.join(kept, on="group", how="anti")
    taken = pl.concat([former.join(groups, on="member", how="anti")["id"], claims["former_id"]]).unique()
    given = _given_ids(without, taken, retired, at)
    of_groups = pl.concat([kept, given])
    told = grouped.join(of_groups, on="group", how="left")
    ids = told.select(*ID_COLUMNS).sort("member")
    return StableIds(ids, _events(told, set(claims["former_id"]), at))


def sharing_ids(former: pl.DataFrame, touched: pl.Series) -> pl.Series:
    """The touched members and all that have an id in common with one of them, sorted.

    Their groups must be given ids together. former: member, id.
    """
    wanted = touched.rename("member").to_frame().unique()
    ids = former.join(wanted, on="member", how="semi").select("id").unique()
    sharing = former.join(ids, on="id", how="semi").select("member")
    return pl.concat([wanted, sharing]).unique()["member"].sort()


def _claims(grouped: pl.DataFrame) -> pl.DataFrame:
    """group, former_id, given, known_at, is_birth of every former id in every group: of its members there."""
    had = grouped.filter(pl.col("former_id").is_not_null())
    return had.group_by("group", "former_id").agg(
        pl.col("given").min(),
        pl.col("known_at").min(),
        pl.col("member").min(),
        is_birth=(pl.col("birth_id") == pl.col("former_id")).any(),
    )


def _kept_ids(claims: pl.DataFrame) -> pl.DataFrame:
    """group, id, id_given_at of the groups that take an id which their members had."""
    contended = (pl.len().over("group") > 1) | (pl.len().over("former_id") > 1)
    flagged = claims.with_columns(is_contended=contended)
    plain = flagged.filter(~pl.col("is_contended")).select("group", id="former_id", id_given_at="given")
    contested = (
        flagged.filter("is_contended")
        .with_columns(
            id_given=pl.col("given").min().over("former_id"),
            id_known=pl.col("known_at").min().over("former_id"),
        )
        .sort(
            "id_given",
            "id_known",
            "former_id",
            "is_birth",
            "known_at",
            "member",
            descending=[False, False, False, True, False, False],
        )
        .select("group", id="former_id", id_given_at="id_given")
    )
    return pl.concat([plain, contested[_first_free(contested.select("group", "id").iter_rows())]])


def _first_free(wishes: Iterable[tuple[object, str]]) -> list[int]:
    """Numbers of the wishes that are granted, each group one id and each id one group, first come first served."""
    groups: set[object] = set()
    ids: set[str] = set()
    granted = []
    for number, (group, wish) in enumerate(wishes):
        if group not in groups and wish not in ids:
            groups.add(group)
            ids.add(wish)
            granted.append(number)
    return granted


def _given_ids(
    without: pl.DataFrame, taken: pl.Series, retired: pl.DataFrame | None, at: datetime
) -> pl.DataFrame:
    """group, id, id_given_at of the groups whose members bring no id."""
    used = taken.rename("id").to_frame()
    own = without.select("group", "member", "known_at", id="birth_id", rank=pl.lit(2, dtype=pl.Int32)).sort(
        "known_at", "member"
    )
    once = _once_theirs(without, retired)
    earliest = own.unique("group", keep="first", maintain_order=True)
    plain = (
        earliest.join(used, on="id", how="anti")
        .join(once, on="group", how="anti")
        .join(once, on="id", how="anti")
        .select("group", "id")
    )
    wishes = pl.concat([once.select(own.columns), own.join(plain, on="group", how="anti")])
    free = wishes.join(used, on="id", how="anti").sort("rank", "known_at", "member", "id")
    granted = free[_first_free(free.select("group", "id").iter_rows())].select("group", "id")
    granted = pl.concat([plain, granted])
    left = (
        without.join(granted, on="group", how="anti")
        .sort("known_at", "member")
        .unique("group", keep="first", maintain_order=True)
    )
    if left.height:
        used_ids = {*taken, *granted["id"]}
        numbered = []
        for member, own_id in left.select("member", "birth_id").iter_rows():
            numbered.append(next(each for each in _numbered(member, own_id) if each not in used_ids))
            used_ids.add(numbered[-1])
        granted = pl.concat([granted, left.select("group", pl.Series("id", numbered, dtype=pl.String))])
    return granted.with_columns(id_given_at=pl.lit(at, dtype=TIMESTAMP))


def _once_theirs(without: pl.DataFrame, retired: pl.DataFrame | None) -> pl.DataFrame:
    """group, id, member, known_at, rank of the ids that members once had; rank 0 with the member whose birth id it is."""
    once = pl.DataFrame(schema={"member": pl.String, "id": pl.String}) if retired is None else retired
    return (
        without.join(once.select("member", "id").unique(), on="member", how="inner")
        .group_by("group", "id")
        .agg(
            pl.col("member").min(),
            pl.col("known_at").min(),
            rank=pl.when((pl.col("birth_id") == pl.col("id")).any())
            .then(pl.lit(0, dtype=pl.Int32))
            .otherwise(pl.lit(1, dtype=pl.Int32)),
        )
    )


def _numbered(member: str, own_id: str) -> Iterator[str]:
    """Ids made of a member and a running number, with the prefix of its birth id."""
    return (birth_id(own_id[:1], f"{member}#{number}") for number in count(2))


def _events(told: pl.DataFrame, known_ids: set[str], at: datetime) -> pl.DataFrame:
    """`EVENT_COLUMNS` of the members whose id is not the one they had."""
    changed = told.filter(pl.col("former_id") != pl.col("id"))
    if not changed.height:
        return pl.DataFrame(schema=EVENT_COLUMNS)
    moves = (
        changed.sort("member")
        .group_by("former_id", "id")
        .agg(
            "member",
            known_at=pl.col("known_at").min(),
            has_birth=(pl.col("birth_id") == pl.col("former_id")).any(),
        )
        .sort("former_id", "has_birth", "known_at", "id", descending=[False, True, False, False])
    )
    concerned = pl.concat([moves["id"], moves["former_id"]]).unique()
    same = told.filter((pl.col("former_id") == pl.col("id")) & pl.col("id").is_in(concerned.implode()))
    stayed = {name: sorted(keys) for name, keys in same.group_by("id").agg("member").iter_rows()}
    in_use = set(told.join(concerned.rename("id").to_frame(), on="id", how="semi")["id"].unique())
    merged: set[str] = set()
    rows = []
    for former_id, new_id, keys in moves.select("former_id", "id", "member").iter_rows():
        if former_id not in in_use and former_id not in merged:
            merged.add(former_id)
            event = MERGED
        else:
            event = MOVED if new_id in known_ids else SPLIT
        beside = stayed.get(former_id if event == SPLIT else new_id, [])
        rows.append((event, at, new_id, former_id, keys, beside))
    return pl.DataFrame(rows, schema=EVENT_COLUMNS, orient="row").sort("other_id", "id")
