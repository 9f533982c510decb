"""What is done with a lead record whose person or company was known already.

Belongs here: which of the five actions a duplicate gets, and why. Does not belong here: whether two records are one lead
(clusters), who owns what (ownership.py), what the settings are (survivorship_policy.py).

Nothing here acts: each row says what the CRM or a person should do, and which facts say so. No reason names a person.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from leadflow.identity.ownership import owners_by
from leadflow.survivorship_policy import Action, Duplicates, KeyFact

_TIMESTAMP = pl.Datetime("us")

DUPLICATE_COLUMNS: dict[str, pl.DataType] = {
    "record_key": pl.String(),
    "lead_id": pl.String(),
    "account_id": pl.String(),
    "joined": pl.String(),
    "action": pl.String(),
    "owner": pl.String(),
    "former_owner": pl.String(),
    "source_lead_id": pl.String(),
    "source_record_key": pl.String(),
    "reason": pl.String(),
    "known_at": _TIMESTAMP,
}

RECORDS_READ = (
    "record_key", "raw_table", "mql_id", "occurred_at", "known_at", "company_core_key", "seniority", "phones",
    "email_domain", "is_free_mail", "is_disposable_mail",
)  # fmt: skip
MEMBERSHIPS_READ = ("record_key", "lead_id", "account_id", "known_from", "known_to")
"""What actions are chosen by, of clean.clean_leads and of the identity map."""

_ORDER = ("known_at", "occurred_at", "record_key")
_FACTS: Mapping[KeyFact, tuple[str, str]] = {
    "company": ("company_core_key", "company"),
    "seniority": ("seniority", "band of title"),
    "phone": ("phone", "phone number"),
    "email_domain": ("own_domain", "e-mail domain"),
}
"""Of each key fact the column that tells it and what it is called."""


def duplicate_actions(
    records: pl.DataFrame,
    identity_map: pl.DataFrame,
    ownership: pl.DataFrame,
    duplicates: Duplicates | None = None,
) -> pl.DataFrame:
    """`DUPLICATE_COLUMNS`, one row per duplicate, by record_key.

    Args:
        records: of `clean.clean_leads`, `RECORDS_READ`.
        identity_map: `MEMBERSHIPS_READ`; rows with a known_to are former memberships.
        ownership: as `ownership.ownership_facts` gives it.
        duplicates: the policy's; its defaults unless given.

    A record is a duplicate where its lead had a record before it (joined 'lead'), or else its account (joined 'account');
    before goes by known_at, occurred_at and record_key. The actions are asked for in the policy's order:

    - account_owner_takes_over: a key fact is another than the lead's last record that tells it, and the account's owner
      is not the lead's.
    - link_to_source: the record's former lead was merged into this one, or it is a CRM lead made from a form of this lead.
    - tag_only: the lead's latest record so far happened not more than repeat_days apart, or the record is a CRM lead with an owner.
    - assign_to_owner: the lead has an owner, or else its account.
    - route: neither has one who is active.

    Owners are those known now; a CRM lead's own owner is none of the lead or account that it joins.
    """
    settings = duplicates or Duplicates()
    joined = _joined(records, identity_map)
    merged = _merged(identity_map)
    duplicate = (
        _with_changes(joined, settings)
        .join(merged, on="record_key", how="left")
        .with_columns(
            joined=pl.coalesce("joined", pl.when(pl.col("merged_lead_id").is_not_null()).then(pl.lit("lead")))
        )
    )
    owned = _with_owners(duplicate.drop_nulls("joined"), joined, ownership)
    forms = joined.select(form_key="record_key", form_lead_id="lead_id")
    named = owned.with_columns(
        form_key=pl.when(pl.col("raw_table") == "sql_leads").then("mql:" + pl.col("mql_id"))
    ).join(forms, on="form_key", how="left")
    return _chosen(named, settings).select(*DUPLICATE_COLUMNS).sort("record_key")


def _joined(records: pl.DataFrame, identity_map: pl.DataFrame) -> pl.DataFrame:
    """The records with their lead and account, in their order, `joined` and the moment of the lead's record before."""
    current = identity_map.filter(pl.col("known_to").is_null()).select(
        "record_key", "lead_id", "account_id", "known_from"
    )
    is_own = ~pl.col("is_free_mail") & ~pl.col("is_disposable_mail")
    members = records.select(
        *(*_ORDER, "raw_table", "mql_id", "company_core_key", "seniority"),
        phone=pl.col("phones").list.first(),
        own_domain=pl.when(is_own).then("email_domain"),
    ).join(current, on="record_key", how="inner")
    # One sort serves both: the order within a lead and within an account is the same.
    members = members.sort(_ORDER).with_row_index("row")
    of_lead = members.group_by("lead_id").agg(lead_first=pl.col("row").min(), lead_size=pl.len())
    of_account = members.group_by("account_id").agg(account_first=pl.col("row").min())
    placed = members.join(of_lead, on="lead_id", how="left").join(of_account, on="account_id", how="left")
    return placed.with_columns(
        joined=pl.when(pl.col("row") > pl.col("lead_first"))
        .then(pl.lit("lead"))
        .when(pl.col("row") > pl.col("account_first"))
        .then(pl.lit("account"))
    ).sort("row")


