"""The line on real leads: the Olist marketing funnel, by the example that is written for it."""

import os
from pathlib import Path

import pytest
from homes import REPOSITORY, Home, leadflow

DATA = Path(os.environ.get("LEADFLOW_TEST_DATA", "LEADFLOW_TEST_DATA")) / "olist_funnel"
EXAMPLE = REPOSITORY / "examples" / "olist"

LEADS = 8_000
WON = 842

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        not DATA.is_dir(),
        reason=f"{DATA} does not exist: set LEADFLOW_TEST_DATA to the folder that holds olist_funnel/ (examples/olist/README.md)",
    ),
]


@pytest.fixture(scope="module")
def olist(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home refreshed from the example's sources and policy."""
    home = Home(tmp_path_factory.mktemp("olist") / "home", EXAMPLE / "sources.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLIST_DIR", str(DATA))
        run = leadflow(home.path, "run", "--sources", home.sources, "--policy", EXAMPLE / "policy.yaml")
    assert run.returncode == 0, run.stdout + run.stderr
    return home


def test_every_submission_and_every_deal_is_counted(olist):
    funnel = dict(olist.rows("select stage, value from lead_funnel", of=olist.marts))
    assert funnel["lead_records"] == LEADS
    assert funnel["rejected_records"] == 0
    assert funnel["leads"] == LEADS  # without an address, every submission is a lead of its own
    assert funnel["leads_with_opportunity"] == WON
    assert funnel["won_leads"] == WON


def test_no_row_was_rejected(olist):
    assert olist.rows("select * from raw.rejected_rows") == []
    assert olist.value("select count(*) from raw.opportunities") == WON


def test_the_model_tells_leads_apart_as_far_as_these_data_allow(olist):
    ((status, auc, low, high),) = olist.rows(
        "select status, auc, auc_low, auc_high from model_card", of=olist.marts
    )
    assert status == "model"
    assert 0.62 < auc < 0.75  # much more would mean that an outcome leaked in
    assert low < auc < high


def test_the_model_learned_from_no_lead_before_the_policy_lets_it(olist):
    assert str(olist.value("select min(as_of) from features.training_examples")) >= "2018-01-01"


def test_leads_in_a_higher_tier_or_score_band_were_won_more_often(olist):
    rates = olist.rows(
        "select ntile, avg(is_won) from (select ntile(5) over (order by s.score, s.lead_id) as ntile, "
        "cast(coalesce(o.won_count, 0) > 0 as integer) as is_won from scoring.scored_leads s "
        "left join features.lead_outcomes o using (lead_id) where s.created_at >= timestamp '2018-01-01') group by 1 order by 1"
    )
    assert rates[-1][1] > 2 * rates[0][1]
