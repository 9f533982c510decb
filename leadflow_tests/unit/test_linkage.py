import json
import random
from dataclasses import replace

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.errors import LeadflowError
from leadflow.identity.linkage import level_weights, model_from_json, score_pairs
from leadflow.identity.linkage_clusters import refine
from leadflow.identity.linkage_fields import guess_fields, prepare
from leadflow.identity.linkage_pruning import _distances
from leadflow.identity.linkage_training import candidate_pairs, train_persons

SYLLABLES = ("ba", "ri", "to", "len", "mo", "ska", "du", "vin", "ger", "hal", "osh", "pem")
GIVEN = [one + other for one in SYLLABLES for other in SYLLABLES[:6]]
FAMILY = [f"{one}{other}{last}n" for one in SYLLABLES for other in SYLLABLES for last in SYLLABLES][::7]
FEW_NAMES = (GIVEN[:10], FAMILY[:12])
CITIES = ["london", "leeds", "york", "bristol", "cardiff"]


def _persons(count: int, seed: int, names: tuple[list[str], list[str]] = (GIVEN, FAMILY)) -> pl.DataFrame:
    """Persons of one to three records each, with slips and gaps; 'person' is who."""
    chance = random.Random(seed)
    rows = []
    for person in range(count):
        given, family = chance.choice(names[0]), chance.choice(names[1])
        born = f"{chance.randint(1940, 2005)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        facts = {
            "first_name": given, "surname": family, "dob": born, "city": chance.choice(CITIES),
            "email": f"{given}.{family}{chance.randint(1, 99)}@{chance.choice(['mail', 'post', 'box'])}.com",
        }  # fmt: skip
        for _ in range(chance.randint(1, 3)):
            said = {name: _slipped(value, chance) for name, value in facts.items()}
            rows.append({"key": f"r{len(rows):04}", "person": str(person), **said})
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(facts, pl.String))


def _slipped(value: str, chance: random.Random) -> str | None:
    if chance.random() < 0.1:
        return None
    if chance.random() < 0.15:
        at = chance.randrange(len(value) - 1)
        return value[:at] + value[at + 1] + value[at] + value[at + 2 :]
    return value


@pytest.fixture(scope="module")
def persons():
    return _persons(200, seed=5)


@pytest.fixture(scope="module")
def fields():
    return guess_fields(["first_name", "surname", "dob", "city", "email"])


@pytest.fixture(scope="module")
def ready(persons, fields):
    return prepare(persons, fields, "key")


@pytest.fixture(scope="module")
def model(ready, fields):
    return train_persons(duckdb.connect(), ready, fields, seed=3, code_version="test")


@pytest.fixture(scope="module")
def scored(ready, model):
    connection = duckdb.connect()
    pairs = candidate_pairs(connection, ready, model.blocking)
    return score_pairs(connection, ready, pairs, model)


def test_the_same_records_give_the_same_model(ready, fields, model):
    again = train_persons(duckdb.connect(), ready, fields, seed=3, code_version="test")
    assert again.to_json() == model.to_json()


def test_what_agrees_speaks_for_one_person_and_what_differs_against(model):
    for part in model.comparisons:
        weights = dict(level_weights(part).values())
        assert weights["same"] > 1 > 0 > weights["different"], part["output_column_name"]
        assert weights["not known"] == 0


def _precision_and_recall(persons: pl.DataFrame, scored: pl.DataFrame) -> tuple[float, float]:
    weighted = list(scored.select("unique_id_l", "unique_id_r", "match_weight").iter_rows())
    groups = refine(persons["key"], weighted)
    who = dict(persons.select("key", "person").iter_rows())
    joined = {(a, b) for group in groups for a in group for b in group if a < b}
    true = {(a, b) for a in who for b in who if a < b and who[a] == who[b]}
    return len(joined & true) / len(joined), len(joined & true) / len(true)


def test_persons_are_found_without_their_labels(persons, scored):
    precision, recall = _precision_and_recall(persons, scored)
    assert precision > 0.85
    assert recall > 0.95


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_namesakes_are_told_apart_where_many_share_few_names(fields, seed):
    persons = _persons(200, seed, FEW_NAMES)
    connection, ready = duckdb.connect(), prepare(persons, fields, "key")
    model = train_persons(connection, ready, fields, seed=3, code_version="test")
    pairs = candidate_pairs(connection, ready, model.blocking)
    precision, _ = _precision_and_recall(persons, score_pairs(connection, ready, pairs, model))
    assert precision > 0.9


