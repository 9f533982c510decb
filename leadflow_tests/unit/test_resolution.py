"""Who is who, from clean records to ids: what changed gives what everything anew gives, and nobody is lost or invented."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import replace

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from leadflow.clean.records import RECORD_COLUMNS, check_lead_records
from leadflow.identity.frames import FRAMES
from leadflow.identity.linkage_heads import changed_heads, heads_of
from leadflow.identity.linkage_leads import builtin_lead_model, model_pairs
from leadflow.identity.pins import APART, PIN_COLUMNS, Named, new_pin
from leadflow.identity.resolution import Former, Model, Resolution, resolve
from leadflow.policy import Policy

_NO_PINS = pl.DataFrame(schema=PIN_COLUMNS)
_TABLES = {
    "index": "identity.match_index",
    "pairs": "identity.match_pairs",
    "heads": "identity.match_heads",
    "identity_map": "identity.identity_map",
    "lead_ids": "identity.lead_ids",
    "log": "identity.identity_log",
    "account_ids": "identity.account_ids",
    "company_pairs": "identity.company_pairs",
}
_NOTHING = Former(**{name: pl.DataFrame(schema=FRAMES[table]) for name, table in _TABLES.items()})

_PEOPLE = [
    ("Anna Sharma", "anna.sharma@northwind.io", "+49 30 901820", "Northwind Logistics GmbH"),
    ("Ann Sharma", "anna@gmail.com", None, "Northwind"),
    ("Bob Miller", "bob@acme.com", "+1 713 374 3935", "Acme Inc."),
    ("Robert Miller", None, "+1 713 374 3935", "ACME"),
    ("王小明", "wang@fenyang.cn", "+86 186 6591 0277", "北京纷扬科技有限公司"),
    ("王小明", None, None, "纷扬科技"),
    ("Carla Diaz", "info@acme.com", None, "Acme"),
    ("Dan Roe", "info@acme.com", None, "Acme"),
    (None, "bob@acme.com", None, None),
    ("Anna Sharma", None, None, None),
]


def _day(day: int) -> dt.datetime:
    return dt.datetime(2026, 1, 1) + dt.timedelta(days=day)  # noqa: DTZ001 -- UTC without a zone, as in the warehouse


def _record(key: str, person: int, day: int, **fields: object) -> dict[str, object]:
    name, email, phone, company = _PEOPLE[person]
    table, _, number = key.partition(":")
    return {
        "record_key": key,
        "raw_table": table,
        "record_id": number,
        "mql_id": number if table == "mql" else None,
        "email": email,
        "phone": phone,
        "full_name": name,
        "company_name": company,
        "occurred_at": _day(day),
        "known_at": _day(day),
        "source_name": "test",
        **fields,
    }


def _clean(records: list[dict[str, object]]) -> pl.DataFrame:
    return check_lead_records(pl.DataFrame(records, schema=RECORD_COLUMNS)).clean


def _next(former: Former, resolution: Resolution) -> Former:
    """What the next refresh begins with."""

    def merged(state: pl.DataFrame, rows: pl.DataFrame, key: str) -> pl.DataFrame:
        return pl.concat([state.join(rows, on=key, how="anti"), rows]).sort(key)

    return Former(
        index=resolution.index,
        pairs=resolution.pairs,
        heads=resolution.heads,
        identity_map=resolution.identity_map,
        lead_ids=merged(former.lead_ids, resolution.lead_ids, "record_key"),
        log=merged(former.log, resolution.log, "event_id"),
        account_ids=resolution.accounts.ids,
        company_pairs=resolution.accounts.pairs,
    )


def _rebuilt(former: Former) -> Former:
    """The same of a full rebuild: the state alone."""
    return replace(
        former,
        index=former.index.clear(),
        pairs=former.pairs.clear(),
        heads=former.heads.clear(),
        company_pairs=former.company_pairs.clear(),
    )


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    """leadflow's own model over a lent DuckDB."""
    parameters = builtin_lead_model()
    with duckdb.connect(":memory:") as lent:
        yield Model(
            parameters.version,
            heads_of,
            changed_heads,
            lambda new, every: model_pairs(lent, new, every, parameters, 0.9, 0.5),
        )


def _resolve(
    records: list[dict[str, object]] | pl.DataFrame,
    former: Former = _NOTHING,
    *,
    pins: pl.DataFrame = _NO_PINS,
    model: Model | None = None,
    at: int = 100,
    policy: Policy | None = None,
) -> Resolution:
    clean = records if isinstance(records, pl.DataFrame) else _clean(records)
    return resolve(clean, former, pins, policy or Policy(), "same", model, at=_day(at))


def _leads(resolution: Resolution) -> dict[str, str]:
    current = resolution.identity_map.filter(pl.col("known_to").is_null())
    return dict(current.select("record_key", "lead_id").iter_rows())


def test_one_person_under_several_spellings_is_one_lead_at_one_account() -> None:
    records = [_record(f"mql:{number}", number, number) for number in range(len(_PEOPLE))]
    resolution = _resolve(records)
    leads = _leads(resolution)
    assert leads["mql:2"] == leads["mql:3"] == leads["mql:8"]  # by phone and nickname; by address
    assert leads["mql:4"] == leads["mql:5"]  # by company and name
    assert leads["mql:6"] != leads["mql:7"]  # a function's mailbox is nobody's
    assert leads["mql:9"] not in (leads["mql:0"], leads["mql:1"])  # nothing but a name
    accounts = dict(resolution.accounts.of_records.select("record_key", "account_id").iter_rows())
    assert accounts["mql:2"] == accounts["mql:3"] == accounts["mql:6"] is not None
    assert accounts["mql:9"] is None
    assert "anna" not in resolution.identity_map.write_json()


