"""Fifty refreshes of a small company: ids change only by logged events, and what is touched is all that changes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl
import pytest
from lead_steps import Former, resolve_leads

from leadflow.identity.clusters import touched_records
from leadflow.identity.decisions import undoing
from leadflow.identity.identity_log import LEAD_ID_COLUMNS, LOG_COLUMNS, lead_redirects
from leadflow.identity.memberships import MEMBERSHIP_COLUMNS
from leadflow.identity.pins import PIN_COLUMNS, Named, new_pin, withdrawn

START = datetime(2026, 1, 1)  # noqa: DTZ001 -- UTC without a zone, as in the warehouse
TIME = pl.Datetime("us")
RULES = ("email", "phone", "model")
EDGES = {"record_key_1": pl.String, "record_key_2": pl.String, "probability": pl.Float64, "rule": pl.String, "known_from": TIME}  # fmt: skip
RECORDS = {"record_key": pl.String, "known_at": TIME, "profile": pl.String}
TOLD = {"decision": pl.String, "refused_because": pl.String}


@dataclass(frozen=True)
class World:
    """What there is to be seen at a refresh: records, the pairs among them, never-pairs."""

    records: pl.DataFrame
    edges: pl.DataFrame
    never: pl.DataFrame


@dataclass
class State:
    """What a refresh leaves behind."""

    lead_ids: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LEAD_ID_COLUMNS))
    log: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LOG_COLUMNS))
    pins: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PIN_COLUMNS))
    edges: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=EDGES | TOLD))
    identity_map: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=MEMBERSHIP_COLUMNS))

    def of(self) -> pl.DataFrame:
        return self.identity_map.filter(pl.col("known_to").is_null()).select("record_key", cluster="lead_id")


def refresh(state: State, world: World, at: datetime, changed: set[str] | None) -> State:
    """A refresh of what changed, or of everything (changed is None)."""
    former = Former(state.lead_ids, state.log, state.pins, state.edges, state.identity_map)
    seeds = None if changed is None else pl.Series("record_key", sorted(changed), dtype=pl.String)
    made = resolve_leads(
        former,
        world.records,
        world.edges,
        world.never,
        max_profiles=4,
        at=at,
        rule_order=RULES,
        changed=seeds,
    )
    kept_ids = state.lead_ids.join(made.lead_ids, on="record_key", how="anti")
    touched = made.touched.to_frame()
    kept_rows = state.identity_map.join(touched, on="record_key", how="anti")
    kept_edges = state.edges.join(touched, left_on="record_key_1", right_on="record_key", how="anti")
    return State(
        lead_ids=pl.concat([kept_ids, made.lead_ids]).sort("record_key"),
        log=pl.concat([state.log, made.events]).sort("happened_at", "event_id"),
        pins=state.pins,
        edges=pl.concat([kept_edges, made.edges]).sort("record_key_1", "record_key_2", "rule", "known_from"),
        identity_map=pl.concat([kept_rows, made.memberships]).sort("record_key", "known_from"),
    )


class Company:
    """Forty possible records; which are there and what they say changes from delivery to delivery."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.keys = [f"mql:{number:02d}" for number in range(40)]
        self.known = {key: START + timedelta(days=self.random.randint(0, 30)) for key in self.keys}
        self.versions = dict.fromkeys(self.keys, 0)
        self.present: set[str] = set()

    def deliver(self) -> None:
        for key in self.random.sample(self.keys, 3):
            self.present ^= {key}
        self.present |= set(self.random.sample(self.keys, 2))
        for key in self.random.sample(self.keys, 2):
            self.versions[key] += 1

    def world(self) -> World:
        """Pairs are a function of what both records say, that is of their keys and versions."""
        here = sorted(self.present)
        edges, never = [], []
        for place, one in enumerate(here):
            for other in here[:place]:
                chance = random.Random(f"{other} {self.versions[other]} {one} {self.versions[one]}")
                drawn = chance.random()
                if drawn < 0.04:
                    since = max(self.known[one], self.known[other])
                    edges.append((other, one, chance.choice([0.7, 0.8, 0.9]), chance.choice(RULES), since))
                elif drawn < 0.06:
                    never.append((other, one, "names"))
        rows = [(key, self.known[key], f"{key} {self.versions[key]}") for key in here]
        return World(
            pl.DataFrame(rows, schema=RECORDS, orient="row"),
            pl.DataFrame(edges, schema=EDGES, orient="row"),
            pl.DataFrame(
                never,
                schema={"record_key_1": pl.String, "record_key_2": pl.String, "rule": pl.String},
                orient="row",
            ),
        )