def test_a_kept_model_scores_as_the_one_that_was_trained(ready, model, scored):
    kept = model_from_json(model.to_json())
    assert kept.version == model.version
    pairs = scored.select("unique_id_l", "unique_id_r")
    assert score_pairs(duckdb.connect(), ready, pairs, kept).equals(scored)


def test_a_pair_scores_the_same_alone_turned_round_and_among_others(ready, model, scored):
    pairs = scored.sample(40, seed=1).sort("unique_id_l", "unique_id_r")
    turned = pairs.select(unique_id_l="unique_id_r", unique_id_r="unique_id_l")
    few = ready.filter(
        pl.col("unique_id").is_in(pl.concat([pairs["unique_id_l"], pairs["unique_id_r"]]).implode())
    )
    assert score_pairs(duckdb.connect(), few, turned, model).equals(pairs)


def test_pairs_of_little_weight_are_left_out_and_the_others_score_as_among_all(ready, model, scored):
    pairs = scored.select("unique_id_l", "unique_id_r")
    weights = scored["match_weight"].sort()
    for least in (-100.0, -3.0, 0.0, weights[len(weights) // 2], weights[-1], 100.0):
        found = score_pairs(duckdb.connect(), ready, pairs, model, least)
        assert found.equals(scored.filter(pl.col("match_weight") >= least))


@given(
    st.lists(
        st.tuples(st.text("abé北京", max_size=8), st.text("abé北京", max_size=8)), min_size=1, max_size=20
    )
)
def test_distances_are_the_engines_up_to_the_most_that_is_asked_for(pairs):
    import pyarrow as pa

    ones, others = (pa.chunked_array([list(side)]) for side in zip(*pairs, strict=True))
    told = [duckdb.execute("select damerau_levenshtein(?, ?)", pair).fetchall()[0][0] for pair in pairs]
    assert _distances(ones, others, 2).to_pylist() == [min(each, 3) for each in told]


def test_the_lent_connection_is_left_as_it_was(ready, model, scored):
    connection = duckdb.connect()
    connection.execute("create table own as select 1 as one")
    score_pairs(connection, ready, scored.select("unique_id_l", "unique_id_r").head(5), model)
    score_pairs(connection, ready, scored.select("unique_id_l", "unique_id_r").head(5), model, 0.0)
    tables = connection.execute("select table_name from information_schema.tables").fetchall()
    assert tables == [("own",)]


def test_no_pairs_give_no_scores(ready, model, scored):
    assert score_pairs(
        duckdb.connect(), ready, scored.select("unique_id_l", "unique_id_r").clear(), model
    ).is_empty()


def test_parameters_make_the_version_and_what_it_was_trained_on_does_not(model):
    assert replace(model, prior=model.prior * 2).version != model.version
    assert replace(model, trained_on={}).version == model.version


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda parts: {**parts, "prior": 0.5}, "changed after training"),
        (lambda parts: {**parts, "format": 0}, "has format 0"),
        (lambda parts: {name: value for name, value in parts.items() if name != "comparisons"}, "is no matching model"),
    ],
)  # fmt: skip
def test_a_model_that_was_tampered_with_is_refused(model, change, problem):
    with pytest.raises(LeadflowError, match=problem):
        model_from_json(json.dumps(change(json.loads(model.to_json()))), "here.json")
    with pytest.raises(LeadflowError, match=r"here\.json is no matching model"):
        model_from_json("{", "here.json")


@pytest.mark.parametrize(
    "change",
    [
        pl.col("city", "first_name").replace_strict({}, default=None, return_dtype=pl.String),
        pl.col("city", "surname").str.slice(0, 0) + "same",
        pl.all(),
    ],
    ids=["columns without a value", "columns with one value", "every record for itself"],
)
def test_any_table_of_persons_teaches_a_model(fields, change, request):
    persons = _persons(60, 8).with_columns(change)
    if "itself" in request.node.name:
        persons = persons.unique("person", maintain_order=True)
    connection, ready = duckdb.connect(), prepare(persons, fields, "key")
    model = train_persons(connection, ready, fields, seed=1, code_version="test")
    scored = score_pairs(connection, ready, candidate_pairs(connection, ready, model.blocking), model)
    assert scored["match_weight"].is_finite().all()


def test_too_few_records_teach_nothing(ready, fields):
    with pytest.raises(LeadflowError, match="too few"):
        train_persons(duckdb.connect(), ready.head(5), fields, seed=1, code_version="test")