def test_the_address_of_a_function_is_no_leads_and_any_other_is_the_first_ones() -> None:
    records = [_record(f"mql:{number}", number, number) for number in range(len(_PEOPLE))]
    resolution = _resolve(records)
    emails = {row["email"]: row for row in resolution.emails.iter_rows(named=True)}
    assert "info@acme.com" not in emails
    assert emails["bob@acme.com"]["record_key"] == "mql:2"
    assert emails["bob@acme.com"]["lead_id"] == _leads(resolution)["mql:2"]


def test_a_record_that_ties_two_leads_merges_them_from_then_on_and_undoing_brings_both_back() -> None:
    apart = [_record("mql:1", 2, 1, phone=None), _record("mql:2", 3, 2, company_name="Bolt Ltd")]
    first = _resolve(apart, at=10)
    before = _leads(first)
    assert before["mql:1"] != before["mql:2"]
    former = _next(_NOTHING, first)
    tied = [*apart, _record("mql:3", 2, 11)]
    second = _resolve(tied, former, at=12)
    assert set(_leads(second).values()) == {before["mql:1"]}
    assert second.log["event"].to_list() == ["merged"]
    assert second.redirects.row(0)[:2] == (before["mql:2"], before["mql:1"])
    past = second.identity_map.filter(pl.col("known_to").is_not_null())
    assert past.select("record_key", "lead_id", "known_from", "known_to").rows() == [
        ("mql:2", before["mql:2"], _day(2), _day(11))
    ]
    former = _next(former, second)
    pins = new_pin(
        _NO_PINS, APART, Named("one", ("mql:1", "mql:3")), Named("other", ("mql:2",)), made_at=_day(12)
    )
    third = _resolve(tied, former, pins=pins, at=13)
    assert _leads(third) == {**before, "mql:3": before["mql:1"]}
    assert third.pairs.filter(pl.col("decision") == "refused")["refused_because"].to_list() == [
        "pinned_apart"
    ]
    assert third.redirects.is_empty()


@pytest.mark.parametrize(("seed", "has_model"), [(1, True), *((seed, False) for seed in range(8))])
def test_what_changed_gives_what_everything_anew_gives(seed: int, has_model: bool, model: Model) -> None:
    chance = random.Random(seed)
    used = model if has_model else None
    records: dict[str, dict[str, object]] = {}
    former, ids = _NOTHING, {}
    for step in range(6 if has_model else 12):
        for _ in range(chance.randint(1, 6)):
            key = f"{chance.choice(['mql', 'sql_leads'])}:{chance.randint(1, 40)}"
            fields: dict[str, object] = {}
            if chance.random() < 0.3:
                fields["email"] = chance.choice([None, "bob@acme.com", "zoe@bolt.io", "anna@gmail.com"])
            if chance.random() < 0.2 and key.startswith("sql"):
                fields["mql_id"] = str(chance.randint(1, 40))
            day = chance.randint(0, 10 * step + 1)
            records[key] = _record(key, chance.randrange(len(_PEOPLE)), day, **fields)
        for key in chance.sample(sorted(records), k=min(len(records) // 8, 3)):
            del records[key]
        clean = _clean(list(records.values()))
        shuffled, turned = clean.sample(fraction=1, shuffle=True, seed=step), clean.reverse()
        made = _resolve(shuffled, former, model=used, at=200 + step)
        anew = _resolve(turned, _rebuilt(former), model=used, at=200 + step)
        for name in ("index", "pairs", "heads", "identity_map", "lead_ids", "log", "redirects", "emails"):
            assert_frame_equal(getattr(made, name), getattr(anew, name))
        assert_frame_equal(made.accounts.accounts, anew.accounts.accounts)
        leads = _leads(made)
        assert sorted(leads) == sorted(clean["record_key"])
        moved = {key for keys in made.log["record_keys"] for key in keys}
        assert {key for key, lead in leads.items() if ids.get(key, lead) != lead} <= moved
        ids |= leads
        former = _next(former, made)


def test_another_fingerprint_matches_everything_anew_and_ids_stay() -> None:
    records = [_record(f"mql:{number}", number, number) for number in range(len(_PEOPLE))]
    first = _resolve(records)
    former = _next(_NOTHING, first)
    rules = tuple(rule for rule in Policy().matching.rules if rule.name == "email")
    policy = Policy().model_copy(update={"matching": Policy().matching.model_copy(update={"rules": rules})})
    clean = _clean(records)
    resolution = resolve(clean, former, _NO_PINS, policy, "another", None, at=_day(101))
    assert set(resolution.pairs["rule"]) == {"email"}
    assert set(_leads(resolution).values()) > set(_leads(first).values())


def test_no_records_make_no_leads() -> None:
    resolution = _resolve([])
    assert resolution.identity_map.is_empty()
    assert resolution.accounts.accounts.is_empty()
