import json
import random
from datetime import datetime, timedelta

import duckdb
import polars as pl
import pytest

from leadflow.identity.linkage import model_from_json
from leadflow.identity.linkage_heads import KEYS, changed_heads, heads_of
from leadflow.identity.linkage_lead_training import train_lead_model
from leadflow.identity.linkage_leads import builtin_lead_model, model_pairs

START = datetime(2026, 1, 1)  # noqa: DTZ001
COLUMNS = {
    "record_key": pl.String, "known_at": pl.Datetime("us"), "mailbox": pl.String, "is_role_mail": pl.Boolean,
    "phones": pl.List(pl.String), "wechat_id": pl.String, "person_key": pl.String, "given_name": pl.String, "family_name": pl.String,
    "own_domain": pl.String, "company_core_key": pl.String, "country": pl.String,
}  # fmt: skip
GIVEN = ["anna", "bob", "robert", "carla", "dimitri", "eva", "farid", "g", "hanna", "ivo"]
FAMILY = ["berger", "bergr", "quinn", "okafor", "lindqvist", "moreau", "tanaka", "abbott"]


def _record(key: str, name: str | None = None, **facts: object) -> dict[str, object]:
    given, _, family = (name or "").partition(" ")
    row = dict.fromkeys(COLUMNS) | {"record_key": key, "known_at": START, **facts}
    row |= {"given_name": given or None, "family_name": family or None}
    row["person_key"] = " ".join(sorted(name.split())) if name else None
    return row


def _index(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=COLUMNS)


