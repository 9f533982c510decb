"""The line on a file without ids and dates: online shoppers' sessions, by the example that is written for them."""

import csv
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from homes import REPOSITORY, Home, leadflow

DATA = Path(os.environ.get("LEADFLOW_TEST_DATA", "LEADFLOW_TEST_DATA")) / "online_shoppers"
EXAMPLE = REPOSITORY / "examples" / "online_shoppers"

MONTHS = {
    "Feb": 2,
    "Mar": 3,
    "May": 5,
    "June": 6,
    "Jul": 7,
    "Aug": 8,
    "Sep": 9,
    "Oct": 10,
    "Nov": 11,
    "Dec": 12,
}

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        not DATA.is_dir(),
        reason=f"{DATA} does not exist: set LEADFLOW_TEST_DATA to the folder that holds online_shoppers/ (examples/online_shoppers/README.md)",
    ),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home refreshed from the example's sources and policy."""
    home = Home(tmp_path_factory.mktemp("shop") / "home", EXAMPLE / "sources.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOPPERS_DIR", str(DATA))
        run = leadflow(home.path, "run", "--sources", home.sources, "--policy", EXAMPLE / "policy.yaml")
    assert run.returncode == 0, run.stdout + run.stderr
    return home


@pytest.fixture(scope="module")
def sessions() -> list[dict[str, str]]:
    """The rows of the file as Python reads them."""
    with (DATA / "online_shoppers_intention.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_every_session_is_a_lead_also_of_those_that_are_alike(shop, sessions):
    assert len(sessions) == 12_330
    assert len({tuple(session.values()) for session in sessions}) < len(sessions)
    bought = sum(session["Revenue"] == "TRUE" for session in sessions)
    funnel = dict(shop.rows("select stage, value from lead_funnel", of=shop.marts))
    assert (funnel["leads"], funnel["leads_with_opportunity"]) == (len(sessions), len(sessions))
    assert funnel["won_leads"] == bought == 1_908
    assert shop.rows("select * from raw.rejected_rows") == []


def test_months_are_the_files(shop, sessions):
    found = shop.rows("select month(occurred_at), day(occurred_at), count(*) from raw.mql group by all")
    assert {month: count for month, _, count in found} == Counter(
        MONTHS[session["Month"]] for session in sessions
    )
    assert {day for _, day, _ in found} == {1}


def test_a_session_has_its_own_outcome_and_its_own_attributes(shop, sessions):
    """Both sources call a session by its place in the file."""
    outcomes = dict(shop.rows("select mql_id, outcome from raw.opportunities"))
    assert outcomes == {
        str(place): "won" if session["Revenue"] == "TRUE" else "lost"
        for place, session in enumerate(sessions, 1)
    }
    pages = dict(
        shop.rows(
            "select record_id, cast(value as double) from raw.attributes where attribute = 'product_pages'"
        )
    )
    assert pages == {
        str(place): float(session["ProductRelated"]) for place, session in enumerate(sessions, 1)
    }
    channels = dict(shop.rows("select mql_id, channel from raw.mql"))
    assert channels == {
        str(place): f"traffic type {session['TrafficType']}" for place, session in enumerate(sessions, 1)
    }


def test_codes_are_no_numbers(shop):
    model = shop.value("select model_version from model_card", of=shop.marts)
    kinds = {
        column["feature"]: column["kind"]
        for column in json.loads((shop.path / "models" / f"{model}.json").read_text(encoding="utf-8"))[
            "fitted"
        ]["estimator"]["columns"]
    }
    codes = {kinds[f"attribute {code}"] for code in ("region", "browser", "operating_system")}
    assert codes in ({"categorical"}, {"one_hot"})
    assert {kinds[f"attribute {count}"] for count in ("product_pages", "product_seconds")} == {"numeric"}


def test_the_model_learns_what_can_be_told_and_no_outcome(shop, sessions):
    ((status, auc, low, high, test_from, tested),) = shop.rows(
        "select status, auc, auc_low, auc_high, test_from, test_examples from model_card", of=shop.marts
    )
    assert status == "model"
    assert 0.66 < auc < 0.75  # 0.9 and more is what PageValues, which contains the purchase, would give
    assert low < auc < high
    assert (str(test_from), tested) == (
        "2017-11-01 00:00:00",
        sum(session["Month"] in ("Nov", "Dec") for session in sessions),
    )


def test_sessions_that_score_higher_bought_more_often(shop):
    rates = shop.rows(
        "select ntile, avg(is_won) from (select ntile(5) over (order by s.score, s.lead_id) as ntile, "
        "cast(o.won_count > 0 as integer) as is_won from scoring.scored_leads s "
        "join features.lead_outcomes o using (lead_id)) group by 1 order by 1"
    )
    assert rates[-1][1] > 3 * rates[0][1]