def _with_changes(joined: pl.DataFrame, settings: Duplicates) -> pl.DataFrame:
    """With is_duplicate, changed (names of key facts that are others than before, null for none) and is_repeat."""
    several = joined.filter(pl.col("lead_size") > 1).sort("lead_id", "row")
    is_first = pl.col("row") == pl.col("lead_first")
    changes = []
    for fact in settings.key_facts:
        column, name = _FACTS[fact]
        before = pl.col(column).forward_fill().over("lead_id").shift()
        is_other = ~is_first & (pl.col(column) != before)
        if fact == "company":  # another spelling of the name is the same account
            account = pl.col("account_id").forward_fill().over("lead_id").shift()
            is_other &= pl.col("account_id").ne_missing(account)
        changes.append(pl.when(is_other).then(pl.lit(name)))
    # A record that is known later may have happened earlier, and long before.
    apart = (pl.col("occurred_at") - pl.col("occurred_at").cum_max().over("lead_id").shift()).abs()
    told = several.select(
        "row",
        changed=pl.concat_str(changes, separator=", ", ignore_nulls=True) if changes else pl.lit(""),
        is_repeat=~is_first & (apart <= pl.duration(days=settings.repeat_days)) & (settings.repeat_days > 0),
    )
    return joined.join(told, on="row", how="left").with_columns(
        pl.when(pl.col("changed") != "").then("changed"), pl.col("is_repeat").fill_null(value=False)
    )


def _merged(identity_map: pl.DataFrame) -> pl.DataFrame:
    """record_key and merged_lead_id of records whose former lead is no more: it was merged into the one they are in."""
    is_current = pl.col("known_to").is_null()
    living = identity_map.filter(is_current).select("lead_id").unique()
    return (
        identity_map.filter(~is_current)
        .join(living, on="lead_id", how="anti")
        .sort("record_key", "known_to", "lead_id")
        .unique("record_key", keep="last", maintain_order=True)
        .select("record_key", merged_lead_id="lead_id")
    )


def _with_owners(duplicate: pl.DataFrame, members: pl.DataFrame, ownership: pl.DataFrame) -> pl.DataFrame:
    """With lead_owner (whom the lead's other records say), account_owner (whom its other leads say) and own_owner."""
    facts = ownership.join(
        members.select("record_key", "lead_id", "account_id"), on="record_key", how="inner"
    )
    of_lead = owners_by(facts, "lead_id", "record_key").rename(
        {"owner": "lead_owner", "record_key": "lead_says", "other_owner": "lead_other"}
    )
    of_account = owners_by(facts, "account_id", "lead_id").rename(
        {"owner": "account_owner", "lead_id": "account_says", "other_owner": "account_other"}
    )
    own = owners_by(facts, "record_key", "lead_id").select("record_key", own_owner="owner")
    return (
        duplicate.join(of_lead, on="lead_id", how="left")
        .join(of_account, on="account_id", how="left")
        .join(own, on="record_key", how="left")
        .with_columns(
            lead_owner=pl.when(pl.col("lead_says") == pl.col("record_key"))
            .then("lead_other")
            .otherwise("lead_owner"),
            account_owner=pl.when(pl.col("account_says") == pl.col("lead_id"))
            .then("account_other")
            .otherwise("account_owner"),
        )
    )


def _chosen(facts: pl.DataFrame, settings: Duplicates) -> pl.DataFrame:
    """With the first action of the policy's order that fits, and what goes with it."""
    former = pl.coalesce("lead_owner", "own_owner")
    is_merged = pl.col("merged_lead_id").is_not_null()
    is_from_form = pl.col("form_lead_id") == pl.col("lead_id")
    is_owned_crm_lead = (pl.col("raw_table") == "sql_leads") & pl.col("own_owner").is_not_null()
    owner = pl.coalesce("lead_owner", "account_owner")
    fits: dict[Action, pl.Expr] = {
        "account_owner_takes_over": pl.col("changed").is_not_null()
        & pl.col("account_owner").is_not_null()
        & pl.col("account_owner").ne_missing(former),
        "link_to_source": is_merged | is_from_form,
        "tag_only": pl.col("is_repeat") | is_owned_crm_lead,
        "assign_to_owner": owner.is_not_null(),
        "route": owner.is_null(),
    }
    told: dict[Action, pl.Expr] = {
        "account_owner_takes_over": pl.format(
            "Other than in the lead's last record: {}. The owner of its account takes over.", "changed"
        ),
        "link_to_source": pl.when(is_merged)
        .then(pl.lit("Its former lead was merged into this one."))
        .otherwise(pl.lit("It is the CRM lead made from a form of this lead.")),
        "tag_only": pl.when("is_repeat")
        .then(pl.lit(f"The person came again within {_days(settings.repeat_days)}."))
        .when(is_owned_crm_lead)
        .then(pl.lit("It is a CRM lead that has its owner."))
        .otherwise(pl.lit("No action of the policy fits.")),
        "assign_to_owner": pl.when(pl.col("lead_owner").is_not_null())
        .then(pl.lit("The lead has an owner."))
        .otherwise(pl.lit("The lead has no owner, its account has.")),
        "route": pl.lit("No active sales rep owns the lead or its account."),
    }
    action = pl.coalesce(
        *(pl.when(fits[name].fill_null(value=False)).then(pl.lit(name)) for name in settings.order),
        pl.lit("tag_only"),
    )
    acted = facts.with_columns(action=action)
    takes_over, links = pl.col("action") == "account_owner_takes_over", pl.col("action") == "link_to_source"
    return acted.with_columns(
        owner=pl.when(takes_over).then("account_owner").otherwise(pl.coalesce(former, "account_owner")),
        former_owner=pl.when(takes_over).then(former),
        source_lead_id=pl.when(links).then(pl.coalesce("merged_lead_id", "form_lead_id")),
        source_record_key=pl.when(links & is_from_form).then("form_key"),
        reason=pl.coalesce(pl.when(pl.col("action") == name).then(text) for name, text in told.items()),
        known_at=pl.max_horizontal("known_at", "known_from"),
    )


def _days(count: int) -> str:
    return "a day" if count == 1 else f"{count} days"