def changed_between(before: World, after: World) -> set[str]:
    """Records that came, went or changed; all ends of pairs and never-pairs that did are ends of those, or among these."""
    changed = {row[0] for row in set(before.records.iter_rows()) ^ set(after.records.iter_rows())}
    for one, other in ((before.edges, after.edges), (before.never, after.never)):
        for row in set(one.iter_rows()) ^ set(other.iter_rows()):
            changed |= {row[0], row[1]}
    return changed


def leads(state: State) -> dict[str, str]:
    current = state.identity_map.filter(pl.col("known_to").is_null())
    return dict(current.select("record_key", "lead_id").iter_rows())


def assert_same(one: State, other: State) -> None:
    for name in ("lead_ids", "log", "edges", "identity_map"):
        assert getattr(one, name).equals(getattr(other, name)), name


def assert_only_logged_changes(before: State, after: State, known: dict[str, str]) -> None:
    """`known` holds the last lead id of every record there ever was."""
    fresh = after.log.join(before.log, on="event_id", how="anti")
    logged = {
        (key, row["other_lead_id"], row["lead_id"])
        for row in fresh.iter_rows(named=True)
        for key in row["record_keys"]
    }
    changes = {(key, known[key], lead) for key, lead in leads(after).items() if known.get(key, lead) != lead}
    assert changes == logged


def assert_sound(state: State, company: Company) -> None:
    assert set(leads(state)) == company.present
    assert state.identity_map.filter(pl.col("known_to").is_null()).height == len(company.present)
    following = state.identity_map.with_columns(next_from=pl.col("known_from").shift(-1).over("record_key"))
    assert following.filter(pl.col("known_to") > pl.col("next_from")).height == 0
    assert following.filter(pl.col("known_to") <= pl.col("known_from")).height == 0
    redirects = lead_redirects(state.log, state.identity_map.filter(pl.col("known_to").is_null())["lead_id"])
    assert not set(redirects["former_lead_id"]) & set(leads(state).values())
    assert set(redirects["lead_id"]) <= set(leads(state).values())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fifty_refreshes(seed: int) -> None:
    company = Company(seed)
    state, before = State(), company.world()
    known: dict[str, str] = {}
    undone = 0
    for number in range(50):
        at = START + timedelta(days=40 + number)
        company.deliver()
        world = company.world()
        after = refresh(state, world, at, changed_between(before, world))
        assert_same(after, refresh(state, world, at, None))
        assert_only_logged_changes(state, after, known)
        assert_sound(after, company)
        assert_same(refresh(after, world, at, set()), after)
        known |= leads(after)
        merged = after.log.filter((pl.col("event") == "merged") & (pl.col("happened_at") == at))
        there = merged.filter(pl.col("stayed_record_keys").list.len() > 0)
        state, before = after, world
        if number % 5 == 4 and there.height:
            event = there.row(0, named=True)
            state.pins = pl.concat(
                [state.pins, undoing(state.log, event["event_id"], state.pins, made_at=at)]
            )
            after = refresh(state, world, at + timedelta(hours=1), set())
            assert_only_logged_changes(state, after, known)
            # The leads of both sides, and those that a refused pair ties to them: it may be possible now.
            sides = pl.Series("record_key", [*event["record_keys"], *event["stayed_record_keys"]])
            concerned = {leads(state).get(key) for key in touched_records(state.of(), state.edges, sides)}
            differing = {key for key, lead in leads(after).items() if leads(state)[key] != lead}
            assert all(leads(state)[key] in concerned for key in differing)
            sides = [
                {leads(after)[key] for key in event[side]} for side in ("record_keys", "stayed_record_keys")
            ]
            assert not sides[0] & sides[1]
            undone += 1
            known |= leads(after)
            state = after
    assert undone > 2
    assert {"merged", "split", "moved"} <= set(state.log["event"])