def _random_index(count: int, seed: int) -> pl.DataFrame:
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        name = f"{chance.choice(GIVEN)} {chance.choice(FAMILY)}"
        site = chance.choice([f"site{place}.com" for place in range(count // 12 + 2)])
        mail = f"{name.replace(' ', '.')}@{chance.choice([site, site, 'gmail.com'])}"
        rows.append(
            _record(
                f"mql:{number:05}",
                chance.choice([name, name, name, None]),
                known_at=START + timedelta(hours=chance.randrange(1000)),
                mailbox=chance.choice([mail, mail, None]),
                phones=chance.choice([None, [f"+4930{chance.randrange(count):06}"]]),
                own_domain=site if mail.endswith(site) else None,
                company_core_key=chance.choice([site.split(".")[0], None]),
                country=chance.choice(["Germany", "France"]),
            )
        )
    return _index(*rows)


def _pairs(new: pl.DataFrame, heads: pl.DataFrame, **settings: object) -> pl.DataFrame:
    arguments = {"match_from": 0.9, "review_from": 0.01, **settings}
    return model_pairs(duckdb.connect(), new, heads, builtin_lead_model(), **arguments)


def test_records_that_say_the_same_have_one_head_the_earliest():
    later = _record("mql:1", "anna berger", mailbox="a@x.com", known_at=START + timedelta(days=1))
    heads = heads_of(
        _index(
            later,
            _record("mql:2", "anna berger", mailbox="a@x.com"),
            _record("mql:3", "bob quinn", mailbox="b@x.com"),
        )
    )
    assert heads["unique_id"].to_list() == ["mql:2", "mql:3"]


@pytest.mark.parametrize(
    ("facts", "is_head"),
    [
        ({"name": "anna berger"}, False),
        ({"company_core_key": "x"}, False),
        ({"name": "anna berger", "company_core_key": "x"}, True),
        ({"mailbox": "a@x.com"}, True),
        ({"mailbox": "info@x.com", "is_role_mail": True}, False),
        ({"phones": ["+4930123456"]}, True),
        ({"phones": []}, False),
        ({}, False),
    ],
)
def test_records_that_say_too_little_are_no_heads(facts, is_head):
    assert heads_of(_index(_record("mql:1", **facts))).height == is_head


def test_a_key_of_too_many_heads_is_no_key():
    rows = [
        _record(f"mql:{n:03}", "john smith", company_core_key="na", mailbox=f"m{n}@x{n}.com")
        for n in range(11)
    ]
    assert heads_of(_index(*rows), key_cap=11)["key_family_company"].null_count() == 0
    assert heads_of(_index(*rows), key_cap=10)["key_family_company"].null_count() == 11


def test_a_namesake_at_a_placeholder_company_a_hundred_thousand_times_gives_no_pair():
    many = pl.concat([_index(_record("mql:0", "john smith", company_core_key="na"))] * 100_000).with_columns(
        record_key=pl.int_range(100_000).cast(pl.String),
        mailbox=pl.int_range(100_000).cast(pl.String) + "@mail.com",
    )
    heads = heads_of(many)
    assert heads.height == 100_000
    assert _pairs(heads, heads).is_empty()


PERSONS = [
    ("same name, company misspelt", {"company_core_key": "northwind traders"}, {"company_core_key": "northwind tradres"}, "match"),
    ("short name at one company", {"name": "bob quinn", "company_core_key": "northwind"}, {"name": "robert quinn", "company_core_key": "northwind"}, "match"),
    ("one mailbox", {"mailbox": "a.b@x.com"}, {"mailbox": "a.b@x.com", "name": "anna brger"}, "match"),
    ("namesakes elsewhere", {"company_core_key": "northwind", "mailbox": "anna.berger@gmail.com"}, {"company_core_key": "southsea", "mailbox": "anna.berger@web.de"}, None),
    ("colleagues on one line", {"name": "anna berger", "phones": ["+4930123456"], "company_core_key": "northwind"}, {"name": "ivo moreau", "phones": ["+4930123456"], "company_core_key": "northwind"}, None),
    ("colleagues of one family name", {"name": "anna berger", "own_domain": "x.com", "mailbox": "anna@x.com"}, {"name": "ivo berger", "own_domain": "x.com", "mailbox": "ivo@x.com"}, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "decision"), [case[1:] for case in PERSONS], ids=[case[0] for case in PERSONS]
)
def test_the_model_that_comes_along_decides(one, other, decision):
    common = {"name": "anna berger", "country": "Germany"}
    heads = heads_of(_index(_record("mql:1", **common | one), _record("mql:2", **common | other)))
    found = _pairs(heads, heads, review_from=0.5)
    assert found["decision"].to_list() == ([decision] if decision else [])


def test_a_pair_says_its_weights_and_reason_and_no_value():
    heads = heads_of(
        _index(
            _record("mql:1", "anna berger", mailbox="secret@x.com"),
            _record(
                "mql:2",
                "anna berger",
                mailbox="secret@x.com",
                country="France",
                known_at=START + timedelta(days=3),
            ),
        )
    )
    pair = _pairs(heads, heads).row(0, named=True)
    assert (pair["record_key_1"], pair["record_key_2"], pair["rule"]) == ("mql:1", "mql:2", "model")
    assert pair["known_from"] == START + timedelta(days=3)
    weights = json.loads(pair["weights"])
    assert weights["mailbox"] > 8
    assert weights["name"] > 8
    assert weights["country"] == 0
    assert "mailbox same" in pair["reason"]
    assert "secret" not in pair["reason"] + pair["weights"]


@pytest.mark.parametrize("seed", range(4))
def test_pairs_of_changed_heads_put_in_place_give_what_all_heads_give(seed):
    index = _random_index(240, seed)
    chance = random.Random(seed)
    removed = set(chance.sample(index["record_key"].to_list(), 20))
    edited = set(chance.sample(index["record_key"].to_list(), 20))
    first = index.head(200).with_columns(
        mailbox=pl.when(pl.col("record_key").is_in(edited)).then(pl.lit("was@other.com")).otherwise("mailbox")
    )
    now = index.filter(~pl.col("record_key").is_in(removed))
    # A cap so low that keys come and go with it.
    before, after = heads_of(first, key_cap=4), heads_of(now, key_cap=4)
    pairs_before = _pairs(before, before)
    new, stale = changed_heads(before.select("unique_id", "digest"), after)
    kept = pairs_before.filter(
        ~pl.col("record_key_1").is_in(stale.implode()) & ~pl.col("record_key_2").is_in(stale.implode())
    )
    incremental = pl.concat([kept, _pairs(new, after)]).sort("record_key_1", "record_key_2")
    full = _pairs(after, after)
    assert 0 < new.height < after.height
    assert kept.height > 0
    assert incremental.equals(full)


def test_each_pair_is_found_once_and_by_the_text_order_of_its_keys():
    heads = heads_of(_random_index(200, 2))
    found = _pairs(heads, heads)
    assert found.height > 20
    assert found.select("record_key_1", "record_key_2").is_unique().all()
    assert (found["record_key_1"] < found["record_key_2"]).all()


def test_the_model_that_comes_along_fits_the_keys_that_heads_have():
    model = builtin_lead_model()
    assert {key for entry in model.blocking for key in entry} == set(KEYS)
    assert model.trained_on["records"] > 10_000
    assert model.trained_on["seed"] is not None


def test_a_model_trained_on_own_records_is_the_same_twice_and_tells_what_on():
    index = _random_index(1_500, 4)
    text = train_lead_model(duckdb.connect(), index, seed=2, code_version="1.2.3")
    assert train_lead_model(duckdb.connect(), index, seed=2, code_version="1.2.3") == text
    model = model_from_json(text)
    assert model.trained_on["code_version"] == "1.2.3"
    heads = heads_of(index)
    assert model_pairs(duckdb.connect(), heads, heads, model, 0.9, 0.5).height > 10
