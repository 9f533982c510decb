"""Contact checks against the simulator's truth: precision and recall by check."""

from __future__ import annotations

import polars as pl
import pytest

from leadflow.clean.lists import BLOCKLIST_COLUMNS, contact_lists
from leadflow.clean.records import RECORD_COLUMNS, check_lead_records
from leadflow.demo.simulate import simulate
from leadflow.policy import Policy
from leadflow.text.values import is_absent

_FORM = {
    "Form ID": "record_id", "E-mail": "email", "Phone": "phone", "Name": "full_name", "Company": "company_name",
    "Country": "country", "IP": "ip_address", "Created": "occurred_at",
}  # fmt: skip
_JUNK = pl.col("fake_kind") == "junk"
_SENSITIVE = pl.any_horizontal(pl.col("name_kind", "company_kind") == "sensitive")

TRUTHS = {
    "blocklisted_email": pl.col("blocklist_sign") == "email",
    "blocklisted_phone": pl.col("blocklist_sign") == "phone",
    "blocklisted_domain": pl.col("blocklist_sign") == "domain",
    "blocklisted_company": pl.col("blocklist_sign") == "company",
    "blocklisted_ip": pl.col("network") == "blocklisted",
    "competitor_domain": pl.col("competitor_sign") == "domain",
    "competitor_ip": pl.col("network") == "competitor",
    "email_invalid": pl.col("email_kind") == "invalid",
    "sensitive_words": _SENSITIVE,
    "made_up_contact": _JUNK,
    "disposable_mail": pl.col("has_disposable_mail"),
    "role_mail": pl.col("email_kind") == "role",
    "email_implausible": pl.col("email_kind") == "nonsense",
    "phone_fake": pl.col("phone_kind") == "fake",
    "phone_invalid": pl.col("phone_kind") == "invalid",
    "name_implausible": pl.col("name_kind") == "not_a_name",
    "company_implausible": pl.col("company_kind") == "not_a_company",
}
"""What the simulator did to a record, by the check that is to find it."""
FIELDS = {
    "email_invalid": "email",
    "phone_invalid": "phone",
    "name_implausible": "full_name",
    "company_implausible": "company_name",
}
"""Where the mess may also be an 'n/a', which is no value and so nothing to find."""
LOWEST = {
    "made_up_contact": (0.85, 1.0),
    "phone_fake": (0.7, 1.0),
    "email_invalid": (0.95, 1.0),
    "phone_invalid": (0.95, 0.7),
}
"""Precision and recall where they are not 1: a throw-away address beside a wrong phone is no proof; 20 nines are a
run, which the simulator calls invalid; misspelling makes some addresses wrong."""


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """3,000 forms with the truth about each, what was found (`found`), and whether they were rejected."""
    summary = simulate(tmp_path_factory.mktemp("checks"), leads=3000, events_per_lead=1, seed=7)
    typed = pl.read_csv(summary.out_dir / "mql.csv", infer_schema=False)
    records = typed.select(
        *(pl.col(theirs).alias(ours) for theirs, ours in _FORM.items()),
        record_key="mql:" + pl.col("Form ID"), raw_table=pl.lit("mql"), source_name=pl.lit("forms"), known_at="Created",
    )  # fmt: skip
    missing = [
        pl.lit(None, dtype=pl.String).alias(name) for name in RECORD_COLUMNS if name not in records.columns
    ]
    records = records.with_columns(*missing, pl.col("occurred_at", "known_at").str.to_datetime())
    listed = pl.read_csv(summary.out_dir / "blocklist.csv", infer_schema=False).with_columns(
        pl.col("Added").str.to_datetime()
    )
    blocklist = listed.select("Entry", "Kind", "Value", "Reason", "Added", known_at="Added").rename(
        dict(zip(listed.columns, list(BLOCKLIST_COLUMNS)[:5], strict=True))
    )
    policy = Policy()
    checked = check_lead_records(records, policy, contact_lists(policy, blocklist))
    also = pl.col("reason").str.extract(r"Found as well: (.*)\.$").str.split(", ").fill_null([])
    found = pl.concat(
        [
            checked.clean.select("record_id", found="contact_flags", is_rejected=pl.lit(value=False)),
            checked.rejected.select(
                "record_id", found=pl.concat_list("rule", also), is_rejected=pl.lit(value=True)
            ),
        ]
    )
    truth = pl.read_parquet(summary.out_dir / "truth" / "lead_records.parquet").filter(
        pl.col("raw_table") == "mql"
    )
    return truth.join(found, on="record_id").join(
        records.select("record_id", "email", "phone", "full_name", "company_name"), on="record_id"
    )


@pytest.mark.parametrize("check", list(TRUTHS))
def test_precision_and_recall(forms: pl.DataFrame, check: str) -> None:
    is_true = forms.select(TRUTHS[check].fill_null(value=False)).to_series()
    if check in FIELDS:
        is_true &= ~pl.Series([is_absent(text) for text in forms[FIELDS[check]]])
    is_found = forms["found"].list.contains(check)
    hits = (is_true & is_found).sum()
    assert is_true.sum() > 0
    lowest_precision, lowest_recall = LOWEST.get(check, (1.0, 1.0))
    print(f"{check}: {is_true.sum()} true, {is_found.sum()} found, {hits} of them right")
    assert hits / is_found.sum() >= lowest_precision
    assert hits / is_true.sum() >= lowest_recall


def test_hardly_anybody_real_is_rejected(forms: pl.DataFrame) -> None:
    is_bad = (
        (pl.col("fake_kind") != "none") | pl.col("blocklist_sign").is_not_null() | (pl.col("email_kind") == "invalid") | _SENSITIVE
    )  # fmt: skip
    wrong = forms.filter(pl.col("is_rejected") & ~is_bad)
    assert wrong.height / forms["is_rejected"].sum() < 0.05
    assert forms.filter(_JUNK)["is_rejected"].all()