def small_world(*keys: str, edges: str = "") -> World:
    """Records a, b, ... known a day after each other, and pairs such as 'ab bc'."""
    rows = [(key, START + timedelta(days=ord(key) - ord("a")), key) for key in keys]
    pairs = [
        (one, other, 0.9, "email", START + timedelta(days=ord(other) - ord("a")))
        for one, other in edges.split()
    ]
    never = {"record_key_1": pl.String, "record_key_2": pl.String, "rule": pl.String}
    return World(
        pl.DataFrame(rows, schema=RECORDS, orient="row"),
        pl.DataFrame(pairs, schema=EDGES, orient="row"),
        pl.DataFrame(schema=never),
    )


def test_a_merge_undone_and_the_undoing_undone() -> None:
    at = [START + timedelta(days=10 + number) for number in range(4)]
    others = "xy xz"
    apart = small_world(*"abdxyz", edges=f"ab {others}")
    joined = small_world(*"abcdxyz", edges=f"ab bc cd {others}")
    first = refresh(State(), apart, at[0], None)
    merged = refresh(first, joined, at[1], {"b", "c", "d"})
    (event,) = merged.log.iter_rows(named=True)
    assert (event["event"], event["record_keys"], event["stayed_record_keys"]) == (
        "merged",
        ["d"],
        ["a", "b"],
    )
    assert (event["other_lead_id"], event["lead_id"]) == (leads(first)["d"], leads(first)["a"])
    assert event["cause"] == "email"
    current = pl.Series(sorted(set(leads(merged).values())))
    assert lead_redirects(merged.log, current).rows() == [(leads(first)["d"], leads(first)["a"], at[1])]

    merged.pins = undoing(merged.log, event["event_id"], merged.pins, made_at=at[1])
    undone = refresh(merged, joined, at[2], set())
    assert leads(undone) == {**leads(first), "c": leads(first)["a"]}
    assert undone.log.filter(pl.col("event") == "split")["cause"].to_list() == ["pinned_apart"]
    d = undone.identity_map.filter(pl.col("record_key") == "d")
    known_at = START + timedelta(days=3)
    assert d.select("lead_id", "known_from", "known_to").rows() == [
        (leads(first)["a"], known_at, at[2]),
        (leads(first)["d"], at[2], None),
    ]
    assert lead_redirects(undone.log, pl.Series(list(leads(undone).values()))).height == 0

    undone.pins = withdrawn(undone.pins, "P1", at[2])
    again = refresh(undone, joined, at[3], set())
    assert leads(again) == leads(merged)
    assert_same(again, refresh(undone, joined, at[3], None))


def test_a_record_that_is_rejected_and_comes_back_has_its_lead() -> None:
    at = [START + timedelta(days=10 + number) for number in range(3)]
    both = small_world("a", "b", edges="ab")
    first = refresh(State(), both, at[0], None)
    gone = refresh(first, small_world("b"), at[1], {"a", "b"})
    assert leads(gone) == {"b": leads(first)["b"]}
    back = refresh(gone, both, at[2], {"a", "b"})
    assert leads(back) == leads(first)
    assert back.log.height == 0
    assert back.identity_map.equals(first.identity_map)


def test_a_pin_together_joins_leads_that_nothing_ties() -> None:
    at = [START + timedelta(days=10 + number) for number in range(2)]
    world = small_world("a", "b", "c", edges="bc")
    first = refresh(State(), world, at[0], None)
    first.pins = new_pin(first.pins, "together", Named("c", ("c",)), Named("a", ("a",)), made_at=at[0])
    pinned = refresh(first, world, at[1], set())
    assert set(leads(pinned).values()) == {leads(first)["a"]}
    assert pinned.log["cause"].to_list() == ["pin"]
    b = pinned.identity_map.filter(pl.col("record_key") == "b")
    assert b["known_from"].to_list() == [START + timedelta(days=1), at[0]]
    assert b["match_rule"].to_list() == ["own_record", "email"]
